package audit

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"blackout/harness/plan"
	"blackout/reports/verdict"
)

// Make makes an audit of runs of one app in one world. The error says which run does not belong to the others.
func Make(runs []*Evidence) (*Audit, error) {
	if len(runs) == 0 {
		return nil, errors.New("an audit needs a run")
	}
	runs = slices.Clone(runs)
	slices.SortStableFunc(runs, func(x, y *Evidence) int { return cmp.Compare(x.verdict.Run.ID, y.verdict.Run.ID) })
	m := maker{runs: runs}
	for _, e := range runs {
		if e.plan.Schema == "" {
			return nil, fmt.Errorf("run %s ended before it had a plan: %s", e.verdict.Run.ID, strings.Join(e.verdict.Reasons, "; "))
		}
		if first := runs[0].plan; e.plan.App != first.App || e.plan.World != first.World {
			return nil, fmt.Errorf("run %s is of %s in the world %s, and %s of %s in the world %s: an audit is of one app in one world",
				e.verdict.Run.ID, e.plan.App, e.plan.World, runs[0].verdict.Run.ID, first.App, first.World)
		}
		if m.widest == nil || len(e.plan.Journeys) > len(m.widest.Journeys) {
			m.widest = e.plan
		}
	}
	a := &Audit{
		Schema: Schema, App: m.widest.App, World: m.widest.World, Runs: []Run{}, Basis: BasisControl, Dependencies: []Dependency{}, Instances: instances(m.widest), Journeys: []Journey{},
		Unmodelled: []verdict.Outside{}, Experiments: []Experiment{}, SinglePoints: []SinglePoint{},
	}
	for _, e := range runs {
		a.Runs = append(a.Runs, Run{
			ID: e.verdict.Run.ID, Role: m.role(e), Scenario: e.verdict.Run.Scenario, Seed: e.verdict.Run.Seed, Verdict: e.verdict.Verdict, Reasons: append([]string{}, e.verdict.Reasons...),
		})
	}
	m.measure(a)
	m.experiments(a)
	return a, nil
}

// maker holds what one audit is made from.
type maker struct {
	runs   []*Evidence
	widest *plan.Plan // of a run that had the most journeys
}

func (m *maker) role(e *Evidence) string { return e.role(len(m.widest.Journeys)) }

func (m *maker) of(role string) []*Evidence {
	return slices.DeleteFunc(slices.Clone(m.runs), func(e *Evidence) bool { return m.role(e) != role })
}

// measure makes the map: of the runs without faults that had every journey, or else of what came before the faults in the others.
func (m *maker) measure(a *Audit) {
	basis := telling(m.of(RoleControl))
	if len(basis) == 0 {
		a.Basis, basis = BasisBaselines, m.of(RoleExperiment)
	}
	asked := map[route]int{}
	unmodelled := map[string]verdict.Outside{}
	for _, e := range basis {
		a.Seconds = rounded(a.Seconds + e.calm)
		for at, n := range e.asked {
			asked[at] += n
			a.Requests += n
		}
		for _, o := range e.verdict.Outside {
			if last, told := unmodelled[o.Kind+o.What()]; !told || o.Count > last.Count {
				unmodelled[o.Kind+o.What()] = whole(o)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(unmodelled)) {
		a.Unmodelled = append(a.Unmodelled, unmodelled[key])
	}
	slices.SortStableFunc(a.Unmodelled, func(x, y verdict.Outside) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(y.Count, x.Count))
	})
	alone := m.alone(a)
	for _, s := range m.services() {
		if d := m.dependency(s, asked, a.Requests, alone); d.Requests > 0 || len(d.OnlyWithout) > 0 {
			a.Dependencies = append(a.Dependencies, d)
		}
	}
	slices.SortStableFunc(a.Dependencies, func(x, y Dependency) int {
		return cmp.Or(cmp.Compare(y.Requests, x.Requests), cmp.Compare(x.Service, y.Service))
	})
	a.Concentration = a.concentrated()
}

// whole is it with a count for each window.
func whole(o verdict.Outside) verdict.Outside {
	counts := map[string]int{}
	for _, w := range []string{verdict.Baseline, verdict.Outage, verdict.Recovery, verdict.After} {
		counts[w] = o.Windows[w]
	}
	o.Windows = counts
	return o
}

// alone lists the journeys, and gives the evidence of the run that had each alone. An app with one journey has it alone in each run.
func (m *maker) alone(a *Audit) map[string]*Evidence {
	found := map[string]*Evidence{}
	for _, e := range slices.Concat(telling(m.of(RoleControl)), m.of(RoleAlone)) {
		if len(e.plan.Journeys) == 1 {
			found[e.plan.Journeys[0].Name] = e
		}
	}
	for _, j := range m.widest.Journeys {
		journey := Journey{Journey: j.Name, Kind: j.Kind}
		if e := found[j.Name]; e != nil {
			journey.Run, journey.Requests = e.verdict.Run.ID, e.total()
		}
		a.Journeys = append(a.Journeys, journey)
	}
	return found
}

func (e *Evidence) total() int {
	n := 0
	for _, of := range e.asked {
		n += of
	}
	return n
}

// services are those of all plans, by name: one that an app does not use may be in the plan of an experiment alone.
func (m *maker) services() []plan.Service {
	all := map[string]plan.Service{}
	for _, e := range m.runs {
		for _, s := range e.plan.Services {
			if _, known := all[s.Name]; !known || e.plan == m.widest {
				all[s.Name] = s
			}
		}
	}
	list := make([]plan.Service, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[name])
	}
	return list
}

func (m *maker) dependency(s plan.Service, asked map[route]int, total int, alone map[string]*Evidence) Dependency {
	d := Dependency{Service: s.Name, Kind: s.Kind, KnownFrom: s.KnownFrom, Places: []Place{}, Journeys: map[string]float64{}}
	chains, regions := map[string]bool{}, map[string]int{}
	for at, n := range asked {
		if at.service == s.Name {
			d.Requests += n
			chains[at.chain] = true
			regions[at.region] += n
		}
	}
	d.Share = rounded(part(d.Requests, total))
	d.Hosts = m.hosts(s, chains)
	for _, p := range s.Placement {
		d.Places = append(d.Places, Place{
			Region: p.Region, Cloud: cloudOf(p.Region), Independent: slices.Contains(m.widest.Independent, cloudOf(p.Region)), Placed: p.Share, Requests: regions[p.Region], Share: rounded(part(regions[p.Region], total)),
		})
	}
	for journey, e := range alone {
		n := 0
		for at, of := range e.asked {
			if at.service == s.Name {
				n += of
			}
		}
		d.Journeys[journey] = rounded(part(n, e.total()))
	}
	if d.Requests == 0 {
		for _, e := range m.of(RoleExperiment) {
			if name := takenFrom(e.plan).String(); e.strayed[s.Name] > 0 && !slices.Contains(d.OnlyWithout, name) {
				d.OnlyWithout = append(d.OnlyWithout, name)
			}
		}
	}
	return d
}

// hosts are the service's names that the app looked up. One that goes by addresses looks up none: then they are the names for the chains that it asked about.
func (m *maker) hosts(s plan.Service, chains map[string]bool) []string {
	names, looked := []string{}, []string{}
	for _, h := range s.Hosts {
		if slices.ContainsFunc(m.runs, func(e *Evidence) bool { return e.looked[h.Name] }) {
			looked = append(looked, h.Name)
		}
		if (len(chains) == 0 || chains[h.Chain]) && !slices.Contains(names, h.Name) {
			names = append(names, h.Name)
		}
	}
	if len(looked) > 0 {
		return looked
	}
	return names
}

func cloudOf(region string) string {
	cloud, _, _ := strings.Cut(region, "/")
	return cloud
}

// concentrated finds the largest provider, cloud and region. The regions of independent operators are hands of their own.
func (a *Audit) concentrated() Concentration {
	providers, clouds, regions := map[string]int{}, map[string]int{}, map[string]int{}
	for _, d := range a.Dependencies {
		providers[d.Service] += d.Requests
		for _, p := range d.Places {
			regions[p.Region] += p.Requests
			hand := p.Cloud
			if p.Independent {
				hand = p.Region
			}
			clouds[hand] += p.Requests
		}
	}
	return Concentration{Provider: largest(providers, a.Requests), Cloud: largest(clouds, a.Requests), Region: largest(regions, a.Requests)}
}

// largest is the one with the most requests, of equals the first by name; nil without requests.
func largest(of map[string]int, total int) *Holder {
	var most *Holder
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if n := of[name]; n > 0 && (most == nil || n > most.Requests) {
			most = &Holder{Name: name, Requests: n, Share: rounded(part(n, total))}
		}
	}
	return most
}

// instances counts the app's instances by region. One that is placed nowhere is left out.
func instances(p *plan.Plan) []Instance {
	list := []Instance{}
	for _, i := range p.Instances {
		at := slices.IndexFunc(list, func(of Instance) bool { return of.Region == i.Region })
		switch {
		case i.Region == "":
		case at < 0:
			list = append(list, Instance{i.Region, 1})
		default:
			list[at].Count++
		}
	}
	slices.SortFunc(list, func(x, y Instance) int { return cmp.Compare(x.Region, y.Region) })
	return list
}

// Doubt says why the audit rests on nothing: no run without faults that had every journey passed, or there was none and no experiment tells anything either. It is "" else.
func (a *Audit) Doubt() string {
	why := ""
	for _, r := range a.Runs {
		switch {
		case r.Role != RoleControl:
		case r.Verdict == verdict.Pass:
			return ""
		default:
			why = fmt.Sprintf("without faults the run was %s: %s", r.Verdict, strings.Join(r.Reasons, "; "))
		}
	}
	if why == "" && !slices.ContainsFunc(a.Experiments, func(x Experiment) bool { return x.tells() }) {
		return "there is no run without faults that has every journey, and no other tells anything"
	}
	return why
}

// telling leaves out runs that passed no judgement, if there are others.
func telling(runs []*Evidence) []*Evidence {
	told := slices.DeleteFunc(slices.Clone(runs), func(e *Evidence) bool { return e.verdict.Verdict == verdict.Inconclusive })
	if len(told) == 0 {
		return runs
	}
	return told
}
