package audit

import (
	"maps"
	"math"
	"slices"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/reports/verdict"
)

// route is where a request went.
type route struct{ service, region, chain string }

// Gatherer keeps of the requests of one history what an audit needs. It takes them while the history is read (history.ReadTo).
type Gatherer struct{ requests map[route][]clock.Micros }

// NewGatherer starts one for one history.
func NewGatherer() *Gatherer { return &Gatherer{map[route][]clock.Micros{}} }

// Call takes a request.
func (g *Gatherer) Call(c *history.Call) {
	if !c.Probe {
		at := route{c.Service, c.Region, c.Chain}
		g.requests[at] = append(g.requests[at], c.At)
	}
}

// Evidence is what one run says to an audit.
type Evidence struct {
	verdict *verdict.Verdict
	plan    *plan.Plan

	calm    float64         // how long nothing was broken, in seconds
	asked   map[route]int   // requests while nothing was broken
	strayed map[string]int  // service → requests while something was
	looked  map[string]bool // host names that the app looked up
	samples map[string]*samples
}

// samples are the attempts of one journey that its fate rests on.
type samples struct{ baseline, outage Sample }

// Evidence reads a run whose requests were gathered. j is the judgement of h.
func (g *Gatherer) Evidence(h *history.History, j *verdict.Judgement) *Evidence {
	e := &Evidence{verdict: j.Verdict, plan: j.Plan, asked: map[route]int{}, strayed: map[string]int{}, looked: map[string]bool{}, samples: map[string]*samples{}}
	if h.Timeline == nil { // it ended before its baseline
		return e
	}
	outage, end := windowStart(j.Verdict, verdict.Outage), windowEnd(j.Verdict)
	calm := outage
	if len(j.Plan.Effects) == 0 {
		calm = end
	}
	e.calm = calm.Seconds()
	for at, times := range g.requests {
		for _, t := range times {
			switch t -= h.Timeline.At; {
			case t < 0 || t >= end:
			case t < calm:
				e.asked[at]++
			default:
				e.strayed[at.service]++
			}
		}
	}
	for _, l := range h.Lookups {
		e.looked[l.Host] = true
	}
	e.sample(j, outage, lifted(h, j.Plan, end))
	return e
}

// sample picks the attempts that tell what became of each journey.
//
//   - Of the outage: those whose deadline lay before what was taken away came back, so that nothing but the outage can have decided about them. One that was answered only
//     after that is of no use: the return of the service answered it.
//   - Of the baseline: all but those that the first fault caught.
func (e *Evidence) sample(j *verdict.Judgement, outage, back clock.Micros) {
	deadlines := map[string]clock.Micros{}
	for _, p := range j.Plan.Journeys {
		deadlines[p.Name] = p.Deadline
		e.samples[p.Name] = &samples{}
	}
	for a := range j.All() {
		s := e.samples[a.Journey]
		if s == nil || a.Class == verdict.Void {
			continue
		}
		decided := a.Due + deadlines[a.Journey]
		switch {
		case a.Due < outage && a.End <= outage && (a.Class == verdict.OK || decided <= outage):
			s.baseline.add(a.Class, true)
		case a.Due >= outage && decided <= back:
			s.outage.add(a.Class, a.End <= back)
		}
	}
}

func (s *Sample) add(class verdict.Class, inTime bool) {
	s.Attempts++
	if !inTime {
		return
	}
	switch class {
	case verdict.OK:
		s.OK++
		s.Useful++
	case verdict.Late, verdict.Degraded:
		s.Useful++
	}
}

// ok and useful are parts of the whole; 0 of nothing.
func (s Sample) ok() float64     { return part(s.OK, s.Attempts) }
func (s Sample) useful() float64 { return part(s.Useful, s.Attempts) }

func part(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// rounded keeps four digits after the point.
func rounded(x float64) float64 { return math.Round(x*1e4) / 1e4 }

func windowStart(v *verdict.Verdict, name string) clock.Micros {
	for _, w := range v.Windows {
		if w.Name == name {
			return clock.Micros(math.Round(w.FromS * 1e6))
		}
	}
	return 0
}

func windowEnd(v *verdict.Verdict) clock.Micros {
	end := 0.0
	for _, w := range v.Windows {
		end = max(end, w.ToS)
	}
	return clock.Micros(math.Round(end * 1e6))
}

// lifted is when what was taken away began to come back: the first effect of the cause that lasts longest was lifted. What depends on it may feel it a while longer.
func lifted(h *history.History, p *plan.Plan, end clock.Micros) clock.Micros {
	causes := map[string]string{}
	for _, e := range p.Effects {
		causes[e.ID] = e.Cause
	}
	first := map[string]clock.Micros{}
	for _, f := range h.Faults {
		cause, planned := causes[f.ID]
		if !planned || f.State != history.FaultLifting {
			continue
		}
		if at := f.At - h.Timeline.At; first[cause] == 0 || at < first[cause] {
			first[cause] = at
		}
	}
	if len(first) == 0 {
		return end
	}
	return slices.Max(slices.Collect(maps.Values(first)))
}

// role says what the run is to the audit, among runs of which one has this many journeys.
func (e *Evidence) role(journeys int) string {
	switch {
	case len(e.plan.Effects) > 0:
		return RoleExperiment
	case len(e.plan.Journeys) < journeys:
		return RoleAlone
	default:
		return RoleControl
	}
}
