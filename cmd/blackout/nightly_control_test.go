//go:build nightly

package main

import (
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// number reads a number above 0 from the environment.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text, ok := os.LookupEnv(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, want a number above 0", name, text)
	}
	return n
}

// TestNightlySamples lets both sample wallets live through many good days, each with a seed of its own: NIGHTLY_SAMPLES, 40 by default.
func TestNightlySamples(t *testing.T) {
	n := number(t, "NIGHTLY_SAMPLES", 40)
	r := newRig(t)
	began := time.Now()
	passed := map[string]int{}
	for seed := 1; seed <= n; seed++ {
		for _, d := range r.run(shortControl(uint64(seed))) {
			if clean(t, d) {
				passed[d.Run.App]++
			}
		}
	}
	t.Logf("control: %s %d of %d clean, %s %d of %d clean, in %s", single, passed[single], n, resilient, passed[resilient], n, time.Since(began).Round(time.Second))
}

// runsPerProcessor is how many short controls of the calibration wallet one processor bears side by side without attempts that are sent late: each takes a tenth of it, and
// all of a batch boot at once.
const runsPerProcessor = 4

// calibrationShort makes a control nearly as short as the rules let it be: 24 attempts of the rarest journeys before and during the time in which faults would act, of which
// 20 have to count, and the 20 s after it that are scored.
var calibrationShort = []string{"scenario.baseline=8s", "scenario.phases[0].for=8s", "scenario.after=20s"}

// TestNightlyControl lets the wallet that has all its defences live through NIGHTLY_RUNS (400) good days, each with a seed of its own: a harness that cries wolf once in
// 400 is no use to anyone. NIGHTLY_PARALLEL go on side by side. What was interrupted goes on with NIGHTLY_FROM, the first seed; the log says which that is. A run that
// says nothing because the machine was too busy is made again alone, and counted; a run that is clean leaves no folder.
func TestNightlyControl(t *testing.T) {
	n, from := number(t, "NIGHTLY_RUNS", 400), number(t, "NIGHTLY_FROM", 1)
	parallel := number(t, "NIGHTLY_PARALLEL", max(1, runsPerProcessor*runtime.NumCPU()))
	r := newRig(t)
	began := time.Now()
	clear, repeated, unclear := 0, 0, 0
	for next := from; next <= n; {
		upTo := min(next+parallel-1, n)
		for _, d := range r.batch(next, upTo-next+1) {
			for try := 1; r.tooBusy(d) && try < mostTries; try++ {
				repeated++
				t.Logf("the machine was too busy for seed %d: once more (%q)", d.Run.Seed, d.Reasons)
				d = r.batch(int(d.Run.Seed), 1)[0]
			}
			if clean(t, d) {
				clear++
				if err := os.RemoveAll(d.dir); err != nil {
					t.Error(err)
				}
			} else {
				unclear++
			}
		}
		next = upTo + 1
		took := time.Since(began)
		left := took / time.Duration(upTo-from+1) * time.Duration(n-upTo)
		t.Logf("seed %d of %d: %d clean, %d not, %d repeated, %s so far, %s left; an interrupted count goes on with NIGHTLY_FROM=%d", upTo, n, clear, unclear, repeated,
			took.Round(time.Second), left.Round(time.Minute), next)
	}
	t.Logf("control: %s %d of %d clean, %d repeated, in %s, %d side by side", calibration, clear, n-from+1, repeated, time.Since(began).Round(time.Second), parallel)
}

// batch makes short controls of the calibration wallet side by side, with the seeds from one on.
func (r *rig) batch(seed, runs int) []done {
	r.t.Helper()
	o := shortControl(uint64(seed))
	o.apps, o.set, o.repeat, o.parallel = []string{calibration}, calibrationShort, runs, runs
	return r.once(o, runs)
}
