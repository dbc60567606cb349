package fault

var _ = register(Definition{
	Name:    "unreachable",
	Layer:   LayerConnection,
	Summary: "The target is down: connections, new and kept, lead nowhere.",
	Doc: "A connection is accepted and then nothing comes back, in either direction, and kept connections fall silent too. Nothing is refused and nothing " +
		"is reset, so only a deadline of the app ends the wait. This is the fault to take for \"X is down\". On an internal service there is nothing to " +
		"inject: it is a cause that acts through depends_on.",
	Source: "Measured on Linux 6.18: toxiproxy 2.12's timeout toxic with timeout 0; github.com/Shopify/toxiproxy documents it as \"the connection won't " +
		"close\".",
	Incident: "On 15 October 2020 Infura was out for 20 minutes after 39 minutes of slow decay (status.infura.io, incident 3bvf5srb20q6).",
	Kinds:    []string{KindRPC, KindHTTP, KindStorage, KindTCP, KindInternal},

	Availability:  true,
	CutsByDefault: true,
	New: func(With) (Action, error) {
		// A network that swallows the first packet already shows as a dial that times out; an accepted connection that stays silent is the same outage.
		return connAction{mode: ConnBlackhole, seen: func(p Observation) bool {
			return p.TimedOut && !p.Refused && !p.Reset && p.Status == 0 && (p.DialError != nil || p.Error != nil)
		}}, nil
	},
})
