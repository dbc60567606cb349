package gateways

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testKey   = "0123456789abcdef0123456789abcdef"
	testToken = "token-of-this-run"
)

// node is a JSON-RPC server of go-ethereum's own rpc package with a small eth namespace.
type node struct {
	name   string
	server *httptest.Server
	rpc    *rpc.Server

	mu    sync.Mutex
	grips []*fault.Grip
	raws  []string // of every eth_sendRawTransaction
	heads chan uint64
	gone  chan struct{}
	err   error  // of eth_sendRawTransaction
	chain uint64 // eth_chainId
}

func (n *node) Name() string  { return n.name }
func (n *node) URL() string   { return n.server.URL }
func (n *node) WSURL() string { return "ws" + strings.TrimPrefix(n.server.URL, "http") }
func (n *node) Grips() []*fault.Grip {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.grips
}

// ethAPI is what the node's eth namespace offers.
type ethAPI struct{ n *node }

func (ethAPI) BlockNumber() hexutil.Uint64 { return 7 }

func (ethAPI) GetBalance(common.Address, string) (*hexutil.Big, error) {
	return (*hexutil.Big)(big.NewInt(1e18)), nil
}

func (ethAPI) Call() (string, error) { return "", errors.New("header not found") }

func (a ethAPI) ChainId() hexutil.Uint64 { return hexutil.Uint64(a.n.chain) } //nolint:staticcheck // package rpc makes eth_chainId of this spelling only

func (ethAPI) GetLogs() []string { return []string{"a", "b", "c"} }

func (ethAPI) Logs(size int) string { return strings.Repeat("x", size) }

func (a ethAPI) SendRawTransaction(raw hexutil.Bytes) (common.Hash, error) {
	a.n.mu.Lock()
	defer a.n.mu.Unlock()
	a.n.raws = append(a.n.raws, raw.String())
	return crypto.Keccak256Hash(raw), a.n.err
}

func (a ethAPI) Heads(ctx context.Context) (*rpc.Subscription, error) {
	notifier, ok := rpc.NotifierFromContext(ctx)
	if !ok {
		return nil, rpc.ErrNotificationsUnsupported
	}
	sub := notifier.CreateSubscription()
	go func() {
		for {
			select {
			case h := <-a.n.heads:
				_ = notifier.Notify(sub.ID, h)
			case <-sub.Err():
				return
			case <-a.n.gone:
				return
			}
		}
	}()
	return sub, nil
}

func startNode(t testing.TB, name string) *node {
	t.Helper()
	n := &node{name: name, chain: 1, heads: make(chan uint64), gone: make(chan struct{})}
	server := rpc.NewServer()
	if err := server.RegisterName("eth", ethAPI{n}); err != nil {
		t.Fatal(err)
	}
	n.rpc = server
	ws := server.WebsocketHandler([]string{"*"})
	n.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if websocket.IsWebSocketUpgrade(r) {
			ws.ServeHTTP(w, r)
			return
		}
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		close(n.gone)
		server.Stop()
		n.server.Close()
	})
	return n
}

// sink keeps records.
type sink struct {
	mu      sync.Mutex
	records []history.Record
}

func (s *sink) Add(r history.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, r)
}

func (s *sink) calls() []history.Call { return pick[history.Call](s) }

func pick[T history.Record](s *sink) []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []T
	for _, r := range s.records {
		if r, ok := r.(T); ok {
			out = append(out, r)
		}
	}
	return out
}

// awaitCalls waits until n calls are recorded: a socket's record follows the frame that the test has seen.
func (s *sink) awaitCalls(t *testing.T, n int) []history.Call {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		if calls := s.calls(); len(calls) >= n {
			return calls
		}
		if err := clock.Sleep(ctx, time.Millisecond); err != nil {
			t.Fatalf("%d calls were recorded, want %d: %+v", len(s.calls()), n, s.calls())
		}
	}
}

// carried is what the gateway gave to its carrier.
type carried struct{ Chain, Node, Raw string }

// world is a gateway with its nodes, one a region.
type world struct {
	t     testing.TB
	gw    *Gateway
	nodes map[string]*node
	sink  *sink
	addr  string
	http  *http.Client

	mu      sync.Mutex
	carried []carried
	known   map[common.Address]string // signers of the run → intent of their payments
}

// open starts a world; change may adjust the configuration.
func open(t testing.TB, change func(*Config)) *world {
	t.Helper()
	w := &world{t: t, sink: &sink{}, nodes: map[string]*node{}, known: map[common.Address]string{}}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	w.http = &http.Client{Transport: transport}
	t.Cleanup(transport.CloseIdleConnections)
	cfg := Config{
		Service: "infura", Kind: fault.KindRPC, Dialect: "infura", Key: testKey, Seed: 42, ProbeToken: testToken,
		Regions: []fault.Region{{Name: "aws/us-east-1", Share: 0.7}, {Name: "aws/us-west-2", Share: 0.3}},
		Backend: func(chain, region string) (Backend, error) {
			if n, ok := w.nodes[region]; ok && chain == "ethereum" {
				return n, nil
			}
			return nil, errors.New("no such node")
		},
		Carry: func(_ context.Context, chain, node string, raw []byte) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.carried = append(w.carried, carried{chain, node, hexutil.Encode(raw)})
		},
		Judge: func(_ *types.Transaction, from common.Address) (string, bool) {
			intent, ok := w.known[from]
			return intent, !ok
		},
		Sink: w.sink, Clock: clock.Start(),
	}
	if change != nil {
		change(&cfg)
	}
	for _, r := range cfg.Regions {
		w.nodes[r.Name] = startNode(t, "ethereum/"+r.Name)
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
	if w.addr, err = gw.Open(t.Context(), "ethereum", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	return w
}

// reply is what an app sees.
type reply struct {
	Status int
	Type   string
	Body   string
}

func (w *world) post(body string, headers ...string) reply {
	w.t.Helper()
	return w.send(w.gw.URL(w.addr), http.MethodPost, body, headers...)
}

func (w *world) send(url, method, body string, headers ...string) reply {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header.Get("Content-Type"), string(out)}
}

// put adds a rule that answers every request, or every call of the methods, of the regions.
func (w *world) put(id string, share float64, regions []string, layer fault.Layer, status int, methods ...string) *fault.Grip {
	w.t.Helper()
	g := &fault.Grip{ID: id, Service: w.gw.cfg.Service, Regions: regions, Seed: w.gw.cfg.Seed}
	g.SetShare(share)
	rule := fault.ReplyRule{Grip: g, Layer: layer}
	if layer == fault.LayerHTTP {
		rule.HTTP = func(r fault.Request) (fault.HTTPReply, bool) {
			if status == http.StatusTooManyRequests {
				return r.Dialect.RateLimited(r), true
			}
			return r.Dialect.Unavailable(r, status), true
		}
	} else {
		rule.RPC = func(_ fault.Request, c fault.RPCCall) (fault.RPCError, bool) {
			for _, m := range methods {
				if m == c.Method {
					return fault.RPCError{Code: -32000, Message: "header not found", HTTPStatus: status}, true
				}
			}
			return fault.RPCError{}, false
		}
	}
	if err := w.gw.Put(rule); err != nil {
		w.t.Fatal(err)
	}
	return g
}

// socket dials the gateway's WebSocket; it is closed with the test.
func (w *world) socket() *websocket.Conn {
	w.t.Helper()
	c, resp, err := websocket.DefaultDialer.DialContext(w.t.Context(), w.gw.WSURL(w.addr), nil)
	if err != nil {
		w.t.Fatalf("dial: %v (%+v)", err, resp)
	}
	w.t.Cleanup(func() { c.Close() })
	return c
}

func write(t testing.TB, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, c *websocket.Conn) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, data, err := c.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// closeCode reads until the socket ends and tells how.
func closeCode(t testing.TB, c *websocket.Conn) int {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for {
		_, _, err := c.ReadMessage()
		var ce *websocket.CloseError
		var ne net.Error
		switch {
		case err == nil:
		case errors.As(err, &ce):
			return ce.Code
		case errors.As(err, &ne) && ne.Timeout():
			t.Fatal("the socket stays open")
		default:
			return websocket.CloseAbnormalClosure
		}
	}
}

// payment signs a transfer and gives it as a call.
func payment(t testing.TB, key *ecdsa.PrivateKey, nonce uint64, id string) (raw, call string, tx *types.Transaction) {
	t.Helper()
	to := common.HexToAddress("0x00000000000000000000000000000000000000AA")
	tx, err := types.SignNewTx(key, types.LatestSignerForChainID(big.NewInt(1)), &types.DynamicFeeTx{
		ChainID: big.NewInt(1), Nonce: nonce, To: &to, Value: big.NewInt(5), Gas: 21000, GasFeeCap: big.NewInt(1e9), GasTipCap: big.NewInt(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	enc, err := tx.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	raw = hexutil.Encode(enc)
	return raw, `{"jsonrpc":"2.0","id":` + id + `,"method":"eth_sendRawTransaction","params":["` + raw + `"]}`, tx
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// written gives all records as they would be kept.
func (s *sink) written(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var buf bytes.Buffer
	if err := json.NewEncoder(&buf).Encode(s.records); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

const blockNumber = `{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}`
