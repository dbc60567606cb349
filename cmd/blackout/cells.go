package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"blackout/harness/app"
	"blackout/harness/history"
	"blackout/harness/run"
	"blackout/harness/runtime/private"
	"blackout/harness/spec"
	"blackout/reports"
	"blackout/reports/terminal"
	"blackout/reports/verdict"
	"blackout/scenarios"
)

// cell is one app under one scenario, before, while and after it runs.
type cell struct {
	*loaded
	files             files // that it was loaded by
	appFile, scenario string
	control           *cell // is played first; nil for none
	ground
	listed bool // a suite named the scenario, and not the user

	id      string
	dir     string
	verdict *verdict.Verdict
	report  string // the path of report.html as a person would type it; "" when it could not be written
	err     error  // why there is no verdict, or what else went wrong
}

// playAll runs the cells, so many at once, and writes each one's reports when it ends. After an interrupt no further cell starts.
func (s *state) playAll(ctx context.Context, cells []*cell, out string, parallel int, board *terminal.Board, kill <-chan struct{}) {
	room := make(chan struct{}, parallel)
	var all sync.WaitGroup
	for _, c := range cells {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		lane := board.Add(c.first().plan)
		all.Go(func() {
			defer func() { <-room }()
			s.playCell(ctx, c, out, lane, board, kill)
		})
	}
	all.Wait()
}

// sealing is how long a cell may take to heal and seal after an interrupt, before it is killed.
const sealing = 40 * time.Second

// play runs one cell in a process of its own and reports what its history says, even when the process did not end well.
func (s *state) play(ctx context.Context, c *cell, out string, lane *terminal.Lane, kill <-chan struct{}) (*verdict.Verdict, error) {
	c.dir = filepath.Join(out, c.plan.App, c.id)
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, err
	}
	if err := c.writeInputs(); err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp("", "blackout-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)

	outside, closeOutside, err := exposed(ctx, c)
	if err != nil {
		return nil, err
	}
	defer closeOutside()

	build, err := s.builder(c)
	if err != nil {
		return nil, err
	}
	ports := s.published(ctx, c)
	where := c.addresses(ports, lane.Opened)
	var groups processGroups
	child := run.Child{
		Executable: s.executable, Args: []string{"cell"}, Environ: s.environ, Grace: sealing, Build: build,
		Order: run.Order{
			ID: c.id, Dir: c.dir, Scratch: scratch, App: s.path(c.appFile), Scenario: s.absolute("scenario", c.scenario), World: s.absolute("world", c.files.world), Overlays: s.paths(c.files.overlays), Set: c.files.set,
			Seed: c.plan.Seed, TimeScale: c.files.timeScale, Control: c.plan.Control, PlanSHA256: run.Digest(c.bytes), Private: c.user(), Outside: outside,
		},
		Ports: ports,
		Lines: func(line []byte) {
			if a, ok := appRecord(line); ok {
				groups.see(a)
				where.see(a)
			}
			lane.Line(line)
		},
	}
	end := func() error { return nil }
	if c.engine != nil {
		if end, err = s.contain(ctx, c, &child, scratch); err != nil {
			child.Discard()
			return nil, err
		}
	}
	ran, left := run.Spawn(ctx, child, kill), end()
	if ran != nil && !c.private { // a private network takes its processes with it, and their ids mean others here
		groups.end()
	}
	v, err := reports.Make(c.dir)
	switch {
	case v == nil && ran != nil:
		return nil, errors.Join(ran, left) // that is why there is no history
	case v == nil:
		return nil, err
	case err == nil:
		c.report = s.short(filepath.Join(c.dir, reports.HTMLName))
	case errors.Is(err, syscall.ENOSPC) && ran == nil:
		err = fmt.Errorf("the reports cannot be written: %w; make room, then: blackout report %s", syscall.ENOSPC, s.short(c.dir))
	case errors.Is(err, syscall.ENOSPC):
		err = fmt.Errorf("nor can its reports be written; make room, then: blackout report %s", s.short(c.dir))
	}
	if ran != nil && v.Ended == verdict.Truncated && ctx.Err() == nil {
		err = errors.Join(fmt.Errorf("the run ended before its history was sealed: %w", ran), err)
	}
	return v, errors.Join(err, where.err, left)
}

// builder is the app's build with its log; nil when the app file has none. Secrets are taken out of what it prints.
func (s *state) builder(c *cell) (func(context.Context) error, error) {
	if len(c.app.Start.Prepare) == 0 {
		return nil, nil
	}
	redact, err := s.redactor(c.app)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		log, err := run.LogFile(c.dir, "build.log")
		if err != nil {
			return err
		}
		return errors.Join(app.Prepare(ctx, c.app, s.environ, log, redact), log.Close())
	}, nil
}

// redactor takes the secrets of an app out of a text.
func (s *state) redactor(a *spec.App) (func(string) string, error) {
	secrets, err := s.secrets(a)
	if err != nil {
		return nil, err
	}
	redact := history.NewRedactor()
	for _, secret := range secrets {
		redact.Hide(secret)
	}
	return redact.String, nil
}

// writeInputs writes what is known before the run: the plan, and where it runs.
func (c *cell) writeInputs() error {
	return errors.Join(os.WriteFile(filepath.Join(c.dir, "plan.json"), c.bytes, 0o644), c.writeEnvironment(nil))
}

// writeEnvironment writes where the run goes on. urls are where the app's instances can be opened from this machine meanwhile, by instance.
func (c *cell) writeEnvironment(urls map[string]string) error {
	sees := []string{"PATH", "HOME", "LANG"}
	if c.engine != nil {
		sees = []string{}
	}
	if c.private || c.engine != nil {
		sees = append(sees, private.TrustVariables...)
	}
	if urls == nil {
		urls = map[string]string{}
	}
	environment, err := json.MarshalIndent(map[string]any{
		"schema": "blackout/environment/1", "version": version(), "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH, "cpus": runtime.NumCPU(),
		"runtime": c.runtime(), "network": c.network(), "app_file": c.appFile, "app_sees": sees, "app_declares": sortedKeys(c.app.Start.Env),
		"app_urls": urls,
	}, "", "  ")
	if err != nil {
		return err
	}
	// In one step, since it may be read while the run goes on.
	file := filepath.Join(c.dir, "environment.json")
	if err := os.WriteFile(file+"~", append(environment, '\n'), 0o644); err != nil {
		return errors.Join(err, os.RemoveAll(file+"~"))
	}
	return os.Rename(file+"~", file)
}

// user is whom the app runs as in a private network.
func (c *cell) user() *private.User {
	if !c.private {
		return nil
	}
	self := private.Self()
	return &self
}

func (c *cell) runtime() string {
	if c.engine != nil {
		return run.RuntimeDocker
	}
	return run.RuntimeLocal
}

func (c *cell) network() string {
	if c.private || c.engine != nil {
		return networkPrivate
	}
	return networkShared
}

// absolute keeps the bare name of a library file and makes any other name an absolute path, as source tells them apart.
func (s *state) absolute(kind, name string) string {
	if bare(name) {
		if _, _, err := scenarios.Read(kind, name); err == nil {
			return name
		}
	}
	return s.path(name)
}

func (s *state) paths(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = s.path(name)
	}
	return all
}

// short gives a path relative to the current folder when it lies below.
func (s *state) short(path string) string {
	if rel, err := filepath.Rel(s.dir, path); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return path
}
