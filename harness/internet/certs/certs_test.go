package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const host = "mainnet.infura.io"

func authority(t *testing.T) *Authority {
	t.Helper()
	a, err := New([]string{host, "eth-mainnet.g.alchemy.com", host}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// get asks a server with the given certificate as the app would: by name, trusting what is in the authority's PEM.
func get(t *testing.T, a *Authority, flaw Flaw, name string, least uint16) error {
	t.Helper()
	c, err := a.Certificate(host, flaw)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{*c}, MaxVersion: least}
	server.Config.ErrorLog = nil
	server.StartTLS()
	defer server.Close()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(a.PEM()) {
		t.Fatal("the authority's PEM holds no certificate")
	}
	conn, err := tls.Dial("tcp", server.Listener.Addr().String(), &tls.Config{RootCAs: pool, ServerName: name})
	if err == nil {
		conn.Close()
	}
	return err
}

func TestFlaws(t *testing.T) {
	a := authority(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		if err := get(t, a, "", host, version); err != nil {
			t.Errorf("a good certificate, %s: %v", tls.VersionName(version), err)
		}
		var invalid x509.CertificateInvalidError
		if err := get(t, a, Expired, host, version); !errors.As(err, &invalid) || invalid.Reason != x509.Expired {
			t.Errorf("an expired certificate, %s: %v", tls.VersionName(version), err)
		}
		var name x509.HostnameError
		if err := get(t, a, WrongHost, host, version); !errors.As(err, &name) {
			t.Errorf("a certificate for another host, %s: %v", tls.VersionName(version), err)
		}
		var unknown x509.UnknownAuthorityError
		if err := get(t, a, Untrusted, host, version); !errors.As(err, &unknown) {
			t.Errorf("an untrusted certificate, %s: %v", tls.VersionName(version), err)
		}
	}
}

// TestConstrained holds that a stolen authority is worth nothing: it vouches for the world's hosts and for no others, and not for long.
func TestConstrained(t *testing.T) {
	a := authority(t)
	if _, err := a.Certificate("example.org", ""); err == nil {
		t.Error("there is a certificate for a host that no service has")
	}
	key, err := a.Certificate(host, "")
	if err != nil {
		t.Fatal(err)
	}
	forged, err := sign(&x509.Certificate{DNSNames: []string{"bank.example"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)},
		a.cert, key.Leaf.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	var invalid x509.CertificateInvalidError
	if _, err := forged.Verify(x509.VerifyOptions{Roots: pool, DNSName: "bank.example"}); !errors.As(err, &invalid) || invalid.Reason != x509.CANotAuthorizedForThisName {
		t.Errorf("a certificate for another name passes: %v", err)
	}
	if left := time.Until(a.cert.NotAfter); left > lifetime {
		t.Errorf("the authority is good for %s", left)
	}
}

func TestOneOfEach(t *testing.T) {
	a := authority(t)
	first, err := a.Certificate(host, "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := a.Certificate("MAINNET.infura.io.", "")
	if err != nil {
		t.Fatal(err)
	}
	if first != second {
		t.Error("a host has two certificates")
	}
}

// TestOpenSSL has another implementation check the chain.
func TestOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatal("openssl is needed: apt-get install openssl")
	}
	a := authority(t)
	c, err := a.Certificate(host, "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	root, leaf := filepath.Join(dir, "root.pem"), filepath.Join(dir, "leaf.pem")
	if err := errors.Join(os.WriteFile(root, a.PEM(), 0o600), os.WriteFile(leaf, pemOf(c.Leaf), 0o600)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(openssl, "verify", "-x509_strict", "-verify_hostname", host, "-CAfile", root, leaf).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
