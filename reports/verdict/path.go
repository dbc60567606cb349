package verdict

import (
	"fmt"

	"blackout/harness/fault"
)

// spotPath finds attempts that were unavailable in the outage while some RPC service of their chain had no fault at all between due and end. It asks what the
// world offered, not what the app was configured with: that is the advice.
func spotPath(e *evidence) []sighting {
	var list []sighting
	for _, a := range e.attempts {
		if a.window != Outage || a.class != Unavailable {
			continue
		}
		if healthy := e.healthyService(a); healthy != "" {
			list = append(list, sighting{a, a.Journey, whoAll, Warning, fmt.Sprintf("%s; %s served %s without a fault then", a.why, healthy, a.journey.Chain)})
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
		if serves && !e.troubled(s.Name, a) {
			return s.Name
		}
	}
	return ""
}

// troubled reports whether an effect on the service, or on the chain as a whole, was in place at some time of the attempt.
func (e *evidence) troubled(service string, a *attempt) bool {
	for i := range e.effects {
		f := &e.effects[i]
		if f.injected == nil || (f.Service != "" && f.Service != service) || (f.Chain != "" && f.Chain != a.journey.Chain) {
			continue
		}
		to := forever
		if f.cleared != nil {
			to = *f.cleared
		}
		if (span{*f.injected, to}).touches(a.due, a.end) {
			return true
		}
	}
	return false
}
