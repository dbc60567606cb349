package gateways

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/fault"
)

// The words of each dialect, byte for byte, as an app receives them.
func TestDialectWords(t *testing.T) {
	const key = testKey
	infuraPage := func(title string) string {
		return "<html>\r\n<head><title>" + title + "</title></head>\r\n<body bgcolor=\"white\">\r\n<center><h1>" + title + "</h1></center>\r\n</body>\r\n</html>\r\n"
	}
	infuraRate := func(id string) reply {
		return reply{429, "application/json", `{"jsonrpc":"2.0","id":` + id + `,"error":{"code":-32005,"message":"project ID request rate exceeded",` +
			`"data":{"see":"https://infura.io/docs/ethereum/jsonrpc/ratelimits","current_rps":10,"allowed_rps":10,"backoff_seconds":30}}}`}
	}
	plainRate := reply{429, "application/json", `{"jsonrpc":"2.0","id":"x","error":{"code":-32005,"message":"limit exceeded"}}`}
	const text = "text/plain; charset=utf-8"
	stringID := `{"jsonrpc":"2.0","id":"x","method":"eth_blockNumber"}`
	for name, tc := range map[string]struct {
		dialect, key, path, body string
		status                   int // of a fault; 0: none
		want                     reply
	}{
		"infura, rate":              {"infura", key, "/v3/" + key, blockNumber, 429, infuraRate("1")},
		"infura, rate, string id":   {"infura", key, "/v3/" + key, stringID, 429, infuraRate(`"x"`)},
		"infura, rate, batch":       {"infura", key, "/v3/" + key, "[" + blockNumber + "]", 429, infuraRate("null")},
		"infura, rate, no JSON":     {"infura", key, "/v3/" + key, "{", 429, infuraRate("null")},
		"infura, 503":               {"infura", key, "/v3/" + key, blockNumber, 503, reply{503, "text/html", infuraPage("503 Service Temporarily Unavailable")}},
		"infura, 502":               {"infura", key, "/v3/" + key, blockNumber, 502, reply{502, "text/html", infuraPage("502 Bad Gateway")}},
		"infura, wrong key":         {"infura", key, "/v3/" + key[1:], blockNumber, 0, reply{401, text, "invalid project id\n"}},
		"infura, wrong place":       {"infura", key, "/v2/" + key, blockNumber, 0, reply{404, text, "404 page not found\n"}},
		"infura, socket's place":    {"infura", key, "/ws/v3/" + key, blockNumber, 0, reply{404, text, "404 page not found\n"}},
		"infura, fault before key":  {"infura", key, "/v3/wrong", blockNumber, 500, reply{500, "text/html", infuraPage("500 Internal Server Error")}},
		"plain, rate":               {"plain", "", "/", stringID, 429, plainRate},
		"plain, rate, with key":     {"plain", key, "/" + key, stringID, 429, plainRate},
		"plain, 503":                {"plain", "", "/", blockNumber, 503, reply{503, text, "Service Unavailable\n"}},
		"plain, wrong key":          {"plain", key, "/", blockNumber, 0, reply{401, text, "Unauthorized\n"}},
		"plain, no key, wrong path": {"plain", "", "/x", blockNumber, 0, reply{404, text, "Not Found\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, func(c *Config) { c.Dialect, c.Key = tc.dialect, tc.key })
			if tc.status != 0 {
				w.put("c1", 1, nil, fault.LayerHTTP, tc.status)
			}
			if diff := cmp.Diff(tc.want, w.send("http://"+w.addr+tc.path, "POST", tc.body)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Over its capacity Infura names the app's true rate, and the limit.
func TestInfuraRates(t *testing.T) {
	d, err := newInfura(testKey, func() (float64, float64) { return 13.33333, 10.5 })
	if err != nil {
		t.Fatal(err)
	}
	want := `{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"project ID request rate exceeded",` +
		`"data":{"see":"https://infura.io/docs/ethereum/jsonrpc/ratelimits","current_rps":13.333,"allowed_rps":10.5,"backoff_seconds":30}}}`
	if diff := cmp.Diff(want, string(d.RateLimited(fault.Request{}).Body)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMeter(t *testing.T) {
	var m meter
	for range 8 {
		m.count(500_000)
	}
	if got := m.rate(900_000); got != 8 {
		t.Errorf("in the same second: %v, want 8", got)
	}
	if got := m.rate(1_250_000); got != 6 {
		t.Errorf("a quarter into the next second: %v, want 6", got)
	}
	if got := m.rate(5_000_000); got != 0 {
		t.Errorf("seconds later: %v, want 0", got)
	}
}
