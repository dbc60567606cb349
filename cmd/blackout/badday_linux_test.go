package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackout/harness/history"
	"blackout/reports/verdict"
)

// settled is how long anything of a bad day may take to end. On an idle machine it is a second or two.
const settled = 45 * time.Second

// TestBadApp is about apps that make a run impossible: exit status 4, one clear message, and everything cleaned up.
func TestBadApp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, misbehave string
		more            []string
		says            []string
	}{
		{
			name: "crashes at start", misbehave: "crash-at-start",
			says: []string{"start the app: instance app-0: ended before it was ready: exit status 7", "loading part 29", "fatal: no database, key ${HOT_KEY}"},
		},
		{
			name: "never gets ready", misbehave: "never-ready", more: []string{"--set", "ready.within=1s"},
			says: []string{"not ready within 1s", "GET /health: answered 503 Service Unavailable"},
		},
		{
			name: "never listens", misbehave: "hang-at-start,ignores-term", more: []string{"--set", "ready.within=1s"},
			says: []string{"not ready within 1s", "connection refused: nothing listens at its address yet"},
		},
		{
			name: "command is not there", more: []string{"--set", "start.command=[no-such-wallet]"},
			says: []string{`"no-such-wallet" is not in PATH`},
		},
		{
			name: "build fails", more: []string{"--set", "start.prepare=[/bin/sh, -c, 'echo no compiler; exit 9']"},
			says: []string{"its last output: no compiler", "exit status 9"},
		},
		{
			name: "asks none of our services", misbehave: "ignores-services,keeps-payments", more: []string{"--set", "journeys.send-payment=null"},
			says: []string{"preflight: the app answered", "asked none of the services of this world"},
		},
		{
			name: "keeps payments to itself", misbehave: "keeps-payments", more: []string{"--set", "journeys.send-payment.checks.payment.settle=2s"},
			says: []string{"preflight: send-payment was accepted", "no transaction to its recipient reached a provider"},
		},
		{
			name: "signs with a key of its own", misbehave: "foreign-key",
			says: []string{"foreign key", "an account that this run did not make"},
		},
		{
			name: "says words that are not listed", more: []string{"--set", "journeys.send-payment.states={pending: [waiting], confirmed: [confirmed]}"},
			says: []string{"the app file does not fit the app", `"pending"`},
		},
		{
			name: "crashes in the baseline", misbehave: "crash-after=9",
			says: []string{"ended by itself before anything was broken: exit status 3", "panic: out of luck"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, []string{"MISBEHAVE=" + c.misbehave}, tinyRun("alpha-down", c.more...)...)
			p.exits(exitEnvironment, settled)
			p.says(c.says...)
			checkReasons(t, p.ended(history.EndAborted, verdict.Inconclusive), `^the run was aborted: `)
			p.leavesNothing()
		})
	}
}

// TestPortTaken has the app at an address where somebody else listens.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	p := start(t, nil, tinyRun("alpha-down", "--set", "url=http://127.0.0.1:"+port, "--set", "start.env.PORT='"+port+"'", "--network", "shared")...) // in a network of its own no port is taken
	p.exits(exitEnvironment, settled)
	p.says("port "+port+" is taken", "stop the program that listens there")
	p.ended(history.EndAborted, verdict.Inconclusive)
	p.leavesNothing()
}

// TestFullDisk runs out of room for the history, and for the chain.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, limits string
		scratch      bool // TMPDIR is what is small, not the folder for the runs
	}{
		{name: "history", limits: "size=64k"},
		{name: "scratch", limits: "nr_inodes=1", scratch: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			small, copied := filepath.Join(t.TempDir(), "small"), filepath.Join(t.TempDir(), "copied")
			args := append([]string{c.limits, small, copied, "blackout"}, tinyRun("alpha-down")...)
			env := []string{}
			if c.scratch {
				env = append(env, "TMPDIR="+small)
				args = append(args, "--network", "shared") // a private network keeps its scratch in memory
			} else {
				args = append(args, "--out", small)
			}
			p := startAs(t, "smalldisk", ownMounts, env, args...)
			p.exits(exitEnvironment, settled)
			p.says("no space left on device")
			p.leavesNothing()
			if c.scratch {
				return
			}
			dirs, _ := filepath.Glob(copied + "/*/*")
			if len(dirs) != 1 {
				t.Fatalf("folders of runs: %q", dirs)
			}
			if h, err := history.ReadFolder(dirs[0]); err != nil || h.Seal != nil || len(h.Stages) == 0 {
				t.Errorf("history: sealed %t, error %v", err == nil && h.Seal != nil, err)
			}
		})
	}
}

// stages are the moments of a run at which something from outside may strike, with the text in its history that shows each.
var stages = []struct{ name, shows string }{
	{"at once", ""},
	{"boot", `"record":"header"`},
	{"start the app", `"name":"start the app"`},
	{"preflight", `"name":"preflight"`},
	{"baseline", `"record":"attempt"`},
	{"outage", `"state":"injecting"`},
	{"after", `"state":"cleared"`},
	{"drain", `"name":"drain"`},
}

// cutOff is why a run says nothing whose history has no end.
const cutOff = `^the run was cut off: its history has no seal$`

// slowly makes stages long enough to be struck.
var slowly = []string{"MISBEHAVE=slow=300ms,slow-word=3s"}

// TestInterrupt stops a run by one Ctrl-C in each stage.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, stage := range stages {
		t.Run(stage.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, slowly, tinyRun("alpha-down")...)
			p.awaits(stage.shows, settled+30*time.Second)
			p.signal(p.cmd.Process.Pid, syscall.SIGINT)
			p.exits(verdict.ExitInterrupted, settled)
			p.says("Interrupted")
			v := p.ended(history.EndInterrupted, verdict.Inconclusive)
			if i := slices.Index(v.Reasons, "the run was interrupted"); i != 0 { // others may follow: what the fault had not shown by then
				t.Errorf("reasons: %q", v.Reasons)
			}
			p.leavesNothing()
		})
	}
}

// TestInterruptBuild stops a run while the app is built.
func TestInterruptBuild(t *testing.T) {
	t.Parallel()
	p := start(t, nil, tinyRun("alpha-down", "--set", "start.prepare=[/bin/sh, -c, 'sleep 300']")...)
	p.awaits(`"name":"start the app"`, settled)
	p.signal(p.cmd.Process.Pid, syscall.SIGTERM)
	p.exits(verdict.ExitInterrupted, settled)
	p.ended(history.EndInterrupted, verdict.Inconclusive)
	p.leavesNothing()
}

// TestInterruptSkipsTheRest begins no further run after an interrupt.
func TestInterruptSkipsTheRest(t *testing.T) {
	t.Parallel()
	p := start(t, slowly, tinyRun("alpha-down", "testdata/tiny/good-day.yaml")...)
	p.awaits(`"name":"preflight"`, settled)
	p.signal(p.cmd.Process.Pid, syscall.SIGHUP)
	p.exits(verdict.ExitInterrupted, settled)
	p.ended(history.EndInterrupted, verdict.Inconclusive) // of the one folder that there is
	p.leavesNothing()
}

// TestReaderGone runs into a closed pipe, as before "| head" and as before "| tee" at Ctrl-C: the run is reported all the same.
func TestReaderGone(t *testing.T) {
	t.Parallel()
	p := startAs(t, "blackout", func(c *exec.Cmd) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		t.Cleanup(func() { _ = w.Close() })
		c.Stdout = w
	}, []string{"MISBEHAVE=crash-at-start"}, tinyRun("alpha-down")...)
	p.exits(exitEnvironment, settled)
	p.ended(history.EndAborted, verdict.Inconclusive)
	p.leavesNothing()
}

// TestInterruptTwice quits at once, though the app does not want to end.
func TestInterruptTwice(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"MISBEHAVE=ignores-term,child"}, tinyRun("alpha-down")...)
	p.awaits(`"record":"attempt"`, settled)
	p.signal(p.cmd.Process.Pid, syscall.SIGINT)
	p.until("the first interrupt is answered", settled, func() bool { return strings.Contains(p.stderr.String(), "Interrupted") })
	p.signal(p.cmd.Process.Pid, syscall.SIGINT)
	p.exits(verdict.ExitInterrupted, settled)
	checkReasons(t, p.ended("", verdict.Inconclusive), cutOff) // a seal would have waited for the app
	p.leavesNothing()
}

// TestKilled kills the program with SIGKILL, which no program can answer.
func TestKilled(t *testing.T) {
	t.Parallel()
	for _, stage := range stages {
		if stage.name != "boot" && stage.name != "baseline" && stage.name != "outage" {
			continue
		}
		t.Run(stage.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, []string{"MISBEHAVE=ignores-term,child"}, tinyRun("alpha-down")...)
			p.awaits(stage.shows, settled)
			p.signal(p.cmd.Process.Pid, syscall.SIGKILL)
			<-p.done
			p.leavesNothing()
			if h := p.history(); h.Seal != nil && h.Seal.End != history.EndInterrupted {
				t.Errorf("sealed as %s: %s", h.Seal.End, h.Seal.Reason)
			}
			again := start(t, nil, "report", p.folder())
			again.exits(verdict.ExitInterrupted, settled)
			again.leavesNothing()
		})
	}
}

// TestCellKilled kills the run's own process, as the kernel does when memory is short.
func TestCellKilled(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"MISBEHAVE=ignores-term,child"}, tinyRun("alpha-down")...)
	p.awaits(`"record":"attempt"`, settled)
	p.signal(p.find("blackout cell"), syscall.SIGKILL)
	p.exits(exitEnvironment, settled)
	p.says("signal: killed")
	p.leavesNothing()
	checkReasons(t, p.ended("", verdict.Inconclusive), cutOff)
	start(t, nil, "report", p.folder()).exits(verdict.ExitInconclusive, settled)
}

// TestTerminated sends SIGTERM to the run's own process: it heals and seals like at an interrupt.
func TestTerminated(t *testing.T) {
	t.Parallel()
	p := start(t, nil, tinyRun("alpha-down")...)
	p.awaits(`"record":"attempt"`, settled)
	p.signal(p.find("blackout cell"), syscall.SIGTERM)
	p.exits(verdict.ExitInterrupted, settled)
	p.ended(history.EndInterrupted, verdict.Inconclusive)
	p.leavesNothing()
}
