package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"blackout/harness/fault"
)

const token = "6f2d"

// fronted is a server of a service whose certificates a front gives.
type fronted struct {
	*Front
	address string
}

func serve(t *testing.T) *fronted {
	t.Helper()
	f := NewFront(FrontConfig{
		Service: "infura", Regions: []fault.Region{{Name: "aws/us-east-1", Share: 0.7}, {Name: "aws/us-west-2", Share: 0.3}}, Seed: 1, Authority: authority(t), ProbeToken: token,
	})
	l, err := tls.Listen("tcp", "127.0.0.1:0", f.TLS("ethereum", host))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close(); l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.(*tls.Conn).Handshake()
				_, _ = conn.Read(make([]byte, 1))
			}()
		}
	}()
	return &fronted{f, l.Addr().String()}
}

// app shakes hands as an app does, within the given time, and gives what came of it.
func (f *fronted) app(name string, within time.Duration) error {
	pool := x509.NewCertPool()
	pool.AddCert(f.cfg.Authority.cert)
	return f.shake(&tls.Config{ServerName: name, RootCAs: pool}, within)
}

func (f *fronted) probe(t *testing.T, effect, region string, within time.Duration) error {
	t.Helper()
	cfg, err := f.Probe(host, effect, region)
	if err != nil {
		t.Fatal(err)
	}
	return f.shake(cfg, within)
}

func (f *fronted) shake(cfg *tls.Config, within time.Duration) error {
	raw, err := net.Dial("tcp", f.address)
	if err != nil {
		return err
	}
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(within))
	return tls.Client(raw, cfg).Handshake()
}

func grip(share float64, regions ...string) *fault.Grip {
	g := &fault.Grip{ID: "e", Service: "infura", Regions: regions}
	g.SetShare(share)
	return g
}

const long = 10 * time.Second

// TestRules has every mode show to an app and to its own probe, and to no other probe; all is well before and after.
func TestRules(t *testing.T) {
	f := serve(t)
	good := func(when string) {
		t.Helper()
		if err := errors.Join(f.app(host, long), f.probe(t, "e", "", long)); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	good("before")
	for mode, matches := range map[fault.CertMode]func(error) bool{
		fault.CertExpired: func(err error) bool {
			var e x509.CertificateInvalidError
			return errors.As(err, &e) && e.Reason == x509.Expired
		},
		fault.CertWrongHost: func(err error) bool { var e x509.HostnameError; return errors.As(err, &e) },
		fault.CertUntrusted: func(err error) bool { var e x509.UnknownAuthorityError; return errors.As(err, &e) },
		fault.CertHang:      func(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) },
	} {
		within := long
		if mode == fault.CertHang {
			within = 200 * time.Millisecond
		}
		g := grip(1)
		if err := f.Put(fault.CertRule{Grip: g, Mode: mode}); err != nil {
			t.Fatal(err)
		}
		if err := f.app(host, within); !matches(err) {
			t.Errorf("%s: the app saw %v", mode, err)
		}
		if err := f.probe(t, "e", "aws/us-west-2", within); !matches(err) {
			t.Errorf("%s: its probe saw %v", mode, err)
		}
		if err := f.probe(t, "another", "", long); err != nil {
			t.Errorf("%s: another effect's probe saw %v", mode, err)
		}
		if _, connections, _ := g.Counts(); connections != 1 {
			t.Errorf("%s: %d connections of the app were touched, want 1", mode, connections)
		}
		f.Drop("e")
		good("after " + string(mode))
	}
}

// TestReach narrows a rule to a region and to a share.
func TestReach(t *testing.T) {
	f := serve(t)
	g := grip(1, "aws/us-west-2")
	if err := f.Put(fault.CertRule{Grip: g, Mode: fault.CertExpired}); err != nil {
		t.Fatal(err)
	}
	if err := f.probe(t, "e", "aws/us-east-1", long); err != nil {
		t.Errorf("in a region that is spared: %v", err)
	}
	if err := f.probe(t, "e", "aws/us-west-2", long); err == nil {
		t.Error("in its own region nothing shows")
	}
	const all = 200
	failed := 0
	for range all {
		if f.app(host, long) != nil {
			failed++
		}
	}
	if _, connections, _ := g.Counts(); failed < all*2/10 || failed > all*4/10 || int(connections) != failed {
		t.Errorf("%d of %d handshakes failed and %d were counted, want 30 %%, that region's share", failed, all, connections)
	}
	g.SetShare(0)
	if err := errors.Join(f.app(host, long), f.probe(t, "e", "aws/us-west-2", long)); err != nil {
		t.Errorf("with a share of nothing: %v", err)
	}
}

// TestHeldGoesOn lifts a rule while a handshake is held.
func TestHeldGoesOn(t *testing.T) {
	f := serve(t)
	g := grip(1)
	if err := f.Put(fault.CertRule{Grip: g, Mode: fault.CertHang}); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- f.app(host, long) }()
	<-g.Hit()
	f.Drop("e")
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestStrangers get the certificate of the address that they came to.
func TestStrangers(t *testing.T) {
	f := serve(t)
	var e x509.HostnameError
	if err := f.app("api.unknown.example", long); !errors.As(err, &e) || e.Certificate.DNSNames[0] != host {
		t.Errorf("asked for a name that no service has, it showed %v", err)
	}
	if err := f.app("eth-mainnet.g.alchemy.com", long); err != nil {
		t.Errorf("asked for another of the world's: %v", err)
	}
}

func TestBadRules(t *testing.T) {
	f := NewFront(FrontConfig{Service: "infura", Authority: authority(t)})
	for name, r := range map[string]fault.CertRule{
		"no grip":      {Mode: fault.CertExpired},
		"no mode":      {Grip: grip(1)},
		"not its own":  {Grip: &fault.Grip{ID: "e", Service: "alchemy"}, Mode: fault.CertExpired},
		"unknown mode": {Grip: grip(1), Mode: "sour"},
	} {
		if f.Put(r) == nil {
			t.Errorf("%s: no error", name)
		}
	}
	f.cfg.ProbeToken = string(make([]byte, maxProtocol))
	if _, err := f.Probe(host, "e", ""); err == nil {
		t.Error("a mark that does not fit is no error")
	}
}
