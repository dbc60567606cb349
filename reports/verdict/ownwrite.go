package verdict

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
)

// promise is a payment that the app confirmed to a user: from then on a listing of the user's payments has to show it.
type promise struct {
	intent   string
	chain    string
	session  int
	asked    clock.Micros // when the user asked for it
	answered clock.Micros // when the app's answer to that was there
	from, to clock.Micros // while "confirmed" was the app's word
	names    []string     // lower-case: whatever a listing may call it
	blocks   []*block     // that contain it, on any branch
}

// listings is what the journeys that list payments showed, read once for the whole run.
type listings struct {
	shown map[*attempt]listing
	of    map[int][]*promise  // session → its confirmed payments, by when they were asked for
	named map[string]*promise // name → payment, confirmed or not
}

// listing is what one attempt showed, and what its journey had shown up to it, so that what comes later changes nothing.
type listing struct {
	names   []string // lower-case
	longest int      // entries of the longest listing so far, this one included
	known   bool     // some entry so far was a payment of the run: the names are ones that we know
}

// own-write-missing.
//
// Rule: a read lists its user's payments (answer.payments), unmarked, and lacks one that the app had confirmed to this user. It is held to a payment when
//
//   - the app said confirmed before the read was sent, and took nothing of that back before it ended;
//   - the payment lies in a block that was canonical all through the read, max_stale below head(t) at sending or deeper, and no other block of that height was canonical in the
//     max_stale block times before: every view that is fresh enough has it;
//   - the head when the app said confirmed lies deeper than that, too;
//   - the payment was asked for on the chain that the listing is about.
//
// A listing in pages excuses what is not on its first one, newest first: a listing as long as the journey's longest so far may lack a payment if everything that we
// know of in it is newer. Entries may be the app's id, the transaction hash, the intent's id or its address. As long as no entry was one of these, only empty listings
// are judged, since the names are strange to us.
//
// Reason: who does not find the payment that the app has just confirmed pays again.
//
// Incident: 2025-07-30, Polygon: some providers stuck at one block while the chain went on, so what one had another lacked.
//
// Not covered: balances (stale-unmarked holds each one to the chain, payments included), listings with the oldest first, payments that the app never confirmed,
// and those of other users.
func (e *evidence) ownWriteMissing(a *attempt, r ruling) ruling {
	if !a.journey.Payments || marked(a.field("stale")) || (r.class != OK && r.class != Late) {
		return r
	}
	l := e.listing
	list, ok := l.shown[a]
	if !ok || (len(list.names) > 0 && !list.known) {
		return r
	}
	c := e.chains[a.journey.Chain]
	head := c.headAt(a.at)
	oldest := head - min(head, a.journey.MaxStale)
	for _, p := range l.of[int(a.Session)] {
		if p.chain != a.journey.Chain || p.from > a.at || p.to <= a.end || c.headAt(p.from) >= oldest {
			continue
		}
		i := slices.IndexFunc(p.blocks, func(b *block) bool {
			return b.Number <= oldest && b.canonicalThrough(a.at, a.end) && !c.contested(b, a.at-e.grace(a), a.end)
		})
		if i < 0 || list.shows(p) || l.onLaterPage(list, p) {
			continue
		}
		return ruling{class: Wrong, check: checkOwnWrite, why: fmt.Sprintf(
			"listed %s without %s, which the app had confirmed at %.2f s; it was paid in block %d, the head was %d and %s allowed",
			times(len(list.names), "payment"), p.intent, p.from.Seconds(), p.blocks[i].Number, head, blocksAllowed(a.journey.MaxStale))}
	}
	return r
}

// canonicalThrough reports whether the block was canonical all the time of [from, to].
func (b *block) canonicalThrough(from, to clock.Micros) bool {
	return slices.ContainsFunc(b.canonical, func(s span) bool { return s.from <= from && to < s.to })
}

func (l listing) shows(p *promise) bool {
	return slices.ContainsFunc(l.names, func(name string) bool { return slices.Contains(p.names, name) })
}

// onLaterPage reports whether paging explains that a payment is not listed. A payment is older than another for certain when it was answered before the other was
// asked for.
func (l *listings) onLaterPage(list listing, p *promise) bool {
	if len(list.names) == 0 || len(list.names) < list.longest {
		return false
	}
	return !slices.ContainsFunc(list.names, func(name string) bool {
		q := l.named[name]
		return q != nil && q.answered < p.asked
	})
}

// listed reads the listings of the run.
func (e *evidence) listed() *listings {
	l := &listings{shown: map[*attempt]listing{}, of: map[int][]*promise{}, named: map[string]*promise{}}
	if !slices.ContainsFunc(e.plan.Journeys, func(j plan.Journey) bool { return j.Payments }) {
		return l
	}
	e.readPromises(l)
	sofar := map[string]listing{} // by journey
	for _, a := range e.attempts {
		text, ok := a.answer.find("payments")
		var names []string
		if !a.journey.Payments || !ok || json.Unmarshal([]byte(text), &names) != nil {
			continue
		}
		last := sofar[a.journey.Name]
		for i := range names {
			names[i] = strings.ToLower(strings.TrimSpace(names[i]))
			last.known = last.known || l.named[names[i]] != nil
		}
		last.names, last.longest = names, max(last.longest, len(names))
		sofar[a.journey.Name], l.shown[a] = last, last
	}
	return l
}

// readPromises gathers every payment of the run with its names, and of those that were confirmed when that was.
func (e *evidence) readPromises(l *listings) {
	asked := map[string]*attempt{}
	for _, a := range e.attempts {
		if a.journey.Kind == kindWrite {
			asked[a.id()] = a
		}
	}
	paidIn := map[string][]*block{}
	txs := map[string][]string{}
	chainOf := map[string]string{}
	for i := range e.h.Intents {
		chainOf[e.h.Intents[i].ID] = e.h.Intents[i].Chain
	}
	for name, c := range e.chains {
		for _, b := range c.blocks {
			for _, p := range b.Paid {
				if chainOf[p.Intent] != name {
					continue // what is paid on another chain, wrong-chain speaks about
				}
				paidIn[p.Intent] = append(paidIn[p.Intent], b)
				txs[p.Intent] = append(txs[p.Intent], p.Tx)
			}
		}
	}
	for i := range e.h.Intents {
		in := &e.h.Intents[i]
		p := &promise{intent: in.ID, chain: in.Chain, session: in.Session, asked: in.At - e.zero, answered: forever, from: forever, to: forever, blocks: paidIn[in.ID]}
		names := append([]string{in.ID, in.To}, txs[in.ID]...)
		if a := asked[in.ID]; a != nil {
			p.answered = a.end
			names = append(names, a.field("id"), a.field("tx"))
		}
		for _, s := range e.words[in.ID] {
			names = append(names, s.Tx)
			switch {
			case s.State == history.StateConfirmed:
				p.from = min(p.from, s.At)
			case p.from < forever:
				p.to = min(p.to, s.At)
			}
		}
		for _, name := range names {
			if name = strings.ToLower(strings.TrimSpace(name)); name != "" && !slices.Contains(p.names, name) {
				p.names = append(p.names, name)
				l.named[name] = p
			}
		}
		if p.from < forever && !ofPreflight(in.ID) {
			l.of[in.Session] = append(l.of[in.Session], p)
		}
	}
	for _, list := range l.of {
		slices.SortStableFunc(list, func(a, b *promise) int { return int(min(max(a.asked-b.asked, -1), 1)) })
	}
}
