package plan

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"blackout/harness/spec"
)

// Instance is one running copy of the app.
type Instance struct {
	Name   string `json:"name"`             // fit for a file name: "aws-us-east-1-0"
	Region string `json:"region,omitempty"` // "cloud/region", or "" when it is placed nowhere
}

// Instances lists the instances of an app, by region: one, placed nowhere, when its file says nothing.
func Instances(a *spec.App) []Instance {
	if len(a.Instances) == 0 {
		return []Instance{{Name: "app-0"}}
	}
	var all []Instance
	for _, region := range slices.Sorted(maps.Keys(a.Instances)) {
		for k := range a.Instances[region] {
			all = append(all, Instance{Name: instanceName(region, k), Region: region})
		}
	}
	return all
}

// instanceName makes a name out of a region that is fit for a file name.
func instanceName(region string, k int) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		default:
			return '-'
		}
	}, region)
	return clean + "-" + strconv.Itoa(k)
}

// selected reports whether a target takes the instance: its keys AND, its exceptions subtract.
func (i Instance) selected(t spec.Target) bool {
	cloud, _, _ := strings.Cut(i.Region, "/")
	switch {
	case t.App == "" || t.Service != "" || t.Chain != "" || t.Host != "",
		t.Region != "" && t.Region != i.Region,
		t.Cloud != "" && t.Cloud != cloud:
		return false
	}
	return !slices.ContainsFunc(t.Except, func(e spec.Target) bool { return i.selected(e) })
}

func (i Instance) placeText() string {
	if i.Region == "" {
		return "placed nowhere"
	}
	return "in " + i.Region
}

// onInstances follows a fault that acts on instances of the app; false when no target is for such a thing. An app that has no instance where the scenario looks for one, or
// none that a run may touch, is spared: scenarios are made for many apps. It is a problem only when nothing else of the scenario acts either.
func (b *builder) onInstances(c Cause, h hold, use spec.FaultUse) bool {
	struck := map[Instance]bool{}
	named := false
	for _, t := range use.Targets {
		if t.App == "" {
			b.skip(c.ID, targetText(t), "%s acts on instances of the app", h.def.Name)
			continue
		}
		named = true
		found := slices.DeleteFunc(Instances(b.in.App), func(i Instance) bool { return !i.selected(t) })
		switch {
		case len(found) == 0:
			b.skip(c.ID, targetText(t), "no instance of the app is placed there")
		case b.in.App.Start.URL != "":
			b.skip(c.ID, targetText(t), "the app ran before the run (start.url), which leaves its processes alone")
		default:
			for _, i := range found {
				struck[i] = true
			}
		}
	}
	for _, i := range Instances(b.in.App) {
		if !struck[i] {
			continue
		}
		e := b.effect(c.ID, h, i.Name)
		e.Instance, e.Reach = i.Name, round(h.shares.peak())
		e.Why = append(slices.Clone(h.why), "instance "+i.Name+" of the app is "+i.placeText()+flapPhrase(b, h.flap))
		b.plan.Effects = append(b.plan.Effects, e)
	}
	if named && len(struck) == 0 {
		b.idle = append(b.idle, idle{use, c.ID})
	}
	return named
}

// idle is a use of a fault that finds no instance of the app to act on.
type idle struct {
	use   spec.FaultUse
	cause string
}

// nothingActs notes a scenario that is all about instances of the app, for an app that has none of them. Its run would show how the app does without any fault.
func (b *builder) nothingActs() {
	if len(b.plan.Effects) > 0 || len(b.problems) > 0 {
		return
	}
	for _, i := range b.idle {
		b.noTarget(i.use, func(s Skip) bool { return s.Cause == i.cause })
	}
}
