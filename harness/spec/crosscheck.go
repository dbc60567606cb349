package spec

import (
	"fmt"
	"slices"
	"strings"

	"blackout/harness/fault"
)

// Check holds the files of a run against each other and against the world: what a target, an app's variable or an instance names has to exist. The world must not
// be nil; the app or the scenario may be. The error is Problems, each in the file that has to change.
func Check(w *World, a *App, s *Scenario) error {
	c := crossCheck{world: w, app: a}
	if a != nil {
		c.files = append(c.files, a.Source.Name)
		c.instances()
		c.serviceVariables()
		c.journeys()
	}
	if s != nil {
		c.files = append(c.files, s.Source.Name)
		for _, p := range s.Phases {
			for _, f := range p.Faults {
				c.targets(s.Source, f.Targets)
				c.chainParameters(s.Source, f)
			}
		}
	}
	return c.problems.sorted(c.files).err()
}

type crossCheck struct {
	world    *World
	app      *App
	files    []string
	problems Problems
}

func (c *crossCheck) problem(s *Source, path, text, hint string) {
	c.problems = append(c.problems, s.Problem(path, text, hint))
}

func (c *crossCheck) instances() {
	for _, region := range sortedKeys(c.app.Instances) {
		if what, hint := c.world.regionProblem(region); what != "" {
			c.problem(c.app.Source, join("instances", region), what, hint)
		}
	}
}

func (c *crossCheck) journeys() {
	for _, name := range c.app.JourneyOrder {
		chain := c.app.Journeys[name].Chain
		if _, ok := c.world.Chains[chain]; chain != "" && !ok {
			c.problem(c.app.Source, join(join("journeys", name), "chain"), fmt.Sprintf("unknown chain %q", chain), suggestOr(chain, sortedKeys(c.world.Chains)))
		}
		if c.app.Journeys[name].Kind == KindContent && !c.world.stores() {
			c.problem(c.app.Source, join(join("journeys", name), "kind"), fmt.Sprintf("the journey %q asks for content, and the world has no service of kind storage", name), "")
		}
	}
}

// stores reports whether the world has a storage service.
func (w *World) stores() bool {
	for _, s := range w.Services {
		if s.Kind == fault.KindStorage {
			return true
		}
	}
	return false
}

// serviceVariables checks ${service.NAME.url} and its likes: a service with several chains has an address for each.
func (c *crossCheck) serviceVariables() {
	for _, u := range c.app.Source.uses {
		name, chain, what, ok := splitService(u.name)
		if !ok {
			continue
		}
		say := func(text, hint string) {
			c.problems = append(c.problems, c.app.Source.problemAt(u.pos, text, hint))
		}
		variable := func(parts ...string) string {
			return fmt.Sprintf("did you mean \"${service.%s}\"?", strings.Join(parts, "."))
		}
		s, ok := c.world.Services[name]
		if !ok {
			hint := suggestOr(name, c.served())
			if best, ok := nearest(name, c.served()); ok {
				hint = variable(append(slices.DeleteFunc([]string{best, chain}, func(s string) bool { return s == "" }), what)...)
			}
			say(fmt.Sprintf("unknown service %q", clip(name)), hint)
			continue
		}
		chains := slices.DeleteFunc(slices.Clone(c.world.ChainOrder), func(chain string) bool { return s.Hosts[chain] == "" })
		switch {
		case s.Kind == fault.KindInternal:
			say(fmt.Sprintf("the service %q is internal: an app cannot reach it", name), "")
		case s.Kind == fault.KindTCP && !strings.HasSuffix(what, "address"):
			say(fmt.Sprintf("the service %q is of kind tcp and has no %s", name, strings.TrimPrefix(what, namedPrefix)), variable(name, "address"))
		case s.Kind != fault.KindTCP && strings.HasSuffix(what, "address"):
			say(fmt.Sprintf("the service %q is of kind %s and has no address without a scheme", name, s.Kind), variable(name, strings.TrimSuffix(what, "address")+"url"))
		case strings.HasSuffix(what, "ws") && s.Kind != fault.KindRPC:
			say(fmt.Sprintf("the service %q is of kind %s and has no websocket", name, s.Kind), variable(name, strings.TrimSuffix(what, "ws")+"url"))
		case chain == "" && len(chains) > 1:
			say(fmt.Sprintf("the service %q has several chains: say which", name), variable(name, chains[0], what)+" it serves: "+strings.Join(chains, ", "))
		case chain != "" && !slices.Contains(chains, chain):
			hint := suggestOr(chain, chains)
			if best, ok := nearest(chain, chains); ok {
				hint = variable(name, best, what)
			}
			say(fmt.Sprintf("the service %q does not serve the chain %q", name, clip(chain)), hint)
		}
	}
}

// served lists the services that an app can reach.
func (c *crossCheck) served() []string {
	var out []string
	for _, name := range sortedKeys(c.world.Services) {
		if c.world.Services[name].Kind != fault.KindInternal {
			out = append(out, name)
		}
	}
	return out
}

func (c *crossCheck) targets(s *Source, targets []Target) {
	for _, t := range targets {
		c.target(s, t)
		c.targets(s, t.Except)
	}
}

// chainParameters checks the parameters of a fault that name a chain.
func (c *crossCheck) chainParameters(s *Source, f FaultUse) {
	def, ok := lookupFault(f.Fault)
	if !ok {
		return
	}
	for _, p := range def.Params {
		name, _ := f.With[p.Name].(string)
		if _, known := c.world.Chains[name]; p.Type == fault.TypeChain && name != "" && !known {
			c.problem(s, join(join(f.Path, "with"), p.Name), fmt.Sprintf("unknown chain %q", clip(name)), suggestOr(name, sortedKeys(c.world.Chains)))
		}
	}
}

func (c *crossCheck) target(s *Source, t Target) {
	w := c.world
	say := func(key, text, hint string) { c.problem(s, join(t.Path, key), text, hint) }
	if _, ok := w.Services[t.Service]; t.Service != "" && !ok {
		say("service", fmt.Sprintf("unknown service %q", t.Service), suggestOr(t.Service, sortedKeys(w.Services)))
	}
	if _, ok := w.Chains[t.Chain]; t.Chain != "" && !ok {
		say("chain", fmt.Sprintf("unknown chain %q", t.Chain), suggestOr(t.Chain, sortedKeys(w.Chains)))
	}
	if t.Region != "" {
		if what, hint := w.regionProblem(t.Region); what != "" {
			say("region", what, hint)
		}
	}
	if t.Cloud != "" {
		cloud, ok := w.Clouds[t.Cloud]
		switch {
		case !ok:
			say("cloud", fmt.Sprintf("unknown cloud %q", t.Cloud), suggestOr(t.Cloud, sortedKeys(w.Clouds)))
		case cloud.NoSharedFate && t.Region == "" && t.Service == "" && t.Host == "":
			say("cloud", fmt.Sprintf("the operators of %q are independent and do not fail together (shared_fate: none)", t.Cloud), "name a region: "+strings.Join(prefixed(t.Cloud+"/", cloud.Regions), ", "))
		}
	}
	if hosts := w.hosts(); t.Host != "" && !slices.Contains(hosts, t.Host) {
		say("host", fmt.Sprintf("unknown host %q", t.Host), suggestOr(t.Host, hosts))
	}
}

func prefixed(prefix string, words []string) []string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		out = append(out, prefix+w)
	}
	return out
}

// hosts lists every host name of the world, sorted.
func (w *World) hosts() []string {
	var out []string
	for _, s := range w.Services {
		for _, h := range s.Hosts {
			out = append(out, h)
		}
		if s.Host != "" {
			out = append(out, s.Host)
		}
		for _, more := range s.Further {
			out = append(out, more...)
		}
	}
	slices.Sort(out)
	return out
}
