package verdict

import (
	"fmt"
	"testing"
	"time"

	"blackout/harness/history"
)

// BenchmarkJudge judges 100,000 attempts, one in five of them in the outage and wrong.
func BenchmarkJudge(b *testing.B) {
	h := expand(b, story{Attempts: []group{{Journey: "view-balance", From: 10 * time.Second, To: 20 * time.Second, Answer: "zero"}}})
	one := h.Attempts
	h.Attempts = nil
	for k := 0; len(h.Attempts) < 100_000; k++ {
		for _, a := range one {
			if a.Journey == "view-balance" {
				a.ID = fmt.Sprintf("%s-%d", a.ID, k)
				h.Attempts = append(h.Attempts, a)
			}
		}
	}
	h.Attempts = append(h.Attempts, only(one, "send-payment")...)
	b.ReportAllocs()
	for b.Loop() {
		j, err := Judge(h)
		if err != nil || j.Verdict.Verdict != Fail {
			b.Fatal(j, err)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(h.Attempts))/b.Elapsed().Seconds(), "attempts/s")
}

func only(list []history.Attempt, journey string) []history.Attempt {
	var kept []history.Attempt
	for _, a := range list {
		if a.Journey == journey {
			kept = append(kept, a)
		}
	}
	return kept
}
