package spec

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"blackout/harness/fault"
)

// Dialects are the known wordings of a provider's own failures; package gateways implements them.
var Dialects = []string{"infura", "plain"}

// StorageDialects are the protocols of gateways of storage: that of IPFS is plain.
var StorageDialects = []string{"arweave", "plain"}

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
	defaultTTL       = 5 * time.Second // load balancers of clouds mostly say 60 s; an outage of half a minute needs less
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
		Token:     n.get("token").word(),
		Contracts: l.contracts(n),
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

// contracts checks that each contract of a chain, the token too, has an address of its own, and the contracts that it asks.
func (l *loader) contracts(chain *node) Contracts {
	n := chain.get("contracts")
	seen := map[string]Pos{}
	for _, address := range []*node{
		chain.get("token"), n.get("multicall3"), n.get("balance_checker"), n.get("nft"), n.get("ens_registry"), n.get("ens_resolver"), n.get("ens_universal_resolver"),
	} {
		if address != nil && !address.bad {
			l.unique("address", seen, strings.ToLower(address.word()), address.pos)
		}
	}
	for _, needs := range [][2]string{{"ens_registry", "ens_resolver"}, {"ens_resolver", "ens_registry"}, {"ens_universal_resolver", "ens_registry"}} {
		if has := n.get(needs[0]); has != nil && !n.has(needs[1]) && !n.partial {
			l.problem(has.pos, fmt.Sprintf("%q needs the key %q beside it", needs[0], needs[1]), "")
		}
	}
	return Contracts{
		Multicall3:           n.get("multicall3").word(),
		BalanceChecker:       n.get("balance_checker").word(),
		NFT:                  n.get("nft").word(),
		ENSRegistry:          n.get("ens_registry").word(),
		ENSResolver:          n.get("ens_resolver").word(),
		ENSUniversalResolver: n.get("ens_universal_resolver").word(),
	}
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
		Placement: l.placement(n, label(path), w),
		KnownFrom: n.get("known_from").word(),
		Latency:   durationOf(n.get("latency"), 0),
		TTL:       l.ttl(n.get("ttl")),
		Capacity:  l.capacity(n.get("capacity")),
	}
	if s.KnownFrom == "" {
		s.KnownFrom = KnownAssumed
	}
	s.takeHosts(n)
	l.addresses(n, s.Kind, w, hosts)
	l.site(n, path, &s)
	l.upstream(n, &s)
	switch d := n.get("dialect"); {
	case d == nil && s.Kind != fault.KindInternal && s.Kind != fault.KindTCP:
		s.Dialect = "plain"
	case s.Kind == fault.KindStorage && d.is(stringNode) && !d.bad:
		l.oneOf(d, StorageDialects, "a service of kind storage has no such dialect")
	case d.is(stringNode) && !d.bad && s.Kind != fault.KindRPC && s.Kind != "" && d.text != "plain":
		l.problem(d.pos, fmt.Sprintf("a service of kind %s has no dialect but plain", s.Kind), "")
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
		l.problem(host.pos, "a service of kind rpc has a host for each chain", "hosts: {ethereum: "+clip(cmp.Or(host.word(), "mainnet.infura.io"))+"}")
	case kind == fault.KindRPC && hosts == nil:
		l.problem(n.blame(), `a service of kind rpc needs the key "hosts"`, "hosts: {ethereum: mainnet.infura.io}")
	case kind != fault.KindRPC && hosts != nil:
		l.problem(hosts.at(), fmt.Sprintf("a service of kind %s has one host", kind), "host: api.example.org")
	case kind != fault.KindRPC && host == nil:
		l.problem(n.blame(), fmt.Sprintf(`a service of kind %s needs the key "host"`, kind), "host: api.example.org")
	}
	l.uniqueHosts(host, seen)
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
		l.uniqueHosts(e.value, seen)
	}
}

// uniqueHosts reports host names that are given already.
func (l *loader) uniqueHosts(n *node, seen map[string]Pos) {
	if n.is(stringNode) {
		l.unique("host", seen, n.word(), n.pos)
	}
	if n.is(listNode) {
		for _, item := range n.items {
			l.unique("host", seen, item.word(), item.pos)
		}
	}
}

// takeHosts reads the host names: of each list the first is the usual one, and the others are further ones.
func (s *Service) takeHosts(n *node) {
	take := func(chain string, n *node) string {
		names := nonEmpty(n.word())
		if n.is(listNode) {
			names = n.strs()
		}
		if len(names) == 0 {
			return ""
		}
		if len(names) > 1 {
			if s.Further == nil {
				s.Further = map[string][]string{}
			}
			s.Further[chain] = names[1:]
		}
		return names[0]
	}
	s.Host = take("", n.get("host"))
	if hosts := n.get("hosts"); hosts.is(mapNode) {
		s.Hosts = map[string]string{}
		for _, e := range hosts.entries {
			s.Hosts[e.key] = take(e.key, e.value)
		}
	}
}

// placementSlack is how far a placement's sum may be from 100 %: thirds do not add up.
const placementSlack = 0.0001

func (l *loader) placement(n *node, service string, w *World) map[string]float64 {
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
		l.placementSum(p, service, sum)
	}
	return out
}

// placementSum reports shares that do not sum up. Of a placement that was laid over another it names the regions that are still there from below.
func (l *loader) placementSum(p *node, service string, sum float64) {
	text := fmt.Sprintf("the placement of %s sums to %s%%, not to 100%%", service, number(math.Round(sum*1e4)/100))
	if p.over.File == "" {
		l.problem(p.at(), text, "")
		return
	}
	with, hint := "with what it is laid over", ""
	if p.over.File == l.source.Name {
		with = "with what it extends"
	}
	var there, out []string
	for _, e := range p.entries {
		if e.pos.File != p.over.File {
			there, out = append(there, e.key+": "+e.value.text), append(out, e.key+": null")
		}
	}
	switch {
	case len(there) == 0:
	case sum > 1:
		hint = "null takes a region out: " + strings.Join(out, ", ")
	default:
		hint = "it also has " + strings.Join(there, ", ")
	}
	l.problem(p.over, with+", "+text, hint)
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

// maxTTL is the most that is asked of caches: a run lasts minutes.
const maxTTL = time.Hour

// ttl is how long answers about a service's hosts may be kept. The DNS counts whole seconds.
func (l *loader) ttl(n *node) time.Duration {
	d := durationOf(n, defaultTTL)
	if n != nil && !n.bad && (d%time.Second != 0 || d > maxTTL) {
		l.problem(n.pos, `"ttl" must be whole seconds, from 0s to 1h`, "")
	}
	return d
}

func (l *loader) capacity(n *node) *Capacity {
	if !n.is(mapNode) {
		return nil
	}
	if n.has("headroom") == n.has("rate") {
		l.problem(n.blame(), `the capacity has either "headroom" or "rate"`, "in an overlay, null takes the other one out")
	}
	headroom, _, _ := parsePercent(n.get("headroom").word(), "percentage")
	return &Capacity{Headroom: headroom, Rate: rateOf(n.get("rate"))}
}
