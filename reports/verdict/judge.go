package verdict

import (
	"fmt"
	"iter"
	"slices"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
)

// The kinds of journey that are judged in their own way; all others are reads.
const (
	kindWrite   = "write"
	kindContent = "content"
	kindEvents  = "events"
	kindStatus  = "status"
)

// The drivers whose journeys are judged, or told of, in their own way.
const (
	driverExec    = "exec"
	driverBrowser = "browser"
)

// Judgement is a verdict with what it was made from, for reports that show single attempts.
type Judgement struct {
	Verdict *Verdict
	// Plan is the plan that the history carries; empty, not nil, when the run ended before it had one.
	Plan *plan.Plan
	// Attempts lists what All gives. It is nil in the judgement of a Gatherer, which is there to use little memory.
	Attempts []Judged

	evidence *evidence // for All and Known
}

// Judged is one attempt with its class. Times count from the start of the baseline.
type Judged struct {
	ID, Journey, Window string
	Due, At, End        clock.Micros
	Class               Class
	Check               string // the check that speaks in it, or ""
	Why                 string // one sentence: the rule that decided
}

// Judge judges a history. It looks at nothing else, so the same history gives the same judgement for ever. A history that has no seal, because its run was killed or
// still goes on, is judged as far as it tells. The only error is a plan that cannot be read.
//
//	history ─▶ evidence ─▶ a class for each attempt ─▶ recovery, windows ─▶ how faults ended ─▶ findings ─▶ verdict ─▶ score
func Judge(h *history.History) (*Judgement, error) {
	g := NewGatherer()
	for i := range h.Attempts {
		g.attempt(&h.Attempts[i])
	}
	for i := range h.Calls {
		g.call(&h.Calls[i])
	}
	g.said = slices.Clone(h.Said)
	j, err := judge(h, g)
	if err != nil {
		return nil, err
	}
	j.Attempts = slices.AppendSeq(make([]Judged, 0, len(j.evidence.attempts)), j.All())
	return j, nil
}

func judge(h *history.History, g *Gatherer) (*Judgement, error) {
	e, err := newEvidence(h, g)
	if err != nil {
		return nil, err
	}
	e.classify()
	e.recovered = e.recoveries()
	e.endEffects()
	v := e.facts()
	var inBaseline []sighting
	v.Findings, v.Warnings, inBaseline = e.collect()
	e.lines = nil // who reads single attempts does not ask for it
	e.decide(v, inBaseline)
	return &Judgement{Verdict: v, Plan: e.plan, evidence: e}, nil
}

// All gives every attempt that was judged, by due; void ones too.
func (j *Judgement) All() iter.Seq[Judged] {
	return func(yield func(Judged) bool) {
		if j.evidence == nil { // made by hand
			slices.Values(j.Attempts)(yield)
			return
		}
		for _, a := range j.evidence.attempts {
			if !yield(j.evidence.judged(a)) {
				return
			}
		}
	}
}

func (e *evidence) judged(a *attempt) Judged {
	return Judged{ID: a.id(), Journey: a.journey.Name, Window: e.window(a), Due: a.due, At: a.at, End: a.end, Class: a.class, Check: a.check, Why: a.why}
}

// window is the window that an attempt belongs to.
func (e *evidence) window(a *attempt) string { return e.times.window(a.due) }

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
			if name := a.journey.Name; a.class != Void {
				e.counted[name] = append(e.counted[name], a)
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
	var r ruling
	known := true
	switch {
	case void(a) && a.journey.Kind == kindWrite: // being late ourselves excuses no harm: the payment was made all the same
		if r, known = e.judgeWrite(a); r.class != Harmful {
			r = ourLateness(a)
		}
	case void(a):
		r = ourLateness(a)
	case a.journey.Kind == kindWrite:
		r, known = e.judgeWrite(a)
	case a.journey.Kind == kindEvents && a.journey.Events:
		r = e.judgeEvents(a)
	case a.journey.Kind == kindContent:
		r = e.judgeContent(a)
	case a.journey.Kind == kindStatus:
		r = e.judgeStatus(a)
	default:
		r = e.judgeRead(a)
	}
	e.rule(a, r)
	return known
}

// rule sets what was decided about an attempt.
func (e *evidence) rule(a *attempt, r ruling) {
	one := e.rulings[r]
	if one == nil {
		if len(e.rulings) >= mostAlike {
			clear(e.rulings)
		}
		one = new(ruling)
		*one = r
		e.rulings[r] = one
	}
	a.ruling = one
}
