package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"blackout/harness/spec"
	"blackout/reports/verdict"
)

// Exist is what a gate may speak of. A list that is nil cannot be known here, and is not asked.
type Exist struct {
	Apps, Scenarios, Tags, Journeys []string
}

// Check holds the words of a gate's where against what exists, before anything runs. The error is spec.Problems.
func Check(g *spec.Gate, e Exist) error {
	lists := map[string]struct {
		known []string
		hint  string
	}{
		spec.WhereApp:      {e.Apps, ""},
		spec.WhereScenario: {e.Scenarios, "blackout list"},
		spec.WhereTag:      {e.Tags, ""},
		spec.WhereJourney:  {e.Journeys, ""},
		spec.WhereCheck:    {checkIDs(), ""},
	}
	var problems spec.Problems
	look := func(path string, where map[string]string) {
		for _, key := range []string{spec.WhereApp, spec.WhereScenario, spec.WhereTag, spec.WhereJourney, spec.WhereCheck} {
			name, list := where[key], lists[key]
			if name == "" || list.known == nil || slices.Contains(list.known, name) {
				continue
			}
			hint := spec.Suggest(name, list.known)
			switch {
			case hint != "":
			case list.hint != "":
				hint = fmt.Sprintf("%q shows what there is; a file of your own is given beside the gate", list.hint)
			case len(list.known) > 0 && len(list.known) <= 40:
				known := slices.Sorted(slices.Values(list.known))
				hint = "one of: " + strings.Join(slices.Compact(known), ", ")
			}
			problems = append(problems, g.Source.Problem(path+".where."+key, fmt.Sprintf("there is no %s %q", key, name), hint))
		}
	}
	for i, r := range g.Rules {
		look(fmt.Sprintf("rules[%d]", i), r.Where)
	}
	for i, w := range g.Waivers {
		look(fmt.Sprintf("waivers[%d]", i), w.Where)
	}
	if len(problems) == 0 {
		return nil
	}
	slices.SortStableFunc(problems, func(a, b spec.Problem) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	return problems
}

func checkIDs() (ids []string) {
	for _, c := range verdict.Checks() {
		ids = append(ids, c.ID)
	}
	return ids
}
