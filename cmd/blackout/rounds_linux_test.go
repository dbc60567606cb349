package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/reports"
	"blackout/reports/repeat"
	"blackout/reports/trace"
	"blackout/reports/verdict"
)

// named splits the folders below --out: the runs', their controls' and those of repeat.json.
func (p *program) named() (runs, controls, repeats []string) {
	for _, dir := range p.folders() {
		switch {
		case strings.HasSuffix(dir, reports.ControlSuffix):
			controls = append(controls, dir)
		case strings.Contains(filepath.Base(dir), "-x"):
			repeats = append(repeats, dir)
		default:
			runs = append(runs, dir)
		}
	}
	return runs, controls, repeats
}

// TestControlAndRepeat runs an app that shows zero in an outage with two seeds, each against its control: without faults it is fine, so that the flaw is the outage's.
func TestControlAndRepeat(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"MISBEHAVE=zero-on-failure"}, tinyRun("alpha-down", "--control", "--repeat", "2", "--seed", "5", "--parallel", "2")...)
	p.exits(verdict.ExitFail, 2*whole)
	p.leavesNothing()
	runs, controls, repeats := p.named()
	if len(runs) != 2 || len(controls) != 2 || len(repeats) != 1 {
		t.Fatalf("folders: %q", p.folders())
	}
	var seeds []uint64
	for _, dir := range runs {
		v, control := readVerdict(t, dir), readVerdict(t, dir+reports.ControlSuffix)
		seeds = append(seeds, v.Run.Seed)
		want := &verdict.Control{Run: filepath.Base(dir) + reports.ControlSuffix, Verdict: verdict.Pass, Reasons: []string{}}
		if diff := cmp.Diff(want, v.Control); diff != "" || v.Verdict != verdict.Fail || v.Score == nil {
			t.Errorf("%s: %s %q, control (-want +got):\n%s", dir, v.Verdict, v.Reasons, diff)
		}
		if control.Verdict != verdict.Pass || !control.Run.Control || len(control.Findings)+len(control.Faults) > 0 || control.Run.Seed != v.Run.Seed {
			t.Errorf("the control: %s %q, %+v", control.Verdict, control.Reasons, control.Run)
		}
		samePlans(t, dir)
		traceFinding(t, dir, v)
	}
	slices.Sort(seeds)
	if diff := cmp.Diff([]uint64{5, 6}, seeds); diff != "" {
		t.Errorf("seeds: %s", diff)
	}

	text, err := os.ReadFile(filepath.Join(repeats[0], reports.RepeatName))
	if err != nil {
		t.Fatal(err)
	}
	var s repeat.Spread
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	if s.Asked != 2 || len(s.Runs) != 2 || s.Verdicts[verdict.Fail] != 2 || s.Passed != 0 || s.Severity != verdict.Misleading || s.Score == nil || s.Score.Interval == nil || len(s.Journeys) != 2 {
		t.Errorf("%s", text)
	}
	p.says("tiny under alpha-down over 2 seeds", "0 of 2 passed, 2 failed; worst severity misleading", "95 % interval of the mean")

	// Judged again, a run is held against its control again; a scorecard counts runs, not controls.
	start(t, nil, "report", runs[0]).exits(verdict.ExitFail, settled)
	if v := readVerdict(t, runs[0]); v.Control == nil {
		t.Error("judged again, it has lost its control")
	}
	card := start(t, nil, "scorecard", p.out, "--format", "json")
	card.exits(verdict.ExitPass, settled)
	if out := card.stdout.String(); strings.Contains(out, reports.ControlSuffix) || !strings.Contains(out, filepath.Base(runs[1])) {
		t.Errorf("scorecard:\n%s", out)
	}
}

// samePlans checks that a run and its control were planned alike but for the faults.
func samePlans(t *testing.T, dir string) {
	t.Helper()
	var plans [2]*plan.Plan
	for i, of := range []string{dir, dir + reports.ControlSuffix} {
		text, err := os.ReadFile(filepath.Join(of, "plan.json"))
		if err != nil {
			t.Fatal(err)
		}
		if plans[i], err = plan.Decode(text); err != nil {
			t.Fatal(err)
		}
	}
	run, control := plans[0], plans[1]
	if run.Control || !control.Control || len(control.Effects) > 0 || len(run.Effects) == 0 {
		t.Errorf("control %v and %v, %d effects and %d", run.Control, control.Control, len(run.Effects), len(control.Effects))
	}
	if run.End != control.End || run.OutageEnd != control.OutageEnd || !cmp.Equal(run.Phases, control.Phases) || !cmp.Equal(run.Services, control.Services) {
		t.Error("the control has another timeline or world")
	}
}

// traceFinding has the story of the run's first finding told, for people and for programs.
func traceFinding(t *testing.T, dir string, v *verdict.Verdict) {
	t.Helper()
	if len(v.Findings) == 0 {
		t.Fatal("no finding")
	}
	f := v.Findings[0]
	told := start(t, nil, "trace", dir, f.ID)
	told.exits(verdict.ExitPass, settled)
	told.mentions("touched by c1/http-status/alpha") // calls for other users in that time are told too
	told.says("the first of the", "by zero-balance", "true at no block of the run", "What the chain knew: ethereum")
	asJSON := start(t, nil, "trace", dir, f.Attempts[0], "--json")
	asJSON.exits(verdict.ExitPass, settled)
	var s trace.Story
	if err := json.Unmarshal([]byte(asJSON.stdout.String()), &s); err != nil {
		t.Fatal(err)
	}
	if s.Attempt.ID != f.Attempts[0] || s.Decision.Check != "zero-balance" || len(s.Calls) == 0 || len(s.Faults) != 1 || s.Faults[0].Calls == 0 {
		t.Errorf("%s", asJSON.stdout.String())
	}
}

// TestControlThatSpeaks runs an app that dies by itself after a while: that it does so in an outage too says nothing about the outage.
func TestControlThatSpeaks(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"MISBEHAVE=crash-after=36"}, tinyRun("alpha-down", "--control")...)
	p.exits(verdict.ExitInconclusive, 2*whole)
	p.leavesNothing()
	runs, controls, repeats := p.named()
	if len(runs) != 1 || len(controls) != 1 || len(repeats) != 0 {
		t.Fatalf("folders: %q", p.folders())
	}
	v := readVerdict(t, runs[0])
	if v.Verdict != verdict.Inconclusive || v.Control == nil || len(v.Control.Reasons) == 0 {
		t.Fatalf("%s %q, control %+v", v.Verdict, v.Reasons, v.Control)
	}
	p.scoreless(v)
	for _, reason := range v.Control.Reasons {
		if !strings.HasPrefix(reason, "the control, without faults, ") || !slices.Contains(v.Reasons, reason) {
			t.Errorf("reason %q, all are %q", reason, v.Reasons)
		}
	}
}

// TestControlThatDoesNotEnd: the run does not start when its control could not be played to its end.
func TestControlThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	t.Run("aborted", func(t *testing.T) {
		t.Parallel()
		p := start(t, []string{"MISBEHAVE=crash-after=9"}, tinyRun("alpha-down", "--control")...)
		p.exits(exitEnvironment, settled)
		p.says("(seed 1, control)", "ended by itself before anything was broken: exit status 3")
		onlyControl(t, p, history.EndAborted)
	})
	t.Run("interrupted", func(t *testing.T) {
		t.Parallel()
		p := start(t, nil, tinyRun("alpha-down", "--control")...)
		p.awaits("view-balance#5", settled)
		p.signal(p.cmd.Process.Pid, syscall.SIGINT)
		p.exits(exitInterrupted, settled)
		onlyControl(t, p, history.EndInterrupted)
	})
}

func onlyControl(t *testing.T, p *program, end string) {
	t.Helper()
	p.ended(end, verdict.Inconclusive)
	p.leavesNothing()
	runs, controls, _ := p.named()
	if len(runs) > 0 || len(controls) != 1 {
		t.Errorf("folders: %q", p.folders())
	}
	if len(controls) == 1 {
		if _, err := os.Stat(strings.TrimSuffix(controls[0], reports.ControlSuffix)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the run has a folder: %v", err)
		}
	}
}
