package terminal

import (
	"fmt"
	"io"
	"sort"
	"strings"

	"blackout/harness/history"
	"blackout/reports/verdict"
)

// Result is one finished run and where its report lies.
type Result struct {
	Verdict *verdict.Verdict
	Report  string // the path of report.html, as a person would type it
}

// Summary says how the runs went, the worst first, so that a tired engineer understands it in ten seconds.
func Summary(w io.Writer, results []Result) error {
	sorted := append([]Result(nil), results...)
	sort.SliceStable(sorted, func(i, j int) bool { return rank(sorted[i].Verdict) < rank(sorted[j].Verdict) })
	var out strings.Builder
	for _, r := range sorted {
		one(&out, r)
	}
	if len(sorted) > 1 {
		overview(&out, sorted)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// rank orders verdicts: harm first, then wrong answers, then failures, then what could not be judged, then passes; in each the lowest score first.
func rank(v *verdict.Verdict) int {
	base := map[string]int{verdict.Harming: 0, verdict.Misleading: 1, verdict.Unknown: 3, verdict.Safe: 4}[v.Severity] * 1000
	if v.Severity == verdict.Safe && v.Verdict == verdict.Fail {
		base = 2000
	}
	if v.Score != nil {
		base += *v.Score
	}
	return base
}

func one(out *strings.Builder, r Result) {
	v := r.Verdict
	fmt.Fprintf(out, "\n%s  %s\n", Outcome(v), paint(bold, v.Run.App+" under "+v.Run.Scenario)+" ("+seed(v.Run)+")")
	for _, reason := range v.Reasons {
		indent := "  " // later lines are what an app printed
		for line := range strings.Lines(reason) {
			fmt.Fprintf(out, "%s%s\n", indent, wrap(line, indent, len(indent)))
			indent = "    "
		}
	}
	for _, c := range v.Cells {
		if !tried(c) {
			continue
		}
		fmt.Fprintf(out, "  %-16s %s  outage: %s\n", clip(c.Journey, 16), cellScore(c), shares(c.Attempts[verdict.Outage]))
	}
	findings(out, v)
	unexercised(out, v)
	outside(out, v)
	if c := v.Control; c != nil {
		fmt.Fprintf(out, "  %s\n", paint(dim, wrap(fmt.Sprintf("control, without faults: %s (%s)", c.Verdict, c.Run), "    ", 2)))
	}
	if v.Ended == history.EndComplete { // a run that ended early has given its reason
		for _, note := range v.SupportingNotes {
			fmt.Fprintf(out, "  %s\n", paint(dim, wrap("note: "+note, "    ", 2)))
		}
	}
	if r.Report != "" {
		fmt.Fprintf(out, "  report: %s\n", r.Report)
	}
}

// findings says each check once per journey: how often, on how many accounts, since when, and what the first looked like.
func findings(out *strings.Builder, v *verdict.Verdict) {
	for _, g := range verdict.Group(v.Findings) {
		where := g.Journey
		if len(g.Findings) > 1 {
			where += fmt.Sprintf(" of %d users", len(g.Findings))
		}
		fmt.Fprintf(out, "  %s %s\n", paint(classStyle(g.Class), "✗ "+g.Check),
			wrap(fmt.Sprintf("%s%s from %.0f s on: %s", where, often(g.Count), g.FirstAtS, g.Findings[0].Text), "    ", 5+len(g.Check)))
	}
}

// often counts attempts, if a finding is about attempts.
func often(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return ", once,"
	}
	return fmt.Sprintf(", %d times", n)
}

// seed is what tells a run from others of its cell.
func seed(r verdict.Run) string {
	if r.Control {
		return fmt.Sprintf("seed %d, control", r.Seed)
	}
	return fmt.Sprintf("seed %d", r.Seed)
}

// tried reports whether a journey was done at all.
func tried(c verdict.Cell) bool {
	for _, counts := range c.Attempts {
		for _, n := range counts {
			if n > 0 {
				return true
			}
		}
	}
	return false
}

// Outcome is "FAIL  B 81 · safe", or "INCONCLUSIVE" where there is no score, or "ABORTED" where the run could not be made.
func Outcome(v *verdict.Verdict) string {
	if v.Ended == history.EndAborted {
		return paint(bold, "ABORTED")
	}
	word := paint(bold, strings.ToUpper(v.Verdict))
	if v.Score == nil {
		return word
	}
	return word + "  " + grade(v)
}

func grade(v *verdict.Verdict) string {
	style := blue
	switch v.Severity {
	case verdict.Misleading:
		style = bold + magenta
	case verdict.Harming:
		style = bold + red
	}
	return paint(style, fmt.Sprintf("%s %d · %s", v.Grade, *v.Score, v.Severity))
}

func cellScore(c verdict.Cell) string {
	if c.Score == nil {
		return "  –"
	}
	return fmt.Sprintf("%3d", *c.Score)
}

// shares writes the classes of a window as parts of the whole, the largest first.
func shares(counts map[verdict.Class]int) string {
	total := 0
	for _, n := range counts {
		total += n
	}
	if total == 0 {
		return paint(dim, "no attempts")
	}
	classes := verdict.Classes()
	sort.SliceStable(classes, func(i, j int) bool { return counts[classes[i]] > counts[classes[j]] })
	var parts []string
	for _, c := range classes {
		if n := counts[c]; n > 0 {
			parts = append(parts, paint(classStyle(c), fmt.Sprintf("%s %s", percent(n, total), c)))
		}
	}
	return strings.Join(parts, "  ")
}

// percent never rounds something to nothing, nor almost all to all.
func percent(n, total int) string {
	p := 100 * float64(n) / float64(total)
	switch {
	case n > 0 && p < 1:
		return "<1 %"
	case n < total && p > 99:
		return ">99 %"
	}
	return fmt.Sprintf("%.0f %%", p)
}

// overview puts the runs side by side.
func overview(out *strings.Builder, results []Result) {
	fmt.Fprintf(out, "\n%-18s %-22s %-14s %5s  %s\n", "app", "scenario", "verdict", "score", "severity")
	for _, r := range results {
		v := r.Verdict
		score := "–"
		if v.Score != nil {
			score = fmt.Sprint(*v.Score)
		}
		fmt.Fprintf(out, "%-18s %-22s %-14s %5s  %s\n", clip(v.Run.App, 18), clip(v.Run.Scenario, 22), v.Verdict, score, v.Severity)
	}
}
