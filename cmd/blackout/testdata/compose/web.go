package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/json"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/params"
)

// The provider gets so long, so that a refusal is in time for the user's deadline.
const patience = 1500 * time.Millisecond

// wallet pays out of one hot key, one payment at a time.
type wallet struct {
	client *ethclient.Client
	key    *ecdsa.PrivateKey
	paying sync.Mutex
	next   uint64 // the nonce after the last one that was kept
}

func web(ctx context.Context) error {
	key, err := crypto.HexToECDSA(strings.TrimPrefix(os.Getenv("HOT_KEY"), "0x"))
	if err != nil {
		return err
	}
	client, err := ethclient.DialContext(ctx, os.Getenv("RPC_URL"))
	if err != nil {
		return err
	}
	w := &wallet{client: client, key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /balance/{address}", w.balance)
	mux.HandleFunc("POST /send", w.send)
	mux.HandleFunc("GET /payment/{id}", w.payment)
	server := &http.Server{Addr: net.JoinHostPort(os.Getenv("HOST"), os.Getenv("PORT")), Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { <-ctx.Done(); server.Close() }()
	return server.ListenAndServe()
}

func (w *wallet) balance(rw http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	wei, err := w.client.BalanceAt(ctx, common.HexToAddress(r.PathValue("address")), nil)
	if err != nil {
		reply(rw, http.StatusServiceUnavailable, map[string]string{"error": "the provider does not answer"})
		return
	}
	reply(rw, http.StatusOK, map[string]string{"balance": wei.String()})
}

func (w *wallet) send(rw http.ResponseWriter, r *http.Request) {
	var order struct{ To, Wei, Key string }
	wei, ok := new(big.Int), false
	if json.NewDecoder(r.Body).Decode(&order) == nil {
		wei, ok = wei.SetString(order.Wei, 10)
	}
	if !ok || order.Key == "" {
		reply(rw, http.StatusBadRequest, map[string]string{"error": "an order needs to, wei and key"})
		return
	}
	p, err := w.pay(r.Context(), common.HexToAddress(order.To), wei, order.Key)
	if err != nil {
		reply(rw, http.StatusServiceUnavailable, map[string]string{"error": err.Error()})
		return
	}
	reply(rw, http.StatusOK, p)
}

// pay makes a payment once for each key.
func (w *wallet) pay(ctx context.Context, to common.Address, wei *big.Int, key string) (payment, error) {
	w.paying.Lock()
	defer w.paying.Unlock()
	if there, err := find(ctx, "key", key); err != nil || len(there) > 0 {
		if err != nil {
			return payment{}, err
		}
		return there[0], nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	id, err := w.client.ChainID(ctx)
	if err != nil {
		return payment{}, err
	}
	head, err := w.client.HeaderByNumber(ctx, nil)
	if err != nil {
		return payment{}, err
	}
	nonce, err := w.client.PendingNonceAt(ctx, crypto.PubkeyToAddress(w.key.PublicKey))
	if err != nil {
		return payment{}, err
	}
	nonce = max(nonce, w.next) // a pool counts a transaction a moment after its node took it
	tip := big.NewInt(params.GWei)
	tx, err := types.SignNewTx(w.key, types.LatestSignerForChainID(id), &types.DynamicFeeTx{
		ChainID: id, Nonce: nonce, GasTipCap: tip, GasFeeCap: new(big.Int).Add(tip, new(big.Int).Mul(head.BaseFee, big.NewInt(2))), Gas: params.TxGas, To: &to, Value: wei,
	})
	if err != nil {
		return payment{}, err
	}
	raw, err := tx.MarshalBinary()
	if err != nil {
		return payment{}, err
	}
	// From here on it may be paid, whatever is heard of it: it is kept first, and the worker sees to what was not sent for certain.
	p := payment{ID: rand.Text(), Key: key, Hash: tx.Hash().Hex(), State: "unsent", Raw: hexutil.Encode(raw)}
	ctx = context.WithoutCancel(ctx)
	if err := keep(ctx, p); err != nil {
		return payment{}, err
	}
	w.next = nonce + 1
	if transmit(ctx, w.client, p) == nil {
		p.State = "pending"
	}
	return p, nil
}

func (w *wallet) payment(rw http.ResponseWriter, r *http.Request) {
	there, err := find(r.Context(), "id", r.PathValue("id"))
	switch {
	case err != nil:
		reply(rw, http.StatusServiceUnavailable, map[string]string{"error": err.Error()})
	case len(there) == 0:
		reply(rw, http.StatusNotFound, map[string]string{"error": "no such payment"})
	default:
		reply(rw, http.StatusOK, there[0])
	}
}

func reply(rw http.ResponseWriter, status int, body any) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(body)
}
