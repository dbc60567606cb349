// Package gate holds the verdicts of runs against a gate's rules and says for each what was expected, what was found, and where that can be seen. It is a pure function of
// the verdicts, the gate and the day.
//
//	verdicts ─┐                         ┌─ waivers ─┐              ┌─ pass
//	gate ─────┴→ samples → over seeds → points ─────┴→ baseline ──→┼─ fail
//	             (a run)   (app × scenario × journey)              └─ not-known
package gate

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"blackout/harness/spec"
	"blackout/reports/scorecard"
	"blackout/reports/verdict"
)

// Schema is the version of gate.json. Fields are added, never renamed.
const Schema = "blackout/gate-result/1"

// What becomes of a gate, a rule and a point.
const (
	Pass     = "pass"
	Fail     = "fail"
	NotKnown = "not-known" // it hangs on a run that is inconclusive
	Waived   = "waived"    // it does not hold, and a waiver excuses it
	Known    = "known"     // it does not hold, and did not in the baseline either
	Skipped  = "skipped"   // there is nothing to hold, and the rule lets that pass; or no app has such a journey
)

// What becomes of a waiver.
const (
	Used    = "used"
	Unused  = "unused"  // what it excuses holds, or was not run
	Expired = "expired" // its last day is over: it fails the gate until it is taken out or renewed
)

// Input is what a gate is held against.
type Input struct {
	Gate  *spec.Gate
	Runs  []*verdict.Verdict
	Suite *spec.Suite // what coverage is of; nil: of the runs that were made
	// Tags gives the tags of scenarios by name, for suites' scenarios that were not run and verdicts that do not carry theirs.
	Tags     map[string][]string
	Today    string  // year-month-day, as in waivers
	Baseline *Result // an earlier result; nil for none
}

// Result is gate.json.
type Result struct {
	Schema   string    `json:"schema"`
	Gate     string    `json:"gate"`
	Day      string    `json:"day"` // on which waivers were held to their last day
	Result   string    `json:"result"`
	Rules    []Rule    `json:"rules"`
	Waivers  []Waiver  `json:"waivers"`
	Baseline *Baseline `json:"baseline"` // null without
	Runs     []Run     `json:"runs"`
	Checks   []Found   `json:"checks"` // what checks found in the runs that are no longer in doubt
}

// Rule is what became of one rule.
type Rule struct {
	ID       string `json:"id"`
	Metric   string `json:"metric"`
	Expected string `json:"expected"` // "at least 75"
	// Where is what the rule is about, as in the gate's file.
	Where  map[string]string `json:"where"`
	Across string            `json:"across_seeds"`
	Result string            `json:"result"`
	Points []Point           `json:"points"` // those that do not hold first
	Notes  []string          `json:"notes"`
}

// Point is one thing that a rule holds: a journey of an app under a scenario, over its seeds; or a whole run's, or an app's.
type Point struct {
	App      string   `json:"app"`
	Scenario string   `json:"scenario,omitempty"`
	Journey  string   `json:"journey,omitempty"`
	Kind     string   `json:"kind,omitempty"`
	Result   string   `json:"result"`
	Found    string   `json:"found"` // "62 with seed 3"
	Value    *float64 `json:"value"` // null where it is no number, or never came to be
	Waiver   string   `json:"waiver,omitempty"`
	Evidence []Sight  `json:"evidence"` // of a point that does not hold

	tags []string
}

// Sight is where a point can be seen: a run, and the findings and attempts in it.
type Sight struct {
	Run      string   `json:"run"`
	Text     string   `json:"text"`
	Findings []string `json:"findings"`
	Attempts []string `json:"attempts"`
}

// Waiver is one of the gate's, and what became of it.
type Waiver struct {
	Rule   string            `json:"rule"`
	Where  map[string]string `json:"where"`
	Reason string            `json:"reason"`
	Owner  string            `json:"owner"`
	Until  string            `json:"until"`
	State  string            `json:"state"`
}

// Run is one of the runs that count.
type Run struct {
	ID       string `json:"id"`
	App      string `json:"app"`
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	Verdict  string `json:"verdict"`
	Score    *int   `json:"score"`
	Severity string `json:"severity"`
}

// Found is a check that spoke of a journey, over all seeds and users.
type Found struct {
	App      string `json:"app"`
	Scenario string `json:"scenario"`
	Journey  string `json:"journey"`
	Check    string `json:"check"`
	Class    string `json:"class"`
	New      bool   `json:"new"` // the baseline's runs of this app and scenario did not have it
	Sight    Sight  `json:"evidence"`
}

// Baseline is the earlier result that this one was held against.
type Baseline struct {
	Gate   string `json:"gate"`
	Day    string `json:"day"`
	Result string `json:"result"`
}

// Exit is the gate's exit code.
func (r *Result) Exit() int {
	switch r.Result {
	case Pass:
		return verdict.ExitPass
	case NotKnown:
		return verdict.ExitInconclusive
	default:
		return verdict.ExitFail
	}
}

// Judge holds the runs against the gate. Of several runs of one app, scenario and seed the latest counts, and the controls of runs are left out.
func Judge(in Input) *Result {
	j := judge{Input: in, runs: counted(in.Runs)}
	r := &Result{Schema: Schema, Gate: in.Gate.Name, Day: in.Today, Rules: []Rule{}, Waivers: j.waivers(), Runs: []Run{}, Checks: found(j.runs)}
	for _, v := range j.runs {
		r.Runs = append(r.Runs, Run{v.Run.ID, v.Run.App, v.Run.Scenario, v.Run.Seed, v.Verdict, v.Score, v.Severity})
	}
	for _, rule := range in.Gate.Rules {
		r.Rules = append(r.Rules, j.rule(rule, r.Waivers))
	}
	if in.Baseline != nil {
		r.against(in.Baseline)
	}
	for i := range r.Rules {
		r.Rules[i].conclude()
	}
	r.Result = r.conclude()
	return r
}

// judge is one judgement under way.
type judge struct {
	Input
	runs []*verdict.Verdict
}

// counted are the runs that count, by app, scenario and seed.
func counted(runs []*verdict.Verdict) []*verdict.Verdict {
	kept := scorecard.Latest(slices.DeleteFunc(slices.Clone(runs), func(v *verdict.Verdict) bool { return v.Run.Control }))
	slices.SortStableFunc(kept, func(a, b *verdict.Verdict) int {
		return cmp.Or(cmp.Compare(a.Run.App, b.Run.App), cmp.Compare(a.Run.Scenario, b.Run.Scenario), cmp.Compare(a.Run.Seed, b.Run.Seed))
	})
	return kept
}

// gravity orders what becomes of points and rules, the gravest first.
var gravity = []string{Fail, NotKnown, Known, Waived, Pass, Skipped}

func graver(a, b string) string {
	if slices.Index(gravity, b) < slices.Index(gravity, a) {
		return b
	}
	return a
}

// conclude gives a rule the gravest result of its points, and puts these first.
func (r *Rule) conclude() {
	r.Result = Skipped
	for _, p := range r.Points {
		r.Result = graver(r.Result, p.Result)
	}
	slices.SortStableFunc(r.Points, func(a, b Point) int {
		return cmp.Compare(slices.Index(gravity, a.Result), slices.Index(gravity, b.Result))
	})
}

// conclude gives the result of the whole gate.
func (r *Result) conclude() string {
	result := Pass
	for _, rule := range r.Rules {
		if rule.Result == Fail || rule.Result == NotKnown {
			result = graver(result, rule.Result)
		}
	}
	if slices.ContainsFunc(r.Waivers, func(w Waiver) bool { return w.State == Expired }) || slices.ContainsFunc(r.Checks, func(f Found) bool { return f.New }) {
		return Fail
	}
	return result
}

// rule holds one rule.
func (j *judge) rule(rule spec.Rule, waivers []Waiver) Rule {
	out := Rule{ID: rule.ID, Metric: rule.Metric, Expected: rule.Expects(), Where: orNone(rule.Where), Across: rule.AcrossSeeds, Points: []Point{}, Notes: []string{}}
	for _, app := range j.apps(rule) {
		points, why := j.points(rule, app)
		switch {
		case len(points) > 0:
		case why.lacks || rule.WhenMissing == spec.MissingSkip:
			out.Notes = append(out.Notes, app+": "+why.text)
		default:
			points = []Point{{
				App: app, Scenario: rule.Where[spec.WhereScenario], Kind: rule.Where[spec.WhereKind], Journey: rule.Where[spec.WhereJourney],
				Result: Fail, Found: why.text, Evidence: []Sight{},
			}}
		}
		out.Points = append(out.Points, points...)
	}
	for i := range out.Points {
		excuse(&out.Points[i], rule.ID, waivers)
	}
	return out
}

// apps are those that a rule is about: all that were run, or the one that it names.
func (j *judge) apps(rule spec.Rule) (apps []string) {
	if app := rule.Where[spec.WhereApp]; app != "" {
		return []string{app}
	}
	for _, v := range j.runs {
		if !slices.Contains(apps, v.Run.App) {
			apps = append(apps, v.Run.App)
		}
	}
	return apps
}

func orNone(where map[string]string) map[string]string {
	if where == nil {
		return map[string]string{}
	}
	return where
}

// About is what a rule is about, in words: "score at least 75, kind read, tag region".
func (r *Rule) About() string {
	text := r.Metric + " " + r.Expected
	switch r.Across {
	case spec.AcrossMedian:
		text += " in the median of the seeds"
	case spec.AcrossBest:
		text += " with the best seed"
	case spec.AcrossLower:
		text += " as the lower bound over the seeds"
	}
	for _, key := range slices.Sorted(maps.Keys(r.Where)) {
		text += ", " + key + " " + r.Where[key]
	}
	return text
}

// Title names a point: "view-balance of wallet-single under aws-us-east-1-down".
func (p *Point) Title() string {
	text := p.App
	if p.Journey != "" {
		text = p.Journey + " of " + text
	}
	if p.Scenario != "" {
		text += " under " + p.Scenario
	}
	return text
}

// Counts says how many points have which result.
func (r *Rule) Counts() map[string]int {
	n := map[string]int{}
	for _, p := range r.Points {
		n[p.Result]++
	}
	return n
}

// Count says how many rules have a result.
func (r *Result) Count(result string) int {
	n := 0
	for _, rule := range r.Rules {
		if rule.Result == result {
			n++
		}
	}
	return n
}

// String says where a point can be seen, in one line: what was seen, the run, the first attempts.
func (s Sight) String() string {
	text := s.Text
	if s.Run != "" {
		text += " (" + strings.Join(append([]string{s.Run}, s.Attempts...), ", ") + ")"
	}
	return text
}
