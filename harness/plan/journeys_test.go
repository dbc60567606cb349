package plan

import (
	"bytes"
	"math"
	"slices"
	"strings"
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
	if p = build(t, in); p.End != p.OutageEnd+70e6 {
		t.Errorf("after is not extended to the recovery, 5 s of it and 5 s for the last fault to be seen gone: %d", p.End)
	}
	in.App.RecoverWithin = 10 * time.Second
	for name, j := range in.App.Journeys {
		j.Rate = 0.1
		in.App.Journeys[name] = j
		break
	}
	in.Scenario.Baseline, in.Scenario.Phases[0].For = 300*time.Second, 300*time.Second
	if p = build(t, in); p.End != p.OutageEnd+45e6 {
		t.Errorf("after is not extended to three attempts of a slow journey: %d", p.End-p.OutageEnd)
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

// A chain that requests are led to is booted, with nodes behind the service that leads there; the app gets no address for it.
func TestChainsLedTo(t *testing.T) {
	names := func(p *Plan) (chains []string, backends map[string][]string, hosts map[string][]string) {
		backends, hosts = map[string][]string{}, map[string][]string{}
		for _, c := range p.Chains {
			chains = append(chains, c.Name)
		}
		for _, s := range p.Services {
			for _, b := range s.Backends {
				backends[s.Name] = append(backends[s.Name], b.Node+" in "+b.Region)
			}
			for _, h := range s.Hosts {
				hosts[s.Name] = append(hosts[s.Name], h.Chain)
			}
		}
		return chains, backends, hosts
	}
	_, usual, usualHosts := names(build(t, example(oneFault(use("", "head-lag", spec.Target{Service: "prices"}, spec.Target{Service: "infura"})))))
	for _, control := range []bool{false, true} {
		in := example(oneFault(wrongChain("base", spec.Target{Service: "publicnode"})))
		in.Control = control
		chains, backends, hosts := names(build(t, in))
		if diff := cmp.Diff([]string{"base", "ethereum"}, chains); diff != "" {
			t.Error(diff)
		}
		want := []string{}
		for _, chain := range []string{"base", "ethereum"} {
			for _, region := range sortedKeys(in.World.Services["publicnode"].Placement) {
				want = append(want, chain+"/shared in "+region)
			}
		}
		if diff := cmp.Diff(want, backends["publicnode"]); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(usualHosts, hosts); diff != "" {
			t.Error(diff)
		}
		if len(backends["infura"]) != len(usual["infura"]) {
			t.Errorf("infura, which is not led astray, has the nodes %v", backends["infura"])
		}
	}
}

// A block has transfers only where somebody reads them.
func TestTransfersOfEventsJourneys(t *testing.T) {
	const token = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
	in := example(oneFault(use("", "unreachable", spec.Target{Service: "infura"})))
	for name, chain := range in.World.Chains {
		chain.Token = token
		in.World.Chains[name] = chain
	}
	ethereum := func(p *Plan) Chain {
		return p.Chains[slices.IndexFunc(p.Chains, func(c Chain) bool { return c.Name == "ethereum" })]
	}
	if got := ethereum(build(t, in)); got.Token != token || got.Transfers {
		t.Errorf("nobody reads events: %+v", got)
	}
	in.App.Journeys["deposits"] = spec.Journey{
		Kind: spec.KindEvents, Driver: spec.DriverHTTP, Rate: 5, Deadline: time.Second, Chain: "ethereum", Answer: map[string]spec.AnswerField{"events": {Path: "$.d[*].tx"}},
		Checks: spec.Checks{MaxStale: 2},
	}
	p := build(t, in)
	for _, c := range p.Chains {
		if c.Transfers != (c.Name == "ethereum") {
			t.Errorf("chain %s: transfers %v", c.Name, c.Transfers)
		}
	}
	j := p.Journeys[len(p.Journeys)-1]
	if j.Name != "deposits" || !j.Events || j.MaxStale != 2 || p.Journeys[0].Events {
		t.Errorf("planned as %+v", j)
	}
	in.Control = true
	if got := ethereum(build(t, in)); !got.Transfers {
		t.Error("the control has no transfers")
	}
	chain := in.World.Chains["ethereum"]
	chain.Token = ""
	in.World.Chains["ethereum"] = chain
	if _, err := Build(in); err == nil || !strings.Contains(err.Error(), "journey deposits reads events, and chain ethereum has no token that makes any") {
		t.Errorf("without a token: %v", err)
	}
}

// A balance of the token is judged by what the token's balances grow by, and the chain has to have one.
func TestTokenBalances(t *testing.T) {
	in := example(oneFault(use("", "unreachable", spec.Target{Service: "infura"})))
	read := func(unit string) spec.Journey {
		return spec.Journey{
			Kind: spec.KindRead, Driver: spec.DriverHTTP, Rate: 5, Deadline: time.Second, Chain: "ethereum", Answer: map[string]spec.AnswerField{"balance": {Path: "$.b", Unit: unit, Decimals: 2}},
		}
	}
	in.App.Journeys["tokens"], in.App.Journeys["units"] = read(spec.UnitToken), read(spec.UnitTokenBase)
	if _, err := Build(in); err == nil || !strings.Contains(err.Error(), "journey tokens shows a balance of the token, and chain ethereum has none") {
		t.Errorf("without a token: %v", err)
	}
	chain := in.World.Chains["ethereum"]
	chain.Token = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
	in.World.Chains["ethereum"] = chain
	want := map[string]Amount{"tokens": {Unit: "token", Decimals: 2, PerBlock: "1234567"}, "units": {Unit: "token-base-units", Decimals: 2, PerBlock: "1234567"}}
	digits := map[string]int{"tokens": spec.TokenDigits, "units": 0}
	for _, j := range build(t, in).Journeys {
		if j.Balance == nil {
			continue
		}
		if w, ok := want[j.Name]; !ok && j.Balance.OfToken() || ok && (*j.Balance != w || j.Balance.Digits() != digits[j.Name]) {
			t.Errorf("journey %s shows %+v, with %d digits", j.Name, *j.Balance, j.Balance.Digits())
		}
		delete(want, j.Name)
	}
	if len(want) > 0 {
		t.Errorf("not planned: %v", want)
	}
}

// Contracts are those of the world's chain, and a chain without any has nothing of them in its plan.
func TestContracts(t *testing.T) {
	in := example(oneFault(use("", "unreachable", spec.Target{Service: "infura"})))
	chain := in.World.Chains["ethereum"]
	chain.Contracts = spec.Contracts{Multicall3: "0x1", BalanceChecker: "0x2", NFT: "0x3", ENSRegistry: "0x4", ENSResolver: "0x5", ENSUniversalResolver: "0x6"}
	in.World.Chains["ethereum"] = chain
	with := Contracts{Multicall3: "0x1", BalanceChecker: "0x2", NFT: "0x3", ENSRegistry: "0x4", ENSResolver: "0x5", ENSUniversalResolver: "0x6"}
	p := build(t, in)
	for _, c := range p.Chains {
		if want := map[string]Contracts{"ethereum": with}[c.Name]; c.Contracts != want {
			t.Errorf("chain %s: %+v", c.Name, c.Contracts)
		}
	}
	if text, err := p.Encode(); err != nil || bytes.Count(text, []byte(`"contracts"`)) != 1 {
		t.Errorf("%s, %v", text, err)
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
