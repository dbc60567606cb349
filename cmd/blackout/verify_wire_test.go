//go:build verify

package main

import (
	"slices"
	"testing"

	"blackout/harness/history"
	"blackout/reports/verdict"
)

// proxy is the sample app that is itself an RPC proxy, with the addresses of its providers compiled in.
const proxy = "rpc-proxy"

// TestVerifyWire drives an RPC proxy as its users do: by JSON-RPC, and over one WebSocket a user for the whole run. As it is, it loses nothing when the provider that feeds its
// subscriptions falls silent; with a flaw its users stay connected and hear no more, and have to be found to miss what happened.
func TestVerifyWire(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	short := []string{"scenario.baseline=8s", "scenario.phases[0].for=12s", "scenario.after=20s"}
	for _, tt := range []struct {
		name      string
		scenarios []string
		set       []string
		misses    bool
	}{
		{"honest", []string{"control", "infura-unreachable"}, nil, false},
		{"loses its subscription", []string{"infura-unreachable"}, []string{"start.env.FLAWS=subscription-lost"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, d := range r.beside(t).run(order{scenarios: tt.scenarios, apps: []string{proxy}, network: "private", set: slices.Concat(short, tt.set), seed: 1, parallel: 2}) {
				for _, c := range d.Cells {
					counts := c.Attempts[verdict.Outage]
					wrong := tt.misses && c.Journey == "deposits"
					if counts[verdict.OK] < 20 || counts[verdict.Wrong] > 0 != wrong && c.Journey != "health" {
						t.Errorf("%s: the outage of %s was %v", d.Run.Scenario, c.Journey, counts)
					}
				}
				missed := slices.ContainsFunc(d.Findings, func(f verdict.Finding) bool { return f.Check == "missing-events" })
				if missed != tt.misses || !tt.misses && (d.Verdict.Verdict != verdict.Pass || len(d.Findings) > 0) {
					t.Errorf("%s: %s, findings %s", d.Run.Scenario, d.Verdict.Verdict, findingsText(d))
				}
				pushes(t, r, d)
			}
		})
	}
}

// pushes holds that the record tells of each subscription and when its messages came: one connection for each session, which nothing of the run ended.
func pushes(t *testing.T, r *rig, d done) {
	t.Helper()
	h := r.history(d)
	sessions, events := map[int]int{}, 0
	for i, s := range h.Streams {
		switch {
		case s.Event == history.StreamOpened:
			sessions[s.Session]++
		case s.Event == history.StreamLost:
			t.Errorf("%s: session %d lost its connection %d: %s", d.Run.Scenario, s.Session, s.Connection, s.Detail)
		case s.Answer["events"] != "":
			events++
		case s.Answer["subscribed"] == "":
			t.Errorf("%s: session %d was sent %q", d.Run.Scenario, s.Session, s.Body)
		}
		if i > 0 && s.Session == h.Streams[i-1].Session && s.At < h.Streams[i-1].At {
			t.Errorf("%s: session %d: at %d after %d", d.Run.Scenario, s.Session, s.At, h.Streams[i-1].At)
		}
	}
	for n := range 10 {
		if sessions[n] != 1 {
			t.Errorf("%s: session %d subscribed %d times", d.Run.Scenario, n, sessions[n])
		}
	}
	if events < 10*3 { // a block each two seconds, of the baseline alone
		t.Errorf("%s: %d deposits were pushed", d.Run.Scenario, events)
	}
}
