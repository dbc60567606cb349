package junit

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"

	"blackout/reports/verdict"
)

func judged(word string, findings ...verdict.Finding) *verdict.Verdict {
	score := 40
	return &verdict.Verdict{
		Verdict: word, Reasons: []string{"a reason with <brackets> & an ampersand"}, Run: verdict.Run{App: "wallet", Scenario: "down", Seed: 7, StartedAt: "2026-01-02T03:04:05Z"},
		Cells: []verdict.Cell{
			{Journey: "view", Score: &score, Attempts: map[string]map[verdict.Class]int{verdict.Outage: {verdict.OK: 3, verdict.Wrong: 2}}},
			{Journey: "pay", Score: &score},
		},
		Findings: findings,
	}
}

// read parses what was written as any reader of JUnit would.
func read(t *testing.T, runs ...*verdict.Verdict) (suites, string) {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, runs...); err != nil {
		t.Fatal(err)
	}
	var got suites
	if err := xml.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v in\n%s", err, out.String())
	}
	return got, out.String()
}

func TestFail(t *testing.T) {
	zero := verdict.Finding{ID: "zero-balance/view/acct-00", Check: "zero-balance", Class: verdict.Wrong, Journey: "view", Count: 2, FirstAtS: 15.4, Attempts: []string{"view#3"}, Text: "showed 0\x00\x1b[31m"}
	hang := verdict.Finding{ID: "hang/pay/acct-00", Check: "hang", Class: verdict.Unavailable, Journey: "pay", Count: 1}
	got, text := read(t, judged(verdict.Fail, zero, hang))
	if got.Tests != 2 || got.Failures != 1 || got.Errors != 0 {
		t.Errorf("%d tests, %d failures, %d errors", got.Tests, got.Failures, got.Errors)
	}
	view, pay := got.Suites[0].Cases[0], got.Suites[0].Cases[1]
	if view.Failure == nil || view.Failure.Type != "zero-balance" || !strings.Contains(view.Failure.Text, "view#3") {
		t.Errorf("view: %+v", view.Failure)
	}
	if pay.Failure != nil {
		t.Errorf("a hang does not fail a verdict, but: %+v", pay.Failure)
	}
	if strings.ContainsAny(text, "\x00\x1b") {
		t.Error("characters that XML cannot carry")
	}
}

func TestNoDataIsNeverAPass(t *testing.T) {
	for _, word := range []string{verdict.Inconclusive, verdict.NotApplicable} {
		got, _ := read(t, judged(word))
		if got.Errors != 2 || got.Suites[0].Cases[0].Error.Type != word {
			t.Errorf("%s: %d errors", word, got.Errors)
		}
	}
	empty := judged(verdict.Inconclusive)
	empty.Cells = nil
	if got, _ := read(t, empty); got.Tests != 1 || got.Errors != 1 {
		t.Errorf("a run without journeys: %d tests, %d errors", got.Tests, got.Errors)
	}
}

func TestPassAndSum(t *testing.T) {
	got, _ := read(t, judged(verdict.Pass), judged(verdict.Pass))
	if len(got.Suites) != 2 || got.Tests != 4 || got.Failures+got.Errors != 0 {
		t.Errorf("%+v", got)
	}
}
