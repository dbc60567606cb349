//go:build verify

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"blackout/reports/verdict"
)

// composed is an app of these tests: web, worker and Postgres.
const composed = "cmd/blackout/testdata/compose"

// needPostgres wants Debian's Postgres on this machine, of which the image of the store is made. In CI its absence is a failure.
func needPostgres(t *testing.T) {
	t.Helper()
	if len(glob(t, "/usr/lib/postgresql/*/bin/postgres")) > 0 {
		return
	}
	const why = "there is no Postgres to make an image of: apt install postgresql"
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// TestVerifyDockerCompose runs an app of several services by its compose file. They find one another by the names in it, none of which is taken for a host of the world; the
// worker, which the app file says nothing to, lives on the provider's production address. A provider fails, and payments that were taken are settled all the same, in a
// Postgres that is gone afterwards like all else.
func TestVerifyDockerCompose(t *testing.T) {
	t.Parallel()
	needEngine(t)
	needPostgres(t)
	r := newRig(t)
	d := r.run(order{scenarios: []string{"cmd/blackout/testdata/verify/provider-down.yaml"}, apps: []string{composed}, seed: 1, parallel: 1})[0]
	if d.Verdict.Verdict != verdict.Pass {
		t.Errorf("%s %q%s", d.Verdict.Verdict, d.Reasons, findingsText(d))
	}
	if len(d.UnmodelledHosts) > 0 || len(d.Outside) > 0 {
		t.Errorf("what the world does not have: %q, %+v", d.UnmodelledHosts, d.Outside)
	}
	hosts := map[string]bool{}
	for _, l := range r.history(d).Lookups {
		hosts[l.Host] = true
	}
	if len(hosts) != 1 || !hosts["mainnet.infura.io"] {
		t.Errorf("looked up: %v", hosts)
	}
	for name, least := range map[string]map[string]int{
		"service-store":   {"INSERT INTO payments": 20, "UPDATE payments": 20, "CREATE TABLE payments": 1},
		"service-worker":  {"settled": 20},
		"service-migrate": {"migrate: every payment has a row": 1},
	} {
		log, err := os.ReadFile(filepath.Join(d.dir, "logs", name+".log"))
		if err != nil {
			t.Fatal(err)
		}
		for text, n := range least {
			if got := strings.Count(string(log), text); got < n {
				t.Errorf("%s says %q %d times, want %d:\n%s", name, text, got, n, log)
			}
		}
	}
	if left := leftOf(t, d.Run.ID); len(left) > 0 {
		t.Errorf("left in the engine: %q", left)
	}
}

// TestVerifyDockerComposeFails holds what is said when a service that the app waits for fails, and that nothing is left of it. It does not go on beside the other, which makes
// the same images in the same folder.
func TestVerifyDockerComposeFails(t *testing.T) {
	needEngine(t)
	needPostgres(t)
	r := newRig(t)
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	out := t.TempDir()
	o := order{scenarios: []string{"control"}, apps: []string{composed}, set: []string{"start.compose=failing.yaml"}, seed: 1, parallel: 1}
	cmd := exec.CommandContext(ctx, r.binary, o.args(out)...)
	cmd.Dir = r.root
	said, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != exitEnvironment {
		t.Errorf("%v, want exit status %d", err, exitEnvironment)
	}
	words := strings.Join(strings.Fields(string(said)), " ") // it is broken into lines
	for _, want := range []string{"start the app: service migrate, which web waits for: it ended with exit status 2; its last lines:", "usage: payments web|worker|migrate"} {
		if !strings.Contains(words, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	dirs := glob(t, filepath.Join(out, "*", "*"))
	if len(dirs) != 1 {
		t.Fatalf("runs: %q", dirs)
	}
	if left := leftOf(t, filepath.Base(dirs[0])); len(left) > 0 {
		t.Errorf("left in the engine: %q", left)
	}
	logs := glob(t, filepath.Join(dirs[0], "logs", "service-*.log"))
	if len(logs) != 2 || slices.ContainsFunc(logs, func(l string) bool { return strings.Contains(l, "worker") }) {
		t.Errorf("logs: %q", logs)
	}
}
