package trace

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"blackout/harness/fault"
)

// Text writes the story for a person, in lines of at most 80 columns. Where a part would be too long it is cut, and says by how much: the JSON has all.
func (s *Story) Text(w io.Writer) error {
	p := &page{}
	s.head(p)
	s.timeline(p)
	s.active(p)
	s.knew(p)
	s.fate(p)
	_, err := io.WriteString(w, p.String())
	return err
}

// head says what was decided and about what.
func (s *Story) head(p *page) {
	a, d := s.Attempt, s.Decision
	switch {
	case d.Class == "":
		p.para("", 2, a.ID+": not judged")
	case d.Check == "":
		p.para("", 2, fmt.Sprintf("%s: %s", a.ID, d.Class))
	default:
		p.para("", 2, fmt.Sprintf("%s: %s, by %s", a.ID, d.Class, d.Check))
	}
	p.para("  ", 2, d.Why)
	if d.Rule != "" {
		p.para("  rule: ", 8, d.Rule)
	}
	p.line("")
	if s.Finding != nil {
		p.para("", 2, fmt.Sprintf("the first of the %s of finding %s", counted(s.Finding.Count, "attempt"), s.Finding.ID))
	}
	control := ""
	if s.Run.Control {
		control = ", a control"
	}
	p.para("", 2, fmt.Sprintf("run %s: %s under %s, seed %d%s", s.Run.ID, s.Run.App, s.Run.Scenario, s.Run.Seed, control))
	who := fmt.Sprintf("session %d", a.Session)
	if a.Account != "" {
		who += ", account " + a.Account
	}
	if a.Request != "" {
		who = a.Request + " of " + who
	}
	p.para("", 2, who)
	if c := a.Content; c != nil {
		p.para("file: ", 6, strings.TrimSpace(c.Name+" "+c.ID))
		if c.Received != "" {
			p.line("  SHA-256, as promised and as received:")
			p.para("    ", 4, c.Promised)
			p.para("    ", 4, c.Received)
		}
	}
	if d.Window != "" {
		p.para("", 2, "window: "+d.Window)
	}
}

// active lists the faults of the time.
func (s *Story) active(p *page) {
	p.title(fmt.Sprintf("Faults in place from %s to %s", seconds(s.Span.FromS), seconds(s.Span.ToS)))
	if len(s.Faults) == 0 {
		p.line("  none")
	}
	for _, f := range s.Faults {
		p.para("  ", 4, f.ID)
		text := f.Fault + " on " + f.On
		if len(f.Regions) > 0 {
			text += " in " + strings.Join(f.Regions, ", ")
		}
		p.para("    ", 4, fmt.Sprintf("%s, because of %s", text, f.Cause))
		p.para("    ", 4, fmt.Sprintf("injected %s, confirmed %s, cleared %s", moment(f.InjectedAtS), moment(f.ConfirmedAtS), moment(f.ClearedAtS)))
		share := fmt.Sprintf("planned share when the attempt was due: %s %%", trimmed(100*f.Share))
		if f.Unit != "" {
			share += " of " + f.Unit
		}
		switch {
		case f.Lookups > 0:
			share += fmt.Sprintf("; it touched %s above", counted(f.Lookups, "look-up"))
		case f.Unit == fault.LayerNames.Unit():
			share += "; it touched no look-up above"
		case f.Calls == 1:
			share += "; it touched 1 call above"
		case f.Calls > 0:
			share += fmt.Sprintf("; it touched %d calls above", f.Calls)
		case len(s.Calls) > 0 && f.Unit != fault.LayerProcess.Unit(): // such a one touches no call
			share += "; it touched no call above"
		}
		p.para("    ", 4, share)
	}
}

// knew is the chain as it could be known.
func (s *Story) knew(p *page) {
	c := s.Chain
	if c == nil {
		return
	}
	p.title("What the chain knew: " + c.Name + ", by the nodes that no fault touches")
	allowed := ""
	if s.Attempt.Kind != "write" {
		allowed = fmt.Sprintf("; an unmarked answer may be %s old", counted(int(c.MaxStale), "block"))
	}
	p.para("  ", 2, fmt.Sprintf("head %d when it was sent, %d when it ended%s", c.HeadSent, c.HeadEnd, allowed))
	for _, n := range c.Apart {
		why := ""
		if n.Touched {
			why = ", which a fault acts on,"
		}
		p.para("  ", 4, fmt.Sprintf("node %s%s was at %d when it was sent", n.Name, why, n.Head))
	}
	if s.Payment == nil { // of a payment they are in the time line
		s.blocks(p)
	}
	if c.Shown != "" {
		p.para("  ", 2, fmt.Sprintf("shown was %s: true at %s", c.Shown, blockRanges(c.TrueAt)))
	}
}

// mostBlocks is how many of the blocks that an answer could have meant are listed, the newest. What was shown is listed whatever its age.
const mostBlocks = 12

func (s *Story) blocks(p *page) {
	list := s.Chain.Blocks
	first := max(0, len(list)-mostBlocks)
	list = slices.Concat(slices.DeleteFunc(slices.Clone(list[:first]), func(b Block) bool { return !b.Shown }), list[first:])
	for i, b := range list {
		if i > 0 && b.Number > list[i-1].Number+1 {
			p.line("  …")
		}
		line := fmt.Sprintf("  block %-7d %10s", b.Number, seconds(b.PublishedS))
		if b.Wei != "" {
			line += fmt.Sprintf("  %24s %s", b.Wei, s.Chain.Unit)
		}
		if b.Shown {
			line += "  ← shown"
		}
		if !b.Canonical {
			line += "  not canonical"
		}
		p.line(clip(line, columns))
	}
}

// fate is what became of a payment.
func (s *Story) fate(p *page) {
	pay := s.Payment
	if pay == nil {
		return
	}
	p.title("The payment")
	if pay.To != "" {
		p.para("  ", 4, fmt.Sprintf("wanted: %s wei to %s", pay.Wei, pay.To))
	}
	p.para("  ", 4, fmt.Sprintf("sent: %s", transactions(pay.Sent)))
	words := []string{}
	for _, w := range pay.Said {
		words = append(words, word(w)+" at "+seconds(w.AtS))
	}
	if len(words) == 0 {
		words = []string{"nothing beyond its answer"}
	}
	p.para("  ", 4, "said: "+strings.Join(words, ", "))
	for _, m := range pay.Mined {
		depth := "not in the reference chain at the end"
		if m.Depth > 0 {
			depth = counted(int(m.Depth), "block") + " deep at the end"
		}
		p.para("  ", 4, fmt.Sprintf("mined: in block %d, %s (%s)", m.Block, depth, short(m.Tx)))
	}
	switch pay.AtEnd {
	case AtEndPending:
		p.line("  at the end: pending, a node knew it and no block had it")
	case AtEndAbsent:
		p.line("  at the end: neither mined nor pending")
	case AtEndUnknown:
		p.line("  at the end: unknown, the run ended before the nodes were asked")
	}
	if pay.ConfirmedMeans > 0 {
		p.para("  ", 4, fmt.Sprintf("confirmed means %s deep", counted(int(pay.ConfirmedMeans), "block")))
	}
}

// transactions says by how many transactions, and through whom, the app sent a payment: one that was sent to two providers is one.
func transactions(sent []Sent) string {
	if len(sent) == 0 {
		return "no transaction reached a provider"
	}
	var txs, nonces []string
	for _, t := range sent {
		if !slices.Contains(txs, t.Tx) {
			txs, nonces = append(txs, t.Tx), append(nonces, strconv.FormatUint(t.Nonce, 10))
		}
	}
	nonce := "nonce "
	if len(nonces) > 1 {
		nonce = "nonces "
	}
	return fmt.Sprintf("%s, handed over %s, %s", counted(len(txs), "transaction"), counted(len(sent), "time"), nonce+strings.Join(nonces, ", "))
}

func word(w Said) string {
	if w.State != "" {
		return w.State
	}
	return quoted(w.Word, 40) + " (no word of the app file)"
}

// blockRanges is "blocks 12–14, 20", or "no block".
func blockRanges(numbers []uint64) string {
	if len(numbers) == 0 {
		return "no block of the run"
	}
	var parts []string
	for i := 0; i < len(numbers); {
		k := i
		for k+1 < len(numbers) && numbers[k+1] == numbers[k]+1 {
			k++
		}
		part := strconv.FormatUint(numbers[i], 10)
		if k > i {
			part += "–" + strconv.FormatUint(numbers[k], 10)
		}
		parts, i = append(parts, part), k+1
	}
	const most = 8
	if more := len(parts) - most; more > 0 {
		parts = append(parts[:most], fmt.Sprintf("and %d more", more))
	}
	if len(numbers) == 1 {
		return "block " + parts[0]
	}
	return "blocks " + strings.Join(parts, ", ")
}

// counted is "1 block", "2 blocks".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// seconds is a moment, to the millisecond.
func seconds(s float64) string { return fmt.Sprintf("%.3f s", s) }

func moment(s *float64) string {
	if s == nil {
		return "never"
	}
	return seconds(*s)
}

// length is a length of time, to the millisecond and without zeros at its end.
func length(s float64) string { return trimmed(s) + " s" }

func trimmed(x float64) string {
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(x, 'f', 3, 64), "0"), ".")
}
