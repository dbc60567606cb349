//go:build verify

package main

import (
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"blackout/harness/fault"
	"blackout/harness/history"
	"blackout/reports/verdict"
)

// TestVerifyEveryFault puts each fault of the catalogue on a real app, and watches its life in the history.
func TestVerifyEveryFault(t *testing.T) {
	r := newRig(t)
	runs := r.run(order{
		scenarios: []string{
			"cmd/blackout/testdata/verify/every-connection-fault.yaml",
			"cmd/blackout/testdata/verify/every-chain-fault.yaml",
			"cmd/blackout/testdata/verify/every-reply-fault.yaml",
		},
		apps: []string{single}, seed: 1, parallel: 2,
		set: []string{hastier},
	})
	covered := map[string]bool{}
	for _, d := range runs {
		// Each of these effects takes everything, so that a probe has to see it come and go.
		lived := lives(r.plan(d), r.history(d))
		for _, f := range d.Faults {
			covered[f.Fault] = true
			t.Logf("%-24s %-34s %-10s touched %d connections, %d requests; confirmed %s and cleared %s s after they were due", d.Run.Scenario, f.ID, f.EndedAs,
				f.Touched.Connections, f.Touched.Requests, after(f.ConfirmedAtS, f.PlannedFromS), after(f.ClearedAtS, f.PlannedToS))
			want := []string{history.FaultInjecting, history.FaultConfirmed, history.FaultLifting, history.FaultCleared}
			if diff := gocmp.Diff(want, lived[f.ID]); diff != "" {
				t.Errorf("%s did not live as a fault does (-want +got):\n%s", f.ID, diff)
			}
			if f.EndedAs != verdict.Exercised {
				t.Errorf("%s ended as %s", f.ID, f.EndedAs)
			}
			if f.Touched.Lookups+f.Touched.Connections+f.Touched.Requests == 0 {
				t.Errorf("%s touched nothing", f.ID)
			}
		}
	}
	for _, d := range fault.All() {
		if d.New != nil && !covered[d.Name] { // without an action it is only a cause, and what it causes is an effect of another fault
			t.Errorf("no run of this test has the fault %s", d.Name)
		}
	}
}

// after is the time between two moments in seconds, the first of which may not have come.
func after(at *float64, since float64) string {
	if at == nil {
		return "never"
	}
	return fmt.Sprintf("%.3f", *at-since)
}
