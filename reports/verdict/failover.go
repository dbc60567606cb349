package verdict

import (
	"fmt"
	"strings"

	"blackout/harness/plan"
)

// How much has to have gone wrong, and how little to have changed, before it is said that no other provider took over.
const (
	failedShare = 0.1 // of the journey's attempts during the fault
	tookOver    = 1.1 // times the baseline's requests per user action
)

// no-failover.
//
// Rule: while a fault held a provider that the app used in the baseline, at least a tenth of a journey's attempts failed (declined, unavailable, wrong or harmful);
// another provider of the chain, which the app asks at some time of the run, so it is configured, had no fault all that time; and all such providers together got
// less than 1.1 times the requests per user action that they got in the baseline. Payments are held against the requests that send transactions, reads against the
// others, so that an app which fails over for reads only is told so. Attempts whose own instance of the app a fault kept from serving do not count: it asks nobody.
//
// Reason: a second provider that is paid for and configured, and not used on the day, is an outage that was not needed.
//
// Incident: 2023-11-20, WalletConnect's RPC: about half of the calls failed for 3 and then 22 hours, because failover looked at the HTTP status and the errors came
// under HTTP 200.
func spotNoFailover(e *evidence) []sighting {
	var list []sighting
	told := map[*attempt]bool{}
	for i := range e.effects {
		f := &e.effects[i]
		if f.ended != Exercised || f.Service == "" {
			continue
		}
		from, to := f.life(e.times.end)
		for k := range e.plan.Journeys {
			j := &e.plan.Journeys[k]
			if f.Chain != "" && f.Chain != j.Chain || e.kindOf(f.Service) != asksKind(j) {
				continue
			}
			mine := e.withoutHeld(within(e.of(j.Name), from, to))
			failed := 0
			for _, a := range mine {
				if a.failed() {
					failed++
				}
			}
			if len(mine) < leastAttempts || float64(failed) < failedShare*float64(len(mine)) {
				continue
			}
			text, idle := e.nobodyTookOver(j, f, span{from, to}, mine)
			if !idle {
				continue
			}
			text = fmt.Sprintf("%d of %d attempts failed while %s did; %s", failed, len(mine), f.Service, text)
			for _, a := range mine {
				if a.failed() && !told[a] {
					told[a] = true
					list = append(list, sighting{attempt: a, journey: j.Name, who: whoAll, class: Warning, text: text})
				}
			}
		}
	}
	return inOrder(list)
}

// kindOf is the kind of a service of the plan.
func (e *evidence) kindOf(service string) string {
	for i := range e.plan.Services {
		if e.plan.Services[i].Name == service {
			return e.plan.Services[i].Kind
		}
	}
	return ""
}

// failed reports whether the user was served no answer that is worth having.
func (a *attempt) failed() bool {
	switch a.class {
	case Declined, Unavailable, Wrong, Harmful:
		return true
	}
	return false
}

// nobodyTookOver compares what the healthy providers that the app has were asked during a fault with what they were asked before.
func (e *evidence) nobodyTookOver(j *plan.Journey, f *effect, during span, mine []*attempt) (string, bool) {
	sends := j.Kind == kindWrite
	baseline, ever := span{0, e.times.outage}, span{-forever, forever}
	base := within(e.of(j.Name), 0, e.times.outage)
	if len(base) == 0 || e.asked(f.Service, j.Chain, baseline, sends) == 0 {
		return "", false
	}
	per := func(service string) (before, then float64) {
		return float64(e.asked(service, j.Chain, baseline, sends)) / float64(len(base)), float64(e.asked(service, j.Chain, during, sends)) / float64(len(mine))
	}
	share := func(before, then float64) string {
		return fmt.Sprintf("%s before and %s then", trimmed(before, 2), trimmed(then, 2))
	}
	var names, shares []string
	was, is := 0.0, 0.0
	for i := range e.plan.Services {
		s := &e.plan.Services[i]
		if s.Kind != asksKind(j) || s.Name == f.Service || !e.configured(s.Name, j.Chain, ever) || e.troubledIn(s.Name, j.Chain, during) {
			continue
		}
		before, then := per(s.Name)
		was, is = was+before, is+then
		names, shares = append(names, s.Name), append(shares, s.Name+" "+share(before, then))
	}
	if len(names) == 0 || (is > 0 && is >= tookOver*was) {
		return "", false
	}
	what := "requests"
	if j.Kind == kindWrite {
		what = "transactions"
	}
	return fmt.Sprintf("the app also asks %s, which had no fault then, and none took over: %s per attempt went to %s %s, to %s", strings.Join(names, ", "),
		what, f.Service, share(per(f.Service)), strings.Join(shares, ", ")), true
}

// configured reports whether the app asks a service about a chain at some time of s.
func (e *evidence) configured(service, chain string, s span) bool {
	return e.asked(service, chain, s, false)+e.asked(service, chain, s, true) > 0
}

// asked counts the app's requests to a service about a chain: those with a transaction, or the others.
func (e *evidence) asked(service, chain string, s span, sends bool) int {
	n := count(e.traffic()[line{service, chain, sends}], s)
	if chain != "" {
		n += count(e.traffic()[line{service, "", sends}], s)
	}
	return n
}
