package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"blackout/harness/app"
	"blackout/harness/plan"
	"blackout/harness/run"
	"blackout/harness/runtime/compose"
	"blackout/harness/runtime/docker"
	"blackout/harness/spec"
)

// runtimeAuto is the value of --runtime that leaves it to how the app starts.
const runtimeAuto = "auto"

// place is what the command line says of where runs happen.
type place struct {
	network
	runtime string
}

func (p *place) flags(set *pflag.FlagSet) {
	p.network.flags(set)
	set.StringVar(&p.runtime, "runtime", runtimeAuto, "where a run happens: local (the app is a program of this machine), docker (in containers), or auto (as the app file has it)")
}

// check says whether there is such a place.
func (p *place) check() error {
	if known := []string{runtimeAuto, run.RuntimeLocal, run.RuntimeDocker}; !slices.Contains(known, p.runtime) {
		return usage(fmt.Errorf("--runtime %s: there is no such runtime", p.runtime), "use "+strings.Join(known, ", "))
	}
	return p.network.check()
}

// ground is where a cell runs. The zero value is this machine, with its own network.
type ground struct {
	private bool           // it has a network of its own on this machine
	engine  *docker.Engine // it runs in containers; nil when it does not
	compose *compose.File  // then, of an app that starts by one
}

// ground finds where cells run, and marks them. close has to be called when they have ended.
func (s *state) ground(ctx context.Context, p place, cells []*cell) (close func() error, err error) {
	close = func() error { return nil }
	var inside, here []*cell
	files := map[*cell]*compose.File{}
	for _, c := range cells {
		key, err := contained(c, p)
		if err != nil {
			return close, err
		}
		if key == "compose" {
			if files[c], err = s.composeFile(ctx, c.app); err != nil {
				return close, err
			}
		}
		if key != "" {
			inside = append(inside, c)
		} else {
			here = append(here, c)
		}
	}
	var in, on ground
	if len(here) > 0 {
		if on.private, err = s.private(ctx, p.network); err != nil {
			return close, err
		}
	}
	if len(inside) > 0 {
		if in.engine, err = s.engine(ctx); err != nil {
			return close, err
		}
		close = in.engine.Close
	}
	for _, c := range inside {
		in.compose = files[c]
		c.ground, c.first().ground = in, in
	}
	for _, c := range here {
		c.ground, c.first().ground = on, on
	}
	return close, nil
}

// leaving is the error of the function that ground gives.
func leaving(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: exitEnvironment, err: fmt.Errorf("leave the container engine: %w", err)}
}

// contained is the key of the app file that starts containers; "" for an app that is a program of this machine.
func contained(c *cell, p place) (key string, err error) {
	key = c.app.Start.Contained()
	switch {
	case key != "" && p.runtime == run.RuntimeLocal:
		return "", usage(fmt.Errorf("%s: start.%s starts containers", c.appFile, key), "use --runtime docker")
	case key == "" && p.runtime == run.RuntimeDocker:
		return "", usage(fmt.Errorf("%s: the app starts as a program of this machine, not as a container", c.appFile), "name an image, a build or a compose file in start, or use --runtime local")
	case key != "" && p.mode == networkShared:
		return "", usage(errors.New("--network shared: containers have a network of their own"), "leave it out")
	}
	for _, j := range c.plan.Journeys {
		if key != "" && slices.Contains([]string{spec.DriverBrowser, spec.DriverExec}, j.Driver) {
			return "", usage(fmt.Errorf("%s: journey %s: the driver %s does not reach into containers yet", c.appFile, j.Name, j.Driver), "in containers these do: http, jsonrpc, websocket")
		}
	}
	return key, nil
}

// engine is the container engine, without what runs have left that were killed.
func (s *state) engine(ctx context.Context) (*docker.Engine, error) {
	engine, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	removed, err := engine.Sweep(ctx)
	if err != nil {
		return nil, &exitError{code: exitEnvironment, err: errors.Join(fmt.Errorf("remove what earlier runs have left: %w", err), engine.Close())}
	}
	if removed != (docker.Removed{}) {
		fmt.Fprintf(s.stderr, "Removed what runs have left that were killed: %s.\n", removed)
	}
	return engine, nil
}

// draining is how long the engine may take to say what a cell's services have printed, and removing how long to remove what the cell had.
const draining, removing = 30 * time.Second, 30 * time.Second

// contain makes what a cell in containers needs, and says so in its order. The returned function removes all of it.
func (s *state) contain(ctx context.Context, c *cell, child *run.Child, scratch string) (end func() error, err error) {
	image, err := c.engine.BuildInternet(ctx, s.executable)
	if err != nil {
		return nil, err
	}
	cfg := docker.Config{
		ID: c.id, Internet: image, Command: []string{"cell", "--at"}, Folder: scratch,
		Writable: []string{s.path(c.dir)}, Readable: s.readable(c, child.Order),
	}
	for _, i := range plan.Instances(c.app) {
		cfg.Instances = append(cfg.Instances, i.Name)
	}
	// The container writes there as root. What lies in a folder of the user's can be removed by the user.
	if err := os.MkdirAll(filepath.Join(c.dir, "logs"), 0o755); err != nil {
		return nil, err
	}
	in, err := c.engine.NewCell(ctx, cfg)
	if err != nil {
		return nil, err
	}
	prepare := child.Build
	child.Runner = in
	child.Build = func(ctx context.Context) error {
		// Of several runs of one app at once, none may pack what another is writing.
		select {
		case s.preparing <- struct{}{}:
			defer func() { <-s.preparing }()
		case <-ctx.Done():
			return ctx.Err()
		}
		if prepare != nil {
			if err := prepare(ctx); err != nil {
				return err
			}
		}
		return s.use(ctx, c, in)
	}
	o := &child.Order
	o.Scratch, o.Environ = docker.Scratch+"/cell", s.environ
	o.Contained = &run.Contained{Subnet: in.Subnet(), Gateway: in.Gateway(), Instances: in.Addresses()}
	if c.compose != nil {
		o.Contained.Services, o.Contained.Hidden = c.compose.Names(), c.compose.App.Env
	}
	closed, err := lead(ctx, child.Ports, in.Shared())
	end = func() error {
		return errors.Join(closed(), leave(ctx, in, func(service string) (io.WriteCloser, error) { return s.serviceLog(c, service) }))
	}
	if err != nil {
		return nil, errors.Join(err, end())
	}
	return end, nil
}

// leavable is a cell in containers when it has ended.
type leavable interface {
	Logs(ctx context.Context, to func(service string) (io.WriteCloser, error)) error
	Close(ctx context.Context) error
}

// leave keeps what the services of a cell have printed, and removes all that the cell has in the engine, however long that took.
func leave(ctx context.Context, in leavable, to func(service string) (io.WriteCloser, error)) error {
	ctx = context.WithoutCancel(ctx)
	reading, cancel := context.WithTimeout(ctx, draining)
	defer cancel()
	kept := in.Logs(reading, to)
	ctx, cancelClose := context.WithTimeout(ctx, removing)
	defer cancelClose()
	return errors.Join(kept, in.Close(ctx))
}

// readable are the folders of the files that a cell reads.
func (s *state) readable(c *cell, o run.Order) []string {
	folders := []string{s.path(c.app.Dir)}
	for _, file := range append([]string{o.App, o.Scenario, o.World}, o.Overlays...) {
		if filepath.IsAbs(file) {
			folders = append(folders, filepath.Dir(file))
		}
	}
	if o.Outside != "" {
		folders = append(folders, o.Outside)
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}

// use has the images of a cell's containers here, built where the app file or the compose file says so, and says what the instances are.
func (s *state) use(ctx context.Context, c *cell, in *docker.Cell) (err error) {
	if name := c.app.Start.Image; name != "" {
		in.Use(name)
		return c.engine.Have(ctx, name)
	}
	log, err := run.LogFile(c.dir, "image.log")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if c.compose != nil {
		images, err := s.serviceImages(ctx, c.engine, c.app, c.compose, log)
		if err == nil {
			in.UseCompose(c.compose, images)
		}
		return err
	}
	name, err := s.buildImage(ctx, c.engine, c.app, log)
	if err == nil {
		in.Use(name)
	}
	return err
}

// buildImage builds the image of an app by its start.build, and gives its name. What that prints goes to log, without secrets.
func (s *state) buildImage(ctx context.Context, e *docker.Engine, a *spec.App, log io.Writer) (name string, err error) {
	redact, err := s.redactor(a)
	if err != nil {
		return "", err
	}
	said := app.Log(log, redact, nil)
	defer func() { err = errors.Join(err, said.Close()) }()
	return e.BuildApp(ctx, a.Name, s.beside(a, a.Start.Build), said)
}

// beside is the path of what an app file names.
func (s *state) beside(a *spec.App, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.path(a.Dir), name)
}
