package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
)

const (
	pause        = 500 * time.Millisecond // between two looks at what is pending
	receiptBound = 2 * time.Second
)

// worker sends what web could not, asks the provider for the receipts of pending payments, and tells the store.
func worker(ctx context.Context) error {
	client, err := ethclient.DialContext(ctx, os.Getenv("RPC_URL"))
	if err != nil {
		return err
	}
	defer client.Close()
	ticks := time.NewTicker(pause)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
		unsent, err := find(ctx, "state", "unsent")
		pending, other := find(ctx, "state", "pending")
		if err := errors.Join(err, other); err != nil {
			slog.Warn("nothing from the store", "err", err)
		}
		for _, p := range unsent {
			if err := transmit(ctx, client, p); err != nil {
				slog.Warn("not sent", "id", p.ID, "err", err)
			}
		}
		for _, p := range pending {
			look(ctx, client, p)
		}
	}
}

// transmit sends a payment's transaction, once or again: it is the same one.
func transmit(ctx context.Context, client *ethclient.Client, p payment) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := client.Client().CallContext(ctx, nil, "eth_sendRawTransaction", p.Raw)
	if err != nil && !strings.Contains(err.Error(), "already known") && !strings.Contains(err.Error(), "nonce too low") {
		return err
	}
	return settle(context.WithoutCancel(ctx), p.ID, "unsent", "pending")
}

// look asks for one receipt.
func look(ctx context.Context, client *ethclient.Client, p payment) {
	ctx, cancel := context.WithTimeout(ctx, receiptBound)
	defer cancel()
	receipt, err := client.TransactionReceipt(ctx, common.HexToHash(p.Hash))
	if err != nil {
		return // not yet, or not known
	}
	state := "failed"
	if receipt.Status == types.ReceiptStatusSuccessful {
		state = "confirmed"
	}
	if err := settle(ctx, p.ID, "pending", state); err != nil {
		slog.Warn("not settled", "id", p.ID, "err", err)
		return
	}
	slog.Info("settled", "id", p.ID, "state", state)
}
