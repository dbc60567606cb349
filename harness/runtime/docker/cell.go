package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"blackout/harness/runtime/control"
	"blackout/harness/runtime/private"
)

// Config is one cell in containers.
type Config struct {
	ID string // of the run
	// Internet is the image of the container of the internet, and Command what that does, beside the folder in which it finds its socket.
	Internet string
	Command  []string
	// Instances are the app's, in their order.
	Instances []string
	// Folder is an own folder of this cell for what is shared with the containers; the caller removes it.
	Folder string
	// Writable and Readable are folders of this machine that the cell sees at the same paths. The app's containers see none of them.
	Writable, Readable []string
}

// Cell is one cell in containers. Start and Close are called once each; all else is safe for concurrent use.
type Cell struct {
	engine *Engine
	cfg    Config
	labels map[string]string
	net    subnet
	told   *io.PipeWriter // what the cell is told
	server *control.Server
	lines  *io.PipeWriter
	ended  chan struct{} // closed when the container of the internet has ended
	status int64         // then
	lost   error         // then: the engine could not say how

	unwatch context.CancelFunc // ends the wait for that

	starting chan struct{} // has room for the one that starts services

	mu       sync.Mutex // never held while the engine is asked for something
	closed   bool       // nothing may be made any more
	image    string
	services *services // of a compose file; nil without one
	internet testcontainers.Container
	app      map[string]testcontainers.Container // by instance
	underway map[string]chan struct{}            // by instance whose container is being made; closed when it is there, or could not be made
}

// NewCell makes the network of a cell. Close has to be called, also after an error of what follows.
func (e *Engine) NewCell(ctx context.Context, cfg Config) (*Cell, error) {
	if len(cfg.Instances) > mostInstances {
		return nil, fmt.Errorf("%d instances: there are addresses for %d", len(cfg.Instances), mostInstances)
	}
	by, err := thisProcess(ctx)
	if err != nil {
		return nil, fmt.Errorf("find this process: %w", err)
	}
	c := e.cell(cfg, by.String())
	var seed byte
	for _, b := range []byte(cfg.ID) {
		seed = seed*31 + b
	}
	c.net, err = e.newSubnet(ctx, c.name("net"), seed, c.labels)
	return c, err
}

// cell is one that has nothing in the engine yet.
func (e *Engine) cell(cfg Config, by string) *Cell {
	return &Cell{
		engine: e, cfg: cfg, labels: map[string]string{labelOwner: by, labelRun: cfg.ID, labelFolder: cfg.Folder},
		ended: make(chan struct{}), unwatch: func() {}, starting: make(chan struct{}, 1),
		app: map[string]testcontainers.Container{}, underway: map[string]chan struct{}{},
	}
}

// name is what the engine shows for a part of the cell.
func (c *Cell) name(part string) string { return "blackout-" + strings.ToLower(c.cfg.ID) + "-" + part }

// Subnet is the cell's network, and Gateway the address that the container of the internet has to take there.
func (c *Cell) Subnet() netip.Prefix { return c.net.prefix }

// Gateway is the address that the container of the internet has to take.
func (c *Cell) Gateway() netip.Addr { return c.net.at(gatewayAt) }

// Addresses are where the instances are, in their order.
func (c *Cell) Addresses() []netip.Addr {
	all := make([]netip.Addr, len(c.cfg.Instances))
	for i := range all {
		all[i] = c.net.at(instancesAt + i)
	}
	return all
}

// Shared is the folder that the container of the internet shares with this process.
func (c *Cell) Shared() string { return filepath.Join(c.cfg.Folder, "control") }

// Use says what image the app's instances are of. It has to be called before the cell starts one.
func (c *Cell) Use(image string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.image = image
}

// Start starts the container of the internet. What is written to in is what the cell is told; out has the history's lines.
func (c *Cell) Start(ctx context.Context) (in io.WriteCloser, out io.Reader, err error) {
	shared := c.Shared()
	if err := os.MkdirAll(shared, 0o700); err != nil {
		return nil, nil, err
	}
	order, told := io.Pipe()
	lines, to := io.Pipe()
	c.told, c.lines = told, to
	c.server, err = control.Serve(context.WithoutCancel(ctx), shared, order, func(line []byte) { _, _ = to.Write(line) }, host{c})
	if err != nil {
		return nil, nil, err
	}
	binds := []string{shared + ":" + controlFolder}
	for _, folder := range c.cfg.Writable {
		binds = append(binds, folder+":"+folder)
	}
	for _, folder := range c.cfg.Readable {
		if !slices.Contains(c.cfg.Writable, folder) {
			binds = append(binds, folder+":"+folder+":ro")
		}
	}
	c.internet, err = c.create(ctx, testcontainers.ContainerRequest{
		Name: c.name("internet"), Image: c.cfg.Internet, Cmd: append(slices.Clone(c.cfg.Command), controlFolder), Labels: c.labelled("internet"),
		Tmpfs: map[string]string{Scratch: "rw,size=1g"}, Env: map[string]string{"TMPDIR": Scratch},
		HostConfigModifier: func(h *container.HostConfig) {
			h.Binds, h.CapAdd = binds, []string{"NET_ADMIN"}
			// What the engine does not know of names it asks this cell, and not this machine's resolver.
			h.DNS = []netip.Addr{netip.MustParseAddr(private.Resolver)}
			h.SecurityOpt = append(h.SecurityOpt, "no-new-privileges")
		},
	}, c.net.at(internetAt))
	if err != nil {
		return nil, nil, fmt.Errorf("the container of the internet: %w", err)
	}
	// What sees it to its end outlives ctx, but for the start itself.
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	c.unwatch = unwatch
	detach := context.AfterFunc(ctx, unwatch)
	go c.watch(c.engine.client.ContainerWait(watching, c.internet.GetContainerID(), client.ContainerWaitOptions{Condition: container.WaitConditionNextExit}))
	err = c.internet.Start(ctx)
	if !detach() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		unwatch()
		return nil, nil, fmt.Errorf("the container of the internet: %w", firstLine(err))
	}
	return told, lines, nil
}

// watch sees the container of the internet to its end. Whoever still tells it something, or waits for lines, hears of it.
func (c *Cell) watch(ended client.ContainerWaitResult) {
	defer close(c.ended)
	select {
	case w := <-ended.Result:
		c.status = w.StatusCode
	case c.lost = <-ended.Error:
	}
	_ = c.told.CloseWithError(io.ErrClosedPipe)
	_ = c.lines.Close() // which never fails
}

// Scratch is where the container of the internet has room for files that end with it. No folder of this machine's has its path, since those are seen at their own.
const Scratch = "/.scratch"

// controlFolder is where the container of the internet finds its socket.
const controlFolder = "/.control"

// Wait waits until the container of the internet has ended, or ctx has. The error is what it said, or nil for exit status 0.
func (c *Cell) Wait(ctx context.Context) error {
	select {
	case <-c.ended:
	case <-ctx.Done():
		return fmt.Errorf("the container of the internet did not end: %w", ctx.Err())
	}
	if c.status == 0 {
		return c.lost
	}
	said, logErr := c.said(ctx)
	if said == "" {
		return errors.Join(fmt.Errorf("the container of the internet: exit status %d", c.status), logErr)
	}
	return errors.New(strings.TrimPrefix(said, "Error: "))
}

// said is what the container of the internet has printed.
func (c *Cell) said(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answering)
	defer cancel()
	logs, err := c.engine.client.ContainerLogs(ctx, c.internet.GetContainerID(), client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: "20"})
	if err != nil {
		return "", err
	}
	var text strings.Builder
	_, err = stdcopy.StdCopy(&text, &text, logs)
	return strings.TrimSpace(text.String()), errors.Join(err, logs.Close())
}

// Kill ends the container of the internet at once.
func (c *Cell) Kill(ctx context.Context) error {
	_, err := c.engine.client.ContainerKill(ctx, c.internet.GetContainerID(), client.ContainerKillOptions{Signal: "KILL"})
	return err
}

// Close removes all that the cell has in the engine. It ends with ctx at the latest.
func (c *Cell) Close(ctx context.Context) error {
	var errs []error
	c.unwatch()
	if c.told != nil {
		errs = append(errs, c.told.Close(), c.lines.Close())
	}
	if c.server != nil {
		errs = append(errs, c.server.Close()) // and so what the cell has asked for, whether it has ended or not
	}
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	errs = append(errs, c.settle(ctx))
	c.mu.Lock()
	all := []testcontainers.Container{c.internet}
	for _, instance := range c.app {
		all = append(all, instance)
	}
	if c.services != nil {
		for _, service := range c.services.made {
			all = append(all, service)
		}
	}
	c.mu.Unlock()
	var removing sync.WaitGroup
	for _, one := range all {
		if one == nil {
			continue
		}
		removing.Go(func() { // all at once; what is not gone then is seen to below
			_, _ = c.engine.client.ContainerRemove(ctx, one.GetContainerID(), client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		})
	}
	removing.Wait()
	// The network, the volumes, and what was being made when it was cut off and nobody knows of.
	_, err := c.engine.sweep(ctx, func(labels map[string]string) bool {
		return labels[labelOwner] == c.labels[labelOwner] && labels[labelRun] == c.labels[labelRun]
	})
	return errors.Join(append(errs, err)...)
}

// settle waits until nothing is being made any more: what came after the rest was removed would stay. Nothing new begins once closed is set.
func (c *Cell) settle(ctx context.Context) error {
	c.mu.Lock()
	underway := slices.Collect(maps.Values(c.underway))
	c.mu.Unlock()
	select {
	case c.starting <- struct{}{}:
		defer func() { <-c.starting }()
	case <-ctx.Done():
		return fmt.Errorf("the engine is still making services: %w", ctx.Err())
	}
	for _, made := range underway {
		select {
		case <-made:
		case <-ctx.Done():
			return fmt.Errorf("the engine is still making containers: %w", ctx.Err())
		}
	}
	return nil
}

// errClosed is what latecomers hear.
var errClosed = errors.New("the run has ended")

// making is how long the engine may take to make something.
const making = time.Minute

// create makes a container in the cell's network, at an address of the engine's choice if at is none.
func (c *Cell) create(ctx context.Context, req testcontainers.ContainerRequest, at netip.Addr, aliases ...string) (testcontainers.Container, error) {
	// An interrupt does not cut it off: the engine would have it, and nobody would know.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), making)
	defer cancel()
	req.Networks, req.EndpointSettingsModifier = []string{c.net.name}, c.net.endpoint(at, aliases...)
	made, err := c.engine.create(ctx, testcontainers.GenericContainerRequest{ContainerRequest: req})
	if err != nil {
		return nil, firstLine(err)
	}
	return made, nil
}

func (c *Cell) labelled(role string) map[string]string {
	return map[string]string{labelOwner: c.labels[labelOwner], labelRun: c.labels[labelRun], labelRole: role}
}
