package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"blackout/harness/fault"
	"blackout/harness/spec"
	"blackout/scenarios"
)

func (s *state) listCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list [scenarios|faults|worlds|suites|gates]", Short: "List what the library holds",
		Example: `  blackout list
  blackout list faults`,
		Args: words(0, 1, "one kind"), ValidArgs: []string{"scenarios", "faults", "worlds", "suites", "gates"},
		RunE: func(c *cobra.Command, args []string) error {
			what := "scenarios"
			if len(args) == 1 {
				what = args[0]
			}
			table := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', 0)
			defer table.Flush()
			switch what {
			case "scenarios":
				for _, name := range scenarios.Names("scenario") {
					scenario, err := s.loadScenario(files{}, name)
					if err != nil {
						return err
					}
					fmt.Fprintf(table, "%s\t%s\n", name, first(scenario.About))
				}
			case "faults":
				for _, d := range fault.All() {
					fmt.Fprintf(table, "%s\t%s\t%s\n", d.Name, d.Layer, d.Summary)
				}
			case "gates":
				for _, name := range scenarios.Names(spec.KindGate) {
					file, err := s.source(spec.KindGate, name)
					if err != nil {
						return err
					}
					g, err := spec.ParseGate(file, spec.Options{Env: s.env})
					if err != nil {
						return err
					}
					fmt.Fprintf(table, "%s\t%s\n", name, first(g.About))
				}
			case "worlds", "suites":
				for _, name := range scenarios.Names(strings.TrimSuffix(what, "s")) {
					fmt.Fprintln(table, name)
				}
			default:
				return usage(fmt.Errorf("there is no list of %q", what), "the lists are: scenarios, faults, worlds, suites, gates")
			}
			return nil
		},
	}
}

// first is the first sentence of a text.
func first(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if i := strings.Index(text, ". "); i >= 0 {
		return text[:i+1]
	}
	return text
}
