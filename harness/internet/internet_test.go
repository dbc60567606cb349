package internet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"blackout/harness/clock"
	"blackout/harness/content"
	"blackout/harness/fault"
	"blackout/harness/history"
	"blackout/harness/internet/gateways"
	"blackout/harness/plan"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is a JSON-RPC server of go-ethereum's own rpc package that knows a block number.
type node struct {
	name   string
	server *httptest.Server
}

func (n node) Name() string         { return n.name }
func (n node) URL() string          { return n.server.URL }
func (n node) WSURL() string        { return "ws" + strings.TrimPrefix(n.server.URL, "http") }
func (n node) Grips() []*fault.Grip { return nil }

type ethAPI struct{}

func (ethAPI) BlockNumber() hexutil.Uint64 { return 7 }

type sink struct {
	mu      sync.Mutex
	records []history.Record
}

func (s *sink) Add(r history.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, r)
}

func (s *sink) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("%+v", s.records)
}

const ethereum, base, east, west = "ethereum", "base", "aws/us-east-1", "aws/us-west-2"

func services() []plan.Service {
	placement := []plan.Placement{{Region: east, Share: 0.7}, {Region: west, Share: 0.3}}
	backends := func(chains ...string) []plan.Backend {
		var out []plan.Backend
		for _, c := range chains {
			out = append(out, plan.Backend{Chain: c, Region: east, Node: c + "/shared"}, plan.Backend{Chain: c, Region: west, Node: c + "/shared"})
		}
		return out
	}
	return []plan.Service{
		{Name: "infura", Kind: "rpc", Dialect: "infura", Placement: placement, Headroom: 1, Link: true, Backends: backends(ethereum, base),
			Hosts: []plan.Host{{Chain: ethereum, Name: "mainnet.infura.io"}, {Chain: base, Name: "base-mainnet.infura.io"}}},
		{Name: "publicnode", Kind: "rpc", Dialect: "plain", Placement: placement, Rate: 3, Backends: backends(ethereum),
			Hosts: []plan.Host{{Chain: ethereum, Name: "ethereum-rpc.publicnode.com"}}},
	}
}

type world struct {
	t    *testing.T
	net  *Internet
	sink *sink
	http *http.Client
}

func open(t *testing.T, services []plan.Service) *world {
	t.Helper()
	return openAt(t, services, netip.Prefix{})
}

func openAt(t *testing.T, services []plan.Service, addresses netip.Prefix) *world {
	t.Helper()
	w, err := tryOpenAt(t, services, addresses)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func tryOpen(t *testing.T, services []plan.Service) (*world, error) {
	t.Helper()
	return tryOpenAt(t, services, netip.Prefix{})
}

func tryOpenAt(t *testing.T, services []plan.Service, addresses netip.Prefix) (*world, error) {
	t.Helper()
	server := rpc.NewServer()
	if err := server.RegisterName("eth", ethAPI{}); err != nil {
		t.Fatal(err)
	}
	ws := server.WebsocketHandler(nil)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if websocket.IsWebSocketUpgrade(r) {
			ws.ServeHTTP(w, r)
			return
		}
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { server.Stop(); backend.Close() })
	w := &world{t: t, sink: &sink{}}
	transport := &http.Transport{}
	w.http = &http.Client{Transport: transport}
	t.Cleanup(transport.CloseIdleConnections)
	n, err := Open(t.Context(), Config{
		Services: services, Seed: 42, Secret: "secret of the run", Files: content.Files(42), Sites: prices, Sink: w.sink, Clock: clock.Start(), Addresses: addresses,
		Node:  func(name string) (gateways.Backend, error) { return node{name, backend}, nil },
		Carry: func(context.Context, string, string, []byte) {},
		Judge: func(*types.Transaction, common.Address) (string, bool) { return "", true },
		Chain: func(name string) (fault.Chain, error) { return nil, fmt.Errorf("no conductor of %s here", name) },
	})
	w.net = n
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := n.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return w, err
}

const blockNumber = `{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}`

// ask is the app's request.
func (w *world) ask(service, chain string) (status int, body string, err error) {
	w.t.Helper()
	url, _, err := w.net.URL(service, chain)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := w.http.Post(url, "application/json", strings.NewReader(blockNumber))
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(out), err
}

func TestServed(t *testing.T) {
	w := open(t, services())
	for _, at := range []struct{ service, chain string }{{"infura", ethereum}, {"infura", base}, {"publicnode", ethereum}} {
		status, body, err := w.ask(at.service, at.chain)
		if err != nil || status != 200 || body != `{"jsonrpc":"2.0","id":1,"result":"0x7"}` {
			t.Errorf("%v: %d %q %v", at, status, body, err)
		}
		_, ws, err := w.net.URL(at.service, at.chain)
		if err != nil {
			t.Fatal(err)
		}
		c, err := rpc.DialContext(t.Context(), ws)
		if err != nil {
			t.Fatal(err)
		}
		var n hexutil.Uint64
		if err := c.CallContext(t.Context(), &n, "eth_blockNumber"); err != nil || n != 7 {
			t.Errorf("%v over WebSocket: %d %v", at, n, err)
		}
		c.Close()
	}
	for service, want := range map[string][2]int64{"infura": {6, 4}, "publicnode": {3, 2}, "nobody": {0, 0}} {
		if got := [2]int64{w.net.Requests(service), w.net.Opened(service)}; got != want {
			t.Errorf("%s: requests and connections %v, want %v", service, got, want)
		}
	}
	if _, _, err := w.net.URL("publicnode", base); err == nil {
		t.Error("an address for a chain that is not served")
	}
	if _, _, err := w.net.URL("nobody", ethereum); err == nil {
		t.Error("an address for a service that is not there")
	}
	keys := w.net.Keys()
	if len(keys) != 3 {
		t.Errorf("%d secrets, want two keys and the token", len(keys))
	}
	for _, key := range keys {
		if len(key) != 32 || strings.Contains(w.sink.text(), key) {
			t.Errorf("secret %q is of the wrong length, or was recorded", key)
		}
	}
}

// TestGatewayGone: what the app feels because a link cannot reach its own gateway is recorded as trouble of our own, once a service.
func TestGatewayGone(t *testing.T) {
	w := open(t, services())
	if err := w.net.services["infura"].gateway.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if status, body, err := w.ask("infura", ethereum); err == nil {
			t.Errorf("answered %d %q", status, body)
		}
	}
	var got []string
	w.sink.mu.Lock()
	defer w.sink.mu.Unlock()
	for _, r := range w.sink.records {
		if trouble, ok := r.(history.Trouble); ok {
			got = append(got, trouble.Text)
		}
	}
	if len(got) != 1 || !strings.HasPrefix(got[0], "infura: its own gateway does not take a connection of the app: dial tcp 127.0.0.1:") {
		t.Errorf("troubles %q", got)
	}
}

func TestVariables(t *testing.T) {
	w := open(t, services())
	vars := w.net.Variables()
	var names []string
	for name := range vars {
		names = append(names, name)
	}
	slices.Sort(names)
	want := []string{"dns.address"}
	for _, service := range []string{"infura.base", "infura.ethereum", "publicnode.ethereum", "publicnode"} {
		for _, member := range []string{"named_url", "named_ws", "url", "ws"} {
			want = append(want, "service."+service+"."+member)
		}
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	url, ws, err := w.net.URL("publicnode", ethereum)
	if err != nil || vars["service.publicnode.url"] != url || vars["service.publicnode.ws"] != ws {
		t.Errorf("short forms %q, %q, want %q, %q (%v)", vars["service.publicnode.url"], vars["service.publicnode.ws"], url, ws, err)
	}
}

// A probe sees its own effect for certain and no other, on the app's own path, and leaves no trace in the counts.
func TestProbe(t *testing.T) {
	grip := func(id, service string, share float64, regions ...string) *fault.Grip {
		g := &fault.Grip{ID: id, Service: service, Seed: 42, Regions: regions}
		g.SetShare(share)
		return g
	}
	http503 := func(g *fault.Grip) fault.ReplyRule {
		return fault.ReplyRule{Grip: g, Layer: fault.LayerHTTP, HTTP: func(fault.Request) (fault.HTTPReply, bool) { return fault.HTTPReply{Status: 503}, true }}
	}
	rpcError := func(g *fault.Grip) fault.ReplyRule {
		return fault.ReplyRule{Grip: g, Layer: fault.LayerRPC, RPC: func(fault.Request, fault.RPCCall) (fault.RPCError, bool) {
			return fault.RPCError{Code: -32000, Message: "header not found"}, true
		}}
	}
	conn := func(id string, mode fault.ConnMode, share float64, regions ...string) fault.ConnRule {
		return fault.ConnRule{Grip: grip(id, "infura", share, regions...), Mode: mode}
	}
	healthy := fault.Observation{Chain: ethereum, Status: 200, ContentType: "application/json", Head: 7}
	for name, tc := range map[string]struct {
		service string
		reply   *fault.ReplyRule
		conn    *fault.ConnRule
		probe   Probe
		want    fault.Observation
		failed  bool // Error or DialError is set
	}{
		"healthy, through a link": {service: "infura", want: healthy},
		"healthy, without":        {service: "publicnode", want: healthy},
		"another chain":           {service: "infura", probe: Probe{Chain: base}, want: fault.Observation{Chain: base, Status: 200, ContentType: "application/json", Head: 7}},
		"http rule":               {service: "infura", reply: new(http503(grip("a", "infura", 0.001))), probe: Probe{Effect: "a", Region: west}, want: fault.Observation{Chain: ethereum, Status: 503}},
		"another's http rule":     {service: "infura", reply: new(http503(grip("a", "infura", 1))), probe: Probe{Effect: "b"}, want: healthy},
		"http rule elsewhere":     {service: "publicnode", reply: new(http503(grip("a", "publicnode", 1, east))), probe: Probe{Effect: "a", Region: west}, want: healthy},
		"rpc rule": {service: "publicnode", reply: new(rpcError(grip("a", "publicnode", 0.001))), probe: Probe{Effect: "a"},
			want: fault.Observation{Chain: ethereum, Status: 200, ContentType: "application/json", RPCCode: -32000, RPCMessage: "header not found"}},
		"refused":           {service: "infura", conn: new(conn("a", fault.ConnRefuse, 1)), probe: Probe{Effect: "a"}, failed: true, want: fault.Observation{Chain: ethereum, Refused: true}},
		"another's refusal": {service: "infura", conn: new(conn("a", fault.ConnRefuse, 1)), probe: Probe{Effect: "b"}, want: healthy},
		"reset":             {service: "infura", conn: new(conn("a", fault.ConnReset, 1)), probe: Probe{Effect: "a"}, failed: true, want: fault.Observation{Chain: ethereum, Reset: true}},
		"black hole": {service: "infura", conn: new(conn("a", fault.ConnBlackhole, 1)), probe: Probe{Effect: "a", Timeout: 100 * time.Millisecond}, failed: true,
			want: fault.Observation{Chain: ethereum, TimedOut: true}},
		"no such service": {service: "nobody", failed: true},
		"no such chain":   {service: "infura", probe: Probe{Chain: "polygon"}, failed: true, want: fault.Observation{Chain: "polygon"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, services())
			if tc.reply != nil {
				g, err := w.net.Gateway(tc.service)
				if err != nil {
					t.Fatal(err)
				}
				if err := g.Put(*tc.reply); err != nil {
					t.Fatal(err)
				}
			}
			if tc.conn != nil {
				l, err := w.net.Link(tc.service)
				if err != nil {
					t.Fatal(err)
				}
				if err := l.Put(*tc.conn); err != nil {
					t.Fatal(err)
				}
			}
			tc.probe.Service = tc.service
			got := w.net.Probe(t.Context(), tc.probe)
			if got.Took <= 0 && tc.service != "nobody" {
				t.Errorf("took %v", got.Took)
			}
			if failed := got.Error != nil || got.DialError != nil; failed != tc.failed {
				t.Errorf("error %v, dial error %v", got.Error, got.DialError)
			}
			tc.want.Service = tc.service
			got.Took, got.Error, got.DialError = 0, nil, nil
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if r, o := w.net.Requests(tc.service), w.net.Opened(tc.service); r != 0 || o != 0 {
				t.Errorf("the probe was counted: %d requests, %d connections", r, o)
			}
		})
	}
}

// The limit follows what the app itself sent in the baseline, to all services together; before it there is none.
func TestArm(t *testing.T) {
	w := open(t, services())
	send := func(service string, n int) (limited int) {
		for range n {
			status, _, err := w.ask(service, ethereum)
			if err != nil {
				t.Fatal(err)
			}
			if status == http.StatusTooManyRequests {
				limited++
			}
		}
		return limited
	}
	if n := send("infura", 50) + send("publicnode", 50); n != 0 {
		t.Errorf("%d requests were refused before the baseline", n)
	}
	w.net.BeginBaseline()
	if n := send("infura", 20) + send("publicnode", 20); n != 0 {
		t.Errorf("%d requests were refused in the baseline", n)
	}
	w.net.Arm(2 * time.Second) // 20 a second in all: infura takes 40, publicnode its fixed 3
	if n := send("infura", 40); n != 0 {
		t.Errorf("infura refused %d of 40 requests", n)
	}
	if n := send("publicnode", 100); n == 0 || n > 97 {
		t.Errorf("publicnode refused %d of 100 requests, want 1 to 97", n)
	}
}

func TestSurfaceErrors(t *testing.T) {
	w := open(t, services())
	_, noLink := w.net.Link("publicnode")
	_, noService := w.net.Link("nobody")
	_, noGateway := w.net.Gateway("nobody")
	_, noChain := w.net.Chain(ethereum)
	for err, want := range map[error]string{
		noLink:    "service publicnode has no link: the plan has no connection fault for it",
		noService: `the plan has no service "nobody"`,
		noGateway: `the plan has no service "nobody"`,
		noChain:   "no conductor of ethereum here",
	} {
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// What cannot be opened says why, and leaves an Internet that can be closed.
func TestOpenRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		change func([]plan.Service) []plan.Service
		config func(*Config)
		want   string
	}{
		"kind":       {change: func(s []plan.Service) []plan.Service { s[1].Kind = "gopher"; return s }, want: `no front door is made for services of kind "gopher"`},
		"no replies": {change: func(s []plan.Service) []plan.Service { s[1].Kind = "http"; return s }, want: `gateway "publicnode" needs replies`},
		"no files":   {change: func(s []plan.Service) []plan.Service { s[1].Kind = "storage"; return s }, want: `gateway "publicnode" needs files`},
		"dialect":    {change: func(s []plan.Service) []plan.Service { s[1].Dialect = "infra"; return s }, want: `no dialect is called "infra"`},
		"no node":    {change: func(s []plan.Service) []plan.Service { s[1].Backends = nil; return s }, want: "the plan has no node of publicnode for ethereum in aws/us-east-1"},
		"twice":      {change: func(s []plan.Service) []plan.Service { return append(s, s[1]) }, want: "in the plan twice"},
		"no secret":  {config: func(c *Config) { c.Secret = "" }, want: "a secret"},
		"no address": {config: func(c *Config) { c.Listen = "256.0.0.1:0" }, want: "256.0.0.1"},
		"node error": {config: func(c *Config) {
			c.Node = func(string) (gateways.Backend, error) { return nil, errors.New("the node is not there") }
		}, want: "the node is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{
				Services: services(), Secret: "secret", Sink: &sink{}, Clock: clock.Start(),
				Node:  func(name string) (gateways.Backend, error) { return node{name: name}, nil },
				Carry: func(context.Context, string, string, []byte) {},
				Judge: func(*types.Transaction, common.Address) (string, bool) { return "", true },
				Chain: func(string) (fault.Chain, error) { return nil, nil },
			}
			if tc.change != nil {
				cfg.Services = tc.change(cfg.Services)
			}
			if tc.config != nil {
				tc.config(&cfg)
			}
			i, err := Open(t.Context(), cfg)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want it to say %q", err, tc.want)
			}
			if err := i.Close(t.Context()); err != nil {
				t.Errorf("close: %v", err)
			}
			if err := i.Close(t.Context()); err != nil {
				t.Errorf("close again: %v", err)
			}
		})
	}
}
