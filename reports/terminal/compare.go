package terminal

import (
	"fmt"
	"io"
	"strings"

	"blackout/reports/compare"
	"blackout/reports/verdict"
)

// What of a comparison is shown one by one; the rest is counted, and stands in its JSON.
const (
	mostSeen    = 8 // findings of a pair
	mostWhy     = 8 // reasons of a pair
	mostWithout = 10
	longestText = 300 // runes of a finding's sentence
)

// The columns of a pair's table.
const (
	labelColumn = 28
	sideColumn  = 25
)

// changes are the styles of what became of a pair or a journey.
var changes = map[string]string{compare.Better: blue, compare.Worse: bold + red, compare.Mixed: yellow, compare.Same: dim, compare.NotKnown: yellow}

// found are the marks of what became of a finding, and their styles.
var found = map[string][2]string{compare.New: {"+", bold + red}, compare.Gone: {"-", blue}, compare.Kept: {"=", dim}, compare.Uncertain: {"?", yellow}}

// Compare says what changed from one side to the other: one sentence over all, then each scenario as a table.
func Compare(w io.Writer, c *compare.Comparison) error {
	var out strings.Builder
	fmt.Fprintf(&out, "\n%s\n", paint(bold, wrap(c.Headline, "", 0)))
	for i := range c.Pairs {
		comparePair(&out, c, &c.Pairs[i])
	}
	for i, a := range c.Alone {
		if i == 0 {
			out.WriteString("\nwithout a partner\n")
		}
		if i == mostWithout {
			fmt.Fprintf(&out, "  %d more with --format json\n", len(c.Alone)-i)
			break
		}
		fmt.Fprintf(&out, "  %s\n", wrap(fmt.Sprintf("only %s: %s of %s, seed %d: %s (%s)", a.Name(c), a.Scenario, a.Run.App, a.Seed, a.Run.Verdict, a.Run.ID), "    ", 2))
	}
	for _, s := range []compare.Side{c.A, c.B} {
		if text := s.LeftOut(); text != "" {
			fmt.Fprintf(&out, "%s\n", paint(dim, wrap(text, "  ", 0)))
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func comparePair(out *strings.Builder, c *compare.Comparison, p *compare.Pair) {
	word := strings.ToUpper(strings.ReplaceAll(p.Change, "-", " "))
	fmt.Fprintf(out, "\n%s  %s\n", paint(changes[p.Change], word), paint(bold, wrap(p.Title(c), "  ", len(word)+2)))
	for _, text := range p.Warnings {
		fmt.Fprintf(out, "  %s %s\n", paint(yellow, "!"), wrap(text, "    ", 4))
	}
	sideBySide(out, "", "", tail(c.A.Name, sideColumn-1), tail(c.B.Name, sideColumn-1))
	sideBySide(out, "verdict", "", p.A.Verdict, p.B.Verdict)
	sideBySide(out, "score", changes[p.Change], compare.Score(p.A.Score), compare.Score(p.B.Score))
	sideBySide(out, "severity", "", p.A.Severity, p.B.Severity)
	for i := range p.Cells {
		cell := &p.Cells[i]
		sideBySide(out, cell.Journey, changes[cell.Change], cell.A.Rating(), cell.B.Rating())
		for _, class := range verdict.Classes() {
			if cell.A.Has(class) || cell.B.Has(class) {
				sideBySide(out, "  "+string(class), classStyle(class), cell.A.Part(class), cell.B.Part(class))
			}
		}
		sideBySide(out, "  recovered after", "", cell.A.Recovered(), cell.B.Recovered())
	}
	fmt.Fprintf(out, "  %s\n", paint(dim, wrap("runs "+p.A.ID+" and "+p.B.ID, "    ", 2)))
	for i := range p.Findings {
		if i == mostSeen {
			fmt.Fprintf(out, "  %d more with --format json\n", len(p.Findings)-i)
			break
		}
		f := &p.Findings[i]
		mark := found[f.State]
		fmt.Fprintf(out, "  %s %s\n", paint(mark[1], mark[0]), wrap(fmt.Sprintf("%s %s: %s (%s)", strings.ReplaceAll(f.State, "-", " "), f.Title(), f.Counts(), f.Class), "    ", 4))
		fmt.Fprintf(out, "    %s\n", wrap(fmt.Sprintf("%s (%s)", clip(f.Sight().Text, longestText), f.Sight().Where()), "    ", 4))
	}
	for i, text := range p.Why {
		if i == mostWhy {
			fmt.Fprintf(out, "  %d more with --format json\n", len(p.Why)-i)
			break
		}
		fmt.Fprintf(out, "  why: %s\n", wrap(text, "    ", 7))
	}
}

// sideBySide is a line of a pair's table. The style is of its values.
func sideBySide(out *strings.Builder, label, style, a, b string) {
	text := fmt.Sprintf("%-*s%s", sideColumn, clip(a, sideColumn-1), clip(b, sideColumn-1))
	if style != "" {
		text = paint(style, text)
	}
	fmt.Fprintf(out, "  %-*s%s\n", labelColumn-2, clip(label, labelColumn-3), text)
}

// tail shortens a name to its last n runes: what tells two names apart is more often at their end.
func tail(name string, n int) string {
	r := []rune(name)
	if len(r) <= n {
		return name
	}
	return "…" + string(r[len(r)-n+1:])
}
