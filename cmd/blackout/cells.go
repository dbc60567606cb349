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

	"blackout/harness/history"
	"blackout/harness/run"
	"blackout/reports"
	"blackout/reports/terminal"
	"blackout/reports/verdict"
	"blackout/scenarios"
)

// cell is one app under one scenario, before, while and after it runs.
type cell struct {
	*loaded
	appFile, scenario string
	control           *cell // is played first; nil for none

	id      string
	dir     string
	verdict *verdict.Verdict
	report  string // the path of report.html as a person would type it; "" when it could not be written
	err     error  // why there is no verdict, or what else went wrong
}

// playAll runs the cells, so many at once, and writes each one's reports when it ends. After an interrupt no further cell starts.
func (s *state) playAll(ctx context.Context, f files, cells []*cell, out string, parallel int, board *terminal.Board, kill <-chan struct{}) {
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
			s.playCell(ctx, f, c, out, lane, board, kill)
		})
	}
	all.Wait()
}

// sealing is how long a cell may take to heal and seal after an interrupt, before it is killed.
const sealing = 40 * time.Second

// play runs one cell in a process of its own and reports what its history says, even when the process did not end well.
func (s *state) play(ctx context.Context, f files, c *cell, out string, lane *terminal.Lane, kill <-chan struct{}) (*verdict.Verdict, error) {
	c.dir = filepath.Join(out, c.plan.App, c.id)
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, err
	}
	if err := s.writeInputs(c); err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp("", "blackout-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)

	var groups processGroups
	ran := run.Spawn(ctx, run.Child{
		Executable: s.executable, Args: []string{"cell"}, Environ: s.environ, Grace: sealing,
		Order: run.Order{
			ID: c.id, Dir: c.dir, Scratch: scratch, App: s.path(c.appFile), Scenario: s.absolute("scenario", c.scenario), World: s.absolute("world", f.world), Overlays: s.paths(f.overlays), Set: f.set,
			Seed: c.plan.Seed, TimeScale: f.timeScale, Control: c.plan.Control, PlanSHA256: run.Digest(c.bytes),
		},
		Lines: func(line []byte) { groups.see(line); lane.Line(line) },
	}, kill)
	if ran != nil {
		groups.end()
	}
	h, err := history.ReadFolder(c.dir)
	switch {
	case err != nil && ran != nil:
		return nil, ran // that is why there is no history
	case err != nil:
		return nil, err
	}
	v, err := reports.Write(c.dir, h)
	switch {
	case err == nil:
		c.report = s.short(filepath.Join(c.dir, reports.HTMLName))
	case errors.Is(err, syscall.ENOSPC) && ran == nil:
		err = fmt.Errorf("the reports cannot be written: %w; make room, then: blackout report %s", syscall.ENOSPC, s.short(c.dir))
	case errors.Is(err, syscall.ENOSPC):
		err = fmt.Errorf("nor can its reports be written; make room, then: blackout report %s", s.short(c.dir))
	}
	if ran != nil && h.Seal == nil && ctx.Err() == nil {
		err = errors.Join(fmt.Errorf("the run ended before its history was sealed: %w", ran), err)
	}
	return v, err
}

// writeInputs writes what is known before the run: the plan, and where it runs.
func (s *state) writeInputs(c *cell) error {
	environment, err := json.MarshalIndent(map[string]any{
		"schema": "blackout/environment/1", "version": version(), "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH, "cpus": runtime.NumCPU(),
		"runtime": "local", "app_file": c.appFile, "app_sees": []string{"PATH", "HOME", "LANG"}, "app_declares": sortedKeys(c.app.Start.Env),
	}, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(c.dir, "plan.json"), c.bytes, 0o644),
		os.WriteFile(filepath.Join(c.dir, "environment.json"), append(environment, '\n'), 0o644),
	)
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
