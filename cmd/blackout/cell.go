package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"blackout/harness/run"
)

// cellCommand is what "run" starts for each cell: one process, one chain, one app. It speaks to its parent only: the order on its standard input, the history's lines
// on its standard output.
func (s *state) cellCommand() *cobra.Command {
	return &cobra.Command{
		Use: "cell", Hidden: true, Args: cobra.NoArgs,
		Short: "Run one cell as ordered on standard input",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			ctx, _, cancel := s.interruptible(c.Context(), func() {})
			defer cancel()
			order, ctx, err := run.ReadOrder(ctx, s.stdin)
			if err != nil {
				return err
			}
			// The parent does it too, unless it was killed.
			defer func() { err = errors.Join(err, os.RemoveAll(order.Scratch)) }()
			l, err := s.load(files{world: order.World, overlays: order.Overlays, set: order.Set, seed: order.Seed, timeScale: order.TimeScale, control: order.Control}, order.App, order.Scenario)
			if err != nil {
				return usage(err, "")
			}
			if err := order.Fits(l.bytes); err != nil {
				return usage(err, "")
			}
			secrets, err := s.secrets(l.app)
			if err != nil {
				return usage(err, "")
			}
			err = run.Cell(ctx, run.Config{
				ID: order.ID, Version: version(), Plan: l.plan, PlanBytes: l.bytes, App: l.app, Dir: order.Dir, Scratch: order.Scratch,
				Clock: s.clock, Environ: s.environ, Secrets: secrets,
				Tee: func(lines []byte) { _, _ = s.stdout.Write(lines) }, // a parent that is gone shows at the standard input
			})
			if errors.Is(err, run.ErrInterrupted) {
				return nil // the seal says so
			}
			if err != nil {
				return &exitError{code: exitEnvironment, err: err}
			}
			return nil
		},
	}
}
