package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"blackout/harness/spec"
	"blackout/reports"
	"blackout/reports/markdown"
	"blackout/reports/scorecard"
	"blackout/reports/verdict"
)

func (s *state) scorecardCommand() *cobra.Command {
	var suiteName, format, out string
	c := &cobra.Command{
		Use:   "scorecard DIR…",
		Short: "Put the verdicts of many runs together",
		Long: `Scorecard finds every verdict.json below the given folders and makes a card
for each app: its scenarios and journeys with their scores, one letter, and
the facts that made it.`,
		Example: `  blackout scorecard runs
  blackout scorecard runs --suite standard --format json --out scorecard.json`,
		Args: words(1, 0, "a folder with runs"),
		RunE: func(c *cobra.Command, dirs []string) error {
			var suite *spec.Suite
			if suiteName != "" {
				var err error
				if suite, err = s.loadSuite(suiteName); err != nil {
					return usage(err, "")
				}
			}
			runs, err := s.verdicts(dirs)
			if err != nil {
				return usage(err, "")
			}
			if len(runs) == 0 {
				return usage(errors.New("no verdict.json lies below the given folders"), `"blackout run" makes them; a run that was cut off gets one by "blackout report"`)
			}
			cards := scorecard.Make(runs, suite)
			w, closed, err := s.output(out)
			if err != nil {
				return err
			}
			defer closed()
			switch format {
			case "json":
				text, err := scorecard.Encode(cards)
				if err != nil {
					return err
				}
				_, err = w.Write(text)
				return err
			case "markdown":
				return markdown.Scorecard(w, cards)
			default:
				return usage(fmt.Errorf("there is no format %q", format), "the formats are: markdown, json")
			}
		},
	}
	c.Flags().StringVar(&suiteName, "suite", "", "the suite whose scenarios and weights count: a name from the library, or a `file`")
	c.Flags().StringVar(&format, "format", "markdown", "the `format`: markdown or json")
	c.Flags().StringVar(&out, "out", "", "write to a `file`")
	return c
}

// output opens what a command writes to: the standard output, or a file if one is named. The file is the caller's to close.
func (s *state) output(file string) (w io.Writer, closed func(), err error) {
	if file == "" {
		return s.stdout, func() {}, nil
	}
	f, err := os.Create(s.path(file))
	if err != nil {
		return nil, nil, usage(err, "")
	}
	return f, func() { f.Close() }, nil
}

// verdicts reads every verdict below the folders.
func (s *state) verdicts(dirs []string) (list []*verdict.Verdict, err error) {
	for _, dir := range dirs {
		walkErr := filepath.WalkDir(s.path(dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.Name() != reports.VerdictName {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			var v verdict.Verdict
			if err := json.Unmarshal(text, &v); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if v.Schema != verdict.Schema {
				return fmt.Errorf("%s: schema %q is not %q", path, v.Schema, verdict.Schema)
			}
			list = append(list, &v)
			return nil
		})
		err = errors.Join(err, walkErr)
	}
	return list, err
}
