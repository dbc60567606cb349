package spec

import (
	"fmt"
	"slices"
	"time"
)

// The defaults of a scenario.
const (
	defaultBaseline = 15 * time.Second
	defaultAfter    = 30 * time.Second
)

func (l *loader) scenario(n *node) *Scenario {
	s := &Scenario{
		Source:      l.source,
		Name:        n.get("name").word(),
		About:       n.get("about").word(),
		Tags:        n.get("tags").strs(),
		Incident:    incident(n.get("incident")),
		Baseline:    defaultBaseline,
		After:       durationOf(n.get("after"), defaultAfter),
		Expect:      n.get("expect").strMap(),
		ExercisedBy: n.get("exercised_by").word(),
	}
	if b := n.get("baseline"); b != nil {
		s.Baseline = l.positive(b, "baseline")
	}
	if tags := n.get("tags"); tags.is(listNode) {
		seen := map[string]Pos{}
		for _, t := range tags.items {
			l.unique("tag", seen, t.word(), t.pos)
		}
	}
	phases := n.get("phases")
	if !phases.is(listNode) {
		return s
	}
	if len(phases.items) == 0 {
		l.problem(phases.at(), "the scenario has no phase", "a control has one phase without faults")
	}
	names := map[string]Pos{}
	for i, p := range phases.items {
		if !p.is(mapNode) {
			continue
		}
		s.Phases = append(s.Phases, l.phase(p, elem("phases", i)))
		if name := p.get("name"); name.word() != "" {
			l.unique("phase", names, name.text, name.pos)
		}
	}
	l.startTimes(phases)
	s.serial(phases)
	return s
}

func incident(n *node) *Incident {
	if !n.is(mapNode) {
		return nil
	}
	out := &Incident{Date: n.get("date").word(), Lasted: durationOf(n.get("lasted"), 0)}
	if sources := n.get("sources"); sources.is(listNode) {
		for _, s := range sources.items {
			out.Sources = append(out.Sources, IncidentSource{URL: s.get("url").word(), KnownFrom: s.get("known_from").word()})
		}
	}
	return out
}

func (l *loader) phase(n *node, path string) Phase {
	p := Phase{
		Name:   n.get("name").word(),
		At:     durationOf(n.get("at"), 0),
		For:    l.positive(n.get("for"), "for"),
		Lasted: durationOf(n.get("lasted"), 0),
		Expect: n.get("expect").strMap(),
	}
	if faults := n.get("faults"); faults.is(listNode) {
		for i, f := range faults.items {
			if f.is(mapNode) {
				use, _ := l.faultUse(f, elem(join(path, "faults"), i))
				p.Faults = append(p.Faults, use)
			}
		}
	}
	return p
}

// startTimes refuses a timeline of which some phases follow one another and some have times: where the former begin would be a guess.
func (l *loader) startTimes(phases *node) {
	with := slices.ContainsFunc(phases.items, func(p *node) bool { return p.has("at") })
	if !with {
		return
	}
	for i, p := range phases.items {
		if p.is(mapNode) && !p.has("at") {
			l.problem(p.at(), fmt.Sprintf("the phase %q has no \"at\", but others have", phaseName(p, i)), `give "at" to all phases or to none`)
		}
	}
}

func phaseName(p *node, i int) string {
	if name := p.get("name").word(); name != "" {
		return name
	}
	return elem("phases", i)
}

// serial fills in where phases without `at` begin.
func (s *Scenario) serial(phases *node) {
	if !phases.is(listNode) || slices.ContainsFunc(phases.items, func(p *node) bool { return p.has("at") }) {
		return
	}
	at := time.Duration(0)
	for i := range s.Phases {
		s.Phases[i].At = at
		at += s.Phases[i].For
	}
}
