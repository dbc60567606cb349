package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/pflag"

	"blackout/harness/history"
	"blackout/reports"
	"blackout/reports/repeat"
	"blackout/reports/terminal"
	"blackout/reports/verdict"
)

// rounds are the words of a command line that say how often each app meets each scenario, and what against.
type rounds struct {
	repeat  int
	control bool
	seeds   []uint64        // of a suite; nil: those of --seed and --repeat
	listed  map[string]bool // the scenarios that only a suite names
}

func (r *rounds) flags(set *pflag.FlagSet) {
	set.IntVar(&r.repeat, "repeat", 1, "run each app and scenario this `number` of times, with the seeds from --seed on, and say how the scores spread")
	set.BoolVar(&r.control, "control", false, "first run the same without the faults: what a check says there makes the run inconclusive")
}

// cells loads everything that is to be run, or says all that is wrong with it. All cells of one seed come before those of the next, so that what changes on the
// machine with time falls on all of them alike.
func (s *state) cells(f files, r rounds, names, apps []string) ([]*cell, error) {
	switch {
	case r.repeat < 1:
		return nil, usage(fmt.Errorf("--repeat %d: it takes at least 1", r.repeat), "")
	case f.seed > math.MaxUint64-uint64(r.repeat-1):
		return nil, usage(fmt.Errorf("--repeat %d: there are not so many seeds from %d on", r.repeat, f.seed), "")
	}
	var cells []*cell
	var problems []error
	for _, seed := range r.all(f) {
		of := f
		of.seed = seed
		for _, name := range names {
			for _, app := range apps {
				c, err := s.cell(of, r, app, name)
				if err != nil {
					problems = append(problems, err)
					continue
				}
				c.listed = r.listed[name]
				cells = append(cells, c)
			}
		}
		if len(problems) > 0 {
			hint := ""
			if len(names)*len(apps) > 1 {
				hint = "nothing was run"
			}
			return nil, usage(distinct(problems...), hint)
		}
	}
	return cells, nil
}

// all lists the seeds.
func (r rounds) all(f files) []uint64 {
	if r.seeds != nil {
		return r.seeds
	}
	seeds := make([]uint64, r.repeat)
	for i := range seeds {
		seeds[i] = f.seed + uint64(i)
	}
	return seeds
}

// cell loads one app under one scenario, and its control if there is to be one. A scenario without faults is its own.
func (s *state) cell(f files, r rounds, app, scenario string) (*cell, error) {
	l, err := s.load(f, app, scenario)
	if err != nil {
		return nil, err
	}
	if _, err := s.secrets(l.app); err != nil {
		return nil, err
	}
	c := &cell{loaded: l, files: f, appFile: app, scenario: scenario}
	if r.control && len(l.plan.Effects) > 0 {
		calm := *l
		f.control = true
		if err := calm.build(f); err != nil {
			return nil, err
		}
		c.control = &cell{loaded: &calm, files: f, appFile: app, scenario: scenario}
	}
	return c, nil
}

// playCell plays a cell, its control first if it has one. A control that does not come to its end vouches for nothing: then the run does not start, and what became
// of the control is what became of the cell.
func (s *state) playCell(ctx context.Context, c *cell, out string, lane *terminal.Lane, board *terminal.Board, kill <-chan struct{}) {
	salt := make([]byte, 2)
	if _, c.err = rand.Read(salt); c.err != nil {
		return
	}
	c.id = s.runID(c.plan, hex.EncodeToString(salt))
	if k := c.control; k != nil {
		k.id = c.id + reports.ControlSuffix
		k.verdict, k.err = s.play(ctx, k, out, lane, kill)
		lane.End(endWord(k.verdict, k.err))
		switch {
		case k.err != nil:
			c.verdict, c.report, c.err = k.verdict, k.report, fmt.Errorf("the control, so the run did not start: %w", k.err)
			return
		case k.verdict.Ended != history.EndComplete:
			c.verdict, c.report = k.verdict, k.report
			return
		case ctx.Err() != nil: // between the two
			return
		}
		lane = board.Add(c.plan)
	}
	c.verdict, c.err = s.play(ctx, c, out, lane, kill)
	lane.End(endWord(c.verdict, c.err))
}

// first is what of a cell is run first.
func (c *cell) first() *cell {
	if c.control != nil {
		return c.control
	}
	return c
}

// spread says and writes how the scores of repeated runs lie. ran is how the runs themselves ended, which decides the exit code unless this fails.
func (s *state) spread(asked int, cells []*cell, out string, ran error) error {
	if asked < 2 {
		return ran
	}
	var runs []*verdict.Verdict
	for _, c := range cells {
		if c.verdict != nil {
			runs = append(runs, c.verdict)
		}
	}
	var shown []terminal.Repeated
	var failures []error
	for _, spread := range repeat.Of(runs, asked) {
		file, err := writeSpread(out, spread)
		if err != nil {
			failures = append(failures, fmt.Errorf("%s × %s: %w", spread.Scenario, spread.App, err))
			file = ""
		} else {
			file = s.short(file)
		}
		shown = append(shown, terminal.Repeated{Spread: spread, File: file})
	}
	if err := terminal.Spread(terminal.Styled(s.stdout, s.environ), shown); err != nil && !errors.Is(err, syscall.EPIPE) {
		failures = append(failures, err)
	}
	if len(failures) == 0 {
		return ran
	}
	worst := &exitError{code: exitEnvironment, err: errors.Join(failures...)}
	var e *exitError
	if errors.As(ran, &e) {
		worst.code, worst.err = verdict.WorstExit(e.code, exitEnvironment), errors.Join(e.err, worst.err)
	}
	return worst
}

// writeSpread writes repeat.json into a folder of its own beside the runs, named after the first of them and how many were asked for, and gives its path.
func writeSpread(out string, spread repeat.Spread) (string, error) {
	text, err := spread.Encode()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(out, spread.App, fmt.Sprintf("%s-x%d", spread.Runs[0].ID, spread.Asked))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	file := filepath.Join(dir, reports.RepeatName)
	return file, os.WriteFile(file, text, 0o644)
}
