package plan

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/spec"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-stands +now):\n%s", name, diff)
	}
}

func scenarios() map[string]*spec.Scenario {
	ramped := oneFault(spec.FaultUse{Fault: "unreachable", Share: spec.Share{From: 0, To: 1}, Targets: []spec.Target{{Region: "aws/us-east-1"}, {App: "all"}}})
	halt := oneFault(use("", "chain-halt", spec.Target{Chain: "base"}))
	halt.Phases[0].Faults = append(halt.Phases[0].Faults, with(use("", "head-lag", spec.Target{Service: "infura"}), func(u *spec.FaultUse) { u.With = map[string]any{"blocks": 5} }))
	halt.Phases[0].Expect = map[string]string{"write": "degraded"}
	region := spec.Target{App: "all", Region: "aws/us-east-1"}
	hosting := oneFault(use("", "app-stopped", region))
	hosting.Phases = append(hosting.Phases, spec.Phase{Name: "no launches", At: 5 * time.Second, For: 25 * time.Second, Faults: []spec.FaultUse{
		use("phases[1].faults[0]", "start-refused", region),
		with(use("phases[1].faults[1]", "app-restart", spec.Target{App: "all", Cloud: "gcp"}), func(u *spec.FaultUse) { u.Flap = &spec.Flap{Bad: 8 * time.Second, Good: 4 * time.Second} }),
	}})
	return map[string]*spec.Scenario{
		"hosting": hosting,
		"aws":     awsScenario(),
		"ramp":    ramped,
		"chains":  halt,
		"control": {Name: "control", Baseline: 15 * time.Second, After: 30 * time.Second, Phases: []spec.Phase{{Name: "calm", For: 20 * time.Second}}},
	}
}

func TestGolden(t *testing.T) {
	for name, s := range scenarios() {
		t.Run(name, func(t *testing.T) {
			in := example(s)
			if name == "chains" {
				in.App.Start.Env["BASE_URL"] = "${service.infura.base.url}"
			}
			if name == "hosting" {
				in.App.Instances = map[string]int{"aws/us-east-1": 2, "aws/us-west-2": 1, "gcp/us-central1": 1}
			}
			p := build(t, in)
			text, err := p.Encode()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".plan.json", text)
			read, err := Decode(text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(p, read); diff != "" {
				t.Errorf("the plan changes when it is written and read (-built +read):\n%s", diff)
			}
			var page bytes.Buffer
			if err := read.Explain(&page); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".explain.txt", page.Bytes())
			for line := range strings.Lines(page.String()) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > columns {
					t.Errorf("a line has %d columns: %q", n, line)
				}
			}
		})
	}
}
