package gateways

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"blackout/harness/history"
	"blackout/harness/internet/certs"
)

const secureHost = "mainnet.infura.io"

// secure opens a listener that speaks TLS, and gives its address and what a client that trusts it needs.
func (w *world) secure() (string, *tls.Config) {
	w.t.Helper()
	a, err := certs.New([]string{secureHost}, time.Now)
	if err != nil {
		w.t.Fatal(err)
	}
	front := certs.NewFront(certs.FrontConfig{Service: "infura", Authority: a})
	w.t.Cleanup(front.Close)
	addr, err := w.gw.OpenTLS(w.t.Context(), "ethereum", "127.0.0.1:0", front.TLS("ethereum", secureHost))
	if err != nil {
		w.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(a.PEM())
	return addr, &tls.Config{RootCAs: pool, ServerName: secureHost}
}

// TestSecure asks over TLS what other tests ask without: by HTTP/1.1, HTTP/2 and WebSocket.
func TestSecure(t *testing.T) {
	w := open(t, nil)
	addr, trust := w.secure()
	url := strings.Replace(w.gw.URL(addr), "http:", "https:", 1)
	for version, second := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		transport := &http.Transport{TLSClientConfig: trust.Clone(), ForceAttemptHTTP2: second}
		resp, err := (&http.Client{Transport: transport}).Post(url, "application/json", strings.NewReader(blockNumber))
		if err != nil {
			t.Fatalf("%s: %v", version, err)
		}
		resp.Body.Close()
		transport.CloseIdleConnections()
		if resp.Proto != version || resp.StatusCode != http.StatusOK {
			t.Errorf("%s %s, want %s and 200", resp.Proto, resp.Status, version)
		}
	}
	dialer := websocket.Dialer{TLSClientConfig: trust}
	c, _, err := dialer.DialContext(t.Context(), strings.Replace(w.gw.WSURL(addr), "ws:", "wss:", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	write(t, c, blockNumber)
	if got := read(t, c); !strings.Contains(got, `"0x7"`) {
		t.Error(got)
	}
	if got := w.sink.awaitCalls(t, 4); w.gw.Opened() != 3 || len(got) != 4 {
		t.Errorf("%d connections and %d calls were counted, want 3 and 4, of which one opens the socket", w.gw.Opened(), len(got))
	}
}

// TestRefusedCertificate has a client that does not trust the authority: the history says so once, however often it comes.
func TestRefusedCertificate(t *testing.T) {
	w := open(t, nil)
	addr, trust := w.secure()
	for range 3 {
		if conn, err := tls.Dial("tcp", addr, &tls.Config{ServerName: trust.ServerName}); err == nil {
			conn.Close()
			t.Fatal("it is trusted")
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	for len(pick[history.Note](w.sink)) == 0 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	var told []string
	for _, n := range pick[history.Note](w.sink) {
		told = append(told, n.Text)
	}
	want := []string{"gateway infura: the app refused a TLS handshake: tls: bad certificate"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}

// TestForeignKeys lets the app bring keys of its own where the configuration allows that, and tells each once.
func TestForeignKeys(t *testing.T) {
	var mu sync.Mutex
	var keys []string
	w := open(t, func(c *Config) {
		c.Foreign = func(key string) {
			mu.Lock()
			defer mu.Unlock()
			keys = append(keys, key)
		}
	})
	for path, status := range map[string]int{"/v3/its-own": 200, "/v3/" + testKey: 200, "/v3/": 404, "/v2/its-own": 404} {
		for range 2 {
			if got := w.send("http://"+w.addr+path, http.MethodPost, blockNumber); got.Status != status {
				t.Errorf("%s: %d, want %d", path, got.Status, status)
			}
		}
	}
	if !slices.Equal(keys, []string{"its-own"}) {
		t.Errorf("told of %v", keys)
	}
	plain, _ := newPlain("", nil)
	if key, ok := plain.KeyIn("/v2/its-own/", false); key != "v2/its-own" || !ok {
		t.Errorf("%q %v", key, ok)
	}
}
