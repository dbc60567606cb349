package verdict

import (
	"slices"
	"strings"

	"blackout/harness/clock"
	"blackout/harness/history"
)

// sendMethods are the methods that hand over a signed transaction. The second is EIP-7966's.
var sendMethods = []string{"eth_sendRawTransaction", "eth_sendRawTransactionSync"}

// hands reports whether a request hands over a transaction, alone or in a batch, and whether it does nothing else.
func hands(c *history.Call) (some, only bool) {
	only = true
	for method := range strings.SplitSeq(c.Method, ",") {
		if slices.Contains(sendMethods, strings.TrimSpace(method)) {
			some = true
		} else {
			only = false
		}
	}
	return some, only
}

// failedAt reports whether a request failed for the provider's part. A JSON-RPC error in reply to nothing but transactions is the node's answer, unless a fault
// touched the request: geth says so ("already known", "nonce too low", code -32000) to whoever sends the same bytes again to be sure, and that is no failure.
func failedAt(c *history.Call) bool {
	if c.Reply != history.ReplyRPCError || len(c.Faults) > 0 {
		return c.Reply != history.ReplyOK
	}
	_, only := hands(c)
	return !only
}

// line is a sort of request: to a service, about a chain or "", with or without a transaction.
type line struct {
	service, chain string
	sends          bool
}

// traffic is when the app sent each sort of request, by time. Probes are ours and left out.
func (e *evidence) traffic() map[line][]clock.Micros {
	if e.lines != nil {
		return e.lines
	}
	e.lines = map[line][]clock.Micros{}
	of, n := map[*history.Call]line{}, map[line]int{}
	for c := range e.requests.all() {
		if c.Probe {
			continue
		}
		key, known := of[c.Call]
		if !known { // one look serves all that are alike
			some, _ := hands(c.Call)
			key = line{c.Service, c.Chain, some}
			of[c.Call] = key
		}
		n[key]++
	}
	for key, n := range n {
		e.lines[key] = make([]clock.Micros, 0, n)
	}
	for c := range e.requests.all() {
		if key, counted := of[c.Call]; counted {
			e.lines[key] = append(e.lines[key], c.at-e.zero)
		}
	}
	for _, times := range e.lines {
		slices.Sort(times)
	}
	return e.lines
}

// count is how many moments of a sorted list lie in s.
func count(sorted []clock.Micros, s span) int {
	from, _ := slices.BinarySearch(sorted, s.from)
	to, _ := slices.BinarySearch(sorted, s.to)
	return max(to-from, 0)
}
