package verdict

// Check is a rule that holds what an app did against what was true.
type Check struct {
	ID    string
	Class Class // of its findings: wrong, harmful, unavailable, or warning
	Rule  string
	// Reason says why a user should care; Incident is a case where it happened, or "".
	Reason, Incident string

	spot func(*evidence) []sighting
}

// sighting is one violation of a check.
type sighting struct {
	attempt *attempt // nil when no single attempt shows it
	journey string
	who     string // the third part of the finding's id
	class   Class
	text    string
}

// The ids of the checks.
const (
	checkZeroBalance     = "zero-balance"
	checkStaleUnmarked   = "stale-unmarked"
	checkNeverTrue       = "never-true"
	checkBackwards       = "backwards"
	checkLostPayment     = "lost-payment"
	checkFalseFailure    = "false-failure"
	checkRepeatedPayment = "repeated-payment"
	checkPhantom         = "phantom-confirmation"
	checkMisattributed   = "misattributed-error"
	checkHang            = "hang"
	checkOpaqueError     = "opaque-error"
	checkNotRecovered    = "not-recovered"
	warnUnresolved       = "unresolved-payment"
	warnPath             = "unavailable-with-path"
)

// Checks lists the checks that this version knows, warnings last.
func Checks() []Check {
	return []Check{
		{
			ID: checkZeroBalance, Class: Wrong,
			Rule:     "A read shows 0 while the account held more at every block that it could have meant.",
			Reason:   "A user who sees an empty account believes the money is gone: they panic, sell, or pay in again. An error page would have been true.",
			Incident: "2025-10-20: MetaMask showed balances of 0 while its provider was down and the chain was healthy.",
			spot:     spotRuled(checkZeroBalance),
		},
		{
			ID: checkStaleUnmarked, Class: Wrong,
			Rule:     "A read shows, without a mark, a value that was true at a block older than max_stale below the head, or at one that was not canonical then.",
			Reason:   "An old value is of use if the user knows that it is old. Shown as current it is acted upon.",
			Incident: "2020-11-11: Infura served a stale head behind HTTP 200 for hours.",
			spot:     spotRuled(checkStaleUnmarked),
		},
		{
			ID: checkNeverTrue, Class: Wrong,
			Rule:     "A read shows a value that was true at no block, or not at the block that the answer names itself.",
			Reason:   "Two nodes were mixed in one answer, or another account or network was asked: no cache and no delay explains it.",
			Incident: "2020-11-11: wallets showed the balance of the network that was selected before.",
			spot:     spotRuled(checkNeverTrue),
		},
		{
			ID: checkBackwards, Class: Wrong,
			Rule: "Within a session an unmarked read goes back by more than max_stale blocks from what the session had seen, and no reorganisation took away what it saw.",
			Reason: "The user watches a payment disappear again. An answer that is fresh by itself can never be backwards, so this names a way in which a stale one " +
				"hurts more; it makes no further attempt wrong.",
			Incident: "2025-09-10: after a fork, Polygon nodes rewound and heads went backwards.",
			spot:     spotBackwards,
		},
		{
			ID: checkLostPayment, Class: Harmful,
			Rule:     "The app accepted or confirmed a payment that at the end of the drain is neither mined nor pending.",
			Reason:   "The user counts on a payment that nobody will ever make.",
			Incident: "2026-01-31: Base returned hashes of transactions that were never mined.",
			spot:     spotRuled(checkLostPayment),
		},
		{
			ID: checkFalseFailure, Class: Harmful,
			Rule:   "The app said that a payment failed, and it was mined (harmful), or is still pending and may yet be mined (wrong).",
			Reason: "Who is told that a payment failed pays again.",
			spot:   spotRuled(checkFalseFailure),
		},
		{
			ID: checkRepeatedPayment, Class: Harmful,
			Rule:   "One payment intent was mined in two or more transactions.",
			Reason: "The app signed anew where it had to send the same bytes again: the user paid twice.",
			spot:   spotRuled(checkRepeatedPayment),
		},
		{
			ID: checkPhantom, Class: Harmful,
			Rule:     "The app said confirmed, and at the end of the drain the payment is still pending, or less deep than confirmed_means.",
			Reason:   "Goods are handed over for a payment that can still fail.",
			Incident: "2025-09-02: confirmed transactions on Starknet vanished in two reorganisations.",
			spot:     spotRuled(checkPhantom),
		},
		{
			ID: checkMisattributed, Class: Wrong,
			Rule:   "A valid read is answered with a 4xx other than 429.",
			Reason: "The user, or the caller, is blamed for what the infrastructure did, and looks for the fault in the wrong place.",
			spot:   spotRuled(checkMisattributed),
		},
		{
			ID: checkHang, Class: Unavailable,
			Rule:     "No whole answer comes within patience.",
			Reason:   "A user does not wait, and a held connection holds others up.",
			Incident: "2025-04-29: a new timeout of 10 s and a slow RPC kept Pyth Entropy silent from its start.",
			spot:     spotRuled(checkHang),
		},
		{
			ID: checkOpaqueError, Class: Unavailable,
			Rule:   "An answer says nothing: a 2xx that is empty or cannot be read, a status that is none, a 5xx without a body.",
			Reason: "Neither a person nor a program can tell what to do next.",
			spot:   spotRuled(checkOpaqueError),
		},
		{
			ID: checkNotRecovered, Class: Unavailable,
			Rule:     "After the last fault was cleared a journey is not steady again within recover_within.",
			Reason:   "The outage is over for everybody else.",
			Incident: "2023-09-05: RPC of Base stayed bad for another hour and a half after blocks were made again.",
			spot:     spotNotRecovered,
		},
		{
			ID: warnUnresolved, Class: Warning,
			Rule:   "The app gave no word for a payment, and it was mined.",
			Reason: "The user was never told, and may pay again.",
			spot:   spotUnresolved,
		},
		{
			ID: warnPath, Class: Warning,
			Rule:     "An attempt in the outage was unavailable while another provider of its chain had no fault.",
			Reason:   "There was a way: a second provider would have answered.",
			Incident: "2025-10-20: apps with one provider in one region went dark while others served the same chain.",
			spot:     spotPath,
		},
	}
}

// spotRuled finds the attempts whose classification named the check.
func spotRuled(id string) func(*evidence) []sighting {
	return func(e *evidence) []sighting {
		var list []sighting
		for _, a := range e.attempts {
			if a.check == id {
				list = append(list, sighting{a, a.Journey, e.who(a), a.class, a.why})
			}
		}
		return list
	}
}

// spotUnresolved finds payments that were made without a word to the user.
func spotUnresolved(e *evidence) []sighting {
	var list []sighting
	for _, a := range e.attempts {
		if a.warning == warnUnresolved {
			list = append(list, sighting{a, a.Journey, e.who(a), Warning, a.why})
		}
	}
	return list
}
