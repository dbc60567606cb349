package fault

var _ = register(Definition{
	Name:    "certificate-untrusted",
	Layer:   LayerCertificate,
	Summary: "The certificate comes from an authority that nobody knows.",
	Doc: "A handshake shows a certificate for the right name, signed by an authority that is in no trust store. Go says \"certificate signed by unknown " +
		"authority\", Node SELF_SIGNED_CERT_IN_CHAIN or UNABLE_TO_VERIFY_LEAF_SIGNATURE. Open connections go on. It takes a private network, where services " +
		"speak TLS.",
	Source: "RFC 5280, section 6.1; Go's crypto/x509; Node's documentation of tls, X509 certificate error codes.",
	Incident: "On 24 April 2018 those who had taken over the addresses of Amazon's name servers showed visitors of myetherwallet.com a certificate that they had " +
		"signed themselves; who went on lost the funds. On 30 September 2021 the root DST Root CA X3 ran out, and clients with an old trust store no longer " +
		"knew Let's Encrypt (letsencrypt.org, DST Root CA X3 expiration).",
	Kinds: []string{KindRPC, KindHTTP, KindStorage},

	Availability: true,
	New: func(With) (Action, error) {
		return certAction{CertUntrusted, shows(CertUntrusted)}, nil
	},
})
