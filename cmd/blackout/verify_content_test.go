//go:build verify

package main

import (
	"slices"
	"testing"

	"blackout/reports/verdict"
)

// TestVerifyContent has one gateway give a page of HTML, and other bytes, to three galleries: one that trusts what comes with a 200, one that checks and has no other
// gateway, and one that checks and has.
func TestVerifyContent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	scenarios := []string{"html-for-content", "wrong-bytes"}
	short := []string{"scenario.baseline=5s", "scenario.phases[0].for=5s", "scenario.after=20s"}
	for _, tt := range []struct {
		name     string
		set      []string
		verdict  string
		outage   verdict.Class // what some attempts of the outage are
		finding  bool
		severity string
	}{
		{"trusting", []string{`start.env.TRUSTING="1"`}, verdict.Fail, verdict.Wrong, true, verdict.Misleading},
		{"checking", nil, verdict.Pass, verdict.Declined, false, verdict.Safe},
		{"checking, with another", []string{`start.env.GATEWAYS="${service.ipfs-io.url},${service.dweb-link.url}"`}, verdict.Pass, verdict.OK, false, verdict.Safe},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, d := range r.beside(t).run(order{scenarios: scenarios, apps: []string{gallery}, set: slices.Concat(short, tt.set), seed: 1, parallel: 2}) {
				if d.Verdict.Verdict != tt.verdict || d.Severity != tt.severity {
					t.Errorf("%s: %s, %s: %q", d.Run.Scenario, d.Verdict.Verdict, d.Severity, d.Reasons)
				}
				found := slices.ContainsFunc(d.Findings, func(f verdict.Finding) bool { return f.Check == "wrong-content" })
				if found != tt.finding || !tt.finding && len(d.Findings) > 0 {
					t.Errorf("%s: findings %s", d.Run.Scenario, findingsText(d))
				}
				outage := d.Cells[0].Attempts[verdict.Outage]
				if outage[tt.outage] < 40 || outage[verdict.Wrong] > 0 != tt.finding {
					t.Errorf("%s: the outage was %v", d.Run.Scenario, outage)
				}
				for _, f := range d.Faults {
					if f.EndedAs != verdict.Exercised || f.ConfirmedAtS == nil || f.ClearedAtS == nil {
						t.Errorf("%s: %s ended as %s", d.Run.Scenario, f.ID, f.EndedAs)
					}
				}
			}
		})
	}
}

// TestVerifyNoContent runs an outage of storage against an app that uses none: nobody is blamed, and nothing is an error.
func TestVerifyNoContent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	runs := r.run(order{
		scenarios: []string{"html-for-content"}, apps: []string{single}, seed: 1, parallel: 1,
		set: []string{hastier, "scenario.baseline=7s", "scenario.phases[0].for=7s", "scenario.after=20s"},
	})
	if d := runs[0]; d.Verdict.Verdict != verdict.NotApplicable || d.Score != nil || d.Faults[0].EndedAs != verdict.NotUsed {
		t.Errorf("%s %q, score %v, %s", d.Verdict.Verdict, d.Reasons, d.Score, d.Faults[0].EndedAs)
	}
}
