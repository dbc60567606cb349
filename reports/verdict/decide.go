package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"blackout/harness/clock"
	"blackout/harness/history"
)

// Least attempts of a journey in the baseline and in the outage.
const (
	leastAttempts        = 20
	leastBrowserAttempts = 5 // a browser takes seconds for one
)

// fewBad is how many attempts that were not ok a run without faults has to show after its baseline to count as unsteady there.
const fewBad = 3

// mostVoid is the share of void attempts in a window above which the harness, not the app, was measured.
const mostVoid = 0.02

// decide sets verdict, reasons, severity, scores and grade.
//
//   - inconclusive: the run cannot carry a verdict, for any of the reasons of doubts. All of them are listed.
//   - not-applicable: it could, but the app used nothing that failed.
//   - fail: some attempt was wrong or harmful, or a journey did not recover.
//   - pass: else. Scores do not matter here: thresholds belong to gates.
//
// No data is never a pass, so doubt comes first.
func (e *evidence) decide(v *Verdict, inBaseline []sighting) {
	v.Severity, v.Grade = Unknown, "?"
	if v.Reasons = e.doubts(inBaseline); len(v.Reasons) > 0 {
		v.Verdict = Inconclusive
		return
	}
	if len(e.effects) > 0 && e.ended(NotUsed) == len(e.effects) {
		v.Verdict = NotApplicable
		v.Reasons = []string{"the app used nothing that failed: " + e.list(NotUsed)}
		return
	}
	if v.Reasons = e.faultsOfApp(v); len(v.Reasons) > 0 {
		v.Verdict = Fail
	} else {
		v.Verdict = Pass
		v.Reasons = e.praise(v)
	}
	switch {
	case v.HarmedIntents > 0:
		v.Severity = Harming
	case v.WrongAttempts > 0:
		v.Severity = Misleading
	default:
		v.Severity = Safe
	}
	for i := range v.Cells {
		j := &e.plan.Journeys[i]
		_, broken := e.notRecovered(j)
		outage, recovery := e.marks(j)
		score, sum := scoreCell(outage, recovery, broken)
		v.Cells[i].Score, v.Cells[i].Sum = &score, &sum
	}
	score := scenarioScore(v.Cells)
	v.Score = &score
	v.Grade = Grade(v.Score, v.Severity)
}

// doubts lists why the run can carry no verdict.
func (e *evidence) doubts(inBaseline []sighting) []string {
	reasons := []string{}
	switch seal := e.h.Seal; {
	case seal == nil: // too few attempts are then only a consequence
		return append([]string{"the run was cut off: its history has no seal"}, e.unproven()...)
	case seal.End == history.EndAborted:
		return []string{"the run was aborted: " + cmp.Or(seal.Reason, "no reason is recorded")}
	case seal.End == history.EndInterrupted:
		return append([]string{"the run was interrupted"}, e.unproven()...)
	}
	for _, t := range e.h.Troubles {
		reasons = append(reasons, "trouble of our own that the app could feel: "+t.Text)
	}
	reasons = append(reasons, e.unsteady()...)
	reasons = append(reasons, spokeEarly(inBaseline)...)
	reasons = append(reasons, e.unproven()...)
	reasons = append(reasons, e.tooFew()...)
	reasons = append(reasons, e.unwatched()...)
	return append(reasons, e.tooManyVoid()...)
}

// caught reports whether an attempt of the baseline was still under way when the first fault came, so that what became of it says nothing about the app without faults: a read
// that had not ended; or a payment that still had time before its deadline, and that the app had not concluded, or, where nobody asks it again, the chain had not; or one that
// was mined and that the faults took out of the chain again.
func (e *evidence) caught(a *attempt) bool {
	if len(e.effects) == 0 || a.due >= e.times.outage {
		return false
	}
	if a.end > e.times.outage || a.journey.Kind == kindWrite && e.undone(a) {
		return true
	}
	if a.journey.Kind != kindWrite || a.due+a.journey.Deadline <= e.times.outage {
		return false
	}
	if !a.journey.Follow {
		return !e.minedBefore(a, e.times.outage)
	}
	for _, s := range e.words[a.id()] {
		if s.State == history.StateConfirmed || s.State == history.StateFailed {
			return s.At > e.times.outage
		}
	}
	return firstWord(a) == wordPending
}

// minedBefore reports whether a block that was published before a moment pays the attempt's payment.
func (e *evidence) minedBefore(a *attempt, t clock.Micros) bool {
	c := e.chains[a.journey.Chain]
	if c == nil {
		return false
	}
	return slices.ContainsFunc(c.payments[a.id()], func(p paid) bool {
		return slices.ContainsFunc(c.byNumber[p.number], func(b *block) bool { return b.published < t })
	})
}

// undone reports whether a payment lay in a block that was canonical until the first fault came or later, and is not any more.
func (e *evidence) undone(a *attempt) bool {
	if e.taken == nil {
		e.taken = map[string]bool{}
		for _, c := range e.chains {
			for _, b := range c.blocks {
				n := len(b.canonical)
				if n == 0 || b.canonical[n-1].to == forever || b.canonical[n-1].to < e.times.outage {
					continue
				}
				for _, p := range b.Paid {
					e.taken[p.Intent] = true
				}
			}
		}
	}
	return e.taken[a.id()]
}

// unsteady finds journeys whose baseline does not meet the steady state: what the outage did to them cannot be told. Without faults the rest of the run is held to it as well, but
// for one or two attempts: what goes wrong there is nobody's outage. Trouble of our own explains it.
func (e *evidence) unsteady() []string {
	var reasons []string
	want := e.plan.Steady
	for i := range e.plan.Journeys {
		name := e.plan.Journeys[i].Name
		s := measure(slices.DeleteFunc(slices.Clone(within(e.of(name), 0, e.times.outage)), e.caught))
		switch {
		case s.n == 0 || s.meets(want):
		case s.share < want.OK-1e-9:
			reasons = append(reasons, fmt.Sprintf("%s was not steady in the baseline: %s %% ok, %s %% are asked",
				name, trimmed(100*s.share, 1), trimmed(100*want.OK, 1)))
		default:
			reasons = append(reasons, fmt.Sprintf("%s was not steady in the baseline: p99 %s, at most %s is asked", name, inSeconds(s.p99), inSeconds(want.P99)))
		}
		rest := measure(within(e.of(name), e.times.outage, e.times.end))
		if len(e.effects) == 0 && len(e.h.Troubles) == 0 && rest.n-rest.ok >= fewBad && rest.share < want.OK-1e-9 {
			reasons = append(reasons, fmt.Sprintf("%s was not steady after the baseline, without any fault: %s %% ok, %s %% are asked",
				name, trimmed(100*rest.share, 1), trimmed(100*want.OK, 1)))
		}
	}
	return reasons
}

// spokeEarly lists the checks that found something before any fault.
func spokeEarly(inBaseline []sighting) []string {
	counts := map[string]int{}
	var order []string
	for _, s := range inBaseline {
		key := s.journey + " in the baseline: " + s.text
		if s.attempt.check != "" {
			key = fmt.Sprintf("%s spoke in the baseline of %s", s.attempt.check, s.journey)
		}
		if counts[key] == 0 {
			order = append(order, key)
		}
		counts[key]++
	}
	var reasons []string
	for _, key := range order {
		reasons = append(reasons, key+": "+times(counts[key], "attempt"))
	}
	return reasons
}

// unproven lists the effects that did not do what the plan says, or were not seen undone.
func (e *evidence) unproven() []string {
	var reasons []string
	for i := range e.effects {
		f := &e.effects[i]
		switch {
		case f.ended == Failed && f.injected == nil && f.failed == nil:
			reasons = append(reasons, f.name()+" failed: it was never injected")
		case f.ended == Failed:
			reasons = append(reasons, f.name()+" failed: "+cmp.Or(f.detail, "no reason is recorded"))
		case f.ended == Missed && f.confirmed == nil:
			reasons = append(reasons, f.name()+" was missed: it was never seen to act, and touched nothing")
		case f.ended == Missed:
			reasons = append(reasons, f.name()+" was missed: the app used it anew and the fault touched nothing")
		}
		if f.injected != nil && f.cleared == nil {
			reasons = append(reasons, "clean-up unverified: "+f.name()+" was never seen cleared")
		}
	}
	if e.ended(Spared) > 0 && e.ended(Spared)+e.ended(NotUsed) == len(e.effects) {
		reasons = append(reasons, "nothing was exercised: the app was spared by "+e.list(Spared))
	}
	return reasons
}

// tooFew lists journeys with too few attempts to say anything. In a control whose outage is empty only the baseline counts.
func (e *evidence) tooFew() []string {
	var reasons []string
	for i := range e.plan.Journeys {
		j := &e.plan.Journeys[i]
		least := leastAttempts
		if j.Driver == driverBrowser {
			least = leastBrowserAttempts
		}
		list := e.of(j.Name)
		if n := len(within(list, 0, e.times.outage)); n < least {
			reasons = append(reasons, fmt.Sprintf("only %s of %s in the baseline, %d are needed", times(n, "attempt"), j.Name, least))
		}
		if n := len(within(list, e.times.outage, e.times.lifted)); n < least && (len(e.effects) > 0 || e.times.lifted > e.times.outage) {
			reasons = append(reasons, fmt.Sprintf("only %s of %s in the outage, %d are needed", times(n, "attempt"), j.Name, least))
		}
	}
	if len(e.plan.Journeys) == 0 {
		reasons = append(reasons, "the plan has no journeys")
	}
	return reasons
}

// tooManyVoid lists the windows in which we were too late too often. Recovery and after are one here: the line between them is drawn by the app, and a recovery of a
// second would let one late attempt spoil a run.
func (e *evidence) tooManyVoid() []string {
	all, void := map[string]int{}, map[string]int{}
	for _, a := range e.attempts {
		window := e.window(a)
		if window == Recovery || window == After {
			window = "time after the outage"
		}
		all[window]++
		if a.class == Void {
			void[window]++
		}
	}
	var reasons []string
	for _, window := range []string{Baseline, Outage, "time after the outage"} {
		if n, of := void[window], all[window]; n > 0 && float64(n) > mostVoid*float64(of) {
			reasons = append(reasons, fmt.Sprintf("%s %% of the attempts in the %s are void: the harness was late itself, or knew no truth; 2 %% are allowed",
				trimmed(100*float64(n)/float64(of), 1), window))
		}
	}
	return reasons
}

// faultsOfApp lists what makes a valid run fail.
func (e *evidence) faultsOfApp(v *Verdict) []string {
	reasons := []string{}
	for _, c := range v.Cells {
		for _, class := range []Class{Harmful, Wrong} {
			if text := e.count(c.Journey, class); text != "" {
				reasons = append(reasons, text)
			}
		}
	}
	for i := range e.plan.Journeys {
		j := &e.plan.Journeys[i]
		r, broken := e.notRecovered(j)
		switch {
		case broken && r.found:
			reasons = append(reasons, fmt.Sprintf("%s was steady again only %s after the last fault, %s are allowed",
				j.Name, inSeconds(r.at-e.times.lifted), inSeconds(e.plan.RecoverWithin)))
		case broken:
			reasons = append(reasons, fmt.Sprintf("%s was not steady again in the %s after the last fault, %s are allowed",
				j.Name, inSeconds(e.times.end-e.times.lifted), inSeconds(e.plan.RecoverWithin)))
		}
	}
	return reasons
}

// count says how often a journey was wrong or harmful, by check, the commonest first.
func (e *evidence) count(journey string, class Class) string {
	n := map[string]int{}
	total := 0
	for _, a := range e.of(journey) {
		if a.class == class {
			n[a.check]++
			total++
		}
	}
	if total == 0 {
		return ""
	}
	checks := make([]string, 0, len(n))
	for check := range n {
		checks = append(checks, check)
	}
	slices.SortFunc(checks, func(a, b string) int { return cmp.Or(-cmp.Compare(n[a], n[b]), cmp.Compare(a, b)) })
	for i, check := range checks {
		checks[i] = fmt.Sprintf("%s %d", check, n[check])
	}
	return fmt.Sprintf("%s was %s %s: %s", journey, class, times(total, "time"), strings.Join(checks, ", "))
}

// praise says what a pass rests on.
func (e *evidence) praise(v *Verdict) []string {
	n := 0
	for _, a := range e.attempts {
		if a.class != Void {
			n++
		}
	}
	reasons := []string{"no wrong answer and no harmed payment in " + times(n, "attempt")}
	if v.RecoveredAfterS != nil {
		reasons = append(reasons, fmt.Sprintf("every journey was steady again %s s after the last fault", trimmed(*v.RecoveredAfterS, 2)))
	}
	return reasons
}

// ended counts the effects that ended so.
func (e *evidence) ended(as string) int {
	n := 0
	for i := range e.effects {
		if e.effects[i].ended == as {
			n++
		}
	}
	return n
}

// list names the effects that ended so.
func (e *evidence) list(as string) string {
	var names []string
	for i := range e.effects {
		if e.effects[i].ended == as {
			names = append(names, e.effects[i].name())
		}
	}
	return strings.Join(names, ", ")
}

func times(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
