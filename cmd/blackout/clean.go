package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"blackout/harness/runtime/docker"
)

func (s *state) cleanCommand() *cobra.Command {
	return &cobra.Command{
		Use: "clean", Short: "Remove what killed runs have left in the container engine", Args: cobra.NoArgs,
		Long: `Clean removes the containers, networks and volumes that runs have left whose
process was killed, and their folders among the temporary files. Runs that go on
are not touched, nor are images (see "blackout images"). The next run in
containers does the same before it starts.`,
		Example: "  blackout clean",
		RunE: func(c *cobra.Command, _ []string) error {
			return s.withEngine(c.Context(), func(e *docker.Engine) error {
				removed, err := e.Sweep(c.Context())
				switch {
				case removed != docker.Removed{}:
					fmt.Fprintf(s.stdout, "Removed %s.\n", removed)
				case err == nil:
					fmt.Fprintln(s.stdout, "Nothing was left.")
				}
				return err
			})
		},
	}
}

// connect finds the container engine.
func connect(ctx context.Context) (*docker.Engine, error) {
	engine, err := docker.Connect(ctx)
	if err != nil {
		return nil, &exitError{exitEnvironment, err, docker.Advice(err)}
	}
	return engine, nil
}
