package gate

import (
	"fmt"
	"slices"

	"blackout/reports/verdict"
)

// found lists the checks that spoke in runs with a verdict, once for each app, scenario and journey.
func found(runs []*verdict.Verdict) []Found {
	list := []Found{}
	for _, v := range runs {
		if v.Verdict != verdict.Pass && v.Verdict != verdict.Fail {
			continue
		}
		for _, f := range v.Findings {
			is := Found{
				App: v.Run.App, Scenario: v.Run.Scenario, Journey: f.Journey, Check: f.Check, Class: string(f.Class),
				Sight: Sight{Run: v.Run.ID, Text: f.Text, Findings: []string{f.ID}, Attempts: append([]string{}, f.Attempts[:min(mostAttempts, len(f.Attempts))]...)},
			}
			if !slices.ContainsFunc(list, is.same) {
				list = append(list, is)
			}
		}
	}
	return list
}

// same reports whether two are one check on one journey, whatever they saw of it.
func (f Found) same(other Found) bool {
	return f.App == other.App && f.Scenario == other.Scenario && f.Journey == other.Journey && f.Check == other.Check
}

// against holds the result against an earlier one, by what failed and which checks spoke, never by how large a number is: what fails now and failed then is known; a check
// that speaks now of an app and scenario whose runs had a verdict then, and did not speak then, is new. What was not run then is held to the rules alone.
func (r *Result) against(earlier *Result) {
	r.Baseline = &Baseline{Gate: earlier.Gate, Day: earlier.Day, Result: earlier.Result}
	for i := range r.Rules {
		rule := &r.Rules[i]
		for k := range rule.Points {
			if p := &rule.Points[k]; p.Result == Fail && earlier.failed(rule.ID, p) {
				p.Result = Known
			}
		}
	}
	for i := range r.Checks {
		c := &r.Checks[i]
		c.New = earlier.judged(c.App, c.Scenario) && !slices.ContainsFunc(earlier.Checks, c.same)
	}
}

// failed reports whether a point failed here.
func (r *Result) failed(rule string, now *Point) bool {
	for _, of := range r.Rules {
		if of.ID != rule {
			continue
		}
		for _, p := range of.Points {
			if p.App == now.App && p.Scenario == now.Scenario && p.Journey == now.Journey && (p.Result == Fail || p.Result == Known) {
				return true
			}
		}
	}
	return false
}

// judged reports whether some run of an app under a scenario had a verdict here.
func (r *Result) judged(app, scenario string) bool {
	return slices.ContainsFunc(r.Runs, func(v Run) bool {
		return v.App == app && v.Scenario == scenario && (v.Verdict == verdict.Pass || v.Verdict == verdict.Fail)
	})
}

// Title is the check with its journey, app and scenario.
func (f Found) Title() string {
	return fmt.Sprintf("%s in %s of %s under %s", f.Check, f.Journey, f.App, f.Scenario)
}
