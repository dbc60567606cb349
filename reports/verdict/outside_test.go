package verdict

import (
	"fmt"
	"testing"

	"blackout/harness/clock"
	"blackout/harness/history"
)

// TestOutsideBeforeBaseline has an app ask for something and then not start: what it asked for is told all the same, as from before the baseline.
func TestOutsideBeforeBaseline(t *testing.T) {
	t.Parallel()
	for name, seal := range map[string]*history.Seal{"aborted": {End: history.EndAborted, Reason: "no answer", At: 9e6}, "killed": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j, err := Judge(&history.History{
				Header: history.Header{Schema: history.Schema, Run: "r"}, Seal: seal,
				Lookups: []history.Lookup{{Host: "db.example.org", Answer: history.AnswerUnknown, At: 2e6}, {Host: "db.example.org", Answer: history.AnswerUnknown, At: 4e6}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(j.Verdict.Outside) != 1 {
				t.Fatalf("outside %+v", j.Verdict.Outside)
			}
			o := j.Verdict.Outside[0]
			if o.What() != "db.example.org" || o.Often() != "2 look-ups" || o.First() != "before the baseline" || len(o.Windows) > 0 {
				t.Errorf("%+v", o)
			}
		})
	}
}

// TestOutsideMany tells the names and the addresses that were asked for most one by one, and loses none of the rest.
func TestOutsideMany(t *testing.T) {
	t.Parallel()
	const more = 7
	h := &history.History{Header: history.Header{Schema: history.Schema, Run: "r"}}
	var looked, connected int64
	for i := range mostOutside + more {
		for n := range i + 1 {
			h.Lookups = append(h.Lookups, history.Lookup{Host: fmt.Sprintf("h%d.example.org", i), Answer: history.AnswerUnknown, At: clock.Micros(n)})
			looked++
		}
		h.Strays = append(h.Strays, history.Stray{Kind: history.StrayTCP, Address: "203.0.113.7", Port: 1 + i, Count: int64(1 + i)})
		connected += int64(1 + i)
	}
	h.Strays = append(h.Strays, history.Stray{Kind: history.StrayTCP, Count: 1000})
	j, err := Judge(h)
	if err != nil {
		t.Fatal(err)
	}
	v := j.Verdict
	if len(v.Outside) != 2*(mostOutside+1) || len(v.UnmodelledHosts) != mostOutside+more {
		t.Fatalf("%d outside, %d names", len(v.Outside), len(v.UnmodelledHosts))
	}
	if first := v.Outside[0].What(); first != fmt.Sprintf("h%d.example.org", mostOutside+more-1) {
		t.Errorf("first is %s", first)
	}
	rest := int64(more * (more + 1) / 2)
	if o := v.Outside[mostOutside]; o.What() != "other names" || o.Count != rest {
		t.Errorf("%+v", o)
	}
	if o := v.Outside[2*mostOutside+1]; o.What() != "other addresses" || o.Count != rest+1000 {
		t.Errorf("%+v", o)
	}
	sum := map[string]int64{}
	for _, o := range v.Outside {
		sum[o.Kind] += o.Count
	}
	if sum[OutsideName] != looked || sum[OutsideTCP] != connected+1000 {
		t.Errorf("sums %v of %d look-ups and %d connections", sum, looked, connected)
	}
}
