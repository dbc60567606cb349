package verdict

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
)

// blame is a phrase that lays the fault at the user's or a contract's door.
type blame struct {
	phrase string // lower-case
	funds  bool   // it says that there is not enough money, which the chain can refute
}

// blames is the closed list of phrases. All are ones that nodes and libraries write and apps pass on.
//
// Each but those about money is untrue for whatever this harness asks: payments are plain transfers between accounts without code, so no contract is there to
// revert or to run out of gas, and the token contract answers whatever an app asks of it; every address is a valid one; the app, not the user, chooses the nonce; and no
// user rejects anything.
var blames = []blame{
	{"insufficient funds", true},             // geth core/error.go: ErrInsufficientFunds, ErrInsufficientFundsForTransfer; ethers INSUFFICIENT_FUNDS
	{"insufficient balance", true},           // geth core/vm/errors.go: ErrInsufficientBalance
	{"gas required exceeds allowance", true}, // geth eth/gasestimator/gasestimator.go: what the balance pays for is too little
	{"execution reverted", false},            // geth core/vm/errors.go: ErrExecutionReverted; ethers and viem pass it on
	{"transaction reverted", false},          // Hardhat and web3.js: "Transaction has been reverted by the EVM"
	{"out of gas", false},                    // geth core/vm/errors.go: ErrOutOfGas
	{"nonce too low", false},                 // geth core/error.go: ErrNonceTooLow
	{"nonce too high", false},                // geth core/error.go: ErrNonceTooHigh
	{"invalid sender", false},                // geth core/txpool/errors.go: ErrInvalidSender
	{"invalid address", false},               // ethers INVALID_ARGUMENT; web3.js InvalidAddressError
	{"user rejected", false},                 // EIP-1193, code 4001
	{"user denied transaction", false},       // MetaMask's words for it
}

// gasRoom is what a payment may cost beside its amount, in wei: 0.01 ether is 21,000 gas at 476 gwei.
var gasRoom = big.NewInt(1e16)

// misattributed-error.
//
// Rule: a valid read is answered with a 4xx other than 429, but for a 401 of an instance of the app that was started anew, has forgotten its users, and took them back
// when they logged in again; or the app says no to a read or a payment with a phrase that lays the fault at the user's or a contract's door (the closed list above), and
// it is not so: of money the reference chain says that the account held the amount and 0.01 ether more for gas, at head(t); of the others nothing that the harness asks
// for can cause them. A phrase that a fault of the plan puts into a provider's mouth does not count: then the app only repeats it. Nor does one beside which a payment
// was made: false-failure speaks then.
//
// Reason: the user is blamed for what the infrastructure did, and looks for the fault in the wrong place: they pay money in, or write to the contract's makers.
//
// Incident: 2025-06-12, Google Cloud: a crash-looping control plane answered requests in all regions with authentication failures, as if the callers had the wrong keys.
//
// misattributed holds an attempt that was declined against the list.
func (e *evidence) misattributed(a *attempt, r ruling) ruling {
	if r.check == checkMisattributed && a.Status == 401 && e.forgotten(a) {
		return refused(a, "asked for a new login with "+a.reply()+" after it was started anew")
	}
	if a.Error != "" || r.check != "" || (r.class != Declined && r.class != Unavailable) {
		return r
	}
	text := strings.ToLower(a.field("declined"))
	if a.Status >= 400 {
		text += "\n" + strings.ToLower(a.Body)
	}
	for _, b := range blames {
		if !strings.Contains(text, b.phrase) || e.planned(b.phrase) {
			continue
		}
		why := "and nothing in this request can cause that"
		if b.funds {
			held, at, ok := e.solvent(a)
			if !ok {
				continue
			}
			why = fmt.Sprintf("but the account held %s wei at block %d", held, at)
		}
		return ruling{class: Wrong, check: checkMisattributed, why: fmt.Sprintf("said %q, %s", b.phrase, why)}
	}
	return r
}

// solvent reports whether the reference chain shows that the attempt's account had the money for it.
func (e *evidence) solvent(a *attempt) (held string, at uint64, ok bool) {
	c := e.chains[a.journey.Chain]
	if c == nil {
		return "", 0, false
	}
	b := c.canonicalAt(c.headAt(a.at), a.at)
	if b == nil {
		return "", 0, false
	}
	has, good := new(big.Int).SetString(c.held(a.Account, b), 10)
	if !good {
		return "", 0, false
	}
	need := new(big.Int)
	if a.journey.Kind == kindWrite {
		wei, good := new(big.Int).SetString(e.amount(a.id()), 10)
		if !good {
			return "", 0, false
		}
		need.Add(wei, gasRoom)
	}
	return has.String(), b.Number, has.Sign() > 0 && has.Cmp(need) >= 0
}

// renewal is how long a session may take to log in anew; the harness does so at its first 401.
var renewal = clock.Of(time.Second)

// forgotten reports whether the attempt's instance was started anew before it, in the run, and the session's next attempt after a new login was let in.
func (e *evidence) forgotten(a *attempt) bool {
	name := e.instanceOf(a)
	anew := slices.ContainsFunc(e.h.Apps, func(r history.App) bool {
		return r.Instance == name && r.Event == history.AppStarted && r.At-e.zero > 0 && r.At-e.zero <= a.at
	})
	if !anew {
		return false
	}
	for _, next := range within(e.attempts, a.due, forever) {
		if next.Session == a.Session && next.at >= a.end+renewal {
			return next.Error == "" && next.Status != 401
		}
	}
	return false
}

// amount is what an intent is about, in wei, or "".
func (e *evidence) amount(intent string) string {
	if e.wei == nil {
		e.wei = make(map[string]string, len(e.h.Intents))
		for i := range e.h.Intents {
			e.wei[e.h.Intents[i].ID] = e.h.Intents[i].Wei
		}
	}
	return e.wei[intent]
}

// planned reports whether some fault of the plan says the phrase itself.
func (e *evidence) planned(phrase string) bool {
	return slices.ContainsFunc(e.plan.Effects, func(f plan.Effect) bool {
		text, err := json.Marshal(f.With)
		return err == nil && strings.Contains(strings.ToLower(string(text)), phrase)
	})
}
