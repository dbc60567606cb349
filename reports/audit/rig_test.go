package audit

import (
	"fmt"
	"testing"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/reports/verdict"
)

const second = clock.Micros(1e6)

// The rig's runs have a baseline of 20 s from second 100 of the history on. What is taken away is away from 20 s to 50 s of the run, and the run ends at 70 s.
const (
	zero     = 100 * second
	taken    = 20 * second
	returned = 50 * second
	end      = 70 * second
)

// world is a plan without faults: two journeys; infura in two regions of one cloud, publicnode with two independent operators, quicknode elsewhere.
func world() *plan.Plan {
	return &plan.Plan{
		Schema: plan.Schema, App: "wallet", World: "small", Scenario: "control", Independent: []string{"operators"},
		Journeys: []plan.Journey{
			{Name: "view", Kind: "read", Driver: "http", Deadline: 2 * second, Every: second / 2, Best: []plan.Best{{Class: "ok"}}},
			{Name: "pay", Kind: "write", Driver: "http", Deadline: 10 * second, Every: second, Best: []plan.Best{{Class: "ok"}}},
		},
		Services: []plan.Service{
			{Name: "infura", Kind: "rpc", KnownFrom: "assumed", Hosts: []plan.Host{{Chain: "ethereum", Name: "mainnet.infura.io"}, {Chain: "base", Name: "base-mainnet.infura.io"}},
				Placement: []plan.Placement{{Region: "aws/us-east-1", Share: 0.7}, {Region: "aws/us-west-2", Share: 0.3}}},
			{Name: "publicnode", Kind: "rpc", KnownFrom: "press", Hosts: []plan.Host{{Chain: "ethereum", Name: "publicnode.example"}, {Chain: "ethereum", Name: "old.publicnode.example"}},
				Placement: []plan.Placement{{Region: "operators/op-1", Share: 0.5}, {Region: "operators/op-2", Share: 0.5}}},
			{Name: "quicknode", Kind: "rpc", KnownFrom: "assumed", Hosts: []plan.Host{{Chain: "ethereum", Name: "quicknode.example"}}, Placement: []plan.Placement{{Region: "gcp/us-central1", Share: 1}}},
			{Name: "unused", Kind: "http", KnownFrom: "operator", Placement: []plan.Placement{{Region: "gcp/us-central1", Share: 1}}},
		},
	}
}

// without is the plan of a run that takes something away, by one cause.
func without(target string, change ...func(*plan.Plan)) *plan.Plan {
	p := world()
	p.Scenario = "without-something"
	p.Causes = []plan.Cause{{ID: "c1", Fault: "unreachable", Target: target, From: taken, To: returned}}
	p.Effects = []plan.Effect{{ID: "c1/unreachable/x", Cause: "c1", Fault: "unreachable", Service: "x", From: taken, To: returned, Steps: []plan.Step{{At: taken, Share: 1}}}}
	for _, c := range change {
		c(p)
	}
	return p
}

// story is a run of the rig: its verdict, and how its attempts ended.
type story struct {
	id       string
	plan     *plan.Plan
	verdict  string
	reasons  []string
	findings []verdict.Finding
	outside  []verdict.Outside
	lookups  []string
	calls    []call
	// baseline and outage say of a journey how its attempts ended, one after the other. Those of the outage are due from 20 s on.
	baseline, outage map[string][]ended
}

// call is n requests from a moment of the run on.
type call struct {
	n                      int
	service, region, chain string
	at                     clock.Micros
	probe                  bool
}

// ended is n attempts that ended alike, each some time after it was due.
type ended struct {
	n     int
	class verdict.Class
	after clock.Micros
}

// evidence tells the story to a gatherer.
func (s story) evidence(t *testing.T) *Evidence {
	t.Helper()
	h := &history.History{Timeline: &history.Timeline{At: zero}}
	v := &verdict.Verdict{
		Run: verdict.Run{ID: s.id, App: s.plan.App, Scenario: s.plan.Scenario, Seed: 1}, Verdict: s.verdict, Reasons: s.reasons, Findings: s.findings, Outside: s.outside,
		Windows: []verdict.Window{
			{Name: verdict.Baseline, ToS: taken.Seconds()}, {Name: verdict.Outage, FromS: taken.Seconds(), ToS: (returned + second).Seconds()},
			{Name: verdict.Recovery, FromS: (returned + second).Seconds(), ToS: (returned + second).Seconds()}, {Name: verdict.After, FromS: (returned + second).Seconds(), ToS: end.Seconds()},
		},
	}
	j := &verdict.Judgement{Verdict: v, Plan: s.plan}
	for _, e := range s.plan.Effects {
		h.Faults = append(h.Faults, history.Fault{ID: e.ID, State: history.FaultInjecting, At: zero + e.From}, history.Fault{ID: e.ID, State: history.FaultLifting, At: zero + e.To},
			history.Fault{ID: e.ID, State: history.FaultCleared, At: zero + e.To + second})
	}
	for _, p := range s.plan.Journeys {
		counts := map[string]map[verdict.Class]int{verdict.Baseline: {}, verdict.Outage: {}, verdict.Recovery: {}, verdict.After: {}}
		add := func(window string, from clock.Micros, list []ended) {
			i := 0
			for _, e := range list {
				for range e.n {
					due := from + clock.Micros(i)*p.Every
					j.Attempts = append(j.Attempts, verdict.Judged{ID: fmt.Sprintf("%s#%d", p.Name, len(j.Attempts)), Journey: p.Name, Window: window, Due: due, At: due, End: due + e.after, Class: e.class})
					counts[window][e.class]++
					i++
				}
			}
		}
		add(verdict.Baseline, 0, s.baseline[p.Name])
		add(verdict.Outage, taken, s.outage[p.Name])
		v.Cells = append(v.Cells, verdict.Cell{Journey: p.Name, Kind: p.Kind, Attempts: counts})
	}
	g := NewGatherer()
	for _, c := range s.calls {
		for range c.n {
			g.Call(&history.Call{Service: c.service, Region: c.region, Chain: c.chain, Probe: c.probe, At: zero + c.at})
		}
	}
	for _, host := range s.lookups {
		h.Lookups = append(h.Lookups, history.Lookup{Host: host, At: zero})
	}
	return g.Evidence(h, j)
}

// fine is twenty attempts that were ok at once.
var fine = []ended{{20, verdict.OK, second / 10}}

// calm is how a baseline goes.
func calm() map[string][]ended { return map[string][]ended{"view": fine, "pay": fine} }

// windows is a verdict with the windows that a plan has in mind.
func windows(p *plan.Plan) *verdict.Verdict {
	return &verdict.Verdict{Windows: []verdict.Window{{Name: verdict.Baseline, ToS: p.Baseline.Seconds()}, {Name: verdict.Outage, FromS: p.Baseline.Seconds(), ToS: p.OutageEnd.Seconds()}}}
}
