package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"blackout/harness/history"
	"blackout/reports/trace"
	"blackout/reports/verdict"
)

func (s *state) traceCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "trace RUN ATTEMPT|FINDING",
		Short: "Tell one attempt's whole story",
		Long: `Trace reads the history in a run's folder and tells all that it has about one
attempt: when it was due, sent and answered, what the app asked of its
providers meanwhile, which faults were in place, what the chain knew, and the
rule that decided. Of a finding it tells the story of the first attempt.`,
		Example: `  blackout trace runs/wallet-single/20261122T113400Z-control-s1-7f3a \
    view-balance#211
  blackout trace "$RUN" zero-balance/view-balance/acct-03 --json`,
		Args: words(2, 2, "the folder of a run, and an attempt such as view-balance#211"),
		RunE: func(c *cobra.Command, args []string) error {
			h, err := history.ReadFolder(s.path(args[0]))
			if err != nil {
				return usage(err, "a run's folder holds history.jsonl.gz, or history.jsonl while the run goes on")
			}
			j, err := verdict.Judge(h)
			if err != nil {
				return usage(fmt.Errorf("judge the history: %w", err), "")
			}
			story, err := trace.Make(h, j, args[1])
			if err != nil {
				hint := ""
				var unknown *trace.NotFoundError
				if errors.As(err, &unknown) {
					hint = unknown.Hint
				}
				return usage(err, hint)
			}
			if !asJSON {
				return story.Text(s.stdout)
			}
			text, err := story.Encode()
			if err != nil {
				return err
			}
			_, err = s.stdout.Write(text)
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the story as JSON, with all of its calls")
	return c
}
