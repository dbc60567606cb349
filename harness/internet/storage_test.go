package internet

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/google/go-cmp/cmp"

	"blackout/harness/content"
	"blackout/harness/fault"
	"blackout/harness/plan"
)

func stores() []plan.Service {
	placement := []plan.Placement{{Region: east, Share: 0.7}, {Region: west, Share: 0.3}}
	return []plan.Service{
		{Name: "ipfs-io", Kind: "storage", Dialect: "plain", Placement: placement, Headroom: 1, Link: true, Hosts: []plan.Host{{Name: "ipfs.io"}}},
		{Name: "dweb-link", Kind: "storage", Dialect: "plain", Placement: placement, Hosts: []plan.Host{{Name: "dweb.link"}}},
	}
}

// fetch is the app's request for a file.
func (w *world) fetch(service string, f content.File) (int, string) {
	w.t.Helper()
	resp, err := w.http.Get(w.net.Variables()["service."+service+".url"] + "/ipfs/" + f.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestStorage(t *testing.T) {
	w := open(t, stores())
	want := []string{"dns.address", "service.dweb-link.named_url", "service.dweb-link.url", "service.ipfs-io.named_url", "service.ipfs-io.url"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(w.net.Variables()))); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	w.net.BeginBaseline()
	for _, service := range []string{"ipfs-io", "dweb-link"} { // through a link, and without
		for _, f := range content.Files(42) {
			if status, body := w.fetch(service, f); status != http.StatusOK || body != string(f.Bytes) {
				t.Errorf("%s of %s: %d %q", f.Name, service, status, body)
			}
		}
		if w.net.Requests(service) != 8 || w.net.Opened(service) != 1 {
			t.Errorf("%s: %d requests over %d connections", service, w.net.Requests(service), w.net.Opened(service))
		}
	}
	w.net.Arm(16 * time.Second) // 1 a second in all: the least capacity, 5
	limited := 0
	for range 20 {
		if status, _ := w.fetch("ipfs-io", content.Files(42)[0]); status == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited < 10 {
		t.Errorf("%d of 20 were over the capacity", limited)
	}
}

// The probes of faults see what these do to storage services.
func TestStorageProbe(t *testing.T) {
	healthy := fault.Observation{Service: "ipfs-io", Status: 200, ContentType: content.TypePicture}
	for _, tc := range []struct {
		fault  string
		with   fault.With
		want   fault.Observation
		failed bool
	}{
		{"", nil, healthy, false},
		{"http-status", fault.With{"status": int64(503)}, fault.Observation{Service: "ipfs-io", Status: 503, ContentType: "text/plain; charset=utf-8"}, false},
		{"rate-limit", nil, fault.Observation{Service: "ipfs-io", Status: 429, ContentType: "text/plain; charset=utf-8"}, false},
		{"html-page", nil, fault.Observation{Service: "ipfs-io", Status: 200, ContentType: "text/html; charset=utf-8", Mismatch: true}, false},
		{"wrong-bytes", nil, fault.Observation{Service: "ipfs-io", Status: 200, ContentType: content.TypePicture, Mismatch: true}, false},
		{"unreachable", nil, fault.Observation{Service: "ipfs-io", TimedOut: true}, true},
		{"connection-refused", nil, fault.Observation{Service: "ipfs-io", Refused: true}, true},
		{"connection-reset", nil, fault.Observation{Service: "ipfs-io", Reset: true}, true},
	} {
		t.Run(tc.fault, func(t *testing.T) {
			w := open(t, stores())
			probe := func() fault.Observation {
				return w.net.Probe(t.Context(), Probe{Service: "ipfs-io", Effect: "a", Timeout: 200 * time.Millisecond})
			}
			if tc.fault == "" {
				if got := probe(); !cmp.Equal(tc.want, settled(got)) {
					t.Error(cmp.Diff(tc.want, settled(got)))
				}
				return
			}
			action, err := fault.New(tc.fault, tc.with)
			if err != nil {
				t.Fatal(err)
			}
			g := &fault.Grip{ID: "a", Service: "ipfs-io", Seed: 42}
			g.SetShare(1)
			if err := action.Inject(t.Context(), w.net, g); err != nil {
				t.Fatal(err)
			}
			got := probe()
			if failed := got.Error != nil || got.DialError != nil; failed != tc.failed || !action.Seen(got) {
				t.Errorf("seen %v; error %v, dial error %v", action.Seen(got), got.Error, got.DialError)
			}
			if diff := cmp.Diff(tc.want, settled(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if err := action.Lift(t.Context(), w.net, g); err != nil {
				t.Fatal(err)
			}
			if got := probe(); action.Seen(got) || !cmp.Equal(healthy, settled(got)) {
				t.Errorf("after it was lifted: %+v", got)
			}
			if _, _, n := g.Counts(); n != 0 || w.net.Requests("ipfs-io") != 0 {
				t.Errorf("probes were counted: %d touched, %d requests", n, w.net.Requests("ipfs-io"))
			}
			if strings.Contains(w.sink.text(), "Probe:false") {
				t.Errorf("a probe is recorded as the app's: %s", w.sink.text())
			}
		})
	}
}

// TestPageForACall holds what a page of HTML does to JSON-RPC: an unreadable reply, no socket, and nothing on a socket that is open.
func TestPageForACall(t *testing.T) {
	w := open(t, services())
	action, err := fault.New("html-page", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, ws, err := w.net.URL("infura", ethereum)
	if err != nil {
		t.Fatal(err)
	}
	c, err := rpc.DialContext(t.Context(), ws)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	g := &fault.Grip{ID: "a", Service: "infura", Seed: 42}
	g.SetShare(1)
	if err := action.Inject(t.Context(), w.net, g); err != nil {
		t.Fatal(err)
	}
	if got := w.net.Probe(t.Context(), Probe{Service: "infura", Effect: "a"}); !action.Seen(got) || got.Error == nil || got.Status != 200 {
		t.Errorf("seen %v: %+v", action.Seen(got), got)
	}
	if status, body, err := w.ask("infura", ethereum); err != nil || status != http.StatusOK || !strings.HasPrefix(body, "<!DOCTYPE html>") {
		t.Errorf("a call: %d %q %v", status, body, err)
	}
	if _, err := rpc.DialContext(t.Context(), ws); err == nil || !strings.Contains(err.Error(), "bad handshake (HTTP status 200 OK)") {
		t.Errorf("a handshake: %v", err)
	}
	var n hexutil.Uint64
	if err := c.CallContext(t.Context(), &n, "eth_blockNumber"); err != nil || n != 7 {
		t.Errorf("on the open socket: %d %v", n, err)
	}
	if _, _, touched := g.Counts(); touched != 2 {
		t.Errorf("%d requests touched, want 2", touched)
	}
	if err := action.Lift(t.Context(), w.net, g); err != nil {
		t.Fatal(err)
	}
	if got := w.net.Probe(t.Context(), Probe{Service: "infura", Effect: "a"}); action.Seen(got) || got.Error != nil {
		t.Errorf("after it was lifted: %+v", got)
	}
}

// Bytes that are wrong are so for the app as well, and for as many bytes as there should be.
func TestWrongBytes(t *testing.T) {
	w := open(t, stores())
	action, err := fault.New("wrong-bytes", nil)
	if err != nil {
		t.Fatal(err)
	}
	g := &fault.Grip{ID: "a", Service: "dweb-link", Seed: 42}
	g.SetShare(1)
	if err := action.Inject(t.Context(), w.net, g); err != nil {
		t.Fatal(err)
	}
	files := content.Files(42)
	for _, f := range files {
		status, body := w.fetch("dweb-link", f)
		sum := sha256.Sum256([]byte(body))
		if status != http.StatusOK || len(body) != len(f.Bytes) || hex.EncodeToString(sum[:]) == f.SHA256 {
			t.Errorf("%s: %d, %d bytes, the right ones: %v", f.Name, status, len(body), body == string(f.Bytes))
		}
	}
	if status, body := w.fetch("ipfs-io", files[0]); status != http.StatusOK || body != string(files[0].Bytes) {
		t.Errorf("of another service: %d %q", status, body)
	}
	if _, _, n := g.Counts(); n != int64(len(files)) {
		t.Errorf("%d requests touched", n)
	}
}

// settled takes out of an observation what differs from run to run.
func settled(o fault.Observation) fault.Observation {
	o.Took, o.Error, o.DialError = 0, nil, nil
	return o
}
