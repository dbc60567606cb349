package markdown

import (
	"fmt"
	"io"
	"strings"

	"blackout/reports/compare"
	"blackout/reports/verdict"
)

// Compare writes what changed from one side to the other: one sentence over all, then each scenario as a table.
func Compare(w io.Writer, c *compare.Comparison) error {
	var out strings.Builder
	fmt.Fprintf(&out, "# %s\n", cell(c.Headline))
	for i := range c.Pairs {
		comparePair(&out, c, &c.Pairs[i])
	}
	if len(c.Alone) > 0 {
		out.WriteString("\n## Without a partner\n\n| only | scenario | app | seed | verdict | run |\n|---|---|---|---:|---|---|\n")
	}
	for _, a := range c.Alone {
		fmt.Fprintf(&out, "| %s | %s | %s | %d | %s | %s |\n", cell(a.Name(c)), cell(a.Scenario), cell(a.Run.App), a.Seed, a.Run.Verdict, cell(a.Run.ID))
	}
	for _, s := range []compare.Side{c.A, c.B} {
		if text := s.LeftOut(); text != "" {
			fmt.Fprintf(&out, "\n%s.\n", cell(text))
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func comparePair(out *strings.Builder, c *compare.Comparison, p *compare.Pair) {
	fmt.Fprintf(out, "\n## %s: %s\n\n", cell(p.Title(c)), strings.ReplaceAll(p.Change, "-", " "))
	for _, text := range p.Warnings {
		fmt.Fprintf(out, "- **Warning:** %s\n", clipped(cell(text)))
	}
	if len(p.Warnings) > 0 {
		out.WriteString("\n")
	}
	row := func(label, a, b string) { fmt.Fprintf(out, "| %s | %s | %s |\n", label, cell(a), cell(b)) }
	row("", c.A.Name, c.B.Name)
	out.WriteString("|---|---|---|\n")
	row("verdict", p.A.Verdict, p.B.Verdict)
	row("score", compare.Score(p.A.Score), compare.Score(p.B.Score))
	row("severity", p.A.Severity, p.B.Severity)
	for i := range p.Cells {
		j := &p.Cells[i]
		row("**"+cell(j.Journey)+"**", j.A.Rating(), j.B.Rating())
		for _, class := range verdict.Classes() {
			if j.A.Has(class) || j.B.Has(class) {
				row(string(class), j.A.Part(class), j.B.Part(class))
			}
		}
		row("recovered after", j.A.Recovered(), j.B.Recovered())
	}
	row("run", p.A.ID, p.B.ID)
	if len(p.Findings) > 0 {
		out.WriteString("\n| | finding | class | count | first |\n|---|---|---|---|---|\n")
	}
	for i := range p.Findings {
		f := &p.Findings[i]
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s (%s) |\n", strings.ReplaceAll(f.State, "-", " "), cell(f.Title()), f.Class, f.Counts(), clipped(cell(f.Sight().Text)), cell(f.Sight().Where()))
	}
	for i, text := range p.Why {
		if i == 0 {
			out.WriteString("\nWhy:\n\n")
		}
		fmt.Fprintf(out, "- %s\n", clipped(cell(text)))
	}
}
