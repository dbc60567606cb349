//go:build bench

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"blackout/harness/runtime/docker"
)

// The goals, in the units of the figures that they stand beside.
const (
	goalFirstAttempt = 1.0   // seconds
	goalBeyond       = 2.0   // seconds
	goalSpread       = 5.0   // milliseconds, of 95 % of the phases
	goalTLS          = 100.0 // microseconds, p50 of a read over a kept connection
	goalContained    = 8.0   // seconds
	goalRemoved      = 5.0   // seconds
	goalMemory       = 600   // MB, 10^6 bytes
	goalJudging      = 15    // seconds
	goalJudgingMost  = 500   // MB
)

// TestBench measures speed and memory in one run on this machine, and ends with one table. It asserts that each figure exists and nothing about its size: a machine that
// is busy with something else is no fault of ours.
//
// BENCH_MINUTES shortens the long run that memory is measured in, which takes 10 minutes.
func TestBench(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "blackout")
	command(t, 5*time.Minute, "go", "build", "-o", binary, "blackout/cmd/blackout")

	var out table
	load, _ := os.ReadFile("/proc/loadavg") // there is none but on Linux
	starts := benchStarts(t, binary)
	whole := benchWhole(t, binary)
	out.machine(starts[0].versions, strings.Fields(string(load)))
	out.starts(starts)
	out.whole(whole)

	benchContained(t, binary, starts, &out)

	reads := benchmarks(t, "blackout/harness/run", "^BenchmarkBalanceRead$", "1x")
	out.reads(reads["BenchmarkBalanceRead"])
	spread := benchmarks(t, "blackout/harness/run", "^BenchmarkFaultSpread$", "1x")["BenchmarkFaultSpread"]
	out.section("Spread of fault starts at the socket, 20 services, 50 phases")
	out.line("p50", spread["p50-ms"], "%.1f ms", 0)
	out.line("p95", spread["p95-ms"], "%.1f ms", goalSpread)

	benchMemory(t, binary, &out)

	judge := benchmarks(t, "blackout/reports/verdict", "^BenchmarkJudge$", "1s")["BenchmarkJudge"]
	out.section("Judging a history of 100,000 attempts")
	out.line("time", judge["ns/op"]/1e9, "%.2f s", 0)
	out.line("memory that it allocates", judge["B/op"]/1e6, "%.0f MB", 0)
	benchJudging(t, binary, &out)

	fmt.Fprint(os.Stdout, "\n", out.text.String(), "\n")
	for _, name := range out.absent {
		t.Errorf("no figure for %s", name)
	}
}

// table is the result as a person reads it: plain text, at most 80 columns.
type table struct {
	text    bytes.Buffer
	heading string
	absent  []string // figures that could not be had
}

func (o *table) machine(versions map[string]string, load []string) {
	fmt.Fprintf(&o.text, "Blackout on %s/%s with %d CPUs, %s, geth %s, toxiproxy %s\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(),
		runtime.Version(), versions["geth"], versions["toxiproxy"])
	if len(load) > 2 {
		fmt.Fprintf(&o.text, "The machine's load before, over 1, 5 and 15 minutes: %s\n", strings.Join(load[:3], ", "))
	}
	fmt.Fprintln(&o.text, "Medians where nothing else is said; ! marks what is over its goal.")
}

func (o *table) section(heading string) {
	o.heading = heading
	fmt.Fprintf(&o.text, "\n%s\n", heading)
}

// line prints one figure, and its goal unless that is 0. A figure of 0 is one that is missing.
func (o *table) line(name string, value float64, format string, goal float64) {
	if value == 0 {
		o.absent = append(o.absent, o.heading+": "+name)
	}
	o.words(name, fmt.Sprintf(format, value), goalWords(value, format, goal))
}

func (o *table) words(name, value, goal string) {
	fmt.Fprintln(&o.text, strings.TrimRight(fmt.Sprintf("  %-46s %13s   %s", name, value, goal), " "))
}

func goalWords(value float64, format string, goal float64) string {
	if goal == 0 {
		return ""
	}
	unit := format[strings.Index(format, " "):]
	words := "goal ≤ " + strconv.FormatFloat(goal, 'f', -1, 64) + unit
	if value > goal {
		words += " !"
	}
	return words
}

func (o *table) starts(all []timing) {
	o.section(fmt.Sprintf("From \"run\" to the first baseline attempt, %d runs of control × wallet-single", len(all)))
	first := seconds(all, func(r timing) time.Duration { return r.first })
	o.line("less the app's own start", first.median, "%.2f s", goalFirstAttempt)
	o.words("  range", fmt.Sprintf("%.2f – %.2f s", first.least, first.most), "")
	o.line("  of it, waiting for the app's build to end", seconds(all, func(r timing) time.Duration { return r.parts[partBuild] }).median, "%.3f s", 0)
	o.line("the app's own start, left out above", seconds(all, func(r timing) time.Duration { return r.app }).median, "%.3f s", 0)
	o.line("from an interrupt to the exit", seconds(all, func(r timing) time.Duration { return r.interrupted }).median, "%.3f s", 0)
}

// benchContained starts and ends runs in containers, whose images are there, and puts them beside those on this machine.
func benchContained(t *testing.T, binary string, local []timing, out *table) {
	t.Helper()
	out.section("In containers and on this machine, from \"run\" to the first attempt and to the end")
	engine, err := docker.Connect(t.Context())
	if err != nil {
		out.words("there is no container engine", "", "")
		return
	}
	defer engine.Close()
	inside := benchStarts(t, binary, "--overlay", benchApp+"/docker.yaml")
	ready := func(r timing) time.Duration { return r.first + r.app }
	removed := func(r timing) time.Duration { return r.interrupted }
	out.line("ready in containers, images present", seconds(inside, ready).median, "%.2f s", goalContained)
	out.line("ready on this machine", seconds(local, ready).median, "%.2f s", 0)
	out.line("from an interrupt to all removed, in containers", seconds(inside, removed).median, "%.2f s", goalRemoved)
	out.line("from an interrupt to the exit, on this machine", seconds(local, removed).median, "%.2f s", 0)
}

func (o *table) whole(all []timing) {
	o.section(fmt.Sprintf("The harness's own time beyond the timeline, %d whole runs", len(all)))
	o.line("all of it", seconds(all, func(r timing) time.Duration { return r.beyond }).median, "%.2f s", goalBeyond)
	for p, name := range partNames {
		o.line("  "+name, seconds(all, func(r timing) time.Duration { return r.parts[p] }).median, "%.3f s", 0)
	}
}

func (o *table) reads(m map[string]float64) {
	o.section("A balance read over kept connections")
	fmt.Fprintf(&o.text, "  %-34s %14s %13s\n", "", "p50, 1 client", "8 clients")
	for _, p := range []struct{ key, name string }{
		{"direct", "direct to geth"}, {"toxiproxy", "through plain toxiproxy alone"}, {"link", "through our link alone"},
		{"gateway", "through a gateway alone"}, {"secure", "through a gateway, with TLS"}, {"both", "through link and gateway"},
	} {
		p50, rate := m[p.key+"-p50-µs"], m[p.key+"-requests/s"]
		if p50 == 0 || rate == 0 {
			o.absent = append(o.absent, o.heading+": "+p.name)
		}
		fmt.Fprintf(&o.text, "  %-34s %11.0f µs %11.0f/s\n", p.name, p50, rate)
	}
	o.line("what TLS adds", m["secure-p50-µs"]-m["gateway-p50-µs"], "%.0f µs", goalTLS)
}

// spanned is a figure over several runs, in seconds.
type spanned struct{ median, least, most float64 }

func seconds(all []timing, of func(timing) time.Duration) spanned {
	values := make([]time.Duration, len(all))
	for i, r := range all {
		values[i] = of(r)
	}
	slices.Sort(values)
	return spanned{values[len(values)/2].Seconds(), values[0].Seconds(), values[len(values)-1].Seconds()}
}

// command runs a program to its end and gives what it printed.
func command(t *testing.T, within time.Duration, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	timer := time.AfterFunc(within, func() { _ = cmd.Cancel() })
	defer timer.Stop()
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, text) // the figures that are missing then fail the test
	}
	return string(text)
}

// benchmarks runs benchmarks of a package in a process of their own. It gives their figures by name and unit.
func benchmarks(t *testing.T, pkg, pattern, benchtime string) map[string]map[string]float64 {
	t.Helper()
	text := command(t, 6*time.Minute, "go", "test", "-count=1", "-timeout=5m", "-tags=bench", "-run=^$", "-bench="+pattern, "-benchtime="+benchtime, pkg)
	found := map[string]map[string]float64{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name, _, _ := strings.Cut(fields[0], "-")
		found[name] = map[string]float64{}
		for i := 2; i+1 < len(fields); i += 2 {
			found[name][fields[i+1]], _ = strconv.ParseFloat(fields[i], 64)
		}
		t.Logf("%s: %s", name, strings.Join(fields[2:], " "))
	}
	return found
}
