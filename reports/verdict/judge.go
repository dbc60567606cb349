package verdict

import (
	"fmt"
	"slices"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
)

// The kinds of journey that are judged in their own way; all others are reads.
const (
	kindWrite  = "write"
	kindStatus = "status"
)

// Judgement is a verdict with what it was made from, for reports that show single attempts.
type Judgement struct {
	Verdict *Verdict
	// Plan is the plan that the history carries; empty, not nil, when the run ended before it had one.
	Plan *plan.Plan
	// Attempts lists every attempt that was judged, by due; void ones too.
	Attempts []Judged

	evidence *evidence // for Known
}

// Judged is one attempt with its class. Times count from the start of the baseline.
type Judged struct {
	ID, Journey, Window string
	Due, At, End        clock.Micros
	Class               Class
	Check               string // the check that speaks in it, or ""
	Why                 string // one sentence: the rule that decided
}

// Judge judges a history. It looks at nothing else, so the same history gives the same judgement for ever. A history that has no seal, because its run was
// killed or still
// goes on, is judged as far as it tells. The only error is a plan that cannot be read.
//
//	history ─▶ evidence ─▶ a class for each attempt ─▶ recovery, windows ─▶ how faults ended ─▶ findings ─▶ verdict ─▶ score
func Judge(h *history.History) (*Judgement, error) {
	e, err := newEvidence(h)
	if err != nil {
		return nil, err
	}
	e.classify()
	e.recovered = e.recoveries()
	for _, a := range e.attempts {
		a.window = e.times.window(a.due)
	}
	e.endEffects()
	v := e.facts()
	var inBaseline []sighting
	v.Findings, v.Warnings, inBaseline = e.collect()
	e.decide(v, inBaseline)

	j := &Judgement{Verdict: v, Plan: e.plan, Attempts: make([]Judged, len(e.attempts)), evidence: e}
	for i, a := range e.attempts {
		j.Attempts[i] = Judged{ID: a.ID, Journey: a.Journey, Window: a.window, Due: a.due, At: a.at, End: a.end, Class: a.class, Check: a.check, Why: a.why}
	}
	return j, nil
}

// classify gives every attempt its class, leaves out payments whose fate a run that was cut off does not tell, and sorts the rest by journey. A status is held
// against how the other journeys went, so those come first.
func (e *evidence) classify() {
	e.listing = e.listed()
	kept := make([]*attempt, 0, len(e.attempts))
	e.counted = map[string][]*attempt{}
	for _, statuses := range []bool{false, true} {
		for _, a := range e.attempts {
			if (a.journey.Kind == kindStatus) != statuses || !e.judge(a) {
				continue
			}
			kept = append(kept, a)
			if a.class != Void {
				e.counted[a.Journey] = append(e.counted[a.Journey], a)
			}
		}
	}
	slices.SortStableFunc(kept, byDue)
	e.attempts = kept
}

func ourLateness(a *attempt) ruling {
	return ruling{class: Void, why: fmt.Sprintf("we sent it %s late", inSeconds(a.at-a.due))}
}

// judge gives one attempt its class; false when the record does not tell.
func (e *evidence) judge(a *attempt) bool {
	a.answered = a.Error == "" && !a.beyondPatience()
	a.took = a.end - a.due
	known := true
	switch {
	case void(a) && a.journey.Kind == kindWrite: // being late ourselves excuses no harm: the payment was made all the same
		if a.ruling, known = e.judgeWrite(a); a.class != Harmful {
			a.ruling = ourLateness(a)
		}
	case void(a):
		a.ruling = ourLateness(a)
	case a.journey.Kind == kindWrite:
		a.ruling, known = e.judgeWrite(a)
	case a.journey.Kind == kindStatus:
		a.ruling = e.judgeStatus(a)
	default:
		a.ruling = e.judgeRead(a)
	}
	return known
}
