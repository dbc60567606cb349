package fault

import "time"

var _ = register(Definition{
	Name:    "dns-nxdomain",
	Layer:   LayerNames,
	Summary: "The name does not exist.",
	Doc: "A look-up of any type ends with NXDOMAIN: getaddrinfo says EAI_NONAME, Node ENOTFOUND, Go \"no such host\". Open connections go on. The answer carries the " +
		"record by which resolvers keep it for the service's TTL, so that clients which remember failures go on failing for that long.",
	Source: "RFC 2308, sections 2.1 and 3; getaddrinfo(3) and Node's documentation of dns.lookup. Go's words: measured.",
	Incident: "On 16 April 2025 the registry took zoom.us out of its zone by mistake: from 18:25 to 20:12 UTC the name and all below it did not exist " +
		"(status.zoom.us).",
	Kinds:  []string{KindRPC, KindHTTP, KindStorage, KindTCP},
	Params: []Param{tail},

	Availability: true,
	Lingers:      func(w With) time.Duration { return w.Duration("tail") },
	New: func(w With) (Action, error) {
		return nameAction{rule: NameRule{Mode: NameMissing, Tail: w.Duration("tail")}, seen: func(p Observation) bool {
			return resolved(p, "NXDOMAIN")
		}}, nil
	},
})
