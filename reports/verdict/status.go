package verdict

import (
	"fmt"
	"slices"
	"strings"

	"blackout/harness/clock"
	"blackout/harness/plan"
)

// The states that a status page's words stand for.
const (
	stateFine    = "fine"
	stateTrouble = "trouble"
)

// dishonest-status.
//
// Rule: the app said that all is well though another of its journeys had not been steady for longer than notice_within when it was asked, and was not until it had
// answered; or it said that something is wrong before any fault, or when the last one had been gone for as long, and every journey had been steady for as long. A journey
// is steady at a moment that lies in some stretch of 5 s, or of three attempts if that is longer, which meets steady_state; where there are fewer attempts than that to
// tell, it counts as steady. A payment that was taken and came to nothing counts from its deadline on: before that nobody can know.
//
// Reason: users and those on call look at the status first. A page that is always green sends them to look for the fault at their own end.
//
// Incident: 2024-11-15, Base RPC: more than half of the transactions were refused for 18 hours and nobody was alerted, because errors within HTTP 200 were not
// counted as failures.
//
// judgeStatus classifies an attempt of a status journey. It needs the classes of all others.
func (e *evidence) judgeStatus(a *attempt) ruling {
	word := statusWord(a)
	state := stateOf(a.journey, word)
	if r, silent := judgeSilence(a); silent {
		return r
	}
	// A page that answers 503 and says "down" is an honest answer, not a refusal.
	if state == "" || (a.Status >= 300 && a.Status < 500) {
		return e.judgeRead(a)
	}
	switch state {
	case stateFine:
		if j, s, untrue := e.unsteadyFor(a); untrue {
			return ruling{class: Wrong, check: checkStatus, why: fmt.Sprintf("said %q at %.2f s, but %s had not been steady since %.2f s; %s are allowed to notice",
				word, a.at.Seconds(), j.Name, s.from.Seconds(), inSeconds(a.journey.NoticeWithin))}
		}
	case stateTrouble:
		healthy := e.window(a) == Baseline || len(e.effects) == 0 || e.times.cleared && a.at-a.journey.NoticeWithin >= e.times.lifted
		if names := e.others(a.journey); healthy && !e.caught(a) && len(names) > 0 && e.allSteady(a) {
			return ruling{class: Wrong, check: checkStatus, why: fmt.Sprintf("said %q at %.2f s, when nothing was broken and %s had been steady for %s or from the start",
				word, a.at.Seconds(), strings.Join(names, ", "), inSeconds(a.journey.NoticeWithin))}
		}
	}
	return timely(a, false, fmt.Sprintf("said %q, which was true or not yet to be known better", word))
}

// stateOf is what a status page's word stands for, or "" for a word that the app file does not list.
func stateOf(j *plan.Journey, word string) string {
	for _, state := range []string{stateFine, stateTrouble} {
		if slices.Contains(j.States[state], word) {
			return state
		}
	}
	return ""
}

// others lists the journeys that a status is held against.
func (e *evidence) others(status *plan.Journey) []string {
	var names []string
	for i := range e.plan.Journeys {
		if j := &e.plan.Journeys[i]; j.Kind != status.Kind && len(e.of(j.Name)) > 0 {
			names = append(names, j.Name)
		}
	}
	return names
}

// unsteadyFor finds a journey that was not steady from more than notice_within before the attempt was sent until it had ended.
func (e *evidence) unsteadyFor(a *attempt) (*plan.Journey, span, bool) {
	for i := range e.plan.Journeys {
		j := &e.plan.Journeys[i]
		if j.Kind == a.journey.Kind {
			continue
		}
		for _, s := range e.unsteadySpans(j) {
			if s.from+a.journey.NoticeWithin < a.at && a.end < s.to {
				return j, s, true
			}
		}
	}
	return nil, span{}, false
}

// allSteady reports whether every other journey was steady from notice_within before the attempt was sent until it had ended.
func (e *evidence) allSteady(a *attempt) bool {
	for i := range e.plan.Journeys {
		j := &e.plan.Journeys[i]
		if j.Kind == a.journey.Kind {
			continue
		}
		for _, s := range e.unsteadySpans(j) {
			if s.touches(a.at-a.journey.NoticeWithin, a.end) {
				return false
			}
		}
	}
	return true
}

// unsteadySpans lists when a journey was not steady, from its first attempt to its last, but for attempts whose own instance of the app a fault kept from serving: an instance that
// answers knows nothing of those. The list is made once and shared.
func (e *evidence) unsteadySpans(j *plan.Journey) []span {
	if spans, ok := e.unsteadyAt[j.Name]; ok {
		return spans
	}
	list := e.withoutHeld(e.of(j.Name))
	spans := unsteadyIn(list, stretch(j), e.plan.Steady)
	if j.Kind == kindWrite {
		spans = manifest(spans, list, e.plan.Steady.P99)
	}
	e.unsteadyAt[j.Name] = spans
	return spans
}

// manifest cuts the stretches of a journey that pays down to what the app could know: each begins with the first payment that went wrong, or took too long to be answered,
// or else when the deadline of the first one was over that had been taken and was not confirmed. A worse payment shows no later than a better one, so that doing better
// never costs anything.
func manifest(spans []span, list []*attempt, p99 clock.Micros) []span {
	var known []span
	for _, s := range spans {
		from := s.to
		for _, a := range within(list, s.from, s.to) {
			slow := p99 > 0 && a.end-a.due > p99
			switch {
			case (a.class == Late || a.class == Degraded) && !slow:
				from = min(from, a.due+a.journey.Deadline)
			case a.class != OK || slow:
				from = min(from, a.due)
			}
		}
		if from = max(from, s.from); from < s.to {
			known = append(known, span{from, s.to})
		}
	}
	return known
}

// unsteadyIn looks at each stretch of a length that begins with an attempt. list is by due.
func unsteadyIn(list []*attempt, length clock.Micros, want plan.Steady) []span {
	if len(list) == 0 {
		return nil
	}
	counts := countSteady(list, want)
	var spans []span
	covered, end := list[0].due, 0
	for i, a := range list {
		for end < len(list) && list[end].due < a.due+length {
			end++
		}
		if end-i >= steadyLeast && !counts.steady(i, end) {
			continue
		}
		// Nobody knows how it was between the last attempt that belongs to no steady stretch and the next one.
		if i > 0 && list[i-1].due >= covered {
			spans = append(spans, span{covered, list[i-1].due + 1})
		}
		covered = max(covered, a.due+length)
	}
	if last := list[len(list)-1].due; last >= covered {
		spans = append(spans, span{covered, last + 1})
	}
	return spans
}
