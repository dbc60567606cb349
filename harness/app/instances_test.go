package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/fault"
	"blackout/harness/spec"
)

// answers asks the app's only instance once, within a moment.
func answers(t *testing.T, a *App, path string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL(0)+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err == nil {
		resp.Body.Close()
	}
	return err
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// hand does things to the only instance of an app that runs, as effects do. Each effect has a grip of its own, by its name.
type hand struct {
	t     *testing.T
	app   *App
	grips map[string]*fault.Grip
}

func handOn(t *testing.T, cfg Config) *hand {
	t.Helper()
	a, err := start(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &hand{t: t, app: a, grips: map[string]*fault.Grip{}}
}

func (h *hand) does(what func(*App, context.Context, *fault.Grip) error, effect string) {
	h.t.Helper()
	if h.grips[effect] == nil {
		h.grips[effect] = &fault.Grip{ID: effect, Instance: "app-0"}
	}
	if err := what(h.app, h.t.Context(), h.grips[effect]); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hand) sees(effect string, want fault.InstanceState) {
	h.t.Helper()
	if diff := cmp.Diff(want, h.app.State("app-0", effect)); diff != "" {
		h.t.Errorf("%s: %s", effect, diff)
	}
}

func (h *hand) touched(want map[string]int64) {
	h.t.Helper()
	got := map[string]int64{}
	for name, g := range h.grips {
		got[name] = g.Instances()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		h.t.Errorf("touched: %s", diff)
	}
}

// up waits until the instance answers; down and frozen look once.
func (h *hand) up() {
	h.t.Helper()
	eventually(h.t, "the instance answers", func() bool { return answers(h.t, h.app, "/health") == nil })
}

func (h *hand) down() {
	h.t.Helper()
	if err := answers(h.t, h.app, "/health"); !errors.Is(err, syscall.ECONNREFUSED) {
		h.t.Errorf("an instance that is down: %v", err)
	}
}

func (h *hand) frozen() {
	h.t.Helper()
	if err := answers(h.t, h.app, "/health"); !errors.Is(err, context.DeadlineExceeded) {
		h.t.Errorf("an instance that stands still: %v", err)
	}
}

func (h *hand) group() int { return h.app.began[len(h.app.began)-1].process.Group() }

// isFree reports whether somebody who does not share could have the port of the app's only instance. The kernel gives such a port to who asks for any.
func isFree(t *testing.T, a *App) bool {
	t.Helper()
	alone := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		return errors.Join(c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 0) }), err)
	}}
	l, err := alone.Listen(t.Context(), "tcp4", strings.TrimPrefix(a.URL(0), "http://"))
	if err == nil {
		l.Close()
	}
	return err == nil
}

// TestPortIsKept for an instance that is down. Nobody has called it, so that no connection's remains keep the port in any case.
func TestPortIsKept(t *testing.T) {
	cfg, _ := rig(t, "")
	cfg.App.Ready = spec.Ready{Within: 20 * time.Second}
	h := handOn(t, cfg)
	h.does((*App).Kill, "k")
	if isFree(t, h.app) {
		t.Error("the port of an instance that is down is free for anybody")
	}
	if err := h.app.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !isFree(t, h.app) {
		t.Error("the port is kept when the run is over")
	}
}

// TestKill has a real process killed with what it started, and back with the same address.
func TestKill(t *testing.T) {
	cfg, sink := rig(t, "grandchild")
	h := handOn(t, cfg)
	first := h.group()
	h.does((*App).Kill, "k")
	h.does((*App).Kill, "k") // it is down already
	h.sees("k", fault.InstanceState{Killed: true})
	h.sees("another", fault.InstanceState{})
	h.down()
	if groupAlive(first) {
		t.Error("something of the killed instance lives on")
	}
	h.does((*App).Release, "k")
	h.does((*App).Release, "k")
	h.sees("k", fault.InstanceState{})
	h.up()
	h.touched(map[string]int64{"k": 1})
	if err := h.app.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.app.Release(t.Context(), h.grips["k"]); !errors.Is(err, errEnding) {
		t.Errorf("an app that was stopped: %v", err)
	}
	want := []string{"app-0 started", "app-0 ready", "app-0 stopped signal: killed", "app-0 started", "app-0 stopped signal: terminated"}
	if diff := cmp.Diff(want, sink.events()); diff != "" {
		t.Error(diff)
	}
}

func TestRestart(t *testing.T) {
	cfg, sink := rig(t, "grandchild")
	h := handOn(t, cfg)
	first := h.group()
	h.does((*App).Restart, "r")
	h.sees("r", fault.InstanceState{Restarted: true})
	h.sees("another", fault.InstanceState{})
	h.up()
	if groupAlive(first) || h.group() == first {
		t.Error("it is the same process group as before")
	}
	h.does((*App).Release, "r")
	h.sees("r", fault.InstanceState{})
	h.up()
	h.touched(map[string]int64{"r": 1})
	want := []string{"app-0 started", "app-0 ready", "app-0 stopped signal: killed", "app-0 started"}
	if diff := cmp.Diff(want, sink.events()); diff != "" {
		t.Error(diff)
	}
	if data, err := os.ReadFile(filepath.Join(cfg.LogDir, "app-0.log")); err != nil || len(data) > 0 {
		t.Errorf("the log has %q: %v", data, err)
	}
}

func TestPause(t *testing.T) {
	cfg, _ := rig(t, "grandchild")
	h := handOn(t, cfg)
	h.does((*App).Pause, "p")
	h.sees("p", fault.InstanceState{Paused: true})
	h.frozen()
	h.does((*App).Release, "p")
	h.sees("p", fault.InstanceState{})
	h.up()
	h.touched(map[string]int64{"p": 1})
}

// TestStopOfWhatStandsStill does not wait for the grace: the app hears that it shall end.
func TestStopOfWhatStandsStill(t *testing.T) {
	cfg, sink := rig(t, "")
	cfg.Grace = time.Minute
	h := handOn(t, cfg)
	h.does((*App).Pause, "p")
	began := time.Now()
	if err := h.app.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	want := []string{"app-0 started", "app-0 ready", "app-0 stopped signal: terminated"}
	if diff := cmp.Diff(want, sink.events()); diff != "" {
		t.Error(diff)
	}
}

// TestHoldsOverlap has effects meet on one instance, and let go in any order.
func TestHoldsOverlap(t *testing.T) {
	t.Run("two that keep it down", func(t *testing.T) {
		cfg, _ := rig(t, "")
		h := handOn(t, cfg)
		h.does((*App).Kill, "k1")
		h.does((*App).Kill, "k2")
		h.does((*App).Release, "k1")
		h.sees("k1", fault.InstanceState{})
		h.sees("k2", fault.InstanceState{Killed: true})
		h.down()
		h.does((*App).Release, "k2")
		h.up()
		h.touched(map[string]int64{"k1": 1, "k2": 0})
	})
	t.Run("a restart while it is kept down", func(t *testing.T) {
		cfg, _ := rig(t, "")
		h := handOn(t, cfg)
		h.does((*App).Kill, "k")
		h.does((*App).Restart, "r")
		h.sees("r", fault.InstanceState{Restarted: true})
		h.down()
		h.does((*App).Release, "r")
		h.down()
		h.does((*App).Release, "k")
		h.up()
		h.touched(map[string]int64{"k": 1, "r": 0})
	})
	t.Run("a restart while starts are refused", func(t *testing.T) {
		cfg, sink := rig(t, "")
		h := handOn(t, cfg)
		h.does((*App).Refuse, "n1")
		h.up()
		h.touched(map[string]int64{"n1": 0})
		h.does((*App).Restart, "r")
		h.sees("r", fault.InstanceState{Restarted: true})
		h.sees("n1", fault.InstanceState{Refused: true})
		h.down()
		h.does((*App).Refuse, "n2") // the start is due already
		h.does((*App).Release, "r")
		h.does((*App).Release, "n1")
		h.down()
		h.does((*App).Release, "n2")
		h.up()
		h.touched(map[string]int64{"n1": 1, "n2": 1, "r": 1})
		want := []string{"app-0 started", "app-0 ready", "app-0 stopped signal: killed", "app-0 started"}
		if diff := cmp.Diff(want, sink.events()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("refused while another keeps it down", func(t *testing.T) {
		cfg, _ := rig(t, "")
		h := handOn(t, cfg)
		h.does((*App).Kill, "k")
		h.does((*App).Refuse, "n")
		h.does((*App).Release, "n")
		h.down()
		h.does((*App).Release, "k")
		h.up()
		h.touched(map[string]int64{"k": 1, "n": 0}) // no start was due
	})
	t.Run("two that pause it, and a restart", func(t *testing.T) {
		cfg, _ := rig(t, "")
		h := handOn(t, cfg)
		h.does((*App).Pause, "p1")
		h.does((*App).Pause, "p2")
		h.does((*App).Release, "p1")
		h.sees("p1", fault.InstanceState{})
		h.frozen()
		h.does((*App).Restart, "r")
		h.sees("p2", fault.InstanceState{Paused: true})
		if stands, known := groupStands(h.group()); !stands && known {
			t.Error("what was started in place of what stands still runs")
		}
		h.does((*App).Release, "p2")
		h.up()
		h.touched(map[string]int64{"p1": 1, "p2": 1, "r": 1})
	})
	t.Run("a pause of what is down", func(t *testing.T) {
		cfg, _ := rig(t, "")
		h := handOn(t, cfg)
		h.does((*App).Kill, "k")
		h.does((*App).Pause, "p")
		h.sees("p", fault.InstanceState{Paused: true})
		h.does((*App).Release, "p")
		h.sees("p", fault.InstanceState{})
		h.does((*App).Release, "k")
		h.up()
		h.touched(map[string]int64{"k": 1, "p": 0})
	})
}

// TestInstanceThatEndedByItself is left down, unless a fault brings it back.
func TestInstanceThatEndedByItself(t *testing.T) {
	for name, c := range map[string]struct {
		does    func(*App, context.Context, *fault.Grip) error
		touched int64
	}{
		"restarted": {(*App).Restart, 1},
		"killed":    {(*App).Kill, 0},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, sink := rig(t, "")
			h := handOn(t, cfg)
			_ = answers(t, h.app, "/crash")
			if exit := <-h.app.Exited(); exit.Status != "exit status 3" {
				t.Errorf("ended with %s", exit.Status)
			}
			h.does((*App).Pause, "p")
			h.does((*App).Release, "p")
			h.down()
			h.does(c.does, "e")
			h.does((*App).Release, "e")
			h.up()
			h.touched(map[string]int64{"e": c.touched, "p": 0})
			want := []string{"app-0 started", "app-0 ready", "app-0 exited exit status 3", "app-0 started"}
			if diff := cmp.Diff(want, sink.events()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestInstanceThatWillNotStartAgain is the app's affair: the fault did what it should, and the app's end is on record.
func TestInstanceThatWillNotStartAgain(t *testing.T) {
	cfg, sink := rig(t, "once")
	h := handOn(t, cfg)
	h.does((*App).Restart, "r")
	if exit := <-h.app.Exited(); exit.Status != "exit status 4" {
		t.Errorf("ended with %s", exit.Status)
	}
	h.sees("r", fault.InstanceState{Restarted: true})
	h.does((*App).Release, "r")
	h.down()
	want := []string{"app-0 started", "app-0 ready", "app-0 stopped signal: killed", "app-0 started", "app-0 exited exit status 4"}
	if diff := cmp.Diff(want, sink.events()); diff != "" {
		t.Error(diff)
	}
}

// TestStartThatFails leaves an instance down, says so, and is tried again by the effect's end.
func TestStartThatFails(t *testing.T) {
	cfg, _ := rig(t, "")
	h := handOn(t, cfg)
	s := h.app.slots[0]
	good := s.launch.Argv
	s.launch.Argv = []string{filepath.Join(t.TempDir(), "gone")}
	g := &fault.Grip{ID: "r", Instance: "app-0"}
	if err := h.app.Restart(t.Context(), g); err == nil || !strings.Contains(err.Error(), "start it again") {
		t.Errorf("restart gave %v", err)
	}
	h.down()
	s.launch.Argv = good
	h.grips["r"] = g
	h.does((*App).Release, "r")
	h.up()
}

func TestNoSuchInstance(t *testing.T) {
	cfg, _ := rig(t, "")
	h := handOn(t, cfg)
	if err := h.app.Kill(t.Context(), &fault.Grip{ID: "k", Instance: "elsewhere"}); err == nil {
		t.Error("an instance was killed that there is not")
	}
	if got := h.app.State("elsewhere", "k"); got != (fault.InstanceState{}) {
		t.Errorf("it shows %+v", got)
	}
}
