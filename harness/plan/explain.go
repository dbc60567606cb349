package plan

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"blackout/harness/clock"
	"blackout/harness/fault"
)

// Explain writes the plan for a person: the timeline, what fails and why, what is spared, and the load, in lines of at most 80 columns.
func (p *Plan) Explain(w io.Writer) error {
	page := &page{}
	p.explainHead(page)
	p.explainTimeline(page)
	p.explainCauses(page)
	p.explainSkipped(page)
	p.explainRadius(page)
	p.explainLoad(page)
	_, err := io.WriteString(w, page.String())
	return err
}

func (p *Plan) explainHead(b *page) {
	b.para("", "  ", p.Scenario)
	if p.About != "" {
		b.para("", "", p.About)
	}
	facts := fmt.Sprintf("app %s, world %s, seed %d", p.App, p.World, p.Seed)
	if p.TimeScale != 1 {
		facts += fmt.Sprintf(", time scale %v", p.TimeScale)
	}
	b.para("", "", facts)
	if p.Control {
		b.para("", "", "a control: the same timeline and load, without the faults")
	}
	if i := p.Incident; i != nil {
		text := "after the incident of " + i.Date
		if i.LastedS > 0 {
			text += ", which lasted " + length(time.Duration(i.LastedS*float64(time.Second)))
		}
		for n, s := range i.Sources {
			if n == 0 {
				text += ":"
			}
			text += fmt.Sprintf(" %s (%s)", s.URL, s.KnownFrom)
		}
		b.para("", "  ", text)
	}
}

func (p *Plan) explainTimeline(b *page) {
	b.title("Timeline, from the start of the baseline")
	row := func(from, to clock.Micros, name, more string) {
		times := fmt.Sprintf("  %9s – %9s  ", seconds(from), seconds(to))
		if more != "" {
			name += ": " + more
		}
		b.para(times, strings.Repeat(" ", width(times)+2), name)
	}
	row(0, p.Baseline, "baseline", "")
	for _, phase := range p.Phases {
		more := ""
		if phase.LastedS > 0 {
			more = fmt.Sprintf("%s in truth, %s here", length(time.Duration(phase.LastedS*float64(time.Second))), compression(phase.Compression))
		}
		row(phase.From, phase.To, phase.Name, more)
	}
	row(p.OutageEnd, p.End, "after", "")
	b.para("  ", "  ", fmt.Sprintf("then up to %s for payments to settle", seconds(p.Drain)))
}

func compression(times float64) string {
	switch {
	case times >= 10:
		return strconv.FormatFloat(math.Round(times), 'f', 0, 64) + "× faster"
	case times >= 1:
		return strconv.FormatFloat(times, 'f', -1, 64) + "× faster"
	default:
		return "no faster"
	}
}

func (p *Plan) explainCauses(b *page) {
	b.title("What fails, and why")
	if len(p.Causes) == 0 {
		b.line("  nothing: a control")
	}
	for _, c := range p.Causes {
		b.para("  "+c.ID+"  ", "      ", fmt.Sprintf("%s on %s, %s to %s (%s)", causeText(c), c.Target, seconds(c.From), seconds(c.To), c.Phase))
		if len(c.Effects) == 0 {
			b.line("      no effect: see what is skipped")
		}
		for _, e := range p.Effects {
			if e.Cause == c.ID {
				p.explainEffect(b, e)
			}
		}
	}
}

func (p *Plan) explainEffect(b *page, e Effect) {
	text := fmt.Sprintf("%s: %s to %s, drawn on %s", e.ID, seconds(e.From), seconds(e.To), e.Unit)
	if e.Cut {
		text += ", kept connections too"
	}
	b.para("    ", "      ", text)
	if e.Layer == string(fault.LayerNames) && !p.Names {
		b.para("      ! ", "        ", "the app is given no resolver (${dns.address}): it looks up no names here, and this cannot matter to it")
	}
	// The first reason is the cause, which stands above.
	for _, why := range e.Why[min(1, len(e.Why)):] {
		b.para("      → ", "        ", why)
	}
}

// causeText names a cause's fault with its parameters, as far as this version knows it.
func causeText(c Cause) string {
	if d, ok := fault.Lookup(c.Fault); ok {
		return describe(d, c.With)
	}
	return c.Fault
}

func (p *Plan) explainSkipped(b *page) {
	if len(p.Skipped) == 0 {
		return
	}
	b.title("Skipped")
	// Targets that are skipped for one reason are told in one line.
	type reason struct{ cause, why string }
	var order []reason
	targets := map[reason][]string{}
	for _, s := range p.Skipped {
		r := reason{s.Cause, s.Why}
		if targets[r] == nil {
			order = append(order, r)
		}
		targets[r] = append(targets[r], s.Target)
	}
	for _, r := range order {
		b.para("  "+r.cause+"  ", "      ", strings.Join(targets[r], ", ")+": "+r.why)
	}
}

func (p *Plan) explainRadius(b *page) {
	b.title("Blast radius: the most of each service that is hit at one time")
	for _, c := range p.Chains {
		if r := p.chainRadius(c.Name); r.Share > 0 {
			b.para("  chain "+c.Name+"  ", "      ", fmt.Sprintf("%s from %s on: %s", percent(r.Share), seconds(r.At), strings.Join(r.Faults, ", ")))
		}
	}
	widest := 0
	for _, s := range p.Services {
		widest = max(widest, width(s.Name))
	}
	p.explainInstances(b)
	for _, s := range p.Services {
		lead := fmt.Sprintf("  %-*s  ", min(widest, 30), s.Name)
		text := "healthy"
		if r := p.Radius(s.Name); r.Share > 0 {
			text = fmt.Sprintf("%s from %s on: %s", percent(r.Share), seconds(r.At), strings.Join(r.Faults, ", "))
		}
		b.para(lead, strings.Repeat(" ", min(width(lead), 34)), text)
	}
}

// explainInstances says when each instance of the app is hit, if any is.
func (p *Plan) explainInstances(b *page) {
	hit := map[string][]string{}
	for _, e := range p.Effects {
		if e.Instance != "" {
			hit[e.Instance] = append(hit[e.Instance], fmt.Sprintf("%s from %s to %s", e.Fault, seconds(e.From), seconds(e.To)))
		}
	}
	if len(hit) == 0 {
		return
	}
	for _, i := range p.Instances {
		text := "healthy"
		if hit[i.Name] != nil {
			text = strings.Join(hit[i.Name], ", ")
		}
		b.para("  app "+i.Name+"  ", "      ", text)
	}
}

func (p *Plan) explainLoad(b *page) {
	b.title("Load: attempts that are due")
	rows := [][]string{{"journey", "kind", "rate", "baseline", "outage", "after"}}
	for _, j := range p.Journeys {
		rows = append(rows, []string{
			j.Name, j.Kind, strconv.FormatFloat(j.Rate, 'f', -1, 64) + "/s", strconv.Itoa(j.due(0, p.Baseline)), strconv.Itoa(j.due(p.Baseline, p.OutageEnd)),
			strconv.Itoa(j.due(p.OutageEnd, p.End)),
		})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], width(cell))
		}
	}
	widths[0] = min(widths[0], 30)
	for _, row := range rows {
		name := []rune(row[0])
		if len(name) > widths[0] {
			name = append(name[:widths[0]-1], '…')
		}
		line := fmt.Sprintf("  %-*s  %-*s", widths[0], string(name), widths[1], row[1])
		for i := 2; i < len(row); i++ {
			line += fmt.Sprintf("  %*s", widths[i], row[i])
		}
		b.line(line)
	}
}
