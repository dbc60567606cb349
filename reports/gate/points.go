package gate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"blackout/harness/spec"
	"blackout/reports/verdict"
)

// nothing says why a rule has no point of an app.
type nothing struct {
	text  string
	lacks bool // the app has no such journeys, so nobody can ask for them
}

// points are what a rule holds of one app.
func (j *judge) points(rule spec.Rule, app string) ([]Point, nothing) {
	m, _ := spec.MetricNamed(rule.Metric)
	runs := slices.DeleteFunc(slices.Clone(j.runs), func(v *verdict.Verdict) bool { return v.Run.App != app })
	if lacks := lacking(rule, runs); lacks != "" {
		return nil, nothing{lacks, true}
	}
	runs = slices.DeleteFunc(runs, func(v *verdict.Verdict) bool { return !j.about(rule.Where, v) })
	if m.Each == spec.EachApp {
		return j.coverage(rule, m, app, runs)
	}
	if len(runs) == 0 {
		return nil, nothing{text: "nothing: no run of " + j.subject(rule)}
	}
	var points []Point
	var why nothing
	for _, group := range grouped(rule, m, runs) {
		p, missing := group.point(rule, m)
		if missing != "" {
			why.text = "nothing: " + missing
			continue
		}
		p.tags = j.tags(group.samples[0].run)
		points = append(points, p)
	}
	if why.text == "" {
		why.text = "nothing: " + empty(rule, runs)
	}
	return points, why
}

// lacking says that an app has no journey of the kind or name that a rule is about; "" when it has, or when no run of it got so far as to tell.
func lacking(rule spec.Rule, runs []*verdict.Verdict) string {
	kind, journey := rule.Where[spec.WhereKind], rule.Where[spec.WhereJourney]
	seen := false
	for _, v := range runs {
		for _, c := range v.Cells {
			seen = true
			if (kind == "" || c.Kind == kind) && (journey == "" || c.Journey == journey) {
				return ""
			}
		}
	}
	switch {
	case !seen || kind == "" && journey == "":
		return ""
	case journey == "":
		return "the app has no journey of kind " + kind
	case kind == "":
		return "the app has no journey " + journey
	}
	return fmt.Sprintf("the app has no journey %s of kind %s", journey, kind)
}

// about reports whether a run is one that a where speaks of.
func (j *judge) about(where map[string]string, v *verdict.Verdict) bool {
	scenario, tag := where[spec.WhereScenario], where[spec.WhereTag]
	return (scenario == "" || scenario == v.Run.Scenario) && (tag == "" || slices.Contains(j.tags(v), tag))
}

// tags are those of a run's scenario.
func (j *judge) tags(v *verdict.Verdict) []string {
	if v.Run.Tags != nil {
		return v.Run.Tags
	}
	return j.Tags[v.Run.Scenario]
}

// subject names the runs that a rule is about: "scenario control", "a scenario tagged region, such as aws-us-east-1-down".
func (j *judge) subject(rule spec.Rule) string {
	var parts []string
	if s := rule.Where[spec.WhereScenario]; s != "" {
		parts = append(parts, "scenario "+s)
	}
	if tag := rule.Where[spec.WhereTag]; tag != "" {
		parts = append(parts, "a scenario tagged "+tag)
		for _, name := range slices.Sorted(maps.Keys(j.Tags)) {
			if slices.Contains(j.Tags[name], tag) {
				parts = append(parts, "such as "+name)
				break
			}
		}
	}
	if len(parts) == 0 {
		return "the app"
	}
	return strings.Join(parts, ", ")
}

// empty says why runs gave no value.
func empty(rule spec.Rule, runs []*verdict.Verdict) string {
	if !slices.ContainsFunc(runs, func(v *verdict.Verdict) bool { return v.Verdict != verdict.NotApplicable }) {
		return "the app used nothing that failed"
	}
	switch {
	case rule.Metric == spec.MetricRecoveredAfter:
		return "no fault was cleared, so there was nothing to recover from"
	case strings.HasPrefix(rule.Metric, spec.MetricLatency):
		return "no attempt was answered"
	}
	return "no attempt counts"
}

// group is the samples of one point: one for each seed.
type group struct {
	app, scenario, journey, kind string
	samples                      []sample
}

// grouped puts the samples of runs together over their seeds, in the order of the runs.
func grouped(rule spec.Rule, m spec.Metric, runs []*verdict.Verdict) []*group {
	var groups []*group
	for _, v := range runs {
		for _, s := range samples(rule, m, v) {
			i := slices.IndexFunc(groups, func(g *group) bool { return g.scenario == v.Run.Scenario && g.journey == s.journey })
			if i < 0 {
				i = len(groups)
				groups = append(groups, &group{app: v.Run.App, scenario: v.Run.Scenario, journey: s.journey, kind: s.kind})
			}
			groups[i].samples = append(groups[i].samples, s)
		}
	}
	return groups
}

// point holds a group. missing says why there is no value though there are samples.
func (g *group) point(rule spec.Rule, m spec.Metric) (p Point, missing string) {
	h := hold(rule, g.samples)
	if h.missing != "" {
		return p, h.missing
	}
	p = Point{App: g.app, Scenario: g.scenario, Journey: g.journey, Kind: g.kind, Result: h.result, Found: h.text(m, g.samples), Value: h.value(), Evidence: []Sight{}}
	if p.Result == Pass {
		return p, ""
	}
	for _, s := range g.samples {
		if s.unknown || s.bad > 0 {
			p.Evidence = append(p.Evidence, s.sight(rule, m))
		}
	}
	return p, ""
}
