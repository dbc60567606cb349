//go:build verify

package main

import (
	"fmt"
	"strconv"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"blackout/harness/fault"
	"blackout/harness/history"
	"blackout/reports/verdict"
)

// faultLanes is how many runs go on at once. More would be late on a small machine; with less the test takes as long as all its runs together.
const faultLanes = 3

// TestVerifyEveryFault puts each fault of the catalogue on a real app, and watches its life in the history. What a lane ran shows in its log.
func TestVerifyEveryFault(t *testing.T) {
	r := newRig(t)
	list := everyFault()
	orders := make(chan order, len(list))
	for _, o := range list {
		orders <- o
	}
	close(orders)
	var (
		mu      sync.Mutex
		covered = map[string]bool{}
	)
	t.Run("runs", func(t *testing.T) { // ends when all runs have
		for lane := range faultLanes {
			t.Run(strconv.Itoa(lane+1), func(t *testing.T) {
				t.Parallel()
				r := r.beside(t)
				for o := range orders {
					for _, d := range r.run(o) {
						r.holdFaults(d)
						mu.Lock()
						for _, f := range d.Faults {
							covered[f.Fault] = true
						}
						mu.Unlock()
					}
				}
			})
		}
	})
	for _, d := range fault.All() {
		if d.New != nil && !covered[d.Name] { // without an action it is only a cause, and what it causes is an effect of another fault
			t.Errorf("no run of this test has the fault %s", d.Name)
		}
	}
}

// everyFault is the runs of this test, the longest first, so that the last ones are short.
func everyFault() (orders []order) {
	for _, o := range []struct {
		scenario, app, network string
		set                    []string
	}{
		{scenario: "reply", app: single, set: []string{hastier}},
		{scenario: "chain", app: single, set: []string{hastier}},
		{scenario: "connection", app: single, set: []string{hastier}},
		{scenario: "storage", app: gallery},
		{scenario: "names", app: byname},
		{scenario: "process", app: single, set: []string{hastier}},
		{scenario: "log", app: calibration},
		{scenario: "certificate", app: byname, network: networkPrivate},
	} {
		orders = append(orders, order{
			scenarios: []string{"cmd/blackout/testdata/verify/every-" + o.scenario + "-fault.yaml"}, apps: []string{o.app}, network: o.network, set: o.set, seed: 1, parallel: 1,
		})
	}
	return orders
}

// holdFaults checks the lives of a run's faults. Each of them takes everything, so that a probe has to see it come and go.
func (r *rig) holdFaults(d done) {
	r.t.Helper()
	lived := lives(r.plan(d), r.history(d))
	for _, f := range d.Faults {
		r.t.Logf("%-24s %-34s %-10s touched %d look-ups, %d connections, %d requests, %d instances; confirmed %s and cleared %s s after they were due", d.Run.Scenario, f.ID, f.EndedAs,
			f.Touched.Lookups, f.Touched.Connections, f.Touched.Requests, f.Touched.Instances, after(f.ConfirmedAtS, f.PlannedFromS), after(f.ClearedAtS, f.PlannedToS))
		want := []string{history.FaultInjecting, history.FaultConfirmed, history.FaultLifting, history.FaultCleared}
		if diff := gocmp.Diff(want, lived[f.ID]); diff != "" {
			r.t.Errorf("%s did not live as a fault does (-want +got):\n%s", f.ID, diff)
		}
		if f.EndedAs != verdict.Exercised {
			r.t.Errorf("%s ended as %s", f.ID, f.EndedAs)
		}
		if f.Touched == (verdict.Touched{}) {
			r.t.Errorf("%s touched nothing", f.ID)
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
