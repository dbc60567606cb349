package plan

import (
	"maps"
	"slices"
	"strings"

	"blackout/harness/fault"
	"blackout/harness/spec"
)

// atom is the smallest part of a service that a target can select: what it serves from one region for one chain. Chain is "" for services that serve none.
type atom struct{ region, chain string }

// atoms gives all parts of a service.
func atoms(s spec.Service) []atom {
	chains := slices.Sorted(maps.Keys(s.Hosts))
	if len(chains) == 0 {
		chains = []string{""}
	}
	var all []atom
	for _, region := range slices.Sorted(maps.Keys(s.Placement)) {
		for _, chain := range chains {
			all = append(all, atom{region, chain})
		}
	}
	return all
}

// selects reports whether a target selects a part of a service: its keys AND, its exceptions subtract.
func selects(t spec.Target, name string, s spec.Service, a atom) bool {
	cloud, _, _ := strings.Cut(a.region, "/")
	host := s.Host
	if a.chain != "" {
		host = s.Hosts[a.chain]
	}
	switch {
	case t.App != "",
		t.Service != "" && t.Service != name,
		t.Region != "" && t.Region != a.region,
		t.Cloud != "" && t.Cloud != cloud,
		t.Chain != "" && t.Chain != a.chain,
		t.Host != "" && t.Host != host && !slices.Contains(s.Further[a.chain], t.Host):
		return false
	}
	return !slices.ContainsFunc(t.Except, func(e spec.Target) bool { return selects(e, name, s, a) })
}

// selection is the parts of one service that a use of a fault takes.
type selection struct {
	service string
	atoms   []atom
}

// selectServices gives what a list of targets takes, by service name.
func selectServices(world *spec.World, targets []spec.Target) []selection {
	var found []selection
	for _, name := range slices.Sorted(maps.Keys(world.Services)) {
		s := world.Services[name]
		taken := slices.DeleteFunc(atoms(s), func(a atom) bool {
			return !slices.ContainsFunc(targets, func(t spec.Target) bool { return selects(t, name, s, a) })
		})
		if len(taken) > 0 {
			found = append(found, selection{name, taken})
		}
	}
	return found
}

// part is the regions of a service that an effect takes, for one chain; chain "" is every chain.
type part struct {
	chain   string
	regions []string // nil: wherever the service is
}

// parts puts atoms together into as few parts as there can be. A fault at the chain layer acts on the nodes of one chain, and one that leads to another chain leaves
// that one alone: they get a part for each chain.
func parts(s spec.Service, taken []atom, def *fault.Definition) []part {
	byChain := map[string][]string{}
	for _, a := range taken {
		byChain[a.chain] = append(byChain[a.chain], a.region)
	}
	chains := slices.Sorted(maps.Keys(byChain))
	same := !slices.ContainsFunc(chains, func(c string) bool { return !slices.Equal(byChain[c], byChain[chains[0]]) })
	apart := def.Layer == fault.LayerChain || def.Leads()
	if !apart && same && len(chains) == max(1, len(s.Hosts)) {
		return []part{{"", narrowed(s, byChain[chains[0]])}}
	}
	list := make([]part, 0, len(chains))
	for _, c := range chains {
		list = append(list, part{c, narrowed(s, byChain[c])})
	}
	return list
}

func narrowed(s spec.Service, regions []string) []string {
	if len(regions) == len(s.Placement) {
		return nil
	}
	return regions
}

// weight is the share of a service that is placed in regions; all of it for none.
func weight(s spec.Service, regions []string) float64 {
	if regions == nil {
		return 1
	}
	sum := 0.0
	for _, r := range regions {
		sum += s.Placement[r]
	}
	return round(sum)
}

// serves reports whether a service has a part in this run: one of kind rpc by a chain in use, one of kind storage if the app uses storage or a fault of the scenario
// is for this very service, any other always. A fault that is for a region, and meets a storage service there by the way, is no reason to serve it.
func (b *builder) serves(name string) bool {
	s := b.in.World.Services[name]
	switch s.Kind {
	case fault.KindRPC:
		return slices.ContainsFunc(b.inUse, func(c string) bool { return s.Hosts[c] != "" })
	case fault.KindStorage:
		return b.stores || b.named(name, s)
	default:
		return true
	}
}

// named reports whether a fault of the scenario is for this very service, by its name or its host.
func (b *builder) named(name string, s spec.Service) bool {
	for _, phase := range b.in.Scenario.Phases {
		for _, use := range phase.Faults {
			if slices.ContainsFunc(use.Targets, func(t spec.Target) bool {
				return t.Service == name || t.Host != "" && (t.Host == s.Host || slices.Contains(s.Further[""], t.Host))
			}) {
				return true
			}
		}
	}
	return false
}

// storesContent reports whether the app uses storage: a journey asks for content, or the app is given the address of a storage service.
func storesContent(world *spec.World, app *spec.App) bool {
	for _, j := range app.Journeys {
		if j.Kind == spec.KindContent {
			return true
		}
	}
	return slices.ContainsFunc(servicesGiven(app), func(words []string) bool { return world.Services[words[1]].Kind == fault.KindStorage })
}
