package verdict

import (
	"fmt"
	"math/big"
	"slices"

	"blackout/harness/clock"
	"blackout/harness/history"
)

// word is the app's last word for a payment.
type word int

const (
	wordConfirmed word = iota
	wordPending        // accepted, and no more than that
	wordFailed         // its word for it, or an HTTP error that says that nothing was done
	wordNone           // timeout, reset, 408, 502, 504: nobody knows, the user least of all
)

// fate is what became of a payment on the reference chain by the end of the drain.
type fate int

const (
	minedOnce fate = iota
	minedMore
	stillPending
	absent
)

// cell is one entry of the payment table.
type cell struct {
	class   Class
	check   string
	warning string
	why     string
}

// payments is the payment table: the app's last word against the chain. OK stands for ok or late.
//
// It is judged at the end of the drain, never earlier: until then a payment may still be mined, and an app that says "pending" is right. What counts is what users do
// next. Told "failed" they pay again, told "confirmed" they hand over the goods; so a lie in either word costs money and is harmful.
var payments = map[word]map[fate]cell{
	wordConfirmed: {
		minedOnce:    {class: OK, why: "said confirmed, and it was mined once"},
		minedMore:    {class: Harmful, check: checkRepeatedPayment, why: "said confirmed, but %s"},
		stillPending: {class: Harmful, check: checkPhantom, why: "said confirmed, but it was still pending"},
		absent:       {class: Harmful, check: checkLostPayment, why: "said confirmed, but it was neither mined nor pending"},
	},
	wordPending: {
		minedOnce:    {class: Degraded, why: "mined once, but the app never said so"},
		minedMore:    {class: Harmful, check: checkRepeatedPayment, why: "accepted it once, but %s"},
		stillPending: {class: Degraded, why: "accepted, and still pending"},
		absent:       {class: Harmful, check: checkLostPayment, why: "accepted it, but it was neither mined nor pending"},
	},
	wordFailed: {
		minedOnce:    {class: Harmful, check: checkFalseFailure, why: "said failed, but it was mined"},
		minedMore:    {class: Harmful, check: checkRepeatedPayment, why: "said failed, but %s"},
		stillPending: {class: Wrong, check: checkFalseFailure, why: "said failed, but it was still pending and may yet be mined"},
		absent:       {class: Declined, why: "said failed, and nothing was paid"},
	},
	wordNone: {
		minedOnce:    {class: Unavailable, warning: warnUnresolved, why: "paid once, but the user was never told"},
		minedMore:    {class: Harmful, check: checkRepeatedPayment, why: "left open what became of it, but %s"},
		stillPending: {class: Unavailable, why: "left open what became of it, and it was still pending"},
		absent:       {class: Unavailable, why: "left open what became of it, and nothing was paid"},
	},
}

// judgeWrite classifies an attempt that pays. known is false when the run ended before the payment's fate was settled, so that it says nothing.
func (e *evidence) judgeWrite(a *attempt) (r ruling, known bool) {
	c := e.chains[a.journey.Chain]
	if c == nil || c.last == nil {
		return ruling{class: Void, why: "the record holds no chain to look for the payment on"}, true
	}
	said, confirmed := e.lastWord(a, c.drained)
	a.took = a.end - a.due
	if confirmed != nil && a.journey.Follow {
		a.took = confirmed.At - a.due
	}
	became, much := e.fateOf(a, c)
	elsewhere := e.minedElsewhere(a)
	if !e.complete && c.drained == forever && len(elsewhere) == 0 && !settled(said, became) {
		return ruling{}, false
	}
	if r, strange := e.paidElsewhere(a, elsewhere, said == wordFailed && became == absent); strange {
		return r, true
	}
	if said == wordConfirmed && became == minedOnce && c.depth(c.payments[a.id()][0].number) < max(a.journey.ConfirmedMeans, 1) {
		r = ruling{class: Harmful, check: checkPhantom, why: fmt.Sprintf("said confirmed, but at the end it lay %s deep and confirmed means %d %s",
			blocks(c.depth(c.payments[a.id()][0].number)), a.journey.ConfirmedMeans, e.proof(a, c))}
		return r, true
	}
	entry := payments[said][became]
	r = ruling(entry)
	switch {
	case became == minedMore:
		r.why = fmt.Sprintf(entry.why, much)
	case said == wordPending && became == minedOnce && !a.journey.Follow:
		r.class, r.why = OK, "accepted, and it was mined once" // it cannot say more: nobody asks again
	}
	if r.check != "" || r.warning != "" {
		r.why += " " + e.proof(a, c)
	}
	if text, waits := e.stuck[a.id()]; waits && said == wordPending && became == stillPending && a.due >= e.times.lifted {
		return ruling{class: Harmful, check: checkStuckNonce, why: text}, true
	}
	if r.class == Declined {
		r = e.misattributed(a, r)
	}
	if r.class == OK && late(a) {
		r.class, r.why = Late, r.why+", but after the deadline"
	}
	if r.class == Unavailable && r.check == "" && (a.Error == history.ErrTimeout || a.beyondPatience()) {
		r.check, r.why = checkHang, "gave no whole answer within "+inSeconds(a.journey.Patience)+", "+r.why
	}
	return r, true
}

// proof is what a finding about a payment rests on: when the app said its last word, and where the chain has the payment.
func (e *evidence) proof(a *attempt, c *chain) string {
	said := fmt.Sprintf("(it ended at %.2f s without a word", a.end.Seconds())
	if a.answered {
		said = fmt.Sprintf("(%s at %.2f s", a.replied(), a.end.Seconds())
	}
	for _, s := range e.words[a.id()] {
		if s.At <= c.drained && s.State != "" {
			said = fmt.Sprintf("(%s at %.2f s", s.State, s.At.Seconds())
		}
	}
	for _, p := range slices.Backward(c.payments[a.id()]) { // they were read from the head down
		said += fmt.Sprintf("; mined in block %d as %s", p.number, briefly(p.tx))
	}
	if len(c.payments[a.id()]) == 0 && c.drained < forever {
		said += fmt.Sprintf("; the pools were read at %.2f s", c.drained.Seconds())
	}
	return said + ")"
}

// settled reports whether more waiting could not have changed the class: of a run that was cut off only such payments are judged.
func settled(w word, f fate) bool {
	return f == minedMore || (f == minedOnce && (w == wordConfirmed || w == wordFailed))
}

// lastWord is the app's last word by the end of the drain, and the record of its first "confirmed", if there is one.
func (e *evidence) lastWord(a *attempt, drained clock.Micros) (last word, confirmed *history.Said) {
	words := e.words[a.id()]
	found := false
	for i := range words {
		s := &words[i]
		if s.At > drained {
			break
		}
		switch s.State {
		case history.StateConfirmed:
			last, found = wordConfirmed, true
			if confirmed == nil {
				confirmed = s
			}
		case history.StatePending:
			last, found = wordPending, true
		case history.StateFailed:
			last, found = wordFailed, true
		}
	}
	if found {
		return last, confirmed
	}
	return firstWord(a), nil
}

// firstWord reads a payment's answer for which the app used none of its words. Accepted is every 2xx: a user who sees a page without an error believes that
// it worked.
// 408, 502 and 504 come from something in front that does not know either; any other error status says that nothing was done.
func firstWord(a *attempt) word {
	switch {
	case a.Error != "" || a.beyondPatience():
		return wordNone
	case a.Status == 408 || a.Status == 502 || a.Status == 504:
		return wordNone
	case a.Status >= 400:
		return wordFailed
	}
	if no, said := a.answer.find("declined"); said && declined(no) {
		return wordFailed
	}
	if a.Status >= 200 && a.Status < 300 {
		return wordPending
	}
	return wordNone
}

// fateOf looks a payment up on the reference chain, and in the nodes' pools. It was paid more than once when more was paid than was asked for, in whatever many transactions:
// an app may pay in parts, or keep a fee of the amount. One that carries nothing pays nothing. much says how much it was then.
func (e *evidence) fateOf(a *attempt, c *chain) (f fate, much string) {
	list := slices.DeleteFunc(slices.Clone(c.payments[a.id()]), func(p paid) bool { return p.wei == "0" })
	sum, known := new(big.Int), true
	for _, p := range list {
		wei, ok := new(big.Int).SetString(p.wei, 10)
		if known = known && ok; known {
			sum.Add(sum, wei)
		}
	}
	asked, told := new(big.Int).SetString(e.amount(a.id()), 10)
	switch {
	case len(list) == 0 && c.pending[a.id()]:
		return stillPending, ""
	case len(list) == 0:
		return absent, ""
	case !known || !told:
		if len(list) == 1 {
			return minedOnce, ""
		}
		return minedMore, fmt.Sprintf("it was paid %d times", len(list))
	case sum.Cmp(asked) <= 0:
		return minedOnce, ""
	case len(list) == 1:
		return minedMore, fmt.Sprintf("%s wei were paid where %s were asked for", sum, asked)
	default:
		return minedMore, fmt.Sprintf("it was paid %d times", len(list))
	}
}

func blocks(n uint64) string {
	if n == 1 {
		return "1 block"
	}
	return fmt.Sprintf("%d blocks", n)
}
