package gateways

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
)

var untimed = cmpopts.IgnoreFields(history.Call{}, "At", "End")

// What the node says reaches the app unchanged, in status, content type and bytes.
func TestNodeWordsUnchanged(t *testing.T) {
	w := open(t, func(c *Config) { c.Regions = []fault.Region{{Name: "op-1", Share: 1}} })
	for name, tc := range map[string]struct {
		body    string
		headers []string
		want    history.Call
	}{
		"call":           {body: blockNumber, want: history.Call{Method: "eth_blockNumber", Reply: history.ReplyOK, Status: 200}},
		"string id":      {body: `{"jsonrpc":"2.0","id":"a<b","method":"eth_blockNumber"}`, want: history.Call{Method: "eth_blockNumber", Reply: history.ReplyOK, Status: 200}},
		"error":          {body: `{"jsonrpc":"2.0","id":1,"method":"eth_call"}`, want: history.Call{Method: "eth_call", Reply: history.ReplyRPCError, Status: 200, Code: -32000}},
		"unknown method": {body: `{"jsonrpc":"2.0","id":1,"method":"eth_x"}`, want: history.Call{Method: "eth_x", Reply: history.ReplyRPCError, Status: 200, Code: -32601}},
		"batch": {
			body: `[` + blockNumber + `, {"jsonrpc":"2.0","id":2,"method":"eth_call"}]`,
			want: history.Call{Method: "eth_blockNumber,eth_call", Reply: history.ReplyRPCError, Status: 200, Code: -32000},
		},
		"long":               {body: `{"jsonrpc":"2.0","id":1,"method":"eth_logs","params":[3000000]}`, want: history.Call{Method: "eth_logs", Reply: history.ReplyOK, Status: 200}},
		"not JSON":           {body: `{"jsonrpc"`, want: history.Call{Reply: history.ReplyHTTP, Status: 400, Code: -32700}},
		"empty batch":        {body: `[]`, want: history.Call{Reply: history.ReplyRPCError, Status: 200, Code: -32600}},
		"number":             {body: `1`, want: history.Call{Reply: history.ReplyRPCError, Status: 200, Code: -32600}},
		"wrong content type": {body: blockNumber, headers: []string{"Content-Type", "text/html"}, want: history.Call{Method: "eth_blockNumber", Reply: history.ReplyHTTP, Status: 415}},
		"gzip is not asked":  {body: blockNumber, headers: []string{"Accept-Encoding", "gzip"}, want: history.Call{Method: "eth_blockNumber", Reply: history.ReplyOK, Status: 200}},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(w.sink.calls())
			direct, through := w.send(w.nodes["op-1"].URL(), http.MethodPost, tc.body, tc.headers...), w.post(tc.body, tc.headers...)
			if diff := cmp.Diff(direct, through); diff != "" {
				t.Errorf("direct and through the gateway differ (-direct +through):\n%s", diff)
			}
			tc.want.N, tc.want.Service, tc.want.Region, tc.want.Chain, tc.want.Transport = uint64(before), "infura", "op-1", "ethereum", "http"
			calls := w.sink.awaitCalls(t, before+1)[before:]
			if tc.want.Status == 400 { // geth's status for it has changed between versions
				tc.want.Status, tc.want.Reply = through.Status, calls[0].Reply
			}
			if diff := cmp.Diff([]history.Call{tc.want}, calls, untimed); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBodyLimit(t *testing.T) {
	w := open(t, nil)
	got := w.post(`"` + strings.Repeat("x", MaxBody) + `"`)
	want := reply{413, "text/plain; charset=utf-8", fmt.Sprintf("content length too large (%d>%d)\n", MaxBody+2, MaxBody)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Regions and shares are drawn as package fault draws them: the record of each request can be recomputed from its number.
func TestDraws(t *testing.T) {
	w := open(t, nil)
	grip := w.put("c1/http-status/infura", 0.4, []string{"aws/us-east-1"}, fault.LayerHTTP, 503)
	const n = 200
	for range n {
		w.post(blockNumber)
	}
	hits := int64(0)
	for i, c := range w.sink.calls() {
		region, faults, status := "aws/us-west-2", []string(nil), 200
		if fault.Fraction(42, "placement", "infura", uint64(i)) < 0.7 {
			region = "aws/us-east-1"
			if fault.Draw(42, "c1/http-status/infura", "infura", uint64(i), 0.4) {
				faults, status = []string{"c1/http-status/infura"}, 503
				hits++
			}
		}
		if c.N != uint64(i) || c.Region != region || c.Status != status || !cmp.Equal(c.Faults, faults) {
			t.Fatalf("request %d: %+v, want region %s, status %d, faults %v", i, c, region, status, faults)
		}
	}
	if _, _, requests := grip.Counts(); requests != hits || hits == 0 {
		t.Errorf("%d requests touched, want %d, above 0", requests, hits)
	}
	if got := w.gw.Requests(); got != n {
		t.Errorf("%d requests, want %d", got, n)
	}
}

func TestRules(t *testing.T) {
	const batch = `[{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"},{"jsonrpc":"2.0","id":"two","method":"eth_getBalance","params":["0x00000000000000000000000000000000000000aa","latest"]},` +
		`{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}]`
	const faulted = `{"jsonrpc":"2.0","id":"two","error":{"code":-32000,"message":"header not found"}}`
	const seven = `{"jsonrpc":"2.0","id":1,"result":"0x7"}`
	type rule struct {
		id      string
		layer   fault.Layer
		status  int
		methods []string
	}
	rpc := func(id string, status int, methods ...string) rule { return rule{id, fault.LayerRPC, status, methods} }
	for name, tc := range map[string]struct {
		rules  []rule
		body   string
		want   reply
		faults []string
	}{
		"one member of a batch": {
			[]rule{rpc("a", 0, "eth_getBalance")}, batch, reply{200, "application/json", "[" + seven + "," + faulted + "," + seven + "]"}, []string{"a"},
		},
		"all members, with a status": {
			[]rule{rpc("a", 503, "eth_getBalance", "eth_blockNumber")}, `[{"jsonrpc":"2.0","id":"two","method":"eth_getBalance"}]`,
			reply{503, "application/json", "[" + faulted + "]"}, []string{"a"},
		},
		"two rules in one batch": {
			[]rule{rpc("b", 0, "eth_blockNumber"), rpc("a", 0, "eth_getBalance")}, `[{"jsonrpc":"2.0","id":"two","method":"eth_getBalance"},{"jsonrpc":"2.0","id":3,"method":"eth_blockNumber"}]`,
			reply{200, "application/json", "[" + faulted + `,{"jsonrpc":"2.0","id":3,"error":{"code":-32000,"message":"header not found"}}]`}, []string{"a", "b"},
		},
		"the first id wins a call": {
			[]rule{rpc("b", 500, "eth_blockNumber"), rpc("a", 502, "eth_blockNumber")}, blockNumber,
			reply{502, "application/json", `{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"header not found"}}`}, []string{"a"},
		},
		"a notification is left to the node": {
			[]rule{rpc("a", 0, "eth_blockNumber")}, `[{"jsonrpc":"2.0","method":"eth_blockNumber"},` + blockNumber + `]`,
			reply{200, "application/json", `[{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"header not found"}}]`}, []string{"a"},
		},
		"another method": {[]rule{rpc("a", 0, "eth_getLogs")}, blockNumber, reply{200, "application/json", seven}, nil},
		"http before rpc": {
			[]rule{rpc("a", 0, "eth_blockNumber"), {"b", fault.LayerHTTP, 500, nil}, {"c", fault.LayerHTTP, 502, nil}}, blockNumber,
			reply{500, "text/plain; charset=utf-8", "Internal Server Error\n"}, []string{"b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, func(c *Config) { c.Dialect, c.Regions = "plain", []fault.Region{{Name: "op-1", Share: 1}} })
			grips := map[string]*fault.Grip{}
			for _, r := range tc.rules {
				grips[r.id] = w.put(r.id, 1, nil, r.layer, r.status, r.methods...)
			}
			if diff := cmp.Diff(tc.want, w.post(tc.body)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.faults, w.sink.calls()[0].Faults); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			for id, g := range grips {
				_, _, requests := g.Counts()
				want := int64(0)
				for _, f := range tc.faults {
					if f == id {
						want = 1
					}
				}
				if requests != want {
					t.Errorf("%s touched %d requests, want %d", id, requests, want)
				}
				w.gw.Drop(id)
			}
			if got := w.post(blockNumber); got.Body != seven {
				t.Errorf("after all rules are dropped: %+v", got)
			}
		})
	}
}

// The effects that hold the node count the requests that it answers.
func TestChainGripsAreTouched(t *testing.T) {
	w := open(t, func(c *Config) { c.Regions = []fault.Region{{Name: "op-1", Share: 1}} })
	mine, other := &fault.Grip{ID: "lag", Regions: []string{"op-1"}}, &fault.Grip{ID: "far", Regions: []string{"op-2"}}
	w.nodes["op-1"].grips = []*fault.Grip{mine, other}
	w.post(blockNumber)
	if _, _, n := mine.Counts(); n != 1 {
		t.Errorf("the effect in reach touched %d requests, want 1", n)
	}
	if _, _, n := other.Counts(); n != 0 {
		t.Errorf("the effect out of reach touched %d requests, want 0", n)
	}
	if diff := cmp.Diff([]string{"lag"}, w.sink.calls()[0].Faults); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestCapacity(t *testing.T) {
	w := open(t, func(c *Config) { c.Dialect, c.Headroom = "plain", 1 })
	for range 30 {
		if got := w.post(blockNumber); got.Status != 200 {
			t.Fatalf("before it is armed: %+v", got)
		}
	}
	w.gw.Arm(1)
	if got := w.gw.capacity.allowed(); got != minCapacity {
		t.Errorf("allowed %v, want the least, %v", got, minCapacity)
	}
	w.gw.Arm(4)
	if got := w.gw.capacity.allowed(); got != 8 {
		t.Errorf("allowed %v, want 8", got)
	}
	grip := w.put("c1", 1, nil, fault.LayerHTTP, 503)
	for range 20 {
		w.post(blockNumber) // answered by the fault: takes nothing of the capacity
	}
	w.gw.Drop(grip.ID)
	limited := 0
	for range 100 {
		if got := w.post(blockNumber); got.Status == 429 {
			limited++
			calls := w.sink.calls()
			last := calls[len(calls)-1]
			want := history.Call{N: last.N, Region: last.Region, Service: "infura", Chain: "ethereum", Transport: "http", Method: "eth_blockNumber",
				Reply: history.ReplyHTTP, Status: 429, Code: -32005, Faults: []string{"capacity/infura"}}
			if diff := cmp.Diff(want, last, untimed); diff != "" {
				t.Fatalf("record (-want +got):\n%s", diff)
			}
		}
	}
	if limited == 0 || limited > 92 {
		t.Errorf("%d of 100 requests were refused with 8 a second allowed, want 1 to 92", limited)
	}
}

// An app that gives up is recorded as such, and holds nothing up.
func TestAppGoesAway(t *testing.T) {
	w := open(t, func(c *Config) { c.Latency = time.Hour })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for w.gw.Requests() == 0 && clock.Sleep(ctx, time.Millisecond) == nil {
		}
		cancel()
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.gw.URL(w.addr), strings.NewReader(blockNumber))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := w.http.Do(req); err == nil {
		resp.Body.Close()
		t.Fatal("was answered within the latency")
	}
	if c := w.sink.awaitCalls(t, 1)[0]; c.Reply != history.ReplyAborted {
		t.Errorf("record: %+v", c)
	}
	if got := w.gw.Opened(); got != 1 {
		t.Errorf("%d connections opened, want 1", got)
	}
}

func TestLatency(t *testing.T) {
	const latency = 60 * time.Millisecond
	w := open(t, func(c *Config) { c.Latency = latency })
	w.post(blockNumber)
	w.put("c1", 1, nil, fault.LayerHTTP, 503)
	w.post(blockNumber)
	for _, c := range w.sink.calls() {
		if took := (c.End - c.At).Duration(); took < latency {
			t.Errorf("status %d took %v, less than the latency", c.Status, took)
		}
	}
}

// A node that is gone is the harness's own trouble: the app sees 502, and the history says that it was ours.
func TestNodeGone(t *testing.T) {
	w := open(t, func(c *Config) { c.Regions = []fault.Region{{Name: "op-1", Share: 1}} })
	w.nodes["op-1"].server.Close()
	for range 2 {
		if got := w.post(blockNumber); got.Status != 502 {
			t.Errorf("%+v, want 502", got)
		}
	}
	if troubles := pick[history.Trouble](w.sink); len(troubles) != 1 || !strings.Contains(troubles[0].Text, "the node ethereum/op-1 does not answer") {
		t.Errorf("troubles: %+v, want one", troubles)
	}
}

// A kept connection is one connection, however long it rests.
func TestOpenedCountsConnections(t *testing.T) {
	w := open(t, nil)
	for range 3 {
		w.post(blockNumber)
	}
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for w.gw.Opened() < 2 {
		if err := clock.Sleep(t.Context(), time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.gw.Opened(); got != 2 {
		t.Errorf("%d connections, want 2", got)
	}
}
