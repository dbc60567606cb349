package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/xml"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/history"
	"blackout/reports/verdict"
)

// whole is how long a whole run of the tiny app may take. Its timeline is 26 s long.
const whole = 100 * time.Second

// runFiles is what a finished run's folder holds.
var runFiles = []string{
	"environment.json", "history.jsonl.gz", "junit.xml", "logs/app-0.log", "plan.json", "report.html", "summary.md", "verdict.json",
}

// TestRun plays a good day and an outage against an honest app, an outage against one that shows zero for what it does not know, and one that dies of the outage.
func TestRun(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, scenario, misbehave string
		code                      int
		verdict, severity         string
		check                     string // that has a finding, "" for none
	}{
		{"good day", "good-day", "", verdict.ExitPass, verdict.Pass, verdict.Safe, ""},
		{"honest in an outage", "alpha-down", "", verdict.ExitPass, verdict.Pass, verdict.Safe, ""},
		{"zero in an outage", "alpha-down", "zero-on-failure", verdict.ExitFail, verdict.Fail, verdict.Misleading, "zero-balance"},
		{"dies in an outage", "alpha-down", "crash-after=36", verdict.ExitFail, verdict.Fail, verdict.Safe, "not-recovered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			seen := filepath.Join(t.TempDir(), "environment")
			p := start(t, []string{"MISBEHAVE=" + c.misbehave, "ENVIRONMENT_TO=" + seen}, tinyRun(c.scenario)...)
			p.exits(c.code, whole)
			v := p.ended(history.EndComplete, c.verdict)
			if v.Severity != c.severity || v.Run.App != "tiny" || v.Run.Scenario != c.scenario || v.Run.Seed != 1 {
				t.Errorf("severity %s, run %+v", v.Severity, v.Run)
			}
			checks := map[string]bool{}
			for _, f := range v.Findings {
				checks[f.Check] = true
			}
			if c.check == "" && len(checks) > 0 || c.check != "" && !checks[c.check] {
				t.Errorf("findings %v, want %q", slices.Sorted(maps.Keys(checks)), c.check)
			}
			for _, f := range v.Faults {
				if f.EndedAs != verdict.Exercised {
					t.Errorf("%s ended as %s", f.ID, f.EndedAs)
				}
			}
			p.says(p.folder() + "/report.html")
			if strings.HasPrefix(c.misbehave, "crash") {
				p.says("note: instance app-0 of the app ended by itself: exit status 3")
			}
			p.leavesNothing()
			checkFolder(t, p.folder(), seen)
		})
	}
}

// checkFolder checks what is in a finished run's folder, and that no secret of the app's environment is.
func checkFolder(t *testing.T, dir, environment string) {
	t.Helper()
	texts := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		texts[name] = text
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(runFiles, slices.Sorted(maps.Keys(texts))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	packed, err := gzip.NewReader(bytes.NewReader(texts["history.jsonl.gz"]))
	if err != nil {
		t.Fatal(err)
	}
	if texts["history.jsonl.gz"], err = io.ReadAll(packed); err != nil {
		t.Fatal(err)
	}
	var suites struct {
		Suites []struct {
			Cases []struct {
				Name string `xml:"name,attr"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(texts["junit.xml"], &suites); err != nil || len(suites.Suites) != 1 || len(suites.Suites[0].Cases) != 2 {
		t.Errorf("junit.xml: %+v, %v", suites, err)
	}

	seen, err := os.ReadFile(environment)
	if err != nil {
		t.Fatal(err)
	}
	var told struct {
		Sees     []string `json:"app_sees"`
		Declares []string `json:"app_declares"`
	}
	if err := json.Unmarshal(texts["environment.json"], &told); err != nil {
		t.Fatal(err)
	}
	var secrets []string
	for line := range strings.Lines(string(seen)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "HOT_KEY":
			secrets = append(secrets, strings.TrimPrefix(value, "0x"))
		case "RPC_URL": // the provider's key is the last part of its path
			secrets = append(secrets, value[strings.LastIndexByte(value, '/')+1:])
		default:
			if !slices.Contains(told.Sees, name) && !slices.Contains(told.Declares, name) {
				t.Errorf("the app got the variable %s, of which environment.json says nothing", name)
			}
		}
	}
	if len(secrets) != 2 {
		t.Fatalf("the app's environment:\n%s", seen)
	}
	for _, secret := range secrets {
		if len(secret) < 16 {
			t.Errorf("%q is no key", secret)
		}
		for name, text := range texts {
			if bytes.Contains(bytes.ToLower(text), []byte(strings.ToLower(secret))) {
				t.Errorf("%s holds the key %s", name, secret)
			}
		}
	}
}

// TestSamePlan runs one seed twice, side by side in one call: the plans are equal byte for byte, and the two do not get into each other's way.
func TestSamePlan(t *testing.T) {
	t.Parallel()
	p := start(t, nil, tinyRun("alpha-down", "testdata/tiny/alpha-down.yaml", "--parallel", "2")...)
	p.exits(verdict.ExitPass, whole)
	p.leavesNothing()
	dirs := p.folders()
	if len(dirs) != 2 {
		t.Fatalf("folders of runs: %q", dirs)
	}
	var plans [2][]byte
	var faults [2][]string
	for i, dir := range dirs {
		var err error
		if plans[i], err = os.ReadFile(filepath.Join(dir, "plan.json")); err != nil {
			t.Fatal(err)
		}
		h, err := history.ReadFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range h.Faults {
			faults[i] = append(faults[i], f.ID+" "+f.State)
		}
	}
	if !bytes.Equal(plans[0], plans[1]) {
		t.Error("the plans differ")
	}
	if diff := cmp.Diff(faults[0], faults[1]); diff != "" {
		t.Errorf("the lives of the faults differ:\n%s", diff)
	}

	// What the two leave is judged again to the same bytes, and put together.
	before, err := os.ReadFile(filepath.Join(dirs[0], "verdict.json"))
	if err != nil {
		t.Fatal(err)
	}
	start(t, nil, "report", dirs[0]).exits(verdict.ExitPass, settled)
	after, err := os.ReadFile(filepath.Join(dirs[0], "verdict.json"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the second judgement differs from the first (%v):\n%s", err, cmp.Diff(string(before), string(after)))
	}
	testCut(t, dirs[0])
	card := start(t, nil, "scorecard", p.out)
	card.exits(verdict.ExitPass, settled)
	card.says("alpha-down")
}

// testCut cuts a run's history in the middle, as it is while the run goes on and as it is compressed: both are read up to there.
func testCut(t *testing.T, dir string) {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join(dir, history.CompressedName))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{history.CompressedName: packed, history.PlainName: plain} {
		cut := t.TempDir()
		if err := os.WriteFile(filepath.Join(cut, name), text[:len(text)/2], 0o644); err != nil {
			t.Fatal(err)
		}
		p := start(t, nil, "report", cut)
		p.exits(verdict.ExitInconclusive, settled)
		p.says("the run was cut off: its history has no seal")
		if v := readVerdict(t, cut); v.Verdict != verdict.Inconclusive || v.Ended != verdict.Truncated {
			t.Errorf("%s: %s, %s", name, v.Verdict, v.Ended)
		}
	}
}
