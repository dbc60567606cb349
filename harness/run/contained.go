package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"blackout/harness/app"
	"blackout/harness/clock"
	"blackout/harness/internet/names"
	"blackout/harness/runtime/control"
	"blackout/harness/runtime/private"
)

// Contained is what a cell knows that runs in the container of the internet, while the app's instances run in others.
type Contained struct {
	// Control is where the container engine is asked for things.
	Control *control.Client `json:"-"`
	// Subnet is the network of all these containers, and Gateway the address in it through which the others send what is not for one of them: this cell's own.
	Subnet  netip.Prefix `json:"subnet"`
	Gateway netip.Addr   `json:"gateway"`
	// Hidden are the variables that a compose file gives the app, whose values are kept out of everything.
	Hidden map[string]string `json:"hidden,omitempty"`
	// Instances are the addresses of the app's instances, in their order.
	Instances []netip.Addr `json:"instances"`
	// Services are the names by which what a compose file has is found; none without such a file.
	Services []string `json:"services,omitempty"`
}

// Enter makes the network of the containers ours. It has to be called before anything listens.
func (c *Contained) Enter() error { return private.Inhabit(c.Subnet, c.Gateway) }

// machine starts the instances as containers.
func (c *Contained) machine(k clock.Clock, authority []byte) containers {
	files := map[string][]byte{}
	for path, content := range private.ContainerFiles() {
		files[path] = content
	}
	if authority != nil {
		for _, path := range private.TrustBundles {
			files[path] = authority
		}
	}
	return containers{c, k, files}
}

// neighbours are the services beside the app. Their names the engine knows, in each of these containers.
func (c *Contained) neighbours() names.Neighbours {
	engine := netip.AddrPortFrom(private.EngineResolver, private.ResolverPort)
	return names.Neighbours{Names: c.Services, From: c.Subnet, Resolver: engine.String()}
}

type containers struct {
	*Contained
	clock clock.Clock
	files map[string][]byte
}

// startServices starts what comes along with the app, before its instances or after them. It sees the same resolver as they do, and trusts the same.
func (m containers) startServices(ctx context.Context, when string, env map[string]string) error {
	if len(m.Services) == 0 {
		return nil
	}
	l := control.Launch{Files: m.files}
	for name, value := range env {
		l.Env = append(l.Env, name+"="+value)
	}
	return m.Control.StartServices(ctx, when, l)
}

func (m containers) Host(i app.Instance) string { return m.Instances[i.Index].String() }

func (m containers) Keep(at netip.AddrPort) (io.Closer, error) { return private.Hold(at.Addr()) }

func (m containers) Close() {}

func (m containers) Start(ctx context.Context, l app.Launch, out io.WriteCloser) (app.Process, error) {
	// It outlives the stage in which it is started, but for the start itself: Stop and Kill end it.
	living, end := context.WithCancel(context.WithoutCancel(ctx))
	detach := context.AfterFunc(ctx, end)
	events, err := m.Control.Start(living, l.Instance.Name, control.Launch{Env: l.Env, Files: m.files})
	if err != nil {
		detach()
		end()
		return nil, errors.Join(err, out.Close())
	}
	_, err = events.Next()
	if !detach() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		end()
		return nil, errors.Join(err, events.Close(), out.Close())
	}
	c := &container{control: m.Control, name: l.Instance.Name, clock: m.clock, out: out, gone: make(chan struct{})}
	go func() {
		defer end()
		c.follow(events)
	}()
	return c, nil
}

// container is one instance, from its start to its end.
type container struct {
	control *control.Client
	name    string
	clock   clock.Clock
	out     io.WriteCloser
	gone    chan struct{}
	end     app.End // before gone is closed

	mu       sync.Mutex
	stopping bool
	paused   bool
}

// follow keeps what it prints, and sees it to its end.
func (c *container) follow(events *control.Events) {
	defer close(c.gone)
	for {
		e, err := events.Next()
		if err != nil || e.Ended != "" {
			c.mu.Lock()
			// What cannot be followed any more is no crash of the app's.
			c.end = app.End{At: c.clock.Now(), Status: e.Ended, ByItself: !c.stopping && e.Ended != ""}
			c.mu.Unlock()
			if e.Ended == "" {
				c.end.Status = fmt.Sprintf("ended, status unknown (%v)", err)
			}
			var lost error
			if e.Lost != "" {
				lost = errors.New(e.Lost)
			}
			c.end.LogErr = errors.Join(lost, c.out.Close(), events.Close())
			return
		}
		_, _ = c.out.Write(e.Out) // it keeps its error for Close
	}
}

func (c *container) Group() int            { return 0 }
func (c *container) Gone() <-chan struct{} { return c.gone }
func (c *container) End() app.End          { return c.end }

func (c *container) Pause(ctx context.Context) error {
	if c.isGone() || c.isPaused() {
		return nil
	}
	if err := c.control.Pause(ctx, c.name); err != nil {
		return err
	}
	c.setPaused(true)
	return nil
}

// engineBound is how long the engine may take to let an instance go on, or to have it gone once it is killed; and stopSlack how much longer than the grace to stop one, of
// which it counts whole seconds.
const engineBound, stopSlack = 10 * time.Second, 3 * time.Second

func (c *container) Resume(ctx context.Context) error {
	if c.isGone() || !c.isPaused() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, engineBound)
	defer cancel()
	if err := c.control.Resume(ctx, c.name); err != nil {
		return err
	}
	c.setPaused(false)
	return nil
}

func (c *container) Stands() (stands, known bool) { return c.isPaused(), true }

func (c *container) isPaused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused
}

func (c *container) setPaused(yes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paused = yes
}

func (c *container) isGone() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

// expectEnd says that it is we who end it.
func (c *container) expectEnd() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopping, c.paused = true, false
}

func (c *container) Kill(ctx context.Context) error {
	if c.isGone() {
		return nil
	}
	c.expectEnd()
	return c.killNow(ctx)
}

// Stop leaves the kill after the grace to the engine, and does it itself when ctx ends or the engine does not.
func (c *container) Stop(ctx context.Context, grace time.Duration) error {
	if c.isGone() {
		return nil
	}
	asking, cancel := context.WithTimeout(ctx, grace+stopSlack)
	defer cancel()
	err := c.Resume(asking) // what is paused meets no signal
	c.expectEnd()
	if err == nil {
		err = c.control.Stop(asking, c.name, grace)
	}
	if err == nil {
		select {
		case <-c.gone:
			return nil
		case <-asking.Done():
			err = asking.Err()
		}
	}
	if killErr := c.killNow(ctx); killErr != nil {
		return errors.Join(err, killErr)
	}
	return nil
}

// killNow kills it, whatever has become of ctx, and waits until it is gone.
func (c *container) killNow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineBound)
	defer cancel()
	err := c.control.Kill(ctx, c.name)
	select {
	case <-c.gone:
		return nil
	case <-ctx.Done():
		return errors.Join(err, fmt.Errorf("container of %s is not gone %s after it was killed", c.name, engineBound))
	}
}
