package run

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table into the page of the libraries")

// Where the table of the libraries stands, between two marks.
const (
	librariesPage = "../../scenarios/apps/node/libraries.md"
	librariesFrom = "<!-- libraries: written by go test ./harness/run -run TestLibrariesPage -update -->\n"
	librariesTo   = "<!-- end of libraries -->"
)

// librarySetups are the columns of the table, as testdata/libraries.mjs calls them.
var librarySetups = [4]string{"viem http", "viem fallback", "ethers JsonRpcProvider", "ethers FallbackProvider"}

// What came of a read or a payment.
const (
	libraryOK      = "ok"          // the balance at the chain's head
	libraryStale   = "wrong value" // an older block's balance, and nothing that says so
	libraryError   = "error"
	libraryPending = "pending" // no word in the time that it is watched
)

// libraryRow is a fault on the first of two providers, and what each set-up makes of it.
type libraryRow struct {
	id, name string
	fault    string          // as a scenario writes it
	counted  string          // what the tries are counted by: "requests", "connections", or "" where none of them can be seen
	wants    [4]*libraryWant // by librarySetups
	call     *libraryWant    // ethers JsonRpcProvider reading by eth_call; nil: it does not
}

// libraryWant is what a library makes of a fault. No time has an upper bound: a busy machine would break it. What must not wait shows by the number of its tries.
type libraryWant struct {
	outcome string
	tries   [2]int  // how often the first provider is asked, at least and at most; none: not held
	seconds float64 // the library's own pauses and time limits until the answer, at least
	code    string  // of the error; "" for any
	other   bool    // the second provider is asked as well, and answers
	times   int     // reads, one after the other, that all end so; 0 is one
	note    string
}

// The reads that are made often, as functions: each row has values of its own.

// retried is a read of viem's http: three retries, 150, 300 and 600 ms apart (buildRequest.ts, retryCount and retryDelay).
func retried() *libraryWant {
	return &libraryWant{outcome: libraryError, tries: [2]int{4, 4}, seconds: 1.05}
}

// failed is a read that is not tried again.
func failed() *libraryWant { return &libraryWant{outcome: libraryError, tries: [2]int{1, 1}} }

// moved is a read that the second provider answers after one try of the first.
func moved() *libraryWant {
	return &libraryWant{outcome: libraryOK, tries: [2]int{1, 1}, other: true}
}

// revert is a read by eth_call whose error ethers takes for the contract's: every error object of eth_call without data becomes CALL_EXCEPTION "missing revert data"
// (provider-jsonrpc.ts, getRpcError; abi-coder.ts, getBuiltinCallException).
func revert() *libraryWant {
	return &libraryWant{outcome: libraryError, tries: [2]int{1, 1}, code: "CALL_EXCEPTION", note: "looks like a revert"}
}

// libraryRows are the rows of the measurement that this project is held against, in its order; rows that name two faults there are two here. The clients know nothing yet
// when they read, as those of an app that has just been started. Where a row differs from the measurement, or says more, the reason stands at it.
func libraryRows() []libraryRow {
	stale := func() *libraryWant { return &libraryWant{outcome: libraryStale, note: "no sign"} }
	return []libraryRow{
		{
			id: "refused", name: "refused", fault: "fault: connection-refused", // nobody sees a connection that is refused
			wants: [4]*libraryWant{{outcome: libraryError, seconds: 1.05}, {outcome: libraryOK, other: true}, {outcome: libraryError}, {outcome: libraryOK, other: true}},
		},
		{id: "reset", name: "reset", fault: "fault: connection-reset", counted: "connections", wants: [4]*libraryWant{retried(), moved(), failed(), moved()}},
		{
			// viem gives each try 10 s. Node's fetch opens one more connection for a request that was given up, and drops it: a try can be two connections. ethers gives a
			// request 300 s; its FallbackProvider asks every provider for its block number and waits for all of them before it reads for the first time (#initialSync).
			id: "hang", name: "hang", fault: "fault: connection-blackhole", counted: "connections",
			wants: [4]*libraryWant{
				{outcome: libraryPending, tries: [2]int{2, 4}},
				{outcome: libraryOK, tries: [2]int{2, 4}, seconds: 10, other: true, times: 2},
				{outcome: libraryPending, tries: [2]int{1, 1}},
				{outcome: libraryPending, tries: [2]int{1, 1}, other: true, note: "though the other answers"},
			},
		},
		{id: "status-503", name: "503", fault: "fault: http-status, with: {status: 503}", counted: "requests", wants: [4]*libraryWant{retried(), moved(), failed(), moved()}},
		{id: "status-500", name: "500", fault: "fault: http-status, with: {status: 500}", counted: "requests", wants: [4]*libraryWant{retried(), moved(), failed(), moved()}},
		{
			// ethers tries 12 times (utils/fetch.ts, MAX_ATTEMPTS), the n-th time after a random part of 2^n × 250 ms: of the 12 that were measured at the end some six to ten are
			// made in 20 s.
			id: "status-429", name: "429", fault: "fault: http-status, with: {status: 429}", counted: "requests",
			wants: [4]*libraryWant{retried(), moved(), {outcome: libraryPending, tries: [2]int{2, 12}}, {outcome: libraryPending, tries: [2]int{2, 12}, other: true, note: "though the other answers"}},
		},
		{
			// ethers takes the header's number for milliseconds: `delay = parseInt(retryAfter)` (utils/fetch.ts). With seconds, 12 tries would take 22 s.
			id: "retry-after", name: "429, Retry-After: 2", fault: "fault: http-status, with: {status: 429, retry_after: 2s}", counted: "requests",
			wants: [4]*libraryWant{
				{outcome: libraryError, tries: [2]int{4, 4}, seconds: 6},
				moved(),
				{outcome: libraryError, tries: [2]int{12, 12}, note: "at once: the seconds are read as milliseconds"},
				{outcome: libraryOK, tries: [2]int{12, 12}, other: true},
			},
		},
		{
			id: "limit-200", name: "200, error -32005", fault: "fault: rpc-error, with: {code: -32005, message: limit exceeded}", counted: "requests",
			wants: [4]*libraryWant{retried(), moved(), failed(), moved()}, call: revert(),
		},
		{id: "html", name: "200, HTML", fault: "fault: html-page", counted: "requests", wants: [4]*libraryWant{retried(), moved(), failed(), moved()}},
		{
			id: "header", name: "header not found, to every method", fault: "fault: rpc-error, with: {code: -32000, message: header not found}", counted: "requests",
			wants: [4]*libraryWant{failed(), moved(), failed(), moved()}, call: revert(),
		},
		{
			// geth says so of a block's state and never of its own block number, so the FallbackProvider gets past its first question: it reads from the first provider, and gives
			// that one's error for the result of its quorum. Errors count towards a quorum as values do (provider-fallback.ts, checkQuorum), so with a quorum of 1 the first
			// error is thrown. The row before, where the provider fails that first question and is left out from then on, is the one that was measured.
			id: "header-state", name: "header not found, to reads of state", fault: "fault: rpc-error, with: {code: -32000, message: header not found, methods: [eth_getBalance, eth_call]}",
			counted: "requests",
			wants:   [4]*libraryWant{failed(), moved(), failed(), {outcome: libraryError, tries: [2]int{2, 2}, other: true, note: "the second is not asked for the balance"}}, call: revert(),
		},
		{id: "stale", name: "stale head and balance", fault: "fault: head-lag", wants: [4]*libraryWant{stale(), stale(), stale(), stale()}},
	}
}

// Payments whose reply is lost: each of these ways with each of these set-ups. ethers' FallbackProvider is left out: it hands a payment to all its providers at once, so
// what it sees depends on which of them is first.
var (
	libraryLosses = [3]string{"reset", "hang", "status"}
	libraryPayers = librarySetups[:3]
)

// libraryTable is the rows in Markdown.
func libraryTable(cell func(r libraryRow, setup int) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| fault on the first provider | %s |\n|---|---|---|---|---|\n", strings.Join(librarySetups[:], " | "))
	for _, r := range libraryRows() {
		fmt.Fprintf(&b, "| %s |", r.name)
		for i := range librarySetups {
			b.WriteString(" " + cell(r, i))
			if i == 2 && r.call != nil {
				b.WriteString("; by eth_call: " + cell(r, len(librarySetups)))
			}
			b.WriteString(" |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// want is what a set-up makes of the row; the one after the last is the read by eth_call.
func (r libraryRow) want(setup int) *libraryWant {
	if setup == len(librarySetups) {
		return r.call
	}
	return r.wants[setup]
}

// String is a cell of the table.
func (w *libraryWant) String() string {
	var b strings.Builder
	b.WriteString(w.outcome)
	if w.outcome == libraryPending {
		fmt.Fprintf(&b, " after %d s", libraryWatch)
	}
	if w.seconds > 0 {
		fmt.Fprintf(&b, " after %.3g s", w.seconds)
	}
	if w.times > 1 {
		b.WriteString(", each time")
	}
	switch from, to := w.tries[0], w.tries[1]; {
	case from == to && to > 1:
		fmt.Fprintf(&b, ", %d tries", to)
	case from == 1 && w.outcome == libraryError:
		b.WriteString(", 1 try")
	}
	if w.note != "" {
		b.WriteString(", " + w.note)
	}
	return b.String()
}

// TestLibrariesPage holds that the page shows what TestVerifyLibraries holds the libraries to.
func TestLibrariesPage(t *testing.T) {
	text, err := os.ReadFile(librariesPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), librariesFrom)
	got, after, ok2 := strings.Cut(rest, librariesTo)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", librariesPage)
	}
	want := libraryTable(func(r libraryRow, setup int) string { return r.want(setup).String() })
	if *update {
		if err := os.WriteFile(librariesPage, []byte(before+librariesFrom+want+librariesTo+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("the page has another table; go test ./harness/run -run TestLibrariesPage -update writes\n%s", want)
	}
}

// libraryWatch is how long each read is watched, in seconds.
const libraryWatch = 20
