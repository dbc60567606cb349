package fault

var _ = register(Definition{
	Name:    "dns-servfail",
	Layer:   LayerNames,
	Summary: "The resolver cannot find out where the name leads.",
	Doc: "A look-up of any type ends at once with SERVFAIL, as a resolver says when none of the name's own servers answers it: getaddrinfo says EAI_AGAIN, Go \"server " +
		"misbehaving\" after it has asked twice. Open connections go on.",
	Source: "RFC 1035, section 4.1.1; getaddrinfo(3). Go's words and its second question: measured.",
	Incident: "On 4 October 2021 Facebook's name servers left the Internet with its routes; for six hours resolvers everywhere said SERVFAIL for its names, and were " +
		"asked 30 times as often (blog.cloudflare.com/october-2021-facebook-outage).",
	Kinds: []string{KindRPC, KindHTTP, KindStorage, KindTCP},

	Availability: true,
	New: func(With) (Action, error) {
		return nameAction{rule: NameRule{Mode: NameFails}, seen: func(p Observation) bool { return resolved(p, "SERVFAIL") }}, nil
	},
})
