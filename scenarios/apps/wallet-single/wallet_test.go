package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/ethclient/simulated"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/rpc"
)

var (
	hotKey, _ = crypto.HexToECDSA("b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291")
	hot       = crypto.PubkeyToAddress(hotKey.PublicKey)
	bob       = common.HexToAddress("0x0000000000000000000000000000000000000b0b")
)

// provider is a real geth node behind a front that can fail.
type provider struct {
	*simulated.Backend
	*httptest.Server
	down      atomic.Bool // every request is answered with 503
	loseReply atomic.Bool // transactions are taken, and the connection is cut instead of an answer
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	folder, err := os.MkdirTemp("", "node") // not t.TempDir, whose path can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(folder, "geth.ipc")
	funds := new(big.Int).Mul(big.NewInt(1e18), big.NewInt(100))
	backend := simulated.NewBackend(types.GenesisAlloc{hot: {Balance: funds}}, func(c *node.Config, _ *ethconfig.Config) { c.IPCPath = socket })
	client, err := rpc.DialIPC(t.Context(), socket)
	if err != nil {
		t.Fatal(errors.Join(err, backend.Close()))
	}
	backend.Commit()
	p := &provider{Backend: backend}
	p.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { p.serve(rw, r, client) }))
	t.Cleanup(func() {
		p.Server.Close()
		client.Close()
		if err := errors.Join(backend.Close(), os.RemoveAll(folder)); err != nil {
			t.Errorf("close the node: %v", err)
		}
	})
	return p
}

func (p *provider) serve(rw http.ResponseWriter, r *http.Request, client *rpc.Client) {
	if p.down.Load() {
		http.Error(rw, "service unavailable", http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(r.Body)
	var call struct {
		ID     json.RawMessage
		Method string
		Params []any
	}
	if err := errors.Join(err, json.Unmarshal(body, &call)); err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	reply := map[string]any{"jsonrpc": "2.0", "id": call.ID}
	var result json.RawMessage
	if err := client.CallContext(r.Context(), &result, call.Method, call.Params...); err != nil {
		reply["error"] = map[string]any{"code": -32000, "message": err.Error()}
	} else {
		reply["result"] = result
	}
	if p.loseReply.Load() && call.Method == "eth_sendRawTransaction" {
		panic(http.ErrAbortHandler)
	}
	rw.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(rw).Encode(reply); err != nil && r.Context().Err() == nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
	}
}

func newTestWallet(t *testing.T, p *provider) *httptest.Server {
	t.Helper()
	client, err := ethclient.DialContext(t.Context(), p.URL)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(newWallet(client, hotKey, nil).handler())
	t.Cleanup(func() {
		server.Close()
		client.Close()
	})
	return server
}

func ask(t *testing.T, method, url string, order any) (int, map[string]string) {
	t.Helper()
	body, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	got := map[string]string{}
	if err := json.NewDecoder(reply.Body).Decode(&got); err != nil {
		t.Fatalf("%s %s: status %d: %v", method, url, reply.StatusCode, err)
	}
	return reply.StatusCode, got
}

func TestHealthy(t *testing.T) {
	p := newProvider(t)
	w := newTestWallet(t, p)
	if code, got := ask(t, http.MethodGet, w.URL+"/balance/"+hot.Hex(), nil); code != http.StatusOK || got["balance"] != "100.000000" {
		t.Errorf("balance: %d %v", code, got)
	}
	const payments = 20
	ids := make([]string, payments)
	var users sync.WaitGroup
	for i := range ids {
		users.Go(func() {
			code, got := ask(t, http.MethodPost, w.URL+"/send", map[string]string{"to": bob.Hex(), "wei": "1000", "key": fmt.Sprint("order-", i)})
			if code != http.StatusOK || got["state"] != "pending" {
				t.Errorf("payment %d: %d %v", i, code, got)
			}
			ids[i] = got["id"]
		})
	}
	users.Wait()
	p.awaitPool(t, payments)
	p.Commit()
	for i, id := range ids {
		if code, got := ask(t, http.MethodGet, w.URL+"/payment/"+id, nil); code != http.StatusOK || got["state"] != "confirmed" {
			t.Errorf("payment %d: %d %v", i, code, got)
		}
	}
	if _, got := ask(t, http.MethodPost, w.URL+"/send", map[string]string{"to": bob.Hex(), "wei": "1000", "key": "order-7"}); got["id"] != ids[7] {
		t.Errorf("the same key made another payment: %v", got)
	}
	wantHeld(t, p, payments*1000)
}

// The flaws are this wallet's purpose: a change that cures one by accident has to be noticed.
func TestFlaws(t *testing.T) {
	p := newProvider(t)
	w := newTestWallet(t, p)
	p.down.Store(true)
	if code, _ := ask(t, http.MethodGet, w.URL+"/health", nil); code != http.StatusOK {
		t.Errorf("health: %d", code)
	}
	if code, got := ask(t, http.MethodGet, w.URL+"/balance/"+hot.Hex(), nil); code != http.StatusOK || got["balance"] != "0.000000" {
		t.Errorf("balance of a provider that is down: %d %v", code, got)
	}
	if code, got := ask(t, http.MethodPost, w.URL+"/send", map[string]string{"to": bob.Hex(), "wei": "1000", "key": "a"}); code != http.StatusBadGateway || got["error"] == "" {
		t.Errorf("send to a provider that is down: %d %v", code, got)
	}
	p.down.Store(false)

	order := map[string]string{"to": bob.Hex(), "wei": "1000", "key": "b"}
	p.loseReply.Store(true)
	if code, _ := ask(t, http.MethodPost, w.URL+"/send", order); code != http.StatusBadGateway {
		t.Errorf("lost reply: %d", code)
	}
	p.loseReply.Store(false)
	p.awaitPool(t, 1)
	p.Commit()
	if code, _ := ask(t, http.MethodPost, w.URL+"/send", order); code != http.StatusOK {
		t.Errorf("the same order again: %d", code)
	}
	p.awaitPool(t, 2)
	p.Commit()
	wantHeld(t, p, 2000) // paid twice
}

// awaitPool waits until the node's pool has made the hot key's next nonce what is given: it takes transactions a moment before it counts them.
func (p *provider) awaitPool(t *testing.T, next uint64) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		n, err := p.Backend.Client().PendingNonceAt(t.Context(), hot)
		if err == nil && n == next {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the pending nonce is %d (%v), want %d", n, err, next)
		}
	}
}

func wantHeld(t *testing.T, p *provider, wei int64) {
	t.Helper()
	got, err := p.Backend.Client().BalanceAt(t.Context(), bob, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Cmp(big.NewInt(wei)) != 0 {
		t.Errorf("the recipient holds %s wei, want %d", got, wei)
	}
}
