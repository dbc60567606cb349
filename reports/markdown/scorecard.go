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
		made(&out, &c)
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
		cardFacts(&out, c.Facts)
		cardChanges(&out, c.Changed)
	}
	out.WriteString("\nA scenario's score is the median over its seeds, its severity the worst. The card's score is the mean by weight.\n")
	_, err := io.WriteString(w, out.String())
	return err
}

// made says what the card rests on: its caps, its score's arithmetic, the versions and the dates.
func made(out *strings.Builder, c *scorecard.Card) {
	var lines []string
	lines = append(lines, c.Caps...)
	if c.Sum != nil && c.Score != nil {
		lines = append(lines, fmt.Sprintf("score: %s, rounded down %d", c.Sum, *c.Score))
	}
	if list := c.Versions.List(); len(list) > 0 {
		lines = append(lines, "versions: "+strings.Join(list, ", "))
	}
	if when := c.Made(); when != "" {
		lines = append(lines, "runs: "+when)
	}
	bullets(out, lines)
	if len(lines) > 0 {
		out.WriteString("\n")
	}
}

func bullets(out *strings.Builder, lines []string) {
	for _, line := range lines {
		fmt.Fprintf(out, "- %s\n", cell(line))
	}
}

func cardFacts(out *strings.Builder, facts []scorecard.Fact) {
	if len(facts) == 0 {
		return
	}
	out.WriteString("\n| finding | class | scenario | times | runs | the first of them |\n|---|---|---|---:|---|---|\n")
	for _, f := range facts[:min(most, len(facts))] {
		fmt.Fprintf(out, "| %s in %s | %s | %s | %d | %d of %d | %s (%s) |\n", cell(f.Check), cell(f.Journey), f.Class, cell(f.Scenario), f.Count, f.Runs, f.Of, cell(f.Text), cell(f.Run))
	}
	if len(facts) > most {
		fmt.Fprintf(out, "\n%d more in scorecard.json.\n", len(facts)-most)
	}
}

func cardChanges(out *strings.Builder, c *scorecard.Changed) {
	if c == nil {
		return
	}
	since := ""
	if c.Since != "" {
		since = " since " + scorecard.Day(c.Since)
	}
	if c.None() {
		fmt.Fprintf(out, "\nNothing changed%s.\n", since)
		return
	}
	fmt.Fprintf(out, "\nWhat changed%s:\n\n", since)
	bullets(out, c.Lines())
}
