package fault

var _ = register(Definition{
	Name:    "certificate-expired",
	Layer:   LayerCertificate,
	Summary: "The certificate's time is over.",
	Doc: "A handshake shows a certificate for the right name, from the right authority, that ended an hour ago. Go says \"certificate has expired or is not yet " +
		"valid\", Node CERT_HAS_EXPIRED. Open connections go on. It takes a private network, where services speak TLS.",
	Source: "RFC 5280, section 6.1.3; Go's crypto/x509; Node's documentation of tls, X509 certificate error codes.",
	Incident: "On 6 December 2018 a certificate in Ericsson's software ran out: the phones of 32 million customers of O2 in the United Kingdom had no data for most " +
		"of a day, and those of ten more operators (Ericsson's statement of that day).",
	Kinds: []string{KindRPC, KindHTTP, KindStorage},

	Availability: true,
	New: func(With) (Action, error) {
		return certAction{CertExpired, shows(CertExpired)}, nil
	},
})
