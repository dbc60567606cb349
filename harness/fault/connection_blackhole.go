package fault

var _ = register(Definition{
	Name:    "connection-blackhole",
	Layer:   LayerConnection,
	Summary: "New connections are accepted, and then nothing happens on them.",
	Doc: "connect succeeds; what the app sends is swallowed and no byte comes back until its own deadline. A TLS handshake hangs in the same way. Kept " +
		"connections live on unless the scenario says `existing: cut`.",
	Source: "Measured on Linux 6.18: toxiproxy 2.12's timeout toxic with timeout 0. viem 2.57 waits 10 s in such a hang, four times over; ethers 6.17 " +
		"waits 300 s.",
	Incident: "On 29 October 2025 Azure Front Door lost edge nodes to a bad configuration; clients saw timeouts for hours while it was rolled back node by " +
		"node (press reports).",
	Kinds: []string{KindRPC, KindHTTP, KindStorage, KindTCP},

	Availability: true,
	New: func(With) (Action, error) {
		return connAction{mode: ConnBlackhole, seen: func(p Observation) bool {
			return p.DialError == nil && p.Error != nil && p.TimedOut && !p.Reset && p.Status == 0
		}}, nil
	},
})
