package spec

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"blackout/harness/fault"
)

// Dialects are the known wordings of a provider's own failures; package gateways implements them.
var Dialects = []string{"infura", "plain"}

// How well a fact is known.
const (
	KnownOperator = "operator"
	KnownPress    = "press"
	KnownAssumed  = "assumed"
)

// The defaults of a world.
const (
	defaultSafe      = 4
	defaultFinalized = 8
	minBlockTime     = time.Second
)

func (l *loader) world(n *node) *World {
	w := &World{
		Source:   l.source,
		Name:     n.get("name").word(),
		About:    n.get("about").word(),
		Extends:  n.get("extends").word(),
		Clouds:   map[string]Cloud{},
		Chains:   map[string]Chain{},
		Services: map[string]Service{},
	}
	each(n.get("clouds"), func(name string, c *node) { w.Clouds[name] = l.cloud(c) })
	each(n.get("chains"), func(name string, c *node) {
		w.Chains[name] = l.chain(c)
		w.ChainOrder = append(w.ChainOrder, name)
	})
	l.settlement(n.get("chains"), w)
	hosts := map[string]Pos{}
	each(n.get("services"), func(name string, s *node) {
		w.Services[name] = l.service(s, join("services", name), w, hosts)
	})
	l.dependencies(n.get("services"), w)
	return w
}

// each visits the entries of a map that are maps themselves, in the order of the file.
func each(n *node, visit func(name string, n *node)) {
	if !n.is(mapNode) {
		return
	}
	for _, e := range n.entries {
		if e.value.is(mapNode) {
			visit(e.key, e.value)
		}
	}
}

func (l *loader) cloud(n *node) Cloud {
	seen := map[string]Pos{}
	if r := n.get("regions"); r.is(listNode) {
		for _, item := range r.items {
			l.unique("region", seen, item.word(), item.pos)
		}
	}
	return Cloud{Regions: n.get("regions").strs(), NoSharedFate: n.get("shared_fate").word() == "none"}
}

func (l *loader) chain(n *node) Chain {
	c := Chain{
		ID:        uint64(n.get("id").int(0)),
		BlockTime: durationOf(n.get("block_time"), 0),
		Safe:      blocksOf(n.get("safe"), defaultSafe),
		SettlesOn: n.get("settles_on").word(),
		MaxDrift:  durationOf(n.get("max_drift"), 0),
	}
	c.Finalized = blocksOf(n.get("finalized"), max(defaultFinalized, c.Safe))
	if b := n.get("block_time"); b.word() != "" && c.BlockTime < minBlockTime {
		l.problem(b.pos, fmt.Sprintf("the block time must be at least %s", minBlockTime), "header times are whole seconds and must grow from block to block")
	}
	if f := n.get("finalized"); f.word() != "" && c.Finalized < c.Safe {
		l.problem(f.pos, fmt.Sprintf("the finalized head cannot be ahead of the safe head, which is %d blocks behind", c.Safe), "")
	}
	if d := n.get("max_drift"); d != nil && !n.has("settles_on") {
		l.problem(d.pos, "only a chain that settles on another drifts from it", `add "settles_on"`)
	}
	return c
}

func (l *loader) settlement(n *node, w *World) {
	ids, reported := map[string]Pos{}, map[string]bool{}
	each(n, func(name string, c *node) {
		if id := c.get("id"); id.is(intNode) && !id.bad {
			l.unique("chain id", ids, id.text, id.pos)
		}
		on := c.get("settles_on")
		if on.word() == "" {
			return
		}
		if _, ok := w.Chains[on.text]; !ok {
			l.problem(on.pos, fmt.Sprintf("unknown chain %q", clip(on.text)), suggestOr(on.text, without(sortedKeys(w.Chains), []string{name})))
			return
		}
		next := func(chain string) []string { return nonEmpty(w.Chains[chain].SettlesOn) }
		if loop := circle(name, on.text, next); loop != nil && once(reported, loop) {
			l.problem(on.pos, "chains settle on each other in a circle: "+strings.Join(loop, " → "), "")
		}
	})
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func (l *loader) service(n *node, path string, w *World, hosts map[string]Pos) Service {
	s := Service{
		Kind:      n.get("kind").word(),
		Dialect:   n.get("dialect").word(),
		Hosts:     n.get("hosts").strMap(),
		Host:      n.get("host").word(),
		Placement: l.placement(n, w),
		KnownFrom: n.get("known_from").word(),
		Latency:   durationOf(n.get("latency"), 0),
		Capacity:  l.capacity(n.get("capacity")),
	}
	if s.KnownFrom == "" {
		s.KnownFrom = KnownAssumed
	}
	l.addresses(n, s.Kind, w, hosts)
	switch d := n.get("dialect"); {
	case d == nil && s.Kind != fault.KindInternal:
		s.Dialect = "plain"
	case d.is(stringNode) && !d.bad:
		l.oneOf(d, Dialects, "unknown dialect")
	}
	if deps := n.get("depends_on"); deps.is(listNode) {
		for i, d := range deps.items {
			if d.is(mapNode) {
				s.DependsOn = append(s.DependsOn, l.dependency(d, elem(join(path, "depends_on"), i), s, w))
			}
		}
	}
	return s
}

// addresses checks that a service has the host names that its kind needs and that no name is given twice: the run serves each from one front door.
func (l *loader) addresses(n *node, kind string, w *World, seen map[string]Pos) {
	host, hosts := n.get("host"), n.get("hosts")
	switch {
	case kind == "":
		return
	case kind == fault.KindInternal:
		for _, h := range []*node{host, hosts} {
			if h != nil {
				l.problem(h.at(), "an internal service has no host: only other services depend on it", "")
			}
		}
		return
	case kind == fault.KindRPC && host != nil:
		l.problem(host.pos, "a service of kind rpc has a host for each chain", "hosts: {ethereum: "+clip(host.word())+"}")
	case kind == fault.KindRPC && hosts == nil:
		l.problem(n.at(), `a service of kind rpc needs the key "hosts"`, "hosts: {ethereum: mainnet.infura.io}")
	case kind != fault.KindRPC && hosts != nil:
		l.problem(hosts.at(), fmt.Sprintf("a service of kind %s has one host", kind), "host: api.example.org")
	case kind != fault.KindRPC && host == nil:
		l.problem(n.at(), fmt.Sprintf(`a service of kind %s needs the key "host"`, kind), "host: api.example.org")
	}
	if host.word() != "" {
		l.unique("host", seen, host.text, host.pos)
	}
	if !hosts.is(mapNode) {
		return
	}
	if len(hosts.entries) == 0 {
		l.problem(hosts.at(), `"hosts" is empty`, "")
	}
	for _, e := range hosts.entries {
		if _, ok := w.Chains[e.key]; !ok {
			l.problem(e.pos, fmt.Sprintf("unknown chain %q", clip(e.key)), suggestOr(e.key, sortedKeys(w.Chains)))
		}
		if e.value.word() != "" {
			l.unique("host", seen, e.value.text, e.value.pos)
		}
	}
}

// placementSlack is how far a placement's sum may be from 100 %: thirds do not add up.
const placementSlack = 0.0001

func (l *loader) placement(n *node, w *World) map[string]float64 {
	p := n.get("placement")
	if !p.is(mapNode) {
		return nil
	}
	out, sum, sound := map[string]float64{}, 0.0, true
	for _, e := range p.entries {
		l.region(e.key, e.pos, w)
		share := shareOf(e.value, 0)
		sound = sound && !e.value.bad && e.value.is(stringNode)
		if sound && share == 0 {
			l.problem(e.value.pos, "a placement of 0% is none", "leave the region out")
			continue
		}
		out[e.key] = share
		sum += share
	}
	if sound && math.Abs(sum-1) > placementSlack+1e-9 {
		l.problem(p.at(), fmt.Sprintf("the placement sums to %s%%, not to 100%%", number(math.Round(sum*1e4)/100)), "in an overlay, null takes a region out")
	}
	return out
}

// region reports a region that no cloud has.
func (l *loader) region(name string, at Pos, w *World) {
	if _, _, ok := cutRegion(name); !ok {
		return // its form is wrong, which was reported
	}
	if problem, hint := w.regionProblem(name); problem != "" {
		l.problem(at, problem, hint)
	}
}

func cutRegion(name string) (cloud, region string, ok bool) { return strings.Cut(name, "/") }

// regionProblem says what is wrong with the name of a region, and what could have been meant.
func (w *World) regionProblem(name string) (what, hint string) {
	cloud, region, _ := cutRegion(name)
	c, ok := w.Clouds[cloud]
	if ok && slices.Contains(c.Regions, region) {
		return "", ""
	}
	if !ok && len(w.Clouds) == 0 {
		return fmt.Sprintf("unknown region %q: the world has no clouds", clip(name)), ""
	}
	return fmt.Sprintf("unknown region %q", clip(name)), suggestOr(name, w.regions())
}

// regions lists "cloud/region", sorted.
func (w *World) regions() []string {
	var out []string
	for _, cloud := range sortedKeys(w.Clouds) {
		for _, r := range w.Clouds[cloud].Regions {
			out = append(out, cloud+"/"+r)
		}
	}
	slices.Sort(out)
	return out
}

func (l *loader) capacity(n *node) *Capacity {
	if !n.is(mapNode) {
		return nil
	}
	if n.has("headroom") == n.has("rate") {
		l.problem(n.at(), `the capacity has either "headroom" or "rate"`, "in an overlay, null takes the other one out")
	}
	headroom, _, _ := parsePercent(n.get("headroom").word(), "percentage")
	return &Capacity{Headroom: headroom, Rate: rateOf(n.get("rate"))}
}
