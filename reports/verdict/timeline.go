package verdict

import (
	"cmp"
	"math"
	"slices"
	"time"

	"blackout/harness/clock"
	"blackout/harness/plan"
)

// Fixed lengths of the judgement.
var (
	steadyFor = clock.Of(5 * time.Second)  // so long must the steady state hold to end the recovery
	scoredFor = clock.Of(20 * time.Second) // so much after the last fault is scored as R
)

// steadyLeast is how many attempts a stretch needs before it can be called steady.
const steadyLeast = 3

// timeline is where the windows lie. An attempt belongs to the window that it is due in.
//
//	0        outage           lifted    recovered        end
//	├ baseline ┼──── outage ─────┼─ recovery ─┼─── after ───┤  drain
//
// The outage begins when the first fault is injected and ends when the last one is seen cleared: times that were observed, not planned. A fault that was never
// seen cleared ends the outage when it failed, or else where the plan ends it. Without faults the plan's times hold, there is no recovery, and all that
// follows is after.
type timeline struct {
	outage, lifted, recovered, end clock.Micros
	// cleared says that a fault was injected and seen cleared, so that there is a recovery to judge.
	cleared bool
}

// newTimeline finds the windows of a run that was watched until a moment.
func newTimeline(p *plan.Plan, effects []effect, until clock.Micros) timeline {
	t := timeline{outage: p.Baseline, lifted: p.OutageEnd, end: until}
	first, last := forever, clock.Micros(-1)
	for _, e := range effects {
		if e.injected == nil {
			continue
		}
		first = min(first, *e.injected)
		switch {
		case e.cleared != nil:
			last, t.cleared = max(last, *e.cleared), true
		case e.failed != nil:
			last = max(last, *e.failed)
		default:
			last = max(last, p.OutageEnd)
		}
	}
	if last >= 0 {
		t.outage, t.lifted = first, last
	} else if len(p.Effects) == 0 && !p.Control {
		// A control scenario runs a timeline whose phases have no faults: its outage is where theirs would be.
		for _, phase := range p.Phases {
			t.lifted = max(t.lifted, phase.To)
		}
	}
	t.lifted = max(t.lifted, t.outage)
	t.end = max(t.end, t.lifted)
	t.recovered = t.lifted
	if t.cleared {
		t.recovered = t.end
	}
	return t
}

// window names the window that a moment belongs to.
func (t timeline) window(due clock.Micros) string {
	switch {
	case due < t.outage:
		return Baseline
	case due < t.lifted:
		return Outage
	case due < t.recovered:
		return Recovery
	default:
		return After
	}
}

// windows lists the windows for verdict.json; an empty one has equal ends.
func (t timeline) windows() []Window {
	return []Window{
		{Baseline, 0, t.outage.Seconds()},
		{Outage, t.outage.Seconds(), t.lifted.Seconds()},
		{Recovery, t.lifted.Seconds(), t.recovered.Seconds()},
		{After, t.recovered.Seconds(), t.end.Seconds()},
	}
}

// windowNames lists the windows in order.
func windowNames() []string { return []string{Baseline, Outage, Recovery, After} }

// steadiness is what a stretch of attempts shows of the steady state.
type steadiness struct {
	n, ok int
	share float64
	p99   clock.Micros
}

// measure takes the steady state of attempts, void ones left out by the caller. Its p99 is over how long whole answers took, from due; for a payment that is
// its first
// answer, since when the chain confirms it is not the app's doing.
func measure(list []*attempt) steadiness {
	s := steadiness{n: len(list)}
	var took []clock.Micros
	for _, a := range list {
		if a.class == OK {
			s.ok++
		}
		if a.answered {
			took = append(took, a.end-a.due)
		}
	}
	if s.n > 0 {
		s.share = float64(s.ok) / float64(s.n)
	}
	slices.Sort(took)
	s.p99 = quantile(took, 0.99)
	return s
}

// meets reports whether the stretch is steady.
func (s steadiness) meets(want plan.Steady) bool {
	return s.n > 0 && s.share >= want.OK-1e-9 && (want.P99 <= 0 || s.p99 <= want.P99)
}

// quantile is the exact quantile by nearest rank of sorted values: the smallest that at least q of them do not exceed. It is 0 without values.
func quantile(sorted []clock.Micros, q float64) clock.Micros {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(q*float64(len(sorted)) - 1e-9))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// recovery is when one journey was steady again after the last fault.
type recovery struct {
	at    clock.Micros // the start of the first steady stretch; meaningless unless found
	found bool
}

// recover finds the first 5 s, or three attempts' time of a slower journey, that meet the steady state: at the moment of clearing, or from any later
// attempt's due time on. A stretch must lie within the run. Only one that begins within recover_within may be cut off by the run's end: nothing more could
// be watched, and what was watched is steady.
func (t timeline) recover(list []*attempt, j *plan.Journey, p *plan.Plan) recovery {
	length := max(steadyFor, steadyLeast*j.Every)
	try := func(from clock.Micros) bool {
		if from+length > t.end && from > t.lifted+p.RecoverWithin {
			return false
		}
		stretch := within(list, from, from+length)
		if len(stretch) < steadyLeast {
			return false
		}
		ok := 0
		for _, a := range stretch {
			if a.class == OK {
				ok++
			}
		}
		return float64(ok) >= p.Steady.OK*float64(len(stretch))-1e-9 && measure(stretch).meets(p.Steady)
	}
	if try(t.lifted) {
		return recovery{t.lifted, true}
	}
	start, _ := slices.BinarySearchFunc(list, t.lifted, func(a *attempt, at clock.Micros) int { return cmp.Compare(a.due, at) })
	for _, a := range list[start:] {
		if try(a.due) {
			return recovery{a.due, true}
		}
	}
	return recovery{}
}
