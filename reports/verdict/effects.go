package verdict

import (
	"math"
	"slices"
	"strings"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
	"blackout/harness/plan"
)

// missedBelow is the likelihood of having touched nothing by chance below which we say that the fault did not work.
const missedBelow = 0.001

// effect is the life of one effect of the plan, as observed. Times are nil for what did not happen.
type effect struct {
	*plan.Effect
	injected, confirmed, lifting, cleared, failed *clock.Micros
	touched                                       history.Touched
	unseen                                        bool
	detail                                        string // why it failed
	ended                                         string
}

// readEffects gathers the lives of the plan's effects.
func readEffects(h *history.History, p *plan.Plan, zero clock.Micros) []effect {
	list := make([]effect, len(p.Effects))
	at := make(map[string]*effect, len(p.Effects))
	for i := range p.Effects {
		list[i].Effect = &p.Effects[i]
		at[p.Effects[i].ID] = &list[i]
	}
	for i := range h.Faults {
		r := &h.Faults[i]
		e := at[r.ID]
		if e == nil {
			continue
		}
		t := r.At - zero
		first := func(p **clock.Micros) {
			if *p == nil || t < **p {
				*p = &t
			}
		}
		switch r.State {
		case history.FaultInjecting:
			first(&e.injected)
		case history.FaultConfirmed:
			first(&e.confirmed)
		case history.FaultLifting:
			first(&e.lifting)
		case history.FaultCleared:
			first(&e.cleared)
		case history.FaultFailed:
			first(&e.failed)
			e.detail = r.Detail
		}
		if r.Touched.Total() >= e.touched.Total() {
			e.touched = r.Touched
		}
		e.unseen = e.unseen || r.Unseen
	}
	return list
}

// life is from when to when the effect acted.
func (f *effect) life(end clock.Micros) (from, to clock.Micros) {
	from, to = *f.injected, end
	for _, t := range []*clock.Micros{f.lifting, f.cleared, f.failed} {
		if t != nil {
			to = min(to, *t)
		}
	}
	return from, max(from, to)
}

// endEffects says how each effect ended. The first that holds:
//
//   - not-reached: the run ended before its time.
//   - failed: it could not be injected or lifted, or never was.
//   - exercised: it touched something of the app. A fault that refuses connections by closing the door cannot count; it counts as exercised when nothing arrived while
//     the door was shut, though at the baseline's rate so much would have that chance does not explain it.
//   - missed: it should have taken everything, had the time to be seen, and was never seen to act.
//   - not-used: the app sent nothing there in baseline and outage; or nothing came of a fault on an instance of the app, because none had to be started or none ran. No
//     blame: the fault could not matter. At the layer names: it never asked for a name of the service; at the layer certificate: never for its certificate.
//   - missed: the app used the service anew n times, and a fault that reaches the part r of it, on average over its life, would leave all of them alone with a likelihood
//     (1 − r)^n below 0.001. Requests that it could not meet do not count: those that another effect answered before it, and those that it lets pass by its parameters.
//   - spared: else. Everything rode on connections or cached names from before, nothing met it, or luck is a good enough explanation.
func (e *evidence) endEffects() {
	for i := range e.effects {
		f := &e.effects[i]
		f.ended = e.ending(f)
	}
}

func (e *evidence) ending(f *effect) string {
	switch {
	case f.injected == nil && f.failed == nil && !e.complete:
		return NotReached
	case f.failed != nil || f.injected == nil:
		return Failed
	case f.touched.Total() > 0:
		return Exercised
	}
	from, to := f.life(e.until)
	before := e.callsTo(f, 0, e.times.outage)
	during := e.callsTo(f, from, to)
	anew := e.unitsAnew(f, from, to)
	used := anew > 0 || e.callsTo(f, 0, e.times.lifted) > 0
	switch fault.Layer(f.Layer) {
	case fault.LayerNames:
		used = e.lookedUp(f) // an app that goes by addresses uses the service, and no name of it
	case fault.LayerCertificate:
		used = used && e.opened(f, e.times.lifted) > 0 // an app that speaks plain HTTP uses the service, and no certificate of it
	}
	if f.unseen {
		switch {
		case !used:
			return NotUsed
		case during == 0 && math.Exp(-float64(before)*float64(to-from)/float64(max(e.times.outage, 1))) < missedBelow:
			return Exercised
		default:
			return Spared
		}
	}
	if f.confirmed == nil && f.reachesAll() && to-from >= clock.Of(e.plan.SeenWithin(f.Effect)) {
		return Missed
	}
	switch {
	case f.Instance != "":
		return NotUsed // nothing had to be started, or nothing ran that it could have ended
	case !used:
		return NotUsed
	case f.Service == "" && during > 0:
		return Exercised // a chain as a whole: whoever asks for it meets the fault
	case f.Service == "":
		return Spared
	}
	if math.Pow(1-f.reach(from, to), float64(anew)) < missedBelow {
		return Missed
	}
	return Spared
}

// reachesAll reports whether the effect should take every unit from its start.
func (f *effect) reachesAll() bool {
	return f.Reach >= 1 && len(f.Steps) > 0 && f.Steps[0].Share >= 1
}

// reach is the part of the service's units that the effect should have taken between two moments of its life: flaps have good halves, and ramps are weak at one end.
func (f *effect) reach(from, to clock.Micros) float64 {
	var peak, taken float64
	for i, s := range f.Steps {
		end := to
		if i+1 < len(f.Steps) {
			end = min(to, f.Steps[i+1].At)
		}
		peak = max(peak, s.Share)
		taken += s.Share * float64(max(end-max(s.At, from), 0))
	}
	reach := f.Reach
	if peak > 0 && to > from {
		reach *= taken / (peak * float64(to-from))
	}
	return min(max(reach, 0), 1)
}

// callsTo counts the app's requests that an effect could act on, sent in [from, to). Probes are ours.
func (e *evidence) callsTo(f *effect, from, to clock.Micros) int {
	return e.countCalls(from, to, f.concerns)
}

// concerns reports whether a request is one that the effect could act on.
func (f *effect) concerns(c *history.Call) bool {
	switch {
	case c.Probe || (f.Service != "" && c.Service != f.Service):
		return false
	case f.Chain != "" && c.Chain != "" && c.Chain != f.Chain:
		return false
	}
	return f.Service != "" || c.Chain != ""
}

// countCalls counts the requests sent in [from, to) that are counted. Of requests that are alike it asks once.
func (e *evidence) countCalls(from, to clock.Micros, counted func(*history.Call) bool) int {
	n, known := 0, map[*history.Call]bool{}
	for c := range e.requests.all() {
		if at := c.at - e.zero; at < from || at >= to {
			continue
		}
		yes, told := known[c.Call]
		if !told {
			yes = counted(c.Call)
			known[c.Call] = yes
		}
		if yes {
			n++
		}
	}
	return n
}

// meets reports whether a request came as far as an effect of the http, rpc or chain layer, and is one that it is sure to act on.
func (e *evidence) meets(f *effect, c *history.Call) bool {
	for _, id := range c.Faults {
		if strings.HasPrefix(id, history.CapacityPrefix) && f.Layer == string(fault.LayerChain) {
			return false // the service's own limit answered
		}
		for i := range e.effects {
			other := &e.effects[i]
			if other.ID != id || other == f || other.Layer == string(fault.LayerChain) {
				continue // what the chain layer does to a request ends it for nobody
			}
			if fault.Layer(other.Layer).Depth() <= fault.Layer(f.Layer).Depth() {
				return false
			}
		}
	}
	def, ok := fault.Lookup(f.Fault)
	if ok && def.NoSockets && c.Transport == "ws" && c.Method != history.MethodUpgrade {
		return false
	}
	return !ok || def.Meets == nil || def.Meets(fault.With(f.With), strings.Split(c.Method, ","))
}

// unitsAnew counts what the effect's shares are drawn on, used anew during its life: look-ups, connections, or requests.
func (e *evidence) unitsAnew(f *effect, from, to clock.Micros) int {
	switch fault.Layer(f.Layer) {
	case fault.LayerNames:
		n, hosts := 0, e.hosts(f.Service, f.Chain)
		for i := range e.h.Lookups {
			if l := &e.h.Lookups[i]; l.Kind == "" && l.At-e.zero >= from && l.At-e.zero < to && hosts[l.Host] {
				n++
			}
		}
		return n
	case fault.LayerConnection, fault.LayerCertificate:
		if f.Chain != "" {
			return 0 // nobody counted whose chain a connection was for
		}
		return int(max(e.opened(f, to)-e.opened(f, from), 0))
	default:
		return e.countCalls(from, to, func(c *history.Call) bool { return f.concerns(c) && e.meets(f, c) })
	}
}

// opened is how many connections the app had opened to an effect's service by t, or in how many of them it had asked for a certificate where the effect is about that; by the
// record nearest to t: one is written at the start and the end of each effect.
func (e *evidence) opened(f *effect, t clock.Micros) int64 {
	var nearest *history.Connections
	for i := range e.h.Connections {
		c := &e.h.Connections[i]
		if c.Service == f.Service && (nearest == nil || distance(c.At-e.zero, t) < distance(nearest.At-e.zero, t)) {
			nearest = c
		}
	}
	switch {
	case nearest == nil:
		return 0
	case f.Layer == string(fault.LayerCertificate) && nearest.Handshakes != nil:
		return *nearest.Handshakes
	default:
		return nearest.Opened
	}
}

func distance(a, b clock.Micros) clock.Micros { return max(a-b, b-a) }

// lookedUp reports whether the app ever asked for a name that an effect is about, before the baseline too: it may keep what it was told then.
func (e *evidence) lookedUp(f *effect) bool {
	hosts := e.hosts(f.Service, f.Chain)
	return slices.ContainsFunc(e.h.Lookups, func(l history.Lookup) bool { return hosts[l.Host] && l.At-e.zero < e.times.lifted })
}

// hosts is the set of a service's host names, for one chain or, with "", for all; of every service for "".
func (e *evidence) hosts(service, chain string) map[string]bool {
	set := map[string]bool{}
	for _, s := range e.plan.Services {
		if service == "" || s.Name == service {
			for _, h := range s.Hosts {
				if chain == "" || h.Chain == chain {
					set[h.Name] = true
				}
			}
		}
	}
	return set
}

// name is what a person calls the effect.
func (f *effect) name() string {
	switch {
	case f.Instance != "":
		return f.Fault + " on instance " + f.Instance
	case f.Service == "":
		return f.Fault + " on " + f.Chain
	case f.Chain == "":
		return f.Fault + " on " + f.Service
	default:
		return f.Fault + " on " + f.Service + " (" + f.Chain + ")"
	}
}

// faults lists the effects for verdict.json.
func (e *evidence) faults() []Fault {
	causes := map[string]*plan.Cause{}
	for i := range e.plan.Causes {
		causes[e.plan.Causes[i].ID] = &e.plan.Causes[i]
	}
	list := make([]Fault, 0, len(e.effects))
	for i := range e.effects {
		f := &e.effects[i]
		cause := f.Cause
		if c := causes[f.Cause]; c != nil {
			cause = c.Fault + " on " + c.Target
		}
		list = append(list, Fault{
			ID: f.ID, Fault: f.Fault, Cause: cause, Service: f.Service, Chain: f.Chain, Instance: f.Instance,
			PlannedFromS: f.From.Seconds(), PlannedToS: f.To.Seconds(),
			InjectedAtS: seconds(f.injected), ConfirmedAtS: seconds(f.confirmed), ClearedAtS: seconds(f.cleared),
			EndedAs: f.ended, Touched: Touched(f.touched),
		})
	}
	return list
}

func seconds(m *clock.Micros) *float64 {
	if m == nil {
		return nil
	}
	s := m.Seconds()
	return &s
}
