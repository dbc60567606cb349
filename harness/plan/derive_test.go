package plan

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/spec"
)

// brief writes an effect in one line: id, parts, times in seconds, steps.
func brief(e Effect) string {
	text := fmt.Sprintf("%s %v-%v", e.ID, e.From.Seconds(), e.To.Seconds())
	if e.Instance != "" {
		text += " on " + e.Instance
	}
	if e.Chain != "" && e.Service != "" {
		text += " " + e.Chain
	}
	if e.Regions != nil {
		text += " " + strings.Join(e.Regions, ",")
	}
	if e.Cut {
		text += " cut"
	}
	for _, s := range e.Steps {
		text += fmt.Sprintf(" %v:%v", s.At.Seconds(), s.Share)
	}
	return text
}

func briefs(p *Plan) []string {
	var list []string
	for _, e := range p.Effects {
		list = append(list, brief(e))
	}
	return list
}

func TestTargets(t *testing.T) {
	unreachable := func(targets ...spec.Target) spec.FaultUse { return use("", "connection-reset", targets...) }
	tests := []struct {
		name string
		use  spec.FaultUse
		want []string
	}{
		{"service", unreachable(spec.Target{Service: "infura"}), []string{"c1/connection-reset/infura 15-35 15:1"}},
		{"a region of a service", unreachable(spec.Target{Service: "infura", Region: "aws/us-west-2"}), []string{"c1/connection-reset/infura 15-35 aws/us-west-2 15:1"}},
		{"region", unreachable(spec.Target{Region: "aws/us-east-1"}),
			[]string{"c1/connection-reset/base-public 15-35 15:1", "c1/connection-reset/infura 15-35 aws/us-east-1 15:1"}},
		{"cloud", unreachable(spec.Target{Cloud: "aws"}), []string{"c1/connection-reset/base-public 15-35 15:1", "c1/connection-reset/infura 15-35 15:1"}},
		{"host of one chain", unreachable(spec.Target{Host: "base-mainnet.infura.io"}), []string{"c1/connection-reset/infura 15-35 base 15:1"}},
		{"host", unreachable(spec.Target{Host: "api.prices.example"}), []string{"c1/connection-reset/prices 15-35 15:1"}},
		{"chain", unreachable(spec.Target{Chain: "base"}), []string{"c1/connection-reset/base-public 15-35 15:1", "c1/connection-reset/infura 15-35 base 15:1"}},
		{"or", unreachable(spec.Target{Service: "prices"}, spec.Target{Service: "publicnode"}),
			[]string{"c1/connection-reset/prices 15-35 15:1", "c1/connection-reset/publicnode 15-35 15:1"}},
		{"or of parts", unreachable(spec.Target{Service: "infura", Region: "aws/us-east-1"}, spec.Target{Service: "infura", Region: "aws/us-west-2"}),
			[]string{"c1/connection-reset/infura 15-35 15:1"}},
		{"parts that do not match", unreachable(spec.Target{Service: "infura", Region: "aws/us-east-1"}, spec.Target{Service: "infura", Chain: "base"}),
			[]string{"c1/connection-reset/infura 15-35 base 15:1", "c1/connection-reset/infura~2 15-35 ethereum aws/us-east-1 15:1"}},
		{"except", unreachable(spec.Target{Cloud: "aws", Except: []spec.Target{{Service: "base-public"}, {Region: "aws/us-west-2"}}}),
			[]string{"c1/connection-reset/infura 15-35 aws/us-east-1 15:1"}},
		{"cut", with(unreachable(spec.Target{Service: "prices"}), func(u *spec.FaultUse) { u.Existing = "cut" }), []string{"c1/connection-reset/prices 15-35 cut 15:1"}},
		{"cut by default", use("", "unreachable", spec.Target{Service: "prices"}), []string{"c1/unreachable/prices 15-35 cut 15:1"}},
		{"kept", with(use("", "unreachable", spec.Target{Service: "prices"}), func(u *spec.FaultUse) { u.Existing = "keep" }), []string{"c1/unreachable/prices 15-35 15:1"}},
		{"names are not cut", with(use("", "dns-empty", spec.Target{Service: "infura", Region: "aws/us-west-2"}), func(u *spec.FaultUse) { u.Existing = "cut" }),
			[]string{"c1/dns-empty/infura 15-35 aws/us-west-2 15:1"}},
		{"an address that leaves cuts", use("", "address-replaced", spec.Target{Service: "infura", Chain: "base"}), []string{"c1/address-replaced/infura 15-35 base cut 15:1"}},
		{"a lag gets a part for each chain", use("", "head-lag", spec.Target{Service: "infura", Region: "aws/us-west-2"}),
			[]string{"c1/head-lag/infura 15-35 base aws/us-west-2 15:1", "c1/head-lag/infura~2 15-35 ethereum aws/us-west-2 15:1"}},
		{"another chain leaves that one alone", wrongChain("base", spec.Target{Service: "infura", Region: "aws/us-west-2"}),
			[]string{"c1/wrong-chain/infura 15-35 ethereum aws/us-west-2 15:1"}},
		{"a chain", use("", "chain-halt", spec.Target{Chain: "ethereum"}, spec.Target{Chain: "base"}), []string{"c1/chain-halt/base 15-35 15:1", "c1/chain-halt/ethereum 15-35 15:1"}},
		{"a chain that flaps", with(use("", "chain-halt", spec.Target{Chain: "base"}), func(u *spec.FaultUse) { u.Flap = &spec.Flap{Bad: 8 * time.Second, Good: 4 * time.Second} }),
			[]string{"c1/chain-halt/base 15-35 15:1 23:0 27:1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := example(oneFault(tt.use))
			in.App.Start.Env["BASE_URL"] = "${service.infura.base.url}"
			in.World.Services["infura"] = withoutNeeds(in.World.Services["infura"])
			if diff := cmp.Diff(tt.want, briefs(build(t, in))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// placed has the app run in several regions, or nowhere in particular.
func placed(in Input, instances map[string]int) Input {
	in.App.Instances = instances
	return in
}

func TestInstanceTargets(t *testing.T) {
	two := map[string]int{"aws/us-east-1": 2, "gcp/us-central1": 1}
	everyone := []string{
		"c1/app-stopped/aws-us-east-1-0 15-35 on aws-us-east-1-0 15:1", "c1/app-stopped/aws-us-east-1-1 15-35 on aws-us-east-1-1 15:1",
		"c1/app-stopped/gcp-us-central1-0 15-35 on gcp-us-central1-0 15:1",
	}
	tests := []struct {
		name    string
		app     map[string]int
		use     spec.FaultUse
		want    []string
		skipped []Skip
	}{
		{"all", two, use("", "app-stopped", spec.Target{App: "all"}), everyone, nil},
		{"the one that there is", nil, use("", "app-stopped", spec.Target{App: "all"}), []string{"c1/app-stopped/app-0 15-35 on app-0 15:1"}, nil},
		{"region", two, use("", "app-stopped", spec.Target{App: "all", Region: "aws/us-east-1"}), everyone[:2], nil},
		{"cloud", two, use("", "app-stopped", spec.Target{App: "all", Cloud: "gcp"}), everyone[2:], nil},
		{"except", two, use("", "app-stopped", spec.Target{App: "all", Except: []spec.Target{{App: "all", Region: "aws/us-east-1"}}}), everyone[2:], nil},
		{"targets that overlap, the later one first", two,
			use("", "app-stopped", spec.Target{App: "all", Cloud: "gcp"}, spec.Target{App: "all"}, spec.Target{App: "all", Region: "aws/us-east-1"}), everyone, nil},
		{"a flap", nil, with(use("", "app-restart", spec.Target{App: "all"}), func(u *spec.FaultUse) { u.Flap = &spec.Flap{Bad: 8 * time.Second, Good: 4 * time.Second} }),
			[]string{"c1/app-restart/app-0 15-35 on app-0 15:1 23:0 27:1"}, nil},
		{"a region where there is none", two, use("", "app-stopped", spec.Target{App: "all", Region: "aws/us-west-2"}, spec.Target{App: "all", Cloud: "gcp"}), everyone[2:],
			[]Skip{{"c1", "region aws/us-west-2, app all", "no instance of the app is placed there"}}},
		{"a service", two, use("", "app-stopped", spec.Target{Region: "aws/us-east-1"}, spec.Target{App: "all", Cloud: "gcp"}), everyone[2:],
			[]Skip{{"c1", "region aws/us-east-1", "app-stopped acts on instances of the app"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := build(t, placed(example(oneFault(tt.use)), tt.app))
			if diff := cmp.Diff(tt.want, briefs(p)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.skipped, p.Skipped); diff != "" {
				t.Error(diff)
			}
			for _, e := range p.Effects {
				if e.Service != "" || e.Chain != "" || e.Cut || e.Unit != "instances" || e.Reach != 1 {
					t.Errorf("%+v", e)
				}
			}
		})
	}
}

// TestInstancesThatAreNotThere: a scenario for apps that run in a region stays one for apps that do not, as long as something in it acts.
func TestInstancesThatAreNotThere(t *testing.T) {
	there := use("", "start-refused", spec.Target{App: "all", Region: "aws/us-east-1"})
	runsAlready := func(in *Input) {
		in.App.Start = spec.Start{URL: "http://127.0.0.1:8080", Env: in.App.Start.Env}
		in.App.Instances = map[string]int{"aws/us-east-1": 1}
	}
	tests := []struct {
		name   string
		change func(*Input)
		why    string
	}{
		{"placed nowhere", func(*Input) {}, "no instance of the app is placed there"},
		{"placed elsewhere", func(in *Input) { in.App.Instances = map[string]int{"gcp/us-central1": 2} }, "no instance of the app is placed there"},
		{"not started by the run", runsAlready, "the app ran before the run (start.url), which leaves its processes alone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			alone := example(oneFault(there))
			tt.change(&alone)
			_, err := Build(alone)
			var problems spec.Problems
			if !errors.As(err, &problems) || len(problems) != 1 || problems[0].Text != "phases[0].faults[0].target: start-refused has no target left that it can act on" ||
				problems[0].Hint != "region aws/us-east-1, app all: "+tt.why {
				t.Fatalf("a scenario that does nothing: %v", err)
			}
			both := oneFault(there)
			both.Phases[0].Faults = append(both.Phases[0].Faults, use("phases[0].faults[1]", "unreachable", spec.Target{Service: "infura"}))
			in := example(both)
			tt.change(&in)
			p := build(t, in)
			if diff := cmp.Diff([]string{"c2/unreachable/infura 15-35 cut 15:1"}, briefs(p)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]Skip{{"c1", "region aws/us-east-1, app all", tt.why}}, p.Skipped); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func wrongChain(chain string, targets ...spec.Target) spec.FaultUse {
	return with(use("", "wrong-chain", targets...), func(u *spec.FaultUse) { u.With = map[string]any{"chain": chain} })
}

func withoutNeeds(s spec.Service) spec.Service {
	s.DependsOn = nil
	return s
}

func TestSkips(t *testing.T) {
	tests := []struct {
		name string
		use  spec.FaultUse
		want Skip
	}{
		{"kind", use("", "http-status503", spec.Target{Cloud: "aws"}), Skip{"c1", "service dynamodb-us-east-1", "http-status cannot act on a service of kind internal"}},
		{"chain not used", use("", "unreachable", spec.Target{Cloud: "aws"}), Skip{"c1", "service base-public", "the app uses no chain that it serves"}},
		{"app", use("", "unreachable", spec.Target{App: "all", Region: "aws/us-east-1"}, spec.Target{Service: "infura"}),
			Skip{"c1", "region aws/us-east-1, app all", "unreachable cannot act on an instance of the app"}},
		{"empty region", use("", "unreachable", spec.Target{Region: "aws/eu-west-1"}, spec.Target{Service: "infura"}), Skip{"c1", "region aws/eu-west-1", "no service is placed there"}},
		{"a chain fault on a service", use("", "chain-halt", spec.Target{Service: "infura"}, spec.Target{Chain: "ethereum"}),
			Skip{"c1", "service infura", "chain-halt acts on a chain as a whole"}},
		{"a part of what leaves as a whole", use("", "address-replaced", spec.Target{Region: "aws/us-east-1"}, spec.Target{Service: "prices"}),
			Skip{"c1", "service infura", "address-replaced takes it as a whole, and only 70 % of it is placed there"}},
		{"below the tipping point", with(use("", "dns-empty", spec.Target{Service: "dynamodb-us-east-1"}), func(u *spec.FaultUse) { u.Share = spec.Share{From: 0.49, To: 0.49} }),
			Skip{"c1", "service dynamodb-us-east-1", "at most 49 % of it is held: who depends on it feels that from 50 % on"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.use.Fault == "http-status503" {
				tt.use.Fault, tt.use.With = "http-status", map[string]any{"status": 503}
			}
			p := build(t, example(oneFault(tt.use)))
			for _, s := range p.Skipped {
				if s == tt.want {
					return
				}
			}
			t.Errorf("skipped %q", p.Skipped)
		})
	}
}

func TestDependsOn(t *testing.T) {
	database := spec.Target{Service: "dynamodb-us-east-1"}
	share := func(from, to float64) func(*spec.FaultUse) {
		return func(u *spec.FaultUse) { u.Share = spec.Share{From: from, To: to} }
	}
	tests := []struct {
		name  string
		use   spec.FaultUse
		world func(*spec.World)
		want  []string
	}{
		{"delayed at both ends", use("", "dns-empty", database), nil, []string{"c1/http-status/infura 20-40 aws/us-east-1 20:0.8"}},
		{"at the tipping point", with(use("", "dns-empty", database), share(0.5, 0.5)), nil, []string{"c1/http-status/infura 20-40 aws/us-east-1 20:0.8"}},
		{"below", with(use("", "dns-empty", database), share(0.49, 0.49)), nil, nil},
		{"a ramp crosses it", with(use("", "dns-empty", database), share(1, 0)), nil, []string{"c1/http-status/infura 20-30 aws/us-east-1 20:0.8"}},
		{"a flap", with(use("", "dns-empty", database), func(u *spec.FaultUse) { u.Flap = &spec.Flap{Bad: 6 * time.Second, Good: 4 * time.Second} }), nil,
			[]string{"c1/http-status/infura 20-36 aws/us-east-1 20:0.8 26:0 30:0.8"}},
		{"no fault of availability", with(use("", "http-status", spec.Target{Service: "infura"}), func(u *spec.FaultUse) { u.With = map[string]any{"status": 429} }), needsInfura,
			[]string{"c1/http-status/infura 15-35 15:1"}},
		{"a status that is", with(use("", "http-status", spec.Target{Service: "infura"}), func(u *spec.FaultUse) { u.With = map[string]any{"status": 500} }), needsInfura,
			[]string{"c1/http-status/infura 15-35 15:1", "c1/connection-latency/prices 16-36 16:1"}},
		{"placement counts", use("", "unreachable", spec.Target{Service: "infura", Region: "aws/us-west-2"}), needsInfura, []string{"c1/unreachable/infura 15-35 aws/us-west-2 cut 15:1"}},
		{"transitive", use("", "dns-empty", database), needsInfura, []string{"c1/http-status/infura 20-40 aws/us-east-1 20:0.8", "c1/connection-latency/prices 21-41 21:1"}},
		{"two ways to one service", use("", "dns-empty", database), func(w *spec.World) {
			needsInfura(w)
			s := w.Services["prices"]
			d := s.DependsOn[0]
			d.Service, d.Delay = "dynamodb-us-east-1", 3*time.Second
			s.DependsOn = append(s.DependsOn, d)
			w.Services["prices"] = s
		}, []string{"c1/connection-latency/prices 18-38 18:1", "c1/http-status/infura 20-40 aws/us-east-1 20:0.8", "c1/connection-latency/prices~2 21-41 21:1"}},
		{"through an internal service", use("", "dns-empty", database), func(w *spec.World) {
			w.Services["lambda"] = spec.Service{Kind: "internal", Placement: map[string]float64{"aws/us-east-1": 1}, DependsOn: []spec.Dependency{{
				Service: "dynamodb-us-east-1", Effect: use("services.lambda.depends_on[0].effect", "unreachable"),
			}}}
			s := w.Services["infura"]
			s.DependsOn = []spec.Dependency{{Service: "lambda", Effect: use("services.infura.depends_on[0].effect", "unreachable")}}
			w.Services["infura"] = s
		}, []string{"c1/unreachable/infura 15-35 cut 15:1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := example(oneFault(tt.use))
			if tt.world != nil {
				tt.world(in.World)
			}
			if diff := cmp.Diff(tt.want, briefs(build(t, in))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// needsInfura makes the prices slow while infura is not available.
func needsInfura(w *spec.World) {
	s := w.Services["prices"]
	s.DependsOn = []spec.Dependency{{Service: "infura", Delay: time.Second, Effect: with(use("services.prices.depends_on[0].effect", "connection-latency"), func(u *spec.FaultUse) {
		u.With = map[string]any{"latency": "2s"}
	})}}
	w.Services["prices"] = s
}

func TestRefused(t *testing.T) {
	infura := spec.Target{Service: "infura"}
	tests := []struct {
		name   string
		change func(*Input)
		want   []string // texts, in order
	}{
		{"a reorg below the final block", func(in *Input) {
			in.Scenario = oneFault(with(use("", "reorg", spec.Target{Chain: "ethereum"}), func(u *spec.FaultUse) { u.With = map[string]any{"depth": 7} }))
			ethereum := in.World.Chains["ethereum"]
			ethereum.Finalized = 6
			in.World.Chains["ethereum"] = ethereum
		}, []string{"phases[0].faults[0].with: reorg would undo 7 blocks of ethereum, where a block is final 6 blocks below the head"}},
		{"no target left", func(in *Input) { in.Scenario = oneFault(use("", "chain-halt", spec.Target{Chain: "base"})) },
			[]string{"phases[0].faults[0].target: chain-halt has no target left that it can act on"}},
		{"the chain itself", func(in *Input) { in.Scenario = oneFault(wrongChain("ethereum", infura)) },
			[]string{"phases[0].faults[0].target: wrong-chain has no target left that it can act on"}},
		{"no such chain", func(in *Input) { in.Scenario = oneFault(wrongChain("bse", infura)) }, []string{`phases[0].faults[0].with.chain: unknown chain "bse"`}},
		{"unknown fault", func(in *Input) { in.Scenario = oneFault(use("", "gremlins", infura)) }, []string{`phases[0].faults[0].fault: no fault is called "gremlins"`}},
		{"parameters", func(in *Input) {
			in.Scenario = oneFault(with(use("", "http-status", infura), func(u *spec.FaultUse) { u.With = map[string]any{"sttus": 503} }))
		}, []string{`phases[0].faults[0].with.sttus: http-status has no parameter "sttus"`, `phases[0].faults[0]: http-status needs the parameter "status"`}},
		{"a part of a whole", func(in *Input) {
			in.Scenario = oneFault(with(use("", "chain-halt", spec.Target{Chain: "ethereum"}), func(u *spec.FaultUse) { u.Share = spec.Share{From: 0.5, To: 0.5} }))
		}, []string{"phases[0].faults[0].share: chain-halt takes its target as a whole"}},
		{"a flap of what does not come back", func(in *Input) {
			in.Scenario = oneFault(with(use("", "address-replaced", infura), func(u *spec.FaultUse) { u.Flap = &spec.Flap{Bad: time.Second, Good: time.Second} }))
		}, []string{"phases[0].faults[0].flap: address-replaced cannot be switched off and on"}},
		{"no shared fate", func(in *Input) {
			in.Scenario = oneFault(use("", "unreachable", spec.Target{Path: "phases[0].faults[0].target", Cloud: "operators"}))
		}, []string{"phases[0].faults[0].target.cloud: the regions of operators belong to independent operators and do not fail together"}},
		{"a flap that is too fast", func(in *Input) {
			in.TimeScale = 0.1
			in.Scenario = oneFault(with(use("", "unreachable", infura), func(u *spec.FaultUse) { u.Flap = &spec.Flap{Bad: 900 * time.Millisecond, Good: time.Second} }))
			in.Scenario.Phases[0].For = 10 * time.Minute
		}, []string{"phases[0].faults[0].flap: a flap of 900ms bad and 1s good is too fast: each must be at least 100ms in time as it passes"}},
		{"a circle", func(in *Input) {
			needsInfura(in.World)
			s := in.World.Services["infura"]
			s.DependsOn = []spec.Dependency{{Service: "prices", Effect: use("x", "unreachable")}}
			in.World.Services["infura"] = s
		}, []string{"services.infura.depends_on: services depend on each other in a circle: infura → prices → infura"}},
		{"too short", func(in *Input) {
			in.Scenario.Baseline = 9 * time.Second
			in.TimeScale = 0.1
		}, []string{
			"journeys.send-payment.rate: journey send-payment is due 18 times in the baseline of 9 s; to judge it takes 20",
			"journeys.send-payment.rate: journey send-payment is due 11 times in the outage of 5.5 s; to judge it takes 20",
		}},
		{"nothing after", func(in *Input) { in.Scenario.After, in.App.RecoverWithin = time.Second, 2*time.Second },
			[]string{"after: after is 1s: the score looks at 20s after the last fault"}},
		{"no rate", func(in *Input) {
			j := in.App.Journeys["view-balance"]
			j.Rate = 0
			in.App.Journeys["view-balance"] = j
		}, []string{"journeys.view-balance.rate: journey view-balance: a rate of 0 attempts per second cannot be kept"}},
		{"no time", func(in *Input) { in.Scenario.Phases[1].At = -1 }, []string{`phases[1].for: phase "load balancers flap" must last longer than nothing and begin after the baseline`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := example(awsScenario())
			tt.change(&in)
			p, err := Build(in)
			var problems spec.Problems
			if !errors.As(err, &problems) || p != nil {
				t.Fatalf("got %v, %v", p, err)
			}
			var texts []string
			for _, p := range problems {
				texts = append(texts, p.Text)
			}
			if diff := cmp.Diff(tt.want, texts); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := Build(Input{}); err == nil {
		t.Error("a plan was made of nothing")
	}
	for _, scale := range []float64{-1, nan(), inf()} {
		in := example(awsScenario())
		in.TimeScale = scale
		if _, err := Build(in); err == nil {
			t.Errorf("a time scale of %v was taken", scale)
		}
	}
}

func TestRateHintIsEnough(t *testing.T) {
	in := example(awsScenario())
	in.Scenario.Baseline = 9 * time.Second
	_, err := Build(in)
	var problems spec.Problems
	if !errors.As(err, &problems) || len(problems) != 1 {
		t.Fatal(err)
	}
	if want := "raise the journey's rate to 2.3/s, or make the baseline of aws-us-east-1-down at least 10.1s long"; problems[0].Hint != want {
		t.Errorf("hint %q, want %q", problems[0].Hint, want)
	}
	in.Scenario.Baseline = 10100 * time.Millisecond
	build(t, in)
	in.Scenario.Baseline = 9 * time.Second
	j := in.App.Journeys["send-payment"]
	j.Rate = 2.3
	in.App.Journeys["send-payment"] = j
	build(t, in)
}
