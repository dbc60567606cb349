package fault

import "time"

var _ = register(Definition{
	Name:    "connection-latency",
	Layer:   LayerConnection,
	Summary: "What the service sends arrives later.",
	Doc: "Each piece of data from the service is held back by the latency, so every round trip takes longer by it: a request on a kept connection once, a " +
		"new TLS connection once more for its handshake. Nothing is lost. There is no jitter: the same seed has to give the same run.",
	Source:   "toxiproxy 2.12's latency toxic, towards the app only, with jitter 0: its own jitter takes no seed since 2.9.0 (measured).",
	Incident: "On 20 October 2025, while AWS us-east-1 was down, Base answered slowly until the evening (press reports).",
	Kinds:    []string{KindRPC, KindHTTP, KindStorage, KindTCP},
	Params: []Param{{
		Name: "latency", Type: TypeDuration, Required: true, Min: bound(0.001), Max: bound(300),
		Doc: "What is added to each round trip, from 1ms to 5m, in whole milliseconds.",
	}},

	New: func(w With) (Action, error) {
		latency := w.Duration("latency").Truncate(time.Millisecond)
		toxic := Toxic{Type: "latency", Downstream: true, Attributes: map[string]any{"latency": latency.Milliseconds(), "jitter": int64(0)}}
		return connAction{mode: ConnToxics, toxics: []Toxic{toxic}, seen: func(p Observation) bool {
			if p.TimedOut {
				// The probe gave up before the latency was over: it says as much as a late reply.
				return p.DialError == nil && p.Status == 0 && p.Took <= p.Usual+latency
			}
			return replied(p) && p.Took >= p.Usual+latency
		}}, nil
	},
})
