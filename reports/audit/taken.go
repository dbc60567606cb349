package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"blackout/harness/plan"
	"blackout/harness/spec"
)

// Taken is what was taken away in a run.
type Taken struct {
	Kind string `json:"kind"` // service | region | scenario: more than one thing, or only a part of it
	Name string `json:"name"`
}

// The kinds of Taken.
const (
	TakenService  = "service"
	TakenRegion   = "region"
	TakenScenario = "scenario"
)

// String is "service infura".
func (t Taken) String() string { return t.Kind + " " + t.Name }

func (t Taken) order() int {
	return slices.Index([]string{TakenService, TakenRegion, TakenScenario}, t.Kind)
}

// The faults by which something is taken away as a whole: services are unreachable, instances of the app are stopped.
const (
	awayService  = "unreachable"
	awayInstance = "app-stopped"
)

// takenFrom reads off a plan what its run takes away: one service, or one region with the instances of the app in it, all of it and all the time. Any other scenario goes by
// its own name.
func takenFrom(p *plan.Plan) Taken {
	var found []Taken
	for _, c := range p.Causes {
		t := Taken{Kind: TakenScenario, Name: p.Scenario}
		kind, name, _ := strings.Cut(c.Target, " ")
		switch {
		case !entire(p, c):
		case c.Fault == awayService && (kind == TakenService || kind == TakenRegion) && !strings.Contains(name, " "):
			t = Taken{kind, name}
		case c.Fault == awayInstance:
			if region := instancesOf(p, c); region != "" {
				t = Taken{TakenRegion, region}
			}
		}
		found = append(found, t)
	}
	if found = slices.Compact(found); len(found) != 1 {
		return Taken{TakenScenario, p.Scenario}
	}
	return found[0]
}

// entire reports whether a cause takes all of its target from its beginning to its end.
func entire(p *plan.Plan, c plan.Cause) bool {
	return !slices.ContainsFunc(p.Effects, func(e plan.Effect) bool {
		return e.Cause == c.ID && e.Fault == c.Fault && slices.ContainsFunc(e.Steps, func(s plan.Step) bool { return s.At < e.To && s.Share < 1 })
	})
}

// instancesOf is the region whose instances of the app a cause takes, all of them; "" when they are not those of one region.
func instancesOf(p *plan.Plan, c plan.Cause) string {
	taken := map[string]bool{}
	for _, e := range p.Effects {
		if e.Cause == c.ID && e.Instance != "" {
			taken[e.Instance] = true
		}
	}
	region, n := "", 0
	for _, i := range p.Instances {
		if !taken[i.Name] {
			continue
		}
		if n++; n > 1 && i.Region != region {
			return ""
		}
		region = i.Region
	}
	for _, i := range p.Instances {
		if i.Region == region && !taken[i.Name] {
			return ""
		}
	}
	return region
}

// Suspects lists what is worth taking away: each service that the app asked, each region that such a part of a service, or an instance of the app, stands in. What it does
// not use cannot matter to it. The largest of each kind comes first.
func (a *Audit) Suspects() []Taken {
	var list []Taken
	regions := map[string]bool{}
	for _, d := range a.Dependencies {
		if d.Requests == 0 {
			continue
		}
		list = append(list, Taken{TakenService, d.Service})
		for _, p := range d.Places {
			regions[p.Region] = regions[p.Region] || p.Requests > 0
		}
	}
	for _, i := range a.Instances {
		regions[i.Region] = true
	}
	for region, used := range regions {
		if used {
			list = append(list, Taken{TakenRegion, region})
		}
	}
	slices.SortFunc(list, func(x, y Taken) int {
		return cmp.Or(cmp.Compare(x.order(), y.order()), cmp.Compare(a.share(y), a.share(x)), cmp.Compare(x.Name, y.Name))
	})
	return list
}

// Scenario is the file of a run that takes it away from an app, whose journeys, instances and services are those of p. It is as short as a plan may be.
func (t Taken) Scenario(p *plan.Plan) File {
	name := "without-" + slug(t.Name)
	about := fmt.Sprintf("The service %s is taken away, as long as it takes to see what becomes of each journey.", t.Name)
	var faults []string
	expect := ""
	if t.Kind == TakenService {
		faults = append(faults, fmt.Sprintf("{fault: %s, target: {service: %s}}", awayService, quoted(t.Name)))
	} else {
		name = "without-region-" + slug(t.Name)
		about = fmt.Sprintf("The region %s is taken away with all that stands in it, as long as it takes to see what becomes of each journey.", t.Name)
		if slices.ContainsFunc(p.Services, func(s plan.Service) bool {
			return slices.ContainsFunc(s.Placement, func(at plan.Placement) bool { return at.Region == t.Name })
		}) {
			faults = append(faults, fmt.Sprintf("{fault: %s, target: {region: %s}}", awayService, quoted(t.Name)))
		}
		there := slices.DeleteFunc(slices.Clone(p.Instances), func(i plan.Instance) bool { return i.Region != t.Name })
		if len(there) > 0 {
			faults = append(faults, fmt.Sprintf("{fault: %s, target: {app: all, region: %s}}", awayInstance, quoted(t.Name)))
		}
		if len(there) > 0 && len(there) == len(p.Instances) {
			about += " All instances of the app stand there, so nobody can serve."
			expect = expectNothing(p.Journeys)
		}
	}
	pace := paceOf(p.Journeys)
	return scenario(name, about, fmt.Sprintf("without %s", t.Name), pace.baseline(), pace.outage(), faults, expect)
}

// slug makes a name fit for a scenario's name and a file's.
func slug(name string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(name)), "-")
}

// Named is the service or the region of a world that goes by a name.
func Named(w *spec.World, name string) (Taken, error) {
	if _, ok := w.Services[name]; ok {
		return Taken{TakenService, name}, nil
	}
	var all []string
	for service := range w.Services {
		all = append(all, service)
	}
	for cloud, c := range w.Clouds {
		for _, region := range c.Regions {
			if name == cloud+"/"+region {
				return Taken{TakenRegion, name}, nil
			}
			all = append(all, cloud+"/"+region)
		}
	}
	slices.Sort(all)
	return Taken{}, fmt.Errorf("the world has no service and no region of that name%s", prefixed(": ", spec.Suggest(name, all)))
}

// prefixed is a text with something before it, if there is one.
func prefixed(front, text string) string {
	if text == "" {
		return ""
	}
	return front + text
}
