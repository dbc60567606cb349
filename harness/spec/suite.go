package spec

import (
	"cmp"
	"fmt"
	"slices"
)

// CheckSuite holds a suite against the names of the scenarios that there are. The error is Problems.
func CheckSuite(s *Suite, known []string) error {
	var problems Problems
	for i, entry := range s.Scenarios {
		if !slices.Contains(known, entry.Name) {
			hint := cmp.Or(Suggest(entry.Name, known), `"blackout list" shows what there is; a file of your own is given beside the suite`)
			problems = append(problems, s.Source.Problem(join(elem("scenarios", i), "name"), fmt.Sprintf("there is no scenario %q", clip(entry.Name)), hint))
		}
	}
	return problems.sorted(nil).err()
}

func (l *loader) suite(n *node) *Suite {
	s := &Suite{
		Source:  l.source,
		Name:    n.get("name").word(),
		About:   n.get("about").word(),
		Version: n.get("version").word(),
		Seeds:   []uint64{1},
	}
	if seeds := n.get("seeds"); seeds.is(listNode) {
		s.Seeds = nil
		seen := map[string]Pos{}
		for _, item := range seeds.items {
			if item.is(intNode) && !item.bad {
				l.unique("seed", seen, item.text, item.pos)
				s.Seeds = append(s.Seeds, uint64(max(item.int(0), 0)))
			}
		}
		if len(seeds.items) == 0 {
			l.problem(seeds.at(), "the list of seeds is empty", "leave it out for the one seed 1")
		}
	}
	list := n.get("scenarios")
	if !list.is(listNode) {
		return s
	}
	if len(list.items) == 0 {
		l.problem(list.at(), "the suite has no scenario", "")
	}
	seen := map[string]Pos{}
	for _, item := range list.items {
		name, weight := item.get("name"), item.get("weight")
		if name.word() != "" {
			l.unique("scenario", seen, name.text, name.pos)
		}
		entry := SuiteEntry{Name: name.word(), Weight: weight.float(1)}
		if weight != nil && !weight.bad && entry.Weight == 0 {
			l.problem(weight.pos, `"weight" must be more than 0`, "leave the scenario out")
		}
		s.Scenarios = append(s.Scenarios, entry)
	}
	return s
}
