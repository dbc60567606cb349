package trace

import (
	"cmp"
	"slices"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/reports/verdict"
)

// calls are the app's requests that began between sending and the end of the span, by time. Probes are ours.
func (t *teller) calls(s Span) []Call {
	list := []Call{}
	for i := range t.h.Calls {
		c := &t.h.Calls[i]
		at := t.at(c.At)
		if c.Probe || c.At < t.a.At || at > s.ToS {
			continue
		}
		list = append(list, Call{
			AtS: at, EndS: t.at(c.End), Service: c.Service, Region: c.Region, Chain: c.Chain, Method: c.Method, Reply: c.Reply, Status: c.Status, Code: c.Code,
			Served: c.Served, RetryAfterS: c.RetryAfterS, Faults: c.Faults,
		})
	}
	slices.SortStableFunc(list, func(a, b Call) int { return cmp.Compare(a.AtS, b.AtS) })
	return list
}

// lookups are the app's questions to the resolver between sending and the end of the span, by time.
func (t *teller) lookups(s Span) []Lookup {
	var list []Lookup
	for i := range t.h.Lookups {
		if l := &t.h.Lookups[i]; l.At >= t.a.At && t.at(l.At) <= s.ToS {
			list = append(list, Lookup{AtS: t.at(l.At), Host: l.Host, Kind: l.Kind, Answer: l.Answer, Faults: l.Faults})
		}
	}
	slices.SortStableFunc(list, func(a, b Lookup) int { return cmp.Compare(a.AtS, b.AtS) })
	return list
}

// faults are the effects that were in place at some time of the span. One that was never seen cleared stays.
func (t *teller) faults(s Span, calls []Call, lookups []Lookup) []Fault {
	list := []Fault{}
	for _, v := range t.j.Verdict.Faults {
		if v.InjectedAtS == nil || *v.InjectedAtS > s.ToS || v.ClearedAtS != nil && *v.ClearedAtS < s.FromS {
			continue
		}
		f := Fault{
			ID: v.ID, Fault: v.Fault, On: v.On(), Cause: v.Cause, InjectedAtS: v.InjectedAtS, ConfirmedAtS: v.ConfirmedAtS, ClearedAtS: v.ClearedAtS,
		}
		if v.Service == "" && v.Chain != "" {
			f.On = "chain " + v.Chain
		}
		for _, e := range t.j.Plan.Effects {
			if e.ID == v.ID {
				f.Share, f.Unit, f.Regions = shareAt(e, t.a.Due-t.zero), e.Unit, e.Regions
			}
		}
		for _, c := range calls {
			if slices.Contains(c.Faults, f.ID) {
				f.Calls++
			}
		}
		for _, l := range lookups {
			if l.Kind == "" && slices.Contains(l.Faults, f.ID) {
				f.Lookups++
			}
		}
		list = append(list, f)
	}
	return list
}

// happenings is what became of the session's instance: what was so when the attempt was due, and what changed until the span ended. It is empty for an instance that ran all
// the time as it was started before the baseline.
func (t *teller) happenings(instance string, s Span) []Happening {
	var list []Happening
	for i := range t.h.Apps {
		if a := &t.h.Apps[i]; a.Instance == instance && a.At >= t.zero && t.at(a.At) <= s.ToS {
			list = append(list, Happening{AtS: t.at(a.At), Event: a.Event, Detail: a.Detail})
		}
	}
	slices.SortStableFunc(list, func(a, b Happening) int { return cmp.Compare(a.AtS, b.AtS) })
	for len(list) > 1 && list[1].AtS < s.FromS {
		list = list[1:]
	}
	return list
}

// shareAt is the planned share at a moment: 0 outside the effect's life.
func shareAt(e plan.Effect, at clock.Micros) float64 {
	share := 0.0
	if at >= e.To {
		return share
	}
	for _, s := range e.Steps {
		if s.At <= at {
			share = s.Share
		}
	}
	return share
}

// mostOthers is how many blocks a story has that an answer is true at and could not have meant, the newest: a balance that stands still is true at hundreds.
const mostOthers = 3

// chain is what could be known; nil when the journey is about no chain, or the attempt was not judged.
func (t *teller) chain(s Span) *Chain {
	if !t.knows {
		return nil
	}
	k := t.known
	c := &Chain{
		Name: k.Chain, HeadSent: k.HeadAt, HeadEnd: k.HeadEnd, MaxStale: t.journey.MaxStale, Shown: k.Shown, Unit: k.Unit,
		TrueAt: []uint64{}, Blocks: []Block{}, Apart: t.apart(),
	}
	for _, b := range k.True {
		c.TrueAt = append(c.TrueAt, b.Number)
	}
	slices.Sort(c.TrueAt)
	c.TrueAt = slices.Compact(c.TrueAt)
	shown := func(b verdict.KnownBlock) bool {
		return slices.ContainsFunc(k.True, func(of verdict.KnownBlock) bool { return of.Hash == b.Hash })
	}
	meant := func(b verdict.KnownBlock) bool {
		return slices.ContainsFunc(k.Around, func(of verdict.KnownBlock) bool { return of.Hash == b.Hash })
	}
	others := slices.DeleteFunc(slices.Clone(k.True), meant)
	if len(others) > mostOthers {
		others = others[len(others)-mostOthers:]
	}
	for _, b := range slices.Concat(others, k.Around) {
		c.Blocks = append(c.Blocks, Block{Number: b.Number, Hash: b.Hash, PublishedS: b.Published.Seconds(), Wei: b.Wei, Canonical: b.Canonical, Shown: shown(b)})
	}
	slices.SortStableFunc(c.Blocks, func(a, b Block) int { return cmp.Compare(a.Number, b.Number) })
	if len(c.Blocks) > 0 || t.journey.Kind != "write" {
		return c
	}
	depths := t.depths()
	for i := range t.h.Blocks {
		b := &t.h.Blocks[i]
		if at := t.at(b.Published); b.Chain == k.Chain && at >= s.FromS && at <= s.ToS {
			c.Blocks = append(c.Blocks, Block{Number: b.Number, Hash: b.Hash, PublishedS: at, Canonical: depths[b.Hash] > 0})
		}
	}
	slices.SortStableFunc(c.Blocks, func(a, b Block) int { return cmp.Compare(a.PublishedS, b.PublishedS) })
	return c
}

// apart lists the nodes that providers' requests end at whose head, when the attempt was sent, was not the one that could be known. They are how a provider can be
// behind while it answers.
func (t *teller) apart() []Node {
	list := []Node{}
	for _, n := range t.j.Plan.Nodes {
		if n.Chain != t.known.Chain || n.Role != plan.RoleShared && n.Role != plan.RoleOwn {
			continue
		}
		var last history.Head
		for _, r := range t.h.Heads {
			if r.Node == n.Name && r.At <= t.a.At && r.At >= last.At {
				last = r
			}
		}
		if last.Hash != "" && last.Number != t.known.HeadAt {
			list = append(list, Node{Name: n.Name, Head: last.Number, Touched: n.Touched})
		}
	}
	return list
}
