package terminal

import (
	"fmt"
	"io"
	"strings"

	"blackout/reports/repeat"
	"blackout/reports/verdict"
)

// Repeated is the spread of one cell and where its repeat.json lies.
type Repeated struct {
	Spread repeat.Spread
	File   string // as a person would type it; "" when it could not be written
}

// Spread says how far the runs of each cell lie apart: one line for the scenario, one for each journey.
func Spread(w io.Writer, cells []Repeated) error {
	var out strings.Builder
	for _, c := range cells {
		s := c.Spread
		fmt.Fprintf(&out, "\n%s %s\n", paint(bold, s.App+" under "+s.Scenario), seeds(s))
		fmt.Fprintf(&out, "  %s\n", wrap(tallied(s), "  ", 2))
		if s.Score != nil {
			fmt.Fprintf(&out, "  %-20s %6s %6s %6s %6s   %s\n", "", "median", "worst", "best", "mean", "95 % interval of the mean")
			out.WriteString(row("score", s.Score))
			for _, j := range s.Journeys {
				out.WriteString(row(j.Journey, j.Score))
			}
		}
		if c.File != "" {
			fmt.Fprintf(&out, "  %s\n", c.File)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// seeds is "over 5 seeds", or how many of those that were asked for.
func seeds(s repeat.Spread) string {
	if len(s.Runs) < s.Asked {
		return fmt.Sprintf("over %d of %d seeds", len(s.Runs), s.Asked)
	}
	if s.Asked == 1 {
		return "over 1 seed"
	}
	return fmt.Sprintf("over %d seeds", s.Asked)
}

// tallied is "2 of 3 passed, 1 failed; worst severity misleading".
func tallied(s repeat.Spread) string {
	parts := []string{fmt.Sprintf("%d of %d passed", s.Passed, len(s.Runs))}
	for _, v := range []struct{ name, word string }{
		{verdict.Fail, "failed"}, {verdict.Inconclusive, "inconclusive"}, {verdict.NotApplicable, "not applicable"},
	} {
		if n := s.Verdicts[v.name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, v.word))
		}
	}
	text := strings.Join(parts, ", ")
	if s.Score == nil {
		return text + "; no run has a score"
	}
	return text + "; worst severity " + s.Severity
}

func row(name string, s *repeat.Score) string {
	if s == nil {
		return fmt.Sprintf("  %-20s %6s\n", clip(name, 20), "–")
	}
	interval := "– of one run"
	if s.Interval != nil {
		interval = fmt.Sprintf("%.1f – %.1f", s.Interval.Low, s.Interval.High)
	}
	return fmt.Sprintf("  %-20s %6d %6d %6d %6.1f   %s\n", clip(name, 20), s.Median, s.Worst, s.Best, s.Mean, interval)
}
