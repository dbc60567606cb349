package scorecard

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"blackout/reports/verdict"
)

// Sum is the arithmetic behind a card's score: the scenarios' scores by weight. Score is Mean rounded down.
type Sum struct {
	Parts  []Part  `json:"parts"`
	Weight float64 `json:"weight"` // of the parts
	Mean   float64 `json:"mean"`
}

// Part is one scenario with a score.
type Part struct {
	Scenario string  `json:"scenario"`
	Weight   float64 `json:"weight"`
	Score    int     `json:"score"`
}

func (s *Sum) add(of Scenario) {
	s.Parts = append(s.Parts, Part{Scenario: of.Name, Weight: of.Weight, Score: *of.Score})
	var sum, weight float64
	for _, p := range s.Parts {
		weight += p.Weight
		sum += p.Weight * float64(p.Score)
	}
	s.Weight, s.Mean = weight, sum/weight
}

// String is the arithmetic with its numbers filled in: "(3 × 85 + 2 × 76) ÷ 5 = 81.4".
func (s *Sum) String() string {
	parts := make([]string, 0, len(s.Parts))
	for _, p := range s.Parts {
		parts = append(parts, fmt.Sprintf("%g × %d", p.Weight, p.Score))
	}
	return fmt.Sprintf("(%s) ÷ %g = %.4g", strings.Join(parts, " + "), s.Weight, s.Mean)
}

// Sum is the arithmetic behind the run's score: "(1 × 90 + 2 × 84) ÷ 3 = 86"; "" without a score.
func (s *Seed) Sum() string {
	if s.Score == nil {
		return ""
	}
	var parts []string
	weight := 0
	for _, c := range s.Cells {
		if c.Score != nil {
			weight += c.Weight
			parts = append(parts, fmt.Sprintf("%d × %d", c.Weight, *c.Score))
		}
	}
	return fmt.Sprintf("(%s) ÷ %d = %d", strings.Join(parts, " + "), weight, *s.Score)
}

func seedCells(v *verdict.Verdict) []SeedCell {
	cells := make([]SeedCell, 0, len(v.Cells))
	for _, c := range v.Cells {
		cells = append(cells, SeedCell{Journey: c.Journey, Weight: verdict.Weight(c.Kind), Score: c.Score, Sum: c.Sum})
	}
	return cells
}

// Fact is what one check found in one cell, over the runs with a score.
type Fact struct {
	Scenario string        `json:"scenario"`
	Journey  string        `json:"journey"`
	Check    string        `json:"check"`
	Class    verdict.Class `json:"class"`
	Count    int           `json:"count"` // attempts
	Runs     int           `json:"runs"`  // in which it was found
	Of       int           `json:"of"`    // runs of the scenario with a score
	// Text is a sentence about the first attempt in the run of the lowest seed that has one; Run and Attempt say which, for "blackout trace".
	Text    string `json:"text"`
	Run     string `json:"run"`
	Attempt string `json:"attempt,omitempty"`
}

// cell says which cell and check a fact is of: what two scorecards are compared by.
func (f *Fact) cell() Found { return Found{Scenario: f.Scenario, Journey: f.Journey, Check: f.Check} }

func facts(scenario string, runs []*verdict.Verdict) []Fact {
	scored := slices.DeleteFunc(slices.Clone(runs), func(v *verdict.Verdict) bool { return v.Score == nil })
	slices.SortStableFunc(scored, func(a, b *verdict.Verdict) int { return cmp.Compare(a.Run.Seed, b.Run.Seed) })
	type key struct {
		Found
		class verdict.Class
	}
	at := map[key]int{}
	var list []Fact
	for _, v := range scored {
		for _, g := range verdict.Group(v.Findings) {
			k := key{Found{scenario, g.Journey, g.Check}, g.Class}
			i, ok := at[k]
			if !ok {
				i = len(list)
				at[k] = i
				first := slices.MinFunc(g.Findings, func(a, b verdict.Finding) int { return cmp.Compare(a.FirstAtS, b.FirstAtS) })
				f := Fact{Scenario: scenario, Journey: g.Journey, Check: g.Check, Class: g.Class, Of: len(scored), Text: first.Text, Run: v.Run.ID}
				if len(first.Attempts) > 0 {
					f.Attempt = first.Attempts[0]
				}
				list = append(list, f)
			}
			list[i].Count += g.Count
			list[i].Runs++
		}
	}
	return list
}

// sortFacts puts the gravest class first, then what was found most often; what is alike keeps its order.
func sortFacts(list []Fact) {
	slices.SortStableFunc(list, func(a, b Fact) int {
		return cmp.Or(cmp.Compare(classRank(b.Class), classRank(a.Class)), cmp.Compare(b.Count, a.Count))
	})
}

// Versions are all that occur among the runs, sorted: more than one of a kind says that the card is of a mixture. Runs that do not name theirs add none.
type Versions struct {
	Blackout  []string            `json:"blackout"`
	App       []string            `json:"app"`
	Libraries map[string][]string `json:"libraries"`
}

// made sets which versions the runs are of, their time scales, and when they were made.
func (c *Card) made(runs []*verdict.Verdict) {
	blackout, app, libraries, scales := map[string]bool{}, map[string]bool{}, map[string]map[string]bool{}, map[float64]bool{}
	for _, v := range runs {
		blackout[v.Run.Version], app[v.Run.AppVersion] = true, true
		for name, version := range v.Run.Libraries {
			if libraries[name] == nil {
				libraries[name] = map[string]bool{}
			}
			libraries[name][version] = true
		}
		scales[cmp.Or(v.Run.TimeScale, 1)] = true
		if at := v.Run.StartedAt; at != "" {
			if c.OldestRun == "" || at < c.OldestRun {
				c.OldestRun = at
			}
			c.NewestRun = max(c.NewestRun, at)
		}
	}
	c.Versions = Versions{Blackout: named(blackout), App: named(app), Libraries: map[string][]string{}}
	for name, versions := range libraries {
		c.Versions.Libraries[name] = named(versions)
	}
	c.TimeScales = append([]float64{}, slices.Sorted(maps.Keys(scales))...)
}

func named(set map[string]bool) []string {
	delete(set, "")
	return append([]string{}, slices.Sorted(maps.Keys(set))...)
}

// List is the versions for people: "blackout v1.2.0", "app 3.1", "ethers 6.13.4"; several of one are joined by "and".
func (v *Versions) List() []string {
	var list []string
	add := func(name string, versions []string) {
		if len(versions) > 0 {
			list = append(list, name+" "+strings.Join(versions, " and "))
		}
	}
	add("blackout", v.Blackout)
	add("app", v.App)
	for _, name := range slices.Sorted(maps.Keys(v.Libraries)) {
		add(name, v.Libraries[name])
	}
	return list
}

// Made is for people when the runs were made and on which time scale: "2026-11-27, time scale 1"; "" without a run.
func (c *Card) Made() string {
	oldest, newest := Day(c.OldestRun), Day(c.NewestRun)
	parts := make([]string, 0, 2)
	if oldest != "" {
		if newest != oldest {
			oldest += " to " + newest
		}
		parts = append(parts, oldest)
	}
	scales := make([]string, 0, len(c.TimeScales))
	for _, s := range c.TimeScales {
		scales = append(scales, fmt.Sprintf("%g", s))
	}
	if len(scales) > 0 {
		parts = append(parts, "time scale "+strings.Join(scales, " and "))
	}
	return strings.Join(parts, ", ")
}

// Day is the date of a time that a run began at.
func Day(at string) string { return at[:min(len(at), len("2006-01-02"))] }

// Columns are the journeys of all scenarios, in the order in which they first appear.
func (c *Card) Columns() []string {
	var names []string
	for _, s := range c.Scenarios {
		for _, j := range s.Journeys {
			if !slices.Contains(names, j.Name) {
				names = append(names, j.Name)
			}
		}
	}
	return names
}

// Journey is the cell of a journey, nil where the scenario's runs did not have it.
func (s *Scenario) Journey(name string) *Journey {
	for i := range s.Journeys {
		if s.Journeys[i].Name == name {
			return &s.Journeys[i]
		}
	}
	return nil
}

// Worst is the worst class among the scenario's cells, "" without one.
func (s *Scenario) Worst() verdict.Class {
	var worst verdict.Class
	for _, j := range s.Journeys {
		if classRank(j.Worst) > classRank(worst) {
			worst = j.Worst
		}
	}
	return worst
}

// Shares says how often what was not well occurred: "wrong 12 of 400, unavailable 30 of 400"; the worst class first, "" when all was ok.
func (j *Journey) Shares() string {
	all := 0
	for _, n := range j.Attempts {
		all += n
	}
	var parts []string
	for _, class := range slices.Backward(verdict.Classes()) {
		if n := j.Attempts[class]; n > 0 && class != verdict.OK {
			parts = append(parts, fmt.Sprintf("%s %d", class, n))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, ", ") + fmt.Sprintf(" of %d", all)
}

// Letter is the grade that the score alone would give, ? without one: the band of a heat table.
func Letter(score *int) string { return verdict.Grade(score, verdict.Safe) }
