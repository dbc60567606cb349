package trace

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"blackout/harness/history"
)

// event is one line of the time line.
type event struct {
	at   float64
	text string
}

// timeline puts everything that happened on one line of time.
func (s *Story) timeline(p *page) {
	p.title("Time line, in seconds from the start of the baseline")
	events := slices.Concat(s.own(), s.asked(), s.turned(), s.lived(), s.grew(), s.paid())
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	for _, e := range events {
		p.para(fmt.Sprintf("  %10.3f  ", e.at), 14, e.text)
	}
	if len(s.Calls)+len(s.Lookups) > 0 {
		p.para("  ", 2, "A call does not say for which user it was made: these are all that the app made in that time.")
	}
}

// own are the attempt's own moments.
func (s *Story) own() []event {
	a := s.Attempt
	due := "due"
	if a.DeadlineS > 0 {
		due += fmt.Sprintf("; the deadline is %s later, patience ends after %s", length(a.DeadlineS), length(a.PatienceS))
	}
	ended := "ended, " + length(a.LatencyS) + " after it was due"
	if a.DeadlineS > 0 && a.LatencyS > a.DeadlineS {
		ended += fmt.Sprintf(" and %s past its deadline", length(a.LatencyS-a.DeadlineS))
	}
	events := []event{{a.DueS, due}, {a.SentS, "sent, " + length(a.SentS-a.DueS) + " after it was due"}, {a.EndedS, ended + ": " + a.seen()}}
	if a.DeadlineS > 0 && a.DueS+a.DeadlineS < s.Span.ToS {
		events = append(events, event{a.DueS + a.DeadlineS, "the deadline"})
	}
	return events
}

// The drivers whose good answers have no status of HTTP: they come from a program, and over a connection that is open already.
const (
	driverExec      = "exec"
	driverWebSocket = "websocket"
)

// seen is what the user saw.
func (a Attempt) seen() string {
	if a.Error != "" {
		if a.Detail == "" {
			return a.Error
		}
		return a.Error + ": " + clip(a.Detail, 200)
	}
	text := fmt.Sprintf("HTTP %d", a.Status)
	if a.Driver == driverExec { // its status stands for the program's, and the detail has one that is not 0
		text = cmp.Or(a.Detail, "exit status 0")
	}
	if a.Driver == driverWebSocket && a.Status == 200 {
		text = "the subscription is open"
	}
	fields := make([]string, 0, len(a.Answer))
	for name := range a.Answer {
		fields = append(fields, name)
	}
	slices.Sort(fields)
	for _, name := range fields {
		value := a.Answer[name]
		if strings.HasPrefix(value, "0x") {
			value = short(value)
		}
		text += ", " + name + " " + quoted(value, 80)
	}
	if len(a.Missing) > 0 {
		text += ", no readable " + strings.Join(a.Missing, ", no ")
	}
	if a.Body != "" && len(a.Answer) == 0 {
		text += ", body " + quoted(a.Body, 200)
	}
	return text
}

// quoted is what an app wrote, on one line and not too long.
func quoted(text string, most int) string {
	return `"` + clip(strings.Join(strings.Fields(text), " "), most) + `"`
}

// Above so many calls, or look-ups, those that are alike share a line, and of these lines no more are shown.
const (
	mostCalls = 12
	mostKinds = 20
)

// asked are the app's calls, and its look-ups of addresses: the questions for other records that go beside each say nothing more.
func (s *Story) asked() []event {
	calls := make([]line, 0, len(s.Calls))
	for _, c := range s.Calls {
		calls = append(calls, line{c.AtS, c.line(), ", after " + length(c.EndS-c.AtS)})
	}
	var lookups []line
	for _, l := range s.Lookups {
		if l.Kind == "" {
			lookups = append(lookups, line{l.AtS, l.line(), ""})
		}
	}
	return slices.Concat(folded(calls, "call"), folded(lookups, "look-up"))
}

// line is one thing that the app did. Those whose text is the same are alike; more is what else is said of one that has a line of its own.
type line struct {
	at         float64
	text, more string
}

// folded gives each line an event, or where there are too many those that are alike one together. what is one of them.
func folded(lines []line, what string) []event {
	var events []event
	if len(lines) <= mostCalls {
		for _, l := range lines {
			events = append(events, event{l.at, l.text + l.more})
		}
		return events
	}
	type alike struct {
		n           int
		first, last float64
		text        string
	}
	var kinds []*alike
	for _, l := range lines {
		i := slices.IndexFunc(kinds, func(k *alike) bool { return k.text == l.text })
		if i < 0 {
			i = len(kinds)
			kinds = append(kinds, &alike{first: l.at, text: l.text})
		}
		kinds[i].n++
		kinds[i].last = l.at
	}
	left := len(lines)
	for i, k := range kinds {
		if i == mostKinds {
			events = append(events, event{k.first, fmt.Sprintf("… and %s of %d other kinds; --json has them all", counted(left, what), len(kinds)-i)})
			break
		}
		left -= k.n
		text := k.text
		if k.n > 1 {
			text = fmt.Sprintf("%d × %s, the last at %s", k.n, k.text, seconds(k.last))
		}
		events = append(events, event{k.first, text})
	}
	return events
}

// line is a look-up without its time.
func (l Lookup) line() string {
	text := fmt.Sprintf("look-up of %s → %s", clip(l.Host, 120), l.Answer)
	if len(l.Faults) > 0 {
		text += ", touched by " + strings.Join(l.Faults, " and ")
	}
	return text
}

// line is a call without its times.
func (c Call) line() string {
	text := fmt.Sprintf("call to %s (%s): %s → %s", c.Service, c.Region, clip(c.Method, 120), c.Reply)
	if c.Status != 0 {
		text += fmt.Sprintf(", HTTP %d", c.Status)
	}
	if c.Code != 0 {
		text += fmt.Sprintf(", code %d", c.Code)
	}
	if c.Served != "" {
		text += ", answered for " + c.Served
	}
	if c.RetryAfterS > 0 {
		text += ", told to come back after " + length(c.RetryAfterS)
	}
	if len(c.Faults) > 0 {
		text += ", touched by " + strings.Join(c.Faults, " and ")
	}
	return text
}

// turned are the faults that came or went meanwhile.
func (s *Story) turned() []event {
	var events []event
	for _, f := range s.Faults {
		for _, m := range []struct {
			at   *float64
			what string
		}{{f.InjectedAtS, "injected"}, {f.ConfirmedAtS, "seen to act"}, {f.ClearedAtS, "seen cleared"}} {
			if m.at != nil && *m.at >= s.Span.FromS && *m.at <= s.Span.ToS {
				events = append(events, event{*m.at, fmt.Sprintf("fault %s %s", f.ID, m.what)})
			}
		}
	}
	return events
}

// lived is what became of the instance of the app that the session uses.
func (s *Story) lived() []event {
	var events []event
	for _, h := range s.App {
		text := "instance " + s.Attempt.Instance + " of the app "
		switch h.Event {
		case history.AppStarted:
			text += "is started"
		case history.AppExited:
			text += "ends by itself"
		case history.AppStopped:
			text += "is ended by the run"
		default:
			text += "is " + h.Event
		}
		if h.Detail != "" {
			text += ": " + h.Detail
		}
		events = append(events, event{h.AtS, text})
	}
	return events
}

// grew are the blocks that came meanwhile, but for those that paid, which are told of with the payment.
func (s *Story) grew() []event {
	if s.Chain == nil {
		return nil
	}
	var events []event
	for _, b := range s.Chain.Blocks {
		if b.PublishedS < s.Span.FromS || b.PublishedS > s.Span.ToS {
			continue
		}
		if s.Payment == nil || !slices.ContainsFunc(s.Payment.Mined, func(m Mined) bool { return m.Block == b.Number && m.PublishedS == b.PublishedS }) {
			events = append(events, event{b.PublishedS, fmt.Sprintf("block %d of %s is published", b.Number, s.Chain.Name)})
		}
	}
	return events
}

// paid is the life of a payment.
func (s *Story) paid() []event {
	if s.Payment == nil {
		return nil
	}
	var events []event
	for _, t := range s.Payment.Sent {
		text := fmt.Sprintf("transaction %s, nonce %d, handed to %s", short(t.Tx), t.Nonce, t.Service)
		if t.ChainID != 0 {
			text += fmt.Sprintf(", signed for chain id %d", t.ChainID)
		}
		if t.Foreign {
			text += "; signed by a foreign key, not passed on"
		}
		events = append(events, event{t.AtS, text})
	}
	for _, m := range s.Payment.Mined {
		events = append(events, event{m.PublishedS, fmt.Sprintf("block %d is published with %s", m.Block, short(m.Tx))})
	}
	told := false
	for _, w := range s.Payment.Said {
		text := "the app says " + word(w)
		if w.Tx != "" {
			text += " of " + short(w.Tx)
		}
		if w.State == "confirmed" && !told && s.Payment.ConfirmedAfterS != nil {
			told = true
			text += fmt.Sprintf(", %s after it was due", length(*s.Payment.ConfirmedAfterS))
		}
		events = append(events, event{w.AtS, text})
	}
	return events
}
