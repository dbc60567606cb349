// Package markdown writes verdicts and scorecards as Markdown, for CI job summaries, pull requests and pages.
package markdown

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"blackout/reports/verdict"
)

// Summary writes one run on about one screen: the verdict with its reasons, the journeys, the worst findings, the faults.
func Summary(w io.Writer, v *verdict.Verdict) error {
	var out strings.Builder
	fmt.Fprintf(&out, "## %s: %s under %s\n\n", strings.ToUpper(v.Verdict), cell(v.Run.App), cell(v.Run.Scenario))
	fmt.Fprintf(&out, "**%s** · seed %d · %s · %s\n\n", Grade(v), v.Run.Seed, v.Run.Runtime, v.Run.StartedAt)
	for _, r := range v.Reasons {
		fmt.Fprintf(&out, "- %s\n", r)
	}
	out.WriteString("\n| journey | score | " + strings.Join(windows[:], " | ") + " | recovered after |\n|---|---:|---|---|---|---|---:|\n")
	for _, c := range v.Cells {
		fmt.Fprintf(&out, "| %s | %s |", cell(c.Journey), score(c.Score))
		for _, window := range windows {
			fmt.Fprintf(&out, " %s |", counts(c.Attempts[window]))
		}
		fmt.Fprintf(&out, " %s |\n", seconds(c.RecoveredAfterS))
	}
	findings(&out, v)
	faults(&out, v)
	outside(&out, v)
	_, err := io.WriteString(w, out.String())
	return err
}

var windows = [...]string{verdict.Baseline, verdict.Outage, verdict.Recovery, verdict.After}

// most checks are shown; the rest are counted.
const most = 10

func findings(out *strings.Builder, v *verdict.Verdict) {
	if len(v.Findings) == 0 {
		return
	}
	out.WriteString("\n| finding | class | times | users | first at | the first of them |\n|---|---|---:|---:|---:|---|\n")
	groups := verdict.Group(v.Findings)
	for _, g := range groups[:min(most, len(groups))] {
		first := slices.MinFunc(g.Findings, func(a, b verdict.Finding) int { return cmp.Compare(a.FirstAtS, b.FirstAtS) })
		fmt.Fprintf(out, "| %s in %s | %s | %d | %d | %.1f s | %s |\n", cell(g.Check), cell(g.Journey), g.Class, g.Count, len(g.Findings), g.FirstAtS, cell(first.Text))
	}
	if len(groups) > most {
		fmt.Fprintf(out, "\n%d more in verdict.json.\n", len(groups)-most)
	}
}

func faults(out *strings.Builder, v *verdict.Verdict) {
	if len(v.Faults) == 0 {
		return
	}
	out.WriteString("\n| fault | on | confirmed | cleared | touched | ended as |\n|---|---|---:|---:|---:|---|\n")
	for _, f := range v.Faults {
		fmt.Fprintf(out, "| %s | %s | %s | %s | %d | %s |\n", cell(f.Fault), cell(f.On()), seconds(f.ConfirmedAtS), seconds(f.ClearedAtS), f.Touched.Total(), f.EndedAs)
	}
}

// mostOutside are shown; the rest are counted.
const mostOutside = 10

// outside lists what the app asked for and the world does not have.
func outside(out *strings.Builder, v *verdict.Verdict) {
	if len(v.Outside) == 0 {
		return
	}
	out.WriteString("\n| asked for, but not in this world | times | first |\n|---|---:|---:|\n")
	for _, o := range v.Outside[:min(mostOutside, len(v.Outside))] {
		fmt.Fprintf(out, "| %s | %s | %s |\n", cell(o.What()), o.Often(), o.First())
	}
	if more := len(v.Outside) - mostOutside; more > 0 {
		fmt.Fprintf(out, "\n%d more in verdict.json.\n", more)
	}
}

// Grade is "B 81 · safe", or "?" with the verdict where there is no score.
func Grade(v *verdict.Verdict) string {
	if v.Score == nil {
		return "? · " + v.Verdict
	}
	return fmt.Sprintf("%s %d · %s", v.Grade, *v.Score, v.Severity)
}

func counts(classes map[verdict.Class]int) string {
	var parts []string
	for _, c := range verdict.Classes() {
		if n := classes[c]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", c, n))
		}
	}
	if len(parts) == 0 {
		return "–"
	}
	return strings.Join(parts, ", ")
}

func score(s *int) string {
	if s == nil {
		return "–"
	}
	return fmt.Sprint(*s)
}

func seconds(s *float64) string {
	if s == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f s", *s)
}

// cell makes text fit for a table: nothing in it ends the cell, the row or the page's mark-up.
func cell(text string) string { return cellMarks.Replace(text) }

var cellMarks = strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ", "<", "&lt;", ">", "&gt;", "`", "'")
