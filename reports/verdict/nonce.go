package verdict

import (
	"fmt"
	"maps"
	"slices"
)

// stuck-nonce.
//
// Rule: at the end of the drain a sender has a nonce that was never mined, no transaction with it is pending, and a payment that the app accepted after the last
// fault was cleared is pending with a higher one. The lowest nonce that can be such a gap is the one after the sender's highest that was mined: an account's
// transactions are mined in the order of their nonces, without holes (Ethereum Yellow Paper, section 6.2). A nonce that was signed for something else than an
// intent is never called a gap, since the record does not say what became of it.
//
// Reason: the outage is over, and no payment of this sender will be made until a person steps in.
//
// Incident: 2024-11-15, Base: 50 to 79 % of the transactions were refused with "txpool is full" for 18 hours. An app that counts a refused nonce as used leaves a
// gap in front of all later payments.
//
// findStuck gives, for each intent that waits behind a gap, the sentence that says so. A payment that was signed twice is stuck if all that pays it is.
func (e *evidence) findStuck() map[string]string {
	stuck, free := map[string]string{}, map[string]bool{}
	chainOf := map[string]string{} // intent → its chain
	for i := range e.h.Intents {
		chainOf[e.h.Intents[i].ID] = e.h.Intents[i].Chain
	}
	for name, c := range e.chains {
		if c.drained == forever || len(c.waiting) == 0 {
			continue
		}
		all := e.senders(name, c, chainOf)
		for _, from := range slices.Sorted(maps.Keys(all)) {
			all[from].behindGap(stuck, free)
		}
	}
	for intent := range free {
		delete(stuck, intent)
	}
	return stuck
}

// sender is an account that signed payments, on one chain.
type sender struct {
	mined   bool
	highest uint64            // the highest nonce that was mined, if one was
	block   uint64            // where
	signed  map[uint64]use    // nonce → what was sent with it
	waiting map[uint64]string // nonce → the intent that a pending transaction with it pays
}

// use is what was sent with one nonce.
type use struct {
	service string  // where the first transaction went
	at      float64 // when, in seconds from the start of the baseline
	other   bool    // some transaction pays no intent: what became of it is not recorded
}

// senders gathers who paid intents of a chain.
func (e *evidence) senders(name string, c *chain, chainOf map[string]string) map[string]*sender {
	minedIn := map[string]uint64{}
	for _, list := range c.payments {
		for _, p := range list {
			minedIn[p.tx] = p.number
		}
	}
	waits := map[string]string{}
	for _, p := range c.waiting {
		waits[p.Tx] = p.Intent
	}
	all := map[string]*sender{}
	for i := range e.h.Sent {
		t := &e.h.Sent[i]
		if t.Foreign || (t.Intent != "" && chainOf[t.Intent] != name) {
			continue
		}
		s := all[t.From]
		if s == nil {
			s = &sender{signed: map[uint64]use{}, waiting: map[uint64]string{}}
			all[t.From] = s
		}
		n, again := s.signed[t.Nonce]
		if !again {
			n = use{service: t.Service, at: (t.At - e.zero).Seconds()}
		}
		n.other = n.other || t.Intent == ""
		s.signed[t.Nonce] = n
		if number, ok := minedIn[t.Tx]; ok && (!s.mined || t.Nonce > s.highest) {
			s.mined, s.highest, s.block = true, t.Nonce, number
		}
		if intent, ok := waits[t.Tx]; ok {
			s.waiting[t.Nonce] = intent
		}
	}
	return all
}

// behindGap adds the payments that wait behind the sender's first gap to stuck, and those that wait for nothing but a block to free.
func (s *sender) behindGap(stuck map[string]string, free map[string]bool) {
	nonces := slices.Sorted(maps.Keys(s.waiting))
	if len(nonces) == 0 {
		return
	}
	gap := s.highest + 1
	if !s.mined {
		gap = nonces[0]
		for n := range s.signed {
			gap = min(gap, n)
		}
	}
	for _, n := range nonces {
		for ; gap < n; gap++ {
			if at, signed := s.signed[gap]; !signed || !at.other {
				break
			}
		}
		if gap > n {
			continue // an older one in the place of what was mined: it can never be mined, and holds nothing up
		}
		if gap == n {
			gap++
			free[s.waiting[n]] = true
			continue
		}
		stuck[s.waiting[n]] = fmt.Sprintf("accepted, but it waits behind a gap: it was signed with nonce %d, and %s", n, s.describe(gap))
	}
}

// describe says what is missing at a nonce.
func (s *sender) describe(gap uint64) string {
	text := fmt.Sprintf("no transaction with nonce %d ever reached a provider", gap)
	if at, ok := s.signed[gap]; ok {
		text = fmt.Sprintf("the transaction with nonce %d, sent to %s at %.2f s, is neither mined nor pending", gap, at.service, at.at)
	}
	if s.mined {
		text += fmt.Sprintf("; the sender's last one was mined with nonce %d in block %d", s.highest, s.block)
	}
	return text
}
