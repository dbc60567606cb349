package verdict

import (
	"cmp"
	"slices"

	"blackout/harness/clock"
)

// Known is what could be known of the chain while one attempt ran: what the rules about balances looked at, for people who want to follow them. Times count from the
// start of the baseline.
type Known struct {
	Chain string
	// HeadAt and HeadEnd are the highest block that every node that no fault touches had when the attempt was sent and when it ended; 0 before their first reports.
	HeadAt, HeadEnd uint64
	// Shown is the balance that a read showed, with its unit; "" when it showed none that can be read, or is held against nothing.
	Shown string
	// Unit is the unit of the balances: wei, or the token's base units.
	Unit string
	// True are the blocks of the whole run that Shown is true at, by publication.
	True []KnownBlock
	// Around are the blocks that a read could have meant, from one older than max_stale allows up to the newest that was published before it ended: by number, those
	// of a losing branch too.
	Around []KnownBlock
}

// KnownBlock is a block as one attempt may have met it.
type KnownBlock struct {
	Number    uint64
	Hash      string
	Published clock.Micros
	Wei       string // what the attempt's account held after it, in wei or the token's base units; "" when the record has no balance of it
	Canonical bool   // at some moment between sending and end, at a node that no fault touches
}

// Known tells what the chain's record says about an attempt that was judged. It is false for any other, and for an attempt of a journey that is about no chain.
func (j *Judgement) Known(id string) (Known, bool) {
	if j.evidence == nil {
		return Known{}, false
	}
	e := j.evidence
	i := slices.IndexFunc(e.attempts, func(a *attempt) bool { return a.id() == id })
	if i < 0 {
		return Known{}, false
	}
	a := e.attempts[i]
	c := e.chains[a.journey.Chain]
	if c == nil || c.last == nil {
		return Known{}, false
	}
	k := Known{Chain: a.journey.Chain, HeadAt: c.headAt(a.at), HeadEnd: c.headAt(a.end)}
	if a.journey.Balance == nil || c.account(a) == nil {
		return k, true
	}
	k.Unit = smallest(a.journey.Balance)
	known := func(b *block) KnownBlock {
		return KnownBlock{Number: b.Number, Hash: b.Hash, Published: b.published, Wei: c.shownHeld(a, b), Canonical: b.canonicalWithin(a.at, a.end)}
	}
	if shown, ok := parseAmount(a.field("balance"), a.journey.Balance.Whole()); ok && a.answered {
		k.Shown = shownText(a)
		for _, b := range c.account(a).meant(shown, *a.journey.Balance) {
			k.True = append(k.True, known(b))
		}
	}
	oldest := k.HeadAt - min(k.HeadAt, a.journey.MaxStale+1)
	for _, b := range c.blocks {
		if b.Number >= oldest && b.published <= a.end {
			k.Around = append(k.Around, known(b))
		}
	}
	slices.SortStableFunc(k.Around, func(a, b KnownBlock) int { return cmp.Compare(a.Number, b.Number) })
	return k, true
}
