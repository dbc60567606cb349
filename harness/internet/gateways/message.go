package gateways

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/ethereum/go-ethereum/core/txpool"

	"blackout/harness/fault"
)

// message is what one request says: one call, or a batch of them. The zero message is a body that is not JSON; the node has its own words for that.
type message struct {
	calls []call
	batch bool
}

// call is one member. Its method is "" for a member that is not a call; the node has its own words for that, too.
type call struct {
	fault.RPCCall
	params, raw json.RawMessage
}

// parse reads a body exactly as geth does (rpc/json.go, parseMessage and fillMessage): keys match by their exact spelling, the last of several equal keys counts,
// a value of the wrong type leaves its field as it was. If the two read a body differently, a transaction could pass the signer check in disguise.
func parse(body []byte) message {
	body = bytes.TrimLeft(body, " \t\r\n")
	if len(body) == 0 || !json.Valid(body) {
		return message{}
	}
	if body[0] != '[' {
		return message{calls: []call{parseCall(body)}}
	}
	m := message{batch: true}
	eachElement(body, func(raw []byte) { m.calls = append(m.calls, parseCall(raw)) })
	return m
}

func parseCall(raw json.RawMessage) call {
	c := call{raw: raw}
	eachField(raw, func(key, value []byte) {
		switch text(key) {
		case "id":
			c.ID = value
		case "method":
			_ = json.Unmarshal(value, &c.Method) // another type leaves it as it was, as in geth
		case "params":
			c.params = value
		}
	})
	return c
}

// text is the string that a JSON string stands for.
func text(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return ""
	}
	return s
}

// answerable says that a call with this id gets an answer that bears it: a notification has none, and geth takes no object or array for one.
func answerable(id []byte) bool { return len(id) > 0 && id[0] != '{' && id[0] != '[' }

// expects gives the id that geth's answer to c will bear; ok is false for a notification, which gets none.
func (c call) expects() (id string, ok bool) {
	switch {
	case answerable(c.ID):
		return string(c.ID), true
	case len(c.ID) == 0 && c.Method != "":
		return "", false
	default:
		return "null", true
	}
}

// Limits of the method names in records: what an app sends there is its own, of any length.
const (
	maxMethods   = 20
	maxMethodLen = 64
)

// methods names the calls for the record.
func (m message) methods() string {
	var b strings.Builder
	for i, c := range m.calls {
		if i > 0 {
			b.WriteByte(',')
		}
		if i == maxMethods {
			b.WriteString("…")
			break
		}
		name := []rune(strings.ToValidUTF8(c.Method, "?"))
		if len(name) > maxMethodLen {
			name = append(name[:maxMethodLen], '…')
		}
		for _, r := range name {
			if !unicode.IsPrint(r) || r == ',' {
				r = '?'
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (m message) rpcCalls() []fault.RPCCall {
	calls := make([]fault.RPCCall, len(m.calls))
	for i := range m.calls {
		calls[i] = m.calls[i].RPCCall
	}
	return calls
}

// resultReply is the answer to one call that succeeds, with its keys in geth's order.
func resultReply(id, result []byte) json.RawMessage {
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"result":%s}`, id, result)
}

// errorReply is the same for one that fails.
func errorReply(id []byte, e fault.RPCError) json.RawMessage {
	message, err := json.Marshal(e.Message)
	if err != nil {
		message = []byte(`""`) // strings always encode
	}
	data := []byte(nil)
	if len(e.Data) > 0 {
		data = append([]byte(`,"data":`), e.Data...)
	}
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":%s%s}}`, id, e.Code, message, data)
}

func joinArray(members []json.RawMessage) []byte {
	size := 2 + len(members)
	for _, m := range members {
		size += len(m)
	}
	out := append(make([]byte, 0, size), '[')
	for i, m := range members {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, m...)
	}
	return append(out, ']')
}

// answer is one member of a node's reply.
type answer struct {
	id, raw   json.RawMessage
	result    json.RawMessage // nil without one
	failed    bool            // it is an error
	known     bool            // the error says that the node has the transaction already
	code      int             // the error's
	announces bool            // it has a method: a subscription's notification
}

// parseAnswers reads a node's reply; ok is false if it is not JSON. What it gives points into the body.
func parseAnswers(body []byte) (answers []answer, batch, ok bool) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 || !json.Valid(body) {
		return nil, false, false
	}
	if body[0] != '[' {
		return []answer{parseAnswer(body)}, false, true
	}
	eachElement(body, func(raw []byte) { answers = append(answers, parseAnswer(raw)) })
	return answers, true, true
}

func parseAnswer(raw []byte) answer {
	a := answer{raw: raw}
	eachField(raw, func(key, value []byte) {
		switch text(key) {
		case "id":
			a.id = value
		case "method":
			a.announces = true
		case "result":
			a.result = value
		case "error":
			var e *struct {
				Code    int
				Message string
			}
			if json.Unmarshal(value, &e) != nil || e != nil {
				a.failed = true
			}
			if e != nil {
				a.code, a.known = e.Code, strings.Contains(e.Message, txpool.ErrAlreadyKnown.Error())
			}
		}
	})
	return a
}

// firstError is the code of the first error in a reply; failed is false when there is none.
func firstError(body []byte) (code int, failed bool) {
	if !bytes.Contains(body, []byte(`"error"`)) {
		return 0, false // spares the parsing of long results
	}
	answers, _, ok := parseAnswers(body)
	if !ok {
		return 0, false
	}
	for _, a := range answers {
		if a.failed {
			return a.code, true
		}
	}
	return 0, false
}

// ownAnswer is what the gateway says to one call in the node's stead. The body is nil for a notification, which gets no answer.
type ownAnswer struct {
	taken bool
	body  json.RawMessage
}

// pair gives the place of each call's answer among the node's, -1 where there is none. Of several with one id the n-th call has the n-th answer.
func pair(calls []call, own []ownAnswer, node []answer) []int {
	byID := map[string][]int{}
	for i, a := range node {
		byID[string(a.id)] = append(byID[string(a.id)], i)
	}
	places := make([]int, len(calls))
	for i, c := range calls {
		places[i] = -1
		if own[i].taken {
			continue
		}
		if id, ok := c.expects(); ok && len(byID[id]) > 0 {
			places[i], byID[id] = byID[id][0], byID[id][1:]
		}
	}
	return places
}

// merge puts the gateway's own answers and the node's into one batch reply, in the order of the calls. What the node said beyond them comes last.
func merge(calls []call, own []ownAnswer, node []answer) []byte {
	places := pair(calls, own, node)
	placed := make([]bool, len(node))
	var out []json.RawMessage
	for i := range calls {
		switch at := places[i]; {
		case own[i].taken && own[i].body != nil:
			out = append(out, own[i].body)
		case at >= 0:
			out, placed[at] = append(out, node[at].raw), true
		}
	}
	for i, a := range node {
		if !placed[i] {
			out = append(out, a.raw)
		}
	}
	return joinArray(out)
}
