package plan

import (
	"fmt"
	"math"
	"slices"
	"time"

	"blackout/harness/spec"
)

// Limits of a timetable, in time as it passes in the run.
const (
	rampStep    = 500 * time.Millisecond
	maxRamp     = 200                    // steps of one ramp
	minFlap     = 100 * time.Millisecond // a switch takes some milliseconds to reach every connection
	maxSteps    = 5000
	shareDigits = 1e6
)

// span is a stretch of the timeline, counted unscaled from the end of the baseline.
type span struct{ from, to time.Duration }

// shareStep sets a share from a moment on.
type shareStep struct {
	at    time.Duration
	share float64
}

// timetable is a share over time: constant from step to step, nothing outside its spans.
type timetable struct {
	spans []span // sorted, apart from each other
	steps []shareStep
}

func (t timetable) from() time.Duration { return t.spans[0].from }
func (t timetable) to() time.Duration   { return t.spans[len(t.spans)-1].to }

func (t timetable) peak() float64 {
	peak := 0.0
	for _, s := range t.steps {
		peak = max(peak, s.share)
	}
	return peak
}

// newTimetable lays a share, which may ramp and flap, over spans. The ramp runs once, from the first moment to the last. scale is the run's time scale: what is
// sampled is sampled in time as it passes.
func newTimetable(spans []span, share spec.Share, flap *spec.Flap, scale float64) (timetable, error) {
	t := timetable{spans: spans}
	from, to := t.from(), t.to()
	edges := []time.Duration{from}
	for _, s := range spans {
		edges = append(edges, s.from, s.to)
	}
	ramp := rampOf(from, to, share, scale)
	for _, s := range ramp {
		edges = append(edges, s.at)
	}
	if flap != nil {
		if least := time.Duration(float64(minFlap) / scale); flap.Bad < least || flap.Good < least {
			return t, fmt.Errorf("a flap of %s bad and %s good is too fast: each must be at least %s in time as it passes", flap.Bad, flap.Good, minFlap)
		}
		if 2*float64(to-from)/float64(flap.Bad+flap.Good) > maxSteps {
			return t, fmt.Errorf("a flap of %s bad and %s good switches more than %d times", flap.Bad, flap.Good, maxSteps)
		}
		for at := from; at < to; at += flap.Bad + flap.Good {
			edges = append(edges, at, at+flap.Bad)
		}
	}
	slices.Sort(edges)
	for _, at := range slices.Compact(edges) {
		if at >= to {
			break
		}
		now := 0.0
		held := slices.ContainsFunc(spans, func(s span) bool { return s.from <= at && at < s.to })
		if held && (flap == nil || (at-from)%(flap.Bad+flap.Good) < flap.Bad) {
			now = shareAt(ramp, at)
		}
		if n := len(t.steps); n == 0 || t.steps[n-1].share != now {
			t.steps = append(t.steps, shareStep{at, now})
		}
	}
	return t, nil
}

// rampOf samples a share that changes evenly: the first step has its beginning, the last its end.
func rampOf(from, to time.Duration, share spec.Share, scale float64) []shareStep {
	if share.From == share.To {
		return []shareStep{{from, round(share.From)}}
	}
	n := int(min(maxRamp, max(2, math.Ceil(float64(to-from)*scale/float64(rampStep)))))
	steps := make([]shareStep, n)
	for i := range steps {
		at := from + time.Duration(float64(to-from)*float64(i)/float64(n))
		steps[i] = shareStep{at, round(share.From + (share.To-share.From)*float64(i)/float64(n-1))}
	}
	return steps
}

func shareAt(steps []shareStep, at time.Duration) float64 {
	now := 0.0
	for _, s := range steps {
		if s.at > at {
			break
		}
		now = s.share
	}
	return now
}

// above gives the stretches in which weight × share is at least the threshold.
func (t timetable) above(weight, threshold float64) []span {
	var spans []span
	for i, s := range t.steps {
		if weight*s.share < threshold-1/shareDigits {
			continue
		}
		end := t.to()
		if i+1 < len(t.steps) {
			end = t.steps[i+1].at
		}
		if n := len(spans); n > 0 && spans[n-1].to == s.at {
			spans[n-1].to = end
			continue
		}
		spans = append(spans, span{s.at, end})
	}
	return spans
}

// round keeps shares short in the JSON, and equal shares equal.
func round(share float64) float64 { return math.Round(share*shareDigits) / shareDigits }
