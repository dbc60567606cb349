package gate

import (
	"fmt"
	"slices"

	"blackout/harness/spec"
	"blackout/reports/scorecard"
	"blackout/reports/verdict"
)

// coverage holds how much of what was asked for has a result: the scorecard's, over the runs and scenarios that the rule is about.
func (j *judge) coverage(rule spec.Rule, m spec.Metric, app string, runs []*verdict.Verdict) ([]Point, nothing) {
	suite := j.suite(rule)
	cards := scorecard.Make(runs, suite)
	if len(cards) == 0 {
		return nil, nothing{text: "nothing: no outage was run of " + j.subject(rule)}
	}
	card := cards[0]
	s := sample{value: card.Coverage}
	p := Point{App: app, Result: Pass, Found: m.Format(card.Coverage), Value: &card.Coverage, Evidence: []Sight{}}
	if badness(rule, &s) <= 0 {
		return []Point{p}, nothing{}
	}
	p.Result = Fail
	for _, row := range card.Scenarios {
		if row.Coverage >= 1 {
			continue
		}
		before := len(p.Evidence)
		for _, seed := range row.Seeds {
			if seed.Score != nil {
				continue
			}
			text := fmt.Sprintf("%s with seed %d is %s", row.Name, seed.Seed, seed.Verdict)
			if len(seed.Reasons) > 0 {
				text += ": " + seed.Reasons[0]
			}
			p.Evidence = append(p.Evidence, Sight{Run: seed.Run, Text: text, Findings: []string{}, Attempts: []string{}})
		}
		if len(p.Evidence) == before {
			p.Evidence = append(p.Evidence, Sight{Text: fmt.Sprintf("%s: %d of %d seeds were run", row.Name, len(row.Seeds), len(suite.Seeds)), Findings: []string{}, Attempts: []string{}})
		}
	}
	return []Point{p}, nothing{}
}

// suite is the suite without the scenarios that a rule is not about; nil without one.
func (j *judge) suite(rule spec.Rule) *spec.Suite {
	if j.Suite == nil {
		return nil
	}
	part := *j.Suite
	part.Scenarios = slices.DeleteFunc(slices.Clone(part.Scenarios), func(e spec.SuiteEntry) bool {
		return !j.about(rule.Where, &verdict.Verdict{Run: verdict.Run{Scenario: e.Name, Tags: j.tagsOf(e.Name)}})
	})
	return &part
}

// tagsOf are the tags of a scenario, run or not.
func (j *judge) tagsOf(scenario string) []string {
	for _, v := range j.runs {
		if v.Run.Scenario == scenario && v.Run.Tags != nil {
			return v.Run.Tags
		}
	}
	return j.Tags[scenario]
}
