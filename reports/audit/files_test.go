package audit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/canned"
	"blackout/harness/clock"
	"blackout/harness/plan"
	"blackout/harness/spec"
	"blackout/scenarios"
)

// app is an app with a fast and a slow journey, and instances in two regions.
const app = `schema: blackout/app/1
name: tiny
start: {command: [tiny], env: {RPC_URL: "${service.infura.ethereum.url}"}}
url: "http://127.0.0.1:${instance.port}"
ready: {request: GET /health, within: 5s}
%INSTANCES%
accounts: {count: 2, fund: 1 ether}
sessions: {count: 2}
steady_state: {ok: 99%, p99: 2s}
recover_within: 10s
journeys:
  view:
    kind: read
    rate: 20/s
    deadline: 2s
    request: GET /balance/${account.address}
    answer: {balance: {path: "$.balance", unit: ether}}
    checks: {balance: {max_stale: 3 blocks}}
  pay:
    kind: write
    rate: 0.5/s
    deadline: 7s
    request: POST /send
    json: {to: "${intent.to}", wei: "${intent.wei}", key: "${intent.id}"}
    answer: {id: {path: "$.id"}}
    checks: {payment: {settle: 10s}}
`

// load reads an app and the library's world.
func load(t *testing.T, text string, overlays ...File) (*spec.App, *spec.World) {
	t.Helper()
	of := spec.Options{}
	for _, o := range overlays {
		of.Overlays = append(of.Overlays, spec.File{Name: o.Name, Data: o.Text})
	}
	a, err := spec.ParseApp(spec.File{Name: "app.yaml", Data: []byte(text)}, of)
	if err != nil {
		t.Fatal(err)
	}
	data, name, err := scenarios.Read("world", "default")
	if err != nil {
		t.Fatal(err)
	}
	w, err := spec.ParseWorld(spec.File{Name: name, Data: data}, spec.Options{Folder: func(string, string) ([]canned.File, error) {
		return []canned.File{{Name: "empty"}, {Name: "nfts.json"}, {Name: "nft.json"}, {Name: "stats.json"}, {Name: "gasoracle.json"}, {Name: "ethprice.json"}, {Name: "lamp.svg"}, {Name: "lamp.json"}}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return a, w
}

// planned makes the plan of a run by a file.
func planned(t *testing.T, w *spec.World, a *spec.App, f File) *plan.Plan {
	t.Helper()
	s, err := spec.ParseScenario(spec.File{Name: f.Name, Data: f.Text}, spec.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, f.Text)
	}
	if err := spec.Check(w, a, s); err != nil {
		t.Fatal(err)
	}
	p, err := plan.Build(plan.Input{World: w, App: a, Scenario: s, Seed: 1})
	if err != nil {
		t.Fatalf("%v\n%s", err, f.Text)
	}
	return p
}

// TestScenarios holds that the files of an audit can be planned, take away what they say, and last as long as 20 attempts of each journey take to be decided.
func TestScenarios(t *testing.T) {
	const there = "instances: {aws/us-east-1: 2}"
	for name, c := range map[string]struct {
		instances string
		taken     Taken
		best      string // of a write, meanwhile
		faults    string
	}{
		"a service":                 {"", Taken{TakenService, "infura"}, "ok", "unreachable"},
		"what others need":          {"", Taken{TakenService, "dynamodb-us-east-1"}, "ok", "unreachable"},
		"a region":                  {"", Taken{TakenRegion, "aws/us-east-1"}, "ok", "unreachable"},
		"with all instances":        {there, Taken{TakenRegion, "aws/us-east-1"}, "unavailable", "unreachable app-stopped"},
		"with some of them":         {"instances: {aws/us-east-1: 1, gcp/us-central1: 1}", Taken{TakenRegion, "aws/us-east-1"}, "ok", "unreachable app-stopped"},
		"instances are elsewhere":   {there, Taken{TakenRegion, "gcp/us-central1"}, "ok", "unreachable"},
		"an independent operator's": {there, Taken{TakenRegion, "operators/op-1"}, "ok", "unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			a, w := load(t, strings.Replace(app, "%INSTANCES%", c.instances, 1))
			calm := planned(t, w, a, Control(a))
			if len(calm.Effects) > 0 {
				t.Errorf("the control takes away %v", calm.Effects)
			}
			f := c.taken.Scenario(calm)
			p := planned(t, w, a, f)
			if got := takenFrom(p); got != c.taken {
				t.Errorf("it takes away %s, not %s", got, c.taken)
			}
			var faults []string
			for _, c := range p.Causes {
				faults = append(faults, c.Fault)
			}
			if got := strings.Join(faults, " "); got != c.faults {
				t.Errorf("its faults are %s, want %s", got, c.faults)
			}
			for _, j := range p.Journeys {
				from, to := p.Phases[0].From, p.Phases[0].To-j.Deadline
				n := 0
				for due := j.Offset; due < p.End; due += j.Every {
					if due >= from && due <= to {
						n++
					}
				}
				if n < leastAttempts || j.Name == "pay" && n > leastAttempts+2*spare {
					t.Errorf("%s is decided %d times between %v and %v", j.Name, n, from, to)
				}
			}
			pay := p.Journeys[len(p.Journeys)-1]
			e := Evidence{plan: p, verdict: windows(p)}
			if got := string(e.best(&pay)); pay.Kind != "write" || got != c.best {
				t.Errorf("%s: the best is %s, want %s", pay.Name, got, c.best)
			}
			if length := p.End.Duration(); f.Lasts < length || f.Lasts > length+around+after {
				t.Errorf("it is said to last %s, and its timetable has %s", f.Lasts, length)
			}
		})
	}
}

// TestTakenFrom holds what is no taking away of one thing.
func TestTakenFrom(t *testing.T) {
	east := func(p *plan.Plan) {
		p.Instances = []plan.Instance{{Name: "east-0", Region: "aws/us-east-1"}, {Name: "east-1", Region: "aws/us-east-1"}, {Name: "west-0", Region: "aws/us-west-2"}}
	}
	stopped := func(instances ...string) func(*plan.Plan) {
		return func(p *plan.Plan) {
			p.Causes = append(p.Causes, plan.Cause{ID: "c2", Fault: "app-stopped", Target: "region aws/us-east-1, app all"})
			for _, i := range instances {
				p.Effects = append(p.Effects, plan.Effect{ID: "c2/" + i, Cause: "c2", Fault: "app-stopped", Instance: i, To: returned, Steps: []plan.Step{{Share: 1}}})
			}
		}
	}
	steps := func(list ...plan.Step) func(*plan.Plan) { return func(p *plan.Plan) { p.Effects[0].Steps = list } }
	for name, c := range map[string]struct {
		plan *plan.Plan
		want Taken
	}{
		"a service":                 {without("service infura"), Taken{TakenService, "infura"}},
		"a region":                  {without("region aws/us-east-1"), Taken{TakenRegion, "aws/us-east-1"}},
		"a region with the app":     {without("region aws/us-east-1", east, stopped("east-0", "east-1")), Taken{TakenRegion, "aws/us-east-1"}},
		"not all of the app there":  {without("region aws/us-east-1", east, stopped("east-0")), Taken{TakenScenario, "without-something"}},
		"the app of another region": {without("region gcp/us-central1", east, stopped("east-0", "east-1")), Taken{TakenScenario, "without-something"}},
		"the app of two regions":    {without("region aws/us-east-1", east, stopped("east-0", "east-1", "west-0")), Taken{TakenScenario, "without-something"}},
		"two services":              {without("service infura or service alchemy"), Taken{TakenScenario, "without-something"}},
		"a service in one region":   {without("service infura, region aws/us-east-1"), Taken{TakenScenario, "without-something"}},
		"a chain":                   {without("chain ethereum"), Taken{TakenScenario, "without-something"}},
		"a part":                    {without("service infura", steps(plan.Step{At: taken, Share: 0.5})), Taken{TakenScenario, "without-something"}},
		"a flap":                    {without("service infura", steps(plan.Step{At: taken, Share: 1}, plan.Step{At: taken + second, Share: 0})), Taken{TakenScenario, "without-something"}},
		"another fault":             {without("service infura", func(p *plan.Plan) { p.Causes[0].Fault = "http-status"; p.Effects[0].Fault = "http-status" }), Taken{TakenScenario, "without-something"}},
		"its dependents feel a part": {without("region aws/us-east-1", func(p *plan.Plan) {
			p.Effects = append(p.Effects, plan.Effect{ID: "c1/http-status/x", Cause: "c1", Fault: "http-status", From: taken, To: returned, Steps: []plan.Step{{At: taken, Share: 0.8}}})
		}), Taken{TakenRegion, "aws/us-east-1"}},
	} {
		if got := takenFrom(c.plan); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestAlone holds that the run of one journey has no other, whatever --set says of them.
func TestAlone(t *testing.T) {
	text := strings.Replace(app, "%INSTANCES%", "", 1)
	whole, _ := load(t, text)
	of, overlay := Alone(whole, "view")
	a, w := load(t, text, overlay)
	p := planned(t, w, a, of)
	if len(p.Journeys) != 1 || p.Journeys[0].Name != "view" {
		t.Errorf("journeys: %+v", p.Journeys)
	}
	if p.Baseline > 2*clock.Micros(1e6) {
		t.Errorf("the baseline is as long as the slow journey needs: %v", p.Baseline)
	}
	sets := []string{"journeys.view.rate=3/s", "journeys.pay.rate=3/s", "app.journeys.pay.rate=3/s", "app.journeys.view.deadline=1s", "scenario.baseline=7s", "journeys.view-all.rate=1/s", "name=x"}
	if diff := cmp.Diff([]string{"journeys.view.rate=3/s", "app.journeys.view.deadline=1s", "scenario.baseline=7s", "name=x"}, SetsOf(sets, "view")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestNamed holds what --take may name.
func TestNamed(t *testing.T) {
	_, w := load(t, strings.Replace(app, "%INSTANCES%", "", 1))
	for name, want := range map[string]Taken{"infura": {TakenService, "infura"}, "aws/us-east-1": {TakenRegion, "aws/us-east-1"}} {
		if got, err := Named(w, name); err != nil || got != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for name, want := range map[string]string{"infrua": `did you mean "infura"`, "aws/us-east-2": `did you mean "aws/us-`, "zzzzzzz": "no service and no region of that name"} {
		if got, err := Named(w, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %s", name, got, err, want)
		}
	}
}
