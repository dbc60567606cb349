//go:build bench

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
)

const (
	benchStartsRuns = 5
	benchWholeRuns  = 3
	benchApp        = "../../scenarios/apps/wallet-single"
	// started bounds the time until a run makes attempts, stopped the time that it takes to end after its timeline or an interrupt.
	started = time.Minute
	stopped = time.Minute
	// enoughAttempts are so many that the first one is among them: attempts are recorded when they end.
	enoughAttempts = 10
)

// benched is a run as a process of its own, in folders of its own.
type benched struct {
	t            *testing.T
	cmd          *exec.Cmd
	out          string
	said         bytes.Buffer // whole once done is closed
	begun, ended time.Time    // ended is set before done is closed
	done         chan struct{}
}

// benchRun starts a run. It is interrupted, and waited for, when the test ends before it.
func benchRun(t *testing.T, binary, scenario string, more ...string) *benched {
	t.Helper()
	dir := t.TempDir()
	r := &benched{t: t, out: filepath.Join(dir, "runs"), done: make(chan struct{})}
	tmp := filepath.Join(dir, "tmp")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	r.cmd = exec.CommandContext(t.Context(), binary, append([]string{"run", scenario, "--app", benchApp, "--out", r.out}, more...)...)
	r.cmd.Cancel = func() error { return r.cmd.Process.Signal(os.Interrupt) }
	r.cmd.WaitDelay = stopped
	r.cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	r.cmd.Stdout, r.cmd.Stderr = &r.said, &r.said
	r.begun = time.Now()
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.done)
		_ = r.cmd.Wait() // the history says how it ended
		r.ended = time.Now()
	}()
	t.Cleanup(func() { <-r.done })
	return r
}

// until reads the history of the run until it holds what is wanted.
func (r *benched) until(what string, within time.Duration, holds func(*history.History) bool) *history.History {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), within)
	defer cancel()
	for {
		h, err := r.history()
		if err == nil && holds(h) {
			return h
		}
		select {
		case <-r.done:
			r.t.Fatalf("the run ended before %s:\n%s", what, r.said.String())
		default:
		}
		if clock.Sleep(ctx, 50*time.Millisecond) != nil {
			r.t.Fatalf("not within %s: %s (%v)", within, what, err)
		}
	}
}

func (r *benched) history() (*history.History, error) {
	dirs, err := filepath.Glob(r.out + "/*/*")
	if err != nil || len(dirs) != 1 {
		return nil, errors.Join(err, fmt.Errorf("%d folders of runs", len(dirs)))
	}
	return history.ReadFolder(dirs[0])
}

// exit waits for the run's end.
func (r *benched) exit(within time.Duration) {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(within):
		r.t.Fatalf("the run has not ended after %s", within)
	}
}

// The parts of a run in which the harness is busy with itself.
const (
	partStart = iota
	partChain
	partInternet
	partBuild
	partLogin
	partPreflight
	partTimeline
	partClose
	partReport
	parts
)

var partNames = [parts]string{
	partStart:     "start both processes, make the plan",
	partChain:     "boot the chain",
	partInternet:  "open the internet",
	partBuild:     "wait for the app's build to end",
	partLogin:     "log in",
	partPreflight: "preflight",
	partTimeline:  "timeline, beyond what is planned",
	partClose:     "close everything and seal",
	partReport:    "compress, judge and write the reports",
}

// timing is where the time of one run went.
type timing struct {
	versions    map[string]string
	app         time.Duration // the app's own start: from its process's start until it was ready
	first       time.Duration // from the program's start to the first attempt, less app
	beyond      time.Duration // of a whole run: its time less app, the timeline and the drain
	interrupted time.Duration // from the interrupt to the exit
	parts       [parts]time.Duration
}

// timing reads as much as the history of the run holds.
func (r *benched) timing(h *history.History) (m timing, err error) {
	base, err := time.Parse(time.RFC3339Nano, h.Header.BaseUTC)
	if err != nil {
		return m, err
	}
	wall := func(at clock.Micros) time.Time { return base.Add(at.Duration()) }
	stage := map[string]time.Time{}
	for _, s := range h.Stages {
		stage[s.Name] = wall(s.At)
	}
	var launched, ready time.Time
	for _, a := range h.Apps {
		switch a.Event {
		case "started":
			launched = wall(a.At)
		case "ready":
			ready = wall(a.At)
		}
	}
	if launched.IsZero() || ready.IsZero() || len(h.Attempts) == 0 {
		return m, errors.New("the history does not say when the app was ready, or holds no attempt")
	}
	m.versions, m.app = h.Header.Versions, ready.Sub(launched)
	earliest := slices.MinFunc(h.Attempts, func(a, b history.Attempt) int { return int(a.At - b.At) })
	m.first = wall(earliest.At).Sub(r.begun) - m.app

	m.parts[partStart] = stage["boot the chain"].Sub(r.begun)
	m.parts[partChain] = stage["open the internet"].Sub(stage["boot the chain"])
	m.parts[partInternet] = stage["start the app"].Sub(stage["open the internet"])
	m.parts[partBuild] = launched.Sub(stage["start the app"])
	m.parts[partLogin] = stage["preflight"].Sub(ready)
	m.parts[partPreflight] = stage["timeline"].Sub(stage["preflight"])
	if h.Seal == nil || h.Seal.End != history.EndComplete {
		return m, nil
	}
	var p plan.Plan
	if err := json.Unmarshal(h.Plan, &p); err != nil {
		return m, err
	}
	m.parts[partTimeline] = stage["drain"].Sub(stage["timeline"]) - p.End.Duration()
	m.parts[partClose] = wall(h.Seal.At).Sub(stage["clean up"])
	m.parts[partReport] = r.ended.Sub(wall(h.Seal.At))
	drain := stage["clean up"].Sub(stage["drain"])
	m.beyond = r.ended.Sub(r.begun) - m.app - p.End.Duration() - drain
	return m, nil
}

// benchStarts starts runs, with more on their command line, and interrupts each after its first attempts.
func benchStarts(t *testing.T, binary string, more ...string) []timing {
	t.Helper()
	all := make([]timing, 0, benchStartsRuns)
	for i := range benchStartsRuns + 1 {
		r := benchRun(t, binary, "control", more...)
		h := r.until("the first attempts", started, func(h *history.History) bool { return len(h.Attempts) >= enoughAttempts })
		m, err := r.timing(h)
		if err != nil {
			t.Fatal(err)
		}
		from := time.Now()
		if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		r.exit(stopped)
		m.interrupted = r.ended.Sub(from)
		if i > 0 { // the first run builds the app, and what images there are not
			all = append(all, m)
			t.Logf("first attempt after %s: %v, app's start %s, interrupt to exit %s", m.first, m.parts[:partTimeline], m.app, m.interrupted)
		}
	}
	return all
}

// benchWhole plays short control runs to their end.
func benchWhole(t *testing.T, binary string) []timing {
	t.Helper()
	all := make([]timing, 0, benchWholeRuns)
	for range benchWholeRuns {
		r := benchRun(t, binary, "testdata/bench/short-control.yaml", "--set", "journeys.send-payment.rate=4/s")
		r.exit(5 * time.Minute)
		h, err := r.history()
		if err != nil {
			t.Fatalf("%v\n%s", err, r.said.String())
		}
		if h.Seal == nil || h.Seal.End != history.EndComplete {
			t.Fatalf("the run was not played to its end:\n%s", r.said.String())
		}
		m, err := r.timing(h)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
		t.Logf("beyond the timeline %s: %v", m.beyond, m.parts)
	}
	return all
}
