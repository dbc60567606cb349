//go:build verify

package main

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"blackout/reports/verdict"
)

// TestVerifyAWS is the claim that the project makes: the day AWS us-east-1 went down, one wallet shows its users a balance of zero and the other does not.
func TestVerifyAWS(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for seed := uint64(1); seed <= 3; seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			runs := r.beside(t).run(order{scenarios: []string{"aws-us-east-1-down"}, apps: []string{single, resilient}, seed: seed, parallel: 2})
			misleads(t, of(t, runs, single))
			livesThrough(t, of(t, runs, resilient))
		})
	}
}

// TestVerifyInfura takes the one provider of wallet-single away; wallet-resilient has two more.
func TestVerifyInfura(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	runs := r.run(order{scenarios: []string{"infura-unreachable"}, apps: []string{single, resilient}, seed: 1, parallel: 2})
	if d := of(t, runs, single); d.Verdict.Verdict != verdict.Fail {
		t.Errorf("%s: %s %q, want fail", d.Run.App, d.Verdict.Verdict, d.Reasons)
	}
	passes(t, of(t, runs, resilient))
}

// TestVerifyReorg takes back what the chain had confirmed. wallet-single calls a payment confirmed that it sees mined, and never sends it again; wallet-resilient sends
// the same bytes until they are mined for good.
func TestVerifyReorg(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	runs := r.run(order{scenarios: []string{"reorg"}, apps: []string{single, resilient}, seed: 1, parallel: 2})
	if d := of(t, runs, single); d.Severity != verdict.Harming || !slices.ContainsFunc(d.Findings, func(f verdict.Finding) bool { return f.Check == "lost-payment" }) {
		t.Errorf("%s: severity %s, want harming by lost payments: %s", d.Run.App, d.Severity, findingsText(d))
	}
	if d := of(t, runs, resilient); d.HarmedIntents > 0 {
		t.Errorf("%s: %d payments were harmed: %s", d.Run.App, d.HarmedIntents, findingsText(d))
	}
}

// TestVerifyControl lets both wallets live through a good day.
func TestVerifyControl(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for seed := uint64(1); seed <= 4; seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			for _, d := range r.beside(t).run(shortControl(seed)) {
				clean(t, d)
			}
		})
	}
}

// misleads checks the run of an app that shows zeros.
func misleads(t *testing.T, d done) {
	t.Helper()
	if d.Verdict.Verdict != verdict.Fail {
		t.Errorf("%s, seed %d: %s %q, want fail", d.Run.App, d.Run.Seed, d.Verdict.Verdict, d.Reasons)
	}
	if !slices.ContainsFunc(d.Findings, func(f verdict.Finding) bool { return f.Check == "zero-balance" && f.Class == verdict.Wrong }) {
		t.Errorf("%s, seed %d: no zero-balance among its findings: %s", d.Run.App, d.Run.Seed, findingsText(d))
	}
	if d.Score == nil || *d.Score > 39 {
		t.Errorf("%s, seed %d: score %s, want at most 39", d.Run.App, d.Run.Seed, scoresText(d))
	}
	if d.Severity != verdict.Misleading && d.Severity != verdict.Harming {
		t.Errorf("%s, seed %d: severity %s, want misleading or worse", d.Run.App, d.Run.Seed, d.Severity)
	}
}

// livesThrough checks the run of an app that fails over: at least 80 % of each journey's attempts in the outage are ok.
func livesThrough(t *testing.T, d done) {
	t.Helper()
	passes(t, d)
	if d.Score == nil || *d.Score < 85 {
		t.Errorf("%s, seed %d: score %s, want at least 85", d.Run.App, d.Run.Seed, scoresText(d))
	}
	for _, c := range d.Cells {
		ok, all := c.Attempts[verdict.Outage][verdict.OK], 0
		for _, n := range c.Attempts[verdict.Outage] {
			all += n
		}
		t.Logf("%s, seed %d: %s was ok in %d of %d attempts of the outage", d.Run.App, d.Run.Seed, c.Journey, ok, all)
		if 100*ok < 80*all {
			t.Errorf("%s, seed %d: %s was ok in %d of %d attempts of the outage, want 80 %%: %v", d.Run.App, d.Run.Seed, c.Journey, ok, all, c.Attempts[verdict.Outage])
		}
	}
}

// passes checks that nothing was wrong and nothing harmful.
func passes(t *testing.T, d done) {
	t.Helper()
	if d.Verdict.Verdict != verdict.Pass || d.WrongAttempts > 0 || d.HarmedIntents > 0 {
		t.Errorf("%s under %s, seed %d: %s %q, %d wrong, %d harmed, want pass: %s", d.Run.App, d.Run.Scenario, d.Run.Seed,
			d.Verdict.Verdict, d.Reasons, d.WrongAttempts, d.HarmedIntents, findingsText(d))
	}
}

// scoresText is a score with those of the journeys that made it.
func scoresText(d done) string {
	if d.Score == nil {
		return "none"
	}
	text := strconv.Itoa(*d.Score)
	for _, c := range d.Cells {
		if c.Score != nil {
			text += fmt.Sprintf(", %s %d", c.Journey, *c.Score)
		}
	}
	return text
}
