package verdict

import (
	"fmt"
	"slices"

	"blackout/harness/clock"
	"blackout/harness/plan"
)

// recoveries finds when each journey was steady again, and ends the recovery window when the slowest was. It does nothing for a run whose faults were not cleared.
func (e *evidence) recoveries() map[string]recovery {
	all := map[string]recovery{}
	if !e.times.cleared {
		return all
	}
	slowest, every := e.times.lifted, true
	for i := range e.plan.Journeys {
		j := &e.plan.Journeys[i]
		r := e.times.recover(e.of(j.Name), j, e.plan)
		all[j.Name] = r
		every = every && r.found
		slowest = max(slowest, r.at)
	}
	if every {
		e.times.recovered = slowest
	}
	return all
}

// notRecovered reports whether a journey broke the rule. It is held to it only if it was watched for long enough: see unwatched.
func (e *evidence) notRecovered(j *plan.Journey) (recovery, bool) {
	r, judged := e.recovered[j.Name]
	deadline := e.times.lifted + e.plan.RecoverWithin
	switch {
	case !judged:
		return r, false
	case r.found:
		return r, r.at > deadline
	default:
		return r, e.until >= deadline+stretch(j)
	}
}

// unwatched lists the journeys of a whole run that were not steady again, and would have had time left when the run ended: the faults went later than planned, or the journey
// is so slow that the time after them has too few attempts.
func (e *evidence) unwatched() []string {
	var reasons []string
	for i := range e.plan.Journeys {
		j := &e.plan.Journeys[i]
		if r, judged := e.recovered[j.Name]; judged && !r.found && e.until < e.times.lifted+e.plan.RecoverWithin+stretch(j) {
			reasons = append(reasons, fmt.Sprintf("%s was watched for %s after the last fault and was not steady in them; to tell it takes %s, so make the scenario's after longer",
				j.Name, inSeconds(e.until-e.times.lifted), inSeconds(e.plan.RecoverWithin+stretch(j))))
		}
	}
	return reasons
}

// spotNotRecovered finds the journeys that were not steady again in time. Their attempts after the last fault that were not ok are the evidence.
func spotNotRecovered(e *evidence) []sighting {
	var list []sighting
	for i := range e.plan.Journeys {
		j := &e.plan.Journeys[i]
		r, broken := e.notRecovered(j)
		if !broken {
			continue
		}
		text := fmt.Sprintf("not steady again in the %s after the last fault was cleared; %s are allowed",
			inSeconds(e.times.end-e.times.lifted), inSeconds(e.plan.RecoverWithin))
		until := e.times.end
		if r.found {
			text = fmt.Sprintf("steady again only %s after the last fault was cleared; %s are allowed", inSeconds(r.at-e.times.lifted), inSeconds(e.plan.RecoverWithin))
			until = r.at
		}
		var bad []*attempt
		for _, a := range within(e.of(j.Name), e.times.lifted, until) {
			if a.class != OK {
				bad = append(bad, a)
			}
		}
		list = slices.Grow(list, len(bad))
		for _, a := range bad {
			list = append(list, sighting{attempt: a, journey: j.Name, who: whoAll, class: Unavailable, text: text})
		}
		if len(bad) == 0 {
			late := span{e.times.lifted + e.plan.RecoverWithin, e.times.end}
			list = append(list, sighting{journey: j.Name, who: whoAll, class: Unavailable, text: text, during: late})
		}
	}
	return list
}

// inSeconds writes a length of time for a sentence, to the hundredth.
func inSeconds(m clock.Micros) string { return trimmed(m.Seconds(), 2) + " s" }
