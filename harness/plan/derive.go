package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"blackout/harness/fault"
	"blackout/harness/spec"
)

// tipping is the part of a service that must be unavailable for its dependents to feel it.
const tipping = 0.5

// hold is what one use of a fault does to one service: it becomes effects, unless the service is internal, and is felt by those who depend on the service.
type hold struct {
	service     string
	def         *fault.Definition
	with        fault.With
	parts       []part
	shares      timetable
	existing    string // as in spec.FaultUse
	sharePhrase string
	flap        *spec.Flap
	// why is the reasons up to, not including, what the fault takes.
	why []string
	// lead is what the last reason begins with: "after 5 s, http-status 503 on ", or "" for a fault that the scenario names.
	lead string
}

// weight is the part of the service's units in the hold's regions.
func (h hold) weight(s spec.Service) float64 {
	most := 0.0
	for _, p := range h.parts {
		most = max(most, weight(s, p.regions))
	}
	return most
}

// derive turns what the scenario names into causes, and causes into effects.
func (b *builder) derive() {
	if b.cyclic() {
		return
	}
	n := 0
	for _, p := range b.in.Scenario.Phases {
		for _, use := range p.Faults {
			n++
			b.cause(fmt.Sprintf("c%d", n), p, use)
		}
	}
	b.nothingActs()
	order := map[string]int{}
	for i, c := range b.plan.Causes {
		order[c.ID] = i
	}
	slices.SortStableFunc(b.plan.Effects, func(x, y Effect) int {
		return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(order[x.Cause], order[y.Cause]), cmp.Compare(x.ID, y.ID))
	})
	for _, e := range b.plan.Effects {
		c := &b.plan.Causes[order[e.Cause]]
		c.Effects = append(c.Effects, e.ID)
	}
}

func (b *builder) cause(id string, phase spec.Phase, use spec.FaultUse) {
	source := b.in.Scenario.Source
	def, with, ok := b.decode(source, use)
	if !ok {
		return
	}
	if def.Whole && (use.Share.From < 1 || use.Share.To < 1) {
		b.problem(source, use.Path+".share", "leave the share out", "%s takes its target as a whole", def.Name)
		return
	}
	if def.NoFlap && use.Flap != nil {
		b.problem(source, use.Path+".flap", "leave the flap out", "%s cannot be switched off and on", def.Name)
		return
	}
	shares, err := newTimetable([]span{{phase.At, phase.At + phase.For}}, use.Share, use.Flap, b.in.TimeScale)
	if err != nil {
		b.problem(source, use.Path+".flap", "", "%s", err)
		return
	}
	c := Cause{
		ID: id, Phase: phase.Name, Fault: def.Name, With: parameters(with), Target: targetsText(use.Targets), From: b.at(phase.At), To: b.at(phase.At + phase.For),
		Effects: []string{},
	}
	b.plan.Causes = append(b.plan.Causes, c)
	seed := hold{
		def: def, with: with, shares: shares, existing: use.Existing, sharePhrase: sharePhrase(use.Share, def.Layer.Unit()), flap: use.Flap,
		why: []string{fmt.Sprintf("%s on %s from %s to %s", describe(def, with), c.Target, seconds(c.From), seconds(c.To))},
	}
	var reached bool
	switch {
	case def.ActsOn(fault.KindChain):
		reached = b.onChains(c, seed, use)
	case def.ActsOn(fault.KindApp):
		reached = b.onInstances(c, seed, use)
	default:
		reached = b.onServices(c, seed, use)
	}
	if !reached {
		b.noTarget(use, func(s Skip) bool { return s.Cause == id })
	}
}

func (b *builder) skip(cause, target, format string, args ...any) {
	s := Skip{Cause: cause, Target: target, Why: fmt.Sprintf(format, args...)}
	if !slices.Contains(b.plan.Skipped, s) {
		b.plan.Skipped = append(b.plan.Skipped, s)
	}
}

// onServices follows a fault of a service layer; false when no target is left.
func (b *builder) onServices(c Cause, seed hold, use spec.FaultUse) bool {
	for _, t := range use.Targets {
		if cloud, ok := b.in.World.Clouds[t.Cloud]; ok && cloud.NoSharedFate {
			b.problem(b.in.Scenario.Source, t.Path+".cloud", "name a region of it", "the regions of %s belong to independent operators and do not fail together", t.Cloud)
			return true
		}
		switch {
		case t.App != "" && !seed.def.ActsOn(fault.KindApp):
			b.skip(c.ID, targetText(t), "%s cannot act on an instance of the app", seed.def.Name)
		case t.App == "" && len(selectServices(b.in.World, []spec.Target{t})) == 0:
			b.skip(c.ID, targetText(t), "no service is placed there")
		}
	}
	var queue []hold
	for _, s := range selectServices(b.in.World, use.Targets) {
		h := seed
		h.service = s.service
		if !b.accept(c.ID, h) {
			continue
		}
		service := b.in.World.Services[s.service]
		taken, ok := b.led(c.ID, h, s.atoms)
		if !ok {
			continue
		}
		if h.parts = parts(service, taken, h.def); !b.whole(c.ID, h) {
			continue
		}
		if !isService(use.Targets, s.service) {
			h.why = append(slices.Clone(h.why), reachedText(h, service, use.Targets))
		}
		queue = append(queue, h)
	}
	reached := len(queue) > 0
	for len(queue) > 0 {
		h := queue[0]
		felt := b.follow(c.ID, h)
		queue = append(queue[1:], felt...)
		b.effects(c.ID, h)
	}
	return reached
}

// accept reports whether a fault can act on a service; if not, the plan says why.
func (b *builder) accept(cause string, h hold) bool {
	s := b.in.World.Services[h.service]
	switch {
	case !h.def.ActsOn(s.Kind):
		b.skip(cause, "service "+h.service, "%s cannot act on a service of kind %s", h.def.Name, s.Kind)
	case !b.serves(h.service) && s.Kind == fault.KindStorage:
		b.skip(cause, "service "+h.service, "the app uses no storage")
	case !b.serves(h.service):
		b.skip(cause, "service "+h.service, "the app uses no chain that it serves")
	default:
		return true
	}
	return false
}

// led leaves out what a fault that leads to another chain cannot lead: requests that are for that chain already, and those for chains that the app does not use. If
// nothing is left the plan says why.
func (b *builder) led(cause string, h hold, taken []atom) (left []atom, ok bool) {
	if !h.def.Leads() {
		return taken, true
	}
	to := h.def.Chain(h.with)
	left = slices.DeleteFunc(slices.Clone(taken), func(a atom) bool { return a.chain == to || !slices.Contains(b.inUse, a.chain) })
	if len(left) == 0 {
		b.skip(cause, "service "+h.service, "the app uses it for no other chain than %s", to)
		return nil, false
	}
	return left, true
}

// whole reports whether a fault that takes all or nothing has all of a service before it; if not, the plan says why. A chain of it is whole.
func (b *builder) whole(cause string, h hold) bool {
	for _, p := range h.parts {
		if h.def.Whole && p.regions != nil {
			b.skip(cause, "service "+h.service, "%s takes it as a whole, and only %s of it is placed there", h.def.Name,
				percent(weight(b.in.World.Services[h.service], p.regions)))
			return false
		}
	}
	return true
}

// follow gives what a hold does to the services that depend on its service.
func (b *builder) follow(cause string, h hold) []hold {
	needed := b.in.World.Services[h.service]
	dependents := b.dependents[h.service]
	if !h.def.Unavailable(h.with) {
		return nil
	}
	spans := h.shares.above(h.weight(needed), tipping)
	switch {
	case needed.Kind != fault.KindInternal && (len(dependents) == 0 || len(spans) == 0):
		return nil
	case len(dependents) == 0:
		b.skip(cause, "service "+h.service, "it is internal and no service depends on it")
		return nil
	case len(spans) == 0:
		b.skip(cause, "service "+h.service, "at most %s of it is held: who depends on it feels that from %s on",
			percent(round(h.weight(needed)*h.shares.peak())), percent(tipping))
		return nil
	}
	var felt []hold
	for _, d := range dependents {
		if next, ok := b.dependentHold(cause, h, d, spans); ok {
			felt = append(felt, next)
		}
	}
	return felt
}

func (b *builder) dependentHold(cause string, h hold, d dependent, spans []span) (hold, bool) {
	service, use := b.in.World.Services[d.service], d.dependency.Effect
	def, with, ok := b.decode(b.in.World.Source, use)
	if !ok {
		return hold{}, false
	}
	delayed := make([]span, 0, len(spans))
	for _, s := range spans {
		delayed = append(delayed, span{s.from + d.dependency.Delay, s.to + d.dependency.Delay})
	}
	shares, err := newTimetable(delayed, use.Share, use.Flap, b.in.TimeScale)
	if err != nil {
		b.problem(b.in.World.Source, use.Path+".flap", "", "%s", err)
		return hold{}, false
	}
	next := hold{service: d.service, def: def, with: with, shares: shares, existing: use.Existing, sharePhrase: sharePhrase(use.Share, def.Layer.Unit()), flap: use.Flap}
	if !b.accept(cause, next) {
		return hold{}, false
	}
	struck := atoms(service)
	if d.dependency.For != nil {
		struck = slices.DeleteFunc(struck, func(a atom) bool { return !selects(*d.dependency.For, d.service, service, a) })
	}
	if len(struck) == 0 {
		b.skip(cause, "service "+d.service, "no part of it depends on %s: %s", h.service, targetText(*d.dependency.For))
		return hold{}, false
	}
	struck, ok = b.led(cause, next, struck)
	if !ok {
		return hold{}, false
	}
	if next.parts = parts(service, struck, def); !b.whole(cause, next) {
		return hold{}, false
	}
	reason := fmt.Sprintf("%s depends on %s", d.service, h.service)
	if d.dependency.For != nil {
		reason += fmt.Sprintf(" for %s (%s of %s)", placeText(*d.dependency.For), percent(next.weight(service)), d.service)
	}
	next.why = append(slices.Clone(h.why), h.derived(b)...)
	next.why = append(next.why, reason)
	if delay := d.dependency.Delay; delay > 0 {
		next.lead = fmt.Sprintf("after %s, ", seconds(b.scaled(delay)))
	}
	next.lead += describe(def, with) + " on "
	return next, true
}

// derived is the reason that a link in a chain of dependencies adds for the next one.
func (h hold) derived(b *builder) []string {
	if h.lead == "" {
		return nil
	}
	return []string{b.taking(h, h.parts[0])}
}

// effects writes down the effects of a hold.
func (b *builder) effects(cause string, h hold) {
	service := b.in.World.Services[h.service]
	if service.Kind == fault.KindInternal {
		return
	}
	for _, p := range h.parts {
		if p.chain != "" && !slices.Contains(b.inUse, p.chain) {
			continue
		}
		e := b.effect(cause, h, h.service)
		e.Service, e.Chain, e.Regions = h.service, p.chain, p.regions
		e.Reach = round(weight(service, p.regions) * h.shares.peak())
		e.Why = append(slices.Clone(h.why), b.taking(h, p))
		if service.Kind == fault.KindStorage && !b.stores {
			e.Why = append(e.Why, "by its file the app uses no storage, and then there is nothing to touch")
		}
		b.plan.Effects = append(b.plan.Effects, e)
	}
}

// effect fills in what does not depend on the part that is taken.
func (b *builder) effect(cause string, h hold, target string) Effect {
	id := fmt.Sprintf("%s/%s/%s", cause, h.def.Name, target)
	b.ids[id]++
	if n := b.ids[id]; n > 1 {
		id = fmt.Sprintf("%s~%d", id, n)
	}
	e := Effect{
		ID: id, Cause: cause, Fault: h.def.Name, Layer: string(h.def.Layer), Unit: h.def.Layer.Unit(), With: parameters(h.with),
		From: b.at(h.shares.from()), To: b.at(h.shares.to()),
	}
	if depth := h.def.Layer.Depth(); h.def.Link || depth >= fault.LayerConnection.Depth() && depth <= fault.LayerCertificate.Depth() {
		e.Cut = h.existing == "cut" || h.existing == "" && h.def.CutsByDefault
	}
	for _, s := range h.shares.steps {
		step := Step{At: b.at(s.at), Share: s.share}
		if n := len(e.Steps); n > 0 && e.Steps[n-1].At == step.At {
			e.Steps[n-1] = step
			continue
		}
		e.Steps = append(e.Steps, step)
	}
	return e
}

// parameters are none rather than empty, so that a plan is the same before it is written and after it is read.
func parameters(with fault.With) map[string]any {
	if len(with) == 0 {
		return nil
	}
	return with
}

// onChains follows a fault that acts on chains as a whole; false when no target is left.
func (b *builder) onChains(c Cause, h hold, use spec.FaultUse) bool {
	var chains []string
	for _, t := range use.Targets {
		plain := t
		plain.Path, plain.Chain, plain.Except = "", "", nil
		excepted := slices.ContainsFunc(t.Except, func(e spec.Target) bool { return e.Chain == t.Chain })
		switch {
		case t.Chain == "" || !isZero(plain):
			b.skip(c.ID, targetText(t), "%s acts on a chain as a whole", h.def.Name)
		case excepted:
			b.skip(c.ID, targetText(t), "it is excepted")
		case !slices.Contains(b.inUse, t.Chain):
			b.skip(c.ID, targetText(t), "the app does not use this chain")
		case !slices.Contains(chains, t.Chain):
			chains = append(chains, t.Chain)
		}
	}
	slices.Sort(chains)
	for _, chain := range chains {
		if h.def.Rewinds != nil {
			if depth, final := h.def.Rewinds(h.with), b.in.World.Chains[chain].Finalized; depth > final {
				b.problem(b.in.Scenario.Source, use.Path+".with", fmt.Sprintf("at most %d can be undone", final),
					"%s would undo %d blocks of %s, where a block is final %d blocks below the head", h.def.Name, depth, chain, final)
			}
		}
		e := b.effect(c.ID, h, chain)
		e.Chain, e.Reach = chain, round(h.shares.peak())
		e.Why = append(slices.Clone(h.why), "every node of "+chain+" stands alike, whoever runs it"+flapPhrase(b, h.flap))
		b.plan.Effects = append(b.plan.Effects, e)
	}
	return len(chains) > 0
}

// noTarget notes that a use of a fault has nothing to act on, with the reasons that the plan has for it.
func (b *builder) noTarget(use spec.FaultUse, why func(Skip) bool) {
	var reasons []string
	for _, s := range b.plan.Skipped {
		if why(s) {
			reasons = append(reasons, s.Target+": "+s.Why)
		}
	}
	b.problem(b.in.Scenario.Source, use.Path+".target", strings.Join(reasons, "; "), "%s has no target left that it can act on", use.Fault)
}

// cyclic notes dependencies that lead back to where they began.
func (b *builder) cyclic() bool {
	const open, done = 1, 2
	state := map[string]int{}
	found := false
	var visit func(name string, path []string)
	visit = func(name string, path []string) {
		switch state[name] {
		case done:
			return
		case open:
			loop := append(path[slices.Index(path, name):], name)
			b.problem(b.in.World.Source, "services."+name+".depends_on", "remove one of these dependencies",
				"services depend on each other in a circle: %s", strings.Join(loop, " → "))
			found = true
			return
		}
		state[name] = open
		for _, d := range b.in.World.Services[name].DependsOn {
			visit(d.Service, append(path, name))
		}
		state[name] = done
	}
	for _, name := range sortedKeys(b.in.World.Services) {
		visit(name, nil)
	}
	return found
}
