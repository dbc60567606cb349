package plan

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/spec"
)

// Input is what a plan is made from. It is read only.
type Input struct {
	World    *spec.World
	App      *spec.App
	Scenario *spec.Scenario
	Seed     uint64
	// TimeScale stretches the timeline: at, for, delays, ramps and flaps. It never touches deadlines, patience, block times, baseline or after. 0 is 1.
	TimeScale float64
	// Control takes the faults out once everything else is planned: the run that a run is held against.
	Control bool
}

// The least that a plan must offer to be judged.
const (
	minAttempts        = 20               // of a journey, in the baseline and in the outage
	minBrowserAttempts = 5                // the same for a browser
	minAfter           = 20 * time.Second // what the score looks at after the outage
	steadyFor          = 5 * time.Second  // a recovery is the first 5 s that are steady, or
	steadyLeast        = 3                // so many attempts of a slower journey
)

// Build makes the plan. The error is a spec.Problems when a file is at fault: it lists everything that is wrong, each with its place.
//
//	phases ─▶ causes ─▶ what each holds ─▶ effects of those and, through depends_on, of others ─▶ nodes, links, timetable
func Build(in Input) (*Plan, error) {
	if in.World == nil || in.App == nil || in.Scenario == nil {
		return nil, errors.New("a plan needs a world, an app and a scenario")
	}
	if in.TimeScale == 0 {
		in.TimeScale = 1
	}
	if !(in.TimeScale > 0) || math.IsInf(in.TimeScale, 0) {
		return nil, fmt.Errorf("time scale %v must be a number above 0", in.TimeScale)
	}
	b := newBuilder(in)
	b.phases()
	b.derive()
	b.chains()
	b.window()
	b.services()
	b.content()
	b.app()
	if len(b.problems) > 0 {
		return nil, b.problems
	}
	if in.Control {
		b.plan.withoutFaults()
	}
	return b.plan, nil
}

type builder struct {
	in       Input
	plan     *Plan
	problems spec.Problems
	inUse    []string // chains, sorted
	stores   bool     // the app uses storage
	// dependents lists, for a service, who depends on it: by name, then in the order of the file.
	dependents map[string][]dependent
	idle       []idle
	ids        map[string]int // how many effects share the id without its "~n"
}

type dependent struct {
	service    string
	dependency spec.Dependency
}

func newBuilder(in Input) *builder {
	b := &builder{in: in, dependents: map[string][]dependent{}, ids: map[string]int{}, inUse: chainsInUse(in.World, in.App), stores: storesContent(in.World, in.App)}
	b.plan = &Plan{
		Schema: Schema, Scenario: in.Scenario.Name, About: in.Scenario.About, Tags: slices.Clone(in.Scenario.Tags),
		App: in.App.Name, World: in.World.Name, Seed: in.Seed, TimeScale: in.TimeScale,
		Baseline: clock.Of(in.Scenario.Baseline), Names: namesGiven(in.App),
		Phases: []Phase{}, Causes: []Cause{}, Effects: []Effect{}, Chains: []Chain{}, Nodes: []Node{}, Services: []Service{}, Journeys: []Journey{},
	}
	if i := in.Scenario.Incident; i != nil {
		b.plan.Incident = &Incident{Date: i.Date, LastedS: i.Lasted.Seconds()}
		for _, s := range i.Sources {
			b.plan.Incident.Sources = append(b.plan.Incident.Sources, Source(s))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(in.World.Services)) {
		for _, d := range in.World.Services[name].DependsOn {
			b.dependents[d.Service] = append(b.dependents[d.Service], dependent{service: name, dependency: d})
		}
	}
	return b
}

// scaled gives a length of the timeline as it is in this run.
func (b *builder) scaled(d time.Duration) clock.Micros {
	return clock.Micros(math.Round(float64(d) / float64(time.Microsecond) * b.in.TimeScale))
}

// at gives a moment of the timeline, counted unscaled from the end of the baseline, as it is in this run.
func (b *builder) at(d time.Duration) clock.Micros { return b.plan.Baseline + b.scaled(d) }

// problem notes what is wrong at a path of a file; an absent source gives the path in words.
func (b *builder) problem(source *spec.Source, path, hint, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if source == nil && path != "" {
		text = path + ": " + text
	}
	b.problems = append(b.problems, source.Problem(path, text, hint))
}

func (b *builder) phases() {
	for i, p := range b.in.Scenario.Phases {
		from, to := b.at(p.At), b.at(p.At+p.For)
		if p.At < 0 || to <= from {
			b.problem(b.in.Scenario.Source, fmt.Sprintf("phases[%d].for", i), "", "phase %q must last longer than nothing and begin after the baseline", p.Name)
			continue
		}
		phase := Phase{Name: p.Name, From: from, To: to, LastedS: p.Lasted.Seconds()}
		if p.Lasted > 0 {
			phase.Compression = math.Round(10*phase.LastedS/(to-from).Seconds()) / 10
		}
		b.plan.Phases = append(b.plan.Phases, phase)
	}
}

// window settles when the outage ends, and with it the run.
func (b *builder) window() {
	p, s := b.plan, b.in.Scenario
	p.OutageEnd = p.Baseline
	if len(p.Effects) == 0 {
		for _, phase := range p.Phases {
			p.OutageEnd = max(p.OutageEnd, phase.To)
		}
	}
	for _, e := range p.Effects {
		p.OutageEnd = max(p.OutageEnd, e.To+e.afterglow())
	}
	p.RecoverWithin = clock.Of(b.in.App.RecoverWithin)
	after := max(s.After, b.in.App.RecoverWithin+b.toSeeRecovery())
	if after < minAfter {
		b.problem(s.Source, "after", fmt.Sprintf("make it at least %s", minAfter), "after is %s: the score looks at %s after the last fault", s.After, minAfter)
	}
	p.End = p.OutageEnd + clock.Of(after)
}

// toSeeRecovery is how long a run has to go on after recover_within, so that an app that is steady at the last moment is seen to be: as long as the slowest journey takes to
// be called steady, and as long as the last fault may take to be seen gone.
func (b *builder) toSeeRecovery() time.Duration {
	steady, gone := steadyFor, time.Duration(0)
	for _, j := range b.in.App.Journeys {
		steady = max(steady, steadyLeast*every(j.Rate).Duration())
	}
	for i := range b.plan.Effects {
		gone = max(gone, b.plan.SeenWithin(&b.plan.Effects[i]))
	}
	return steady + gone
}

// decode finds a fault and checks the parameters of one use; false when that is a problem, which is noted.
func (b *builder) decode(source *spec.Source, use spec.FaultUse) (*fault.Definition, fault.With, bool) {
	d, ok := fault.Lookup(use.Fault)
	if !ok {
		b.problem(source, use.Path+".fault", "", "no fault is called %q", use.Fault)
		return nil, nil, false
	}
	with, problems := d.Decode(use.With)
	for _, p := range problems {
		path := use.Path + ".with." + p.Param
		if p.Missing {
			path = use.Path
		}
		b.problem(source, path, p.Hint, "%s", p.Text)
	}
	if chain := d.Chain(with); chain != "" {
		if _, known := b.in.World.Chains[chain]; !known {
			b.problem(source, use.Path+".with.chain", "the world has "+strings.Join(sortedKeys(b.in.World.Chains), ", "), "unknown chain %q", chain)
			return d, with, false
		}
	}
	return d, with, len(problems) == 0
}
