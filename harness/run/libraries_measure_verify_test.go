//go:build verify

package run

import (
	"fmt"
	"strings"
	"testing"

	"blackout/harness/history"
)

// libraryMeasure is what was seen of the reads.
type libraryMeasure struct {
	t       *testing.T
	head    uint64 // of the reference node, before the reads began
	answers map[string][]libraryAnswer
	history *history.History

	blocks      map[string]uint64 // by the account's balance
	requests    map[string]int    // of the clients, by service
	payments    map[string]int    // those of them with a transaction
	answered    map[string]int    // those of them that were answered well
	connections map[string]int    // that a fault took, by service
}

// count fills in what the history says.
func (m *libraryMeasure) count(account string) {
	m.blocks, m.requests, m.payments, m.answered, m.connections = map[string]uint64{}, map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for _, b := range m.history.Blocks {
		m.blocks[b.Watched[account]] = b.Number
	}
	for _, c := range m.history.Calls {
		if c.Probe {
			continue
		}
		m.requests[c.Service]++
		if strings.Contains(c.Method, "eth_sendRawTransaction") {
			m.payments[c.Service]++
		}
		if c.Reply == history.ReplyOK {
			m.answered[c.Service]++
		}
	}
	for _, f := range m.history.Faults {
		m.connections[f.ID[strings.LastIndex(f.ID, "/")+1:]] = int(f.Touched.Connections) // the last record has the most
	}
}

// hold compares what was seen with what the row wants.
func (m *libraryMeasure) hold(r libraryRow, setup int) {
	m.t.Helper()
	want, service := r.want(setup), r.service(setup)
	wrong := func(format string, args ...any) {
		m.t.Helper()
		m.t.Errorf("%s, %s: %s\nit was: %s", r.name, setupName(setup), fmt.Sprintf(format, args...), m.describe(service))
	}
	answers := m.answers[service]
	if len(answers) != max(1, want.times) {
		wrong("%d answers", len(answers))
	}
	for _, a := range answers {
		switch outcome := m.outcome(a); {
		case outcome != want.outcome:
			wrong("%s, want %s", outcome, want.outcome)
		case a.Seconds < want.seconds-0.02: // Node's timers count in whole milliseconds
			wrong("after %.3f s, want %g s at least", a.Seconds, want.seconds)
		case want.code != "" && a.Code != want.code:
			wrong("code %s, want %s", a.Code, want.code)
		}
	}
	if tries, ok := m.tries(r, setup); ok && (tries < want.tries[0] || tries > want.tries[1]) {
		wrong("%d tries at the first provider, want %d to %d", tries, want.tries[0], want.tries[1])
	}
	if want.other != (m.answered[service+"-second"] > 0) && want.outcome != libraryStale {
		wrong("the second provider answered %d requests", m.answered[service+"-second"])
	}
}

// setupName is a set-up in words; the one after the last is the read by eth_call.
func setupName(setup int) string {
	if setup == len(librarySetups) {
		return librarySetups[2] + " by eth_call"
	}
	return librarySetups[setup]
}

// tries is how often the first provider was asked, if the row says how to count that.
func (m *libraryMeasure) tries(r libraryRow, setup int) (int, bool) {
	first := r.service(setup) + "-first"
	switch r.counted {
	case "requests":
		return m.requests[first], true
	case "connections":
		return m.connections[first], true
	}
	return 0, false
}

// outcome tells a balance that is true from one that no longer is. A block that was published while the reads began may not have been with every node.
func (m *libraryMeasure) outcome(a libraryAnswer) string {
	if a.Outcome != libraryOK {
		return a.Outcome
	}
	switch block, ok := m.blocks[a.Value]; {
	case !ok:
		return "a balance that never was"
	case block+1 < m.head:
		return libraryStale
	}
	return libraryOK
}

// holdPayment checks that a payment was mined, and that the app was told of no success.
func (m *libraryMeasure) holdPayment(how, setup string, used uint64) {
	m.t.Helper()
	service := payment(how, setup)
	said := m.describe(service)
	m.t.Logf("reply lost, %s: %s: nonces used %d; %s", how, setup, used, said)
	for _, a := range m.answers[service] {
		if a.Outcome == libraryOK {
			m.t.Errorf("reply lost, %s: %s saw a success: %s", how, setup, said)
		}
	}
	if len(m.answers[service]) != 1 || used != 1 || m.payments[service+"-first"] != 1 {
		m.t.Errorf("reply lost, %s: %s: %d answers, %d nonces used, %d transactions came to the first provider; want one of each: %s",
			how, setup, len(m.answers[service]), used, m.payments[service+"-first"], said)
	}
}

// cell is what was measured, for the log.
func (m *libraryMeasure) cell(r libraryRow, setup int) string {
	var parts []string
	for _, a := range m.answers[r.service(setup)] {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %.2f s %s", m.outcome(a), a.Seconds, a.Code)))
	}
	if tries, ok := m.tries(r, setup); ok {
		parts = append(parts, fmt.Sprintf("%d %s", tries, r.counted))
	}
	return strings.Join(parts, ", ")
}

func (m *libraryMeasure) describe(service string) string {
	var parts []string
	for _, a := range m.answers[service] {
		parts = append(parts, fmt.Sprintf("%s after %.3f s %s%s %q", a.Outcome, a.Seconds, a.Value, a.Code, a.Message))
	}
	for _, which := range []string{"-first", "-second"} {
		parts = append(parts, fmt.Sprintf("%d requests to the %s provider, %d answered", m.requests[service+which], which[1:], m.answered[service+which]))
	}
	return strings.Join(parts, "; ")
}
