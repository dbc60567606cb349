package main

import (
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/history"
	"blackout/reports/verdict"
)

// TestAppDown ends and stops the processes of an app that comes up again, and of one that does not: that one is to blame, and not the run.
func TestAppDown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, misbehave string
		code            int
		verdict         string
		lives           []string // of the instance, within the timeline
	}{
		{"comes up again", "child", verdict.ExitPass, verdict.Pass, []string{"stopped", "started", "stopped", "started", "stopped"}},
		{"starts once", "starts-once", verdict.ExitFail, verdict.Fail, []string{"stopped", "started", "exited", "started", "exited"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, []string{"MISBEHAVE=" + c.misbehave, "ENVIRONMENT_TO=" + filepath.Join(t.TempDir(), "environment")}, tinyRun("app-down")...)
			p.exits(c.code, whole)
			v := p.ended(history.EndComplete, c.verdict)
			h := p.history()
			var lives []string
			for _, a := range h.Apps {
				if a.At > h.Timeline.At {
					lives = append(lives, a.Event)
				}
			}
			if diff := cmp.Diff(c.lives, lives); diff != "" {
				t.Errorf("the instance's lives (-want +got):\n%s", diff)
			}
			broken := slices.ContainsFunc(v.Findings, func(f verdict.Finding) bool { return f.Check == "not-recovered" })
			if broken != (c.verdict == verdict.Fail) {
				t.Errorf("not-recovered is %t", broken)
			}
			if len(v.Faults) != 4 {
				t.Errorf("%d faults", len(v.Faults))
			}
			for _, f := range v.Faults {
				if f.Instance != "app-0" || f.Service != "" || f.ConfirmedAtS == nil || f.ClearedAtS == nil {
					t.Errorf("%+v", f)
				}
			}
			p.leavesNothing()
		})
	}
}

// TestStruckWhileTheAppIsDown interrupts and kills runs while a fault holds the app: nothing may stay, also nothing that stands still.
func TestStruckWhileTheAppIsDown(t *testing.T) {
	t.Parallel()
	for name, shows := range map[string]string{"still": `/app-paused/app-0","state":"confirmed"`, "down": `/app-stopped/app-0","state":"confirmed"`} {
		t.Run(name+", interrupted", func(t *testing.T) {
			t.Parallel()
			p := start(t, []string{"MISBEHAVE=child"}, tinyRun("app-down")...)
			p.awaits(shows, settled)
			p.signal(p.cmd.Process.Pid, syscall.SIGINT)
			p.exits(verdict.ExitInterrupted, settled)
			for _, f := range p.ended(history.EndInterrupted, verdict.Inconclusive).Faults {
				if f.InjectedAtS != nil && f.ClearedAtS == nil {
					t.Errorf("%s was not healed", f.ID)
				}
			}
			p.leavesNothing()
		})
		t.Run(name+", killed", func(t *testing.T) {
			t.Parallel()
			p := start(t, []string{"MISBEHAVE=ignores-term,child"}, tinyRun("app-down")...)
			p.awaits(shows, settled)
			p.signal(p.cmd.Process.Pid, syscall.SIGKILL)
			<-p.done
			p.leavesNothing()
		})
		t.Run(name+", cell killed", func(t *testing.T) {
			t.Parallel()
			p := start(t, []string{"MISBEHAVE=ignores-term,child"}, tinyRun("app-down")...)
			p.awaits(shows, settled)
			p.signal(p.find("blackout cell"), syscall.SIGKILL)
			p.exits(exitEnvironment, settled)
			p.leavesNothing()
		})
	}
}
