package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"blackout/harness/clock"
	"blackout/harness/content"
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

// namesGiven reports whether the app is given the run's resolver.
func namesGiven(app *spec.App) bool {
	return slices.ContainsFunc(textsGiven(app), func(text string) bool { return slices.Contains(spec.Variables(text), "dns.address") })
}

// textsGiven are the texts that lead the app, and the programs of its journeys, to the services.
func textsGiven(app *spec.App) []string {
	texts := slices.Clone(app.Start.Command)
	texts = slices.AppendSeq(texts, maps.Values(app.Start.Env))
	for _, j := range app.Journeys {
		texts = slices.AppendSeq(append(texts, j.Command...), maps.Values(j.Env))
		if j.Follow != nil {
			texts = slices.AppendSeq(append(texts, j.Follow.Command...), maps.Values(j.Follow.Env))
		}
	}
	return texts
}

// chainsGiven gives the chains whose address the app is given: base in ${service.infura.base.url}.
func chainsGiven(world *spec.World, app *spec.App) []string {
	given := map[string]bool{}
	for _, words := range servicesGiven(app) {
		for _, word := range words[2:] {
			if _, ok := world.Chains[word]; ok {
				given[word] = true
			}
		}
	}
	return sortedKeys(given)
}

// servicesGiven gives the variables by which the app is given addresses of services, taken apart: service, infura, base, url.
func servicesGiven(app *spec.App) [][]string {
	var given [][]string
	for _, text := range textsGiven(app) {
		for _, name := range spec.Variables(text) {
			if words := strings.Split(name, "."); words[0] == "service" && len(words) > 2 {
				given = append(given, words)
			}
		}
	}
	return given
}

// chainOf settles which chain a journey is about: what its file says, else the only chain whose address the app is given, else, for an app that is given none, the
// world's first. Content is on no chain.
func (b *builder) chainOf(name string, j spec.Journey) string {
	given := chainsGiven(b.in.World, b.in.App)
	switch {
	case j.Kind == spec.KindContent:
		return ""
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
	for _, name := range b.booted() {
		c := b.in.World.Chains[name]
		p.Chains = append(p.Chains, Chain{
			Name: name, ID: c.ID, BlockTime: clock.Of(c.BlockTime), Safe: c.Safe, Finalized: c.Finalized, SettlesOn: c.SettlesOn, MaxDrift: clock.Of(c.MaxDrift), Token: c.Token,
			Contracts: Contracts(c.Contracts),
		})
		for _, role := range []string{RoleBuilder, RoleReference, RoleShared} {
			p.Nodes = append(p.Nodes, Node{Name: name + "/" + role, Chain: name, Role: role})
		}
		p.Nodes = append(p.Nodes, b.ownNodes(name)...)
	}
}

// booted gives the chains that the run boots: those in use, those that faults lead to, and those that these settle on.
func (b *builder) booted() []string {
	boots := map[string]bool{}
	for _, name := range b.inUse {
		boots[name] = true
	}
	for _, e := range b.plan.Effects {
		for name := chainLedTo(e); name != "" && !boots[name]; name = b.in.World.Chains[name].SettlesOn {
			boots[name] = true
		}
	}
	return sortedKeys(boots)
}

// chainLedTo is the chain that an effect leads requests to, or "".
func chainLedTo(e Effect) string {
	def, ok := fault.Lookup(e.Fault)
	if !ok {
		return ""
	}
	return def.Chain(e.With)
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
		if s.Kind == fault.KindInternal || !b.serves(name) {
			continue
		}
		planned := Service{
			Name: name, Kind: s.Kind, Dialect: s.Dialect, KnownFrom: s.KnownFrom, Latency: clock.Of(s.Latency), TTL: clock.Of(s.TTL),
			Link: b.linked(name) || s.Kind == fault.KindTCP, Placement: []Placement{}, Upstream: s.Upstream,
		}
		if s.Site != nil {
			planned.Site = &Site{Replies: len(s.Site.Replies), Files: len(s.Site.Files), SHA256: s.Site.Digest()}
		}
		if s.Capacity != nil {
			planned.Headroom, planned.Rate = s.Capacity.Headroom, s.Capacity.Rate
		}
		if s.Host != "" {
			planned.Hosts = append(planned.Hosts, hostsOf("", s.Host, s.Further)...)
		}
		regions := sortedKeys(s.Placement)
		for _, region := range regions {
			planned.Placement = append(planned.Placement, Placement{Region: region, Share: s.Placement[region]})
		}
		for _, chain := range b.inUse {
			if s.Hosts[chain] == "" {
				continue
			}
			planned.Hosts = append(planned.Hosts, hostsOf(chain, s.Hosts[chain], s.Further)...)
		}
		for _, chain := range b.behind(name) {
			for _, region := range regions {
				planned.Backends = append(planned.Backends, Backend{Chain: chain, Region: region, Node: b.nodeOf(chain, name, region)})
			}
		}
		b.plan.Services = append(b.plan.Services, planned)
	}
	for _, name := range sortedKeys(b.in.World.Clouds) {
		if b.in.World.Clouds[name].NoSharedFate {
			b.plan.Independent = append(b.plan.Independent, name)
		}
	}
}

// hostsOf lists a service's host names for a chain, the usual one first.
func hostsOf(chain, usual string, further map[string][]string) []Host {
	hosts := []Host{{Chain: chain, Name: usual}}
	for _, name := range further[chain] {
		hosts = append(hosts, Host{Chain: chain, Name: name})
	}
	return hosts
}

// content names the files of the storage services that the run serves.
func (b *builder) content() {
	if !slices.ContainsFunc(b.plan.Services, func(s Service) bool { return s.Kind == fault.KindStorage }) {
		return
	}
	for _, f := range content.Files(b.in.Seed) {
		b.plan.Content = append(b.plan.Content, Content{ID: f.ID, TX: f.TX, Token: f.Token, Name: f.Name, Type: f.Type, Bytes: len(f.Bytes), SHA256: f.SHA256})
	}
}

// behind gives the chains that a service has nodes of: those in use that it serves, and those that a fault leads its requests to.
func (b *builder) behind(service string) []string {
	var chains []string
	for _, chain := range b.booted() {
		serves := slices.Contains(b.inUse, chain) && b.in.World.Services[service].Hosts[chain] != ""
		if serves || slices.ContainsFunc(b.plan.Effects, func(e Effect) bool { return e.Service == service && chainLedTo(e) == chain }) {
			chains = append(chains, chain)
		}
	}
	return chains
}

// linked reports whether a service is reached through a link: from the run's start, so that baseline and outage share a path.
func (b *builder) linked(service string) bool {
	return slices.ContainsFunc(b.plan.Effects, func(e Effect) bool {
		def, ok := fault.Lookup(e.Fault)
		return e.Service == service && (e.Layer == string(fault.LayerConnection) || e.Layer == string(fault.LayerCertificate) || ok && def.Link)
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
