package docker

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"blackout/harness/runtime/compose"
	"blackout/harness/runtime/control"
)

// daemon is an engine of which each test says what it does; what it does not say hangs until its context ends.
type daemon struct {
	client.APIClient
	logs     func() string
	state    *container.State
	attached net.Conn
	create   func(context.Context) error // nil: it is made
	start    error                       // what starting a container says

	mu      sync.Mutex
	removed []string
	waits   []context.Context
}

// cell is a cell of this engine.
func (d *daemon) cell(instances ...string) *Cell {
	e := &Engine{client: d, create: func(ctx context.Context, req testcontainers.GenericContainerRequest) (testcontainers.Container, error) {
		if d.create != nil {
			if err := d.create(ctx); err != nil {
				return nil, err
			}
		}
		return made{id: req.Name, start: d.start}, nil
	}}
	c := e.cell(Config{ID: "1", Instances: instances}, "test")
	c.net.prefix = netip.MustParsePrefix("10.213.0.0/24")
	return c
}

// made is a container.
type made struct {
	testcontainers.Container
	id    string
	start error
}

func (m made) GetContainerID() string      { return m.id }
func (m made) Start(context.Context) error { return m.start }

func (d *daemon) ContainerLogs(ctx context.Context, _ string, _ client.ContainerLogsOptions) (client.ContainerLogsResult, error) {
	if d.logs == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return io.NopCloser(strings.NewReader(d.logs())), nil
}

func (d *daemon) ContainerInspect(context.Context, string, client.ContainerInspectOptions) (client.ContainerInspectResult, error) {
	return client.ContainerInspectResult{Container: container.InspectResponse{State: d.state}}, nil
}

func (d *daemon) ContainerAttach(context.Context, string, client.ContainerAttachOptions) (client.ContainerAttachResult, error) {
	return client.ContainerAttachResult{HijackedResponse: client.NewHijackedResponse(d.attached, "")}, nil
}

func (d *daemon) ContainerWait(ctx context.Context, _ string, _ client.ContainerWaitOptions) client.ContainerWaitResult {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waits = append(d.waits, ctx)
	failed := make(chan error, 1)
	context.AfterFunc(ctx, func() { failed <- ctx.Err() })
	return client.ContainerWaitResult{Result: make(chan container.WaitResponse), Error: failed}
}

func (d *daemon) ContainerStart(context.Context, string, client.ContainerStartOptions) (client.ContainerStartResult, error) {
	return client.ContainerStartResult{}, d.start
}

func (d *daemon) ContainerKill(context.Context, string, client.ContainerKillOptions) (client.ContainerKillResult, error) {
	return client.ContainerKillResult{}, nil
}

func (d *daemon) ContainerRemove(ctx context.Context, id string, _ client.ContainerRemoveOptions) (client.ContainerRemoveResult, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ctx.Err() == nil {
		d.removed = append(d.removed, id)
	}
	return client.ContainerRemoveResult{}, ctx.Err()
}

func (d *daemon) VolumeCreate(ctx context.Context, _ client.VolumeCreateOptions) (client.VolumeCreateResult, error) {
	<-ctx.Done()
	return client.VolumeCreateResult{}, ctx.Err()
}

func (d *daemon) ContainerList(ctx context.Context, _ client.ContainerListOptions) (client.ContainerListResult, error) {
	return client.ContainerListResult{}, ctx.Err()
}

func (d *daemon) NetworkList(ctx context.Context, _ client.NetworkListOptions) (client.NetworkListResult, error) {
	return client.NetworkListResult{}, ctx.Err()
}

func (d *daemon) VolumeList(ctx context.Context, _ client.VolumeListOptions) (client.VolumeListResult, error) {
	return client.VolumeListResult{}, ctx.Err()
}

// TestWaitEnds holds that a cell is not waited for longer than the context has it, and the last words of one that has ended not for ever.
func TestWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(daemon).cell()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a cell that does not end: %v", err)
		}
		c.internet, c.status = made{id: "internet"}, 3
		close(c.ended)
		began := time.Now()
		if err := c.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "exit status 3") {
			t.Errorf("a cell that has ended: %v", err)
		}
		if took := time.Since(began); took != answering {
			t.Errorf("its last words took %s", took)
		}
	})
}

// TestMakingHoldsNobody has an engine be slow in making one instance. The rest goes on meanwhile; who needs the same one gets it, and Close removes it.
func TestMakingHoldsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := make(chan struct{})
		d := &daemon{create: func(context.Context) error { <-slow; return nil }}
		c := d.cell("app-0", "app-1")
		c.cfg.Folder = t.TempDir()
		c.Use("image")
		c.app["app-1"] = made{id: "one"}
		got := make(chan testcontainers.Container, 2)
		for range 2 {
			go func() {
				m, _, err := c.instance(t.Context(), "app-0", control.Launch{})
				if err != nil {
					t.Error(err)
				}
				got <- m
			}()
		}
		synctest.Wait()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := c.instance(ended, "app-0", control.Launch{}); !errors.Is(err, context.Canceled) {
			t.Errorf("waiting for another's: %v", err)
		}
		if err := (host{c}).Kill(t.Context(), "app-1"); err != nil {
			t.Error(err)
		}
		if err := c.Logs(t.Context(), nil); err != nil {
			t.Error(err)
		}
		began := time.Now()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Close(short); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "still making containers") {
			t.Errorf("close: %v", err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("close took %s", took)
		}
		if _, _, err := c.instance(t.Context(), "app-2", control.Launch{}); !errors.Is(err, errClosed) {
			t.Errorf("a latecomer: %v", err)
		}
		time.AfterFunc(time.Second, func() { close(slow) })
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if a, b := <-got, <-got; a == nil || a != b {
			t.Errorf("two that need the same have %v and %v", a, b)
		}
		slices.Sort(d.removed)
		if want := []string{"blackout-1-app-0", "one"}; !slices.Equal(d.removed, want) {
			t.Errorf("removed: %v, not %v", d.removed, want)
		}
	})
}

// TestCloseHeedsContext does not wait for services longer than it may, nor do those that wait to start some.
func TestCloseHeedsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(daemon).cell()
		c.starting <- struct{}{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := (host{c}).StartServices(ctx, control.Before, control.Launch{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("start services: %v", err)
		}
		if err := c.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "still making services") {
			t.Errorf("close: %v", err)
		}
	})
}

// TestVolumeIsBounded does not wait for ever for a volume.
func TestVolumeIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(daemon).cell()
		c.UseCompose(&compose.File{App: &compose.Service{}, Volumes: []string{"data"}}, nil)
		began := time.Now()
		if err := (host{c}).StartServices(t.Context(), control.Before, control.Launch{}); err == nil || !strings.Contains(err.Error(), "volume data") {
			t.Errorf("start services: %v", err)
		}
		if took := time.Since(began); took != making {
			t.Errorf("it took %s", took)
		}
	})
}

// TestAwaitedLastLines reads what a service has printed as that service prints, with a terminal or without, and not for ever.
func TestAwaitedLastLines(t *testing.T) {
	for name, tt := range map[string]struct {
		terminal bool
		logs     func() string
		want     string
	}{
		"terminal": {true, func() string { return "no disk\r\n" }, "; its last lines:\nno disk"},
		"none":     {false, func() string { return "\x02\x00\x00\x00\x00\x00\x00\x08no disk\n" }, "; its last lines:\nno disk"},
		"hangs":    {true, nil, "; what it printed cannot be read: context deadline exceeded"},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &daemon{state: &container.State{Status: container.StateExited, ExitCode: 3}, logs: tt.logs}
			c := d.cell()
			app := &compose.Service{Name: "web", TTY: !tt.terminal, Needs: []compose.Need{{Service: "db", Condition: compose.Healthy}}}
			c.UseCompose(&compose.File{App: app, Before: []*compose.Service{{Name: "db", TTY: tt.terminal}}}, nil)
			c.services.made["db"] = made{id: "db"}
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			want := "service db, which web waits for: it ended with exit status 3" + tt.want
			if err := c.await(ended, c.services, app); err == nil || err.Error() != want {
				t.Errorf("%s: %v\nwant: %s", name, err, want)
			}
		})
	}
}

// TestFollowingEnds holds that an instance is not listened to when nobody wants to hear it, although it goes on.
func TestFollowingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, its := net.Pipe()
		defer its.Close()
		d := &daemon{attached: ours}
		c := d.cell("app-0")
		c.app["app-0"] = made{id: "zero"}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := (host{c}).Start(ctx, "app-0", control.Launch{}, func(e control.Event) {
			if e.Started {
				time.AfterFunc(time.Second, cancel)
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("start: %v", err)
		}
	})
}

// TestNotStarted leaves nobody waiting for the end of a cell that did not start.
func TestNotStarted(t *testing.T) {
	d := &daemon{start: errors.New("no room")}
	c := d.cell()
	c.cfg.Folder = t.TempDir()
	if _, _, err := c.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Fatalf("start: %v", err)
	}
	if len(d.waits) != 1 || d.waits[0].Err() == nil {
		t.Error("the engine is still asked for its end")
	}
	<-c.ended
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if !slices.Equal(d.removed, []string{"blackout-1-internet"}) {
		t.Errorf("removed: %v", d.removed)
	}
}
