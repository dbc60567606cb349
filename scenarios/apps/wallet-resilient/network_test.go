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
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/ethclient/simulated"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/rpc"
)

var (
	hotKey, _ = crypto.HexToECDSA("b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291")
	hot       = crypto.PubkeyToAddress(hotKey.PublicKey)
	alice     = common.HexToAddress("0x00000000000000000000000000000000000a11ce")
	bob       = common.HexToAddress("0x0000000000000000000000000000000000000b0b")
	oneEther  = big.NewInt(1e18)
)

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
	status503  = "503"
	hang       = "hang"
	reset      = "reset"
	html       = "html"
	nulls      = "nulls"       // every result is null
	frozen     = "frozen"      // the head stays where it was, and later blocks are not known
	wrongChain = "wrong chain" // another chain id and other block hashes
	lostReply  = "lost reply"  // transactions are taken, and the connection is cut instead of an answer
)

// front is one provider: it passes requests to the node, or fails.
type front struct {
	*httptest.Server
	net *network

	mu    sync.Mutex
	mode  string            // guarded by mu, as are those below
	head  json.RawMessage   // that a frozen front shows
	asked map[string]int    // by method
	raw   []json.RawMessage // transactions that were handed in, whatever became of the answer
}

func (n *network) front(t *testing.T) *front {
	t.Helper()
	f := &front{net: n, asked: map[string]int{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

// fail sets how the front behaves from now on.
func (f *front) fail(t *testing.T, mode string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mode = mode
	if mode == frozen {
		if err := f.net.client.Call(&f.head, "eth_getBlockByNumber", "latest", false); err != nil {
			t.Fatal(err)
		}
	}
}

func (f *front) handed() []json.RawMessage {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.raw
}

type message struct {
	Version string            `json:"jsonrpc"`
	ID      json.RawMessage   `json:"id"`
	Method  string            `json:"method,omitempty"`
	Params  []json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage   `json:"result,omitempty"`
	Error   *failure          `json:"error,omitempty"`
}

type failure struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (f *front) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	f.mu.Lock()
	mode := f.mode
	f.mu.Unlock()
	switch mode {
	case status503:
		http.Error(rw, "service unavailable", http.StatusServiceUnavailable)
		return
	case hang:
		<-r.Context().Done()
		return
	case reset:
		panic(http.ErrAbortHandler)
	case html:
		_, _ = io.WriteString(rw, "<html>Be right back.</html>")
		return
	}
	batch := bytes.HasPrefix(bytes.TrimSpace(body), []byte("["))
	var calls []message
	if batch {
		err = json.Unmarshal(body, &calls)
	} else {
		calls = make([]message, 1)
		err = json.Unmarshal(body, &calls[0])
	}
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	for i, c := range calls {
		calls[i] = f.answer(r.Context(), c, mode)
		if mode == lostReply && c.Method == "eth_sendRawTransaction" {
			panic(http.ErrAbortHandler)
		}
	}
	rw.Header().Set("Content-Type", "application/json")
	if batch {
		err = json.NewEncoder(rw).Encode(calls)
	} else {
		err = json.NewEncoder(rw).Encode(calls[0])
	}
	if err != nil && r.Context().Err() == nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
	}
}

// answer passes one call to the node.
func (f *front) answer(ctx context.Context, c message, mode string) message {
	f.mu.Lock()
	f.asked[c.Method]++
	if c.Method == "eth_sendRawTransaction" {
		f.raw = append(f.raw, c.Params[0])
	}
	head := f.head
	f.mu.Unlock()
	reply := message{Version: "2.0", ID: c.ID}
	params := make([]any, len(c.Params))
	for i, p := range c.Params {
		params[i] = p
	}
	err := f.net.client.CallContext(ctx, &reply.Result, c.Method, params...)
	var answered rpc.Error
	switch {
	case errors.As(err, &answered):
		reply.Error = &failure{answered.ErrorCode(), answered.Error()}
	case err != nil:
		reply.Error = &failure{-32603, err.Error()}
	}
	switch {
	case mode == nulls:
		reply.Result, reply.Error = json.RawMessage("null"), nil
	case mode == frozen && c.Method == "eth_getBlockByNumber":
		reply.Result = head
	case mode == frozen && c.Method == "eth_getBalance", mode == wrongChain && c.Method == "eth_getBalance":
		reply.Result, reply.Error = nil, &failure{-32000, "header not found"}
	case mode == wrongChain && c.Method == "eth_chainId":
		reply.Result = json.RawMessage(`"0x1"`)
	}
	return reply
}

// testClock is the real time and what a test adds to it.
type testClock struct{ ahead atomic.Int64 }

func (c *testClock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *testClock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// testWallet is a running wallet and its users' way in.
type testWallet struct {
	*wallet
	*testClock
	*httptest.Server
}

// newTestWallet starts a wallet that polls its providers every 20 ms and holds blocks for the present for 70 s.
func newTestWallet(t *testing.T, fronts ...*front) *testWallet {
	t.Helper()
	c := config{key: hotKey, chainID: big.NewInt(1337), blockTime: 20 * time.Second}
	for _, f := range fronts {
		c.rpcURLs = append(c.rpcURLs, f.URL)
	}
	clock := new(testClock)
	w, err := newWallet(c, clock.now)
	if err != nil {
		t.Fatal(err)
	}
	w.heads.interval = 20 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	background := w.start(ctx)
	server := httptest.NewServer(w.handler())
	t.Cleanup(func() {
		server.Close()
		cancel()
		background.Wait()
		for _, p := range w.heads.providers {
			p.rpc.Close()
		}
	})
	return &testWallet{w, clock, server}
}

// answer is any of the wallet's JSON answers.
type answer struct {
	code    int
	Address string
	Balance string
	Block   uint64
	Stale   bool
	ID      string
	Hash    string
	State   string
	Status  string
	Error   string
}

func (w *testWallet) ask(t *testing.T, method, path string, order any) answer {
	t.Helper()
	body, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, w.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	a := answer{code: reply.StatusCode}
	if err := json.NewDecoder(reply.Body).Decode(&a); err != nil {
		t.Fatalf("%s %s: status %d: %v", method, path, reply.StatusCode, err)
	}
	return a
}

func (w *testWallet) get(t *testing.T, path string) answer {
	t.Helper()
	return w.ask(t, http.MethodGet, path, nil)
}

func (w *testWallet) send(t *testing.T, to common.Address, wei, key string) answer {
	t.Helper()
	return w.ask(t, http.MethodPost, "/send", map[string]string{"to": to.Hex(), "wei": wei, "key": key})
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
