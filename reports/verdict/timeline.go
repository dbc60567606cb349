package verdict

import (
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

// stretch is how long a journey has to be steady: 5 s, or three attempts' time of a slower one.
func stretch(j *plan.Journey) clock.Micros { return max(steadyFor, steadyLeast*j.Every) }

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

// measure takes the steady state of attempts, void ones left out by the caller. Its p99 is over how long whole answers took, from due; for a payment that is its first
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
	length := stretch(j)
	list = within(list, t.lifted, forever)
	counts := countSteady(list, p.Steady)
	to := 0
	try := func(i int, from clock.Micros) bool {
		if from+length > t.end && from > t.lifted+p.RecoverWithin {
			return false
		}
		for to < len(list) && list[to].due < from+length {
			to++
		}
		return to-i >= steadyLeast && counts.steady(i, to)
	}
	if try(0, t.lifted) {
		return recovery{t.lifted, true}
	}
	for i, a := range list {
		if (i == 0 || list[i-1].due < a.due) && try(i, a.due) {
			return recovery{a.due, true}
		}
	}
	return recovery{}
}

// steadyCounts says of any stretch of a list of attempts whether it is steady, without looking at each attempt of it again. Element i of each counts over the first i.
type steadyCounts struct {
	ok, answered, quick []int32
	want                plan.Steady
}

func countSteady(list []*attempt, want plan.Steady) steadyCounts {
	c := steadyCounts{make([]int32, len(list)+1), make([]int32, len(list)+1), make([]int32, len(list)+1), want}
	for i, a := range list {
		c.ok[i+1], c.answered[i+1], c.quick[i+1] = c.ok[i], c.answered[i], c.quick[i]
		if a.class == OK {
			c.ok[i+1]++
		}
		if a.answered {
			c.answered[i+1]++
			if a.end-a.due <= want.P99 {
				c.quick[i+1]++
			}
		}
	}
	return c
}

// steady reports whether measure's steadiness of the attempts from i up to, and without, to meets what is wanted. The quantile by nearest rank is at most P99 when as
// many of the values are as its rank says.
func (c steadyCounts) steady(i, to int) bool {
	if to <= i || float64(c.ok[to]-c.ok[i]) < c.want.OK*float64(to-i)-1e-9 {
		return false
	}
	answered := c.answered[to] - c.answered[i]
	return c.want.P99 <= 0 || answered == 0 || float64(c.quick[to]-c.quick[i]) >= math.Ceil(0.99*float64(answered)-1e-9)
}
