package gateways

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
)

func oneRegion(c *Config) { c.Regions = []fault.Region{{Name: "op-1", Share: 1}} }

func TestSocket(t *testing.T) {
	w := open(t, oneRegion)
	mine := newKey(t)
	w.known[crypto.PubkeyToAddress(mine.PublicKey)] = "pay#1"
	raw, pay, tx := payment(t, mine, 1e9, "9")
	_, theirPay, _ := payment(t, newKey(t), 0, "10")
	w.put("c1", 1, nil, fault.LayerRPC, 0, "eth_getBalance")
	c := w.socket()
	const faulted = `{"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"header not found"}}`
	const balance = `{"jsonrpc":"2.0","id":2,"method":"eth_getBalance","params":[]}`
	for _, tc := range []struct {
		say, hear string
		record    history.Call
	}{
		{blockNumber, `{"jsonrpc":"2.0","id":1,"result":"0x7"}`, history.Call{Method: "eth_blockNumber", Reply: history.ReplyOK}},
		{balance, faulted, history.Call{Method: "eth_getBalance", Reply: history.ReplyRPCError, Code: -32000, Faults: []string{"c1"}}},
		{
			"[" + balance + "," + blockNumber + "]", "[" + faulted + `,{"jsonrpc":"2.0","id":1,"result":"0x7"}]`,
			history.Call{Method: "eth_getBalance,eth_blockNumber", Reply: history.ReplyRPCError, Code: -32000, Faults: []string{"c1"}},
		},
		{"[" + balance + "]", "[" + faulted + "]", history.Call{Method: "eth_getBalance", Reply: history.ReplyRPCError, Code: -32000, Faults: []string{"c1"}}},
		{"[" + balance + `,{"jsonrpc":"2.0","method":"eth_blockNumber"}]`, "[" + faulted + "]",
			history.Call{Method: "eth_getBalance,eth_blockNumber", Reply: history.ReplyRPCError, Code: -32000, Faults: []string{"c1"}}},
		{`[]`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"empty batch"}}`, history.Call{Reply: history.ReplyRPCError, Code: -32600}},
		{pay, `{"jsonrpc":"2.0","id":9,"result":"` + tx.Hash().Hex() + `"}`, history.Call{Method: sendRaw, Reply: history.ReplyOK}},
		{theirPay, `{"jsonrpc":"2.0","id":10,"error":{"code":-32000,"message":"` + foreignKey.Message + `"}}`, history.Call{Method: sendRaw, Reply: history.ReplyRPCError, Code: -32000}},
	} {
		n := len(w.sink.calls())
		write(t, c, tc.say)
		if got := read(t, c); got != tc.hear {
			t.Errorf("%s (-want +got):\n%s", tc.say, cmp.Diff(tc.hear, got))
		}
		tc.record.N, tc.record.Service, tc.record.Region, tc.record.Chain, tc.record.Transport = uint64(n), "infura", "op-1", "ethereum", "ws"
		if diff := cmp.Diff(tc.record, w.sink.awaitCalls(t, n+1)[n], untimed); diff != "" {
			t.Errorf("%s: record (-want +got):\n%s", tc.say, diff)
		}
	}
	if diff := cmp.Diff([]string{raw}, w.nodes["op-1"].raws); diff != "" {
		t.Errorf("at the node (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]carried{{"ethereum", "ethereum/op-1", raw}}, w.carried); diff != "" {
		t.Errorf("carried (-want +got):\n%s", diff)
	}
	opening := history.Call{Service: "infura", Region: "op-1", Chain: "ethereum", Transport: "ws", Method: history.MethodUpgrade, Reply: history.ReplyOK, Status: 101}
	if diff := cmp.Diff(opening, w.sink.calls()[0], untimed); diff != "" {
		t.Errorf("record of the opening (-want +got):\n%s", diff)
	}
}

func TestSubscription(t *testing.T) {
	w := open(t, oneRegion)
	c := w.socket()
	write(t, c, `{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["heads"]}`)
	var id string
	if _, err := fmt.Sscanf(strings.ReplaceAll(read(t, c), `"`, " "), `{ jsonrpc : 2.0 , id :1, result : %s }`, &id); err != nil {
		t.Fatal(err)
	}
	for n := range uint64(5) {
		w.nodes["op-1"].heads <- n
		want := fmt.Sprintf(`{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"%s","result":%d}}`, id, n)
		if got := read(t, c); got != want {
			t.Errorf("(-want +got):\n%s", cmp.Diff(want, got))
		}
	}
	if calls := w.sink.calls(); len(calls) != 2 || calls[1].Method != "eth_subscribe" {
		t.Errorf("notifications are no calls: %+v", calls)
	}
}

// Rules that answer whole requests close an open socket, in their turn after what was already answered.
func TestRulesOnAnOpenSocket(t *testing.T) {
	for name, tc := range map[string]struct{ status, code int }{
		"429": {429, websocket.CloseTryAgainLater}, "503": {503, websocket.CloseInternalServerErr}, "403": {403, websocket.ClosePolicyViolation},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, func(c *Config) { oneRegion(c); c.Latency = 20 * time.Millisecond })
			c := w.socket()
			write(t, c, blockNumber)
			for w.gw.Requests() < 2 {
				if err := clock.Sleep(t.Context(), time.Millisecond); err != nil {
					t.Fatal(err)
				}
			}
			grip := w.put("c1", 1, nil, fault.LayerHTTP, tc.status)
			write(t, c, blockNumber)
			if got := closeCode(t, c); got != tc.code {
				t.Errorf("closed with %d, want %d", got, tc.code)
			}
			// On a busy machine the request before it may not be answered yet: it is recorded as aborted then, and later.
			calls := w.sink.awaitCalls(t, 3)
			last := slices.MaxFunc(calls, func(a, b history.Call) int { return int(a.N) - int(b.N) })
			if last.Reply != history.ReplyHTTP || last.Status != tc.status || !cmp.Equal(last.Faults, []string{"c1"}) {
				t.Errorf("record: %+v", last)
			}
			if _, _, n := grip.Counts(); n != 1 {
				t.Errorf("%d requests touched, want 1", n)
			}
		})
	}
	t.Run("capacity", func(t *testing.T) {
		w := open(t, oneRegion)
		c := w.socket()
		w.gw.Limit(1)
		write(t, c, blockNumber)
		read(t, c)
		write(t, c, blockNumber)
		if got := closeCode(t, c); got != websocket.CloseTryAgainLater {
			t.Errorf("closed with %d, want %d", got, websocket.CloseTryAgainLater)
		}
	})
	t.Run("200 cannot be said on a socket", func(t *testing.T) {
		w := open(t, oneRegion)
		grip := w.put("c1", 0, nil, fault.LayerHTTP, 200)
		c := w.socket()
		grip.SetShare(1)
		write(t, c, blockNumber)
		if got := read(t, c); got != `{"jsonrpc":"2.0","id":1,"result":"0x7"}` {
			t.Error(got)
		}
	})
}

func TestUpgradeRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		path   string
		status int // of a fault
		want   int
	}{
		"by a rule": {"/ws/v3/" + testKey, 503, 503}, "wrong key": {"/ws/v3/x", 0, 401}, "wrong place": {"/v3/" + testKey, 0, 404},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, oneRegion)
			if tc.status != 0 {
				w.put("c1", 1, nil, fault.LayerHTTP, tc.status)
			}
			c, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+w.addr+tc.path, nil)
			if err == nil {
				c.Close()
				t.Fatal("was opened")
			}
			if !errors.Is(err, websocket.ErrBadHandshake) || resp.StatusCode != tc.want {
				t.Errorf("%v, status %d, want %d", err, resp.StatusCode, tc.want)
			}
			if call := w.sink.awaitCalls(t, 1)[0]; call.Method != history.MethodUpgrade || call.Reply != history.ReplyHTTP || call.Status != tc.want {
				t.Errorf("record: %+v", call)
			}
		})
	}
}

// An app that does not read loses its own socket; the others go on.
func TestSlowReader(t *testing.T) {
	w := open(t, oneRegion)
	w.gw.outboxBytes = 1 << 20
	slow, quick := w.socket(), w.socket()
	for range 20 { // 20 MiB: more than the outbox and both ends' socket buffers take
		write(t, slow, `{"jsonrpc":"2.0","id":1,"method":"eth_logs","params":[1048576]}`)
	}
	for range 20 {
		write(t, quick, blockNumber)
		read(t, quick)
	}
	calls := w.sink.awaitCalls(t, 2+20+20)
	aborted := 0
	for _, c := range calls {
		if c.Reply == history.ReplyAborted {
			aborted++
		}
	}
	if aborted == 0 {
		t.Error("20 MiB were kept for an app that does not read")
	}
	if got := closeCode(t, slow); got != websocket.CloseAbnormalClosure {
		t.Errorf("closed with %d, want %d", got, websocket.CloseAbnormalClosure)
	}
}

// Latency delays each message of the node and keeps their order.
func TestSocketLatency(t *testing.T) {
	const latency = 50 * time.Millisecond
	w := open(t, func(c *Config) { oneRegion(c); c.Latency = latency })
	c := w.socket()
	for range 10 {
		write(t, c, blockNumber)
	}
	for range 10 {
		read(t, c)
	}
	for _, c := range w.sink.awaitCalls(t, 11)[1:] {
		if took := (c.End - c.At).Duration(); took < latency {
			t.Errorf("took %v, less than the latency", took)
		}
	}
}

// When the gateway closes, sockets end, and what was not answered is recorded as aborted.
func TestSocketEndsWithGateway(t *testing.T) {
	w := open(t, oneRegion)
	c := w.socket()
	grip := &fault.Grip{ID: "c1", Service: "infura"}
	grip.SetShare(1)
	if err := w.gw.Put(fault.ReplyRule{Grip: grip, Layer: fault.LayerHTTP, HTTP: func(fault.Request) (fault.HTTPReply, bool) {
		return fault.HTTPReply{Status: 503, Delay: time.Hour}, true
	}}); err != nil {
		t.Fatal(err)
	}
	write(t, c, blockNumber)
	for w.gw.Requests() < 2 {
		if err := clock.Sleep(t.Context(), time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := w.gw.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if got := closeCode(t, c); got != websocket.CloseAbnormalClosure {
		t.Errorf("closed with %d, want %d", got, websocket.CloseAbnormalClosure)
	}
	if calls := w.sink.calls(); len(calls) != 2 || calls[1].Reply != history.ReplyAborted {
		t.Errorf("records: %+v", calls)
	}
	if _, err := w.gw.Open(t.Context(), "ethereum", "127.0.0.1:0"); err == nil {
		t.Error("a closed gateway opens")
	}
}

// A node that hangs up takes the socket with it, in its own words.
func TestNodeHangsUp(t *testing.T) {
	w := open(t, oneRegion)
	c := w.socket()
	write(t, c, blockNumber)
	read(t, c)
	w.nodes["op-1"].rpc.Stop()
	if got := closeCode(t, c); got != websocket.CloseNormalClosure {
		t.Errorf("closed with %d, want geth's %d", got, websocket.CloseNormalClosure)
	}
}
