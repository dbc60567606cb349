package verdict

import (
	"fmt"

	"blackout/harness/fault"
)

// unavailable-with-path.
//
// Rule: an attempt was unavailable in the outage while some RPC provider of its chain had no fault at all between due and end.
//
// Reason: it is advice, and no more: it asks what the world offered, not what the app was configured with, and nobody owes anybody a second provider. That an app
// has one and did not use it is what no-failover says.
//
// Incident: 2025-10-20: apps with one provider in one region went dark while others served the same chain.
func spotPath(e *evidence) []sighting {
	var list []sighting
	for _, a := range e.attempts {
		if a.window != Outage || a.class != Unavailable {
			continue
		}
		if healthy := e.healthyService(a); healthy != "" {
			list = append(list, sighting{attempt: a, journey: a.Journey, who: whoAll, class: Warning, text: fmt.Sprintf(
				"%s; as advice: %s, which this world offers, was without a fault then", a.why, healthy)})
		}
	}
	return list
}

// healthyService names a service of the attempt's chain that no effect acted on while it ran, or "".
func (e *evidence) healthyService(a *attempt) string {
	for i := range e.plan.Services {
		s := &e.plan.Services[i]
		if s.Kind != fault.KindRPC {
			continue
		}
		serves := false
		for _, b := range s.Backends {
			serves = serves || b.Chain == a.journey.Chain
		}
		if serves && !e.troubledIn(s.Name, a.journey.Chain, span{a.due, a.end}) {
			return s.Name
		}
	}
	return ""
}

// troubledIn reports whether an effect on the service, or on the chain as a whole, was in place at some time of s.
func (e *evidence) troubledIn(service, chain string, s span) bool {
	for i := range e.effects {
		f := &e.effects[i]
		if f.injected == nil || (f.Service != "" && f.Service != service) || (f.Chain != "" && f.Chain != chain) {
			continue
		}
		to := forever
		if f.cleared != nil {
			to = *f.cleared
		}
		if (span{*f.injected, to}).touches(s.from, s.to) {
			return true
		}
	}
	return false
}
