package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"blackout/reports/compare"
	"blackout/reports/markdown"
	"blackout/reports/terminal"
)

func (s *state) compareCommand() *cobra.Command {
	var format, out string
	formats := []string{"text", "json", "markdown"}
	c := &cobra.Command{
		Use:   "compare A B",
		Short: "Put two apps, versions or placements side by side",
		Long: `Compare finds every verdict.json below A and below B, pairs their runs by
scenario and seed, and says what changed from A to B and what the runs show of
why. A and B are folders with runs, folders of runs, or files verdict.json.

Where each side has runs of one app only, the two apps may differ; otherwise
runs are paired by app too. Of several runs of one app, scenario and seed the
latest counts. Runs without a partner are listed. Where a run is inconclusive,
or two runs are not alike, the change is not known.

Exit status: 0 when runs were compared, better or worse, for it gates nothing;
2 a usage or file error.`,
		Example: `  blackout compare runs/wallet-single runs/wallet-resilient
  blackout compare runs-1.4 runs-1.5 --format markdown --out changes.md`,
		Args: words(2, 2, "two folders with runs"),
		RunE: func(_ *cobra.Command, dirs []string) error {
			if !slices.Contains(formats, format) {
				return usage(fmt.Errorf("there is no format %q", format), "the formats are: "+strings.Join(formats, ", "))
			}
			sides := make([]compare.Input, len(dirs))
			for i, dir := range dirs {
				runs, err := s.verdicts([]string{dir})
				if err != nil {
					return usage(err, "")
				}
				sides[i] = compare.Input{Name: filepath.Base(filepath.Clean(dir)), Runs: runs}
				if runs == nil {
					return usage(fmt.Errorf("no verdict.json lies below %s", dir), `"blackout run" makes them; a run that was cut off gets one by "blackout report"`)
				}
			}
			result, err := compare.Make(sides[0], sides[1])
			if err != nil {
				return usage(fmt.Errorf("%s and %s: %w", dirs[0], dirs[1], err), unpaired(result))
			}
			return s.tellComparison(result, format, out)
		},
	}
	c.Flags().StringVar(&format, "format", "text", "the `format`: "+strings.Join(formats, ", "))
	c.Flags().StringVar(&out, "out", "", "write to a `file`")
	return c
}

// unpaired says what to do about sides that have nothing in common.
func unpaired(c *compare.Comparison) string {
	has := map[string]string{"a": "none", "b": "none"}
	for _, a := range slices.Backward(c.Alone) {
		has[a.Side] = fmt.Sprintf("%s of %s with seed %d", a.Scenario, a.Run.App, a.Seed)
	}
	by := "scenario and seed"
	if len(c.A.Apps) > 1 || len(c.B.Apps) > 1 {
		by = "app, scenario and seed; with one app a side their names may differ"
	}
	return fmt.Sprintf("A has %s, B has %s; runs are paired by %s", has["a"], has["b"], by)
}

// tellComparison writes a comparison to the standard output, or to a file if one is named.
func (s *state) tellComparison(c *compare.Comparison, format, out string) error {
	w, closed, err := s.output(out)
	if err != nil {
		return err
	}
	defer closed()
	switch format {
	case "json":
		text, failed := c.Encode()
		if err = failed; err == nil {
			_, err = w.Write(text)
		}
	case "markdown":
		err = markdown.Compare(w, c)
	default:
		err = terminal.Compare(terminal.Styled(w, s.environ), c)
	}
	if errors.Is(err, syscall.EPIPE) {
		return nil // the reader has seen enough
	}
	return err
}
