package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"blackout/harness/fault"
)

// The catalogue of faults, as variables so that tests can put another in its place.
var (
	lookupFault = fault.Lookup
	allFaults   = fault.All
)

func faultNames() []string {
	var names []string
	for _, d := range allFaults() {
		names = append(names, d.Name)
	}
	return names
}

// faultUse converts an entry of a phase's faults, or the effect of a dependency, and holds it against the catalogue. The definition is nil when the fault is unknown.
func (l *loader) faultUse(n *node, path string) (FaultUse, *fault.Definition) {
	u := FaultUse{
		Path:     path,
		Fault:    n.get("fault").word(),
		Targets:  l.targets(n.get("target"), join(path, "target")),
		Share:    l.share(n.get("share")),
		Existing: n.get("existing").word(),
	}
	if f := n.get("flap"); f.is(mapNode) {
		u.Flap = &Flap{Bad: l.positive(f.get("bad"), "bad"), Good: l.positive(f.get("good"), "good")}
	}
	name := n.get("fault")
	if name.word() == "" {
		return u, nil
	}
	def, ok := lookupFault(u.Fault)
	if !ok {
		l.problem(name.pos, fmt.Sprintf("unknown fault %q", clip(u.Fault)), cmp.Or(suggestOr(u.Fault, faultNames()), `"blackout list faults" shows them all`))
		return u, nil
	}
	u.With = l.with(n, def)
	if share := n.get("share"); share != nil && !share.bad && def.Whole && (u.Share.From < 1 || u.Share.To < 1) {
		l.problem(share.pos, fmt.Sprintf("%s takes all or nothing: a share below 100%% makes no sense for it", def.Name), "")
	}
	if f := n.get("flap"); f != nil && !f.bad && def.NoFlap {
		l.problem(f.at(), def.Name+" cannot be switched off and on: only its end undoes it", "leave the flap out")
	}
	return u, def
}

func (l *loader) share(n *node) Share {
	if n.is(mapNode) {
		return Share{From: shareOf(n.get("from"), 1), To: shareOf(n.get("to"), 1)}
	}
	v := shareOf(n, 1)
	return Share{From: v, To: v}
}

// positive is a duration that must not be zero.
func (l *loader) positive(n *node, what string) time.Duration {
	d := durationOf(n, 0)
	if n != nil && !n.bad && d <= 0 {
		l.problem(n.pos, fmt.Sprintf("%q must be more than 0", what), "")
	}
	return d
}

// with decodes a fault's parameters to the types that package fault documents. Defaults are not filled in.
func (l *loader) with(n *node, def *fault.Definition) map[string]any {
	given := n.get("with")
	if given != nil && given.kind != mapNode {
		return nil
	}
	known := map[string]fault.ParamType{}
	for _, p := range def.Params {
		known[p.Name] = p.Type
	}
	raw := map[string]any{}
	for _, key := range given.keys() {
		value := given.get(key)
		if value.bad {
			continue
		}
		if t := known[key]; t == fault.TypeInt || t == fault.TypeNumber || t == fault.TypePart {
			retype(value)
		}
		raw[key] = value.value()
	}
	decoded, problems := def.Decode(raw)
	meant := func(param string) bool {
		return slices.ContainsFunc(problems, func(p fault.ParamProblem) bool { return p.Hint == fmt.Sprintf("did you mean %q?", param) })
	}
	for _, p := range problems {
		switch _, isKnown := known[p.Param]; {
		case p.Missing && meant(p.Param), given.get(p.Param) != nil && given.get(p.Param).bad:
		case p.Missing && given != nil:
			l.problem(given.at(), p.Text, p.Hint)
		case p.Missing:
			l.problem(n.get("fault").pos, p.Text, p.Hint)
		case !isKnown:
			l.problem(given.entries[given.index(p.Param)].pos, p.Text, p.Hint)
		default:
			l.problem(given.get(p.Param).pos, p.Text, p.Hint)
		}
	}
	out := map[string]any{}
	for key := range raw {
		if v, ok := decoded[key]; ok {
			out[key] = v
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// targets converts a map, or a list of maps.
func (l *loader) targets(n *node, path string) []Target {
	switch {
	case n.is(mapNode):
		return []Target{l.target(n, path, targetKeys...)}
	case n.is(listNode):
		if len(n.items) == 0 {
			l.problem(n.pos, "the list of targets is empty: it selects nothing", "")
		}
		out := make([]Target, 0, len(n.items))
		for i, item := range n.items {
			if item.is(mapNode) {
				out = append(out, l.target(item, elem(path, i), targetKeys...))
			}
		}
		return out
	}
	return nil
}

// targetKeys are the keys of a target that select something.
var targetKeys = []string{"service", "region", "cloud", "chain", "host", "app"}

// target converts one map, in which at least one of the keys has to be there.
func (l *loader) target(n *node, path string, keys ...string) Target {
	t := Target{
		Path:    path,
		Service: n.get("service").word(), Region: n.get("region").word(), Cloud: n.get("cloud").word(),
		Chain: n.get("chain").word(), Host: n.get("host").word(), App: n.get("app").word(),
		Except: l.targets(n.get("except"), join(path, "except")),
	}
	unknown := slices.ContainsFunc(n.keys(), func(k string) bool { return k != "except" && !slices.Contains(keys, k) })
	if !n.has(keys...) && !n.bad && !n.partial && !unknown {
		l.problem(n.at(), "the target is empty: it selects nothing", "at least one of: "+strings.Join(keys, ", "))
	}
	if t.App != "" && n.has("service", "chain", "host") {
		l.problem(n.get("app").pos, "the keys of a target AND: an instance of the app is no service, chain or host, so this selects nothing", "write a list: [{app: all}, {service: …}]")
	}
	if cloud, _, ok := cutRegion(t.Region); ok && t.Cloud != "" && cloud != t.Cloud {
		l.problem(n.get("region").pos, fmt.Sprintf("the keys of a target AND: %s is not in the cloud %s, so this selects nothing", t.Region, t.Cloud), "")
	}
	return t
}
