package private

import "net/netip"

// Ports of the private network's own servers.
const (
	// ResolverPort gets every DNS question, whatever address it was sent to.
	ResolverPort = 53
	// CatchAllPort gets what was sent to an address that no service has.
	CatchAllPort = 9
)

// Services is where services have their addresses: the range that RFC 2544 sets apart for benchmarks. Loopback addresses would not do, since browsers and guards against
// request forgery treat them specially.
var Services = netip.MustParsePrefix("198.18.0.0/15")

// Hosts is the part of Services in which each host name gets an address of its own.
var Hosts = netip.MustParsePrefix("198.18.16.0/20")

// Resolver is the address that the app's resolver files name. Any would do, since all are ours.
const Resolver = "198.18.0.1"

// EngineResolver is where a container engine answers for the names of containers, in each container of a network that a user made.
var EngineResolver = netip.MustParseAddr("127.0.0.11")

// TrustBundles are the files in which the systems and libraries of this platform look for the certificate authorities that they trust, as far as they are there: those
// of Go's crypto/x509 (root_linux.go), which knows the most distributions.
var TrustBundles = []string{
	"/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Gentoo, Arch
	"/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora, RHEL 6
	"/etc/ssl/ca-bundle.pem",                            // OpenSUSE
	"/etc/pki/tls/cacert.pem",                           // OpenELEC
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // CentOS, RHEL 7
	"/etc/ssl/cert.pem",                                 // Alpine
}

// TrustVariables name the file of trusted authorities to what does not read those, or not on every system: Go and OpenSSL, Node, Python's requests, curl, the AWS SDKs.
var TrustVariables = []string{"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"}

// ContainerFiles send look-ups of names from a container to the resolver.
func ContainerFiles() map[string][]byte {
	return map[string][]byte{"/etc/resolv.conf": []byte(resolvConf)}
}

// resolvConf names the resolver.
const resolvConf = "nameserver " + Resolver + "\noptions timeout:5 attempts:2\n"
