package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/charmbracelet/colorprofile"
	"github.com/spf13/cobra"

	"blackout/harness/plan"
	"blackout/reports/terminal"
	"blackout/reports/verdict"
)

func (s *state) runCommand() *cobra.Command {
	var f files
	var r rounds
	var where place
	var g gating
	var of suited
	var apps []string
	var out string
	var parallel int
	c := &cobra.Command{
		Use:   "run [SCENARIO…] --app APP",
		Short: "Run scenarios against an app and report how it degraded",
		Long: `Run brings each scenario to each app: it boots a local chain, starts the app
against the providers of the world, drives its journeys, breaks what the
scenario says, and judges every answer against what was true on the chain.
Each run leaves a folder with its history, verdict and report.

A bare scenario name comes from the library (see "blackout list"); anything
with a slash or an ending is a file. An app is its app.yaml, or the folder of
it.

With --control each run comes after one of the same timeline, seed, load and
app without the faults; with --repeat 3 and --seed 1 each is run with the seeds
1, 2 and 3, and repeat.json says how the scores spread.

With --suite the scenarios of a suite are run, each with the suite's seeds; with
--shard 2/3 the second third of all runs, for several machines whose folders
"blackout gate" and "blackout scorecard" take together.

With --gate the rules of a gate decide instead of the verdicts: whether there is
a failure, and whether what is inconclusive matters.

Exit status: 0 pass, 1 fail, 2 a usage or file error (nothing ran), 3
inconclusive or not applicable, 4 the environment, 130 interrupted. Of several
runs the worst counts, in the order 2, 130, 1, 4, 3, 0.`,
		Example: `  blackout run aws-us-east-1-down --app scenarios/apps/wallet-single
  blackout run control infura-unreachable --app ./app.yaml --seed 2 --out runs
  blackout run aws-us-east-1-down --app ./a --app ./b --parallel 2
  blackout run infura-unreachable --app ./app.yaml --control --repeat 3
  blackout run aws-us-east-1-down --app ./app.yaml --gate release
  blackout run --suite standard --app ./app.yaml --shard 1/4 --out runs-1
  blackout run control --app ./app.yaml --set journeys.view-balance.rate=50/s`,
		Args: func(c *cobra.Command, args []string) error {
			if of.name != "" {
				return nil
			}
			return words(1, 0, "a scenario, such as aws-us-east-1-down, or --suite, and --app")(c, args)
		},
		RunE: func(c *cobra.Command, names []string) (err error) {
			if len(apps) == 0 {
				return usage(errors.New("no app is given"), "add --app with the path of an app.yaml, such as --app scenarios/apps/wallet-single")
			}
			if parallel < 1 {
				return usage(fmt.Errorf("--parallel %d: it takes at least 1", parallel), "")
			}
			if err := where.check(); err != nil {
				return err
			}
			suite, names, err := s.suite(of, &r, names, c.Flags())
			if err != nil {
				return err
			}
			cells, err := s.cells(f, r, names, apps)
			if err != nil {
				return err
			}
			asked := len(r.all(f))
			if cells, err = of.part(cells, g); err != nil {
				return err
			}
			if of.shard != "" {
				asked = 1 // what of the seeds is here says nothing about their spread
			}
			in, err := s.gateOf(g, cells)
			if err != nil {
				return err
			}
			if in != nil {
				in.Suite = suite
			}
			if err := s.browser(cells); err != nil {
				return err
			}
			leave, err := s.ground(c.Context(), where, cells)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, leaving(leave())) }()
			for _, c := range cells {
				if c.private || c.engine != nil {
					continue
				}
				if name := showsCertificates(c.plan); name != "" {
					return usage(fmt.Errorf("scenario %s: the fault %s acts on certificates, which are shown in a private network only", c.plan.Scenario, name), `leave out --network shared, and see what "blackout doctor" says`)
				}
			}
			ran := s.spread(asked, cells, s.path(out), s.runCells(c.Context(), cells, s.path(out), parallel, in != nil))
			return s.gated(g, in, cells, s.path(out), ran)
		},
	}
	f.flags(c.Flags())
	r.flags(c.Flags())
	where.flags(c.Flags())
	g.flags(c.Flags())
	of.flags(c.Flags())
	c.Flags().StringArrayVar(&apps, "app", nil, "the app under test: its app.yaml or the `folder` of it (repeatable)")
	c.Flags().StringVar(&out, "out", "runs", "the `folder` for the runs' folders")
	c.Flags().IntVar(&parallel, "parallel", 1, "the `number` of runs that go on at once, each in a process of its own")
	return c
}

// runCells runs all cells, shows them, reports each, and gives the exit code of the worst. Where a gate decides, what only a verdict says is left to it.
func (s *state) runCells(ctx context.Context, cells []*cell, out string, parallel int, gated bool) error {
	styled := terminal.Styled(s.stdout, s.environ)
	interrupted := s.playShown(ctx, cells, out, parallel, styled)

	var results []terminal.Result
	var codes []int
	var failures []error
	for _, c := range cells {
		if c.err != nil && (c.verdict != nil || !interrupted) {
			failures = append(failures, fmt.Errorf("%s × %s: %w", c.plan.Scenario, c.plan.App, c.err))
		}
		if c.err != nil || !gated || c.verdict == nil || !leftToGate(c.verdict) { // else the gate decides
			codes = append(codes, c.code(interrupted))
		}
		if c.verdict != nil {
			results = append(results, terminal.Result{Verdict: c.verdict, Report: c.report})
		}
	}
	if err := terminal.Summary(styled, results); err != nil && !errors.Is(err, syscall.EPIPE) {
		failures = append(failures, err)
		codes = append(codes, exitEnvironment)
	}
	if code := verdict.WorstExit(codes...); code != exitPass || len(failures) > 0 {
		return &exitError{code: code, err: errors.Join(failures...)}
	}
	return nil
}

// playShown plays all cells and shows how they go on. It reports whether it was interrupted.
func (s *state) playShown(ctx context.Context, cells []*cell, out string, parallel int, show *colorprofile.Writer) (interrupted bool) {
	board := terminal.NewBoard(show, terminal.Interactive(show), s.clock)
	if parallel == 1 || len(cells) == 1 {
		board.ShowAddresses()
	}
	ctx, second, cancel := s.interruptible(ctx, func() {
		board.Clear()
		fmt.Fprintln(s.stderr, "Interrupted: healing, sealing and reporting. Interrupt again to quit at once.")
	})
	defer cancel()
	stopDrawing := s.draw(board)
	s.playAll(ctx, cells, out, parallel, board, second)
	stopDrawing()
	return ctx.Err() != nil
}

// code is the exit code of a cell that had its turn, or none because of an interrupt.
func (c *cell) code(interrupted bool) int {
	switch {
	case c.err != nil && c.verdict == nil && interrupted: // while it was being set up
		return exitInterrupted
	case c.err != nil:
		return exitEnvironment
	case c.verdict == nil: // interrupted before its turn
		return exitInterrupted
	case c.verdict.Ended == verdict.Truncated && interrupted: // interrupted twice: there was no time to seal
		return exitInterrupted
	default:
		return verdict.ExitCode(c.verdict, !c.listed)
	}
}

// draw draws the board once a second until the returned function is called.
func (s *state) draw(board *terminal.Board) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			board.Draw()
			select {
			case <-tick.C:
			case <-done:
				board.Draw()
				board.Clear()
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

// endWord is what the board says of a run that has ended.
func endWord(v *verdict.Verdict, err error) string {
	if v == nil || err != nil {
		return "did not go well, see below"
	}
	return terminal.Outcome(v)
}

// runID names a run's folder: when, what, which seed, and four characters that keep two runs of the same second apart.
func (s *state) runID(p *plan.Plan, salt string) string {
	return fmt.Sprintf("%s-%s-s%d-%s", s.clock.Time(s.clock.Now()).UTC().Format("20060102T150405Z"), p.Scenario, p.Seed, salt)
}
