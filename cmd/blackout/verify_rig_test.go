//go:build verify || nightly || calibrate || outside

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
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"blackout/harness/history"
	"blackout/reports"
	"blackout/reports/markdown"
	"blackout/reports/verdict"
)

// The sample apps.
const (
	single    = "wallet-single"
	resilient = "wallet-resilient"
	// calibration is the wallet whose defences can be taken away one by one.
	calibration = "wallet-calibration"
)

// gallery is an app of these tests, by its folder: it shows files of storage services, which the sample apps do not.
const gallery = "cmd/blackout/testdata/gallery"

// byname is another: it finds its provider by host name, which the sample wallets of one provider do not.
const byname = "cmd/blackout/testdata/byname"

// longest bounds one call of the program, all its runs together.
const longest = 8 * time.Minute

// rig runs the program as a user does: built by go build, started in the repository's root, read by what it leaves behind.
type rig struct {
	t            *testing.T
	root, binary string
	out          string // kept with -artifacts, removed else
	orders       int
}

func newRig(t *testing.T) *rig {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, root: root, binary: filepath.Join(t.TempDir(), "blackout"), out: t.ArtifactDir()}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", r.binary, "./cmd/blackout")
	build.Dir = root
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	return r
}

// order is one call of "blackout run": each scenario with each app. An app is a sample app by its name, or another by its folder, whose name is the app's.
type order struct {
	scenarios, apps, set []string
	world, network       string // "" for the default
	overlay              string // a file laid over the app; "" for none
	seed                 uint64
	repeat               int // with so many seeds from seed on; 0 is 1
	parallel             int
	env                  []string // more of the program's environment
	unclear              bool     // a run may say nothing: not every scenario says something of every app
	// beside, unless it is nil, goes on beside the program and is waited for: out is the folder for the runs. ctx ends when the program has ended.
	beside func(ctx context.Context, out string)
}

func (o order) args(out string) []string {
	args := append([]string{"run"}, o.scenarios...)
	for _, app := range o.apps {
		if !strings.Contains(app, "/") {
			app = "scenarios/apps/" + app
		}
		args = append(args, "--app", app)
	}
	if o.world != "" {
		args = append(args, "--world", o.world)
	}
	if o.overlay != "" {
		args = append(args, "--overlay", o.overlay)
	}
	if o.network != "" {
		args = append(args, "--network", o.network)
	}
	for _, set := range o.set {
		args = append(args, "--set", set)
	}
	if o.repeat > 1 {
		args = append(args, "--repeat", strconv.Itoa(o.repeat))
	}
	return append(args, "--seed", strconv.FormatUint(o.seed, 10), "--parallel", strconv.Itoa(o.parallel), "--out", out)
}

// runsAtOnce is how many runs the tests together make at one time: what two processors bear without attempts that are sent late.
const runsAtOnce = 8

// room is shared by all tests, which may go on side by side.
var room = semaphore.NewWeighted(runsAtOnce)

// waitForRoom waits until there is room for so many runs more, and takes it until the returned function is called.
func waitForRoom(t *testing.T, runs int) (leave func()) {
	t.Helper()
	n := int64(min(runs, runsAtOnce))
	if err := room.Acquire(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	return func() { room.Release(n) }
}

// mostTries is how often a run is made when the machine is too busy for it.
const mostTries = 4

// done is one run with its folder.
type done struct {
	*verdict.Verdict
	dir string
}

// run carries out an order and gives its runs, by app and id. A run that says nothing because the machine was too busy is made again, alone, at most mostTries times in
// all. One that says nothing after that, or for any other reason, fails the test.
func (r *rig) run(o order) []done {
	r.t.Helper()
	runs := r.once(o, o.parallel)
	for i, d := range runs {
		for try := 1; r.tooBusy(d) && try < mostTries; try++ {
			r.t.Logf("the machine was too busy for %s under %s, seed %d: again, alone (%s)", d.Run.App, d.Run.Scenario, d.Run.Seed, strings.Join(d.Reasons, "; "))
			again := o
			again.seed, again.repeat = d.Run.Seed, 0
			again.scenarios, again.apps, again.parallel = []string{r.scenarioOf(o, d)}, []string{r.appOf(o, d)}, 1
			d = r.once(again, runsAtOnce)[0]
			runs[i] = d
		}
		if d.Verdict.Verdict == verdict.Inconclusive && !o.unclear {
			r.t.Errorf("%s under %s, seed %d is inconclusive: %s", d.Run.App, d.Run.Scenario, d.Run.Seed, strings.Join(d.Reasons, "; "))
		}
	}
	return runs
}

// scenarioOf finds what the order calls a run's scenario: its name, or a file.
func (r *rig) scenarioOf(o order, d done) string {
	for _, name := range o.scenarios {
		if strings.TrimSuffix(filepath.Base(name), ".yaml") == d.Run.Scenario {
			return name
		}
	}
	r.t.Fatalf("nobody ordered %s", d.Run.Scenario)
	return ""
}

// appOf finds what the order calls a run's app: its name, or a folder.
func (r *rig) appOf(o order, d done) string {
	for _, app := range o.apps {
		if filepath.Base(app) == d.Run.App {
			return app
		}
	}
	r.t.Fatalf("nobody ordered %s", d.Run.App)
	return ""
}

// once makes the runs of an order when there is room for so many.
func (r *rig) once(o order, room int) []done {
	r.t.Helper()
	defer waitForRoom(r.t, room)()
	r.orders++
	out := filepath.Join(r.out, fmt.Sprintf("%02d", r.orders))
	ctx, cancel := context.WithTimeout(r.t.Context(), longest)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.binary, o.args(out)...)
	cmd.Dir, cmd.Env = r.root, append(os.Environ(), o.env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	err := r.withCompany(ctx, cmd, out, o.beside)
	took := time.Since(began)
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		r.t.Fatalf("%v: %v\n%s", cmd.Args, err, said.String())
	}

	runs := r.read(out)
	if want := len(o.scenarios) * len(o.apps) * max(1, o.repeat); len(runs) != want {
		r.t.Fatalf("%v left %d runs, not %d\n%s", cmd.Args, len(runs), want, said.String())
	}
	codes := make([]int, 0, len(runs))
	for _, d := range runs {
		r.t.Logf("%-18s %-24s seed %-3d %-13s %s (%.0f s)", d.Run.App, d.Run.Scenario, d.Run.Seed, d.Verdict.Verdict, markdown.Grade(d.Verdict), took.Seconds())
		codes = append(codes, verdict.ExitCode(d.Verdict, true))
	}
	if got, want := cmd.ProcessState.ExitCode(), verdict.WorstExit(codes...); got != want {
		r.t.Errorf("%v ended with status %d; its runs make it %d\n%s", cmd.Args, got, want, said.String())
	}
	return runs
}

// withCompany runs a command and something beside it.
func (r *rig) withCompany(ctx context.Context, cmd *exec.Cmd, out string, beside func(context.Context, string)) error {
	if beside == nil {
		return cmd.Run()
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	left := make(chan struct{})
	go func() {
		defer close(left)
		beside(ctx, out)
	}()
	err := cmd.Wait()
	cancel()
	<-left
	return err
}

// beside is the rig for a test that runs beside others: with a folder of its own.
func (r *rig) beside(t *testing.T) *rig {
	return &rig{t: t, root: r.root, binary: r.binary, out: filepath.Join(r.out, strings.ReplaceAll(t.Name(), "/", "-"))}
}

func (r *rig) read(out string) (runs []done) {
	r.t.Helper()
	dirs, err := filepath.Glob(filepath.Join(out, "*", "*"))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, reports.RepeatName)); err == nil {
			continue // how the runs of several seeds spread, and no run
		}
		text, err := os.ReadFile(filepath.Join(dir, reports.VerdictName))
		if err != nil {
			r.t.Fatal(err)
		}
		var v verdict.Verdict
		if err := json.Unmarshal(text, &v); err != nil {
			r.t.Fatalf("%s: %v", dir, err)
		}
		runs = append(runs, done{&v, dir})
	}
	return runs
}

// tooBusy reports whether a run is inconclusive because it sent attempts late itself, and for nothing that this cannot explain: too few attempts are left, or the app was as
// slow as the machine in the baseline.
func (r *rig) tooBusy(d done) bool {
	r.t.Helper()
	void := func(reason string) bool { return strings.Contains(reason, " are void: ") }
	explained := func(reason string) bool {
		return void(reason) || strings.Contains(reason, " was not steady in the baseline: ") || strings.HasPrefix(reason, "only ")
	}
	if d.Verdict.Verdict != verdict.Inconclusive || !slices.ContainsFunc(d.Reasons, void) || !all(d.Reasons, explained) {
		return false
	}
	j, err := verdict.Judge(r.history(d))
	if err != nil {
		r.t.Fatalf("%s: %v", d.dir, err)
	}
	return !slices.ContainsFunc(j.Attempts, func(a verdict.Judged) bool {
		return a.Class == verdict.Void && (a.At-a.Due).Duration() < 50*time.Millisecond // void for another reason
	})
}

func all(texts []string, hold func(string) bool) bool {
	return !slices.ContainsFunc(texts, func(text string) bool { return !hold(text) })
}

func (r *rig) history(d done) *history.History {
	r.t.Helper()
	h, err := history.ReadFolder(d.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	return h
}

// of picks the one run of an app.
func of(t *testing.T, runs []done, app string) done {
	t.Helper()
	i := slices.IndexFunc(runs, func(d done) bool { return d.Run.App == app })
	if i < 0 {
		t.Fatalf("no run of %s", app)
	}
	return runs[i]
}

// hastier has users pay more often than the sample apps' files say, so that 20 payments take 7 s and not 10. wallet-single makes one payment at a
// time, and its six calls to a provider 40 ms away take a quarter of a second: at 4/s it would be behind for ever.
const hastier = "journeys.send-payment.rate=3/s"

// shortControl is the order for a run of about half a minute of each sample app in which nothing fails. It is as short as the rules let it be: 20 attempts of each
// journey before and during the time in which faults would act, and the 20 s after it that are scored.
func shortControl(seed uint64) order {
	return order{
		scenarios: []string{"control"}, apps: []string{single, resilient}, seed: seed, parallel: 2,
		set: []string{hastier, "scenario.baseline=7s", "scenario.phases[0].for=7s", "scenario.after=20s"},
	}
}

// clean checks that a control found nothing.
func clean(t *testing.T, d done) bool {
	t.Helper()
	if d.Verdict.Verdict == verdict.Pass && len(d.Findings) == 0 {
		return true
	}
	t.Errorf("%s under %s, seed %d: %s %q, findings %s", d.Run.App, d.Run.Scenario, d.Run.Seed, d.Verdict.Verdict, d.Reasons, findingsText(d))
	return false
}

// findingIDs are the ids of the findings that are wrong or harmful, sorted.
func findingIDs(d done) (ids []string) {
	for _, f := range d.Findings {
		if f.Class == verdict.Wrong || f.Class == verdict.Harmful {
			ids = append(ids, f.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// findingsText lists findings for a message: id, how often, the first in words.
func findingsText(d done) string {
	lines := make([]string, len(d.Findings))
	for i, f := range d.Findings {
		lines[i] = fmt.Sprintf("\n  %s, %s, %d times from %.1f s: %s", f.ID, f.Class, f.Count, f.FirstAtS, f.Text)
	}
	return strings.Join(lines, "")
}
