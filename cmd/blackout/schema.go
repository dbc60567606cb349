package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"blackout/harness/spec"
	"blackout/reports/audit"
	"blackout/reports/compare"
	"blackout/reports/gate"
	"blackout/reports/scorecard"
	"blackout/reports/verdict"
)

func (s *state) schemaCommand() *cobra.Command {
	files, results := spec.Kinds(), []string{"verdict", "gate-result", "audit", "scorecard", "compare"}
	kinds := slices.Concat(files, results)
	return &cobra.Command{
		Use:   "schema KIND",
		Short: "Print the JSON Schema of a file format",
		Long:  "Schema prints the JSON Schema (2020-12) of a file format. Editors complete and\ncheck files by it. KIND is one of:\n\n  " + strings.Join(files, ", ") + ",\n  " + strings.Join(results, ", "),
		Example: `  blackout schema scenario > scenario.schema.json
  # then, as the first line of a scenario file:
  # yaml-language-server: $schema=./scenario.schema.json`,
		Args: words(1, 1, "one of "+strings.Join(kinds, ", ")), ValidArgs: kinds,
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains(kinds, args[0]) {
				return usage(fmt.Errorf("there is no schema of %q", args[0]), cmp.Or(spec.Suggest(args[0], kinds), "the kinds are: "+strings.Join(kinds, ", ")))
			}
			make := func() ([]byte, error) { return spec.Schema(args[0]) }
			switch args[0] {
			case "verdict":
				make = verdict.JSONSchema
			case "gate-result":
				make = gate.JSONSchema
			case "audit":
				make = audit.JSONSchema
			case "scorecard":
				make = scorecard.JSONSchema
			case "compare":
				make = compare.JSONSchema
			}
			text, err := make()
			if err != nil {
				return err
			}
			_, err = s.stdout.Write(text)
			return err
		},
	}
}
