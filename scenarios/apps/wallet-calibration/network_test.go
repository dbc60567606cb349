package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/ethclient/simulated"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/gorilla/websocket"
)

var (
	hotKey, _ = crypto.HexToECDSA("b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291")
	hot       = crypto.PubkeyToAddress(hotKey.PublicKey)
	alice     = common.HexToAddress("0x00000000000000000000000000000000000a11ce")
	bob       = common.HexToAddress("0x0000000000000000000000000000000000000b0b")
	token     = common.HexToAddress("0x00000000000000000000000000000000000070ce")
	oneEther  = big.NewInt(1e18)
)

// tokenCode emits Transfer(caller, first word of the input, second word).
var tokenCode = slices.Concat([]byte{
	0x60, 0x20, 0x35, 0x60, 0x00, 0x52, // the second word to memory
	0x60, 0x00, 0x35, 0x33, 0x7f, // the topics, last one first
}, transferTopic.Bytes(), []byte{0x60, 0x20, 0x60, 0x00, 0xa3, 0x00})

// network is one real geth node, behind as many fronts as a test needs.
type network struct {
	*simulated.Backend
	client *rpc.Client
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	folder, err := os.MkdirTemp("", "node") // not t.TempDir, whose path can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(folder, "geth.ipc")
	backend := simulated.NewBackend(types.GenesisAlloc{
		hot:   {Balance: new(big.Int).Mul(oneEther, big.NewInt(100))},
		alice: {Balance: new(big.Int).Mul(oneEther, big.NewInt(7))},
		token: {Balance: new(big.Int), Code: tokenCode},
	}, func(c *node.Config, _ *ethconfig.Config) { c.IPCPath = socket })
	client, err := rpc.DialIPC(t.Context(), socket)
	if err != nil {
		t.Fatal(errors.Join(err, backend.Close()))
	}
	t.Cleanup(func() {
		client.Close()
		if err := errors.Join(backend.Close(), os.RemoveAll(folder)); err != nil {
			t.Errorf("close the node: %v", err)
		}
	})
	backend.Commit()
	return &network{Backend: backend, client: client}
}

// The ways in which a front fails.
const (
	healthy    = ""
	out        = "out of service"
	limiting   = "limiting"
	hanging    = "hanging"
	page       = "page"        // HTML in a 200
	noBalance  = "no balance"  // an error in a 200
	poolFull   = "pool full"   // no transaction is taken
	lostReply  = "lost reply"  // transactions are taken, and the connection is cut
	swallowing = "swallowing"  // transactions get their hash, and go nowhere
	someLogs   = "some logs"   // the newest log is left out
	wrongChain = "wrong chain" // chain 5, whose blocks have other hashes
	standing   = "standing"    // its head is block 1
)

// front is one provider: it passes requests to the node, or fails.
type front struct {
	*httptest.Server
	net *network

	mu      sync.Mutex
	mode    string // guarded by mu, as are those below
	asked   int
	sent    []*types.Transaction // whatever became of them
	sockets []*websocket.Conn
}

func (n *network) front(t *testing.T) *front {
	t.Helper()
	f := &front{net: n}
	f.Server = httptest.NewServer(f)
	t.Cleanup(func() { f.cut(); f.Close() })
	return f
}

func (f *front) fail(mode string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mode = mode
}

func (f *front) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

func (f *front) handed() []*types.Transaction {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.sent)
}

// cut ends all sockets.
func (f *front) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.sockets {
		_ = c.Close()
	}
	f.sockets = nil
}

type message struct {
	Version string            `json:"jsonrpc"`
	ID      json.RawMessage   `json:"id"`
	Method  string            `json:"method,omitempty"`
	Params  []json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage   `json:"result,omitempty"`
	Error   *rpcError         `json:"error,omitempty"`
}

func (f *front) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	mode := f.mode
	f.asked++
	f.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	switch mode {
	case out:
		http.Error(rw, "out of service", http.StatusServiceUnavailable)
		return
	case limiting:
		rw.Header().Set("Retry-After", "20")
		http.Error(rw, "too many requests", http.StatusTooManyRequests)
		return
	case hanging:
		<-r.Context().Done()
		return
	case page:
		_, _ = io.WriteString(rw, "<html>Be right back.</html>")
		return
	}
	if websocket.IsWebSocketUpgrade(r) {
		f.announce(rw, r)
		return
	}
	var calls []message
	batch := bytes.HasPrefix(body, []byte("["))
	if !batch {
		body = slices.Concat([]byte("["), body, []byte("]"))
	}
	if err := json.Unmarshal(body, &calls); err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	for i, c := range calls {
		calls[i] = f.answer(r.Context(), c, mode)
		if mode == lostReply && c.Method == "eth_sendRawTransaction" {
			panic(http.ErrAbortHandler)
		}
	}
	var reply any = calls
	if !batch {
		reply = calls[0]
	}
	_ = json.NewEncoder(rw).Encode(reply)
}

// answer passes one call to the node.
func (f *front) answer(ctx context.Context, c message, mode string) message {
	reply := message{Version: "2.0", ID: c.ID}
	switch {
	case c.Method == "eth_sendRawTransaction":
		var raw string
		tx := new(types.Transaction)
		if json.Unmarshal(c.Params[0], &raw) != nil || tx.UnmarshalBinary(common.FromHex(raw)) != nil {
			reply.Error = &rpcError{Code: -32602, Message: "no transaction"}
			return reply
		}
		f.mu.Lock()
		f.sent = append(f.sent, tx)
		f.mu.Unlock()
		switch mode {
		case poolFull:
			reply.Error = &rpcError{Code: -32603, Message: "txpool is full"}
			return reply
		case swallowing:
			reply.Result, _ = json.Marshal(tx.Hash())
			return reply
		}
	case c.Method == "eth_getBlockByNumber" && mode == standing && string(c.Params[0]) == `"latest"`:
		c.Params[0] = json.RawMessage(`"0x1"`)
	case c.Method == "eth_getBalance" && mode == noBalance:
		reply.Error = &rpcError{Code: -32005, Message: "project ID request rate exceeded"}
		return reply
	}
	params := make([]any, len(c.Params))
	for i, p := range c.Params {
		params[i] = p
	}
	err := f.net.client.CallContext(ctx, &reply.Result, c.Method, params...)
	var answered rpc.Error
	switch {
	case errors.As(err, &answered):
		reply.Error = &rpcError{Code: answered.ErrorCode(), Message: answered.Error()}
	case err != nil:
		reply.Error = &rpcError{Code: -32603, Message: err.Error()}
	}
	switch {
	case mode == someLogs && c.Method == "eth_getLogs":
		var logs []json.RawMessage
		if json.Unmarshal(reply.Result, &logs) == nil && len(logs) > 0 {
			reply.Result, _ = json.Marshal(logs[:len(logs)-1])
		}
	case mode == wrongChain && c.Method == "eth_chainId":
		reply.Result = json.RawMessage(`"0x5"`)
	case mode == wrongChain && strings.HasPrefix(c.Method, "eth_getBlock"):
		var block map[string]any
		if json.Unmarshal(reply.Result, &block) == nil && block != nil {
			block["hash"], block["parentHash"] = elsewhere(block["hash"]), elsewhere(block["parentHash"])
			reply.Result, _ = json.Marshal(block)
		}
	}
	return reply
}

// elsewhere is the hash of another chain's block.
func elsewhere(hash any) common.Hash {
	text, _ := hash.(string)
	return crypto.Keccak256Hash([]byte(text))
}

// announce is a subscription to new heads, for as long as the socket is open.
func (f *front) announce(rw http.ResponseWriter, r *http.Request) {
	conn, err := (&websocket.Upgrader{}).Upgrade(rw, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	f.mu.Lock()
	f.sockets = append(f.sockets, conn)
	f.mu.Unlock()
	if _, _, err := conn.ReadMessage(); err != nil {
		return
	}
	heads := make(chan *types.Header, 16)
	sub, err := f.net.client.EthSubscribe(context.Background(), heads, "newHeads")
	if err != nil {
		return
	}
	defer sub.Unsubscribe()
	if conn.WriteMessage(websocket.TextMessage, []byte(`{"jsonrpc":"2.0","id":1,"result":"0x1"}`)) != nil {
		return
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _, _ = conn.ReadMessage()
	}()
	for {
		select {
		case <-gone:
			return
		case <-heads:
			if conn.WriteMessage(websocket.TextMessage, []byte(`{"jsonrpc":"2.0","method":"eth_subscription","params":{}}`)) != nil {
				return
			}
		}
	}
}

// testWallet is a running wallet and its users' way in.
type testWallet struct {
	*wallet
	*httptest.Server
}

// newTestWallet starts a wallet with a flaw, "" for none, that polls each 50 ms. Blocks are held for the present for 70 s.
func newTestWallet(t *testing.T, flaw string, gateways []string, fronts ...*front) *testWallet {
	t.Helper()
	f, err := parseFlaws(flaw)
	if err != nil {
		t.Fatal(err)
	}
	c := config{key: hotKey, chainID: 1337, blockTime: 20 * time.Second, token: token, gateways: gateways, flaws: f}
	for _, front := range fronts {
		c.rpc, c.ws = append(c.rpc, front.URL), append(c.ws, "ws"+strings.TrimPrefix(front.URL, "http"))
	}
	w, err := newWallet(c, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	w.heads.interval = 50 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	background := w.start(ctx)
	server := httptest.NewServer(w.handler())
	t.Cleanup(func() {
		server.CloseClientConnections()
		cancel()
		background.Wait()
		server.Close()
	})
	tw := &testWallet{w, server}
	if len(fronts) > 0 {
		eventually(t, "the wallet sees all providers", func() bool { return len(w.heads.near(head{})) >= len(w.heads.all) && w.payments.known() })
	}
	return tw
}

// known says whether the first look at the chain is done.
func (o *payments) known() bool {
	select {
	case <-o.ready:
		return true
	default:
		return false
	}
}

// said is any of the wallet's JSON answers.
type said struct {
	code     int
	took     time.Duration
	Balance  string
	Block    uint64
	Stale    bool
	ID       string
	Hash     common.Hash
	State    string
	Status   string
	Why      string
	Error    string
	Deposits []struct{ Tx common.Hash }
}

func (w *testWallet) ask(t *testing.T, method, path string, order any) said {
	t.Helper()
	var body io.Reader
	if order != nil {
		text, err := json.Marshal(order)
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.NewReader(text)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, w.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return said{took: time.Since(begun)}
	}
	defer reply.Body.Close()
	a := said{code: reply.StatusCode, took: time.Since(begun)}
	if err := json.NewDecoder(reply.Body).Decode(&a); err != nil {
		t.Fatalf("%s %s: status %d: %v", method, path, reply.StatusCode, err)
	}
	return a
}

func (w *testWallet) get(t *testing.T, path string) said {
	t.Helper()
	return w.ask(t, http.MethodGet, path, nil)
}

func (w *testWallet) pay(t *testing.T, key string) said {
	t.Helper()
	return w.ask(t, http.MethodPost, "/send", map[string]string{"to": bob.Hex(), "wei": "1000", "key": key})
}

// eventually waits for what happens in the background.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
