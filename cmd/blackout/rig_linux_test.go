package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/reports"
	"blackout/reports/verdict"
)

func platformPrograms() map[string]func() {
	return map[string]func(){
		"smalldisk": func() { os.Exit(smallDisk()) },
		"busyloop":  func() { os.Exit(busyLoop()) },
	}
}

// program is blackout running as a process of its own, in folders of its own. Every process of it carries a mark in its environment.
type program struct {
	t              *testing.T
	cmd            *exec.Cmd
	mark           string
	out, tmp       string // --out and TMPDIR
	stdout, stderr safeBuffer
	done           chan struct{}
}

// safeBuffer is what a process prints, readable while it does.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// tinyRun is the command line of a run of the tiny app.
func tinyRun(scenario string, more ...string) []string {
	return append([]string{"run", "testdata/tiny/" + scenario + ".yaml", "--app", "testdata/tiny", "--world", "testdata/tiny/world.yaml"}, more...)
}

// start starts blackout with more variables in its environment. What is left of it when the test ends fails the test, and is killed.
func start(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	return startAs(t, "blackout", func(*exec.Cmd) {}, env, args...)
}

// startAs is start with another program, and with a word in how it is started.
func startAs(t *testing.T, name string, prepare func(*exec.Cmd), env []string, args ...string) *program {
	t.Helper()
	dir := t.TempDir()
	p := &program{t: t, out: filepath.Join(dir, "runs"), tmp: filepath.Join(dir, "tmp"), done: make(chan struct{})}
	p.mark = "mark-" + hex.EncodeToString([]byte(filepath.Base(filepath.Dir(dir))+filepath.Base(dir)))
	if err := os.Mkdir(p.tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(args, "run") && !slices.Contains(args, "--out") {
		args = append(args, "--out", p.out)
	}
	p.cmd = exec.Command(path, args...)
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + p.tmp, "MARK=" + p.mark}, env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	prepare(p.cmd)
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // code tells
	}()
	t.Cleanup(func() {
		for _, pid := range p.processes() {
			t.Errorf("left running: %d %s", pid, commandLine(pid))
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if t.Failed() {
			t.Logf("stdout:\n%s\nstderr:\n%s", p.stdout.String(), p.stderr.String())
		}
	})
	return p
}

// code waits for the program's end and gives its exit status.
func (p *program) code(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		p.t.Fatalf("it still runs after %s", within)
		return -1
	}
}

// exits checks the exit status.
func (p *program) exits(want int, within time.Duration) {
	p.t.Helper()
	if got := p.code(within); got != want {
		p.t.Fatalf("exit status %d, not %d", got, want)
	}
}

// says checks that the program said each text, wherever it broke the lines, and said it once.
func (p *program) says(texts ...string) {
	p.t.Helper()
	all := strings.Join(strings.Fields(p.stdout.String()+"\n"+p.stderr.String()), " ")
	for _, text := range texts {
		if n := strings.Count(all, text); n != 1 {
			p.t.Errorf("%q was said %d times", text, n)
		}
	}
}

// mentions checks that the program said each text, once or more often.
func (p *program) mentions(texts ...string) {
	p.t.Helper()
	all := strings.Join(strings.Fields(p.stdout.String()+"\n"+p.stderr.String()), " ")
	for _, text := range texts {
		if !strings.Contains(all, text) {
			p.t.Errorf("%q was not said", text)
		}
	}
}

// leavesNothing checks that nothing but the run's folder is left: no process, no file.
func (p *program) leavesNothing() {
	p.t.Helper()
	p.until("its processes are gone and TMPDIR is empty", settled, func() bool {
		entries, err := os.ReadDir(p.tmp)
		return err == nil && len(entries) == 0 && len(p.processes()) == 0
	})
}

// until waits for a condition.
func (p *program) until(what string, within time.Duration, holds func() bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), within)
	defer cancel()
	for !holds() {
		if clock.Sleep(ctx, 10*time.Millisecond) != nil {
			entries, _ := filepath.Glob(p.tmp + "/*")
			p.t.Fatalf("not within %s: %s (processes %v, files %v)", within, what, p.processes(), entries)
		}
	}
}

// processes lists the live processes that carry the mark. A zombie has no environment.
func (p *program) processes() (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte("MARK="+p.mark)) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// find gives the process of the program that runs a command: "cell", "tinywallet".
func (p *program) find(word string) int {
	p.t.Helper()
	var found int
	p.until("a process of "+word, 20*time.Second, func() bool {
		for _, pid := range p.processes() {
			if strings.Contains(commandLine(pid), word) {
				found = pid
			}
		}
		return found != 0
	})
	return found
}

func commandLine(pid int) string {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	return strings.ReplaceAll(string(text), "\x00", " ")
}

// folders lists the runs' folders.
func (p *program) folders() []string {
	dirs, _ := filepath.Glob(p.out + "/*/*")
	return dirs
}

// folder is the one run's folder.
func (p *program) folder() string {
	p.t.Helper()
	dirs := p.folders()
	if len(dirs) != 1 {
		p.t.Fatalf("%d folders of runs: %q", len(dirs), dirs)
	}
	return dirs[0]
}

// history reads the run's history.
func (p *program) history() *history.History {
	p.t.Helper()
	h, err := history.ReadFolder(p.folder())
	if err != nil {
		p.t.Fatal(err)
	}
	return h
}

// awaits waits until the history of the run that goes on holds a text; "" is there as soon as the run's folder is.
func (p *program) awaits(text string, within time.Duration) {
	p.t.Helper()
	p.until("the history holds "+text, within, func() bool {
		select {
		case <-p.done:
			p.t.Fatalf("it ended, status %d, before its history held %s", p.cmd.ProcessState.ExitCode(), text)
		default:
		}
		dirs := p.folders()
		if len(dirs) == 0 {
			return false
		}
		lines, _ := os.ReadFile(filepath.Join(dirs[0], history.PlainName))
		return bytes.Contains(lines, []byte(text))
	})
}

func (p *program) signal(pid int, s syscall.Signal) {
	p.t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		p.t.Fatalf("signal %d: %v", pid, err)
	}
}

// verdict reads a run's verdict.json.
func readVerdict(t *testing.T, dir string) *verdict.Verdict {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, reports.VerdictName))
	if err != nil {
		t.Fatal(err)
	}
	var v verdict.Verdict
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return &v
}

// ended checks how the run's history was sealed and what the verdict is, that there is a report, and that a run which says nothing has no score.
func (p *program) ended(how, as string) *verdict.Verdict {
	p.t.Helper()
	h := p.history()
	switch {
	case h.Seal == nil && how != "":
		p.t.Errorf("the history is not sealed")
	case h.Seal != nil && h.Seal.End != how:
		p.t.Errorf("the history is sealed as %s (%s), not %s", h.Seal.End, h.Seal.Reason, how)
	}
	v := readVerdict(p.t, p.folder())
	if v.Verdict != as {
		p.t.Errorf("verdict %s, not %s: %q", v.Verdict, as, v.Reasons)
	}
	if as == verdict.Inconclusive || as == verdict.NotApplicable {
		p.scoreless(v)
	}
	for _, name := range []string{reports.HTMLName, reports.SummaryName, reports.JUnitName} {
		if info, err := os.Stat(filepath.Join(p.folder(), name)); err != nil || info.Size() == 0 {
			p.t.Errorf("%s: %v", name, errors.Join(err, errors.New("missing or empty")))
		}
	}
	return v
}

// scoreless checks that a verdict has reasons, and neither score nor grade nor severity: of the run, or of a journey.
func (p *program) scoreless(v *verdict.Verdict) {
	p.t.Helper()
	if v.Score != nil || v.Grade != "?" || v.Severity != verdict.Unknown || len(v.Reasons) == 0 {
		p.t.Errorf("score %v, grade %s, severity %s, reasons %q", v.Score, v.Grade, v.Severity, v.Reasons)
	}
	for _, c := range v.Cells {
		if c.Score != nil || c.Sum != nil {
			p.t.Errorf("%s has the score %v", c.Journey, c.Score)
		}
	}
}
