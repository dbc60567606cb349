package gateways

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"blackout/harness/fault"
)

// infura words what goes wrong as Infura does.
//
//   - Addresses: https://docs.infura.io/api/getting-started, /v3/<key> and /ws/v3/<key>.
//   - Too many requests: https://docs.infura.io/api/networks/ethereum/how-to/avoid-rate-limiting, HTTP 429 and -32005 with the three numbers in data. Replies seen in
//     the field put them one level down, in data.rate (INFURA/infura#201); the documented shape is kept, since clients are written against it.
//   - A wrong key: HTTP 401 and the text "invalid project id", which clients report as "Unexpected token i in JSON".
//   - 500 and above: not JSON but the page of the proxy in front (INFURA/infura#135).
type infura struct {
	key   string
	rates rates
}

// infuraExampleRate is allowed_rps in the documented reply, for a limit that has no number: a rate-limit fault on a service without capacity.
const infuraExampleRate = 10

// infuraBackoff is backoff_seconds in the documented reply.
const infuraBackoff = 30

func newInfura(key string, r rates) (Dialect, error) {
	if key == "" {
		return nil, errors.New("dialect infura: a key is needed, its addresses contain one")
	}
	return infura{key, r}, nil
}

func (infura) Name() string             { return "infura" }
func (infura) Path(key string) string   { return "/v3/" + key }
func (infura) WSPath(key string) string { return "/ws/v3/" + key }

func (d infura) Admit(path string, upgrade bool) (fault.HTTPReply, bool) {
	key, ok := d.KeyIn(path, upgrade)
	switch {
	case !ok:
		return textReply(http.StatusNotFound, "404 page not found"), false
	case key != d.key:
		return textReply(http.StatusUnauthorized, "invalid project id"), false
	}
	return fault.HTTPReply{}, true
}

func (d infura) KeyIn(path string, upgrade bool) (string, bool) {
	root := d.Path("")
	if upgrade {
		root = d.WSPath("")
	}
	key, ok := strings.CutPrefix(path, root)
	return key, ok && key != ""
}

func (d infura) RateLimited(r fault.Request) fault.HTTPReply {
	current, allowed := d.rates()
	if allowed <= 0 {
		allowed = infuraExampleRate
	}
	current = max(current, allowed)
	backoff := infuraBackoff
	if r.RetryAfter > 0 {
		backoff = fault.WholeSeconds(r.RetryAfter)
	}
	return jsonReply(http.StatusTooManyRequests, fmt.Appendf(nil,
		`{"jsonrpc":"2.0","id":%s,"error":{"code":-32005,"message":"project ID request rate exceeded",`+
			`"data":{"see":"https://infura.io/docs/ethereum/jsonrpc/ratelimits","current_rps":%s,"allowed_rps":%s,"backoff_seconds":%d}}}`,
		replyID(r), thousandths(current), thousandths(allowed), backoff))
}

// thousandths writes a rate with at most three digits after the point, as the documentation does.
func thousandths(f float64) string { return strconv.FormatFloat(math.Round(f*1000)/1000, 'f', -1, 64) }

// proxyPhrases are nginx's own, where they differ from the RFC's (nginx, src/http/ngx_http_special_response.c).
var proxyPhrases = map[int]string{http.StatusServiceUnavailable: "Service Temporarily Unavailable", http.StatusGatewayTimeout: "Gateway Time-out"}

func (infura) Unavailable(_ fault.Request, status int) fault.HTTPReply {
	phrase := proxyPhrases[status]
	if phrase == "" {
		phrase = http.StatusText(status)
	}
	title := fmt.Sprintf("%d %s", status, phrase)
	return fault.HTTPReply{
		Status: status,
		Header: http.Header{"Content-Type": {"text/html"}},
		Body: []byte("<html>\r\n<head><title>" + title + "</title></head>\r\n<body bgcolor=\"white\">\r\n<center><h1>" + title +
			"</h1></center>\r\n</body>\r\n</html>\r\n"),
	}
}
