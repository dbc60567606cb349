package spec

import (
	"fmt"
	"slices"
	"strings"
)

func (l *loader) dependency(n *node, path string, s Service, w *World) Dependency {
	d := Dependency{Service: n.get("service").word(), Delay: durationOf(n.get("delay"), 0)}
	if f := n.get("for"); f.is(mapNode) {
		t := l.target(f, join(path, "for"), "region", "cloud", "chain")
		d.For = &t
		l.part(f, t, s, w)
	}
	e := n.get("effect")
	if !e.is(mapNode) {
		return d
	}
	use, def := l.faultUse(e, join(path, "effect"))
	d.Effect = use
	if def != nil && s.Kind != "" && !def.ActsOn(s.Kind) {
		l.problem(e.get("fault").pos, fmt.Sprintf("%s cannot act on a service of kind %s", def.Name, s.Kind), "it acts on: "+strings.Join(def.Kinds, ", "))
	}
	return d
}

// part checks that `for` selects a part that the service has.
func (l *loader) part(n *node, t Target, s Service, w *World) {
	regions := sortedKeys(s.Placement)
	if r := n.get("region"); r.word() != "" && !slices.Contains(regions, t.Region) {
		text, hint := fmt.Sprintf("the service is not placed in %q, so this selects nothing", clip(t.Region)), suggestOr(t.Region, regions)
		if what, _ := w.regionProblem(t.Region); what != "" {
			text = what
		}
		l.problem(r.pos, text, hint)
	}
	if c := n.get("cloud"); c.word() != "" && !slices.ContainsFunc(regions, func(r string) bool { return strings.HasPrefix(r, t.Cloud+"/") }) {
		l.problem(c.pos, fmt.Sprintf("the service is not placed in the cloud %q, so this selects nothing", clip(t.Cloud)), Suggest(t.Cloud, sortedKeys(w.Clouds)))
	}
	if c := n.get("chain"); c.word() != "" {
		if _, ok := s.Hosts[t.Chain]; !ok {
			l.problem(c.pos, fmt.Sprintf("the service does not serve the chain %q, so this selects nothing", clip(t.Chain)), suggestOr(t.Chain, sortedKeys(s.Hosts)))
		}
	}
}

// dependencies checks that what is needed exists and that nothing needs itself, however far around.
func (l *loader) dependencies(n *node, w *World) {
	needs := func(name string) []string {
		var out []string
		for _, d := range w.Services[name].DependsOn {
			out = append(out, d.Service)
		}
		return out
	}
	reported := map[string]bool{}
	each(n, func(name string, s *node) {
		list := s.get("depends_on")
		if !list.is(listNode) {
			return
		}
		for _, item := range list.items {
			on := item.get("service")
			if on.word() == "" {
				continue
			}
			if _, ok := w.Services[on.text]; !ok {
				l.problem(on.pos, fmt.Sprintf("unknown service %q", clip(on.text)), suggestOr(on.text, without(sortedKeys(w.Services), []string{name})))
				continue
			}
			if loop := circle(name, on.text, needs); loop != nil && once(reported, loop) {
				l.problem(on.pos, "services depend on each other in a circle: "+strings.Join(loop, " → "), "")
			}
		}
	})
}

// once reports whether a circle is met for the first time, wherever it is entered.
func once(reported map[string]bool, loop []string) bool {
	members := slices.Clone(loop[1:])
	slices.Sort(members)
	key := strings.Join(members, " ")
	defer func() { reported[key] = true }()
	return !reported[key]
}

// circle finds a shortest way from a name over a first step back to itself, or nil.
func circle(name, first string, next func(string) []string) []string {
	from := map[string]string{first: name}
	for queue := []string{first}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at == name {
			loop := []string{name}
			for step := from[name]; step != name; step = from[step] {
				loop = append(loop, step)
			}
			loop = append(loop, name)
			slices.Reverse(loop)
			return loop
		}
		for _, to := range next(at) {
			if _, seen := from[to]; !seen {
				from[to] = at
				queue = append(queue, to)
			}
		}
	}
	return nil
}
