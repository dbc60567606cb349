package scorecard

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/spec"
	"blackout/reports/verdict"
)

// ran is a verdict of one run; score −1 is none. cells are journey → worst class in the outage.
func ran(app, scenario string, seed uint64, at int, score int, cells map[string]verdict.Class) *verdict.Verdict {
	v := &verdict.Verdict{Schema: verdict.Schema, Run: verdict.Run{ID: fmt.Sprintf("2026%04d", at), App: app, Scenario: scenario, Seed: seed}, Verdict: verdict.Pass, Severity: verdict.Safe}
	if score < 0 {
		v.Verdict, v.Severity = verdict.Inconclusive, verdict.Unknown
		return v
	}
	v.Score = &score
	for name, class := range cells {
		s := score
		v.Cells = append(v.Cells, verdict.Cell{Journey: name, Kind: "read", Score: &s, Attempts: map[string]map[verdict.Class]int{verdict.Outage: {verdict.OK: 5, class: 1}}})
		switch class {
		case verdict.Wrong:
			v.Verdict, v.Severity = verdict.Fail, verdict.Misleading
		case verdict.Harmful:
			v.Verdict, v.Severity = verdict.Fail, verdict.Harming
		}
	}
	return v
}

func fine() map[string]verdict.Class { return map[string]verdict.Class{"view": verdict.OK} }

func TestCard(t *testing.T) {
	suite := &spec.Suite{Name: "standard", Version: "1", Scenarios: []spec.SuiteEntry{{Name: "a", Weight: 3}, {Name: "b", Weight: 1}}}
	for name, c := range map[string]struct {
		runs     []*verdict.Verdict
		suite    *spec.Suite
		headline string
		score    int
		coverage float64
		caps     int
	}{
		"all well":                {[]*verdict.Verdict{ran("w", "a", 1, 1, 95, fine()), ran("w", "b", 1, 2, 91, fine())}, suite, "A 94 · safe", 94, 1, 0},
		"by weight, rounded down": {[]*verdict.Verdict{ran("w", "a", 1, 1, 80, fine()), ran("w", "b", 1, 2, 81, fine())}, suite, "B 80 · safe", 80, 1, 0},
		"wrong holds the letter at C": {[]*verdict.Verdict{ran("w", "a", 1, 1, 96, fine()), ran("w", "b", 1, 2, 96, map[string]verdict.Class{"view": verdict.Wrong})}, suite,
			"C 96 · misleading in 1 of 2", 96, 1, 1},
		"wrong raises no letter": {[]*verdict.Verdict{ran("w", "a", 1, 1, 30, fine()), ran("w", "b", 1, 2, 30, map[string]verdict.Class{"view": verdict.Wrong})}, suite,
			"F 30 · misleading in 1 of 2", 30, 1, 0},
		"harm is an F":         {[]*verdict.Verdict{ran("w", "a", 1, 1, 99, fine()), ran("w", "b", 1, 2, 99, map[string]verdict.Class{"view": verdict.Harmful})}, suite, "F · harmful in 1", 99, 1, 1},
		"not covered":          {[]*verdict.Verdict{ran("w", "a", 1, 1, 99, fine())}, suite, "? 99 · safe", 99, 0.75, 1},
		"inconclusive is no 0": {[]*verdict.Verdict{ran("w", "a", 1, 1, -1, nil), ran("w", "b", 1, 2, 90, fine())}, suite, "? 90 · safe", 90, 0.25, 1},
		"the latest run of a seed counts": {[]*verdict.Verdict{ran("w", "a", 1, 5, 70, fine()), ran("w", "a", 1, 1, 99, fine()), ran("w", "b", 1, 2, 70, fine())}, suite,
			"C 70 · safe", 70, 1, 0},
		"seeds: the median, lower of two": {[]*verdict.Verdict{ran("w", "a", 1, 1, 10, fine()), ran("w", "a", 2, 2, 80, fine()), ran("w", "a", 3, 3, 90, fine())}, nil, "B 80 · safe", 80, 1, 0},
		"no suite: all count alike":       {[]*verdict.Verdict{ran("w", "x", 1, 1, 60, fine()), ran("w", "y", 1, 2, 90, fine())}, nil, "B 75 · safe", 75, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			cards := Make(c.runs, c.suite)
			if len(cards) != 1 {
				t.Fatalf("%d cards", len(cards))
			}
			got := cards[0]
			if got.Headline != c.headline || got.Score == nil || *got.Score != c.score || got.Coverage != c.coverage || len(got.Caps) != c.caps {
				t.Errorf("got %q, score %v, coverage %g, caps %q; want %q, %d, %g, %d caps", got.Headline, *got.Score, got.Coverage, got.Caps, c.headline, c.score, c.coverage, c.caps)
			}
		})
	}
}

func TestEverySeedOfTheSuiteCounts(t *testing.T) {
	suite := &spec.Suite{Name: "s", Seeds: []uint64{1, 2, 3}, Scenarios: []spec.SuiteEntry{{Name: "a", Weight: 1}}}
	got := Make([]*verdict.Verdict{ran("w", "a", 1, 1, 90, fine()), ran("w", "a", 2, 2, -1, nil), ran("w", "a", 9, 3, 90, fine())}, suite)[0]
	if got.Coverage != 1.0/3 || got.Grade != "?" {
		t.Errorf("coverage %g, grade %s: one seed of three has a score", got.Coverage, got.Grade)
	}
}

func TestNoScoreIsNoCardWithALetter(t *testing.T) {
	got := Make([]*verdict.Verdict{ran("w", "a", 1, 1, -1, nil)}, nil)[0]
	if got.Score != nil || got.Grade != "?" || got.Severity != verdict.Unknown {
		t.Errorf("%+v", got)
	}
}

func TestOneSeedOfAWrongAnswerIsEnough(t *testing.T) {
	got := Make([]*verdict.Verdict{
		ran("w", "a", 1, 1, 90, fine()), ran("w", "a", 2, 2, 90, map[string]verdict.Class{"view": verdict.Wrong}), ran("w", "a", 3, 3, 90, fine()),
	}, nil)[0]
	if got.Severity != verdict.Misleading || got.Scenarios[0].Journeys[0].Worst != verdict.Wrong {
		t.Errorf("severity %s, worst %s", got.Severity, got.Scenarios[0].Journeys[0].Worst)
	}
}

func TestOrder(t *testing.T) {
	var got []string
	for _, c := range Make([]*verdict.Verdict{
		ran("good", "a", 1, 1, 95, fine()), ran("weak", "a", 1, 2, 50, fine()), ran("lies", "a", 1, 3, 90, map[string]verdict.Class{"view": verdict.Wrong}),
		ran("harms", "a", 1, 4, 99, map[string]verdict.Class{"view": verdict.Harmful}), ran("unknown", "a", 1, 5, -1, nil), ran("good", "control", 1, 6, 1, fine()),
	}, nil) {
		got = append(got, c.App)
	}
	if diff := cmp.Diff([]string{"harms", "lies", "weak", "good", "unknown"}, got); diff != "" {
		t.Error(diff)
	}
}
