package spec

import (
	"fmt"
	"slices"
	"strings"
)

// driverKeys are the keys of a journey, or of its follow, that not every driver has; the first is what the driver cannot do without.
var driverKeys = map[string][]string{
	DriverHTTP:      {"request", "headers", "json"},
	DriverExec:      {"command", "env"},
	DriverJSONRPC:   {"method", "params", "request", "headers"},
	DriverWebSocket: {"connect", "send", "headers"},
	DriverBrowser:   {"steps"},
}

// driverHints show what a driver cannot do without.
var driverHints = map[string]string{
	DriverHTTP:      "request: GET /path",
	DriverExec:      `command: [./wallet, balance, "${account.address}"]`,
	DriverJSONRPC:   "method: eth_getBalance",
	DriverWebSocket: "connect: /ws",
	DriverBrowser:   "steps: [{goto: /}, {wait_for: {selector: '#balance'}}]",
}

// driverKinds are the kinds of journey that a driver has, where it has not all of them.
var driverKinds = map[string][]string{
	DriverJSONRPC:   {KindRead, KindWrite, KindEvents, KindStatus},
	DriverWebSocket: {KindEvents},
}

// driven checks that a journey, or its follow, says what its driver is to do, and nothing that another driver would.
func (l *loader) driven(n *node, driver, what string) {
	own, ok := driverKeys[driver]
	if !ok {
		return
	}
	if c := n.get("command"); driver == DriverExec && c.is(listNode) && len(c.items) == 0 {
		l.problem(c.pos, "the command is empty", driverHints[driver])
	}
	if !n.has(own[0]) {
		l.problem(n.at(), fmt.Sprintf("%s needs the key %q", what, own[0]), driverHints[driver])
	}
	said := map[string]bool{}
	for _, other := range sortedKeys(driverKeys) {
		for _, key := range driverKeys[other] {
			if n.has(key) && !slices.Contains(own, key) && !said[key] {
				said[key] = true
				l.problem(n.entries[n.index(key)].pos, fmt.Sprintf("%q is for the driver %s; %s has the driver %s", key, other, what, driver), "driver: "+other)
			}
		}
	}
}

// wired checks what only a journey of the drivers jsonrpc and websocket has.
func (l *loader) wired(n *node, j Journey) {
	if kinds, ok := driverKinds[j.Driver]; ok && j.Kind != "" && !slices.Contains(kinds, j.Kind) {
		l.problem(n.get("kind").at(), fmt.Sprintf("the driver %s has no journeys of kind %s", j.Driver, j.Kind), "of the kinds: "+strings.Join(kinds, ", "))
	}
	if j.Driver == DriverJSONRPC {
		l.call(n)
		l.call(n.get("follow"))
	}
	if s := n.get("send"); j.Driver == DriverWebSocket && s != nil && s.kind == nullNode {
		l.problem(s.pos, `"send" has no value`, "leave it out for an app that sends without being asked")
	}
}

// call checks a JSON-RPC request.
func (l *loader) call(n *node) {
	if m := n.get("method"); m.word() == "eth_sendRawTransaction" {
		l.problem(m.pos, "eth_sendRawTransaction takes what the user has signed, and Blackout signs nothing for users", `use a method of the app that pays: method: wallet_send, params: ["${intent.to}", "${intent.wei}"]`)
	}
	if p := n.get("params"); p != nil && !p.is(listNode) && !p.is(mapNode) {
		l.problem(p.pos, fmt.Sprintf(`"params" must be a list or a map, not %s`, p.kind), `params: ["${account.address}", latest]`)
	}
}

// isResult reports whether a field of an answer that does not say where it is is the result of a JSON-RPC response. The marks of an answer never are.
func isResult(name string, j Journey) bool {
	return j.Driver == DriverJSONRPC && name != "stale" && name != "declined"
}

// found checks that a field of an answer says where it is, in one way.
func (l *loader) found(n *node, name string, j Journey) {
	if !n.is(mapNode) || n.bad {
		return
	}
	if j.Driver == DriverBrowser {
		l.seen(n, name)
		return
	}
	for _, key := range []string{"css", "attr"} {
		if k := n.get(key); k != nil {
			l.problem(k.pos, fmt.Sprintf("%q is for the driver browser", key), `path: "$.balance"`)
		}
	}
	path, match := n.has("path"), n.get("match")
	switch {
	case n.has("css") || n.has("attr"):
	case match == nil && !path && j.Driver == DriverExec:
		l.problem(n.at(), fmt.Sprintf("the answer %q does not say where it is", name), `path: "$.balance", or match: 'balance: ([0-9.]+)'`)
	case match == nil && !path && isResult(name, j):
	case match == nil && !path:
		l.problem(n.at(), fmt.Sprintf("%q needs the key \"path\"", name), "")
	case match == nil:
	case path:
		l.problem(match.pos, fmt.Sprintf("the answer %q is looked for in two ways: \"path\" and \"match\"", name), "keep one of them")
	case j.Driver != DriverExec:
		l.problem(match.pos, `"match" is for the drivers exec and browser: the answers of others are JSON`, `path: "$.balance"`)
	case name == "payments", name == "events" && j.Kind == KindEvents:
		l.problem(match.pos, fmt.Sprintf("%q is a list, which a regular expression cannot tell empty from missing", name), `let the program print JSON: path: "$.`+name+`[*].tx"`)
	}
}
