package plan

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/clock"
	"blackout/harness/spec"
)

func nan() float64 { return math.NaN() }
func inf() float64 { return math.Inf(1) }

func TestBest(t *testing.T) {
	s := oneFault(use("", "unreachable", spec.Target{Service: "infura"}))
	fault := s.Phases[0].Faults
	s.Expect = map[string]string{"read": "late"}
	s.Phases = []spec.Phase{
		{Name: "a", At: 0, For: 10 * time.Second, Faults: fault},
		{Name: "b", At: 5 * time.Second, For: 10 * time.Second, Faults: fault, Expect: map[string]string{"write": "degraded"}},
		{Name: "c", At: 10 * time.Second, For: 10 * time.Second, Faults: fault, Expect: map[string]string{"write": "declined", "read": "ok"}},
		{Name: "d", At: 15 * time.Second, For: time.Hour, Expect: map[string]string{"write": "late"}}, // outlives the last fault
	}
	p := build(t, example(s))
	got := map[string][]Best{}
	for _, j := range p.Journeys {
		got[j.Kind] = j.Best
	}
	const second = clock.Micros(1e6)
	want := map[string][]Best{
		"read":  {{0, "ok"}, {15 * second, "late"}, {25 * second, "ok"}},
		"write": {{0, "ok"}, {20 * second, "degraded"}, {25 * second, "declined"}, {35 * second, "ok"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWindows(t *testing.T) {
	p := build(t, example(awsScenario()))
	if p.Baseline != 15e6 || p.OutageEnd != 75e6 || p.End != 105e6 || p.Drain != 30e6 {
		t.Errorf("%d %d %d %d", p.Baseline, p.OutageEnd, p.End, p.Drain)
	}
	in := example(awsScenario())
	in.App.RecoverWithin = time.Minute
	if p = build(t, in); p.End != p.OutageEnd+65e6 {
		t.Errorf("after is not extended to the recovery: %d", p.End)
	}
	control := build(t, example(scenarios()["control"]))
	if control.OutageEnd != 35e6 || len(control.Effects) != 0 {
		t.Errorf("control: %d", control.OutageEnd)
	}
}

func TestJourneysDoNotFireTogether(t *testing.T) {
	p := build(t, example(awsScenario()))
	at := map[clock.Micros]string{}
	for _, j := range p.Journeys {
		for n := range j.Attempts {
			due := j.Offset + clock.Micros(n)*j.Every
			if due >= p.End {
				t.Fatalf("%s#%d is due after the end", j.Name, n)
			}
			if other, ok := at[due]; ok {
				t.Fatalf("%s and %s are due at %d", j.Name, other, due)
			}
			at[due] = j.Name
		}
		if next := j.Offset + clock.Micros(j.Attempts)*j.Every; next < p.End {
			t.Errorf("%s has another attempt at %d", j.Name, next)
		}
		sum := j.due(0, p.Baseline) + j.due(p.Baseline, p.OutageEnd) + j.due(p.OutageEnd, p.End)
		if sum != j.Attempts {
			t.Errorf("%s: the windows have %d of %d attempts", j.Name, sum, j.Attempts)
		}
	}
}

func TestChainsInUse(t *testing.T) {
	tests := []struct {
		name string
		env  string
		want []string
	}{
		{"of the journeys", "", []string{"ethereum"}},
		{"named in the environment", "x ${service.infura.base.url} y", []string{"base", "ethereum"}},
		{"escaped", "$${service.infura.base.url}", []string{"ethereum"}},
		{"a service called like a chain", "${service.base.url}", []string{"ethereum"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := example(awsScenario())
			in.App.Start.Env["X"] = tt.env
			var got []string
			for _, c := range build(t, in).Chains {
				got = append(got, c.Name)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	in := example(awsScenario())
	for name, j := range in.App.Journeys {
		j.Chain = "base"
		in.App.Journeys[name] = j
	}
	if p := build(t, in); len(p.Chains) != 2 {
		t.Errorf("a rollup runs without the chain that it settles on: %v", p.Chains)
	}
}

func TestNodes(t *testing.T) {
	s := oneFault(use("", "head-lag", spec.Target{Service: "infura", Region: "aws/us-east-1"}))
	p := build(t, example(s))
	want := []Node{
		{Name: "ethereum/builder", Chain: "ethereum", Role: RoleBuilder},
		{Name: "ethereum/reference", Chain: "ethereum", Role: RoleReference},
		{Name: "ethereum/shared", Chain: "ethereum", Role: RoleShared},
		{Name: "ethereum/infura@aws/us-east-1", Chain: "ethereum", Role: RoleOwn, Service: "infura", Region: "aws/us-east-1", Touched: true},
	}
	if diff := cmp.Diff(want, p.Nodes); diff != "" {
		t.Error(diff)
	}
	for _, svc := range p.Services {
		if svc.Link {
			t.Errorf("%s has a link without a connection fault", svc.Name)
		}
		for _, b := range svc.Backends {
			want := "ethereum/shared"
			if svc.Name == "infura" && b.Region == "aws/us-east-1" {
				want = "ethereum/infura@aws/us-east-1"
			}
			if b.Node != want {
				t.Errorf("%s in %s is served by %s", svc.Name, b.Region, b.Node)
			}
		}
	}
}

// What the checks of listings, statuses and repeated requests need is in the plan.
func TestJourneysOfChecks(t *testing.T) {
	in := example(oneFault(use("", "unreachable", spec.Target{Service: "infura"})))
	app := *in.App
	in.App = &app
	app.Amplification = 4
	words := map[string][]string{"fine": {"ok"}, "trouble": {"down"}}
	app.Journeys = map[string]spec.Journey{
		"health": {Kind: spec.KindStatus, Driver: spec.DriverHTTP, Rate: 5, Deadline: time.Second, States: words, Checks: spec.Checks{NoticeWithin: 7 * time.Second}},
		"listed": {Kind: spec.KindRead, Driver: spec.DriverHTTP, Rate: 5, Deadline: time.Second, Answer: map[string]spec.AnswerField{"payments": {Path: "$.p"}}},
		"pay": {
			Kind: spec.KindWrite, Driver: spec.DriverHTTP, Rate: 5, Deadline: time.Second, States: map[string][]string{"pending": {"sent"}},
			Follow: &spec.Follow{Every: 3 * time.Second},
		},
	}
	app.JourneyOrder = []string{"health", "listed", "pay"}
	p := build(t, in)
	type seen struct {
		States             map[string][]string
		Notice, AskedEvery clock.Micros
		Payments           bool
	}
	got := map[string]seen{}
	for _, j := range p.Journeys {
		got[j.Name] = seen{j.States, j.NoticeWithin, j.FollowEvery, j.Payments}
	}
	want := map[string]seen{"health": {words, 7e6, 0, false}, "listed": {Payments: true}, "pay": {AskedEvery: 3e6}}
	if diff := cmp.Diff(want, got); diff != "" || p.Amplification != 4 {
		t.Errorf("amplification %v; journeys (-want +got):\n%s", p.Amplification, diff)
	}
}
