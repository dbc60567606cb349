package gateways

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"blackout/harness/fault"
	"blackout/harness/history"
)

// rule puts a rule of the rpc layer that takes everything, and gives its grip.
func (w *world) rule(id string, rule fault.ReplyRule) *fault.Grip {
	w.t.Helper()
	g := &fault.Grip{ID: id, Service: w.gw.cfg.Service, Seed: w.gw.cfg.Seed}
	g.SetShare(1)
	rule.Grip, rule.Layer = g, fault.LayerRPC
	if err := w.gw.Put(rule); err != nil {
		w.t.Fatal(err)
	}
	return g
}

// losing loses the replies to requests that call a method.
func losing(method string, how fault.Loss) fault.ReplyRule {
	return fault.ReplyRule{Lose: func(r fault.Request) (fault.Loss, bool) {
		for _, c := range r.Calls {
			if c.Method == method {
				return how, true
			}
		}
		return fault.Loss{}, false
	}}
}

func asks(method, id string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"` + method + `","params":[]}`
}

// ask sends one request over HTTP or on a socket of its own, and gives the body of its answer.
func (w *world) ask(transport, body string) string {
	w.t.Helper()
	if transport == transportHTTP {
		return strings.TrimSpace(w.post(body).Body)
	}
	c := w.socket()
	write(w.t, c, body)
	return strings.TrimSpace(read(w.t, c))
}

// touched checks how many requests an effect has counted.
func touched(t *testing.T, g *fault.Grip, want int64) {
	t.Helper()
	if _, _, n := g.Counts(); n != want {
		t.Errorf("%s counted %d requests, want %d", g.ID, n, want)
	}
}

// The transaction of a lost reply is with the node and with the others; only the app does not know.
func TestReplyLost(t *testing.T) {
	mine := newKey(t)
	raw, pay, tx := payment(t, mine, 1e9, "1")
	for name, tc := range map[string]struct {
		how  fault.Loss
		body string
		err  error // of the app's request; nil: it gets a reply
		want reply
		kept history.Call
	}{
		"reset": {how: fault.Loss{Mode: fault.LossReset}, body: pay, err: syscall.ECONNRESET, kept: history.Call{Reply: history.ReplyLost}},
		"hang":  {how: fault.Loss{Mode: fault.LossHang}, body: pay, err: context.DeadlineExceeded, kept: history.Call{Reply: history.ReplyLost}},
		"status": {how: fault.Loss{Mode: fault.LossStatus, Status: 502}, body: pay, want: reply{502, "text/html", ""},
			kept: history.Call{Reply: history.ReplyHTTP, Status: 502}},
		"batch": {how: fault.Loss{Mode: fault.LossReset}, body: `[` + blockNumber + `,` + pay + `]`, err: syscall.ECONNRESET, kept: history.Call{Reply: history.ReplyLost}},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, oneRegion)
			w.known[crypto.PubkeyToAddress(mine.PublicKey)] = "pay#1"
			grip := w.rule("c1", losing(sendRaw, tc.how))
			if got := w.post(blockNumber); got.Status != 200 {
				t.Errorf("a call of another method: %+v", got)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.gw.URL(w.addr), strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			resp, err := w.http.Do(req)
			switch {
			case tc.err == nil && err == nil:
				resp.Body.Close()
				if got := (reply{resp.StatusCode, resp.Header.Get("Content-Type"), ""}); got != tc.want {
					t.Errorf("reply %+v, want %+v", got, tc.want)
				}
			case !errors.Is(err, tc.err):
				t.Errorf("the app saw %v, want %v", err, tc.err)
			}
			kept := w.sink.awaitCalls(t, 2)[1]
			if kept.Reply != tc.kept.Reply || kept.Status != tc.kept.Status || !cmp.Equal(kept.Faults, []string{"c1"}) {
				t.Errorf("recorded %+v", kept)
			}
			touched(t, grip, 1)
			if diff := cmp.Diff([]carried{{"ethereum", "ethereum/op-1", raw}}, w.carried); diff != "" {
				t.Errorf("carried (-want +got):\n%s", diff)
			}
			if sent := pick[history.Sent](w.sink); len(sent) != 1 || sent[0].Tx != tx.Hash().Hex() {
				t.Errorf("sent %+v", sent)
			}
			w.gw.Drop("c1")
			if got := w.post(pay); got.Status != 200 {
				t.Errorf("after the fault: %+v", got)
			}
		})
	}
}

func TestReplyLostOnASocket(t *testing.T) {
	mine := newKey(t)
	raw, pay, _ := payment(t, mine, 1e9, "1")
	for name, tc := range map[string]struct {
		how   fault.Loss
		code  int // the socket's end; 0: it stays
		reply string
	}{
		"reset":  {fault.Loss{Mode: fault.LossReset}, websocket.CloseAbnormalClosure, history.ReplyLost},
		"hang":   {fault.Loss{Mode: fault.LossHang}, 0, history.ReplyLost},
		"status": {fault.Loss{Mode: fault.LossStatus, Status: 503}, websocket.CloseInternalServerErr, history.ReplyHTTP},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, oneRegion)
			w.known[crypto.PubkeyToAddress(mine.PublicKey)] = "pay#1"
			grip := w.rule("c1", losing(sendRaw, tc.how))
			c := w.socket()
			write(t, c, pay)
			if tc.code != 0 {
				if got := closeCode(t, c); got != tc.code {
					t.Errorf("closed with %d, want %d", got, tc.code)
				}
			}
			if kept := w.sink.awaitCalls(t, 2)[1]; kept.Reply != tc.reply || kept.Method != sendRaw {
				t.Errorf("recorded %+v", kept)
			}
			if tc.code == 0 {
				write(t, c, blockNumber)
				if got := read(t, c); got != `{"jsonrpc":"2.0","id":1,"result":"0x7"}` {
					t.Errorf("the next answer is %q", got)
				}
			}
			touched(t, grip, 1)
			if diff := cmp.Diff([]carried{{"ethereum", "ethereum/op-1", raw}}, w.carried); diff != "" {
				t.Errorf("carried (-want +got):\n%s", diff)
			}
		})
	}
}

// A reset is one on the wire, not an orderly end.
func TestResetIsOne(t *testing.T) {
	w := open(t, oneRegion)
	w.rule("c1", losing("eth_blockNumber", fault.Loss{Mode: fault.LossReset}))
	c := w.socket()
	write(t, c, blockNumber)
	if _, err := io.Copy(io.Discard, c.NetConn()); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the socket ended with %v", err)
	}
}

// A hung request ends with the gateway, too.
func TestHangEndsWithTheGateway(t *testing.T) {
	w := open(t, oneRegion)
	grip := w.rule("c1", losing("eth_blockNumber", fault.Loss{Mode: fault.LossHang}))
	ended := make(chan error, 1)
	go func() {
		_, err := w.http.Post(w.gw.URL(w.addr), "application/json", strings.NewReader(blockNumber)) //nolint:noctx // it gets no reply
		ended <- err
	}()
	select {
	case <-grip.Hit():
	case <-t.Context().Done():
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := w.gw.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("the request got a reply")
	}
}

// A request that the gateway answers itself never reached the node: its reply is not lost.
func TestOwnAnswersAreNotLost(t *testing.T) {
	w := open(t, oneRegion)
	lost := w.rule("c1", losing("eth_call", fault.Loss{Mode: fault.LossReset}))
	w.put("c2", 1, nil, fault.LayerRPC, 0, "eth_call")
	if got := w.post(asks("eth_call", "1")); got.Status != 200 || !strings.Contains(got.Body, "header not found") {
		t.Errorf("%+v", got)
	}
	touched(t, lost, 0)
}

// A swallowed transaction has its hash and is nowhere.
func TestTransactionSwallowed(t *testing.T) {
	mine, theirs := newKey(t), newKey(t)
	_, pay, tx := payment(t, mine, 1e9, "1")
	_, foreign, _ := payment(t, theirs, 0, "2")
	swallow := fault.ReplyRule{RPC: func(_ fault.Request, c fault.RPCCall) (fault.RPCError, bool) {
		return fault.RPCError{Result: []byte(`"` + c.Tx + `"`)}, c.Method == sendRaw && c.Tx != ""
	}}
	hash := `{"jsonrpc":"2.0","id":1,"result":"` + tx.Hash().Hex() + `"}`
	for name, tc := range map[string]struct{ body, want string }{
		"alone":         {pay, hash},
		"in a batch":    {`[` + blockNumber + `,` + pay + `]`, `[{"jsonrpc":"2.0","id":1,"result":"0x7"},` + hash + `]`},
		"a foreign one": {foreign, `{"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"` + foreignKey.Message + `"}}`},
	} {
		for _, transport := range []string{transportHTTP, transportWS} {
			t.Run(name+" over "+transport, func(t *testing.T) {
				w := open(t, oneRegion)
				w.known[crypto.PubkeyToAddress(mine.PublicKey)] = "pay#1"
				w.rule("c1", swallow)
				got := w.ask(transport, tc.body)
				if got != tc.want {
					t.Errorf("reply (-want +got):\n%s", cmp.Diff(tc.want, got))
				}
				if len(w.carried)+len(w.nodes["op-1"].raws) > 0 {
					t.Errorf("carried %v, at the node %v", w.carried, w.nodes["op-1"].raws)
				}
				if sent := pick[history.Sent](w.sink); len(sent) != 1 {
					t.Errorf("sent %+v", sent)
				}
			})
		}
	}
}

// first keeps the first of the logs.
func first(w *world) *fault.Grip {
	return w.rule("c1", fault.ReplyRule{Alter: func(r fault.Request, c fault.RPCCall, result []byte) ([]byte, bool) {
		if r.Probe {
			return []byte(`["probed"]`), true
		}
		return []byte(`["a"]`), c.Method == "eth_getLogs" && string(result) == `["a","b","c"]`
	}})
}

func TestAlteredAnswers(t *testing.T) {
	const cut, whole = `{"jsonrpc":"2.0","id":1,"result":["a"]}`, `{"jsonrpc":"2.0","id":2,"result":"0x7"}`
	for name, tc := range map[string]struct {
		body, want string
		touched    int64
	}{
		"alone":         {asks("eth_getLogs", "1"), cut, 1},
		"in a batch":    {`[` + asks("eth_blockNumber", "2") + `,` + asks("eth_getLogs", "1") + `]`, `[` + whole + `,` + cut + `]`, 1},
		"with one id":   {`[` + asks("eth_blockNumber", "1") + `,` + asks("eth_getLogs", "1") + `]`, `[{"jsonrpc":"2.0","id":1,"result":"0x7"},` + cut + `]`, 1},
		"beside an own": {`[` + asks("eth_gone", "3") + `,` + asks("eth_getLogs", "1") + `]`, `[{"jsonrpc":"2.0","id":3,"error":{"code":-32000,"message":"header not found"}},` + cut + `]`, 1},
		"another":       {asks("eth_blockNumber", "2"), whole, 0},
		"an error":      {asks("eth_call", "2"), `{"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"header not found"}}`, 0},
	} {
		for _, transport := range []string{transportHTTP, transportWS} {
			t.Run(name+" over "+transport, func(t *testing.T) {
				w := open(t, oneRegion)
				grip := first(w)
				w.put("c2", 1, nil, fault.LayerRPC, 0, "eth_gone")
				got := w.ask(transport, tc.body)
				if got != tc.want {
					t.Errorf("reply (-want +got):\n%s", cmp.Diff(tc.want, got))
				}
				touched(t, grip, tc.touched)
			})
		}
	}
	w := open(t, oneRegion)
	first(w)
	h := http.Header{}
	Mark(h, testToken, "c1", "op-1")
	if got := w.post(asks("eth_unknown", "1"), probeHeader, h.Get(probeHeader)); got.Body != `{"jsonrpc":"2.0","id":1,"result":["probed"]}` {
		t.Errorf("a probe saw %+v", got)
	}
}

// twoChains adds a node of another chain to a world's one region.
func twoChains(t *testing.T) (*world, *node) {
	other := startNode(t, "base/op-1")
	other.chain = 8453
	w := open(t, func(c *Config) {
		oneRegion(c)
		known := c.Backend
		c.Backend = func(chain, region string) (Backend, error) {
			if chain == "base" {
				return other, nil
			}
			return known(chain, region)
		}
	})
	return w, other
}

func toBase(w *world) *fault.Grip {
	return w.rule("c1", fault.ReplyRule{Lead: func(fault.Request) (string, bool) { return "base", true }})
}

// Requests that are led astray are answered, and their transactions carried, by the other chain.
func TestLedToAnotherChain(t *testing.T) {
	const base, ethereum = `{"jsonrpc":"2.0","id":1,"result":"0x2105"}`, `{"jsonrpc":"2.0","id":1,"result":"0x1"}`
	mine := newKey(t)
	raw, pay, _ := payment(t, mine, 1e9, "1")
	for _, transport := range []string{transportHTTP, transportWS} {
		t.Run(transport, func(t *testing.T) {
			w, other := twoChains(t)
			w.known[crypto.PubkeyToAddress(mine.PublicKey)] = "pay#1"
			ask := func(body string) string { return strings.TrimSpace(w.post(body).Body) }
			opened := 0
			if transport == transportWS {
				c := w.socket()
				opened = 1
				ask = func(body string) string {
					write(t, c, body)
					return strings.TrimSpace(read(t, c))
				}
			}
			id := asks("eth_chainId", "1")
			before := ask(id)
			grip := toBase(w)
			during, batch := ask(id), ask(`[`+id+`]`)
			ask(pay)
			w.gw.Drop("c1")
			after := ask(id)
			if diff := cmp.Diff([]string{ethereum, base, `[` + base + `]`, ethereum}, []string{before, during, batch, after}); diff != "" {
				t.Errorf("chain ids (-want +got):\n%s", diff)
			}
			touched(t, grip, 3)
			var served []string
			for _, c := range w.sink.awaitCalls(t, opened+5)[opened:] {
				served = append(served, c.Chain+">"+c.Served)
			}
			if diff := cmp.Diff([]string{"ethereum>", "ethereum>base", "ethereum>base", "ethereum>base", "ethereum>"}, served); diff != "" {
				t.Errorf("who answered (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]carried{{"base", "base/op-1", raw}}, w.carried); diff != "" {
				t.Errorf("carried (-want +got):\n%s", diff)
			}
			if len(other.raws) != 1 || len(w.nodes["op-1"].raws) != 0 {
				t.Errorf("transactions: %d at the other chain's node, %d at its own", len(other.raws), len(w.nodes["op-1"].raws))
			}
		})
	}
}

// A subscription made meanwhile would go on with the wrong chain for ever: its socket is cut when the way is put right. Others live on.
func TestSubscribedAstray(t *testing.T) {
	w, other := twoChains(t)
	quiet, astray := w.socket(), w.socket()
	toBase(w)
	write(t, quiet, blockNumber)
	read(t, quiet)
	write(t, astray, `{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["heads"]}`)
	read(t, astray)
	other.heads <- 5
	if got := read(t, astray); !strings.Contains(got, `"result":5`) {
		t.Errorf("the subscription gave %s", got)
	}
	w.gw.Drop("c1")
	other.heads <- 6
	if got := closeCode(t, astray); got != websocket.CloseAbnormalClosure {
		t.Errorf("closed with %d, want %d", got, websocket.CloseAbnormalClosure)
	}
	write(t, quiet, blockNumber)
	if got := read(t, quiet); !strings.Contains(got, "0x7") {
		t.Errorf("the socket without a subscription: %s", got)
	}
}

// A chain that the plan gives no node is the harness's own trouble.
func TestLedNowhere(t *testing.T) {
	for _, transport := range []string{transportHTTP, transportWS} {
		w := open(t, oneRegion)
		toBase(w)
		if transport == transportHTTP {
			if got := w.post(blockNumber); got.Status != http.StatusBadGateway {
				t.Errorf("%+v", got)
			}
		} else {
			c := w.socket()
			write(t, c, blockNumber)
			if got := closeCode(t, c); got != websocket.CloseInternalServerErr {
				t.Errorf("closed with %d", got)
			}
		}
		if trouble := pick[history.Trouble](w.sink); len(trouble) != 1 || !strings.Contains(trouble[0].Text, "of base") {
			t.Errorf("%s: trouble %+v", transport, trouble)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	infuraWords := []byte(`{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"x","data":{"backoff_seconds":30}}}`)
	for name, tc := range map[string]struct {
		header string
		body   []byte
		want   float64
	}{
		"seconds":            {"20", nil, 20},
		"a date":             {now.Add(90 * time.Second).Format(http.TimeFormat), nil, 90},
		"a date gone by":     {now.Add(-time.Hour).Format(http.TimeFormat), nil, 0},
		"nonsense":           {"soon", nil, 0},
		"negative":           {"-5", nil, 0},
		"in the data":        {"", infuraWords, 30},
		"in a batch":         {"", []byte(`[{"id":1,"result":1},` + string(infuraWords) + `]`), 30},
		"both":               {"20", infuraWords, 20},
		"a result":           {"", []byte(`{"id":1,"result":{"backoff_seconds":30}}`), 0},
		"data that is text":  {"", []byte(`{"id":1,"error":{"code":1,"data":"\"backoff_seconds\""}}`), 0},
		"not JSON":           {"", []byte(`"backoff_seconds`), 0},
		"neither":            {"", []byte(`{"id":1,"error":{"code":-32005}}`), 0},
		"no whole seconds":   {"1.5", nil, 0},
		"a fraction in data": {"", []byte(`{"id":1,"error":{"data":{"backoff_seconds":0.5}}}`), 0.5},
	} {
		h := http.Header{}
		if tc.header != "" {
			h.Set("Retry-After", tc.header)
		}
		if got := retryAfter(h, tc.body, now); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// What a reply says of when to come back is in the record, whoever wrote the reply.
func TestRetryAfterIsRecorded(t *testing.T) {
	w := open(t, oneRegion)
	last := func() history.Call {
		calls := w.sink.awaitCalls(t, int(w.gw.Requests()))
		return calls[len(calls)-1]
	}
	w.post(blockNumber)
	if got := last().RetryAfterS; got != 0 {
		t.Errorf("a good reply: %v", got)
	}
	g := w.put("c1", 1, nil, fault.LayerHTTP, http.StatusTooManyRequests)
	w.post(blockNumber)
	if got := last().RetryAfterS; got != infuraBackoff {
		t.Errorf("the dialect's words: %v", got)
	}
	if err := w.gw.Put(fault.ReplyRule{Grip: g, Layer: fault.LayerHTTP, HTTP: func(r fault.Request) (fault.HTTPReply, bool) {
		r.RetryAfter = 20 * time.Second
		return r.Dialect.RateLimited(r), true
	}}); err != nil {
		t.Fatal(err)
	}
	w.post(blockNumber)
	if got := last().RetryAfterS; got != 20 {
		t.Errorf("as a rule wants it: %v", got)
	}
	w.gw.Drop("c1")
	w.gw.Limit(0.001)
	w.post(blockNumber)
	w.post(blockNumber)
	if got := last(); got.RetryAfterS != infuraBackoff || got.Status != http.StatusTooManyRequests {
		t.Errorf("its own capacity: %+v", got)
	}
	w.gw.Limit(0)
	c := w.socket()
	w.rule("c2", fault.ReplyRule{RPC: func(fault.Request, fault.RPCCall) (fault.RPCError, bool) {
		return fault.RPCError{Code: -32005, Message: "slow", Data: []byte(`{"backoff_seconds":7}`)}, true
	}})
	write(t, c, blockNumber)
	read(t, c)
	if got := last(); got.RetryAfterS != 7 {
		t.Errorf("on a socket: %+v", got)
	}
}

// A rule acts at one stage, in its layer.
func TestRulesOfOneStage(t *testing.T) {
	w := open(t, oneRegion)
	g := &fault.Grip{ID: "c1", Service: "infura"}
	lead := func(fault.Request) (string, bool) { return "base", true }
	lose := func(fault.Request) (fault.Loss, bool) { return fault.Loss{}, true }
	for _, rule := range []fault.ReplyRule{
		{Grip: g, Layer: fault.LayerRPC}, {Grip: g, Layer: fault.LayerRPC, Lead: lead, Lose: lose}, {Grip: g, Layer: fault.LayerHTTP, Lose: lose},
	} {
		if err := w.gw.Put(rule); err == nil {
			t.Errorf("%+v was taken", rule)
		}
	}
}
