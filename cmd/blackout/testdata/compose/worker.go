package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
)

const (
	pause        = 500 * time.Millisecond // between two looks at what is pending
	receiptBound = 2 * time.Second
)

// worker asks the provider for the receipts of pending payments, and tells the store.
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
		pending, err := find(ctx, "state", "pending")
		if err != nil {
			slog.Warn("nothing from the store", "err", err)
		}
		for _, p := range pending {
			look(ctx, client, p)
		}
	}
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
	if err := settle(ctx, p.ID, state); err != nil {
		slog.Warn("not settled", "id", p.ID, "err", err)
		return
	}
	slog.Info("settled", "id", p.ID, "state", state)
}
