package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
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
//	slow=DURATION      every balance takes so long
//	slow-word=DURATION a payment is called pending for so long
//	ignores-term       SIGTERM does not end it
//	foreign-key        it signs with a key of its own
//	child              it starts a process of its own
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
	if w.is("hang-at-start") {
		select {}
	}
	if w.is("child") {
		if err := exec.Command("/bin/sleep", "300").Start(); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	if w.is("ignores-term") {
		signal.Ignore(syscall.SIGTERM)
	}
	var err error
	if w.client, err = ethclient.Dial(os.Getenv("RPC_URL")); err != nil {
		fmt.Println(err)
		return 1
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(rw http.ResponseWriter, _ *http.Request) {
		if w.is("never-ready") {
			answer(rw, http.StatusServiceUnavailable, map[string]string{"error": "still warming up"})
		}
	})
	mux.HandleFunc("GET /balance/{address}", w.balance)
	mux.HandleFunc("POST /send", w.send)
	mux.HandleFunc("GET /payment/{hash}", w.payment)
	fmt.Println(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), mux))
	return 1
}

func (w *tiny) is(fault string) bool { _, ok := w.faults[fault]; return ok }

func (w *tiny) pause(fault string) time.Duration {
	d, _ := time.ParseDuration(w.faults[fault])
	return d
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
	if n, err := strconv.ParseInt(w.faults["crash-after"], 10, 64); err == nil && w.asked.Add(1) >= n {
		fmt.Println("panic: out of luck")
		os.Exit(3)
	}
	time.Sleep(w.pause("slow"))
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
