package markdown

import (
	"fmt"
	"io"
	"strings"

	"blackout/reports/gate"
)

// The most that the places for a gate's Markdown take. GitHub's job summary takes 1 MiB a step, and a comment on GitHub 65,536 characters; GitLab's comments take more.
const (
	SummaryBytes      = 1 << 20
	CommentCharacters = 65_536
)

// Marker is the hidden line by which a later run finds its comment and writes it anew, instead of adding another.
func Marker(gateName string) string { return "<!-- blackout-gate: " + gateName + " -->" }

// GateSummary writes a gate's result for a job summary: every rule with all that does not hold.
func GateSummary(w io.Writer, r *gate.Result) error {
	_, err := io.WriteString(w, within(r, SummaryBytes))
	return err
}

// GateComment writes a gate's result as a comment on a merge request, with the hidden marker as its first line.
func GateComment(w io.Writer, r *gate.Result) error {
	head := Marker(r.Gate) + "\n"
	// GitHub counts UTF-16 code units, of which no character has more than its bytes in UTF-8.
	_, err := io.WriteString(w, head+within(r, CommentCharacters-len(head)))
	return err
}

// within writes the result in at most so many bytes: what has no room is counted, and said to be left out. What is worst comes first, so what is left out is not.
func within(r *gate.Result, most int) string {
	var head strings.Builder
	fmt.Fprintf(&head, "## %s: gate %s\n\n%s.\n\n| | rule | expected | found |\n|---|---|---|---|\n", strings.ToUpper(strings.ReplaceAll(r.Result, "-", " ")), cell(r.Gate), told(r))
	for _, rule := range r.Rules {
		fmt.Fprintf(&head, "| %s | %s | %s | %s |\n", sign(rule.Result), cell(rule.ID), clipped(cell(rule.About())), clipped(cell(ruleFound(&rule))))
	}
	details := sections(r)
	tail := "\nEvery point is in gate.json. `blackout trace RUN ATTEMPT` tells the whole story of an attempt.\n"
	if head.Len()+len(tail) > most { // thousands of rules
		return fmt.Sprintf("## %s: gate %s\n\n%s.\n%s", strings.ToUpper(r.Result), cell(r.Gate), told(r), tail)
	}
	text := &head
	for i, part := range details {
		more := fmt.Sprintf("\n%d more are in gate.json.\n", len(details)-i)
		if text.Len()+len(part)+len(more)+len(tail) > most {
			return text.String() + more + tail
		}
		text.WriteString(part)
	}
	return text.String() + tail
}

// longest is how much of one text a table or a list shows, in characters.
const longest = 300

func clipped(text string) string {
	if r := []rune(text); len(r) > longest {
		return string(r[:longest-1]) + "…"
	}
	return text
}

func told(r *gate.Result) string {
	var parts []string
	for _, of := range []struct{ result, words string }{
		{gate.Fail, "failed"}, {gate.NotKnown, "not known"}, {gate.Known, "known from the baseline"}, {gate.Waived, "waived"}, {gate.Pass, "held"}, {gate.Skipped, "skipped"},
	} {
		if n := r.Count(of.result); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, of.words))
		}
	}
	return fmt.Sprintf("%d rules over %d runs: %s", len(r.Rules), len(r.Runs), strings.Join(parts, ", "))
}

// sign keeps results apart without colours.
func sign(result string) string {
	return map[string]string{gate.Pass: "✅", gate.Fail: "❌", gate.NotKnown: "❓", gate.Waived: "🟡 waived", gate.Known: "🟡 known", gate.Skipped: "➖"}[result]
}

// ruleFound is the worst point in a cell of the table.
func ruleFound(r *gate.Rule) string {
	n := r.Counts()
	switch {
	case len(r.Points) == 0:
		return strings.Join(r.Notes, "; ")
	case r.Result == gate.Pass:
		return fmt.Sprintf("all %d hold", len(r.Points))
	}
	text := r.Points[0].Found + ", " + r.Points[0].Title()
	if more := n[r.Result] - 1; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}

// sections are what does not hold, the worst first: failed points, new checks, expired waivers, what is not known, what is excused.
func sections(r *gate.Result) (parts []string) {
	for _, waiver := range r.Waivers {
		if waiver.State == gate.Expired {
			parts = append(parts, fmt.Sprintf("\n- **waiver of %s** expired on %s (%s): mend what it excuses and take it out, or renew it\n", cell(waiver.Rule), waiver.Until, cell(waiver.Owner)))
		}
	}
	for _, f := range r.Checks {
		if f.New {
			parts = append(parts, fmt.Sprintf("\n- **new since the baseline**: %s\n  - %s\n", cell(f.Title()), clipped(cell(f.Sight.String()))))
		}
	}
	for _, result := range []string{gate.Fail, gate.NotKnown, gate.Known, gate.Waived} {
		for _, rule := range r.Rules {
			for _, p := range rule.Points {
				if p.Result == result {
					parts = append(parts, point(&rule, &p))
				}
			}
		}
	}
	return parts
}

func point(rule *gate.Rule, p *gate.Point) string {
	var out strings.Builder
	fmt.Fprintf(&out, "\n- %s **%s**, %s: %s, expected %s\n", sign(p.Result), cell(rule.ID), cell(p.Title()), clipped(cell(p.Found)), cell(rule.Expected))
	if p.Waiver != "" {
		fmt.Fprintf(&out, "  - waived: %s\n", clipped(cell(p.Waiver)))
	}
	for _, s := range p.Evidence {
		fmt.Fprintf(&out, "  - %s\n", clipped(cell(s.String())))
	}
	return out.String()
}
