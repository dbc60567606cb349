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
		groups := map[string][]sighting{}
		var order []string
		for _, s := range c.spot(e) {
			id := c.ID + "/" + s.journey + "/" + s.who
			if groups[id] == nil {
				order = append(order, id)
			}
			groups[id] = append(groups[id], s)
			if s.attempt != nil && s.attempt.window == Baseline && c.Class != Warning && !e.caught(s.attempt) {
				inBaseline = append(inBaseline, s)
			}
		}
		for _, id := range order {
			f := e.finding(c, id, groups[id])
			if c.Class == Warning {
				warnings = append(warnings, f)
			} else {
				findings = append(findings, f)
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

// finding makes one finding of sightings in order of due. Its class is the worst of theirs, and its sentence is about the first of that class.
func (e *evidence) finding(c Check, id string, seen []sighting) Finding {
	f := Finding{ID: id, Check: c.ID, Class: c.Class, Journey: seen[0].journey, Count: 0, Attempts: []string{}, Text: seen[0].text}
	if c.Class == Wrong || c.Class == Harmful {
		worst := slices.MaxFunc(seen, func(a, b sighting) int { return cmp.Compare(badness(a.class), badness(b.class)) })
		f.Class, f.Text = worst.class, worst.text
	}
	f.FirstAtS, f.LastAtS = seen[0].during.from.Seconds(), seen[0].during.to.Seconds()
	for _, s := range seen {
		if s.attempt == nil {
			continue
		}
		if f.Count == 0 {
			f.FirstAtS = s.attempt.due.Seconds()
		}
		f.LastAtS = s.attempt.due.Seconds()
		f.Count++
		if len(f.Attempts) < mostAttempts {
			f.Attempts = append(f.Attempts, s.attempt.ID)
		}
		if len(f.Evidence) < mostEvidence {
			f.Evidence = append(f.Evidence, e.describe(s.attempt))
		}
	}
	return f
}

// badness orders classes from the mildest.
func badness(c Class) int { return slices.Index(Classes(), c) }

// describe is an attempt in one line, as evidence: what the user saw, and what became of a payment.
func (e *evidence) describe(a *attempt) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s due %.3f s, sent %.3f s, ended %.3f s:", a.ID, a.due.Seconds(), a.at.Seconds(), a.end.Seconds())
	if a.Error != "" {
		b.WriteString(" " + a.Error)
	} else {
		fmt.Fprintf(&b, " HTTP %d", a.Status)
	}
	for _, field := range []string{"balance", "block", "stale", "status", "payments", "declined", "id", "tx", "state"} {
		if text, ok := a.Answer[field]; ok {
			fmt.Fprintf(&b, ", %s %s", field, strconv.Quote(shortened(text)))
		}
	}
	for _, s := range e.words[a.ID] {
		fmt.Fprintf(&b, "; said %s at %.3f s", cmp.Or(s.State, strconv.Quote(s.Word)), s.At.Seconds())
	}
	if c := e.chains[a.journey.Chain]; c != nil {
		for _, p := range c.payments[a.ID] {
			fmt.Fprintf(&b, "; mined in block %d as %s", p.number, p.tx)
		}
		if c.pending[a.ID] {
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
