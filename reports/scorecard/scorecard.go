// Package scorecard puts the verdicts of many runs together: per app, scenarios × journeys, one score and letter, and the facts that made them.
package scorecard

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"blackout/harness/spec"
	"blackout/reports/verdict"
)

// Schema is the version of scorecard.json. Fields are added, never renamed.
const Schema = "blackout/scorecard/1"

// Card is one app's results over a suite, or over whatever scenarios were run.
type Card struct {
	Schema string `json:"schema"`
	App    string `json:"app"`
	Suite  string `json:"suite,omitempty"` // "standard 2026.1"; "" when every scenario found counts alike
	// Score is the weighted mean of the scenarios' scores, null without any; Grade is at most C with a wrong cell, F with a harmful one, ? below 80 % coverage.
	Score    *int    `json:"score"`
	Grade    string  `json:"grade"`
	Severity string  `json:"severity"`
	Coverage float64 `json:"coverage"` // the scenarios' coverage by weight, over the suite's weight
	// Headline is what a badge says: "B 81 · safe", "C 88 · misleading in 1 of 24", "F · harmful in 2".
	Headline  string     `json:"headline"`
	Caps      []string   `json:"caps"` // why the grade is not what the score says
	Scenarios []Scenario `json:"scenarios"`
	// Sum is the arithmetic behind Score, null without one. Facts are the findings that made grade and severity, gravest first.
	Sum   *Sum   `json:"sum"`
	Facts []Fact `json:"facts"`
	// Versions and TimeScales are of all runs that count; OldestRun and NewestRun are when the first and the last of them began.
	Versions   Versions  `json:"versions"`
	TimeScales []float64 `json:"time_scales"`
	OldestRun  string    `json:"oldest_run"`
	NewestRun  string    `json:"newest_run"`
	// Changed is what differs from an earlier scorecard; left out when none was given.
	Changed *Changed `json:"changed,omitempty"`
}

// Scenario is one row.
type Scenario struct {
	Name   string  `json:"name"`
	Weight float64 `json:"weight"`
	// Score is the median over the seeds, null when no seed has one; Severity is the worst.
	Score    *int      `json:"score"`
	Severity string    `json:"severity"`
	Coverage float64   `json:"coverage"` // how many of the suite's seeds, or without one of the seeds that were run, have a score
	Seeds    []Seed    `json:"seeds"`
	Journeys []Journey `json:"journeys"`
}

// Seed is one run of a scenario.
type Seed struct {
	Seed    uint64   `json:"seed"`
	Run     string   `json:"run"`
	Verdict string   `json:"verdict"`
	Score   *int     `json:"score"`
	Reasons []string `json:"reasons"`
	// Cells are the arithmetic behind Score, by journey.
	Cells []SeedCell `json:"cells"`
}

// SeedCell is one journey in one run.
type SeedCell struct {
	Journey string       `json:"journey"`
	Weight  int          `json:"weight"` // payments weigh more
	Score   *int         `json:"score"`
	Sum     *verdict.Sum `json:"sum,omitempty"`
}

// Journey is one cell: the median score over the seeds, and the worst class that occurred.
type Journey struct {
	Name  string        `json:"name"`
	Kind  string        `json:"kind"`
	Score *int          `json:"score"`
	Worst verdict.Class `json:"worst"`
	// Attempts count from the outage on, over the runs with a score; classes that did not occur are left out.
	Attempts map[verdict.Class]int `json:"attempts"`
}

// needed is the coverage below which a card has no letter.
const needed = 0.8

// Make builds the cards of all apps among the runs, worst severity first, then the lowest score. suite may be nil. Of several runs of one app, scenario and seed the
// latest counts. The control scenario and the controls of runs are left out: they say whether the harness is fair, not how
// an app degrades.
func Make(runs []*verdict.Verdict, suite *spec.Suite) []Card {
	byApp := map[string][]*verdict.Verdict{}
	outages := slices.DeleteFunc(slices.Clone(runs), func(v *verdict.Verdict) bool { return v.Run.Control || v.Run.Scenario == "control" })
	for _, v := range Latest(outages) {
		byApp[v.Run.App] = append(byApp[v.Run.App], v)
	}
	cards := make([]Card, 0, len(byApp))
	for app, of := range byApp {
		cards = append(cards, card(app, of, suite))
	}
	sort.Slice(cards, func(i, j int) bool {
		a, b := cards[i], cards[j]
		if x, y := severityRank(a.Severity), severityRank(b.Severity); x != y {
			return x > y
		}
		if x, y := value(a.Score), value(b.Score); x != y {
			return x < y
		}
		return a.App < b.App
	})
	return cards
}

// Latest keeps one run per app, scenario and seed. Run ids begin with the time, so the greatest is the latest.
func Latest(runs []*verdict.Verdict) []*verdict.Verdict {
	type key struct {
		app, scenario string
		seed          uint64
	}
	newest := map[key]*verdict.Verdict{}
	for _, v := range runs {
		k := key{v.Run.App, v.Run.Scenario, v.Run.Seed}
		if old := newest[k]; old == nil || v.Run.ID > old.Run.ID {
			newest[k] = v
		}
	}
	kept := make([]*verdict.Verdict, 0, len(newest))
	for _, v := range newest {
		kept = append(kept, v)
	}
	sort.Slice(kept, func(i, j int) bool { return kept[i].Run.ID < kept[j].Run.ID })
	return kept
}

func card(app string, runs []*verdict.Verdict, suite *spec.Suite) Card {
	c := Card{Schema: Schema, App: app, Severity: verdict.Safe, Caps: []string{}, Facts: []Fact{}}
	by := map[string][]*verdict.Verdict{}
	for _, v := range runs {
		by[v.Run.Scenario] = append(by[v.Run.Scenario], v)
	}
	var all, covered float64
	var sum Sum
	var counted []*verdict.Verdict
	for _, e := range entries(by, suite) {
		counted = append(counted, by[e.Name]...)
		s := scenario(e, by[e.Name], suite)
		all += s.Weight
		covered += s.Weight * s.Coverage
		if s.Score != nil {
			sum.add(s)
			c.Facts = append(c.Facts, facts(s.Name, by[e.Name])...)
			c.Severity = worse(c.Severity, s.Severity)
		}
		c.Scenarios = append(c.Scenarios, s)
	}
	if suite != nil {
		c.Suite = suite.Name + " " + suite.Version
	}
	if all > 0 {
		c.Coverage = covered / all
	}
	if sum.Weight > 0 {
		score := int(math.Floor(sum.Mean))
		c.Score, c.Sum = &score, &sum
	} else {
		c.Severity = verdict.Unknown
	}
	sortFacts(c.Facts)
	c.made(counted)
	c.grade()
	return c
}

// entries are the rows: the suite's scenarios, or each scenario that was run with weight 1.
func entries(by map[string][]*verdict.Verdict, suite *spec.Suite) []spec.SuiteEntry {
	if suite != nil {
		return suite.Scenarios
	}
	var list []spec.SuiteEntry
	for name := range by {
		list = append(list, spec.SuiteEntry{Name: name, Weight: 1})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list
}

func scenario(e spec.SuiteEntry, runs []*verdict.Verdict, suite *spec.Suite) Scenario {
	s := Scenario{Name: e.Name, Weight: e.Weight, Severity: verdict.Unknown, Seeds: []Seed{}, Journeys: []Journey{}}
	var scores []int
	cells := map[string][]verdict.Cell{}
	var order []string
	for _, v := range runs {
		s.Seeds = append(s.Seeds, Seed{Seed: v.Run.Seed, Run: v.Run.ID, Verdict: v.Verdict, Score: v.Score, Reasons: append([]string{}, v.Reasons...), Cells: seedCells(v)})
		if v.Score == nil {
			continue
		}
		scores = append(scores, *v.Score)
		s.Severity = worse(s.Severity, v.Severity)
		for _, c := range v.Cells {
			if cells[c.Journey] == nil {
				order = append(order, c.Journey)
			}
			cells[c.Journey] = append(cells[c.Journey], c)
		}
	}
	sort.Slice(s.Seeds, func(i, j int) bool { return s.Seeds[i].Seed < s.Seeds[j].Seed })
	s.Score = median(scores)
	s.Coverage = coverage(s.Seeds, suite)
	for _, name := range order {
		j := Journey{Name: name, Worst: verdict.OK, Attempts: map[verdict.Class]int{}}
		var of []int
		for _, c := range cells[name] {
			j.Kind = c.Kind
			if c.Score != nil {
				of = append(of, *c.Score)
			}
			for _, window := range []string{verdict.Outage, verdict.Recovery, verdict.After} {
				for i, class := range verdict.Classes() {
					n := c.Attempts[window][class]
					if n == 0 {
						continue
					}
					j.Attempts[class] += n
					if i > classRank(j.Worst) {
						j.Worst = class
					}
				}
			}
		}
		j.Score = median(of)
		s.Journeys = append(s.Journeys, j)
	}
	return s
}

// coverage is the part of the seeds asked for that has a score: no data is never a pass.
func coverage(seeds []Seed, suite *spec.Suite) float64 {
	scored := map[uint64]bool{}
	for _, s := range seeds {
		scored[s.Seed] = s.Score != nil
	}
	asked := make([]uint64, 0, len(scored))
	if suite != nil && len(suite.Seeds) > 0 {
		asked = suite.Seeds
	} else {
		for seed := range scored {
			asked = append(asked, seed)
		}
	}
	if len(asked) == 0 {
		return 0
	}
	n := 0
	for _, seed := range asked {
		if scored[seed] {
			n++
		}
	}
	return float64(n) / float64(len(asked))
}

// grade gives the letter, its caps and the headline.
func (c *Card) grade() {
	cells, wrong, harmful := 0, 0, 0
	for _, s := range c.Scenarios {
		for _, j := range s.Journeys {
			cells++
			switch j.Worst {
			case verdict.Wrong:
				wrong++
			case verdict.Harmful:
				harmful++
			}
		}
	}
	switch {
	case c.Score == nil:
		c.Grade, c.Headline = "?", "? · no result"
		return
	case c.Coverage < needed:
		c.Grade = "?"
		c.Caps = append(c.Caps, fmt.Sprintf("no letter: %.0f %% of the suite has a result, %.0f %% are needed", 100*c.Coverage, 100*needed))
	case harmful > 0:
		c.Grade = "F"
		c.Caps = append(c.Caps, fmt.Sprintf("F: payments were harmed in %d of %d cells", harmful, cells))
	default:
		c.Grade = verdict.Grade(c.Score, verdict.Safe)
		if wrong > 0 && (c.Grade == "A" || c.Grade == "B") {
			c.Caps = append(c.Caps, fmt.Sprintf("at most C: wrong answers in %d of %d cells", wrong, cells))
			c.Grade = "C"
		}
	}
	switch {
	case harmful > 0:
		c.Headline = fmt.Sprintf("%s · harmful in %d", c.Grade, harmful)
	case wrong > 0:
		c.Headline = fmt.Sprintf("%s %d · misleading in %d of %d", c.Grade, *c.Score, wrong, cells)
	default:
		c.Headline = fmt.Sprintf("%s %d · %s", c.Grade, *c.Score, c.Severity)
	}
}

// median is the lower middle for an even count, so that it is a score that a run had.
func median(scores []int) *int {
	if len(scores) == 0 {
		return nil
	}
	sorted := append([]int(nil), scores...)
	sort.Ints(sorted)
	m := sorted[(len(sorted)-1)/2]
	return &m
}

func classRank(c verdict.Class) int {
	for i, of := range verdict.Classes() {
		if of == c {
			return i
		}
	}
	return -1
}

var severities = []string{verdict.Unknown, verdict.Safe, verdict.Misleading, verdict.Harming}

func severityRank(s string) int {
	for i, of := range severities {
		if of == s {
			return i
		}
	}
	return 0
}

func worse(a, b string) string {
	if severityRank(b) > severityRank(a) {
		return b
	}
	return a
}

func value(score *int) int {
	if score == nil {
		return -1
	}
	return *score
}
