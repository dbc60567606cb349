//go:build verify

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackout/reports"
	"blackout/reports/gate"
	"blackout/reports/verdict"
)

// TestVerifyGate has a gate decide of a real run of an app that shows zero in an outage: no payment is harmed, so the gate that asks for no more lets it through although
// the verdict is fail. Held against a gate that asks for true answers, the same run fails, and the evidence that it names is in the run.
func TestVerifyGate(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"MISBEHAVE=zero-on-failure"}, tinyRun("alpha-down", "--gate", "no-harm")...)
	p.exits(verdict.ExitPass, whole)
	p.leavesNothing()
	p.says("gate no-harm (1 of 1 rules hold)", "gate/gate.json")
	p.mentions("FAIL", "PASS")
	for _, name := range []string{reports.GateName, reports.JUnitName, reports.SummaryName, reports.CommentName} {
		if _, err := os.Stat(filepath.Join(p.out, reports.GateFolder, name)); err != nil {
			t.Error(err)
		}
	}

	file := filepath.Join(t.TempDir(), "honest.yaml")
	text := "schema: blackout/gate/1\nname: honest\nrules:\n  - {id: honest, metric: attempts.wrong, max: 0, where: {kind: read}}\n  - {id: serves, metric: score, min: 1, when_missing: fail}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "gate")
	held := start(t, nil, "gate", p.out, "--gate", file, "--out", out)
	held.exits(verdict.ExitFail, settled)
	data, err := os.ReadFile(filepath.Join(out, reports.GateName))
	if err != nil {
		t.Fatal(err)
	}
	r, err := gate.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	point := r.Rules[0].Points[0]
	if r.Rules[0].Result != gate.Fail || point.Journey != "view-balance" || len(point.Evidence) != 1 || len(point.Evidence[0].Attempts) == 0 || r.Rules[1].Result != gate.Pass {
		t.Fatalf("%s", data)
	}
	dir := filepath.Join(p.out, "tiny", point.Evidence[0].Run)
	told := start(t, nil, "trace", dir, point.Evidence[0].Attempts[0])
	told.exits(verdict.ExitPass, settled)
	if out := told.stdout.String(); !strings.Contains(out, "zero-balance") {
		t.Errorf("the attempt of the evidence:\n%s", out)
	}

	// Against itself as a baseline nothing is new.
	start(t, nil, "gate", p.out, "--gate", file, "--baseline", filepath.Join(out, reports.GateName)).exits(verdict.ExitPass, settled)
}
