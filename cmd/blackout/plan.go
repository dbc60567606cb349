package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func (s *state) planCommand() *cobra.Command {
	var f files
	var app string
	var asJSON bool
	c := &cobra.Command{
		Use:   "plan SCENARIO --app APP",
		Short: "Print what a run would do, and why, without running anything",
		Long: `Plan prints the timetable of a scenario for an app: each effect with the chain
of reasons that leads to it, the blast radius, and the load. The same files
and seed give the same plan, byte for byte.`,
		Example: `  blackout plan aws-us-east-1-down --app scenarios/apps/wallet-single
  blackout plan aws-us-east-1-down --app ./app.yaml --json > plan.json`,
		Args: words(1, 1, "one scenario, such as aws-us-east-1-down, and --app"),
		RunE: func(c *cobra.Command, names []string) error {
			if app == "" {
				return usage(errors.New("no app is given"), "add --app with the path of an app.yaml")
			}
			l, err := s.load(f, app, names[0])
			if err != nil {
				return usage(err, "")
			}
			if asJSON {
				_, err := s.stdout.Write(l.bytes)
				return err
			}
			return l.plan.Explain(s.stdout)
		},
	}
	f.flags(c.Flags())
	c.Flags().StringVar(&app, "app", "", "the app under test: its app.yaml or the `folder` of it")
	c.Flags().BoolVar(&asJSON, "json", false, "print plan.json")
	return c
}
