package audit

import (
	"strings"
	"testing"

	"blackout/harness/plan"
	"blackout/reports/verdict"
)

// TestFates holds each rule on both of its sides.
func TestFates(t *testing.T) {
	const quick = second / 10
	of := func(list ...ended) map[string][]ended { return map[string][]ended{"view": list, "pay": fine} }
	cases := map[string]struct {
		story
		want Fate
		says string
	}{
		"all ok":                     {story{outage: of(ended{40, verdict.OK, quick})}, Survives, "100 % of the answers were ok"},
		"one in twenty is not ok":    {story{outage: of(ended{38, verdict.OK, quick}, ended{2, verdict.Unavailable, quick})}, Survives, "95 % of the answers were ok"},
		"more than that":             {story{outage: of(ended{37, verdict.OK, quick}, ended{3, verdict.Unavailable, quick})}, Degrades, "92 % of the answers were of use, 100 % in the baseline; 92 % were ok"},
		"all late":                   {story{outage: of(ended{40, verdict.Late, 3 * second})}, Degrades, "0 % were ok"},
		"all marked as old":          {story{outage: of(ended{40, verdict.Degraded, quick})}, Degrades, "100 % of the answers were of use"},
		"half of no use":             {story{outage: of(ended{20, verdict.OK, quick}, ended{20, verdict.Unavailable, 6 * second})}, Degrades, "50 % of the answers were of use"},
		"more than half of no use":   {story{outage: of(ended{19, verdict.OK, quick}, ended{21, verdict.Unavailable, 6 * second})}, Dies, "48 % of the answers were of use, 100 % in the baseline"},
		"says no":                    {story{outage: of(ended{40, verdict.Declined, quick})}, Dies, "0 % of the answers were of use"},
		"answered when it was over":  {story{outage: of(ended{40, verdict.Late, 40 * second})}, Dies, "0 % of the answers were of use"},
		"half of a poor baseline":    {story{baseline: map[string][]ended{"view": {{12, verdict.OK, quick}, {8, verdict.Declined, quick}}}, outage: of(ended{13, verdict.OK, quick}, ended{27, verdict.Declined, quick})}, Degrades, "60 % in the baseline"},
		"under half of a poor one":   {story{baseline: map[string][]ended{"view": {{12, verdict.OK, quick}, {8, verdict.Declined, quick}}}, outage: of(ended{11, verdict.OK, quick}, ended{29, verdict.Declined, quick})}, Dies, "60 % in the baseline"},
		"the harness was late":       {story{outage: of(ended{20, verdict.OK, quick}, ended{20, verdict.Void, quick})}, Survives, "100 %"},
		"only undecided ones failed": {story{outage: of(ended{57, verdict.OK, quick}, ended{3, verdict.Unavailable, 6 * second})}, Survives, "100 %"}, // due from 48.5 s on: their deadline is after the return
		"one was wrong": {
			story{outage: of(ended{39, verdict.OK, quick}, ended{1, verdict.Wrong, quick}), findings: []verdict.Finding{{Check: "zero-balance", Class: verdict.Wrong, Journey: "view"}, {Check: "hang", Class: verdict.Unavailable, Journey: "view"}}},
			Misleads, "1 answer was wrong (zero-balance); 98 % of the answers were of use",
		},
		"wrong ones of another":   {story{outage: map[string][]ended{"view": {{40, verdict.OK, quick}}, "pay": {{20, verdict.Wrong, quick}}}}, Survives, "100 %"},
		"harm comes before wrong": {story{outage: of(ended{20, verdict.Wrong, quick}, ended{2, verdict.Harmful, quick})}, Harms, "2 payments were harmed; 0 % of the answers were of use"},
		"too few":                 {story{outage: of(ended{19, verdict.OK, quick})}, Unknown, "only 19 attempts could be told by, 20 are needed"},
		"few and wrong":           {story{outage: of(ended{18, verdict.OK, quick}, ended{1, verdict.Wrong, quick})}, Misleads, "1 answer was wrong"},
		"inconclusive":            {story{verdict: verdict.Inconclusive, reasons: []string{"it rained", "it snowed"}, outage: of(ended{40, verdict.Wrong, quick})}, Unknown, "the run is inconclusive: it rained; it snowed"},
		"not used":                {story{verdict: verdict.NotApplicable, reasons: []string{"the app used nothing that failed"}, outage: of(ended{40, verdict.OK, quick})}, Unknown, "not-applicable"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.id, c.plan = "r1", without("service infura")
			if c.verdict == "" {
				c.verdict = verdict.Pass
			}
			if c.baseline == nil {
				c.baseline = calm()
			}
			a, err := Make([]*Evidence{c.evidence(t)})
			if err != nil {
				t.Fatal(err)
			}
			got := a.Experiments[0].Journeys[0]
			if got.Journey != "view" || got.Fate != c.want || !strings.Contains(got.Why, c.says) {
				t.Errorf("%s %s: %q, want %s: %q", got.Journey, got.Fate, got.Why, c.want, c.says)
			}
			lost := len(a.SinglePoints) > 0 && a.SinglePoints[0].Journeys[0].Journey == "view"
			if lost != c.want.Lost() {
				t.Errorf("%s, and single points are %+v", got.Fate, a.SinglePoints)
			}
		})
	}
}

// TestBaselineLeavesOutWhatTheFaultCaught has payments under way when the fault came: they say nothing about the time before.
func TestBaselineLeavesOutWhatTheFaultCaught(t *testing.T) {
	s := story{
		id: "r1", plan: without("service infura"), verdict: verdict.Pass,
		baseline: map[string][]ended{"view": {{38, verdict.OK, second}, {2, verdict.Unavailable, 6 * second}}, "pay": {{10, verdict.OK, 2 * second}, {10, verdict.Degraded, second}}},
		outage:   map[string][]ended{"view": {{40, verdict.OK, second}}, "pay": fine},
	}
	e := s.evidence(t)
	if got, want := e.samples["view"].baseline, (Sample{38, 38, 38}); got != want {
		t.Errorf("view: %+v, want %+v", got, want)
	}
	// Those due at 10 s have 10 s: their time was over when the fault came.
	if got, want := e.samples["pay"].baseline, (Sample{11, 10, 11}); got != want {
		t.Errorf("pay: %+v, want %+v", got, want)
	}
}

// TestHelpless holds that what no app can do is said, and is a single point all the same.
func TestHelpless(t *testing.T) {
	for class, helpless := range map[string]bool{"ok": false, "late": false, "degraded": false, "declined": true, "unavailable": true} {
		s := story{
			id: "r1", verdict: verdict.Pass, baseline: calm(), outage: map[string][]ended{"view": {{40, verdict.Unavailable, second}}, "pay": fine},
			plan: without("region aws/us-east-1", func(p *plan.Plan) {
				p.Journeys[0].Best = []plan.Best{{From: 0, Class: "ok"}, {From: taken, Class: class}, {From: returned + second, Class: "ok"}}
			}),
		}
		a, err := Make([]*Evidence{s.evidence(t)})
		if err != nil {
			t.Fatal(err)
		}
		if o := a.Experiments[0].Journeys[0]; string(o.Best) != class || o.Helpless != helpless {
			t.Errorf("%s: best %s, helpless %t", class, o.Best, o.Helpless)
		}
		if len(a.SinglePoints) != 1 || a.SinglePoints[0].Journeys[0] != (Loss{"view", Dies, helpless}) {
			t.Errorf("%s: single points %+v", class, a.SinglePoints)
		}
	}
}

// TestOfSeveralRuns has one thing taken away twice: what tells something counts, and of what tells the gravest.
func TestOfSeveralRuns(t *testing.T) {
	run := func(id, word string, outage ...ended) *Evidence {
		s := story{id: id, plan: without("service infura"), verdict: word, baseline: calm(), outage: map[string][]ended{"view": outage, "pay": fine}}
		return s.evidence(t)
	}
	a, err := Make([]*Evidence{
		run("r1", verdict.Inconclusive, ended{40, verdict.OK, second}), run("r2", verdict.Pass, ended{40, verdict.Declined, second}),
		run("r3", verdict.Fail, ended{40, verdict.Wrong, second}), run("r4", verdict.Pass, ended{40, verdict.OK, second}),
	})
	if err != nil {
		t.Fatal(err)
	}
	var fates []string
	for _, x := range a.Experiments {
		fates = append(fates, x.Run+" "+string(x.Journeys[0].Fate))
	}
	if got, want := strings.Join(fates, ", "), "r2 dies, r3 misleads, r4 survives"; got != want {
		t.Errorf("experiments: %s, want %s", got, want)
	}
	if len(a.SinglePoints) != 1 || a.SinglePoints[0].Journeys[0].Fate != Misleads {
		t.Errorf("single points: %+v", a.SinglePoints)
	}
	if _, _, unknown := a.Counts(); len(unknown) > 0 {
		t.Errorf("not known: %s", unknown)
	}
}
