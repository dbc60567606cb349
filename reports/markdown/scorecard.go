package markdown

import (
	"fmt"
	"io"
	"strings"

	"blackout/reports/scorecard"
)

// Scorecard writes cards, each as a table of its scenarios.
func Scorecard(w io.Writer, cards []scorecard.Card) error {
	var out strings.Builder
	out.WriteString("# Resilience scorecard\n\n| app | result | coverage |\n|---|---|---:|\n")
	for _, c := range cards {
		fmt.Fprintf(&out, "| %s | **%s** | %.0f %% |\n", cell(c.App), cell(c.Headline), 100*c.Coverage)
	}
	for _, c := range cards {
		fmt.Fprintf(&out, "\n## %s: %s\n\n", cell(c.App), cell(c.Headline))
		if c.Suite != "" {
			fmt.Fprintf(&out, "Suite %s.\n\n", cell(c.Suite))
		}
		for _, cap := range c.Caps {
			fmt.Fprintf(&out, "- %s\n", cell(cap))
		}
		if len(c.Caps) > 0 {
			out.WriteString("\n")
		}
		out.WriteString("| scenario | weight | score | severity | journeys | seeds |\n|---|---:|---:|---|---|---|\n")
		for _, s := range c.Scenarios {
			var journeys, seeds []string
			for _, j := range s.Journeys {
				journeys = append(journeys, fmt.Sprintf("%s %s (worst: %s)", cell(j.Name), score(j.Score), j.Worst))
			}
			for _, r := range s.Seeds {
				seeds = append(seeds, fmt.Sprintf("%d: %s %s", r.Seed, r.Verdict, score(r.Score)))
			}
			if len(seeds) == 0 {
				seeds = []string{"not run"}
			}
			fmt.Fprintf(&out, "| %s | %g | %s | %s | %s | %s |\n", cell(s.Name), s.Weight, score(s.Score), s.Severity, strings.Join(journeys, ", "), strings.Join(seeds, ", "))
		}
	}
	out.WriteString("\nA scenario's score is the median over its seeds, its severity the worst. The card's score is the mean by weight.\n")
	_, err := io.WriteString(w, out.String())
	return err
}
