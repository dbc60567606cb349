package run

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/app"
	"blackout/harness/clock"
	"blackout/harness/runtime/control"
)

// engine runs one instance, which prints and goes on until it is killed.
type engine struct {
	control.Host
	prints  string
	fails   error         // what starting it says
	refuses error         // what stopping it and letting it go on say
	stops   bool          // it ends when it is asked to
	asked   chan struct{} // closed when it was asked to end
	gone    chan struct{}

	mu   sync.Mutex
	done []string
}

func newEngine() *engine { return &engine{asked: make(chan struct{}), gone: make(chan struct{})} }

func (e *engine) did(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.done = append(e.done, what)
}

func (e *engine) Start(ctx context.Context, _ string, _ control.Launch, happened func(control.Event)) error {
	if e.fails != nil {
		return e.fails
	}
	happened(control.Event{Started: true})
	happened(control.Event{Out: []byte(e.prints)})
	select {
	case <-e.gone:
		happened(control.Event{Ended: "signal: killed"})
	case <-ctx.Done():
	}
	return ctx.Err()
}

func (e *engine) Kill(context.Context, string) error {
	e.did("kill")
	close(e.gone)
	return nil
}

func (e *engine) Pause(context.Context, string) error { return nil }

func (e *engine) Resume(context.Context, string) error { return e.refuses }

func (e *engine) Stop(ctx context.Context, _ string, _ time.Duration) error {
	e.did("stop")
	close(e.asked)
	if e.refuses != nil {
		return e.refuses
	}
	if e.stops {
		close(e.gone)
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

// contain gives the containers of an engine.
func contain(t *testing.T, e *engine) *Contained {
	t.Helper()
	folder := t.TempDir()
	s, err := control.Serve(t.Context(), folder, strings.NewReader(""), func([]byte) {}, e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Contained{Control: control.Dial(folder), Instances: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}
}

type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }

// start starts the instance of an engine.
func start(ctx context.Context, t *testing.T, e *engine) (app.Process, error) {
	t.Helper()
	m := contain(t, e).machine(clock.Start(), nil)
	return m.Start(ctx, app.Launch{Instance: app.Instance{Name: "app-0"}}, nowhere{io.Discard})
}

// TestStopKills holds what app.Process says of Stop: what does not end is killed when ctx has ended, or when it could not be asked.
func TestStopKills(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*engine)
		want   []string
	}{
		"ends when asked":     {func(e *engine) { e.stops = true }, []string{"stop"}},
		"never":               {func(*engine) {}, []string{"stop", "kill"}},
		"it cannot be asked":  {func(e *engine) { e.refuses = errors.New("no such thing") }, []string{"stop", "kill"}},
		"it cannot be let go": {func(e *engine) { e.refuses = errors.New("no such thing") }, []string{"kill"}},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngine()
			tt.change(e)
			p, err := start(t.Context(), t, e)
			if err != nil {
				t.Fatal(err)
			}
			if name == "it cannot be let go" {
				if err := p.Pause(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if name == "never" {
				go func() { <-e.asked; cancel() }()
			}
			if err := p.Stop(ctx, time.Hour); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tt.want, e.done); diff != "" {
				t.Errorf("done (-want +got):\n%s", diff)
			}
			<-p.Gone()
			if end := p.End(); end.ByItself {
				t.Errorf("%+v: by itself", end)
			}
		})
	}
}

// TestKillOutlivesContext has an instance killed although the context of what wants that has ended.
func TestKillOutlivesContext(t *testing.T) {
	p, err := start(t.Context(), t, newEngine())
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Kill(ended); err != nil {
		t.Error(err)
	}
}

// TestResumeSays holds that an instance that the engine does not let go on is not taken for one that does.
func TestResumeSays(t *testing.T) {
	e := newEngine()
	e.refuses = errors.New("no such thing")
	p, err := start(t.Context(), t, e)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.Resume(t.Context()); err == nil || err.Error() != "no such thing" {
		t.Errorf("resume: %v", err)
	}
	if stands, _ := p.Stands(); !stands {
		t.Error("it goes on")
	}
	if err := p.Kill(t.Context()); err != nil {
		t.Error(err)
	}
}

// counting is a context that knows how many wait for its end.
type counting struct {
	context.Context
	mu      sync.Mutex
	waiting int
}

func (c *counting) Done() <-chan struct{} { return make(chan struct{}) }

func (c *counting) AfterFunc(func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting++
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.waiting--
		return true
	}
}

// TestStartLetsGo leaves nothing with the context of a start, however that went.
func TestStartLetsGo(t *testing.T) {
	for name, fails := range map[string]error{"started": nil, "not started": errors.New("no such image")} {
		ctx := &counting{Context: t.Context()}
		e := newEngine()
		e.fails = fails
		p, err := start(ctx, t, e)
		if (err == nil) != (fails == nil) {
			t.Fatalf("%s: %v", name, err)
		}
		if ctx.waiting != 0 {
			t.Errorf("%s: %d wait for the end of the context", name, ctx.waiting)
		}
		if p != nil {
			if err := p.Kill(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	gone := &Contained{Control: control.Dial(t.TempDir())}
	ctx := &counting{Context: t.Context()}
	if _, err := gone.machine(clock.Start(), nil).Start(ctx, app.Launch{Instance: app.Instance{Name: "app-0"}}, nowhere{io.Discard}); err == nil {
		t.Fatal("it was started by nobody")
	}
	if ctx.waiting != 0 {
		t.Errorf("nobody there: %d wait for the end of the context", ctx.waiting)
	}
}
