package gateways

import (
	"net/http"
	"strings"
	"testing"

	"blackout/harness/fault"
)

// TestArweave asks a gateway of Arweave for the data of a transaction, as a reader and as a browser do.
func TestArweave(t *testing.T) {
	w, files := store(t, func(c *Config) { c.Service, c.Dialect = "arweave", "arweave" })
	lamp := files[0]
	for _, tt := range []struct {
		name, method, path string
		headers            []string
		status             int
		body               string
		want               map[string]string
	}{
		{"data", "GET", "/" + lamp.TX, nil, 200, string(lamp.Bytes), map[string]string{
			"Content-Type": "image/svg+xml", "Cache-Control": "public, max-age=2592000, immutable", "X-Cache": "HIT", "Accept-Ranges": "bytes", "Access-Control-Allow-Origin": "*",
		}},
		{"raw", "GET", "/raw/" + files[1].TX, nil, 200, string(files[1].Bytes), map[string]string{
			"Content-Type": "application/json", "Access-Control-Allow-Origin": "", "Cross-Origin-Opener-Policy": "same-origin",
		}},
		{"head", "HEAD", "/" + lamp.TX, nil, 200, "", map[string]string{"Content-Type": "image/svg+xml"}},
		{"range", "GET", "/raw/" + lamp.TX, []string{"Range", "bytes=0-3"}, 206, "<svg", nil},
		{"unknown", "GET", "/" + strings.Repeat("A", 43), nil, 404, "Not found", map[string]string{
			"Content-Type": "text/html; charset=utf-8", "Cache-Control": "public, max-age=60, immutable",
		}},
		{"of IPFS", "GET", lamp.Path(), nil, 404, "Not found", nil},
		{"a payment", "POST", "/tx", nil, 404, "Not found", nil},
		{"preflight", "OPTIONS", "/" + lamp.TX, nil, 204, "", map[string]string{"Access-Control-Allow-Origin": "*"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := w.get(tt.method, tt.path, tt.headers...)
			if resp.StatusCode != tt.status || body != tt.body {
				t.Errorf("%d %q", resp.StatusCode, body)
			}
			for name, want := range tt.want {
				if got := resp.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		})
	}
}

// TestStorageDialects holds that a storage service speaks what it is told, and nothing that it does not know.
func TestStorageDialects(t *testing.T) {
	w, files := store(t, nil)
	if resp, _ := w.get(http.MethodGet, "/raw/"+files[0].TX); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a gateway of IPFS answers for Arweave: %d", resp.StatusCode)
	}
	for dialect, path := range map[string]string{"": files[0].Path(), "plain": files[0].Path(), "arweave": "/raw/" + files[0].TX} {
		if got := At(dialect, files[0]); got != path {
			t.Errorf("%q has the file at %s", dialect, got)
		}
	}
	if _, err := New(Config{Service: "x", Kind: fault.KindStorage, Dialect: "infura", Files: files, Regions: w.gw.cfg.Regions, Sink: w.sink}); err == nil ||
		!strings.Contains(err.Error(), `no storage service speaks "infura"`) {
		t.Errorf("a dialect of nodes: %v", err)
	}
}
