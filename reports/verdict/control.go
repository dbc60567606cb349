package verdict

import (
	"fmt"
	"slices"

	"blackout/harness/history"
)

// WithControl holds a run against its control: the same timeline, seed, load and app without the faults. A finding there that is wrong, harmful or unavailable, an
// attempt that got no answer, or any verdict but pass is not the outage's doing. Then nothing that the run shows can be put down to the outage, and the run is
// inconclusive: its reasons say what the control showed, its scores are null. A control in which all was well changes nothing. In both cases the verdict names it.
//
// Neither argument is changed. A nil control gives v itself.
func WithControl(v, control *Verdict) *Verdict {
	if control == nil {
		return v
	}
	return WithRecorded(v, Control{Run: control.Run.ID, Verdict: control.Verdict, Reasons: spoken(v, control)})
}

// WithRecorded is WithControl for a control of which only the record in an earlier verdict.json is left.
func WithRecorded(v *Verdict, control Control) *Verdict {
	held := *v
	held.Control = &control
	if len(control.Reasons) == 0 {
		return &held
	}
	held.Reasons = slices.Clone(control.Reasons)
	if v.Verdict == Inconclusive {
		held.Reasons = slices.Concat(v.Reasons, control.Reasons)
	}
	held.Verdict, held.Score, held.Grade, held.Severity = Inconclusive, nil, "?", Unknown
	held.Cells = slices.Clone(v.Cells)
	for i := range held.Cells {
		held.Cells[i].Score, held.Cells[i].Sum = nil, nil
	}
	return &held
}

// spoken says what a control of v showed that it should not have.
func spoken(v, control *Verdict) []string {
	reasons := []string{}
	say := func(format string, args ...any) {
		reasons = append(reasons, "the control, without faults, "+fmt.Sprintf(format, args...))
	}
	if a, b := v.Run, control.Run; !b.Control || a.App != b.App || a.Scenario != b.Scenario || a.Seed != b.Seed || a.TimeScale != b.TimeScale {
		return []string{fmt.Sprintf("run %s is no control of this one: it differs in more than the faults", b.ID)}
	}
	groups := Group(control.Findings)
	if control.Verdict != Pass && (control.Verdict != Fail || len(groups) == 0) {
		for _, reason := range control.Reasons {
			say("was %s: %s", control.Verdict, reason)
		}
	}
	for _, g := range groups {
		if g.Count == 0 {
			say("had %s in %s: %s", g.Check, g.Journey, g.Findings[0].Text)
			continue
		}
		say("had %s in %s, in %s, the first at %s s: %s", g.Check, g.Journey, times(g.Count, "attempt"), trimmed(g.FirstAtS, 1), g.Findings[0].Text)
	}
	for _, c := range control.Cells { // a transport error has no check of its own
		n := 0
		for _, classes := range c.Attempts {
			n += classes[Unavailable]
		}
		told := slices.ContainsFunc(groups, func(g Together) bool { return g.Journey == c.Journey && g.Class == Unavailable })
		if n > 0 && !told {
			say("was unavailable in %s, in %s", c.Journey, times(n, "attempt"))
		}
	}
	if len(reasons) == 0 && (control.Verdict != Pass || control.Ended != history.EndComplete) {
		say("was %s", control.Verdict)
	}
	return reasons
}
