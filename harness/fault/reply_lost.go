package fault

import (
	"cmp"
	"net/http"
)

var _ = register(Definition{
	Name:    "reply-lost",
	Layer:   LayerRPC,
	Summary: "Requests are carried out, but their replies do not reach the app.",
	Doc: "The node gets the request and does what it asks; a transaction goes on to the other nodes and is mined. Then, by `how`: the connection is reset, " +
		"nothing comes until the app gives up, or an HTTP status comes in the reply's place in the words of the provider's dialect. A batch has one reply and " +
		"loses it if it calls one of the methods. On a websocket `reset` ends the socket without a closing handshake, `hang` leaves single calls without an " +
		"answer, and `status` closes the socket with code 1011. The app cannot tell from this whether it was carried out: one that signs a new transaction pays twice.",
	Source: "Measured with viem 2.57 and ethers 6.17: in 9 of 9 runs in which the reply to eth_sendRawTransaction hung, was reset or became a 503 the app saw no " +
		"success although its nonce was used. RFC 9110, section 9.2.2, on requests that must not simply be sent again.",
	Incident: "On 15 October 2020 Infura's websockets dropped when a request was SENT, while quiet subscriptions survived " +
		"(status.infura.io, incident 3bvf5srb20q6).",
	Kinds: []string{KindRPC},
	Params: []Param{
		{Name: "methods", Type: TypeStrings, Doc: "The methods whose replies are lost, such as [eth_sendRawTransaction]; all when absent."},
		{Name: "how", Type: TypeString, Enum: []string{string(LossReset), string(LossHang), string(LossStatus)}, Doc: "What comes in the reply's place: reset, hang or status; when absent reset, or status where one is given."},
		{Name: "status", Type: TypeInt, Min: bound(502), Max: bound(504), Doc: "The HTTP status that comes, from 502 to 504; 503 when absent."},
	},

	AvailabilityOf: func(w With) bool { return len(w.Strings("methods")) == 0 },
	Meets:          func(w With, called []string) bool { return concerns(w.Strings("methods"), called) },
	New: func(w With) (Action, error) {
		methods := w.Strings("methods")
		loss := howLost(w)
		return &replyAction{
			layer: LayerRPC,
			rule: func(Gateway) ReplyRule {
				return ReplyRule{Lose: func(r Request) (Loss, bool) { return loss, concerns(methods, called(r)) }}
			},
			probe: first(methods),
			seen:  func(p Observation) bool { return lost(p, loss) },
		}, nil
	},
})

func howLost(w With) Loss {
	usual := LossReset
	if w.Has("status") {
		usual = LossStatus
	}
	loss := Loss{Mode: cmp.Or(LossMode(w.String("how")), usual)}
	if loss.Mode == LossStatus {
		loss.Status = cmp.Or(int(w.Int("status")), http.StatusServiceUnavailable)
	}
	return loss
}

// called gives the methods of a request.
func called(r Request) []string {
	methods := make([]string, len(r.Calls))
	for i, c := range r.Calls {
		methods[i] = c.Method
	}
	return methods
}

func lost(p Observation, how Loss) bool {
	switch how.Mode {
	case LossReset:
		return p.Error != nil && p.Reset
	case LossHang:
		return p.Error != nil && p.TimedOut && p.Status == 0
	default:
		return replied(p) && p.Status == how.Status
	}
}
