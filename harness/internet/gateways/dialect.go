package gateways

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"blackout/harness/fault"
)

// Dialect is one provider's front door: its addresses, and its words for what goes wrong. One file a dialect, with its sources.
type Dialect interface {
	fault.Dialect
	// Path and WSPath are where a key is served, over HTTP and WebSocket.
	Path(key string) string
	WSPath(key string) string
	// Admit checks the address of a request. When it is not the key's, reply is what the provider says and ok is false.
	Admit(path string, upgrade bool) (reply fault.HTTPReply, ok bool)
	// KeyIn is the key in an address of this provider, whosever it is; "" where the address needs none. ok is false for what is no address of the provider.
	KeyIn(path string, upgrade bool) (key string, ok bool)
}

// rates tells a dialect the app's present rate and the allowed one, in requests a second; allowed is 0 without a limit.
type rates func() (current, allowed float64)

var dialects = map[string]func(key string, r rates) (Dialect, error){
	"infura": newInfura,
	"plain":  newPlain,
}

// Dialects are the names of the dialects, sorted.
func Dialects() []string { return slices.Sorted(maps.Keys(dialects)) }

func newDialect(name, key string, r rates) (Dialect, error) {
	if name == "" {
		name = "plain"
	}
	if strings.ContainsAny(key, "/?#% ;") {
		return nil, fmt.Errorf("a key is one segment of a path: it must not contain any of / ? # %% ; or a space")
	}
	build, ok := dialects[name]
	if !ok {
		return nil, fmt.Errorf("no dialect is called %q; there are %s", name, strings.Join(Dialects(), ", "))
	}
	return build(key, r)
}

// replyID is the id that an answer to a whole request bears: the call's own, and null for a batch or what does not parse, as JSON-RPC 2.0 (section 5) has it for
// answers that belong to no single call.
func replyID(r fault.Request) []byte {
	if !r.Batch && len(r.Calls) == 1 && answerable(r.Calls[0].ID) {
		return r.Calls[0].ID
	}
	return []byte("null")
}

func jsonReply(status int, body []byte) fault.HTTPReply {
	return fault.HTTPReply{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
}

func textReply(status int, text string) fault.HTTPReply {
	return fault.HTTPReply{
		Status: status,
		Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "X-Content-Type-Options": {"nosniff"}},
		Body:   []byte(text + "\n"),
	}
}
