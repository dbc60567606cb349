package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"blackout/harness/clock"
	"blackout/harness/history"
)

// answers are the replies of providers that answered a question about one chain out of another, by time.
type answers struct{ list []*request }

// before is the last of them that had ended by t, or nil.
func (a answers) before(t clock.Micros) *request {
	i, _ := slices.BinarySearchFunc(a.list, t+1, func(c *request, t clock.Micros) int { return cmp.Compare(c.end, t) })
	if i == 0 {
		return nil
	}
	return a.list[i-1]
}

// strangely gives the replies to questions about a chain that another chain answered. Times in it are the history's.
func (e *evidence) strangely(asked, served string) answers {
	if e.strange == nil {
		e.strange = map[[2]string]answers{}
		for c := range e.requests.all() {
			if c.Served == "" || c.Served == c.Chain || c.Probe || c.Reply != history.ReplyOK {
				continue
			}
			key := [2]string{c.Chain, c.Served}
			e.strange[key] = answers{append(e.strange[key].list, c)}
		}
		for _, a := range e.strange {
			slices.SortStableFunc(a.list, func(a, b *request) int { return cmp.Compare(a.end, b.end) })
		}
	}
	return e.strange[[2]string{asked, served}]
}

// wrong-chain, for reads.
//
// Rule: a read shows a balance that the account held on another chain of the plan, and that is true at no block of its own chain that the answer could have meant.
// Before the answer a provider had answered a question about the journey's chain out of that other chain: then any of its blocks counts, and an older block of the
// journey's own chain, or a zero, is no better explanation. Without such a reply only the other chain's blocks count that were fresh then, and only for a balance that
// is not zero and was never true on the journey's own chain: the app asked for the wrong chain itself.
//
// Reason: it is somebody's money, but not the money that was asked about: the user sees a payment that they never got, or misses one that they did.
//
// Incident: 2020-11-11, Infura: wallets showed the balance of the network that was selected before.
//
// otherChain looks for such a balance. own are the blocks of the journey's chain that the answer is true at, all too old, or none.
func (e *evidence) otherChain(a *attempt, shown amount, own []*block) (ruling, bool) {
	for i := range e.plan.Chains {
		name := e.plan.Chains[i].Name
		c := e.chains[name]
		if name == a.journey.Chain || c.last == nil || c.account(a) == nil {
			continue
		}
		reply := e.strangely(a.journey.Chain, name).before(a.end + e.zero)
		if reply == nil && (len(own) > 0 || shown.zero()) {
			continue
		}
		head := c.headAt(a.at)
		oldest := head - min(head, a.journey.MaxStale)
		var there []*block
		for _, b := range c.account(a).meant(shown, *a.journey.Balance) {
			if b.published <= a.end && (reply != nil || (b.Number >= oldest && b.fresh(a))) {
				there = append(there, b)
			}
		}
		if len(there) == 0 {
			continue
		}
		why := fmt.Sprintf("showed %s, which the account held on %s, %s; the question was about %s", shownText(a), name, atBlocks(there), a.journey.Chain)
		if truth := e.chains[a.journey.Chain].truthAt(a); truth != "" {
			why += ", where " + truth
		}
		if reply != nil {
			why += fmt.Sprintf("; %s had answered for %s at %.2f s", reply.Service, name, (reply.end - e.zero).Seconds())
		}
		return ruling{class: Wrong, check: checkWrongChain, why: why}, true
	}
	return ruling{}, false
}

// wrong-chain, for payments.
//
// Rule: a transaction that pays the intent is mined, or pending at the end, on another chain than the journey's; or one that was signed for another chain's id was
// handed to a provider, which took it, unless the app said that the payment failed and nothing of it is mined or pending anywhere. What else the app says of it changes
// nothing. A provider took a transaction when it answered the request that carried it without an error. A transaction that names no chain is no evidence by itself.
//
// Reason: money moves where nobody asked for it, and is missing where it was promised. A signature for another chain is good there for ever, whoever holds it.
//
// Incident: none with payments is known by name; EIP-155 gave signatures a chain because they were replayed on another one in 2016.
//
// paidElsewhere looks for such a transaction, given where the payment was mined, and whether the app declined it and nothing came of that on the journey's own chain.
func (e *evidence) paidElsewhere(a *attempt, mined []string, declined bool) (ruling, bool) {
	where := mined
	for i := range e.plan.Chains {
		if name := e.plan.Chains[i].Name; len(mined) == 0 && name != a.journey.Chain && e.chains[name].pending[a.id()] {
			where = append(where, "was still pending on "+name)
		}
	}
	if signed := e.misaddressed()[a.id()]; len(where) == 0 && !declined && len(signed) > 0 {
		t := signed[0]
		where = append(where, fmt.Sprintf("was signed for chain id %d, and %s took it at %.2f s as %s", t.ChainID, t.Service, (t.At-e.zero).Seconds(), t.Tx))
	}
	if len(where) == 0 {
		return ruling{}, false
	}
	why := fmt.Sprintf("the payment was asked for on %s, and it %s", a.journey.Chain, strings.Join(where, " and "))
	return ruling{class: Harmful, check: checkWrongChain, why: why}, true
}

// minedElsewhere says, for each transaction of another chain than the journey's that pays the attempt's intent, where it was mined.
func (e *evidence) minedElsewhere(a *attempt) (where []string) {
	for i := range e.plan.Chains {
		name := e.plan.Chains[i].Name
		if name == a.journey.Chain {
			continue
		}
		for _, p := range e.chains[name].payments[a.id()] {
			where = append(where, fmt.Sprintf("was mined on %s in block %d as %s", name, p.number, p.tx))
		}
	}
	return where
}

// misaddressed gives, for each intent, the transactions for it that were signed for another chain than the intent's and that a provider took, by time.
func (e *evidence) misaddressed() map[string][]*history.Sent {
	if e.elsewhere != nil {
		return e.elsewhere
	}
	e.elsewhere = map[string][]*history.Sent{}
	ids, chainOf := map[string]uint64{}, map[string]string{}
	for i := range e.plan.Chains {
		ids[e.plan.Chains[i].Name] = e.plan.Chains[i].ID
	}
	for i := range e.h.Intents {
		chainOf[e.h.Intents[i].ID] = e.h.Intents[i].Chain
	}
	type moment struct {
		service string
		at      clock.Micros
	}
	candidates := map[moment][]*history.Sent{}
	for i := range e.h.Sent {
		t := &e.h.Sent[i]
		if id, ok := ids[chainOf[t.Intent]]; ok && t.ChainID != 0 && t.ChainID != id && !t.Foreign {
			candidates[moment{t.Service, t.At}] = append(candidates[moment{t.Service, t.At}], t)
		}
	}
	if len(candidates) == 0 {
		return e.elsewhere
	}
	for c := range e.requests.all() {
		if some, _ := hands(c.Call); !some || c.Reply != history.ReplyOK {
			continue
		}
		for _, t := range candidates[moment{c.Service, c.at}] {
			e.elsewhere[t.Intent] = append(e.elsewhere[t.Intent], t)
		}
		delete(candidates, moment{c.Service, c.at}) // the request and its transactions are recorded with one time
	}
	for _, list := range e.elsewhere {
		slices.SortStableFunc(list, func(a, b *history.Sent) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Tx, b.Tx)) })
	}
	return e.elsewhere
}
