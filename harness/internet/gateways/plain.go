package gateways

import (
	"fmt"
	"net/http"
	"strings"

	"blackout/harness/fault"
)

// plain is a provider without manners of its own: the key, if there is one, is the whole path, HTTP and WebSocket share it, and what goes wrong is said in the
// words of the standards: EIP-1474 has -32005 "Limit exceeded", RFC 9110 the phrases of the statuses.
type plain struct{ key string }

func newPlain(key string, _ rates) (Dialect, error) { return plain{key}, nil }

func (plain) Name() string             { return "plain" }
func (plain) Path(key string) string   { return "/" + key }
func (plain) WSPath(key string) string { return "/" + key }

func (d plain) Admit(path string, _ bool) (fault.HTTPReply, bool) {
	if d.key == "" && path == "" {
		path = "/" // of a request line that names the host alone
	}
	if path == d.Path(d.key) {
		return fault.HTTPReply{}, true
	}
	status := http.StatusUnauthorized
	if d.key == "" {
		status = http.StatusNotFound
	}
	return textReply(status, http.StatusText(status)), false
}

// KeyIn takes the whole path for the key: who has no manners of its own has no fixed shape of addresses either, "/v2/<key>" is as good as "/<key>/".
func (plain) KeyIn(path string, _ bool) (string, bool) { return strings.Trim(path, "/"), true }

func (plain) RateLimited(r fault.Request) fault.HTTPReply {
	return jsonReply(http.StatusTooManyRequests,
		fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32005,"message":"limit exceeded"}}`, replyID(r)))
}

func (plain) Unavailable(_ fault.Request, status int) fault.HTTPReply {
	return textReply(status, http.StatusText(status))
}
