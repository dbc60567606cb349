package fault

import (
	"slices"
	"time"
)

var _ = register(Definition{
	Name:    "dns-wrong-address",
	Layer:   LayerNames,
	Summary: "The name leads to another address.",
	Doc:     "A look-up gives one address, which is not the service's. By default it is one where nobody listens, so that connections are refused. Open connections go on.",
	Source: "RFC 1035, section 4.1.3. The default is at the end of the range that RFC 1122, section 3.2.1.3, keeps within the machine; on Linux all of it answers, so a " +
		"port that nobody listens on refuses (measured).",
	Incident: "On 24 April 2018 the routes to Amazon's name servers were taken over for two hours and myetherwallet.com resolved to an address in Russia; users lost 215 " +
		"ether (blog.cloudflare.com/bgp-leaks-and-crypto-currencies).",
	Kinds: []string{KindRPC, KindHTTP, KindStorage, KindTCP},
	Params: []Param{
		{Name: "address", Type: TypeAddress, Default: "127.255.255.254", Doc: "The IPv4 address that is given, one of this machine (127.0.0.0/8)."},
		tail,
	},

	Availability: true,
	Lingers:      func(w With) time.Duration { return w.Duration("tail") },
	New: func(w With) (Action, error) {
		address := w.Address("address")
		return nameAction{rule: NameRule{Mode: NameElsewhere, Address: address, Tail: w.Duration("tail")}, seen: func(p Observation) bool {
			return resolved(p, "NOERROR") && slices.Contains(p.Addresses, address.String()) && !p.Own
		}}, nil
	},
})
