package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/spec"
)

// chainsInUse gives the chains that the run boots: those that journeys are about, those whose address the app is given, and those that these settle on.
func chainsInUse(world *spec.World, app *spec.App) []string {
	used := map[string]bool{}
	var use func(name string)
	use = func(name string) {
		chain, ok := world.Chains[name]
		if !ok || used[name] {
			return
		}
		used[name] = true
		use(chain.SettlesOn)
	}
	for _, j := range app.Journeys {
		use(j.Chain)
	}
	if len(chainsGiven(world, app)) == 0 && len(world.ChainOrder) > 0 {
		use(world.ChainOrder[0])
	}
	for _, name := range chainsGiven(world, app) {
		use(name)
	}
	return sortedKeys(used)
}

// chainsGiven gives the chains whose address the app is given: base in ${service.infura.base.url}.
func chainsGiven(world *spec.World, app *spec.App) []string {
	given := map[string]bool{}
	texts := slices.Clone(app.Start.Command)
	for _, value := range app.Start.Env {
		texts = append(texts, value)
	}
	for _, text := range texts {
		for _, name := range spec.Variables(text) {
			words := strings.Split(name, ".")
			if words[0] != "service" {
				continue
			}
			for _, word := range words[min(2, len(words)):] {
				if _, ok := world.Chains[word]; ok {
					given[word] = true
				}
			}
		}
	}
	return sortedKeys(given)
}

// chainOf settles which chain a journey is about: what its file says, else the only chain whose address the app is given, else, for an app that is given none, the
// world's first.
func (b *builder) chainOf(name string, j spec.Journey) string {
	given := chainsGiven(b.in.World, b.in.App)
	switch {
	case j.Chain != "":
		return j.Chain
	case len(given) == 1:
		return given[0]
	case len(given) == 0 && len(b.in.World.ChainOrder) > 0:
		return b.in.World.ChainOrder[0]
	}
	b.problem(b.in.App.Source, "journeys."+name, fmt.Sprintf("add `chain:` with one of %s", strings.Join(given, ", ")), "journey %q does not say which chain it is about", name)
	return ""
}

// chains settles which chains and nodes the run boots. A node is a service's own where an effect holds it apart from the others; all else shares one.
func (b *builder) chains() {
	p := b.plan
	for _, name := range b.inUse {
		c := b.in.World.Chains[name]
		p.Chains = append(p.Chains, Chain{
			Name: name, ID: c.ID, BlockTime: clock.Of(c.BlockTime), Safe: c.Safe, Finalized: c.Finalized, SettlesOn: c.SettlesOn, MaxDrift: clock.Of(c.MaxDrift),
		})
		for _, role := range []string{RoleBuilder, RoleReference, RoleShared} {
			p.Nodes = append(p.Nodes, Node{Name: name + "/" + role, Chain: name, Role: role})
		}
		p.Nodes = append(p.Nodes, b.ownNodes(name)...)
	}
}

func (b *builder) ownNodes(chain string) []Node {
	var own []Node
	for _, e := range b.plan.Effects {
		if e.Layer != string(fault.LayerChain) || e.Service == "" || e.Chain != chain {
			continue
		}
		regions := e.Regions
		if regions == nil {
			regions = sortedKeys(b.in.World.Services[e.Service].Placement)
		}
		for _, region := range regions {
			n := Node{Name: chain + "/" + e.Service + "@" + region, Chain: chain, Role: RoleOwn, Service: e.Service, Region: region, Touched: true}
			if !slices.Contains(own, n) {
				own = append(own, n)
			}
		}
	}
	slices.SortFunc(own, func(a, b Node) int { return cmp.Compare(a.Name, b.Name) })
	return own
}

// services settles what the run serves: every service that is not internal and has a part for this app.
func (b *builder) services() {
	for _, name := range sortedKeys(b.in.World.Services) {
		s := b.in.World.Services[name]
		if s.Kind == fault.KindInternal || !b.serves(s) {
			continue
		}
		planned := Service{
			Name: name, Kind: s.Kind, Dialect: s.Dialect, KnownFrom: s.KnownFrom, Latency: clock.Of(s.Latency), Link: b.linked(name), Placement: []Placement{},
		}
		if s.Capacity != nil {
			planned.Headroom, planned.Rate = s.Capacity.Headroom, s.Capacity.Rate
		}
		if s.Host != "" {
			planned.Hosts = append(planned.Hosts, Host{Name: s.Host})
		}
		regions := sortedKeys(s.Placement)
		for _, region := range regions {
			planned.Placement = append(planned.Placement, Placement{Region: region, Share: s.Placement[region]})
		}
		for _, chain := range b.inUse {
			if s.Hosts[chain] == "" {
				continue
			}
			planned.Hosts = append(planned.Hosts, Host{Chain: chain, Name: s.Hosts[chain]})
			for _, region := range regions {
				planned.Backends = append(planned.Backends, Backend{Chain: chain, Region: region, Node: b.nodeOf(chain, name, region)})
			}
		}
		b.plan.Services = append(b.plan.Services, planned)
	}
}

// linked reports whether a service is reached through a link: from the run's start, so that baseline and outage share a path.
func (b *builder) linked(service string) bool {
	return slices.ContainsFunc(b.plan.Effects, func(e Effect) bool {
		return e.Service == service && (e.Layer == string(fault.LayerConnection) || e.Layer == string(fault.LayerCertificate))
	})
}

func (b *builder) nodeOf(chain, service, region string) string {
	for _, n := range b.plan.Nodes {
		if n.Chain == chain && n.Role == RoleOwn && n.Service == service && n.Region == region {
			return n.Name
		}
	}
	return chain + "/" + RoleShared
}
