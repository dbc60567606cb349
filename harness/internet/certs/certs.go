// Package certs is a run's own certificate authority: it vouches for the services' host names in front of the app under test, and for nobody else. The authority is
// made anew for each run, lives for a day, is constrained to the world's hosts (RFC 5280, section 4.2.1.10), is called "do not trust", and its key never leaves memory:
// whoever installs it by mistake has trusted nothing that matters.
package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"
)

// lifetime is how long the authority and its certificates are good: a run takes minutes.
const lifetime = 24 * time.Hour

// skew is how far in the past certificates begin, for an app whose clock is a little behind.
const skew = time.Hour

// Flaw is what is wrong with a certificate.
type Flaw string

// The flaws. The zero value is a good certificate.
const (
	Expired   Flaw = "expired"    // its time ended an hour ago
	WrongHost Flaw = "wrong-host" // good, but for another name
	Untrusted Flaw = "untrusted"  // signed by an authority that nobody knows
)

// wrongHost is the name in a certificate for the wrong host: what an edge serves that has lost the customer's configuration. It lies in a domain that is reserved
// (RFC 2606), and the authority may vouch for it so that only the name is wrong.
const wrongHost = "edge.invalid"

// Authority issues certificates for one run. It is safe for concurrent use.
type Authority struct {
	now     func() time.Time
	hosts   []string
	cert    *x509.Certificate
	key     *ecdsa.PrivateKey
	strange *Authority // signs what nobody trusts; nil in the strange one itself

	mu     sync.Mutex
	issued map[issue]*tls.Certificate // guarded by mu
}

type issue struct {
	host string
	flaw Flaw
}

// New makes an authority that may vouch for these host names and no others. The error is the machine's: no randomness to be had.
func New(hosts []string, now func() time.Time) (*Authority, error) {
	if len(hosts) == 0 {
		return nil, errors.New("a certificate authority needs host names to be constrained to")
	}
	hosts = slices.Compact(slices.Sorted(slices.Values(hosts)))
	a, err := newAuthority("Blackout test authority - do not trust", hosts, now)
	if err != nil {
		return nil, err
	}
	a.strange, err = newAuthority("Unknown authority - do not trust", hosts, now)
	return a, err
}

func newAuthority(name string, hosts []string, now func() time.Time) (*Authority, error) {
	a := &Authority{now: now, hosts: hosts, issued: map[issue]*tls.Certificate{}}
	template := &x509.Certificate{
		Subject:  pkix.Name{CommonName: name, Organization: []string{"Blackout"}},
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: append(slices.Clone(hosts), wrongHost),
		NotBefore: now().Add(-2 * lifetime), NotAfter: now().Add(lifetime), // before any certificate that it signs, expired ones too
	}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, fmt.Errorf("key of the certificate authority: %w", err)
	}
	a.cert, err = sign(template, template, &a.key.PublicKey, a.key)
	return a, err
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate of %s: %w", template.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

// PEM is the authority's certificate, for a trust store.
func (a *Authority) PEM() []byte { return pemOf(a.cert) }

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// Certificate gives the certificate of a host, made when it is first asked for. It fails for a host that the authority may not vouch for.
func (a *Authority) Certificate(host string, flaw Flaw) (*tls.Certificate, error) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !slices.Contains(a.hosts, host) {
		return nil, fmt.Errorf("no service of this world has the host %q", host)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.issued[issue{host, flaw}]; c != nil {
		return c, nil
	}
	c, err := a.issue(host, flaw)
	if err != nil {
		return nil, err
	}
	a.issued[issue{host, flaw}] = c
	return c, nil
}

func (a *Authority) issue(host string, flaw Flaw) (*tls.Certificate, error) {
	signer := a
	from, to := a.now().Add(-skew), a.now().Add(lifetime)
	switch flaw {
	case "":
	case Expired:
		from, to = a.now().Add(-lifetime), a.now().Add(-skew)
	case WrongHost:
		host = wrongHost
	case Untrusted:
		signer = a.strange
	default:
		return nil, fmt.Errorf("no certificate is flawed by %q", flaw)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", host, err)
	}
	leaf, err := sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: from, NotAfter: to,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, signer.cert, &key.PublicKey, signer.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw, signer.cert.Raw}, PrivateKey: key, Leaf: leaf}, nil
}
