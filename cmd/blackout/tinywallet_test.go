package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/gorilla/websocket"
)

// tiny is an honest wallet with one provider: what it does not know it declines. MISBEHAVE names, separated by commas, what is wrong with it:
//
//	crash-at-start     it ends before it listens
//	crash-after=N      it ends at the N-th balance that it is asked for
//	never-ready        /health is never fine
//	hang-at-start      it never listens
//	ignores-services   it makes its answers up
//	keeps-payments     it takes payments and sends none
//	zero-on-failure    a balance that it cannot read is 0
//	zeros=N            every N-th balance is 0
//	declines=N         every N-th balance is declined
//	notifies           before each balance it tells SECOND_URL something that no reply is asked for
//	slow=DURATION      every balance takes so long
//	slow-word=DURATION a payment is called pending for so long
//	ignores-term       SIGTERM does not end it
//	foreign-key        it signs with a key of its own
//	child              it starts a process of its own
//	orphans=N          it leaves so many processes whose parent has ended, and which then end themselves
//	looks-outside=PORT it says what it meets at that port of the machine, and ends
//	asks-outside       at its start it asks for a name and for addresses that no world has
//	starts-once        it ends at once when ENVIRONMENT_TO is there already
//	resolves-once      it looks its provider's name up once and for ever
//
// With DNS set it asks that resolver for the host of RPC_URL, at each new connection.
type tiny struct {
	client *ethclient.Client
	faults map[string]string
	asked  atomic.Int64

	mu   sync.Mutex // held over a whole payment: two never share a nonce
	next uint64
	paid map[string]time.Time // transaction → when it was sent
}

// tinyWallet is the app as a process; it returns the exit status.
func tinyWallet() int {
	w := &tiny{faults: map[string]string{}, paid: map[string]time.Time{}}
	for _, word := range strings.Split(os.Getenv("MISBEHAVE"), ",") {
		name, value, _ := strings.Cut(word, "=")
		w.faults[name] = value
	}
	if file := os.Getenv("ENVIRONMENT_TO"); file != "" {
		if _, err := os.Stat(file); err == nil && w.is("starts-once") {
			fmt.Println("somebody was here before")
			return 6
		}
		if err := os.WriteFile(file, []byte(strings.Join(os.Environ(), "\n")), 0o600); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	if w.is("crash-at-start") {
		for n := range 30 {
			fmt.Println("loading part", n)
		}
		fmt.Println("fatal: no database, key", os.Getenv("HOT_KEY"))
		return 7
	}
	if w.is("looks-outside") {
		c, err := net.Dial("tcp", "127.0.0.1:"+w.faults["looks-outside"])
		if err != nil {
			fmt.Println("outside:", err)
			return 5
		}
		c.Close()
		fmt.Println("outside: somebody answers")
		return 5
	}
	if w.is("asks-outside") {
		go askOutside()
	}
	if w.is("hang-at-start") {
		select {}
	}
	if w.is("child") {
		if err := exec.Command("/bin/sleep", "300").Start(); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	if n := w.faults["orphans"]; n != "" {
		if err := exec.Command("/bin/sh", "-c", "for i in $(seq "+n+"); do (sleep 2 &); done").Run(); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	if w.is("ignores-term") {
		signal.Ignore(syscall.SIGTERM)
	}
	client, err := rpc.DialOptions(context.Background(), os.Getenv("RPC_URL"), rpc.WithHTTPClient(w.transport()))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	w.client = ethclient.NewClient(client)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(rw http.ResponseWriter, _ *http.Request) {
		if w.is("never-ready") {
			answer(rw, http.StatusServiceUnavailable, map[string]string{"error": "still warming up"})
		}
	})
	mux.HandleFunc("GET /{$}", func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, tinyPage) })
	mux.HandleFunc("GET /echo", echo)
	mux.HandleFunc("GET /balance/{address}", w.balance)
	mux.HandleFunc("POST /send", w.send)
	mux.HandleFunc("GET /payment/{hash}", w.payment)
	fmt.Println(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), mux))
	return 1
}

// tinyPage is what a person sees of the wallet.
const tinyPage = "<title>A tiny wallet</title>"

// echo gives back what comes over a WebSocket.
func echo(rw http.ResponseWriter, r *http.Request) {
	conn, err := new(websocket.Upgrader).Upgrade(rw, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	defer conn.Close()
	for {
		kind, text, err := conn.ReadMessage()
		if err != nil || conn.WriteMessage(kind, text) != nil {
			return
		}
	}
}

// transport is how the wallet reaches its provider.
func (w *tiny) transport() *http.Client {
	resolver := os.Getenv("DNS")
	if resolver == "" {
		return http.DefaultClient
	}
	dialer := &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, resolver)
	}}}
	var once sync.Mutex
	known := map[string]string{}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if !w.is("resolves-once") {
			return dialer.DialContext(ctx, network, address)
		}
		once.Lock()
		defer once.Unlock()
		if known[address] == "" {
			host, port, _ := net.SplitHostPort(address)
			found, err := dialer.Resolver.LookupHost(ctx, host)
			if err != nil {
				return nil, err
			}
			known[address] = net.JoinHostPort(found[0], port)
		}
		return dialer.DialContext(ctx, network, known[address])
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial}}
}

// askOutside asks for what no world has: a host name, an address of an RPC server, one by its name, and a datagram. None may be answered.
func askOutside() {
	impatient := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{ServerName: "rpc.unknown.example"}}}
	for _, address := range []string{"https://api.unknown.example/v1/prices", "http://203.0.113.7:8545", "https://203.0.113.7:8546"} {
		reply, err := impatient.Post(address, "application/json", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}`))
		if err == nil {
			reply.Body.Close()
			os.Exit(8)
		}
		fmt.Println("outside:", err)
	}
	c, err := net.Dial("udp", "203.0.113.8:443")
	if err == nil {
		_, err = io.WriteString(c, "who is there?")
		c.Close()
	}
	fmt.Println("a datagram:", err)
}

func (w *tiny) is(fault string) bool { _, ok := w.faults[fault]; return ok }

func (w *tiny) pause(fault string) time.Duration {
	d, _ := time.ParseDuration(w.faults[fault])
	return d
}

func (w *tiny) count(fault string) int64 {
	n, _ := strconv.ParseInt(w.faults[fault], 10, 64)
	return n
}

// turn reports whether the n-th balance is one that a fault takes.
func (w *tiny) turn(fault string, n int64) bool {
	every := w.count(fault)
	return every > 0 && n%every == 0
}

// notify makes a call without an id: JSON-RPC has no reply to it.
func (w *tiny) notify(ctx context.Context) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("SECOND_URL"), strings.NewReader(`{"jsonrpc":"2.0","method":"eth_blockNumber","params":[]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = reply.Body.Close()
}

func answer(rw http.ResponseWriter, status int, body any) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(body)
}

// decline says no in words of its own: a provider's would carry its address, and with it a key.
func decline(rw http.ResponseWriter, err error) {
	fmt.Println("declined:", err)
	answer(rw, http.StatusServiceUnavailable, map[string]string{"error": "the provider does not answer, nothing was done"})
}

func (w *tiny) balance(rw http.ResponseWriter, r *http.Request) {
	n := w.asked.Add(1)
	if after := w.count("crash-after"); after > 0 && n >= after {
		fmt.Println("panic: out of luck")
		os.Exit(3)
	}
	time.Sleep(w.pause("slow"))
	if w.is("notifies") {
		w.notify(r.Context())
	}
	switch {
	case w.turn("zeros", n):
		answer(rw, http.StatusOK, map[string]string{"balance": "0"})
		return
	case w.turn("declines", n):
		decline(rw, errors.New("it is the turn of this one"))
		return
	}
	if w.is("ignores-services") {
		answer(rw, http.StatusOK, map[string]string{"balance": "7"})
		return
	}
	wei, err := w.client.BalanceAt(r.Context(), common.HexToAddress(r.PathValue("address")), nil)
	switch {
	case err == nil:
		answer(rw, http.StatusOK, map[string]string{"balance": wei.String()})
	case w.is("zero-on-failure"):
		answer(rw, http.StatusOK, map[string]string{"balance": "0"})
	default:
		decline(rw, err)
	}
}

func (w *tiny) send(rw http.ResponseWriter, r *http.Request) {
	var ask struct{ To, Wei string }
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		answer(rw, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	tx, err := w.pay(r.Context(), common.HexToAddress(ask.To), ask.Wei)
	if err != nil {
		decline(rw, err)
		return
	}
	w.paid[tx.Hash().Hex()] = time.Now()
	answer(rw, http.StatusOK, map[string]string{"hash": tx.Hash().Hex(), "state": "pending"})
}

func (w *tiny) pay(ctx context.Context, to common.Address, amount string) (*types.Transaction, error) {
	keyText := strings.TrimPrefix(os.Getenv("HOT_KEY"), "0x")
	if w.is("foreign-key") {
		keyText = strings.Repeat("17", 32)
	}
	key, err := crypto.HexToECDSA(keyText)
	if err != nil {
		return nil, err
	}
	wei, ok := new(big.Int).SetString(amount, 10)
	if !ok {
		return nil, fmt.Errorf("%q is no amount", amount)
	}
	chain, err := w.client.ChainID(ctx)
	if err != nil {
		return nil, err
	}
	from := crypto.PubkeyToAddress(key.PublicKey)
	nonce, err := w.client.PendingNonceAt(ctx, from)
	if err != nil {
		return nil, err
	}
	head, err := w.client.HeaderByNumber(ctx, nil)
	if err != nil {
		return nil, err
	}
	nonce = max(nonce, w.next)
	tx, err := types.SignNewTx(key, types.LatestSignerForChainID(chain), &types.DynamicFeeTx{
		ChainID: chain, Nonce: nonce, GasTipCap: big.NewInt(1e9), GasFeeCap: new(big.Int).Add(big.NewInt(1e9), new(big.Int).Mul(head.BaseFee, big.NewInt(2))),
		Gas: 21_000, To: &to, Value: wei,
	})
	if err != nil || w.is("keeps-payments") {
		return tx, err
	}
	if err := w.client.SendTransaction(ctx, tx); err != nil {
		return nil, err
	}
	w.next = nonce + 1
	return tx, nil
}

func (w *tiny) payment(rw http.ResponseWriter, r *http.Request) {
	hash := r.PathValue("hash")
	w.mu.Lock()
	sent := w.paid[hash]
	w.mu.Unlock()
	state := "pending"
	if time.Since(sent) >= w.pause("slow-word") {
		receipt, err := w.client.TransactionReceipt(r.Context(), common.HexToHash(hash))
		switch {
		case errors.Is(err, ethereum.NotFound):
		case err != nil:
			decline(rw, err)
			return
		case receipt.Status == types.ReceiptStatusSuccessful:
			state = "confirmed"
		default:
			state = "failed"
		}
	}
	answer(rw, http.StatusOK, map[string]string{"hash": hash, "state": state})
}
