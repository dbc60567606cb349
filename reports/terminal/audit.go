package terminal

import (
	"fmt"
	"io"
	"strings"

	"blackout/reports/audit"
)

// Audit says what takes the app down alone, what it depends on, and what each experiment showed. page is the path of audit.html, as a person would type it, or "".
func Audit(w io.Writer, a *audit.Audit, page string) error {
	var out strings.Builder
	fmt.Fprintf(&out, "\n%s\n", paint(bold, "Audit of "+a.App+", world "+a.World))
	if doubt := a.Doubt(); doubt != "" {
		fmt.Fprintf(&out, "  %s\n", wrap("It rests on nothing: "+doubt, "  ", 2))
	}
	singlePoints(&out, a)
	dependencies(&out, a)
	experiments(&out, a)
	if page != "" {
		fmt.Fprintf(&out, "\nreport: %s\n", page)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// fateStyle is the attribute of a fate.
func fateStyle(f audit.Fate) string {
	switch f {
	case audit.Harms:
		return bold + red
	case audit.Misleads:
		return bold + magenta
	case audit.Dies:
		return bold + yellow
	case audit.Degrades:
		return cyan
	case audit.Survives:
		return blue
	default:
		return dim
	}
}

func singlePoints(out *strings.Builder, a *audit.Audit) {
	services, regions, unknown := a.Counts()
	if services+regions == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s\n", paint(bold, "Single points of failure"))
	if len(a.SinglePoints) == 0 {
		text := fmt.Sprintf("none: of %s, each taken away alone, every journey lives through each", audit.CountedTaken(services, regions))
		if len(unknown) > 0 {
			text = fmt.Sprintf("none found among %s, each taken away alone; some are not known", audit.CountedTaken(services, regions))
		}
		fmt.Fprintf(out, "  %s\n", wrap(text, "  ", 2))
	}
	for _, s := range a.SinglePoints {
		fmt.Fprintf(out, "  %s\n", wrap(paint(bold, "✗ "+s.Taken.String())+" "+s.Says(), "    ", 4-len(bold)-len(reset)))
	}
	if len(unknown) > 0 {
		fmt.Fprintf(out, "  %s\n", wrap("? not known: "+strings.Join(unknown, ", "), "    ", 2))
	}
}

func dependencies(out *strings.Builder, a *audit.Audit) {
	fmt.Fprintf(out, "\n%s\n", paint(bold, "What it depends on"))
	fmt.Fprintf(out, "  %s\n", wrap(a.Measured(), "  ", 2))
	line := func(text string) { fmt.Fprintf(out, "    %s\n", wrap(text, "      ", 4)) }
	for _, d := range a.Dependencies {
		share := audit.Percent(d.Share)
		if d.Requests == 0 {
			share = "fallback"
		}
		fmt.Fprintf(out, "  %s  %s  %s\n", paint(bold, d.Service), share, paint(dim, d.Kind+", placement "+audit.KnownFrom(d.KnownFrom)))
		if len(d.Hosts) > 0 {
			line(strings.Join(d.Hosts, ", "))
		}
		if places := d.Where(); places != "" {
			line(places)
		}
		if d.Requests == 0 {
			line("asked only without " + strings.Join(d.OnlyWithout, ", "))
		} else if of := a.AskedFor(d); of != "" {
			line("share of the requests of " + of)
		}
	}
	for _, text := range a.Concentration.Says() {
		fmt.Fprintf(out, "  %s\n", wrap(text, "    ", 2))
	}
	for _, text := range a.Remarks() {
		fmt.Fprintf(out, "  %s\n", paint(dim, wrap(text, "    ", 2)))
	}
}

func experiments(out *strings.Builder, a *audit.Audit) {
	if len(a.Experiments) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s\n", paint(bold, "Taken away, one at a time"))
	for _, x := range a.Experiments {
		fmt.Fprintf(out, "  %s\n", x.Taken)
		for _, o := range x.Journeys {
			says := ": " + o.Why
			if o.Helpless && o.Fate.Lost() {
				says += "; nothing in the app can help"
			}
			lead := o.Fate.Mark() + " " + o.Journey + " "
			fmt.Fprintf(out, "    %s%s%s\n", lead, paint(fateStyle(o.Fate), string(o.Fate)), wrap(says, "      ", 4+len([]rune(lead))+len(o.Fate)))
		}
	}
	for _, rule := range audit.Rules() {
		fmt.Fprintf(out, "  %s\n", paint(dim, wrap(rule, "    ", 2)))
	}
}
