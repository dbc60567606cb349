// Package compare puts the runs of two apps, versions or placements side by side: what changed from one to the other, and what the runs show of why. It is a
// pure function of verdicts. No data is never an improvement: where a side has no verdict, or two runs are not alike, the change is not known.
package compare

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"blackout/reports/scorecard"
	"blackout/reports/verdict"
)

// Schema is the version of a comparison's JSON. Fields are added, never renamed.
const Schema = "blackout/compare/1"

// What became of a pair or a journey, from the side A to the side B.
const (
	Better   = "better"
	Worse    = "worse"
	Mixed    = "mixed" // better in one respect and worse in another
	Same     = "same"
	NotKnown = "not-known" // a side has no verdict, or the runs are not alike
)

// What became of a finding.
const (
	New  = "new"  // B has it, and A does not
	Gone = "gone" // A has it, and B does not
	Kept = "kept"
	// Uncertain is a finding of one side only where the other has no data to hold it against.
	Uncertain = "not-known"
)

// Input is one side's runs, and what to call them where their app does not tell them from the other side's.
type Input struct {
	Name string
	Runs []*verdict.Verdict
}

// Comparison is two sides, their pairs of runs, and the runs without a partner.
type Comparison struct {
	Schema   string         `json:"schema"`
	Headline string         `json:"headline"`
	A        Side           `json:"a"`
	B        Side           `json:"b"`
	Changes  map[string]int `json:"changes"` // pairs by change, every change present
	Pairs    []Pair         `json:"pairs"`   // by scenario, app and seed
	Alone    []Alone        `json:"alone"`
}

// Side is what was given of one side.
type Side struct {
	Name     string   `json:"name"`
	Apps     []string `json:"apps"`
	Runs     int      `json:"runs"`     // those that count: the latest of each app, scenario and seed
	Older    int      `json:"older"`    // those that a later one replaces
	Controls int      `json:"controls"` // controls of runs, which are left out
}

// Alone is a run that the other side has no partner of.
type Alone struct {
	Side     string `json:"side"` // a | b
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	Run      Run    `json:"run"`
}

// Pair is one scenario and seed on both sides.
type Pair struct {
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	Change   string `json:"change"`
	A        Run    `json:"a"`
	B        Run    `json:"b"`
	// Warnings say why the change is not known, each a sentence.
	Warnings []string `json:"warnings"`
	// Why says what the runs show of the reasons of a change, each a sentence.
	Why       []string   `json:"why"`
	Cells     []Cell     `json:"cells"`
	Findings  []Finding  `json:"findings"` // and warnings: those new first, then gone, kept and uncertain
	Faults    []Fault    `json:"faults"`   // those that ended otherwise
	Providers []Provider `json:"providers"`
	Versions  []Version  `json:"versions"` // those that differ
}

// Run is a run and its result.
type Run struct {
	ID       string   `json:"id"`
	App      string   `json:"app"`
	Verdict  string   `json:"verdict"`
	Score    *int     `json:"score"`
	Grade    string   `json:"grade"`
	Severity string   `json:"severity"`
	Reasons  []string `json:"reasons"`
}

// Cell is one journey. A side is null when its app has no such journey.
type Cell struct {
	Journey string    `json:"journey"`
	Kind    string    `json:"kind"`
	Change  string    `json:"change"` // by the score
	A       *CellSide `json:"a"`
	B       *CellSide `json:"b"`
}

// CellSide is a journey of one run.
type CellSide struct {
	Score    *int `json:"score"`
	Attempts int  `json:"attempts"` // counted ones in the outage
	// Shares are the classes' parts of Attempts, those that occurred; none without attempts.
	Shares          map[verdict.Class]float64 `json:"shares"`
	RecoveredAfterS *float64                  `json:"recovered_after_s"`
}

// Finding is what one check says of one journey, over all users. A side is null when the check does not speak there.
type Finding struct {
	Check   string        `json:"check"`
	Journey string        `json:"journey"`
	Class   verdict.Class `json:"class"` // the worst of both sides
	State   string        `json:"state"`
	Why     string        `json:"why"` // why a user should care
	A       *Sight        `json:"a"`
	B       *Sight        `json:"b"`
}

// Sight is the evidence of a finding in one run.
type Sight struct {
	Run     string `json:"run"`
	Count   int    `json:"count"`
	Attempt string `json:"attempt,omitempty"` // the first, for "blackout trace"
	Text    string `json:"text"`              // about the first
}

// Fault is an effect that ended otherwise. An end is "" where the run's plan has no such effect.
type Fault struct {
	ID    string `json:"id"`
	Fault string `json:"fault"`
	On    string `json:"on"` // the service, chain or instance
	A     string `json:"a"`
	B     string `json:"b"`
}

// Provider is a service whose share of all answers in the outage changed by a twentieth or more.
type Provider struct {
	Service string       `json:"service"`
	A       ProviderSide `json:"a"`
	B       ProviderSide `json:"b"`
}

// ProviderSide is a service in the outage of one run.
type ProviderSide struct {
	Requests int      `json:"requests"`
	Failed   int      `json:"failed"`
	Share    *float64 `json:"share"` // of all answers that the run's services gave; null without any
}

// Version is something that the runs had in different versions; "" where a run does not say.
type Version struct {
	Of string `json:"of"` // app | blackout | the name of a library
	A  string `json:"a"`
	B  string `json:"b"`
}

// Name is the name of the side that the run is of.
func (a *Alone) Name(c *Comparison) string {
	if a.Side == "b" {
		return c.B.Name
	}
	return c.A.Name
}

// ErrNoPair is the error of sides that have no scenario and seed in common.
var ErrNoPair = errors.New("no run of one side has a partner on the other")

// Make pairs the runs of two sides by scenario and seed, and by app where a side has more than one. Of several runs of one app, scenario and seed the latest
// counts; controls of runs are left out. Without any pair the error is ErrNoPair, and the comparison lists the runs all the same.
func Make(a, b Input) (*Comparison, error) {
	c := &Comparison{Schema: Schema, Pairs: []Pair{}, Alone: []Alone{}, Changes: map[string]int{Better: 0, Worse: 0, Mixed: 0, Same: 0, NotKnown: 0}}
	var left, right []*verdict.Verdict
	c.A, left = side(a)
	c.B, right = side(b)
	name(&c.A, &c.B, left, right)
	oneEach := len(c.A.Apps) == 1 && len(c.B.Apps) == 1
	type key struct {
		scenario, app string
		seed          uint64
	}
	keyOf := func(v *verdict.Verdict) key {
		k := key{v.Run.Scenario, v.Run.App, v.Run.Seed}
		if oneEach {
			k.app = ""
		}
		return k
	}
	partners := map[key]*verdict.Verdict{}
	for _, v := range right {
		partners[keyOf(v)] = v
	}
	for _, v := range left {
		k := keyOf(v)
		if partner := partners[k]; partner != nil {
			c.Pairs = append(c.Pairs, pair(c, v, partner))
			delete(partners, k)
		} else {
			c.Alone = append(c.Alone, alone("a", v))
		}
	}
	for _, v := range right {
		if partners[keyOf(v)] != nil {
			c.Alone = append(c.Alone, alone("b", v))
		}
	}
	slices.SortFunc(c.Pairs, func(x, y Pair) int {
		return cmp.Or(strings.Compare(x.Scenario, y.Scenario), strings.Compare(x.A.App, y.A.App), cmp.Compare(x.Seed, y.Seed))
	})
	slices.SortFunc(c.Alone, func(x, y Alone) int {
		return cmp.Or(strings.Compare(x.Side, y.Side), strings.Compare(x.Scenario, y.Scenario), strings.Compare(x.Run.App, y.Run.App), cmp.Compare(x.Seed, y.Seed))
	})
	for i := range c.Pairs {
		c.Changes[c.Pairs[i].Change]++
	}
	c.Headline = headline(c)
	if len(c.Pairs) == 0 {
		return c, ErrNoPair
	}
	return c, nil
}

// Encode gives the comparison as JSON, with a newline at the end.
func (c *Comparison) Encode() ([]byte, error) {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the comparison: %w", err)
	}
	return append(text, '\n'), nil
}

// side takes the runs that count.
func side(in Input) (Side, []*verdict.Verdict) {
	outages := slices.DeleteFunc(slices.Clone(in.Runs), func(v *verdict.Verdict) bool { return v.Run.Control })
	latest := scorecard.Latest(outages)
	s := Side{Name: in.Name, Apps: []string{}, Runs: len(latest), Older: len(outages) - len(latest), Controls: len(in.Runs) - len(outages)}
	for _, v := range latest {
		s.Apps = append(s.Apps, v.Run.App)
	}
	slices.Sort(s.Apps)
	s.Apps = slices.Compact(s.Apps)
	return s, latest
}

// name calls the sides by what tells them apart: their apps, else the app's versions, else the names they were given, else A and B. The id of a run is no name.
func name(a, b *Side, left, right []*verdict.Verdict) {
	if len(a.Apps) == 1 && len(b.Apps) == 1 {
		if a.Apps[0] != b.Apps[0] {
			a.Name, b.Name = a.Apps[0], b.Apps[0]
			return
		}
		if x, y := appVersion(left), appVersion(right); x != "" && y != "" && x != y {
			a.Name, b.Name = a.Apps[0]+" "+x, b.Apps[0]+" "+y
			return
		}
	}
	isID := func(name string, runs []*verdict.Verdict) bool {
		return slices.ContainsFunc(runs, func(v *verdict.Verdict) bool { return v.Run.ID == name })
	}
	if a.Name == b.Name || a.Name == "" || b.Name == "" || isID(a.Name, left) || isID(b.Name, right) {
		a.Name, b.Name = "A", "B"
	}
}

// appVersion is the version that all runs have, or "".
func appVersion(runs []*verdict.Verdict) string {
	for _, v := range runs {
		if v.Run.AppVersion != runs[0].Run.AppVersion {
			return ""
		}
	}
	return runs[0].Run.AppVersion
}

func alone(side string, v *verdict.Verdict) Alone {
	return Alone{Side: side, Scenario: v.Run.Scenario, Seed: v.Run.Seed, Run: runOf(v)}
}

func runOf(v *verdict.Verdict) Run {
	return Run{ID: v.Run.ID, App: v.Run.App, Verdict: v.Verdict, Score: v.Score, Grade: v.Grade, Severity: v.Severity, Reasons: append([]string{}, v.Reasons...)}
}
