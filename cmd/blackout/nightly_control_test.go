//go:build nightly

package main

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// TestNightlyControl lets both wallets live through many good days, each with a seed of its own: a harness that cries wolf once in forty is no use to anyone.
// NIGHTLY_RUNS is how many, 40 by default.
func TestNightlyControl(t *testing.T) {
	n := 40
	if text, ok := os.LookupEnv("NIGHTLY_RUNS"); ok {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 {
			t.Fatalf("NIGHTLY_RUNS is %q, want a number above 0", text)
		}
	}
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
