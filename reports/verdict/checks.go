package verdict

import "slices"

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
	during  span // when it was seen, if no attempt shows that
}

// inOrder sorts sightings that all have attempts.
func inOrder(list []sighting) []sighting {
	slices.SortStableFunc(list, func(a, b sighting) int { return byDue(a.attempt, b.attempt) })
	return list
}

// The ids of the checks.
const (
	checkZeroBalance     = "zero-balance"
	checkStaleUnmarked   = "stale-unmarked"
	checkNeverTrue       = "never-true"
	checkWrongChain      = "wrong-chain"
	checkBackwards       = "backwards"
	checkLostPayment     = "lost-payment"
	checkFalseFailure    = "false-failure"
	checkRepeatedPayment = "repeated-payment"
	checkPhantom         = "phantom-confirmation"
	checkMisattributed   = "misattributed-error"
	checkHang            = "hang"
	checkOpaqueError     = "opaque-error"
	checkNotRecovered    = "not-recovered"
	checkOwnWrite        = "own-write-missing"
	checkStuckNonce      = "stuck-nonce"
	checkMissingEvents   = "missing-events"
	checkRepeatedEvents  = "repeated-events"
	checkStatus          = "dishonest-status"
	checkWrongContent    = "wrong-content"
	warnUnresolved       = "unresolved-payment"
	warnPath             = "unavailable-with-path"
	warnNoFailover       = "no-failover"
	warnAmplification    = "amplification"
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
			Rule:     "A read shows, without a mark, a value that was true at a block older than max_stale below the head, or at one that was not canonical then, nor in the max_stale block times before.",
			Reason:   "An old value is of use if the user knows that it is old. Shown as current it is acted upon.",
			Incident: "2020-11-11: Infura served a stale head behind HTTP 200 for hours.",
			spot:     spotRuled(checkStaleUnmarked),
		},
		{
			ID: checkNeverTrue, Class: Wrong,
			Rule:   "A read shows a value that was true at no block, or not at the block that the answer names itself.",
			Reason: "Two nodes were mixed in one answer, or another account was asked: no cache and no delay explains it.",
			spot:   spotRuled(checkNeverTrue),
		},
		{
			ID: checkWrongChain, Class: Harmful,
			Rule: "A read shows a balance that the account held on another chain, and at no block of the journey's own that the answer could have meant (wrong); or a payment is " +
				"mined or pending on another chain than the journey's, or was signed for one and a provider took it (harmful), unless the app said that it failed and nothing of it " +
				"is mined or pending anywhere.",
			Reason:   "The user sees other money than they asked about, or pays where nobody asked for it; a signature for another chain is good there for ever.",
			Incident: "2020-11-11: wallets showed the balance of the network that was selected before.",
			spot:     spotRuled(checkWrongChain),
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
			ID: checkOwnWrite, Class: Wrong,
			Rule: "A listing of the user's payments (answer.payments), unmarked, lacks one that the app had confirmed to this user more than max_stale blocks before and that " +
				"the chain held all the time.",
			Reason:   "Who does not find the payment that the app has just confirmed pays again. Balances are not held to this: stale-unmarked holds each to the chain.",
			Incident: "2025-07-30: some Polygon providers stuck at one block while the chain went on: what one had, another lacked.",
			spot:     spotRuled(checkOwnWrite),
		},
		{
			ID: checkMissingEvents, Class: Wrong,
			Rule: "A list of what happened to the user's account (answer.events) lacks an event that the chain held all through the read, max_stale blocks below the head or " +
				"deeper, and that is on its page. Marked as old, it may lack the newest.",
			Reason:   "Who does not find a deposit that was made looks for it at the sender's, at support, or sends it again.",
			Incident: "2020-11-11: with Infura on a minority fork for hours, exchanges paused: what its logs said could not be credited.",
			spot:     spotRuled(checkMissingEvents),
		},
		{
			ID: checkRepeatedEvents, Class: Wrong,
			Rule:   "A list of what happened to the user's account has one event more often than it happened.",
			Reason: "A deposit that is shown, or credited, twice is money that does not exist.",
			spot:   spotRuled(checkRepeatedEvents),
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
			Rule:   "One payment intent was mined in two or more transactions, or in one, for more than was asked.",
			Reason: "The app signed anew where it had to send the same bytes again, or by another amount: the user paid twice.",
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
			ID: checkStuckNonce, Class: Harmful,
			Rule: "A payment that was accepted after the last fault was cleared is pending at the end of the drain behind a nonce of its sender that was never mined and is " +
				"not pending.",
			Reason:   "The outage is over, and no payment of this sender will be made until a person steps in.",
			Incident: "2024-11-15: Base refused 50 to 79 % of the transactions for 18 hours; an app that counts a refused nonce as used leaves a gap in front of all later ones.",
			spot:     spotRuled(checkStuckNonce),
		},
		{
			ID: checkMisattributed, Class: Wrong,
			Rule: "A valid read is answered with a 4xx other than 429; or a read or payment is declined in words that blame the user or a contract " +
				"(\"insufficient funds\", \"execution reverted\" and the like, a closed list) though the reference chain shows that it is not so.",
			Reason:   "The user, or the caller, is blamed for what the infrastructure did, and looks for the fault in the wrong place.",
			Incident: "2025-06-12: Google Cloud's failing control plane answered with authentication failures, as if the callers had the wrong keys.",
			spot:     spotRuled(checkMisattributed),
		},
		{
			ID: checkStatus, Class: Wrong,
			Rule: "A status says that all is well though another journey had not been steady for longer than notice_within; or that something is wrong before any fault, or longer than that after the last, while " +
				"every journey was steady.",
			Reason:   "Users and those on call look at the status first. A page that is always green sends them to look for the fault at their own end.",
			Incident: "2024-11-15: more than half of the transactions to Base's RPC were refused for 18 hours and nobody was alerted: errors within HTTP 200 were not counted.",
			spot:     spotRuled(checkStatus),
		},
		{
			ID: checkWrongContent, Class: Wrong,
			Rule: "An answer with a status of 2xx to a request for a file has other bytes than the content id promises, or another page in their place.",
			Reason: "Under a name that promises these bytes nobody looks twice: a picture that is not the one that was bought, metadata that says something else, a stranger's page. " +
				"An error would have been true.",
			Incident: "2022-11: the domain of the NFTs of FTX US was redirected, and their metadata addresses answered HTTP 200 with HTML of another page.",
			spot:     spotRuled(checkWrongContent),
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
			Rule: "At least a tenth of a journey's attempts in the outage were unavailable or declined while another provider that the world offers for its chain had no " +
				"fault, and no-failover does not speak of them.",
			Reason:   "Advice, and no more: with one more provider there would have been a way. Nobody owes anybody a second one.",
			Incident: "2025-10-20: apps with one provider in one region went dark while others served the same chain.",
			spot:     spotPath,
		},
		{
			ID: warnNoFailover, Class: Warning,
			Rule: "While a provider had a fault at least a tenth of a journey's attempts failed; another one that the app asks too had none, and was asked hardly more often than in " +
				"the baseline (by sends for payments, by all else for reads).",
			Reason:   "A second provider that is configured, and not used on the day, is an outage that was not needed.",
			Incident: "2023-11-20: about half of the calls to WalletConnect's RPC failed for hours: failover looked at the HTTP status, and the errors came under HTTP 200.",
			spot:     spotNoFailover,
		},
		{
			ID: warnAmplification, Class: Warning,
			Rule: "In the outage, or in the 20 s after it, the app sent its providers more requests for each user action than the app file's `amplification` times what it sent in the " +
				"baseline; or a provider told it when to come back (Retry-After of 2 s or more), and it sent that provider 10 requests or more between 1 s after the reply and that time.",
			Reason:   "Retries without back-off make an outage longer and take down the provider that the load moves to.",
			Incident: "2020-11-11: a client retry storm hit Infura at 12:37 while it recovered.",
			spot:     spotAmplification,
		},
	}
}

// spotRuled finds the attempts whose classification named the check.
func spotRuled(id string) func(*evidence) []sighting {
	return func(e *evidence) []sighting {
		n := 0
		for _, a := range e.attempts {
			if a.check == id {
				n++
			}
		}
		list := make([]sighting, 0, n)
		for _, a := range e.attempts {
			if a.check == id {
				list = append(list, sighting{attempt: a, journey: a.journey.Name, who: e.who(a), class: a.class, text: a.why})
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
			list = append(list, sighting{attempt: a, journey: a.journey.Name, who: e.who(a), class: Warning, text: a.why})
		}
	}
	return list
}
