//go:build nightly

package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"blackout/reports/markdown"
	"blackout/scenarios"
)

// TestNightlyRuntimes plays every scenario of the library with both sample wallets, on this machine and in containers, and prints what came of it side by side. NIGHTLY_ONLY
// names the scenarios, with commas, if it shall not be all; NIGHTLY_PARALLEL go on at once.
func TestNightlyRuntimes(t *testing.T) {
	needEngine(t)
	parallel := number(t, "NIGHTLY_PARALLEL", 6)
	names := scenarios.Names("scenario")
	if only := os.Getenv("NIGHTLY_ONLY"); only != "" {
		names = strings.Split(only, ",")
	}
	r := newRig(t)
	var table strings.Builder
	for _, app := range []string{single, resilient} {
		for batch := range slices.Chunk(names, parallel) {
			o := order{scenarios: batch, apps: []string{app}, seed: 1, parallel: parallel, unclear: true}
			local := r.run(o)
			o.overlay = inContainers(app)
			for _, d := range r.run(o) {
				i := slices.IndexFunc(local, func(l done) bool { return l.Run.Scenario == d.Run.Scenario })
				holdAlike(t, local[i], d, closely)
				fmt.Fprintf(&table, "| %s | %s | %s · %s | %s · %s | %d |\n", app, d.Run.Scenario, local[i].Verdict.Verdict, markdown.Grade(local[i].Verdict),
					d.Verdict.Verdict, markdown.Grade(d.Verdict), len(findingIDs(d)))
			}
		}
	}
	t.Logf("seed 1\n\n| app | scenario | on this machine | in containers | findings |\n|---|---|---|---|---:|\n%s", table.String())
}
