package certs

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"blackout/harness/fault"
)

// FrontConfig is where one service shakes hands. All fields but Regions are needed.
type FrontConfig struct {
	Service   string
	Regions   []fault.Region
	Seed      uint64
	Authority *Authority
	// ProbeToken is the run's secret by which probes are told from the app's handshakes.
	ProbeToken string
}

// Front gives the certificates of one service, good ones or those that a fault puts in their place. It is safe for concurrent use, and satisfies fault.Certificates.
//
//	handshake ─▶ region of the n-th ─▶ the first rule that takes it ─▶ certificate, flawed or never
//
// The name is the one that the client asks for (SNI); who asks for none, or for a stranger's, gets the certificate of the address that it came to, as an edge does.
type Front struct {
	cfg        FrontConfig
	handshakes atomic.Uint64

	ctx  context.Context // ends when the front closes
	stop context.CancelFunc

	mu    sync.Mutex
	rules []*rule // sorted by effect id; guarded by mu
}

var _ fault.Certificates = (*Front)(nil)

// rule is a checked fault.CertRule. lifted is closed when it no longer stands.
type rule struct {
	fault.CertRule
	lifted chan struct{}
}

// flaws are what is wrong with the certificate in each mode that shows one.
var flaws = map[fault.CertMode]Flaw{fault.CertExpired: Expired, fault.CertWrongHost: WrongHost, fault.CertUntrusted: Untrusted}

// NewFront makes the front of a service. Close it in any case.
func NewFront(cfg FrontConfig) *Front {
	f := &Front{cfg: cfg}
	f.ctx, f.stop = context.WithCancel(context.Background())
	return f
}

// Close ends handshakes that a fault holds.
func (f *Front) Close() { f.stop() }

// Put sets the rule of an effect, replacing an earlier one, from the next handshake on.
func (f *Front) Put(cr fault.CertRule) error {
	_, flawed := flaws[cr.Mode]
	switch {
	case cr.Grip == nil || cr.Grip.ID == "":
		return errors.New("certificates: a rule needs a grip with the id of its effect")
	case cr.Grip.Service != f.cfg.Service:
		return fmt.Errorf("certificates: the rule of %s is for service %q", cr.Grip.ID, cr.Grip.Service)
	case !flawed && cr.Mode != fault.CertHang:
		return fmt.Errorf("certificates: the rule of %s has the unknown mode %q", cr.Grip.ID, cr.Mode)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.remove(cr.Grip.ID)
	f.rules = append(f.rules, &rule{CertRule: cr, lifted: make(chan struct{})})
	slices.SortFunc(f.rules, func(a, b *rule) int { return strings.Compare(a.Grip.ID, b.Grip.ID) })
	return nil
}

// Drop removes the rule of an effect; handshakes that it held go on. Dropping what is not there does nothing.
func (f *Front) Drop(effect string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.remove(effect)
}

func (f *Front) remove(effect string) {
	f.rules = slices.DeleteFunc(f.rules, func(r *rule) bool {
		if r.Grip.ID == effect {
			close(r.lifted)
		}
		return r.Grip.ID == effect
	})
}

// TLS is how a listener for one chain and one host of the service shakes hands: TLS 1.2 or 1.3. Sessions are not resumed, since a client that resumes one looks at no
// certificate.
func (f *Front) TLS(chain, host string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return f.certificate(hello, chain, host) },
	}
}

func (f *Front) certificate(hello *tls.ClientHelloInfo, chain, host string) (*tls.Certificate, error) {
	flaw, err := f.flaw(hello, chain)
	if err != nil {
		return nil, err
	}
	if c, err := f.cfg.Authority.Certificate(hello.ServerName, flaw); err == nil {
		return c, nil
	}
	return f.cfg.Authority.Certificate(host, flaw)
}

// Handshakes is how many handshakes of the app have come in, probes not included.
func (f *Front) Handshakes() int64 { return int64(f.handshakes.Load()) }

// flaw says what is wrong for this handshake. It waits as long as a rule holds the handshake.
func (f *Front) flaw(hello *tls.ClientHelloInfo, chain string) (Flaw, error) {
	probe := f.probe(hello)
	r := f.taking(probe, chain)
	if r == nil {
		return "", nil
	}
	if probe == nil {
		r.Grip.Touch(fault.LayerCertificate)
	}
	if r.Mode != fault.CertHang {
		return flaws[r.Mode], nil
	}
	select {
	case <-r.lifted:
		return "", nil
	case <-f.ctx.Done():
		return "", f.ctx.Err()
	}
}

// taking is the rule that takes a handshake, or nil. A probe is taken by its own effect for certain, and by no other.
func (f *Front) taking(p *mark, chain string) *rule {
	var region string
	var n uint64
	if p == nil {
		n = f.handshakes.Add(1) - 1
		region = fault.Place(f.cfg.Seed, f.cfg.Service, f.cfg.Regions, n)
	} else if region = p.region; region == "" && len(f.cfg.Regions) > 0 {
		region = f.cfg.Regions[0].Name
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.rules {
		if p != nil && p.effect == r.Grip.ID && r.Grip.Share() > 0 && r.Grip.Covers(region, chain) || p == nil && r.Grip.Takes(region, chain, n) {
			return r
		}
	}
	return nil
}

// mark says of a probe which effect it looks for, and in which region it shall be served ("": the service's first).
type mark struct{ effect, region string }

// probeProtocol begins the name of an application protocol (ALPN, RFC 7301) that a probe offers beside HTTP: the one part of a handshake that a client may fill as it
// likes. No server picks it.
const probeProtocol = "blackout-probe;"

// maxProtocol is the longest name of a protocol, in bytes (RFC 7301, section 3.1).
const maxProtocol = 255

// Probe is how a probe for one effect in one region shakes hands with a host: only that effect is considered, whatever its share, as long as it is above zero; the
// handshake takes no number and touches nothing.
func (f *Front) Probe(host, effect, region string) (*tls.Config, error) {
	protocol := probeProtocol + f.cfg.ProbeToken + ";" + effect + ";" + region
	if len(protocol) > maxProtocol {
		return nil, fmt.Errorf("certificates: the ids of effect %s and region %s are too long for the mark of a probe", effect, region)
	}
	pool := x509.NewCertPool()
	pool.AddCert(f.cfg.Authority.cert)
	return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, RootCAs: pool, Time: f.cfg.Authority.now, NextProtos: []string{"http/1.1", protocol}}, nil
}

// probe reads the mark of a handshake; nil for the app's own, and for one whose token is not the run's.
func (f *Front) probe(hello *tls.ClientHelloInfo) *mark {
	for _, p := range hello.SupportedProtos {
		rest, ok := strings.CutPrefix(p, probeProtocol)
		if !ok || f.cfg.ProbeToken == "" {
			continue
		}
		token, rest, _ := strings.Cut(rest, ";")
		if subtle.ConstantTimeCompare([]byte(token), []byte(f.cfg.ProbeToken)) != 1 {
			continue
		}
		effect, region, _ := strings.Cut(rest, ";")
		return &mark{effect, region}
	}
	return nil
}
