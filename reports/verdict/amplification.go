package verdict

import (
	"fmt"

	"blackout/harness/clock"
	"blackout/harness/history"
)

// Least requests in the baseline, and least user actions in a stretch, for a multiple to mean something.
const (
	leastRequests = 20
	leastActions  = 20
)

// spotAmplification looks at how much the app asks, and at whether it asks when it was told not to.
func spotAmplification(e *evidence) []sighting { return append(spotMultiplied(e), spotTooEarly(e)...) }

// amplification, by user action.
//
// Rule: in the outage, or in the 20 s after it, the app sends its providers more requests for each user action than the app file's limit times what it sent in the
// baseline. A user action is an attempt, or a question about a payment that is followed. Requests are those that reached a provider's front door: what a refused or
// lost connection took away is not seen, so the true multiple can only be higher.
//
// Reason: retries without back-off turn an outage into a longer one, burn the plan's quota, and take down the provider that the load moves to.
//
// Incident: 2020-11-11, Infura: a client retry storm at 12:37 hit the service while it recovered. 2024-12-04, Reown: load that moved on took down the second
// provider and then the third.
func spotMultiplied(e *evidence) []sighting {
	if e.plan.Amplification <= 0 {
		return nil
	}
	before := e.load(span{0, e.times.outage})
	if before.requests < leastRequests || before.actions < leastActions {
		return nil
	}
	var list []sighting
	for _, w := range []struct {
		name string
		span span
	}{
		{"outage", span{e.times.outage, e.times.lifted}},
		{"after", span{e.times.lifted, min(e.times.lifted+scoredFor, e.times.end)}},
	} {
		now := e.load(w.span)
		if now.actions < leastActions || len(e.effects) == 0 {
			continue
		}
		times := now.each() / before.each()
		if times <= e.plan.Amplification {
			continue
		}
		list = append(list, sighting{journey: whoAll, who: w.name, class: Warning, during: w.span, text: fmt.Sprintf(
			"sent %s requests for each user action from %.1f s to %.1f s and %s in the baseline: %s times as many, %s times are allowed; most went to %s (%d of %d)",
			trimmed(now.each(), 1), w.span.from.Seconds(), w.span.to.Seconds(), trimmed(before.each(), 1), trimmed(times, 1), trimmed(e.plan.Amplification, 1),
			now.most, now.by[now.most], now.requests)})
	}
	return list
}

// load is what users did and what the app sent in a stretch.
type load struct {
	requests, actions int
	by                map[string]int // service → requests
	most              string         // the service with the most
}

func (l load) each() float64 { return float64(l.requests) / float64(l.actions) }

func (e *evidence) load(s span) load {
	l := load{by: map[string]int{}}
	for key, at := range e.traffic() {
		n := count(at, s)
		l.requests += n
		l.by[key.service] += n
	}
	for service, n := range l.by {
		if n > l.by[l.most] || (n == l.by[l.most] && service < l.most) {
			l.most = service
		}
	}
	for _, a := range e.attempts {
		if a.due >= s.from && a.due < s.to {
			l.actions++
		}
		l.actions += e.followUps(a, s)
	}
	return l
}

// followUps is how often a user asked about a payment within s, at most: slow answers make it less.
func (e *evidence) followUps(a *attempt, s span) int {
	every := a.journey.FollowEvery
	if every <= 0 || a.journey.Kind != kindWrite {
		return 0
	}
	to := e.plan.End + e.plan.Drain
	for _, w := range e.words[a.id()] {
		if w.State == history.StateConfirmed || w.State == history.StateFailed {
			to = w.At
			break
		}
	}
	asked := func(t clock.Micros) int { return int(max(t-a.end, 0) / every) }
	return max(asked(min(to, s.to))-asked(min(to, s.from)), 0)
}
