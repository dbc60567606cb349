package plan

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"blackout/harness/clock"
	"blackout/harness/spec"
)

var regions = []string{"aws/us-east-1", "aws/us-west-2", "gcp/us-central1"}

// randomInput draws a world of services that depend on each other, a timeline of overlapping phases and a time scale.
func randomInput(t *rapid.T) Input {
	w := exampleWorld()
	w.Services = map[string]spec.Service{}
	kinds := []string{"rpc", "http", "storage", "tcp", "internal", "internal"}
	n := rapid.IntRange(2, 7).Draw(t, "services")
	for i := range n {
		name := fmt.Sprintf("s%d", i)
		s := spec.Service{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Placement: placement(t)}
		switch s.Kind {
		case "rpc":
			s.Hosts = map[string]string{"ethereum": name + ".example"}
			if rapid.Bool().Draw(t, "both chains") {
				s.Hosts["base"] = "base." + name + ".example"
			}
		case "internal":
		default:
			s.Host = name + ".example"
		}
		// Only on earlier services: no circles.
		for range rapid.IntRange(0, 2).Draw(t, "dependencies") {
			if i == 0 {
				break
			}
			d := spec.Dependency{
				Service: fmt.Sprintf("s%d", rapid.IntRange(0, i-1).Draw(t, "needs")),
				Delay:   time.Duration(rapid.IntRange(0, 5000).Draw(t, "delay")) * time.Millisecond,
				Effect:  faultUse(t, "x", false),
			}
			if rapid.Bool().Draw(t, "for") {
				d.For = &spec.Target{Region: rapid.SampledFrom(regions).Draw(t, "region")}
			}
			s.DependsOn = append(s.DependsOn, d)
		}
		w.Services[name] = s
	}
	s := &spec.Scenario{Name: "random", Baseline: 15 * time.Second, After: 30 * time.Second}
	for i := range rapid.IntRange(1, 4).Draw(t, "phases") {
		p := spec.Phase{
			Name: fmt.Sprint("p", i), At: time.Duration(rapid.IntRange(0, 20000).Draw(t, "at")) * time.Millisecond,
			For: time.Duration(rapid.IntRange(10000, 60000).Draw(t, "for")) * time.Millisecond,
		}
		for range rapid.IntRange(0, 2).Draw(t, "faults") {
			u := faultUse(t, "y", true)
			// The first target always exists, so that few plans are refused.
			u.Targets = []spec.Target{{Service: fmt.Sprintf("s%d", rapid.IntRange(0, n-1).Draw(t, "target"))}}
			if rapid.Bool().Draw(t, "a region too") {
				u.Targets = append(u.Targets, spec.Target{Region: rapid.SampledFrom(regions).Draw(t, "target region")})
			}
			p.Faults = append(p.Faults, u)
		}
		s.Phases = append(s.Phases, p)
	}
	app := exampleApp()
	app.Start.Env = map[string]string{"A": "${service.s0.base.url}", "B": "x"}
	return Input{World: w, App: app, Scenario: s, Seed: rapid.Uint64().Draw(t, "seed"), TimeScale: rapid.SampledFrom([]float64{1, 1.5, 3}).Draw(t, "scale")}
}

func placement(t *rapid.T) map[string]float64 {
	share := float64(rapid.IntRange(1, 99).Draw(t, "placement")) / 100
	first := rapid.IntRange(0, len(regions)-1).Draw(t, "first region")
	if rapid.Bool().Draw(t, "one region") {
		return map[string]float64{regions[first]: 1}
	}
	return map[string]float64{regions[first]: share, regions[(first+1)%len(regions)]: 1 - share}
}

func faultUse(t *rapid.T, path string, ramps bool) spec.FaultUse {
	faults := []spec.FaultUse{
		{Fault: "unreachable"}, {Fault: "connection-refused"}, {Fault: "dns-empty"}, {Fault: "rate-limit"}, {Fault: "head-lag", With: map[string]any{"blocks": 5}},
		{Fault: "http-status", With: map[string]any{"status": 503}}, {Fault: "connection-latency", With: map[string]any{"latency": "1s"}},
		{Fault: "rpc-error", With: map[string]any{"code": -32000, "message": "x", "methods": []any{"eth_call"}}},
	}
	u := rapid.SampledFrom(faults).Draw(t, "fault")
	from := float64(rapid.IntRange(0, 100).Draw(t, "share")) / 100
	u.Path, u.Share = path, spec.Share{From: from, To: from}
	if ramps && rapid.Bool().Draw(t, "ramp") {
		u.Share.To = float64(rapid.IntRange(0, 100).Draw(t, "to")) / 100
	}
	if rapid.Bool().Draw(t, "flap") {
		u.Flap = &spec.Flap{Bad: time.Duration(rapid.IntRange(200, 9000).Draw(t, "bad")) * time.Millisecond, Good: time.Duration(rapid.IntRange(200, 9000).Draw(t, "good")) * time.Millisecond}
	}
	return u
}

// plans checks a property of random plans. Inputs that are refused are left out; that most are not is checked as well.
func plans(t *testing.T, check func(*rapid.T, Input, *Plan)) {
	built, all := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		in := randomInput(t)
		p, err := Build(in)
		all++
		if err != nil {
			return
		}
		built++
		check(t, in, p)
	})
	if built*4 < all {
		t.Errorf("only %d of %d random inputs were planned", built, all)
	}
}

func encode(t *rapid.T, p *Plan) []byte {
	text, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestEffectsAreInOrder(t *testing.T) {
	plans(t, func(t *rapid.T, _ Input, p *Plan) {
		seen := map[string]bool{}
		for _, e := range p.Effects {
			if seen[e.ID] {
				t.Fatalf("%s comes twice", e.ID)
			}
			seen[e.ID] = true
			if e.From < p.Baseline || e.To > p.OutageEnd || e.From >= e.To {
				t.Fatalf("%s lies outside the outage: %d-%d", e.ID, e.From, e.To)
			}
			if len(e.Steps) == 0 || e.Steps[0].At != e.From {
				t.Fatalf("%s does not begin with a step: %v", e.ID, e.Steps)
			}
			for i, s := range e.Steps {
				if s.At < e.From || s.At >= e.To || s.Share < 0 || s.Share > 1 || i > 0 && s.At <= e.Steps[i-1].At {
					t.Fatalf("%s: step %d of %v", e.ID, i, e.Steps)
				}
			}
			if e.Reach < 0 || e.Reach > 1 || len(e.Why) == 0 || e.Service == "" && e.Chain == "" {
				t.Fatalf("%+v", e)
			}
		}
	})
}

func TestCausesHaveEffectsOrReasons(t *testing.T) {
	plans(t, func(t *rapid.T, _ Input, p *Plan) {
		listed := 0
		for _, c := range p.Causes {
			listed += len(c.Effects)
			if len(c.Effects) == 0 && !slices.ContainsFunc(p.Skipped, func(s Skip) bool { return s.Cause == c.ID && s.Why != "" }) {
				t.Fatalf("%s does nothing, for no reason", c.ID)
			}
			for _, id := range c.Effects {
				if !slices.ContainsFunc(p.Effects, func(e Effect) bool { return e.ID == id && e.Cause == c.ID }) {
					t.Fatalf("%s names %s", c.ID, id)
				}
			}
		}
		if listed != len(p.Effects) {
			t.Fatalf("causes list %d of %d effects", listed, len(p.Effects))
		}
	})
}

func TestSameInputSameBytes(t *testing.T) {
	plans(t, func(t *rapid.T, in Input, p *Plan) {
		// A map rebuilt in another order has another order inside.
		services := map[string]spec.Service{}
		names := slices.Sorted(maps.Keys(in.World.Services))
		slices.Reverse(names)
		for _, name := range names {
			services[name] = in.World.Services[name]
		}
		in.World.Services = services
		in.App.Journeys, in.App.Start.Env = maps.Clone(in.App.Journeys), map[string]string{"B": "x", "A": in.App.Start.Env["A"]}
		again, err := Build(in)
		if err != nil {
			t.Fatal(err)
		}
		first := encode(t, p)
		if !bytes.Equal(first, encode(t, again)) {
			t.Fatal("the same input gave another plan")
		}
		read, err := Decode(first)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, encode(t, read)) {
			t.Fatal("a plan that is read and written is another")
		}
	})
}

func TestUnrelatedServiceChangesNothing(t *testing.T) {
	plans(t, func(t *rapid.T, in Input, p *Plan) {
		in.World.Services["a-new-one"] = spec.Service{Kind: "http", Host: "new.example", Placement: map[string]float64{"gcp/elsewhere": 1}}
		in.World.Services["another"] = spec.Service{Kind: "internal", Placement: map[string]float64{"gcp/elsewhere": 1}}
		more, err := Build(in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p.Effects, more.Effects); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestTimeScaleStretchesTheTimeline(t *testing.T) {
	plans(t, func(t *rapid.T, in Input, p *Plan) {
		in.TimeScale *= 2
		double, err := Build(in)
		if err != nil {
			t.Fatal(err)
		}
		near := func(once, twice clock.Micros) bool {
			d := 2*(once-p.Baseline) - (twice - p.Baseline)
			return -2 <= d && d <= 2 // microseconds are rounded
		}
		if double.Baseline != p.Baseline || double.Drain != p.Drain || double.End-double.OutageEnd != p.End-p.OutageEnd || double.RecoverWithin != p.RecoverWithin {
			t.Fatal("what does not scale was scaled")
		}
		// A ramp is sampled in time as it passes, so what follows from one may begin up to a sample earlier or later.
		if ramped(in.Scenario) {
			return
		}
		if len(double.Effects) != len(p.Effects) {
			t.Fatalf("%d effects, %d at twice the scale", len(p.Effects), len(double.Effects))
		}
		for i, e := range p.Effects {
			d := double.Effects[i]
			if d.ID != e.ID || !near(e.From, d.From) || !near(e.To, d.To) || len(e.Steps) != len(d.Steps) {
				t.Fatalf("%s, at twice the scale %s", brief(e), brief(d))
			}
			for k := range e.Steps {
				if !near(e.Steps[k].At, d.Steps[k].At) || e.Steps[k].Share != d.Steps[k].Share {
					t.Fatalf("%s: step %v, at twice the scale %v", e.ID, e.Steps[k], d.Steps[k])
				}
			}
		}
	})
}

func ramped(s *spec.Scenario) bool {
	return slices.ContainsFunc(s.Phases, func(p spec.Phase) bool {
		return slices.ContainsFunc(p.Faults, func(u spec.FaultUse) bool { return u.Share.From != u.Share.To })
	})
}

func TestExplainFitsATerminal(t *testing.T) {
	plans(t, func(t *rapid.T, _ Input, p *Plan) {
		var page bytes.Buffer
		if err := p.Explain(&page); err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(page.Bytes()) {
			if n := width(string(bytes.TrimRight(line, "\n"))); n > columns {
				t.Fatalf("a line has %d columns: %q", n, line)
			}
		}
		for _, e := range p.Effects {
			if !bytes.Contains(page.Bytes(), []byte(e.ID)) {
				t.Fatalf("%s is not explained", e.ID)
			}
		}
		for _, s := range p.Services {
			if !bytes.Contains(page.Bytes(), []byte(s.Name)) {
				t.Fatalf("%s is not named", s.Name)
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	p, err := Build(example(awsScenario()))
	if err != nil {
		f.Fatal(err)
	}
	text, err := p.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"schema":"blackout/plan/1","effects":[{"fault":"http-status","with":{"status":1e300}}],"journeys":[{"every_us":0}]}`))
	f.Add([]byte(`{"schema":"blackout/plan/1","baseline_us":9,"end_us":-1,"services":[{"name":"a\n\u0000b"}],"journeys":[{"every_us":0}]}`))
	f.Add([]byte(`{"schema":"blackout/plan/2"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Decode(text)
		if err != nil {
			return
		}
		if _, err := p.Encode(); err != nil {
			t.Fatal(err)
		}
		if err := p.Explain(&bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
	})
}
