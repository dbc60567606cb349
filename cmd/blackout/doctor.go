package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"blackout/harness/doctor"
)

func (s *state) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Find out whether this machine can run scenarios", Args: cobra.NoArgs,
		Long: `Doctor tries what a run needs, the chain and the connection faults included,
and says what to do where something is missing. Where there is a container
engine it makes the network of a run in containers and a container in it, and
removes both.`,
		Example: "  blackout doctor",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			scratch, err := os.MkdirTemp("", "blackout-doctor-")
			if err != nil {
				return &exitError{exitEnvironment, err, "set TMPDIR to a folder that can be written"}
			}
			defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
			ctx, _, cancel := s.interruptible(c.Context(), func() {})
			defer cancel()
			checks := doctor.Examine(ctx, s.clock, scratch, doctor.Self{Executable: s.executable, Enter: []string{"enter"}, Inhabit: []string{"inhabit"}})
			if ctx.Err() != nil {
				return &exitError{code: exitInterrupted}
			}
			for _, check := range checks {
				mark, text := "ok  ", check.Found
				switch {
				case check.Err != nil && check.Optional:
					mark, text = "none", check.Err.Error()
				case check.Err != nil:
					mark, text = "FAIL", check.Err.Error()
				case check.Hint != "":
					mark = "warn"
				}
				fmt.Fprintf(s.stdout, "%s  %-18s %s\n", mark, check.Name, text)
				if check.Hint != "" {
					fmt.Fprintf(s.stdout, "      %-18s %s\n", "", check.Hint)
				}
			}
			if !doctor.Healthy(checks) {
				return &exitError{code: exitEnvironment, err: errors.New("this machine cannot run scenarios yet")}
			}
			return nil
		},
	}
}
