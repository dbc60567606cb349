//go:build verify

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/reports/verdict"
)

// TestVerifySameSeed makes the same run twice, side by side, and compares what a seed decides:
//
//   - plan.json, byte by byte;
//   - of each effect, what is planned: its id, fault, cause, service, chain, and from when to when;
//   - of each effect, the states of its life in their order. "confirmed" is left out where the share is below 100 %: such a fault is confirmed by the first request
//     or connection of the app that it takes, and when the app opens a connection is the app's affair;
//   - the ids of the findings that are wrong or harmful.
//
// Counts, single attempts and times as observed are not compared: they hang on the machine.
func TestVerifySameSeed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const scenario = "aws-us-east-1-down"
	runs := r.run(order{scenarios: []string{scenario, scenario}, apps: []string{single}, seed: 7, parallel: 2})
	one, two := runs[0], runs[1]

	if a, b := planBytes(t, one), planBytes(t, two); !bytes.Equal(a, b) {
		t.Errorf("plan.json differs: %s", gocmp.Diff(string(a), string(b)))
	}
	if a, b := planned(one), planned(two); len(a) == 0 || !slices.Equal(a, b) {
		t.Errorf("the planned fields of the faults differ: %s", gocmp.Diff(a, b))
	}
	if diff := gocmp.Diff(lives(r.plan(one), r.history(one)), lives(r.plan(two), r.history(two))); diff != "" {
		t.Errorf("the lives of the faults differ: %s", diff)
	}
	if a, b := findingIDs(one), findingIDs(two); len(a) == 0 || !slices.Equal(a, b) {
		t.Errorf("the findings differ: %s", gocmp.Diff(a, b))
	}
}

func planBytes(t *testing.T, d done) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, "plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// plan is the plan that a run's history carries.
func (r *rig) plan(d done) *plan.Plan {
	r.t.Helper()
	j, err := verdict.Judge(r.history(d))
	if err != nil {
		r.t.Fatalf("%s: %v", d.dir, err)
	}
	return j.Plan
}

func planned(d done) (list []string) {
	for _, f := range d.Faults {
		list = append(list, fmt.Sprintf("%s: %s on %s%s, cause %s, from %g s to %g s", f.ID, f.Fault, f.Service, f.Chain, f.Cause, f.PlannedFromS, f.PlannedToS))
	}
	return list
}

// lives lists the states that each effect of a run went through, by the effect's id.
func lives(p *plan.Plan, h *history.History) map[string][]string {
	byTraffic := map[string]bool{}
	for _, e := range p.Effects {
		byTraffic[e.ID] = e.Steps[0].Share < 1
	}
	records := slices.Clone(h.Faults)
	slices.SortStableFunc(records, func(a, b history.Fault) int { return cmp.Compare(a.At, b.At) })
	states := map[string][]string{}
	for _, f := range records {
		if f.State != history.FaultConfirmed || !byTraffic[f.ID] {
			states[f.ID] = append(states[f.ID], f.State)
		}
	}
	return states
}
