package fault

var _ = register(Definition{
	Name:    "handshake-hang",
	Layer:   LayerCertificate,
	Summary: "The TLS handshake is never answered.",
	Doc: "A connection is accepted at once, the client's hello is read, and nothing comes back. A time limit for connecting does not end the wait: the " +
		"connection stands. What was held goes on when the fault is over, if the client is still there. Open connections go on. It takes a private network, " +
		"where services speak TLS.",
	Source: "RFC 8446, section 4.1.2. The kernel accepts connections on its own (listen(2)), however busy the process behind is.",
	Incident: "On 2 July 2019 a regular expression kept the processors of all of Cloudflare's edge busy from 13:42 to 14:09 UTC: the kernel accepted connections for " +
		"processes that had no time for them (blog.cloudflare.com, details of the Cloudflare outage on July 2, 2019).",
	Kinds: []string{KindRPC, KindHTTP, KindStorage},

	Availability: true,
	New: func(With) (Action, error) {
		return certAction{CertHang, func(p Observation) bool {
			return p.Certificate == "" && p.DialError != nil && p.TimedOut
		}}, nil
	},
})
