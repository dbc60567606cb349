package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"blackout/harness/clock"
	"blackout/harness/plan"
	"blackout/reports/verdict"
)

// Fate is what becomes of a journey while something is taken away. The first rule that matches decides:
//
//	unknown    the run is inconclusive or not applicable
//	harms      a payment was harmed, from the first fault to the end of the run
//	misleads   an answer was wrong, in the same time
//	unknown    too few attempts tell
//	dies       useful answers (ok, late, degraded) are under half of what they were in the baseline
//	degrades   answers that are ok are under 95 % of what they were in the baseline
//	survives   else
//
// Both parts are of the attempts that Evidence picks. Silence is never survival: what is not known is unknown.
type Fate string

// The fates, the gravest first; unknown stands apart.
const (
	Harms    Fate = "harms"
	Misleads Fate = "misleads"
	Dies     Fate = "dies"
	Degrades Fate = "degrades"
	Survives Fate = "survives"
	Unknown  Fate = "unknown"
)

// Fates lists all, the gravest first.
func Fates() []Fate { return []Fate{Harms, Misleads, Dies, Degrades, Survives, Unknown} }

// Lost reports whether a journey with that fate did not live through.
func (f Fate) Lost() bool { return f == Harms || f == Misleads || f == Dies }

// The bounds of the rules, of the baseline's part.
const (
	AliveFrom = 0.5
	WellFrom  = 0.95
)

// The least attempts that tell what became of a journey, as for a verdict.
const (
	leastAttempts        = 20
	leastBrowserAttempts = 5
)

// least is how many attempts of a journey a fate takes.
func least(driver string) int {
	if driver == "browser" {
		return leastBrowserAttempts
	}
	return leastAttempts
}

// experiments tells of each run with faults, services first, each by how much of the requests it has, and finds the single points of failure. Where a thing was taken away in
// several runs, those that tell nothing are left out; the last of them stays, if no other tells something.
func (m *maker) experiments(a *Audit) {
	for _, e := range m.of(RoleExperiment) {
		x := Experiment{Taken: takenFrom(e.plan), Run: e.verdict.Run.ID, Verdict: e.verdict.Verdict, Journeys: []Outcome{}}
		for i := range e.plan.Journeys {
			x.Journeys = append(x.Journeys, e.outcome(&e.plan.Journeys[i]))
		}
		a.Experiments = append(a.Experiments, x)
	}
	last := map[Taken]string{} // the run that stays where none tells anything; "" where one does
	for _, x := range a.Experiments {
		if of, seen := last[x.Taken]; x.tells() {
			last[x.Taken] = ""
		} else if !seen || of != "" {
			last[x.Taken] = x.Run
		}
	}
	a.Experiments = slices.DeleteFunc(a.Experiments, func(x Experiment) bool { return !x.tells() && x.Run != last[x.Taken] })
	slices.SortStableFunc(a.Experiments, func(x, y Experiment) int {
		return cmp.Or(cmp.Compare(x.Taken.order(), y.Taken.order()), cmp.Compare(a.share(y.Taken), a.share(x.Taken)), cmp.Compare(x.Taken.Name, y.Taken.Name), cmp.Compare(x.Run, y.Run))
	})
	for _, x := range a.Experiments {
		for _, o := range x.Journeys {
			if o.Fate.Lost() {
				a.lost(x.Taken, Loss{o.Journey, o.Fate, o.Helpless})
			}
		}
	}
}

// tells reports whether the experiment shows of any journey what becomes of it.
func (x *Experiment) tells() bool {
	return slices.ContainsFunc(x.Journeys, func(o Outcome) bool { return o.Fate != Unknown })
}

// lost notes that a journey does not live through; of several runs the gravest fate counts.
func (a *Audit) lost(what Taken, loss Loss) {
	if what.Kind == TakenScenario {
		return // more than one thing failed
	}
	i := slices.IndexFunc(a.SinglePoints, func(s SinglePoint) bool { return s.Taken == what })
	if i < 0 {
		i = len(a.SinglePoints)
		a.SinglePoints = append(a.SinglePoints, SinglePoint{Taken: what, Share: a.share(what)})
	}
	s := &a.SinglePoints[i]
	j := slices.IndexFunc(s.Journeys, func(l Loss) bool { return l.Journey == loss.Journey })
	switch {
	case j < 0:
		s.Journeys = append(s.Journeys, loss)
	case slices.Index(Fates(), loss.Fate) < slices.Index(Fates(), s.Journeys[j].Fate):
		s.Journeys[j] = loss
	}
}

// share is the part of the requests that goes to what was taken away.
func (a *Audit) share(what Taken) float64 {
	n := 0
	for _, d := range a.Dependencies {
		if what.Kind == TakenService && d.Service == what.Name {
			n += d.Requests
		}
		for _, p := range d.Places {
			if what.Kind == TakenRegion && p.Region == what.Name {
				n += p.Requests
			}
		}
	}
	return rounded(part(n, a.Requests))
}

// outcome decides what became of a journey.
func (e *Evidence) outcome(j *plan.Journey) Outcome {
	o := Outcome{Journey: j.Name, Kind: j.Kind, Checks: []string{}, Best: e.best(j)}
	o.Helpless = !slices.Contains([]verdict.Class{verdict.OK, verdict.Late, verdict.Degraded}, o.Best)
	if s := e.samples[j.Name]; s != nil {
		o.Baseline, o.Outage = s.baseline, s.outage
	}
	for _, c := range e.verdict.Cells {
		if c.Journey != j.Name {
			continue
		}
		for _, w := range []string{verdict.Outage, verdict.Recovery, verdict.After} {
			o.Wrong += c.Attempts[w][verdict.Wrong]
			o.Harmful += c.Attempts[w][verdict.Harmful]
		}
	}
	spoke := map[verdict.Class][]string{}
	for _, f := range e.verdict.Findings { // the gravest come first
		if f.Journey != j.Name || slices.Contains(o.Checks, f.Check) {
			continue
		}
		o.Checks = append(o.Checks, f.Check)
		spoke[f.Class] = append(spoke[f.Class], f.Check)
	}
	o.Fate, o.Why = o.decide(e.verdict, spoke, least(j.Driver))
	return o
}

// best is the worst of the classes that the scenario expects while something is away.
func (e *Evidence) best(j *plan.Journey) verdict.Class {
	worst := verdict.OK
	from, to := windowStart(e.verdict, verdict.Outage), clock.Micros(0)
	for _, w := range e.verdict.Windows {
		if w.Name == verdict.Outage {
			to = clock.Micros(w.ToS * 1e6)
		}
	}
	for i, b := range j.Best {
		until := to
		if i+1 < len(j.Best) {
			until = j.Best[i+1].From
		}
		if b.From < to && until > from && slices.Index(verdict.Classes(), verdict.Class(b.Class)) > slices.Index(verdict.Classes(), worst) {
			worst = verdict.Class(b.Class)
		}
	}
	return worst
}

func (o *Outcome) decide(v *verdict.Verdict, spoke map[verdict.Class][]string, least int) (Fate, string) {
	useful := fmt.Sprintf("%s of the answers were of use, %s in the baseline", percent(o.Outage.useful()), percent(o.Baseline.useful()))
	told := o.Outage.Attempts >= least && o.Baseline.Attempts > 0
	bad := func(n int, one, many string, of verdict.Class) string {
		text := counted(n, one, many)
		if len(spoke[of]) > 0 {
			text += " (" + strings.Join(spoke[of], ", ") + ")"
		}
		if told {
			text += "; " + useful
		}
		return text
	}
	switch {
	case v.Verdict == verdict.Inconclusive || v.Verdict == verdict.NotApplicable:
		return Unknown, fmt.Sprintf("the run is %s: %s", v.Verdict, strings.Join(v.Reasons, "; "))
	case o.Harmful > 0:
		return Harms, bad(o.Harmful, "payment was harmed", "payments were harmed", verdict.Harmful)
	case o.Wrong > 0:
		return Misleads, bad(o.Wrong, "answer was wrong", "answers were wrong", verdict.Wrong)
	case !told:
		return Unknown, fmt.Sprintf("only %s could be told by, %d are needed", counted(o.Outage.Attempts, "attempt", "attempts"), least)
	case o.Outage.useful() < AliveFrom*o.Baseline.useful():
		return Dies, useful
	case o.Outage.ok() < WellFrom*o.Baseline.ok():
		return Degrades, fmt.Sprintf("%s; %s were ok", useful, percent(o.Outage.ok()))
	}
	return Survives, fmt.Sprintf("%s of the answers were ok", percent(o.Outage.ok()))
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// percent never rounds something to nothing, nor almost all to all.
func percent(x float64) string {
	switch {
	case x > 0 && x < 0.01:
		return "<1 %"
	case x < 1 && x > 0.99:
		return ">99 %"
	}
	return fmt.Sprintf("%.0f %%", 100*x)
}
