package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// whoAll is the last part of the id of a finding about all users of a journey.
const whoAll = "all"

// Limits of what a finding carries.
const (
	mostAttempts = 10
	mostEvidence = 3
)

// collect runs every check and gathers what each saw of one journey and one user into one finding.
func (e *evidence) collect() (findings, warnings []Finding, inBaseline []sighting) {
	findings, warnings = []Finding{}, []Finding{}
	for _, c := range Checks() {
		type group struct{ journey, who string }
		at := map[group]int{}
		var seen []*Finding
		for _, s := range c.spot(e) {
			i, ok := at[group{s.journey, s.who}]
			if !ok {
				i = len(seen)
				at[group{s.journey, s.who}] = i
				seen = append(seen, newFinding(c, s))
			}
			e.addTo(seen[i], s)
			if s.attempt != nil && e.window(s.attempt) == Baseline && c.Class != Warning && !e.caught(s.attempt) {
				inBaseline = append(inBaseline, s)
			}
		}
		for _, f := range seen {
			if c.Class == Warning {
				warnings = append(warnings, *f)
			} else {
				findings = append(findings, *f)
			}
		}
	}
	bySeverity := func(a, b Finding) int {
		return cmp.Or(-cmp.Compare(badness(a.Class), badness(b.Class)), cmp.Compare(a.FirstAtS, b.FirstAtS), cmp.Compare(a.ID, b.ID))
	}
	slices.SortFunc(findings, bySeverity)
	slices.SortFunc(warnings, bySeverity)
	return findings, warnings, inBaseline
}

// newFinding begins a finding with the first sighting of it, which is still to be added. Sightings come in order of due.
func newFinding(c Check, first sighting) *Finding {
	f := &Finding{ID: c.ID + "/" + first.journey + "/" + first.who, Check: c.ID, Class: c.Class, Journey: first.journey, Attempts: []string{}, Text: first.text}
	if c.Class == Wrong || c.Class == Harmful {
		f.Class = first.class
	}
	f.FirstAtS, f.LastAtS = first.during.from.Seconds(), first.during.to.Seconds()
	return f
}

// addTo adds a sighting to its finding, whose class is the worst of its sightings', and whose sentence is about the first of that class.
func (e *evidence) addTo(f *Finding, s sighting) {
	if (f.Class == Wrong || f.Class == Harmful) && badness(s.class) > badness(f.Class) {
		f.Class, f.Text = s.class, s.text
	}
	if s.attempt == nil {
		return
	}
	if f.Count == 0 {
		f.FirstAtS = s.attempt.due.Seconds()
	}
	f.LastAtS = s.attempt.due.Seconds()
	f.Count++
	if len(f.Attempts) < mostAttempts {
		f.Attempts = append(f.Attempts, s.attempt.id())
	}
	if len(f.Evidence) < mostEvidence {
		f.Evidence = append(f.Evidence, e.describe(s.attempt))
	}
}

// badness orders classes from the mildest.
func badness(c Class) int { return slices.Index(classes[:], c) }

// describe is an attempt in one line, as evidence: what the user saw, and what became of a payment.
func (e *evidence) describe(a *attempt) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s due %.3f s, sent %.3f s, ended %.3f s:", a.id(), a.due.Seconds(), a.at.Seconds(), a.end.Seconds())
	if a.Error != "" {
		b.WriteString(" " + a.Error)
	} else {
		b.WriteString(" " + a.reply())
	}
	for _, field := range []string{"balance", "block", "stale", "status", "payments", "events", "declined", "id", "tx", "state"} {
		if text, ok := a.answer.find(field); ok {
			fmt.Fprintf(&b, ", %s %s", field, strconv.Quote(shortened(text)))
		}
	}
	if a.Content != "" {
		fmt.Fprintf(&b, ", content %s, SHA-256 %s", a.Content, cmp.Or(a.SHA256, "unknown"))
	}
	for _, s := range e.words[a.id()] {
		fmt.Fprintf(&b, "; said %s at %.3f s", cmp.Or(s.State, strconv.Quote(s.Word)), s.At.Seconds())
	}
	if c := e.chains[a.journey.Chain]; c != nil {
		for _, p := range c.payments[a.id()] {
			fmt.Fprintf(&b, "; mined in block %d as %s", p.number, p.tx)
		}
		if c.pending[a.id()] {
			b.WriteString("; pending at the end")
		}
	}
	return b.String()
}

// shortened keeps a text short enough for a line of evidence.
func shortened(text string) string {
	const most = 200
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// trimmed writes a number with at most so many digits after the point.
func trimmed(x float64, places int) string {
	s := strconv.FormatFloat(x, 'f', places, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
