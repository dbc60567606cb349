package fault

var _ = register(Definition{
	Name:    "connection-reset",
	Layer:   LayerConnection,
	Summary: "New connections are accepted and reset once the app has sent something.",
	Doc: "connect succeeds; after the app's first bytes the connection ends with an RST, which a client reports as ECONNRESET or \"connection reset by " +
		"peer\". The request may or may not have been read. Kept connections live on unless the scenario says `existing: cut`.",
	Source: "RFC 9293, section 3.10.7; measured: toxiproxy 2.12's own reset_peer sends a FIN on an open connection and turns clean closes into resets at " +
		"toxicity 0 (github.com/Shopify/toxiproxy issue 603), which is why the link resets by itself.",
	Incident: "On 15 October 2020 Infura's websockets dropped when a request was sent on them, while quiet subscriptions survived (status.infura.io, " +
		"incident 3bvf5srb20q6).",
	Kinds: []string{KindRPC, KindHTTP, KindStorage, KindTCP},

	Availability: true,
	New: func(With) (Action, error) {
		return connAction{mode: ConnReset, seen: func(p Observation) bool { return p.DialError == nil && p.Reset }}, nil
	},
})
