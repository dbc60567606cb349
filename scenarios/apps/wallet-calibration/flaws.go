package main

import (
	"fmt"
	"slices"
	"strings"
)

// The switches. Each removes one defence; what is written here is what the wallet then does instead.
const (
	noDeadline          = "no-deadline"            // a call waits for ever
	oneProvider         = "one-provider"           // only the first provider and the first gateway of the lists
	zeroOnError         = "zero-on-error"          // a balance that cannot be read is shown as 0
	unmarkedCache       = "unmarked-cache"         // an old value is shown as if it were current
	reSign              = "re-sign"                // a payment whose sending failed is signed anew, with another nonce
	confirmedOnSubmit   = "confirmed-on-submit"    // a provider's receipt of the bytes counts as confirmed
	confirmedAtOneBlock = "confirmed-at-one-block" // the first receipt counts as final
	stickyFallback      = "sticky-fallback"        // it stays with the second provider for ever, whatever becomes of that one
	noBackoff           = "no-backoff"             // a failed question is asked again at once, 25 times
	ignoresRetryAfter   = "ignores-retry-after"    // it asks on when it was told to come back later
	noChainCheck        = "no-chain-check"         // whatever chain a provider is on is the right one
	noAgeCheck          = "no-age-check"           // the first provider's head is the present, however old it is
	subscriptionLost    = "subscription-lost"      // it subscribes to heads once, and never looks again by itself
	nonceFromMemory     = "nonce-from-memory"      // a counter that grows with every signature
	uncheckedBody       = "unchecked-body"         // an error in a 200 is overlooked, and what is missing is zero
	htmlAsData          = "html-as-data"           // a picture is whatever a 200 brings
	partialLogs         = "partial-logs"           // one provider's list of deposits is complete
	readsOnlyFailover   = "reads-only-failover"    // payments go to the first provider only
	resolvesOnce        = "resolves-once"          // an address that a name had at the start is its address for ever
	diesCold            = "dies-cold"              // it does not start without the first provider
	leaksConnections    = "leaks-connections"      // a failed call is never given up
	alwaysNormal        = "always-normal"          // the status is fine
	blamesFunds         = "blames-funds"           // a payment fails for want of money
)

var allFlaws = []string{
	noDeadline, oneProvider, zeroOnError, unmarkedCache, reSign, confirmedOnSubmit, confirmedAtOneBlock, stickyFallback, noBackoff, ignoresRetryAfter, noChainCheck, noAgeCheck,
	subscriptionLost, nonceFromMemory, uncheckedBody, htmlAsData, partialLogs, readsOnlyFailover, resolvesOnce, diesCold, leaksConnections, alwaysNormal, blamesFunds,
}

// flaws are the defences that this wallet lacks.
type flaws map[string]bool

// parseFlaws reads names between commas.
func parseFlaws(text string) (flaws, error) {
	f := flaws{}
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if !slices.Contains(allFlaws, name) {
			return nil, fmt.Errorf("FLAWS: there is no %q; there are %s", name, strings.Join(allFlaws, ", "))
		}
		f[name] = true
	}
	return f, nil
}
