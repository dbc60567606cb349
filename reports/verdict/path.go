package verdict

import (
	"cmp"
	"fmt"
	"slices"

	"blackout/harness/fault"
	"blackout/harness/history"
)

// unavailable-with-path.
//
// Rule: at least a tenth of a journey's attempts in the outage were unavailable or declined while some RPC provider of its chain, or for content some storage service,
// had no fault at all between due and end. Who is refused is served no better than who hears nothing, so an honest no counts here. Below a tenth the app lived through
// the outage, and one more provider would be advice about odd moments. Attempts whose own instance of the app a fault kept from serving do not count: no provider would
// have helped. Attempts that no-failover speaks of are left to it: that the app has another provider and did not use it says more.
//
// Reason: it is advice, and no more: it asks what the world offered, not what the app was configured with, and nobody owes anybody a second provider.
//
// Incident: 2025-10-20: apps with one provider in one region went dark while others served the same chain.
func spotPath(e *evidence) []sighting {
	var list []sighting
	told := map[*attempt]bool{}
	for _, s := range spotNoFailover(e) {
		told[s.attempt] = true
	}
	for i := range e.plan.Journeys {
		j := &e.plan.Journeys[i]
		all := within(e.of(j.Name), e.times.outage, e.times.lifted)
		var unserved []*attempt
		healthy := ""
		for _, a := range all {
			if (a.class != Unavailable && a.class != Declined) || told[a] || e.heldDown(a) {
				continue
			}
			if name := e.healthyService(a); name != "" {
				unserved = append(unserved, a)
				healthy = cmp.Or(healthy, name)
			}
		}
		if len(unserved) == 0 || float64(len(unserved)) < failedShare*float64(len(all)) {
			continue
		}
		from := "this world offers"
		if e.configured(healthy, j.Chain, span{-forever, forever}) {
			from = "the app asks too"
		}
		text := fmt.Sprintf(
			"%d of %d attempts in the outage were unavailable or declined, the first of them %s at %.1f s (%s); as advice: %s, which %s, had no fault then",
			len(unserved), len(all), unserved[0].id(), unserved[0].due.Seconds(), unserved[0].why, healthy, from)
		list = slices.Grow(list, len(unserved))
		for _, a := range unserved {
			list = append(list, sighting{attempt: a, journey: j.Name, who: whoAll, class: Warning, text: text})
		}
	}
	return inOrder(list)
}

// healthyService names a service that could have answered, of the attempt's chain or, for content, of storage that speaks as one that the app asks does, and that no
// effect acted on while it ran; or "".
func (e *evidence) healthyService(a *attempt) string {
	for i := range e.plan.Services {
		s := &e.plan.Services[i]
		if s.Kind != asksKind(a.journey) {
			continue
		}
		serves := s.Kind == fault.KindStorage && e.stores(s.Dialect)
		for _, b := range s.Backends {
			serves = serves || b.Chain == a.journey.Chain
		}
		if serves && !e.troubledIn(s.Name, a.journey.Chain, span{a.due, a.end}) {
			return s.Name
		}
	}
	return ""
}

// stores reports whether the app reads storage of a dialect: who has the id of a file on Arweave has nothing to ask a gateway of IPFS for. An app that got through to no
// storage at all may read any.
func (e *evidence) stores(dialect string) bool {
	asked := false
	for i := range e.plan.Services {
		s := &e.plan.Services[i]
		if s.Kind != fault.KindStorage || !e.configured(s.Name, "", span{-forever, forever}) {
			continue
		}
		if asked = true; s.Dialect == dialect {
			return true
		}
	}
	return !asked
}

// troubledIn reports whether an effect on the service, or on the chain as a whole, was in place at some time of s. The names of a service are no way to it for an app
// that never asks for them.
func (e *evidence) troubledIn(service, chain string, s span) bool {
	named := e.goesByName()
	for i := range e.effects {
		f := &e.effects[i]
		if f.injected == nil || f.Instance != "" || f.Layer == string(fault.LayerNames) && !named || (f.Service != "" && f.Service != service) || (f.Chain != "" && f.Chain != chain) {
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

// goesByName reports whether the app asks for services by their names at all. An app that was given addresses does not, and what becomes of names does not touch it.
func (e *evidence) goesByName() bool {
	known := e.hosts("", "")
	return slices.ContainsFunc(e.h.Lookups, func(l history.Lookup) bool { return known[l.Host] })
}
