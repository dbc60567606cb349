package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"

	"blackout/harness/history"
	"blackout/harness/run"
)

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error { // the files of the tiny app stand beside each script's own
			return os.CopyFS(env.WorkDir+"/tiny", os.DirFS("testdata/tiny"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "fits": fits, "is-json": isJSON, "once": once, "cut-history": cutHistory,
		},
	})
}

// exits runs a program that has to end with a status: exits 2 blackout run.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM [ARG…]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if want, err := strconv.Atoi(args[0]); err != nil || got != want {
		ts.Fatalf("%s ended with status %d, not %s", strings.Join(args[1:], " "), got, args[0])
	}
}

// fits checks that no line of a file, or of stdout or stderr, is longer than 80 columns.
func fits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: fits FILE")
	}
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if line = strings.TrimRight(line, "\n"); utf8.RuneCountInString(line) > 80 {
			ts.Fatalf("%d columns: %s", utf8.RuneCountInString(line), line)
		}
	}
}

// isJSON checks that a file, or stdout, is one JSON value.
func isJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: is-json FILE")
	}
	if json.Valid([]byte(ts.ReadFile(args[0]))) == neg {
		ts.Fatalf("valid JSON: %t", !neg)
	}
}

// once checks that a file, or stdout or stderr, holds a text exactly once: what is said twice is read twice.
func once(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: once FILE TEXT")
	}
	if n := strings.Count(ts.ReadFile(args[0]), args[1]); n != 1 {
		ts.Fatalf("%q stands %d times in %s", args[1], n, args[0])
	}
}

// cutHistory makes a run's folder as a killed run leaves it: cut-history DIR PLAN.
func cutHistory(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cut-history DIR PLAN")
	}
	plan := []byte(ts.ReadFile(args[1]))
	records := []history.Record{
		history.Header{Schema: history.Schema, Run: "cut", App: "tiny", Scenario: "alpha-down", Seed: 1, Runtime: "local", PlanSHA256: run.Digest(plan)},
		history.Plan{Plan: plan},
		history.Stage{Name: "boot the chain", At: 10},
		history.Timeline{At: 1000},
		history.Attempt{ID: "view-balance#0", Journey: "view-balance", Due: 32250, At: 32300, End: 40000, Status: 200, Answer: map[string]string{"balance": "1"}},
	}
	lines := make([][]byte, len(records))
	for i, r := range records {
		var err error
		lines[i], err = history.Encode(r)
		ts.Check(err)
	}
	text := slices.Concat(lines...)
	ts.Check(os.MkdirAll(ts.MkAbs(args[0]), 0o755))
	ts.Check(os.WriteFile(ts.MkAbs(args[0])+"/"+history.PlainName, text[:len(text)-20], 0o644))
}
