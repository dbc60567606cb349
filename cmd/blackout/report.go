package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"blackout/reports"
	"blackout/reports/terminal"
	"blackout/reports/verdict"
)

func (s *state) reportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "report RUN…",
		Short: "Judge runs again and write their reports anew",
		Long: `Report reads the history in a run's folder, judges it, and writes
verdict.json, report.html, summary.md and junit.xml into the folder. It needs
no chain and no app, and works on a run that was cut off.`,
		Example: `  blackout report runs/wallet-single/20261122T113400Z-aws-us-east-1-down-s1-7f3a`,
		Args:    words(1, 0, "the folder of a run"),
		RunE: func(c *cobra.Command, dirs []string) error {
			var results []terminal.Result
			var codes []int
			var problems []error
			for _, dir := range dirs {
				v, err := reports.Make(s.path(dir))
				if err != nil {
					problems = append(problems, fmt.Errorf("%s: %w", dir, err))
					continue
				}
				codes = append(codes, verdict.ExitCode(v, true))
				results = append(results, terminal.Result{Verdict: v, Report: filepath.Join(dir, reports.HTMLName)})
			}
			if err := terminal.Summary(terminal.Styled(s.stdout, s.environ), results); err != nil {
				return err
			}
			if len(problems) > 0 {
				return usage(errors.Join(problems...), "a run's folder holds history.jsonl.gz, or history.jsonl while the run goes on")
			}
			if code := verdict.WorstExit(codes...); code != exitPass {
				return &exitError{code: code}
			}
			return nil
		},
	}
}
