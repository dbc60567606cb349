package gateways

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/canned"
	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
)

// serve opens a gateway of a kind that has no nodes.
func serve(t *testing.T, cfg Config) *world {
	t.Helper()
	w := &world{t: t, sink: &sink{}}
	transport := &http.Transport{DisableCompression: true}
	w.http = &http.Client{Transport: transport}
	t.Cleanup(transport.CloseIdleConnections)
	cfg.Seed, cfg.ProbeToken, cfg.Sink, cfg.Clock = 42, testToken, w.sink, clock.Start()
	cfg.Regions = []fault.Region{{Name: "aws/us-east-1", Share: 0.7}, {Name: "aws/us-west-2", Share: 0.3}}
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
	return w
}

// feed is a price feed with a file, a reply and one that fails.
func feed(t *testing.T) *world {
	t.Helper()
	request := func(text string) canned.Pattern {
		p, err := canned.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	return serve(t, Config{Service: "prices", Kind: fault.KindHTTP, Dialect: "plain", Key: testKey, Site: &canned.Site{
		Files: []canned.File{{Name: "v2/rates.json", Bytes: []byte(`{"error":{"code":7},"rates":{}}`)}},
		Replies: []canned.Reply{
			{Request: request("POST /orders"), JSON: map[string]any{"side": "buy"}, Status: 201, Header: map[string]string{"X-Id": "9"}, Answer: []canned.Part{{Text: "bought"}}, Type: canned.TypeText},
			{Request: request("GET /old"), Status: 410, Header: map[string]string{"access-control-allow-origin": "https://a.example"}},
		},
	}})
}

func TestWeb(t *testing.T) {
	w := feed(t)
	for _, tt := range []struct {
		method, path string
		headers      []string
		status       int
		want         map[string]string
		body         string
	}{
		{"GET", "/v2/rates", nil, 200, map[string]string{"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"}, `{"error":{"code":7},"rates":{}}`},
		{"HEAD", "/v2/rates", nil, 200, map[string]string{"Content-Length": "31"}, ""},
		{"GET", "/old", nil, 410, map[string]string{"Access-Control-Allow-Origin": "https://a.example"}, ""},
		{"OPTIONS", "/orders", []string{"Access-Control-Request-Headers", "x-key"}, 204, map[string]string{"Access-Control-Allow-Headers": "x-key", "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}, ""},
		{"POST", "/orders", nil, 404, map[string]string{"Access-Control-Allow-Origin": "*"}, "the world has no reply of prices to POST /orders\n"},
		{"GET", "/v2/rates", []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}, 200, nil, `{"error":{"code":7},"rates":{}}`},
	} {
		resp, body := w.get(tt.method, tt.path, tt.headers...)
		if resp.StatusCode != tt.status || body != tt.body {
			t.Errorf("%s %s: %d %q", tt.method, tt.path, resp.StatusCode, body)
		}
		for name, want := range tt.want {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s %s: %s is %q", tt.method, tt.path, name, got)
			}
		}
	}
	resp, err := w.http.Post(w.gw.URL(w.addr)+"/orders", "application/json", strings.NewReader(`{"side":"buy"}`))
	if err != nil || resp.StatusCode != http.StatusCreated || resp.Header.Get("X-Id") != "9" {
		t.Fatalf("an order: %v %v", resp, err)
	}
	resp.Body.Close()
	calls := w.sink.awaitCalls(t, 7)
	// What looks like an error of JSON-RPC in a body is none here.
	want := history.Call{Service: "prices", Region: calls[0].Region, Transport: "http", Method: "GET", Reply: history.ReplyOK, Status: 200, At: calls[0].At, End: calls[0].End}
	if diff := cmp.Diff(want, calls[0]); diff != "" {
		t.Errorf("the first call (-want +got):\n%s", diff)
	}
	if got := w.gw.URL("host:1"); got != "http://host:1" || w.gw.Requests() != 7 {
		t.Errorf("its address is %s, it had %d requests", got, w.gw.Requests())
	}
}

// What a provider's front door does is the same for replies: rules, capacity, and words of its own.
func TestWebBehindRules(t *testing.T) {
	w := feed(t)
	down := w.put("c1/http-status/prices", 1, nil, fault.LayerHTTP, 503)
	if resp, body := w.get("GET", "/v2/rates"); resp.StatusCode != http.StatusServiceUnavailable || body != "Service Unavailable\n" {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
	w.gw.Drop(down.ID)
	w.gw.Limit(1)
	limited := 0
	for range 10 {
		resp, body := w.get("GET", "/v2/rates")
		if resp.StatusCode != http.StatusTooManyRequests {
			continue
		}
		if limited++; resp.Header.Get("Retry-After") != "60" || body != "Too Many Requests\n" {
			t.Errorf("Retry-After %q, %q", resp.Header.Get("Retry-After"), body)
		}
	}
	if limited < 7 {
		t.Errorf("%d of 10 were limited", limited)
	}
	if reply := (web{}).RateLimited(fault.Request{RetryAfter: 1500 * time.Millisecond}); reply.Header.Get("Retry-After") != "2" {
		t.Errorf("told to come back after %s", reply.Header.Get("Retry-After"))
	}
}

// TestWebSaysWhatItLacks holds that each request without a reply is noted once, up to a number.
func TestWebSaysWhatItLacks(t *testing.T) {
	w := feed(t)
	for n := range 2 * (maxWanting + 10) {
		w.get("GET", fmt.Sprintf("/none/%d", n/2))
	}
	notes := pick[history.Note](w.sink)
	if len(notes) != maxWanting || !slices.ContainsFunc(notes, func(n history.Note) bool {
		return n.Text == `gateway prices: the app was answered 404 to "GET /none/0", since the world has no reply to it: add one to services.prices.replies`
	}) {
		t.Errorf("%d notes: %v", len(notes), notes)
	}
}
