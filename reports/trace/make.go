package trace

import (
	"cmp"
	"slices"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/reports/verdict"
)

// Make tells the story of an attempt, by its id or by that of a finding, whose first attempt is meant. j is the judgement of h. The error is a *NotFoundError for an
// id that the run does not have.
func Make(h *history.History, j *verdict.Judgement, id string) (*Story, error) {
	a, finding, err := find(h, j.Verdict, id)
	if err != nil {
		return nil, err
	}
	t := teller{h: h, j: j, a: a, journey: plan.Journey{Name: a.Journey}}
	if h.Timeline != nil {
		t.zero = h.Timeline.At
	}
	if i := slices.IndexFunc(j.Plan.Journeys, func(p plan.Journey) bool { return p.Name == a.Journey }); i >= 0 {
		t.journey, t.planned = j.Plan.Journeys[i], true
	}
	t.known, t.knows = j.Known(a.ID)

	s := &Story{Schema: Schema, Run: j.Verdict.Run, Finding: finding, Attempt: t.attempt(), Decision: t.decision()}
	if t.journey.Kind == "write" {
		s.Payment = t.payment()
	}
	s.Span = t.span(s.Payment)
	s.Calls = t.calls(s.Span)
	s.Lookups = t.lookups(s.Span)
	s.Faults = t.faults(s.Span, s.Calls, s.Lookups)
	s.App = t.happenings(s.Attempt.Instance, s.Span)
	s.Chain = t.chain(s.Span)
	return s, nil
}

// teller holds what one story is made from.
type teller struct {
	h       *history.History
	j       *verdict.Judgement
	a       *history.Attempt
	journey plan.Journey
	planned bool // the plan has the journey
	zero    clock.Micros
	known   verdict.Known
	knows   bool
}

// at turns a moment of the history into seconds from the start of the baseline.
func (t *teller) at(m clock.Micros) float64 { return (m - t.zero).Seconds() }

// instance names the instance of the app that the attempt's session uses, or "" where the plan does not list them.
func (t *teller) instance() string {
	if n := len(t.j.Plan.Instances); n > 0 && t.a.Session >= 0 {
		return t.j.Plan.Instances[t.a.Session%n].Name
	}
	return ""
}

func (t *teller) attempt() Attempt {
	a := t.a
	return Attempt{
		ID: a.ID, Journey: a.Journey, Kind: t.journey.Kind, Driver: t.driver(), Request: t.journey.Request, Session: a.Session, Instance: t.instance(), Account: a.Account,
		DueS: t.at(a.Due), SentS: t.at(a.At), EndedS: t.at(a.End), LatencyS: (a.End - a.Due).Seconds(),
		DeadlineS: t.journey.Deadline.Seconds(), PatienceS: t.journey.Patience.Seconds(),
		Status: a.Status, Error: a.Error, Detail: a.Detail, Answer: a.Answer, Missing: a.Missing, Content: t.content(), Body: a.Body,
	}
}

// driver is the journey's when it is not the usual one.
func (t *teller) driver() string {
	if t.journey.Driver == "http" {
		return ""
	}
	return t.journey.Driver
}

// content is the file that the attempt asked for, nil for one that asked for none.
func (t *teller) content() *Content {
	if t.a.Content == "" {
		return nil
	}
	c := &Content{ID: t.a.Content, Received: t.a.SHA256}
	for _, f := range t.j.Plan.Content {
		if f.ID == c.ID {
			c.Name, c.Promised = f.Name, f.SHA256
		}
	}
	return c
}

// decision is the judge's, or why there is none.
func (t *teller) decision() Decision {
	for j := range t.j.All() {
		if j.ID != t.a.ID {
			continue
		}
		d := Decision{Class: j.Class, Check: j.Check, Why: j.Why, Window: j.Window}
		for _, c := range verdict.Checks() {
			if c.ID == j.Check {
				d.Rule = c.Rule
			}
		}
		return d
	}
	why := "the run ended before it was known what became of it"
	switch {
	case t.a.Error == history.ErrInterrupted:
		why = "the run was stopped while it was under way, so it says nothing about the app"
	case t.a.Due < t.zero || t.h.Timeline == nil:
		why = "it was made before the baseline began"
	case !t.planned:
		why = "the plan has no journey " + t.a.Journey
	}
	return Decision{Why: why}
}

// payment gathers what the record has of the attempt's intent, which has the attempt's id.
func (t *teller) payment() *Payment {
	p := &Payment{Sent: []Sent{}, Said: []Said{}, Mined: []Mined{}, ConfirmedMeans: t.journey.ConfirmedMeans, AtEnd: t.unmined()}
	for _, in := range t.h.Intents {
		if in.ID == t.a.ID {
			p.To, p.Wei = in.To, in.Wei
		}
	}
	for _, r := range t.h.Sent {
		if r.Intent == t.a.ID {
			sent := Sent{AtS: t.at(r.At), Tx: r.Tx, From: r.From, Nonce: r.Nonce, Service: r.Service, Foreign: r.Foreign}
			if own := slices.IndexFunc(t.j.Plan.Chains, func(c plan.Chain) bool { return c.Name == t.journey.Chain }); own >= 0 && t.j.Plan.Chains[own].ID != r.ChainID {
				sent.ChainID = r.ChainID
			}
			p.Sent = append(p.Sent, sent)
		}
	}
	for _, r := range t.h.Said {
		if r.Intent != t.a.ID {
			continue
		}
		p.Said = append(p.Said, Said{AtS: t.at(r.At), State: r.State, Word: r.Word, Tx: r.Tx})
		if r.State == history.StateConfirmed && p.ConfirmedAfterS == nil {
			after := (r.At - t.a.Due).Seconds()
			p.ConfirmedAfterS = &after
		}
	}
	depths := t.depths()
	for i := range t.h.Blocks {
		b := &t.h.Blocks[i]
		if b.Chain != t.journey.Chain {
			continue
		}
		for _, paid := range b.Paid {
			if paid.Intent != t.a.ID {
				continue
			}
			p.Mined = append(p.Mined, Mined{PublishedS: t.at(b.Published), Block: b.Number, Tx: paid.Tx, Depth: depths[b.Hash]})
			if depths[b.Hash] > 0 {
				p.AtEnd = AtEndMined
			}
		}
	}
	slices.SortStableFunc(p.Mined, func(a, b Mined) int { return cmp.Compare(a.PublishedS, b.PublishedS) })
	return p
}

// unmined is where a payment that no block has stands at the end.
func (t *teller) unmined() string {
	read := AtEndUnknown
	for _, pool := range t.h.Pools {
		if pool.Chain != t.journey.Chain {
			continue
		}
		read = AtEndAbsent
		if slices.ContainsFunc(pool.Pending, func(p history.Payment) bool { return p.Intent == t.a.ID }) {
			return AtEndPending
		}
	}
	return read
}

// depths says how deep each block of the reference node's chain lies at the end of the run, by hash: 1 for its head. Blocks of a losing branch are not in it.
func (t *teller) depths() map[string]uint64 {
	node := ""
	for _, n := range t.j.Plan.Nodes {
		if n.Chain == t.journey.Chain && n.Role == plan.RoleReference {
			node = n.Name
		}
	}
	var last history.Head
	for _, r := range t.h.Heads {
		if r.Node == node && r.At >= last.At {
			last = r
		}
	}
	blocks := map[string]*history.Block{}
	for i := range t.h.Blocks {
		if b := &t.h.Blocks[i]; b.Chain == t.journey.Chain {
			blocks[b.Hash] = b
		}
	}
	depths := map[string]uint64{}
	for b := blocks[last.Hash]; b != nil && depths[b.Hash] == 0 && b.Number <= last.Number; b = blocks[b.Parent] {
		depths[b.Hash] = last.Number - b.Number + 1
	}
	return depths
}

// span ends with the attempt or, of a payment, with what last happened about it.
func (t *teller) span(p *Payment) Span {
	s := Span{FromS: t.at(t.a.Due), ToS: t.at(t.a.End)}
	if p == nil {
		return s
	}
	for _, r := range p.Sent {
		s.ToS = max(s.ToS, r.AtS)
	}
	for _, r := range p.Said {
		s.ToS = max(s.ToS, r.AtS)
	}
	for _, r := range p.Mined {
		s.ToS = max(s.ToS, r.PublishedS)
	}
	return s
}
