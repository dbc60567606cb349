//go:build verify

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/reports/verdict"
)

// pipeline is a workflow file as GitHub reads it.
type pipeline struct {
	Name        string
	On          map[string]struct{ Branches []string }
	Permissions map[string]string
	Concurrency struct {
		Group  string
		Cancel string `yaml:"cancel-in-progress"`
	}
	Jobs map[string]job
}

type job struct {
	RunsOn      string `yaml:"runs-on"`
	Container   struct{ Image, Options string }
	Timeout     int `yaml:"timeout-minutes"`
	Permissions map[string]string
	Outputs     map[string]string
	Defaults    struct{ Run struct{ Shell string } }
	Needs, If   string
	Environment struct{ Name, URL string }
	Steps       []step
}

var (
	// pinned is an action of another repository, by its major version.
	pinned = regexp.MustCompile(`^[\w-]+/[\w-]+@v[0-9]+$`)
	// fromStep and fromJob are what an expression takes from elsewhere in its workflow.
	fromStep = regexp.MustCompile(`\bsteps\.([\w-]+)\.(outputs\.([\w-]+)|outcome|conclusion)`)
	fromJob  = regexp.MustCompile(`\bneeds\.([\w-]+)\.outputs\.([\w-]+)`)
)

// TestVerifyWorkflows holds the workflows of this repository against what they use: their own steps and jobs, the inputs and outputs of action.yml, and the app, suite, gate and
// arguments that they name, which blackout itself reads. Nothing is run.
func TestVerifyWorkflows(t *testing.T) {
	t.Parallel()
	own := newWorkflow(t, "push").action
	checkSteps(t, "action.yml", own.Runs.Steps)
	paths, err := filepath.Glob("../../.github/workflows/*")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	permissions := map[string]map[string]string{}
	for _, path := range paths {
		var p pipeline
		strictly(t, path, &p)
		file := filepath.Base(path)
		names = append(names, file)
		if !slices.Equal(p.On["push"].Branches, []string{"main"}) || !has(p.On, "pull_request") || len(p.On) != 2 {
			t.Errorf("%s runs on %v", file, p.On)
		}
		permissions[file] = p.Permissions
		for name, j := range p.Jobs {
			where := file + ", job " + name
			if j.Permissions != nil {
				permissions[where] = j.Permissions
			}
			if j.RunsOn != "ubuntu-latest" || j.Timeout == 0 || len(j.Steps) == 0 {
				t.Errorf("%s: on %q, %d minutes, %d steps", where, j.RunsOn, j.Timeout, len(j.Steps))
			}
			checkSteps(t, where, j.Steps)
			checkJob(t, where, j, p.Jobs, own)
			for _, s := range j.Steps {
				if s.Uses == "./" {
					checkInputs(t, where, s.With, own)
				}
			}
		}
	}
	if !slices.Equal(names, []string{"ci.yml", "resilience.yml"}) {
		t.Errorf("workflows: %q", names)
	}
	read := map[string]string{"contents": "read"}
	want := map[string]map[string]string{
		"ci.yml": read, "resilience.yml": read,
		"resilience.yml, job gate":    {"contents": "read", "pull-requests": "write"},
		"resilience.yml, job publish": {"pages": "write", "id-token": "write"},
	}
	if diff := cmp.Diff(want, permissions); diff != "" {
		t.Errorf("permissions (-want +got)\n%s", diff)
	}
}

func has[V any](m map[string]V, key string) bool {
	_, ok := m[key]
	return ok
}

// checkSteps checks that each step does one thing: an action by its major version, or a script that bash can read and whose programs of this repository are there.
func checkSteps(t *testing.T, where string, steps []step) {
	t.Helper()
	for i, s := range steps {
		switch {
		case (s.Uses == "") == (s.Run == ""):
			t.Errorf("%s: step %d uses %q and runs %q", where, i+1, s.Uses, s.Run)
		case s.Uses != "" && s.Uses != "./" && !pinned.MatchString(s.Uses):
			t.Errorf("%s: %s is not pinned by a major version", where, s.Uses)
		case s.Run != "":
			if out, err := exec.CommandContext(t.Context(), "bash", "-n", "-c", s.Run).CombinedOutput(); err != nil {
				t.Errorf("%s: step %d: %v\n%s", where, i+1, err, out)
			}
			for _, program := range regexp.MustCompile(`(^|\s)(\.ci/\w+|\./cmd/\w+)`).FindAllStringSubmatch(s.Run, -1) {
				if _, err := os.Stat(filepath.Join("../..", program[2])); err != nil {
					t.Errorf("%s: %v", where, err)
				}
			}
		}
	}
}

// checkJob checks that what expressions take from other steps and jobs is there: an earlier step of the job, an output of the job that is needed.
func checkJob(t *testing.T, where string, j job, jobs map[string]job, own action) {
	t.Helper()
	ids := map[string]step{}
	check := func(texts ...string) {
		for _, m := range fromStep.FindAllStringSubmatch(strings.Join(texts, "\n"), -1) {
			s, ok := ids[m[1]]
			if !ok || s.Uses == "./" && m[3] != "" && !has(own.Outputs, m[3]) {
				t.Errorf("%s: nothing before it gives %s", where, m[0])
			}
		}
		for _, m := range fromJob.FindAllStringSubmatch(strings.Join(texts, "\n"), -1) {
			if j.Needs != m[1] || !has(jobs[m[1]].Outputs, m[2]) {
				t.Errorf("%s: nothing gives %s", where, m[0])
			}
		}
	}
	for _, s := range j.Steps {
		check(s.If, s.Run)
		for _, v := range s.With {
			check(v)
		}
		for _, v := range s.Env {
			check(v)
		}
		if s.ID != "" {
			ids[s.ID] = s
		}
	}
	check(j.If, j.Environment.URL)
	for _, v := range j.Outputs {
		check(v)
	}
	if j.Needs != "" && !has(jobs, j.Needs) {
		t.Errorf("%s needs %s", where, j.Needs)
	}
}

// checkInputs checks what a workflow gives to this repository's action: by name against action.yml, and by value with blackout, which plans every run of it and makes none.
func checkInputs(t *testing.T, where string, with map[string]string, own action) {
	t.Helper()
	for name := range with {
		if !has(own.Inputs, name) {
			t.Errorf("%s: the action has no input %s", where, name)
		}
	}
	for name, input := range own.Inputs {
		if input.Required && !has(with, name) {
			t.Errorf("%s: the action's input %s is not given", where, name)
		}
	}
	app := filepath.Join("../..", with["app"])
	words := append([]string{"run"}, strings.Fields(with["scenarios"])...)
	words = append(words, "--app", app)
	if with["suite"] != "" {
		words = append(words, "--suite", with["suite"])
	}
	words = append(words, strings.Fields(with["arguments"])...)
	planned := start(t, nil, append(words, "--shard", "9999/9999")...) // a part that is beyond all runs
	planned.exits(verdict.ExitUsage, settled)
	planned.mentions("--shard 9999/9999: there are only")
	// The gate is read before a baseline that is not there.
	held := start(t, nil, append(words, "--gate", with["gate"], "--baseline", "none.json")...)
	held.exits(verdict.ExitUsage, settled)
	held.mentions("none.json")
}

// TestVerifyPage has the steps that make the page of resilience.yml run by bash over stored runs, with the program of these tests in the place of "go run ./cmd/blackout".
func TestVerifyPage(t *testing.T) {
	t.Parallel()
	var p pipeline
	strictly(t, "../../.github/workflows/resilience.yml", &p)
	dir := t.TempDir()
	storedRuns(t, dir)
	var site string
	for _, s := range p.Jobs["gate"].Steps {
		switch {
		case s.Name == "scorecard", s.Name == "index":
			cmd := exec.CommandContext(t.Context(), "bash", "-e", "-c", strings.Replace(s.Run, "go run ./cmd/blackout", "blackout", 1))
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("step %s: %v\n%s", s.Name, err, out)
			}
		case s.ID == "page":
			site = s.With["path"]
		}
	}
	if site == "" {
		t.Fatal("no step takes the page")
	}
	for _, name := range []string{"index.html", "scorecard.json", "scorecard.md", "honest.badge.svg", "liar.card.svg"} {
		if info, err := os.Stat(filepath.Join(dir, site, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
