package gateways

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"blackout/harness/content"
)

// hello is a file that a gateway of boxo v0.43.0 was asked for: what the test wants is what that said.
const (
	hello     = "bafkreigsg7fvo3gduaa4zh4fc3xqhvlvpuipndnj2lxwosotc5qjwurr3u"
	helloRoot = "3aa265726f6f747381d82a58250001551220d237cb576cc3a001cc9f8516ef03d5757d10f68da9d2ef6749d317609b5231dd6776657273696f6e01"
	helloCAR  = helloRoot + "2f01551220d237cb576cc3a001cc9f8516ef03d5757d10f68da9d2ef6749d317609b5231dd68656c6c6f206c616d700a"
	emptyRoot = "19a265726f6f747381d82a4500015500006776657273696f6e01"
)

// TestCAR asks for blocks in CARs, as clients of the trustless protocol do, retrieval from Filecoin among them.
func TestCAR(t *testing.T) {
	w, _ := store(t, func(c *Config) {
		c.Files = append(c.Files, content.File{ID: hello, Name: "hello", Type: "text/plain", Bytes: []byte("hello lamp\n")})
	})
	const usual = typeCAR + "; version=1; order=dfs; dups=n"
	absent := strings.TrimPrefix(content.Files(2)[0].Path(), content.Root)
	for _, tt := range []struct {
		name, query, accept string
		status              int
		body                string // hex, or the text of a refusal
		kind, etag          string
		location            string
	}{
		{"query", "?format=car", "", 200, helloCAR, usual, "74l29i6ku2dfr", ""},
		{"accept", "", typeCAR, 200, helloCAR, usual, "74l29i6ku2dfr", "?format=car"},
		{"accept in full", "", typeCAR + "; version=1; order=dfs; dups=y", 200, helloCAR, typeCAR + "; version=1; order=dfs; dups=y", "90n546lfbpakq", "?car-dups=y&car-order=dfs&car-version=1&format=car"},
		{"query in full", "?format=car&car-order=dfs&car-dups=y", "", 200, helloCAR, typeCAR + "; version=1; order=dfs; dups=y", "90n546lfbpakq", ""},
		{"query before accept", "?format=car", typeRaw, 200, helloCAR, usual, "74l29i6ku2dfr", ""},
		{"one block", "?format=car&dag-scope=block", "", 200, helloCAR, usual, "1b4jf2e19vto8", ""},
		{"part of a file", "?format=car&dag-scope=entity&entity-bytes=0:4", "", 200, helloCAR, usual, "7m9cmn64p7fpj", ""},
		{"below a file", "/x?format=car", "", 200, emptyRoot + helloCAR[len(helloRoot):], usual, "cgv25tq4tkpmr", ""},
		{"version 2", "", typeCAR + "; version=2", 400, "unsupported application/vnd.ipld.car version: only version=1 is supported\n", "", "", "?car-version=2&format=car"},
		{"another scope", "?format=car&dag-scope=nonsense", "", 400, "unsupported application/vnd.ipld.car scope parameter\n", "", "", ""},
		{"another order", "?format=car&car-order=up", "", 400, "unsupported application/vnd.ipld.car order parameter\n", "", "", ""},
		{"no range", "?format=car&entity-bytes=7", "", 400, "invalid application/vnd.ipld.car entity-bytes URL parameter: range must have two numbers separated with ':'\n", "", "", ""},
		{"range backwards", "?format=car&entity-bytes=7:3", "", 400, "invalid application/vnd.ipld.car entity-bytes URL parameter: cannot have an entity-bytes range where 'from' is after 'to'\n", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var headers []string
			if tt.accept != "" {
				headers = []string{"Accept", tt.accept}
			}
			resp, body := w.get("GET", content.Root+hello+tt.query, headers...)
			location := ""
			if tt.location != "" {
				location = content.Root + hello + tt.location
			}
			if resp.StatusCode != tt.status || resp.Header.Get("Content-Location") != location || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%d, headers %v", resp.StatusCode, resp.Header)
			}
			if tt.status != 200 {
				if body != tt.body {
					t.Errorf("%q", body)
				}
				return
			}
			if got := hex.EncodeToString([]byte(body)); got != tt.body {
				t.Errorf("the bytes are\n%s, want\n%s", got, tt.body)
			}
			if resp.Header.Get("Content-Type") != tt.kind || resp.Header.Get("Etag") != `W/"`+hello+".car."+tt.etag+`"` || resp.Header.Get("Accept-Ranges") != "none" {
				t.Errorf("headers %v", resp.Header)
			}
		})
	}
	t.Run("a file that is not there", func(t *testing.T) {
		resp, body := w.get("GET", content.Root+absent+"?format=car")
		if resp.StatusCode != http.StatusOK || !strings.HasSuffix(body, truncated) || !strings.Contains(body, "eroots") {
			t.Errorf("%d %q", resp.StatusCode, body)
		}
	})
	t.Run("kept by the client", func(t *testing.T) {
		resp, body := w.get("GET", content.Root+hello+"?format=car", "If-None-Match", `W/"`+hello+`.car.74l29i6ku2dfr"`)
		if resp.StatusCode != http.StatusNotModified || body != "" {
			t.Errorf("%d %q", resp.StatusCode, body)
		}
	})
	t.Run("the block of nothing", func(t *testing.T) {
		if resp, body := w.get("GET", content.Root+probeID+"?format=car"); resp.StatusCode != http.StatusOK || hex.EncodeToString([]byte(body)) != emptyRoot {
			t.Errorf("%d %x", resp.StatusCode, body)
		}
	})
}
