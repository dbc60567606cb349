package fault

import (
	"encoding/json"
	"math"
	"net/http"
	"sync/atomic"

	"golang.org/x/time/rate"
)

var _ = register(Definition{
	Name:    "rate-limit",
	Layer:   LayerHTTP,
	Summary: "Requests are turned away in the provider's own rate-limit words.",
	Doc: "The reply is the one of the provider's dialect: mostly HTTP 429 with a JSON-RPC error, its code and its hint when to come back. `retry_after` sets that hint, " +
		"and the header of this name in whole seconds. With `rate` only requests above it are turned away, by a token bucket that holds one second's worth; a batch " +
		"is one request.",
	Source: "The providers' documentation; the words and where they are known from stand at each dialect.",
	Incident: "On 4 December 2024 Reown's RPC fell in a cascade: one provider answered 503, all load went to the second, whose plan's limit answered 429, " +
		"and then to the third (status.reown.com, incident nnl4vxl2skbv).",
	Kinds: []string{KindRPC, KindHTTP, KindStorage},
	Params: []Param{
		{Name: "rate", Type: TypeRate, Min: bound(0.01), Max: bound(1e6), Doc: "Requests per second that still pass, such as 5/s; none when absent."},
		{Name: "retry_after", Type: TypeDuration, Min: bound(1), Max: bound(86400), Doc: "When the app shall come back, from 1s to 24h, rounded up to whole seconds; as the dialect has it when absent."},
	},

	Meets: func(w With, _ []string) bool { return !w.Has("rate") },
	New: func(w With) (Action, error) {
		var limiter *rate.Limiter
		if w.Has("rate") {
			perSecond := w.Rate("rate")
			limiter = rate.NewLimiter(rate.Limit(perSecond), max(1, int(math.Ceil(perSecond))))
		}
		turnedAway := func(d Dialect, r Request) HTTPReply {
			r.RetryAfter = w.Duration("retry_after")
			return withRetryAfter(d.RateLimited(r), r.RetryAfter)
		}
		var words atomic.Pointer[HTTPReply]
		return &replyAction{
			layer: LayerHTTP,
			rule: func(g Gateway) ReplyRule {
				reply := turnedAway(g.Dialect(), Request{Dialect: g.Dialect()})
				words.Store(&reply)
				return ReplyRule{HTTP: func(r Request) (HTTPReply, bool) {
					if limiter != nil && !r.Probe && limiter.AllowN(r.At, 1) {
						return HTTPReply{}, false
					}
					return turnedAway(g.Dialect(), r), true
				}}
			},
			seen: func(p Observation) bool {
				want := words.Load()
				if want == nil || !replied(p) || p.Status != want.Status {
					return false
				}
				return want.Status >= http.StatusBadRequest || p.RPCCode == errorCode(want.Body)
			},
		}, nil
	},
})

// errorCode is the code of the JSON-RPC error in a body, or 0.
func errorCode(body []byte) int {
	var reply struct {
		Error struct {
			Code int `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &reply) != nil {
		return 0
	}
	return reply.Error.Code
}
