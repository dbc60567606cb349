package verdict

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"blackout/harness/clock"
	"blackout/harness/history"
)

// lateOwn is the least lateness of our own that makes an attempt void.
var lateOwn = clock.Of(50 * time.Millisecond)

// void is rule 1 for every journey: we sent it too late, by more than 50 ms and more than 5 % of the deadline, so its latency says nothing about the app.
func void(a *attempt) bool { return a.at-a.due > max(lateOwn, a.journey.Deadline/20) }

// late reports whether the attempt took longer than its deadline, counted from when it was due.
func late(a *attempt) bool { return a.took > a.journey.Deadline }

// beyondPatience reports whether the answer was whole only when nobody waited for it any more.
func (a *attempt) beyondPatience() bool {
	return a.journey.Patience > 0 && a.end-a.due > a.journey.Patience
}

// judgeRead classifies an attempt that reads, by the first rule that matches:
//
//  1. void (decided before).
//  2. Nothing complete within patience, a transport error, an empty or unparsable 2xx: unavailable.
//  3. It said no (5xx, 429, a declined field): declined within the deadline, else unavailable. Another 4xx on a valid request is wrong: it blames the user.
//  4. True at a block that was canonical while it was answered, or at most max_stale block times before, and not older than max_stale below the head when it was
//     asked: degraded if marked as old, else ok, or late after the deadline.
//  5. True at an older block, or at one that was orphaned before that or was never canonical: degraded if marked as old, else wrong.
//  6. Else wrong: true at no block.
//
// In the place of 5 (unmarked) and 6 wrong-chain speaks where the value is another chain's.
//
// A journey without a balance has nothing to hold against the chain: rules 4 to 6 then see a true answer.
func (e *evidence) judgeRead(a *attempt) ruling {
	if r, decided := judgeProtocol(a); decided {
		return e.misattributed(a, r)
	}
	old := marked(a.field("stale"))
	if a.journey.Balance == nil {
		return e.ownWriteMissing(a, timely(a, old, "answered; nothing in it is held against the chain"))
	}
	shown, ok := parseAmount(a.field("balance"), a.journey.Balance.Whole())
	if !ok {
		why := a.replied() + " without a readable balance" + quoted(a.field("balance"))
		return ruling{class: Unavailable, check: checkOpaqueError, why: why}
	}
	return e.ownWriteMissing(a, e.judgeBalance(a, shown, old))
}

// judgeProtocol applies rules 2 and 3, which need no chain.
func judgeProtocol(a *attempt) (ruling, bool) {
	if r, silent := judgeSilence(a); silent {
		return r, true
	}
	_, shows := a.answer.find("balance")
	no, said := a.answer.find("declined")
	switch {
	case a.Status == 429 || a.Status >= 500:
		r := refused(a, "said no with "+a.reply())
		if a.Status >= 500 && a.Body == "" && a.answer == nil {
			r.check = checkOpaqueError
			r.why = a.replied() + " with nothing in it"
		}
		return r, true
	case a.Status >= 400:
		return ruling{class: Wrong, check: checkMisattributed, why: a.replied() + " to a valid request, as if the user were at fault"}, true
	case a.Status < 200 || a.Status >= 300:
		return ruling{class: Unavailable, check: checkOpaqueError, why: a.replied() + ", which is no answer"}, true
	case said && declined(no):
		return refused(a, "said no"+quoted(no)), true
	case slices.ContainsFunc([]string{"payments", "events", "status"}, func(field string) bool { return slices.Contains(a.Missing(), field) }):
		return ruling{class: Unavailable, check: checkOpaqueError, why: a.replied() + " without a readable " + strings.Join(a.Missing(), ", ")}, true
	case a.journey.Balance == nil && len(a.Missing()) > 0 && a.answer == nil:
		return ruling{class: Unavailable, check: checkOpaqueError, why: a.replied() + " with nothing readable in it"}, true
	case a.journey.Balance != nil && !shows:
		return ruling{class: Unavailable, check: checkOpaqueError, why: a.replied() + " without a readable balance"}, true
	}
	return ruling{}, false
}

// judgeSilence rules on an attempt that got no whole answer in time.
func judgeSilence(a *attempt) (ruling, bool) {
	switch {
	case a.Error == history.ErrTimeout || a.beyondPatience():
		return ruling{class: Unavailable, check: checkHang, why: "gave no whole answer within " + inSeconds(a.journey.Patience)}, true
	case a.Error != "":
		return ruling{class: Unavailable, why: "the connection failed: " + a.Error}, true
	}
	return ruling{}, false
}

// refused is rule 3: an honest no in time is worth more than silence, a late one is not.
func refused(a *attempt, why string) ruling {
	if late(a) {
		return ruling{class: Unavailable, why: why + ", after the deadline"}
	}
	return ruling{class: Declined, why: why}
}

// timely is a true answer: its mark and its time decide.
func timely(a *attempt, old bool, why string) ruling {
	switch {
	case old:
		return ruling{class: Degraded, why: "true, but marked as old"}
	case late(a):
		return ruling{class: Late, why: "true, but after the deadline"}
	default:
		return ruling{class: OK, why: why}
	}
}

// judgeBalance applies rules 4 to 6.
func (e *evidence) judgeBalance(a *attempt, shown amount, old bool) ruling {
	c := e.chains[a.journey.Chain]
	if c == nil || c.last == nil || c.account(a) == nil {
		return ruling{class: Void, why: "the record holds no balance of this account, so nothing can be said"}
	}
	all := c.account(a).meant(shown, *a.journey.Balance)
	known := all
	for i, b := range all {
		if b.published > a.end {
			known = all[:i]
			break
		}
	}
	claim, misdated := c.claimed(a, known)
	if claim != nil {
		known = claim
	}
	a.meant = known
	if misdated != nil {
		return e.untrue(c, a, shown, misdated, len(all) == 0)
	}
	head := c.headAt(a.at)
	oldest := head - min(head, a.journey.MaxStale)
	for i := len(known) - 1; i >= 0; i-- {
		if b := known[i]; b.Number >= oldest && b.canonicalWithin(a.at-e.grace(a), a.end) {
			if b.fresh(a) {
				return timely(a, old, "true at a block that was canonical and not too old")
			}
			return timely(a, old, fmt.Sprintf("true at block %d%s, and %s allowed", b.Number, orphaned(b, a), blocksAllowed(a.journey.MaxStale)))
		}
	}
	if len(known) == 0 {
		return e.untrue(c, a, shown, nil, true)
	}
	newest := known[len(known)-1]
	if old {
		return ruling{class: Degraded, why: fmt.Sprintf("true at block %d of a head at %d, and marked as old", newest.Number, head)}
	}
	if r, strange := e.otherChain(a, shown, known); strange {
		a.meant = nil
		return r
	}
	what := fmt.Sprintf("true %s; the head was %d and %s allowed", atBlocks(known), head, blocksAllowed(a.journey.MaxStale))
	if newest.Number >= oldest {
		what = fmt.Sprintf("true at block %d%s; %s allowed", newest.Number, orphaned(newest, a), blocksAllowed(a.journey.MaxStale))
	}
	return ruling{class: Wrong, check: checkStaleUnmarked, why: fmt.Sprintf("showed %s as current, %s", shownText(a), what)}
}

// atBlocks says at which blocks a value was true: "at block 21", "only at blocks 12–14 and 20". Of many stretches the newest three are named.
func atBlocks(known []*block) string {
	numbers := make([]uint64, 0, len(known))
	for _, b := range known {
		numbers = append(numbers, b.Number)
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	if len(numbers) == 1 {
		return fmt.Sprintf("at block %d", numbers[0])
	}
	var stretches []string
	for from := 0; from < len(numbers); {
		to := from
		for to+1 < len(numbers) && numbers[to+1] == numbers[to]+1 {
			to++
		}
		text := strconv.FormatUint(numbers[from], 10)
		if to > from {
			text = fmt.Sprintf("%d–%d", numbers[from], numbers[to])
		}
		stretches = append(stretches, text)
		from = to + 1
	}
	earlier := ""
	if n := len(stretches) - 3; n > 0 {
		stretches, earlier = stretches[n:], ", and "+fmt.Sprintf("%d before", n)
	}
	last := len(stretches) - 1
	if last == 0 {
		return "only at blocks " + stretches[0]
	}
	return "only at blocks " + strings.Join(stretches[:last], ", ") + " and " + stretches[last] + earlier
}

// fresh reports whether the block was canonical while the attempt ran. A block that every node of ours was still being told of counts as soon as it is published.
func (b *block) fresh(a *attempt) bool { return b.canonicalWithin(a.at, a.end) }

// grace is how old an unmarked answer may be in time: max_stale block times. Without a reorganisation the height says it as well; but a view of a branch that was given up a moment
// ago is no older than one of the same moment on a branch that stayed, and an app has to hear of the reorganisation before it can do anything.
func (e *evidence) grace(a *attempt) clock.Micros {
	for i := range e.plan.Chains {
		if c := &e.plan.Chains[i]; c.Name == a.journey.Chain {
			return clock.Micros(a.journey.MaxStale) * c.BlockTime
		}
	}
	return 0
}

// orphaned goes on after the number of a block that was not canonical while the attempt ran.
func orphaned(b *block, a *attempt) string {
	if until, was := b.canonicalUntil(a.at); was {
		return fmt.Sprintf(", orphaned %s before", inSeconds(a.at-until))
	}
	return " of a branch that was not canonical"
}

// claimed narrows the blocks that an answer is true at to the one that it names itself. misdated is a known block that it names and is not true at. A number
// that nobody had published is no claim that can be tested, and neither is a text that is no number.
func (c *chain) claimed(a *attempt, known []*block) (narrowed []*block, misdated *block) {
	number, ok := blockNumber(a.field("block"))
	if !ok {
		return nil, nil
	}
	for _, b := range c.byNumber[number] {
		if b.published > a.end {
			continue
		}
		if i := slices.Index(known, b); i >= 0 && narrowed == nil {
			narrowed = known[i : i+1 : i+1]
		} else if i >= 0 {
			narrowed = append(narrowed, b)
		}
		misdated = b
	}
	if len(narrowed) > 0 {
		return narrowed, nil
	}
	return nil, misdated
}

// untrue is rule 6. misdated is the block that the answer names, if it names one; never says that no block of the whole run has the value.
func (e *evidence) untrue(c *chain, a *attempt, shown amount, misdated *block, never bool) ruling {
	if never {
		if r, strange := e.otherChain(a, shown, nil); strange {
			return r
		}
	}
	truth := c.truthAt(a)
	if shown.zero() && never {
		return ruling{class: Wrong, check: checkZeroBalance, why: "showed 0 while " + truth}
	}
	if misdated != nil {
		truth = fmt.Sprintf("the account held %s %s there", c.shownHeld(a, misdated), smallest(a.journey.Balance))
		return ruling{class: Wrong, check: checkNeverTrue, why: fmt.Sprintf("showed %s as of block %d, but %s", shownText(a), misdated.Number, truth)}
	}
	return ruling{class: Wrong, check: checkNeverTrue, why: fmt.Sprintf("showed %s, which was true at no block; %s", shownText(a), truth)}
}

// truthAt says what the attempt's account held at the head that could be known when it was sent.
func (c *chain) truthAt(a *attempt) string {
	at := c.canonicalAt(c.headAt(a.at), a.at)
	if at == nil {
		at = c.last
	}
	return fmt.Sprintf("the account held %s %s at block %d", c.shownHeld(a, at), smallest(a.journey.Balance), at.Number)
}

// shownText is the balance as the app wrote it, with its unit, short enough for a sentence.
func shownText(a *attempt) string {
	text := strings.TrimSpace(a.field("balance"))
	if len(text) > 90 {
		text = strings.ToValidUTF8(text[:90], "") + "…"
	}
	switch as := a.journey.Balance; {
	case !as.OfToken():
		return text + " " + as.Unit
	case as.Whole():
		return text + " " + smallest(as)
	default:
		return text + " tokens"
	}
}

func quoted(text string) string {
	if text == "" {
		return ""
	}
	if len(text) > 60 {
		text = strings.ToValidUTF8(text[:60], "") + "…"
	}
	return ": " + strconv.Quote(text)
}

func blocksAllowed(n uint64) string {
	if n == 1 {
		return "1 block is"
	}
	return fmt.Sprintf("%d blocks are", n)
}

// marked reads an answer's mark for old values: present and not a plain no.
func marked(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "", "false", "0", "no", "null":
		return false
	}
	return true
}

// declined reads an answer's error field. One that is there but empty, as in {"error": null}, says nothing.
func declined(text string) bool {
	switch strings.TrimSpace(text) {
	case "", "null", "false":
		return false
	}
	return true
}

// blockNumber reads a block number, decimal or hex.
func blockNumber(text string) (uint64, bool) {
	if text = strings.TrimSpace(text); text == "" {
		return 0, false
	}
	base := 10
	if h, ok := strings.CutPrefix(text, "0x"); ok {
		text, base = h, 16
	}
	n, err := strconv.ParseUint(text, base, 64)
	return n, err == nil
}
