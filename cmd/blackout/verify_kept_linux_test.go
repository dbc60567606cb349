//go:build verify

package main

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/reports/verdict"
)

// Apps of these tests, by their folders, and what each says of a name that has no address.
var keeping = map[string]string{
	"cmd/blackout/testdata/keeps-go":   "no such host",
	"cmd/blackout/testdata/keeps-node": "getaddrinfo ENOTFOUND",
}

// TestVerifyKeptConnections takes the address of two names away from an app in Go and one in Node, which ask the system's resolver, in a private network: what keeps a
// connection goes on without a question, what opens one for each request fails at the name and works again afterwards.
func TestVerifyKeptConnections(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, d := range r.run(order{
		scenarios: []string{"cmd/blackout/testdata/verify/name-lost.yaml"}, apps: slices.Sorted(maps.Keys(keeping)), network: networkPrivate, seed: 1, parallel: 2,
	}) {
		if d.Verdict.Verdict != verdict.Pass {
			t.Errorf("%s: %s %q, %s", d.Run.App, d.Verdict.Verdict, d.Reasons, findingsText(d))
		}
		ended := map[string]string{}
		for _, f := range d.Faults {
			ended[f.Service] = f.EndedAs
		}
		if ended["infura"] != verdict.Spared || ended["alchemy"] != verdict.Exercised {
			t.Errorf("%s: the faults ended as %v", d.Run.App, ended)
		}
		h := r.history(d)
		from, to, over := whileLost(t, h)
		holdQuestions(t, d.Run.App, h, from, to)
		holdKeeping(t, d.Run.App, h, from, to, over)
	}
}

// holdQuestions checks that while the names have no address the app asks for the one to which it has no connection, and never for the other, to which it opens none.
func holdQuestions(t *testing.T, app string, h *history.History, from, to clock.Micros) {
	t.Helper()
	lookups := map[string]int{}
	for _, l := range h.Lookups {
		if l.At < from || l.At > to {
			continue
		}
		lookups[l.Host]++
		if l.Answer != history.AnswerEmpty {
			t.Errorf("%s: %s was answered with %s", app, l.Host, l.Answer)
		}
	}
	if lookups["mainnet.infura.io"] > 0 || lookups["eth-mainnet.g.alchemy.com"] == 0 {
		t.Errorf("%s: look-ups while the names had no address: %v", app, lookups)
	}
	var opened []int64 // at the fault's start, at its end, in the end
	for _, c := range h.Connections {
		if c.Service == "infura" {
			opened = append(opened, c.Opened)
		}
	}
	if len(opened) < 2 || opened[0] == 0 || opened[1] != opened[0] {
		t.Errorf("%s: connections to infura at the fault's start, at its end and later: %v", app, opened)
	}
	t.Logf("%s: look-ups while the names had no address %v; connections to infura %v", app, lookups, opened)
}

// holdKeeping checks what users are told while the names have no address, and afterwards.
func holdKeeping(t *testing.T, app string, h *history.History, from, to, over clock.Micros) {
	t.Helper()
	said := map[string]int{}
	for _, a := range h.Attempts {
		what := "answered"
		switch {
		case strings.Contains(a.Answer["declined"], keeping["cmd/blackout/testdata/"+app]):
			what = "no address"
		case a.Status != http.StatusOK:
			what = a.Error + a.Answer["declined"]
		}
		switch {
		case a.At >= from && a.End <= to:
			said[a.Journey+" during: "+what]++
		case a.Due > over:
			said[a.Journey+" after: "+what]++
		}
	}
	t.Logf("%s: %v", app, said)
	for _, want := range []string{"kept during: answered", "kept after: answered", "fresh during: no address", "fresh after: answered"} {
		if said[want] < 15 {
			t.Errorf("%s: %d times %q: %v", app, said[want], want, said)
		}
		delete(said, want)
	}
	if len(said) > 0 {
		t.Errorf("%s: %v", app, said)
	}
}

// whileLost is the time in which every fault of a run was confirmed and none was being lifted, and when all were seen to be gone.
func whileLost(t *testing.T, h *history.History) (from, to, over clock.Micros) {
	t.Helper()
	for _, f := range h.Faults {
		switch f.State {
		case history.FaultConfirmed:
			from = max(from, f.At)
		case history.FaultLifting:
			if to == 0 {
				to = f.At
			}
		case history.FaultCleared:
			over = max(over, f.At)
		}
	}
	if from == 0 || to <= from || over == 0 {
		t.Fatalf("the faults were not there: %v", h.Faults)
	}
	return from, to, over
}
