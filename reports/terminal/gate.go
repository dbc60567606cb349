package terminal

import (
	"fmt"
	"io"
	"strings"

	"blackout/reports/gate"
)

// What of a gate is shown one by one; the rest is counted, and stands in gate.json.
const (
	mostPoints = 5 // of a rule
	mostSights = 2 // of a point
	mostChecks = 5
)

// marks of a gate's rules, and their styles.
var marks = map[string][2]string{
	gate.Pass: {"✓", blue}, gate.Fail: {"✗", bold + red}, gate.NotKnown: {"?", yellow}, gate.Waived: {"~", cyan}, gate.Known: {"=", cyan}, gate.Skipped: {"–", dim},
}

// Gate says what became of each rule: what was expected, what was found, and where it can be seen.
func Gate(w io.Writer, r *gate.Result) error {
	var out strings.Builder
	fmt.Fprintf(&out, "\n%s  %s\n", gateOutcome(r.Result), paint(bold, "gate "+r.Gate)+fmt.Sprintf(" (%d of %d rules hold)", r.Count(gate.Pass), len(r.Rules)))
	for i := range r.Rules {
		gateRule(&out, &r.Rules[i])
	}
	newChecks(&out, r)
	for _, waiver := range r.Waivers {
		if waiver.State != gate.Used {
			text := fmt.Sprintf("waiver of %s (%s): unused, take it out", waiver.Rule, waiver.Owner)
			if waiver.State == gate.Expired {
				text = fmt.Sprintf("✗ waiver of %s (%s): expired on %s; mend what it excuses and take it out, or renew it", waiver.Rule, waiver.Owner, waiver.Until)
			}
			fmt.Fprintf(&out, "  %s\n", wrap(text, "    ", 2))
		}
	}
	if b := r.Baseline; b != nil {
		fmt.Fprintf(&out, "  %s\n", paint(dim, wrap(fmt.Sprintf("held against the baseline of %s (gate %s: %s): = failed there too", b.Day, b.Gate, b.Result), "    ", 2)))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func gateOutcome(result string) string {
	word := strings.ToUpper(strings.ReplaceAll(result, "-", " "))
	return paint(marks[result][1], word)
}

func gateRule(out *strings.Builder, r *gate.Rule) {
	mark := marks[r.Result]
	text := r.ID + ": " + r.About()
	if r.Result == gate.Pass {
		text += fmt.Sprintf(" (%d of %d)", r.Counts()[gate.Pass], len(r.Points))
	}
	fmt.Fprintf(out, "  %s %s\n", paint(mark[1], mark[0]), wrap(text, "    ", 4))
	shown, hidden := 0, 0
	for i := range r.Points {
		p := &r.Points[i]
		switch {
		case p.Result == gate.Pass:
		case shown == mostPoints:
			hidden++
		default:
			shown++
			gatePoint(out, p)
		}
	}
	if hidden > 0 {
		fmt.Fprintf(out, "    %d more in gate.json\n", hidden)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(out, "    %s\n", paint(dim, wrap("left out: "+note, "      ", 4)))
	}
}

func gatePoint(out *strings.Builder, p *gate.Point) {
	text := p.Title() + ": " + p.Found
	switch p.Result {
	case gate.Waived:
		text += "; waived: " + p.Waiver
	case gate.Known:
		text += "; known from the baseline"
	}
	fmt.Fprintf(out, "    %s\n", wrap(text, "      ", 4))
	if p.Result == gate.Waived || p.Result == gate.Known {
		return
	}
	for _, s := range p.Evidence[:min(mostSights, len(p.Evidence))] {
		fmt.Fprintf(out, "      %s\n", wrap(s.String(), "        ", 6))
	}
	if more := len(p.Evidence) - mostSights; more > 0 {
		fmt.Fprintf(out, "      and %d more in gate.json\n", more)
	}
}

// newChecks says what the baseline did not have.
func newChecks(out *strings.Builder, r *gate.Result) {
	n := 0
	for i := range r.Checks {
		f := &r.Checks[i]
		if !f.New {
			continue
		}
		if n++; n <= mostChecks {
			fmt.Fprintf(out, "  %s %s\n      %s\n", paint(bold+red, "✗"), wrap("new since the baseline: "+f.Title(), "    ", 4), wrap(f.Sight.String(), "        ", 6))
		}
	}
	if n > mostChecks {
		fmt.Fprintf(out, "    %d more in gate.json\n", n-mostChecks)
	}
}
