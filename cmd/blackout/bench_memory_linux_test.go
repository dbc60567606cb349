//go:build bench

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
)

const (
	benchNodes = 8
	// The parts of the scenario that --time-scale leaves as they are, and the one that it scales, in seconds.
	benchFixed, benchScaled = 15 + 20, 565
	// ticks are what /proc counts processor time in: 100 a second on every Linux that Go runs on (USER_HZ).
	ticks = 100
)

// benchMemory plays a long run with eight nodes and reads what its process takes just before the timeline ends.
func benchMemory(t *testing.T, binary string, out *table) {
	t.Helper()
	minutes := 10.0
	if text := os.Getenv("BENCH_MINUTES"); text != "" {
		var err error
		if minutes, err = strconv.ParseFloat(text, 64); err != nil || minutes*60 <= benchFixed+10 {
			t.Fatalf("BENCH_MINUTES is %q; it takes a number from 0.8 upwards", text)
		}
	}
	scale := (minutes*60 - benchFixed) / benchScaled
	r := benchRun(t, binary, "testdata/bench/eight-nodes.yaml", "--time-scale", strconv.FormatFloat(scale, 'f', 4, 64))
	h := r.until("the timeline", started, func(h *history.History) bool { return h.Timeline != nil })
	var p plan.Plan
	if err := json.Unmarshal(h.Plan, &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Nodes) != benchNodes {
		t.Fatalf("the run has %d nodes, not %d", len(p.Nodes), benchNodes)
	}
	base, err := time.Parse(time.RFC3339Nano, h.Header.BaseUTC)
	if err != nil {
		t.Fatal(err)
	}
	cell := childOf(t, r.cmd.Process.Pid)

	last := base.Add((h.Timeline.At + p.End).Duration() - time.Second)
	var m taken
	for next := time.Now(); ; next = next.Add(30 * time.Second) {
		if next.After(last) {
			next = last
		}
		if err := clock.Sleep(t.Context(), time.Until(next)); err != nil {
			t.Fatal(err)
		}
		if m, err = takenBy(cell); err != nil {
			t.Fatalf("%v\n%s", err, r.said.String())
		}
		t.Logf("after %s: %.0f MB, at most %.0f MB, %.1f s of processor time", time.Since(base).Round(time.Second), m.resident, m.most, m.cpu)
		if next.Equal(last) {
			break
		}
	}
	parent := r.watch(p.Drain.Duration() + stopped)

	out.section(fmt.Sprintf("A run of %.4g minutes with %d nodes", minutes, benchNodes))
	out.line("memory of its process at the end (VmRSS)", m.resident, "%.0f MB", goalMemory)
	out.line("  the most that it had (VmHWM)", m.most, "%.0f MB", 0)
	out.line("  processor time that it used", m.cpu, "%.0f s", 0)
	out.line("the program that started it, at most", parent.most, "%.0f MB", 0)
}

// watch reads the memory of the program itself until it ends: it judges the history when the run's process is gone.
func (r *benched) watch(within time.Duration) (last taken) {
	r.t.Helper()
	late := time.After(within)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-r.done:
			return last
		case <-late:
			r.t.Fatalf("the run has not ended after %s", within)
		case <-tick.C:
			if m, err := takenBy(r.cmd.Process.Pid); err == nil {
				last = m
			}
		}
	}
}

// taken is what a process takes: memory in MB of 10^6 bytes, processor time in seconds.
type taken struct{ resident, most, cpu float64 }

func takenBy(pid int) (u taken, err error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return u, err
	}
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		name, rest, _ := strings.Cut(line, ":")
		kib, _ := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
		switch name {
		case "VmRSS":
			u.resident = kib * 1024 / 1e6
		case "VmHWM":
			u.most = kib * 1024 / 1e6
		}
	}
	// The program's name, in parentheses, may hold blanks; after it utime and stime are the 12th and 13th field (proc(5)).
	_, rest, _ := strings.Cut(string(stat), ") ")
	if fields := strings.Fields(rest); len(fields) > 12 {
		user, _ := strconv.ParseFloat(fields[11], 64)
		system, _ := strconv.ParseFloat(fields[12], 64)
		u.cpu = (user + system) / ticks
	}
	if u.resident == 0 || u.cpu == 0 {
		return u, errors.New("the process has ended, or the system does not say what it takes")
	}
	return u, nil
}

// mostOf is the most memory that a process had that has ended, in MB (getrusage(2) gives it in KiB).
func mostOf(p *os.ProcessState) float64 {
	if usage, ok := p.SysUsage().(*syscall.Rusage); ok {
		return float64(usage.Maxrss) * 1024 / 1e6
	}
	return 0
}

// childOf is the one process that another has started.
func childOf(t *testing.T, parent int) int {
	t.Helper()
	files, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, file := range files {
		status, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if strings.Contains(string(status), fmt.Sprintf("\nPPid:\t%d\n", parent)) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			return pid
		}
	}
	t.Fatalf("process %d has started no other", parent)
	return 0
}
