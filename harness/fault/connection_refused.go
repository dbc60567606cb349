package fault

var _ = register(Definition{
	Name:    "connection-refused",
	Layer:   LayerConnection,
	Summary: "New connections are refused.",
	Doc: "With a share of 100 % over every region the port is closed: connect fails at once with ECONNREFUSED. With less, a connection that is taken is " +
		"accepted and reset at once (ECONNRESET), because a listener cannot refuse one caller and not another. Kept connections live on unless the " +
		"scenario says `existing: cut`.",
	Source: "Linux tcp(7); measured: toxiproxy 2.12 with `enabled: false` refuses connections, it does not swallow them.",
	Incident: "On 20 October 2025 health checks of AWS load balancers in us-east-1 flapped from 12:30 to 21:09 UTC and part of the connections failed " +
		"(aws.amazon.com/message/101925).",
	Kinds: []string{KindRPC, KindHTTP, KindStorage, KindTCP},

	Availability: true,
	New: func(With) (Action, error) {
		return connAction{mode: ConnRefuse, seen: func(p Observation) bool { return p.Refused || p.Reset }}, nil
	},
})
