package gateways

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/clock"
	"blackout/harness/content"
	"blackout/harness/fault"
	"blackout/harness/history"
)

// store opens a storage service that holds the files of seed 1.
func store(t *testing.T, change func(*Config)) (*world, []content.File) {
	t.Helper()
	files := content.Files(1)
	w := &world{t: t, sink: &sink{}}
	transport := &http.Transport{DisableCompression: true}
	w.http = &http.Client{Transport: transport}
	t.Cleanup(transport.CloseIdleConnections)
	cfg := Config{
		Service: "ipfs-io", Kind: fault.KindStorage, Dialect: "plain", Key: testKey, Seed: 42, ProbeToken: testToken, Files: files,
		Regions: []fault.Region{{Name: "aws/us-east-1", Share: 0.7}, {Name: "aws/us-west-2", Share: 0.3}}, Sink: w.sink, Clock: clock.Start(),
	}
	if change != nil {
		change(&cfg)
	}
	gw, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.gw = gw
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := gw.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	if w.addr, err = gw.Open(t.Context(), "", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	return w, files
}

// get asks for a path and gives the whole reply.
func (w *world) get(method, path string, headers ...string) (*http.Response, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.gw.URL(w.addr)+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp, string(body)
}

// TestFiles holds the replies to those that boxo v0.43.0 was measured to give to the same requests.
func TestFiles(t *testing.T) {
	w, files := store(t, nil)
	svg, meta := files[0], files[1]
	const unknown = "bafkreigzfgfbbunqonmdpxcl3bo2yza3b46o6j5epzovhjkpf47vwl6p7i"
	immutable := "public, max-age=29030400, immutable"
	whole := map[string]string{
		"Content-Type": svg.Type, "Etag": `"` + svg.ID + `"`, "Cache-Control": immutable, "X-Ipfs-Roots": svg.ID, "Ipfs-Uri": "ipfs://" + svg.ID, "Accept-Ranges": "bytes",
		"Access-Control-Allow-Origin": "*", "Content-Disposition": "", "X-Content-Type-Options": "",
	}
	block := map[string]string{
		"Content-Type": typeRaw, "Etag": `"` + svg.ID + `.raw"`, "Cache-Control": immutable, "X-Content-Type-Options": "nosniff", "X-Ipfs-Roots": svg.ID,
		"Content-Disposition": `attachment; filename="` + svg.ID + `.bin"; filename*=UTF-8''` + svg.ID + `.bin`,
	}
	text := map[string]string{"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cache-Control": "", "Etag": ""}
	for _, tt := range []struct {
		method, path string
		headers      []string
		status       int
		want         map[string]string
		body         string
	}{
		{"GET", svg.Path(), nil, 200, whole, string(svg.Bytes)},
		{"GET", svg.Path() + "/", nil, 200, map[string]string{"Ipfs-Uri": "ipfs://" + svg.ID + "/"}, string(svg.Bytes)},
		{"GET", svg.Path() + "?format=other", nil, 200, whole, string(svg.Bytes)},
		{"GET", svg.Path(), []string{"Accept", "text/html,image/png,*/*"}, 200, whole, string(svg.Bytes)},
		{"HEAD", svg.Path(), nil, 200, whole, ""},
		{"GET", meta.Path(), []string{"Accept", "application/json"}, 200, map[string]string{"Content-Type": "application/json"}, string(meta.Bytes)},
		{"GET", svg.Path() + "?format=raw", nil, 200, block, string(svg.Bytes)},
		{"GET", svg.Path(), []string{"Accept", "text/html;q=0.1, application/vnd.ipld.raw"}, 200, block, string(svg.Bytes)},
		{"GET", svg.Path(), []string{"Accept", typeRaw}, 200, map[string]string{"Content-Location": svg.Path() + "?format=raw"}, string(svg.Bytes)},
		{"GET", svg.Path(), []string{"Range", "bytes=0-4"}, 206, map[string]string{"Content-Length": "5"}, "<svg "},
		{"GET", svg.Path(), []string{"If-None-Match", `"` + svg.ID + `"`}, 304, map[string]string{"Etag": `"` + svg.ID + `"`, "Content-Length": ""}, ""},
		{"GET", "/ipfs/" + probeID + "?format=raw", nil, 200, map[string]string{"Content-Type": typeRaw}, ""},
		{"GET", svg.Path() + "?format=tar", nil, 400, text, "unsupported response format requested\n"}, // boxo has archives
		{"GET", "/ipfs/nonsense", nil, 400, text, "invalid path \"/ipfs/nonsense\": invalid cid: selected encoding not supported\n"},
		{"GET", "/", nil, 400, text, "invalid path \"/\": path does not have enough components\n"},
		{"GET", "/other", nil, 400, text, "invalid path \"/other\": path does not have enough components\n"},
		{"GET", "/ipfs/" + unknown, nil, 404, text, "failed to resolve /ipfs/" + unknown + ": ipld: could not find " + unknown + "\n"},
		{"GET", svg.Path() + "/x", nil, 404, text, "failed to resolve " + svg.Path() + "/x: no link named \"x\" under " + svg.ID + "\n"},
		{"POST", svg.Path(), nil, 405, text, "Method POST not allowed: read only access\n"},
		{"OPTIONS", svg.Path(), nil, 200, map[string]string{"Allow": "GET", "Access-Control-Allow-Methods": "GET"}, ""},
	} {
		resp, body := w.get(tt.method, tt.path, tt.headers...)
		if resp.StatusCode != tt.status || body != tt.body {
			t.Errorf("%s %s %v: %d %q, want %d %q", tt.method, tt.path, tt.headers, resp.StatusCode, body, tt.status, tt.body)
		}
		for name, want := range tt.want {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s %s %v: %s is %q, want %q", tt.method, tt.path, tt.headers, name, got, want)
			}
		}
		if tt.method == "HEAD" && resp.ContentLength != int64(len(svg.Bytes)) {
			t.Errorf("HEAD: a length of %d", resp.ContentLength)
		}
	}
}

// What a provider's front door does is the same for files: rules, draws, capacity, latency, regions and records.
func TestFilesBehindRules(t *testing.T) {
	w, files := store(t, func(c *Config) { c.Latency = 20 * time.Millisecond })
	path := files[3].Path()
	began := time.Now()
	if resp, _ := w.get("GET", path); resp.StatusCode != http.StatusOK || time.Since(began) < 20*time.Millisecond {
		t.Errorf("status %d after %s", resp.StatusCode, time.Since(began))
	}
	half := w.put("c1/http-status/ipfs-io", 0.5, []string{"aws/us-east-1"}, fault.LayerHTTP, 503)
	failed := 0
	for range 60 {
		switch resp, body := w.get("GET", path); resp.StatusCode {
		case http.StatusServiceUnavailable:
			failed++
			if body != "Service Unavailable\n" {
				t.Errorf("503 says %q", body)
			}
		case http.StatusOK:
		default:
			t.Errorf("status %d", resp.StatusCode)
		}
	}
	if _, _, n := half.Counts(); int(n) != failed || failed < 10 || failed > 32 { // 0.35 × 60 = 21
		t.Errorf("%d of 60 failed, %d were counted", failed, n)
	}
	w.gw.Drop(half.ID)
	w.gw.Limit(1)
	limited := 0
	for range 10 {
		if resp, body := w.get("HEAD", path); resp.StatusCode == http.StatusTooManyRequests {
			limited++
			if resp.Header.Get("Retry-After") != "60" || body != "" {
				t.Errorf("Retry-After %q, %q", resp.Header.Get("Retry-After"), body)
			}
		}
	}
	if limited < 7 {
		t.Errorf("%d of 10 were limited", limited)
	}
	calls := w.sink.awaitCalls(t, 71)
	regions := map[string]int{}
	for i, c := range calls {
		regions[c.Region]++
		want := history.Call{N: c.N, Service: "ipfs-io", Region: c.Region, Transport: "http", Method: "GET", Reply: history.ReplyOK, Status: 200, At: c.At, End: c.End}
		switch c.Status {
		case http.StatusServiceUnavailable:
			want.Reply, want.Status, want.Faults = history.ReplyHTTP, 503, []string{half.ID}
		case http.StatusTooManyRequests:
			want.Reply, want.Status, want.RetryAfterS, want.Faults = history.ReplyHTTP, 429, 60, []string{history.CapacityPrefix + "ipfs-io"}
		}
		if i > 60 {
			want.Method = "HEAD"
		}
		if diff := cmp.Diff(want, c); diff != "" {
			t.Errorf("call %d (-want +got):\n%s", i, diff)
		}
	}
	if east := regions["aws/us-east-1"]; east < 35 || east > 62 { // 0.7 × 71 = 50
		t.Errorf("by region: %v", regions)
	}
	if got := w.gw.URL("host:1"); got != "http://host:1" {
		t.Errorf("its address is %s", got)
	}
}

// A handshake for a websocket is a request like any other, and its method stands in the record as short as it can be.
func TestFilesOddRequests(t *testing.T) {
	w, files := store(t, nil)
	resp, body := w.get("GET", files[0].Path(), "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	if resp.StatusCode != http.StatusOK || body != string(files[0].Bytes) {
		t.Errorf("a handshake: %d %q", resp.StatusCode, body)
	}
	if resp, _ := w.get(strings.Repeat("X", 500), files[0].Path()); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("an odd method: %d", resp.StatusCode)
	}
	if got := w.sink.awaitCalls(t, 2)[1].Method; got != strings.Repeat("X", maxMethodLen) {
		t.Errorf("recorded as %q", got)
	}
}

// FuzzFiles asks for anything in any form: there is an answer, and bytes come for a file alone.
func FuzzFiles(f *testing.F) {
	held := content.Files(1)
	files, err := newFiles(held)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("GET", held[0].Path(), "format=raw", "application/vnd.ipld.raw", "bytes=0-4")
	f.Add("HEAD", "/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG/readme", "format=car", "*/*", "bytes=9-1,x")
	f.Add("PATCH", "/ipfs/"+probeID+"/", "%", ",;q", "")
	f.Fuzz(func(t *testing.T, method, path, query, accept, ranges string) {
		r := &http.Request{Method: method, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{"Accept": {accept}, "Range": {ranges}}}
		reply := files.reply(r.WithContext(t.Context()))
		if reply.Status < 200 || reply.Status > 599 {
			t.Errorf("status %d", reply.Status)
		}
		known := slices.ContainsFunc(held, func(h content.File) bool { return bytes.Equal(reply.Body, h.Bytes) })
		if known && reply.Status != http.StatusOK && reply.Status != http.StatusPartialContent { // a range may be all of it
			t.Errorf("a whole file under status %d", reply.Status)
		}
	})
}

// A limit that names a time is held to it in the header and in the words.
func TestFilesRetryAfter(t *testing.T) {
	for after, want := range map[time.Duration]string{0: "60", 5 * time.Second: "5", 1500 * time.Millisecond: "2"} {
		reply := storage{}.RateLimited(fault.Request{RetryAfter: after})
		if got := reply.Header.Get("Retry-After"); got != want || string(reply.Body) != "Too many requests. Please retry after "+want+" seconds.\n" {
			t.Errorf("%s: %q, %q", after, got, reply.Body)
		}
	}
}
