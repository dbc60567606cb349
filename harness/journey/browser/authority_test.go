package browser

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"blackout/harness/internet/certs"
	"blackout/harness/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestTrust holds that the browser trusts the run's authority, and that it sees what is wrong with a certificate: names below localhost are the machine's own for it.
func TestTrust(t *testing.T) {
	flaws := map[string]certs.Flaw{"good.localhost": "", "expired.localhost": certs.Expired, "wrong.localhost": certs.WrongHost, "untrusted.localhost": certs.Untrusted}
	var hosts []string
	for host := range flaws {
		hosts = append(hosts, host)
	}
	authority, err := certs.New(hosts, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "<b id=b>"+r.Host+"</b>") }))
	server.TLS = &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		return authority.Certificate(hello.ServerName, flaws[hello.ServerName])
	}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	_, port, _ := strings.Cut(server.Listener.Addr().String(), ":")

	b := running(t, authority.PEM())
	want := map[string]string{"good.localhost": "", "expired.localhost": "net::ERR_CERT_DATE_INVALID", "wrong.localhost": "net::ERR_CERT_COMMON_NAME_INVALID", "untrusted.localhost": "net::ERR_CERT_AUTHORITY_INVALID"}
	for host, text := range want {
		tab, err := b.Take(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		seen, err := tab.Visit(t.Context(), Visit{Base: "https://" + host + ":" + port, Steps: []spec.Step{{Goto: "/"}}, Fields: []Field{{Name: "host", CSS: "#b"}}})
		tab.Give(t.Context())
		var failed *LoadError
		switch {
		case text == "" && (err != nil || seen.Fields["host"] != host+":"+port):
			t.Errorf("%s: %v, %+v", host, err, seen)
		case text != "" && (!errors.As(err, &failed) || failed.Text != text):
			t.Errorf("%s: %v, want %s", host, err, text)
		}
	}
}

// TestTable holds that a page of a database has the rows that were put in, and that too much is refused.
func TestTable(t *testing.T) {
	file, err := oneTable("t", "id", []string{"a", "b"}, []map[string][]byte{{"a": []byte("first")}, {"b": bytes.Repeat([]byte("x"), 300)}})
	if err != nil || len(file) != 2*pageSize || !bytes.Contains(file[pageSize:], []byte("first")) || !bytes.Contains(file[pageSize:], bytes.Repeat([]byte("x"), 300)) {
		t.Errorf("%d bytes, %v", len(file), err)
	}
	if _, err := oneTable("t", "id", []string{"a"}, []map[string][]byte{{"a": make([]byte, pageSize)}}); err == nil {
		t.Error("a row that is longer than a page was taken")
	}
}
