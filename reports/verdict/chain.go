package verdict

import (
	"math"
	"slices"
	"sort"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
)

// forever is later than every moment of a run.
const forever = clock.Micros(math.MaxInt64)

// span is the time from a moment up to, and without, another.
type span struct{ from, to clock.Micros }

// touches reports whether the closed interval [from, to] has a moment in common with s.
func (s span) touches(from, to clock.Micros) bool { return s.from <= to && from < s.to }

// block is a published block with the times at which it was canonical.
type block struct {
	*history.Block
	published clock.Micros
	parent    *block // nil for the first recorded ancestor
	canonical []span
}

// canonicalWithin reports whether the block was canonical at any moment of [from, to]. Any moment counts, so that a reorganisation during a read accuses nobody.
func (b *block) canonicalWithin(from, to clock.Micros) bool {
	for _, s := range b.canonical {
		if s.touches(from, to) {
			return true
		}
	}
	return false
}

// canonicalUntil is the end of the last time before t in which the block was canonical. It is false if there was none.
func (b *block) canonicalUntil(t clock.Micros) (until clock.Micros, was bool) {
	for _, s := range b.canonical {
		if s.to <= t && (!was || s.to > until) {
			until, was = s.to, true
		}
	}
	return until, was
}

// contested reports whether another block of the same height was canonical at some moment of [from, to]: a view of that moment need not have what is in b.
func (c *chain) contested(b *block, from, to clock.Micros) bool {
	return slices.ContainsFunc(c.byNumber[b.Number], func(other *block) bool { return other != b && other.canonicalWithin(from, to) })
}

// headStep says that head(t) is number from a moment on.
type headStep struct {
	at     clock.Micros
	number uint64
}

// chain is what was true of one chain, and when.
//
// A block is canonical at t when it is the head, or an ancestor of the head, of a node that no fault touches: the reference node or another. The others count
// too because a head reaches nodes one after the other: in between, an app that reads from the one that is last must not be accused. For the same reason a block's
// first canonical span begins when it was published, not when the reference node reported it.
type chain struct {
	byHash   map[string]*block
	blocks   []*block // in the order of publication
	byNumber map[uint64][]*block
	heads    []headStep
	last     *block // the reference node's last head
	shown    []*block
	payments map[string][]paid // intent → its payments in the reference chain at the end, one for each transaction
	pending  map[string]bool   // intent → known to a node and not mined, at the end of the drain
	waiting  []history.Payment // the transactions behind pending
	drained  clock.Micros      // when the pool was read; forever without a pool record
	accounts map[string]*account
	events   map[string][]event            // account → its events by block number; read when they are asked for, as is the next
	byTx     map[string]map[string][]event // account → hash → events
}

// paid is a payment in a canonical block.
type paid struct {
	tx     string
	number uint64
	wei    string
}

// newChain reads one chain out of a history. Times are turned into the plan's by taking zero away.
func newChain(h *history.History, p *plan.Plan, name string, zero clock.Micros) *chain {
	c := &chain{
		byHash: map[string]*block{}, byNumber: map[uint64][]*block{}, payments: map[string][]paid{}, pending: map[string]bool{},
		drained: forever, accounts: map[string]*account{},
	}
	for i := range h.Blocks {
		r := &h.Blocks[i]
		if r.Chain != name || c.byHash[r.Hash] != nil {
			continue
		}
		b := &block{Block: r, published: r.Published - zero}
		c.byHash[r.Hash] = b
		c.blocks = append(c.blocks, b)
	}
	sort.SliceStable(c.blocks, func(i, j int) bool { return c.blocks[i].published < c.blocks[j].published })
	for _, b := range c.blocks {
		// A parent has a lower number: this also keeps a broken record from making a loop.
		if parent := c.byHash[b.Parent]; parent != nil && parent.Number < b.Number {
			b.parent = parent
		}
		c.byNumber[b.Number] = append(c.byNumber[b.Number], b)
	}
	c.readHeads(h, p, name, zero)
	c.readPayments()
	for _, pool := range h.Pools {
		if pool.Chain != name {
			continue
		}
		c.drained = pool.At - zero
		c.waiting = pool.Pending
		for _, pay := range pool.Pending {
			c.pending[pay.Intent] = c.pending[pay.Intent] || pay.Wei != "0"
		}
	}
	return c
}

// readHeads finds when each block was canonical, and head(t).
func (c *chain) readHeads(h *history.History, p *plan.Plan, name string, zero clock.Micros) {
	truthful := map[string]bool{}
	reference := ""
	for _, n := range p.Nodes {
		if n.Chain != name || n.Touched || n.Role == plan.RoleBuilder {
			continue
		}
		truthful[n.Name] = true
		if n.Role == plan.RoleReference {
			reference = n.Name
		}
	}
	var all []history.Head
	byNode := map[string][]history.Head{}
	for _, r := range h.Heads {
		if truthful[r.Node] {
			r.At -= zero
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b history.Head) int { return int(min(max(a.At-b.At, -1), 1)) })
	for _, r := range all {
		byNode[r.Node] = append(byNode[r.Node], r)
	}
	for _, n := range p.Nodes {
		if heads := byNode[n.Name]; len(heads) > 0 {
			c.follow(heads)
		}
	}
	if heads := byNode[reference]; len(heads) > 0 {
		c.last = c.byHash[heads[len(heads)-1].Hash]
		c.shown = c.everHeadOf(heads)
	}
	c.heads = commonHead(all)
}

// follow marks the blocks that were canonical at one node. heads are sorted by time.
func (c *chain) follow(heads []history.Head) {
	type open struct {
		block *block
		from  clock.Micros
	}
	var line []open // the node's chain, oldest first
	shut := func(keep int, at clock.Micros) {
		for _, o := range line[keep:] {
			o.block.hold(span{o.from, at})
		}
		line = line[:keep]
	}
	for _, r := range heads {
		tip := c.byHash[r.Hash]
		if tip == nil {
			continue // a head from before the record began, as genesis is
		}
		var added []*block
		keep := 0
		for b := tip; b != nil; b = b.parent {
			if at := sort.Search(len(line), func(i int) bool { return line[i].block.Number >= b.Number }); at < len(line) && line[at].block == b {
				keep = at + 1
				break
			}
			added = append(added, b)
		}
		shut(keep, r.At)
		for _, b := range slices.Backward(added) {
			from := r.At
			if len(b.canonical) == 0 {
				from = min(from, b.published)
			}
			line = append(line, open{b, from})
		}
	}
	shut(0, forever)
}

// hold adds a canonical span, joined to one that it overlaps.
func (b *block) hold(s span) {
	for i := range b.canonical {
		if old := &b.canonical[i]; s.from <= old.to && old.from <= s.to {
			old.from, old.to = min(old.from, s.from), max(old.to, s.to)
			return
		}
	}
	b.canonical = append(b.canonical, s)
}

// everHeadOf lists the blocks that were in a node's chain at any time, by number.
func (c *chain) everHeadOf(heads []history.Head) []*block {
	seen := map[*block]bool{}
	var list []*block
	for _, r := range heads {
		for b := c.byHash[r.Hash]; b != nil && !seen[b]; b = b.parent {
			seen[b] = true
			list = append(list, b)
		}
	}
	slices.SortStableFunc(list, func(a, b *block) int { return int(min(max(int64(a.Number)-int64(b.Number), -1), 1)) })
	return list
}

// commonHead is head(t): the lowest of the nodes' heads at t, which is the highest block that every one of them had. heads are sorted by time.
func commonHead(heads []history.Head) []headStep {
	now := map[string]uint64{}
	var steps []headStep
	for _, r := range heads {
		now[r.Node] = r.Number
		low := r.Number
		for _, n := range now {
			low = min(low, n)
		}
		if len(steps) == 0 || steps[len(steps)-1].number != low {
			steps = append(steps, headStep{r.At, low})
		}
	}
	return steps
}

// headAt is head(t), 0 before the first report.
func (c *chain) headAt(t clock.Micros) uint64 {
	i := sort.Search(len(c.heads), func(i int) bool { return c.heads[i].at > t })
	if i == 0 {
		return 0
	}
	return c.heads[i-1].number
}

// canonicalAt is the canonical block with a number at t, or nil.
func (c *chain) canonicalAt(number uint64, t clock.Micros) *block {
	for _, b := range c.byNumber[number] {
		if b.canonicalWithin(t, t) {
			return b
		}
	}
	return nil
}

// readPayments lists what the reference chain had paid at the end. One transaction counts once, wherever it stands.
func (c *chain) readPayments() {
	for b := c.last; b != nil; b = b.parent {
		for _, p := range b.Paid {
			known := slices.ContainsFunc(c.payments[p.Intent], func(q paid) bool { return q.tx == p.Tx })
			if !known {
				c.payments[p.Intent] = append(c.payments[p.Intent], paid{tx: p.Tx, number: b.Number, wei: p.Wei})
			}
		}
	}
}

// depth is how deep a block lies at the end: 1 for the head itself.
func (c *chain) depth(number uint64) uint64 {
	if c.last == nil || number > c.last.Number {
		return 0
	}
	return c.last.Number - number + 1
}
