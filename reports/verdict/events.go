package verdict

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"blackout/harness/clock"
	"blackout/harness/history"
)

// missing-events and repeated-events.
//
// Rule: the events that an answer lists are held to the reference logs of the session's account. An entry is the hash of a transaction, or "hash:index".
//
//   - repeated-events: one event stands in the list more often than it happened, marked or not: two deposits are shown where there was one.
//   - never-true: an entry is no event of the account on any block of the chain; wrong-chain if it is one on another chain of the plan.
//   - stale-unmarked: an entry's block was not canonical at any moment of the read, nor in the max_stale block times before it. An event that a reorganisation took away is an
//     old value like any other, so it is fine (degraded) in an answer that is marked as old.
//   - missing-events: an event is not listed whose block was canonical from half a second before the read to its end, and lies max_stale below head(t) at sending or deeper, or at or below the
//     block that the answer names itself; unless another block of that height was canonical in the max_stale block times before the read. An answer that is marked as old may lack whatever is newer than the newest event in it (degraded), but nothing in between, and may
//     not be empty.
//
// What is older than the oldest event in the list may be on another page. That excuses nothing in a list that is no full page: one that has more than max_stale entries
// less than the longest of the baseline. Such a list is held to all that lists of the baseline went back to. Looking at the baseline alone keeps one answer of the outage
// from deciding what is asked of the next: otherwise an app would do better to answer less.
//
// What a subscription has brought (driver websocket) is a list too, of all that came for the session: its answers say since when. It is held to the events of the blocks
// that were published half a second after that, and later, on no matter how many connections; no page excuses it.
//
// As long as no entry of the baseline was an event that we know, the entries are strange to us and only empty lists are judged.
//
// Reason: a deposit that is not shown is looked for, and one that is shown twice, or that never was, is spent.
//
// Incident: 2020-11-11: with Infura on a minority fork for hours, exchanges paused: what its logs said could not be credited.
//
// Not covered: lists with the oldest first, and which part of several equal hashes of one transaction is missing.

// indexing is how long a node may be without the logs of a block that it shows. Measured on geth 1.17 in a reorganisation: for a tenth of a second eth_getLogs leaves out the
// blocks that differ, though the same batch shows the new block before and after it. No app can know.
var indexing = clock.Of(500 * time.Millisecond)

// event is a transfer to an account, in one block.
type event struct {
	*history.Log
	block *block
}

// entry is one event as an answer names it.
type entry struct {
	text  string // as in the list, lower-case
	tx    string
	index uint64
	exact bool // it has an index
}

// is reports whether the entry names an event.
func (n entry) is(e event) bool {
	return n.tx == strings.ToLower(e.Tx) && (!n.exact || n.index == e.Index)
}

// manner is how a journey lists events, by the answers of its baseline.
type manner struct {
	known   bool   // some entry was an event
	longest int    // events in one list
	since   uint64 // the oldest block of an event in one
}

// judgeEvents classifies an attempt that lists events, by the first rule that matches:
//
//  1. void (decided before).
//  2. and 3. as for other reads.
//  4. repeated-events, then never-true or wrong-chain, then stale-unmarked, then missing-events: wrong.
//  5. degraded if marked as old, else ok, or late after the deadline.
func (e *evidence) judgeEvents(a *attempt) ruling {
	if r, decided := judgeProtocol(a); decided {
		return e.misattributed(a, r)
	}
	c, old := e.chains[a.journey.Chain], marked(a.field("stale"))
	list, ok := entriesOf(a)
	switch {
	case c == nil || c.last == nil || len(c.eventsOf(a.Account)) == 0:
		return ruling{class: Void, why: "the record holds no events of this account, so nothing can be said"}
	case !ok:
		return timely(a, old, "answered; the list is too long to be held against the chain")
	}
	m := e.mannerOf(a.journey.Name)
	if len(list) > 0 && !m.known {
		return timely(a, old, "answered; its entries are named in a way that the record does not know")
	}
	if text := c.repeated(a, list); text != "" {
		return ruling{class: Wrong, check: checkRepeatedEvents, why: text}
	}
	shown := make([]event, 0, len(list))
	for _, n := range list {
		found, ok := c.find(a, n)
		if !ok {
			return e.noEvent(a, n)
		}
		if !found.block.canonicalWithin(a.at-e.grace(a), a.end) && !old {
			return ruling{class: Wrong, check: checkStaleUnmarked, why: fmt.Sprintf("listed %s as current, of block %d%s; %s allowed",
				briefly(n.text), found.block.Number, orphaned(found.block, a), blocksAllowed(a.journey.MaxStale))}
		}
		shown = append(shown, found)
	}
	return e.missing(a, c, m, shown, old)
}

// missing holds a list without strangers to what it had to have.
func (e *evidence) missing(a *attempt, c *chain, m manner, shown []event, old bool) ruling {
	head := c.headAt(a.at)
	to := head - min(head, a.journey.MaxStale)
	if claimed, ok := blockNumber(a.field("block")); ok && c.canonicalAt(claimed, a.at) != nil {
		to = max(to, claimed)
	}
	from, newest := m.since, uint64(0)
	due := -forever // the publication of the first block whose events had to come
	if a.oddity.since > 0 {
		from, due = 0, a.oddity.since-e.zero+indexing
	} else if full := len(shown) > 0 && len(shown)+int(a.journey.MaxStale) >= m.longest; full {
		from = oldestOf(shown)
	}
	for _, s := range shown {
		if s.block.fresh(a) {
			newest = max(newest, s.block.Number)
		}
	}
	var lacks []event
	gap := len(shown) == 0
	for _, want := range c.eventsOf(a.Account) {
		n := want.block.Number
		if n < from || n > to || want.block.published < due || !want.block.canonicalThrough(a.at-indexing, a.end) || c.contested(want.block, a.at-e.grace(a), a.end) ||
			slices.ContainsFunc(shown, func(s event) bool { return s.Tx == want.Tx }) {
			continue
		}
		lacks = append(lacks, want)
		gap = gap || n < newest
	}
	switch {
	case len(lacks) == 0:
		return timely(a, old, "lists every event that it had to")
	case old && !gap:
		return ruling{class: Degraded, why: fmt.Sprintf("lists the events up to block %d of a head at %d, and is marked as old", newest, head)}
	}
	return ruling{class: Wrong, check: checkMissingEvents, why: fmt.Sprintf("%s %s without %s; the head was %d and %s allowed",
		a.listed(), times(len(shown), "event"), lackText(lacks), head, blocksAllowed(a.journey.MaxStale))}
}

// listed begins a sentence about the list.
func (a *attempt) listed() string {
	if a.oddity.since > 0 {
		return "had pushed"
	}
	return "listed"
}

func oldestOf(list []event) uint64 {
	oldest := list[0].block.Number
	for _, s := range list {
		oldest = min(oldest, s.block.Number)
	}
	return oldest
}

// lackText names the newest of the events that are missing, and how many more there are.
func lackText(lacks []event) string {
	newest := lacks[len(lacks)-1]
	text := fmt.Sprintf("%s of block %d", briefly(newest.Tx), newest.block.Number)
	if n := len(lacks) - 1; n > 0 {
		text += fmt.Sprintf(" and %d before", n)
	}
	return text
}

// briefly shortens a hash for a sentence.
func briefly(text string) string {
	const most = 18
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}

// noEvent rules on an entry that is no event of the account on the journey's chain.
func (e *evidence) noEvent(a *attempt, n entry) ruling {
	for i := range e.plan.Chains {
		name := e.plan.Chains[i].Name
		if name == a.journey.Chain {
			continue
		}
		if found, ok := e.chains[name].find(a, n); ok {
			return ruling{class: Wrong, check: checkWrongChain, why: fmt.Sprintf("listed %s, an event of block %d of %s; the question was about %s",
				briefly(n.text), found.block.Number, name, a.journey.Chain)}
		}
	}
	return ruling{class: Wrong, check: checkNeverTrue, why: fmt.Sprintf("listed %s, which is no event of this account", briefly(n.text))}
}

// repeated is a sentence about the first event that a list has more often than it happened, or "".
func (c *chain) repeated(a *attempt, list []entry) string {
	seen := map[string]int{}
	for _, n := range list {
		key := n.tx
		if n.exact {
			key += ":" + strconv.FormatUint(n.index, 10)
		}
		seen[key]++
		if happened := max(c.happened(a.Account, n), 1); seen[key] > happened {
			return fmt.Sprintf("%s %s %s, which happened %s", a.listed(), briefly(n.text), times(seen[key], "time"), times(happened, "time"))
		}
	}
	return ""
}

// happened is how many events of an account an entry names, in the block where there are most.
func (c *chain) happened(account string, n entry) int {
	in, most := map[*block]int{}, 0
	for _, e := range c.byTx[account][n.tx] {
		if n.is(e) {
			in[e.block]++
			most = max(most, in[e.block])
		}
	}
	return most
}

// find is the event that an entry names: of several blocks that have it, one that was canonical while the attempt ran, else the newest.
func (c *chain) find(a *attempt, n entry) (found event, ok bool) {
	c.readEvents()
	for _, e := range c.byTx[a.Account][n.tx] {
		if !n.is(e) || e.block.published > a.end {
			continue
		}
		if !ok || e.block.fresh(a) || !found.block.fresh(a) {
			found, ok = e, true
		}
	}
	return found, ok
}

// eventsOf lists an account's events on all branches, by block number.
func (c *chain) eventsOf(account string) []event {
	c.readEvents()
	return c.events[account]
}

func (c *chain) readEvents() {
	if c.events != nil {
		return
	}
	c.events, c.byTx = map[string][]event{}, map[string]map[string][]event{}
	for _, b := range c.blocks {
		for i := range b.Logs {
			e := event{&b.Logs[i], b}
			c.events[e.Account] = append(c.events[e.Account], e)
			if c.byTx[e.Account] == nil {
				c.byTx[e.Account] = map[string][]event{}
			}
			tx := strings.ToLower(e.Tx)
			c.byTx[e.Account][tx] = append(c.byTx[e.Account][tx], e)
		}
	}
	for _, list := range c.events {
		slices.SortStableFunc(list, func(a, b event) int { return int(min(max(int64(a.block.Number)-int64(b.block.Number), -1), 1)) })
	}
}

// mannerOf reads how a journey lists events: from its answers before the first fault.
func (e *evidence) mannerOf(journey string) manner {
	if m, ok := e.manners[journey]; ok {
		return m
	}
	var m manner
	for _, a := range e.attempts {
		if a.journey.Name != journey || a.end > e.times.outage {
			continue
		}
		c := e.chains[a.journey.Chain]
		list, _ := entriesOf(a)
		var known []event
		for _, n := range list {
			if found, ok := c.find(a, n); ok && !slices.Contains(known, found) {
				known = append(known, found)
			}
		}
		if len(known) == 0 {
			continue
		}
		if oldest := oldestOf(known); !m.known || oldest < m.since {
			m.since = oldest
		}
		m.known, m.longest = true, max(m.longest, len(known))
	}
	if e.manners == nil {
		e.manners = map[string]manner{}
	}
	e.manners[journey] = m
	return m
}

// entriesOf reads an answer's list; ok is false for one that was too long to be kept.
func entriesOf(a *attempt) (list []entry, ok bool) {
	var texts []string
	if json.Unmarshal([]byte(a.field("events")), &texts) != nil {
		return nil, false
	}
	for _, text := range texts {
		text = strings.ToLower(strings.TrimSpace(text))
		n := entry{text: text, tx: text}
		if tx, place, cut := strings.Cut(text, ":"); cut {
			if index, err := strconv.ParseUint(place, 0, 64); err == nil {
				n.tx, n.index, n.exact = tx, index, true
			}
		}
		list = append(list, n)
	}
	return list, true
}
