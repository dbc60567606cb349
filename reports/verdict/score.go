package verdict

import (
	"math"

	"blackout/harness/clock"
	"blackout/harness/plan"
)

// Points are what a class is worth. An error page beats a zero: saying no is worth something, a wrong answer nothing, and the caps make it worth less than that.
func Points(c Class) float64 {
	switch c {
	case OK:
		return 1
	case Late:
		return 0.7
	case Degraded:
		return 0.6
	case Declined:
		return 0.4
	default:
		return 0
	}
}

// mark is one attempt for the score: its class, and the best class that any app could have reached then.
type mark struct{ class, best Class }

// p is the mark's part of what was possible, in [0, 1]. Where even the best app has no points, every app has what was possible.
func (m mark) p() float64 {
	best := Points(m.best)
	if best <= 0 {
		return 1
	}
	return min(1, Points(m.class)/best)
}

// scoreCell is the score of one journey.
//
//	O = mean p over the outage      R = mean p over the 20 s after it, best = ok
//	q = 0.75 O + 0.25 R             cell = floor(100 q), then the caps:
//
//	not steady within recover_within           at most 59
//	some attempt wrong                         at most 39 (1 − w), w the share of wrong or harmful attempts
//	some attempt harmful                       at most 9 (1 − h), h the share of harmful attempts
//
// The shares are over O and R together. A harmful attempt counts in w as well: otherwise a payment that is wrong instead of harmful could cost more through w than it
// gains through h, and a better class must never lower a score. Without attempts in one of the two windows the other stands for both.
func scoreCell(outage, recovery []mark, notRecovered bool) (int, Sum) {
	s := Sum{O: meanP(outage), R: meanP(recovery)}
	switch {
	case len(outage) == 0:
		s.O = s.R
	case len(recovery) == 0:
		s.R = s.O
	}
	q := 0.75*s.O + 0.25*s.R
	s.Uncapped = floor(100 * q)
	lowest := float64(s.Uncapped)
	limit := func(rule string, at, share float64) {
		s.Caps = append(s.Caps, Cap{Rule: rule, At: round(at), Share: round(share)})
		lowest = min(lowest, at)
	}
	if notRecovered {
		limit("not-recovered", 59, 0)
	}
	wrong, harmful := 0, 0
	for _, list := range [][]mark{outage, recovery} {
		for _, m := range list {
			switch m.class {
			case Wrong:
				wrong++
			case Harmful:
				harmful++
			}
		}
	}
	n := float64(len(outage) + len(recovery))
	if wrong > 0 {
		w := float64(wrong+harmful) / n
		limit("wrong", 39*(1-w), w)
	}
	if harmful > 0 {
		h := float64(harmful) / n
		limit("harmful", 9*(1-h), h)
	}
	s.O, s.R, s.Q = round(s.O), round(s.R), round(q)
	return floor(lowest), s
}

func meanP(list []mark) float64 {
	if len(list) == 0 {
		return 0
	}
	sum := 0.0
	for _, m := range list {
		sum += m.p()
	}
	return sum / float64(len(list))
}

// floor rounds down, but takes 28.999999999 for the 29 that it is but for binary fractions.
func floor(x float64) int { return int(math.Floor(x + 1e-9)) }

// round keeps six digits after the point, for people.
func round(x float64) float64 { return math.Round(x*1e6) / 1e6 }

// Weight is what a kind of journey counts in a scenario's score.
func Weight(kind string) int {
	if kind == kindWrite {
		return 2
	}
	return 1
}

// marks are the journey's attempts in O and in R. Twenty seconds is what R looks at however long the run went on, so that a longer `after` changes nothing.
func (e *evidence) marks(j *plan.Journey) (outage, recovery []mark) {
	first := within(e.of(j.Name), e.times.outage, e.times.lifted)
	then := within(e.of(j.Name), e.times.lifted, e.times.lifted+scoredFor)
	outage, recovery = make([]mark, len(first)), make([]mark, len(then))
	for i, a := range first {
		outage[i] = mark{a.class, bestAt(j, a.due)}
	}
	for i, a := range then {
		recovery[i] = mark{a.class, OK}
	}
	return outage, recovery
}

// bestAt is the best class that any app can reach for an attempt due at t.
func bestAt(j *plan.Journey, t clock.Micros) Class {
	best := OK
	for _, b := range j.Best {
		if b.From <= t {
			best = Class(b.Class)
		}
	}
	return best
}

// scenarioScore is the mean of the cells, weighted by kind.
func scenarioScore(cells []Cell) int {
	sum, weights := 0, 0
	for _, c := range cells {
		if c.Score != nil {
			sum += Weight(c.Kind) * *c.Score
			weights += Weight(c.Kind)
		}
	}
	if weights == 0 {
		return 0
	}
	return sum / weights
}

// Grade is the letter of a score: A ≥ 90, B ≥ 75, C ≥ 60, D ≥ 40, else F; at most C when something was wrong, F when something was harmed, and "?" without a score.
func Grade(score *int, severity string) string {
	switch {
	case score == nil:
		return "?"
	case severity == Harming || *score < 40:
		return "F"
	case *score < 60:
		return "D"
	case *score < 75 || severity == Misleading:
		return "C"
	case *score < 90:
		return "B"
	default:
		return "A"
	}
}
