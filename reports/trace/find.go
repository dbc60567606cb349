package trace

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"blackout/harness/history"
	"blackout/harness/spec"
	"blackout/reports/verdict"
)

// NotFoundError says that a run has no attempt and no finding of that id.
type NotFoundError struct {
	ID   string
	Hint string // what was probably meant, or what there is
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("the run has no attempt and no finding %q", e.ID)
}

// find gives the attempt that an id means: its own, or the first of a finding's.
func find(h *history.History, v *verdict.Verdict, id string) (*history.Attempt, *Finding, error) {
	named := func(id string) *history.Attempt {
		if i := slices.IndexFunc(h.Attempts, func(a history.Attempt) bool { return a.ID == id }); i >= 0 {
			return &h.Attempts[i]
		}
		return nil
	}
	if a := named(id); a != nil {
		return a, nil, nil
	}
	for _, f := range slices.Concat(v.Findings, v.Warnings) {
		if f.ID != id {
			continue
		}
		if len(f.Attempts) == 0 {
			return nil, nil, fmt.Errorf("finding %s is about the journey as a whole; no single attempt shows it", id)
		}
		a := named(f.Attempts[0])
		if a == nil {
			return nil, nil, fmt.Errorf("finding %s names attempt %s, which the history does not have", id, f.Attempts[0])
		}
		return a, &Finding{ID: id, Count: f.Count}, nil
	}
	return nil, nil, &NotFoundError{ID: id, Hint: hint(h, v, id)}
}

// places are the attempts of one journey, by their place in the timetable.
type places struct {
	journey     string
	first, last int
}

func (p places) String() string {
	if p.first == p.last {
		return fmt.Sprintf("%s has one attempt, %s#%d", p.journey, p.journey, p.first)
	}
	return fmt.Sprintf("%s has the attempts %s#%d to #%d", p.journey, p.journey, p.first, p.last)
}

// ranges lists the journeys that were tried, in the order in which they first were.
func ranges(h *history.History) []places {
	var list []places
	for i := range h.Attempts {
		journey, place, ok := strings.Cut(h.Attempts[i].ID, "#")
		n, err := strconv.Atoi(place)
		if !ok || err != nil {
			continue
		}
		at := slices.IndexFunc(list, func(p places) bool { return p.journey == journey })
		if at < 0 {
			list = append(list, places{journey, n, n})
			continue
		}
		list[at].first, list[at].last = min(list[at].first, n), max(list[at].last, n)
	}
	return list
}

// hint says what an id that there is not may have meant.
func hint(h *history.History, v *verdict.Verdict, id string) string {
	journey, place, numbered := strings.Cut(id, "#")
	var names, all []string
	for _, p := range ranges(h) {
		if p.journey == journey {
			return p.String()
		}
		names, all = append(names, p.journey), append(all, p.String())
	}
	if numbered {
		// The number belongs to the word that was meant, so that it can be typed again as it stands.
		for _, name := range names {
			if spec.Suggest(journey, []string{name}) != "" && slices.ContainsFunc(h.Attempts, func(a history.Attempt) bool { return a.ID == name+"#"+place }) {
				return fmt.Sprintf("did you mean %q?", name+"#"+place)
			}
		}
	}
	var findings []string
	for _, f := range slices.Concat(v.Findings, v.Warnings) {
		findings = append(findings, f.ID)
	}
	if near := spec.Suggest(id, findings); near != "" && strings.Contains(id, "/") {
		return near
	}
	if near := spec.Suggest(journey, names); near != "" {
		return near
	}
	if len(all) == 0 {
		return "no attempt was made in this run"
	}
	return strings.Join(all, ", ")
}
