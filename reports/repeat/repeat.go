// Package repeat says how far the runs of one app under one scenario spread when only the seed differs: the middle, the worst, the best, and how sure the mean is.
// It is a pure function of their verdicts.
package repeat

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"blackout/reports/verdict"
)

// Schema is the version of repeat.json. Fields are added, never renamed.
const Schema = "blackout/repeat/1"

// Spread is repeat.json: one app under one scenario, once for each seed.
type Spread struct {
	Schema   string `json:"schema"`
	App      string `json:"app"`
	Scenario string `json:"scenario"`
	Asked    int    `json:"asked"` // runs that were asked for; an interrupt leaves fewer
	Runs     []Run  `json:"runs"`  // by seed
	// Verdicts counts the runs by verdict, every verdict present; Passed is the count of passes again, for those who ask for nothing else.
	Verdicts map[string]int `json:"verdicts"`
	Passed   int            `json:"passed"`
	// Severity is the worst of the runs with a score; unknown when none has one.
	Severity string    `json:"severity"`
	Score    *Score    `json:"score"` // null when no run has one
	Journeys []Journey `json:"journeys"`
}

// Run is one of the runs.
type Run struct {
	ID       string `json:"id"`
	Seed     uint64 `json:"seed"`
	Verdict  string `json:"verdict"`
	Score    *int   `json:"score"`
	Severity string `json:"severity"`
}

// Journey is the spread of one journey's cell.
type Journey struct {
	Journey string `json:"journey"`
	Kind    string `json:"kind"`
	Score   *Score `json:"score"`
}

// severities from the mildest.
var severities = []string{verdict.Unknown, verdict.Safe, verdict.Misleading, verdict.Harming}

// Of makes one spread for each app and scenario among the runs, in the order in which these first appear. asked is how many runs of each were asked for. Controls
// are left out: they are no runs of the scenario.
func Of(runs []*verdict.Verdict, asked int) []Spread {
	type key struct{ app, scenario string }
	by := map[key][]*verdict.Verdict{}
	var order []key
	for _, v := range runs {
		if v.Run.Control {
			continue
		}
		k := key{v.Run.App, v.Run.Scenario}
		if by[k] == nil {
			order = append(order, k)
		}
		by[k] = append(by[k], v)
	}
	spreads := make([]Spread, 0, len(order))
	for _, k := range order {
		spreads = append(spreads, spread(k.app, k.scenario, by[k], asked))
	}
	return spreads
}

func spread(app, scenario string, runs []*verdict.Verdict, asked int) Spread {
	s := Spread{Schema: Schema, App: app, Scenario: scenario, Asked: asked, Verdicts: map[string]int{}, Severity: verdict.Unknown, Runs: []Run{}, Journeys: []Journey{}}
	for _, name := range []string{verdict.Pass, verdict.Fail, verdict.Inconclusive, verdict.NotApplicable} {
		s.Verdicts[name] = 0
	}
	var scores []int
	cells := map[string][]int{}
	for _, v := range runs {
		s.Runs = append(s.Runs, Run{ID: v.Run.ID, Seed: v.Run.Seed, Verdict: v.Verdict, Score: v.Score, Severity: v.Severity})
		s.Verdicts[v.Verdict]++
		for _, c := range v.Cells {
			if !slices.ContainsFunc(s.Journeys, func(j Journey) bool { return j.Journey == c.Journey }) {
				s.Journeys = append(s.Journeys, Journey{Journey: c.Journey, Kind: c.Kind})
			}
			if c.Score != nil {
				cells[c.Journey] = append(cells[c.Journey], *c.Score)
			}
		}
		if v.Score == nil {
			continue
		}
		scores = append(scores, *v.Score)
		if slices.Index(severities, v.Severity) > slices.Index(severities, s.Severity) {
			s.Severity = v.Severity
		}
	}
	slices.SortStableFunc(s.Runs, func(a, b Run) int { return cmp.Compare(a.Seed, b.Seed) })
	s.Passed, s.Score = s.Verdicts[verdict.Pass], NewScore(scores)
	for i := range s.Journeys {
		s.Journeys[i].Score = NewScore(cells[s.Journeys[i].Journey])
	}
	return s
}

// Encode gives repeat.json, with a newline at the end.
func (s Spread) Encode() ([]byte, error) {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the spread of %s under %s: %w", s.App, s.Scenario, err)
	}
	return append(text, '\n'), nil
}
