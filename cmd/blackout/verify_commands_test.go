//go:build verify

package main

import (
	"slices"
	"strings"
	"testing"

	"blackout/reports/verdict"
)

// commandline is an app of these tests whose journeys run a program.
const commandline = "cmd/blackout/testdata/commandline"

// TestVerifyCommands drives a wallet of the command line through an outage of its provider, in either kind of network: what it prints is held against the chain, its exit
// status says no, and what it pays is looked for.
func TestVerifyCommands(t *testing.T) {
	r := newRig(t)
	for _, network := range []string{"auto", "shared"} {
		t.Run(network, func(t *testing.T) {
			d := r.beside(t).run(order{
				scenarios: []string{"provider-503"}, apps: []string{commandline}, network: network, seed: 1, parallel: 1,
				set: []string{"scenario.baseline=8s", "scenario.phases[0].for=8s", "scenario.after=20s"},
			})[0]
			if d.Verdict.Verdict != verdict.Pass || len(d.Findings) > 0 {
				t.Errorf("%s %q, findings %s", d.Verdict.Verdict, d.Reasons, findingsText(d))
			}
			for _, c := range d.Cells {
				baseline, outage := c.Attempts[verdict.Baseline], c.Attempts[verdict.Outage]
				// On a busy machine a payment may be late, and the last of the baseline may meet the outage.
				if baseline[verdict.OK]+baseline[verdict.Late] < 20 || outage[verdict.Declined] < 20 {
					t.Errorf("%s: baseline %v, outage %v", c.Journey, baseline, outage)
				}
			}
			said := 0
			for _, a := range r.history(d).Attempts {
				if a.Detail == "exit status 3" && strings.Contains(a.Body, "wallet:") {
					said++
				}
			}
			if said < 40 {
				t.Errorf("%d attempts kept what the program said when it could not", said)
			}
			if !slices.ContainsFunc(d.Faults, func(f verdict.Fault) bool { return f.EndedAs == verdict.Exercised }) {
				t.Errorf("faults: %+v", d.Faults)
			}
		})
	}
}
