package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"fmt"
	"log/slog"
	"math/big"
	"sync"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
)

// wallet reads and pays through one provider.
type wallet struct {
	client *ethclient.Client
	key    *ecdsa.PrivateKey
	from   common.Address

	sending sync.Mutex // held from asking for a nonce until the provider has the transaction: two payments never share a nonce
	chainID *big.Int   // guarded by sending; nil until the provider was asked
	next    uint64     // guarded by sending; the nonce after the last one that the provider took

	mu       sync.Mutex
	payments []*payment // guarded by mu, oldest first
}

// payment is a transaction that the provider took. It never changes; its state is asked for each time.
type payment struct {
	id   string
	key  string
	to   common.Address
	wei  *big.Int
	hash common.Hash
}

func newWallet(client *ethclient.Client, key *ecdsa.PrivateKey, chainID *big.Int) *wallet {
	return &wallet{client: client, key: key, from: crypto.PubkeyToAddress(key.PublicKey), chainID: chainID}
}

// balance is what the account has, in wei.
//
// It starts at zero, and zero it stays when the read fails. That is how wallets came to show a balance of 0 on 20 October 2025, while the coins were where they
// had always been: the amount has a zero value, the error is somebody else's to handle, and nothing tells "nothing there" from "not known".
func (w *wallet) balance(ctx context.Context, account common.Address) *big.Int {
	balance := new(big.Int)
	latest, err := w.client.BalanceAt(ctx, account, nil)
	if err != nil {
		slog.Warn("balance not read", "account", account, "err", err)
		return balance
	}
	return balance.Set(latest)
}

// pay signs a transfer and hands it to the provider. An error is the provider's, in its own words.
func (w *wallet) pay(ctx context.Context, to common.Address, wei *big.Int, key string) (*payment, error) {
	w.sending.Lock()
	defer w.sending.Unlock()
	if p := w.byKey(key); p != nil {
		return p, nil
	}
	tx, err := w.sign(ctx, to, wei)
	if err != nil {
		return nil, err
	}
	if err := w.client.SendTransaction(ctx, tx); err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	w.next = tx.Nonce() + 1
	p := &payment{id: rand.Text(), key: key, to: to, wei: wei, hash: tx.Hash()}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.payments = append(w.payments, p)
	return p, nil
}

// sign asks the provider for everything that a transaction needs.
func (w *wallet) sign(ctx context.Context, to common.Address, wei *big.Int) (*types.Transaction, error) {
	if w.chainID == nil {
		id, err := w.client.ChainID(ctx)
		if err != nil {
			return nil, fmt.Errorf("chain id: %w", err)
		}
		w.chainID = id
	}
	gas, err := w.client.EstimateGas(ctx, ethereum.CallMsg{From: w.from, To: &to, Value: wei})
	if err != nil {
		return nil, fmt.Errorf("gas: %w", err)
	}
	tip, err := w.client.SuggestGasTipCap(ctx)
	if err != nil {
		return nil, fmt.Errorf("tip: %w", err)
	}
	head, err := w.client.HeaderByNumber(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("head: %w", err)
	}
	nonce, err := w.client.PendingNonceAt(ctx, w.from)
	if err != nil {
		return nil, fmt.Errorf("nonce: %w", err)
	}
	// A node answers a send before its pool has counted the transaction, so right after one the pending nonce can be too low.
	nonce = max(nonce, w.next)
	return types.SignNewTx(w.key, types.LatestSignerForChainID(w.chainID), &types.DynamicFeeTx{
		ChainID:   w.chainID,
		Nonce:     nonce,
		GasTipCap: tip,
		GasFeeCap: new(big.Int).Add(tip, new(big.Int).Mul(head.BaseFee, big.NewInt(2))),
		Gas:       gas,
		To:        &to,
		Value:     wei,
	})
}

// state asks the provider for the receipt: without one the payment is pending.
func (w *wallet) state(ctx context.Context, p *payment) string {
	receipt, err := w.client.TransactionReceipt(ctx, p.hash)
	switch {
	case err != nil:
		return "pending"
	case receipt.Status == types.ReceiptStatusSuccessful:
		return "confirmed"
	default:
		return "failed"
	}
}

func (w *wallet) byKey(key string) *payment {
	return w.find(func(p *payment) bool { return p.key == key })
}

func (w *wallet) byID(id string) *payment {
	return w.find(func(p *payment) bool { return p.id == id })
}

func (w *wallet) find(is func(*payment) bool) *payment {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.payments {
		if is(p) {
			return p
		}
	}
	return nil
}

// recent lists the last payments, newest first.
func (w *wallet) recent(n int) []*payment {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]*payment, 0, n)
	for i := len(w.payments) - 1; i >= 0 && len(list) < n; i-- {
		list = append(list, w.payments[i])
	}
	return list
}
