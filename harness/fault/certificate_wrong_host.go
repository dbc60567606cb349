package fault

var _ = register(Definition{
	Name:    "certificate-wrong-host",
	Layer:   LayerCertificate,
	Summary: "The certificate is another name's.",
	Doc: "A handshake shows a certificate that is good, but for another name: what an edge shows that has lost the configuration of a host. Go says \"certificate " +
		"is valid for …, not …\", Node ERR_TLS_CERT_ALTNAME_INVALID. Open connections go on. It takes a private network, where services speak TLS.",
	Source: "RFC 9525, section 6; Go's crypto/x509; Node's documentation of tls.checkServerIdentity.",
	Incident: "It comes with a move between edges rather than alone: GitHub Pages shows the certificate of *.github.io for a custom domain until that has its own, " +
		"and warns of it (docs.github.com, securing your GitHub Pages site with HTTPS).",
	Kinds: []string{KindRPC, KindHTTP, KindStorage},

	Availability: true,
	New: func(With) (Action, error) {
		return certAction{CertWrongHost, shows(CertWrongHost)}, nil
	},
})
