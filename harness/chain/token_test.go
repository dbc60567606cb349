package chain

import (
	"math/big"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"blackout/harness/chain/contracts"
)

// usdc is where the default world has Ethereum's token.
const usdc = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"

func withToken(own int) Config {
	cfg := ethereum(own)
	cfg.Chains[0].Token, cfg.Chains[0].Transfers = usdc, true
	return cfg
}

// TestToken is about events. What the contract answers is among those of TestContracts.
func TestToken(t *testing.T) {
	cfg := withToken(0)
	cfg.Chains[0].Transfers = false
	w := start(t, cfg)
	w.steps(t, 1)
	account := cfg.Watched[0]
	// Anyone may call it. A transfer to a watched account is an event on record, one to somebody else is none.
	payer := Key(seed, "payer 0")
	tx := transfer(t, payer, 1, FirstNonce, common.HexToAddress(usdc), func(d *types.DynamicFeeTx) {
		d.Value, d.Gas = new(big.Int), 100_000
		d.Data = pack(t, contracts.Token, "emitTransfers", []common.Address{account, {0xab, 0xc}, account}, []*big.Int{big.NewInt(5), big.NewInt(6), big.NewInt(7)})
	})
	w.send(t, "shared", tx)
	w.steps(t, 1)
	blocks := w.rec.all()
	want := []Log{{account, tx.Hash(), 0, big.NewInt(5)}, {account, tx.Hash(), 2, big.NewInt(7)}}
	if got := blocks[len(blocks)-1].Logs; len(got) != 2 || got[0].Value.Cmp(want[0].Value) != 0 || got[1].Index != 2 || got[0].Tx != tx.Hash() {
		t.Errorf("the record has %+v instead of %+v", got, want)
	}
	for _, b := range blocks[:len(blocks)-1] {
		if len(b.Txs)+len(b.Logs) > 0 {
			t.Errorf("block %d has transactions %v though nobody reads events", b.Number, b.Txs)
		}
	}
}

func TestTransfers(t *testing.T) {
	cfg := withToken(1)
	cfg.Watched = addresses("user ", 40)
	w := start(t, cfg)
	payer, to := Key(seed, "payer 0"), common.HexToAddress("0x5678")
	paid := transfer(t, payer, 1, FirstNonce, to)
	w.send(t, "shared", paid)
	w.steps(t, 3)
	if err := w.Reorg(t.Context(), Branch{Depth: 2}); err != nil {
		t.Fatal(err)
	}
	w.steps(t, 2)
	if got := pending(t, w); len(got) != 0 {
		t.Errorf("pending: %v", got)
	}

	values, txs := map[string]bool{}, map[common.Hash]uint64{}
	for _, b := range w.rec.all()[1:] {
		if len(b.Logs) != len(cfg.Watched) {
			t.Fatalf("block %d has %d transfers", b.Number, len(b.Logs))
		}
		for i, l := range b.Logs {
			if l.Account != cfg.Watched[i] || l.Tx != b.Logs[0].Tx {
				t.Errorf("block %d: transfer %d is %+v", b.Number, i, l)
			}
			if values[l.Value.String()] {
				t.Errorf("block %d: the value %s comes twice", b.Number, l.Value)
			}
			values[l.Value.String()] = true
		}
		if other, ok := txs[b.Logs[0].Tx]; ok {
			t.Errorf("blocks %d and %d have one transaction", other, b.Number)
		}
		txs[b.Logs[0].Tx] = b.Number
	}

	// What an app finds is the record of the branch that holds.
	canonical := map[uint64]Block{}
	for _, b := range w.rec.all() {
		canonical[b.Number] = b
	}
	var found []types.Log
	call(t, w.node(t, "infura@aws/0"), &found, "eth_getLogs", map[string]any{
		"fromBlock": "0x1", "toBlock": "latest", "address": usdc, "topics": []any{transferTopic, nil, common.BytesToHash(cfg.Watched[3][:])},
	})
	if len(found) != DefaultEarly+5 {
		t.Fatalf("an app finds %d transfers", len(found))
	}
	for _, l := range found {
		if want := canonical[l.BlockNumber].Logs[3]; l.TxHash != want.Tx || l.Index != want.Index || new(big.Int).SetBytes(l.Data).Cmp(want.Value) != 0 {
			t.Errorf("block %d: an app finds %s/%d, the record has %s/%d", l.BlockNumber, l.TxHash, l.Index, want.Tx, want.Index)
		}
	}
	if txs := canonical[DefaultEarly+1].Txs; !slices.Contains(hashes(txs), paid.Hash()) {
		t.Errorf("a payment was not mined beside the transfers: %v", hashes(txs))
	}
	// Nobody's fee depends on the transfers: what a node suggests is what it suggests on a chain without transactions.
	var tip, without hexutil.Big
	call(t, w.node(t, "shared"), &tip, "eth_maxPriorityFeePerGas")
	if call(t, start(t, ethereum(0)).node(t, "shared"), &without, "eth_maxPriorityFeePerGas"); tip.ToInt().Cmp(without.ToInt()) != 0 {
		t.Errorf("a node suggests a tip of %s, and without transfers %s", &tip, &without)
	}
}

func TestTransfersOfManyAccounts(t *testing.T) {
	cfg := withToken(0)
	cfg.Watched = addresses("user ", transfersEach+1)
	cfg.Early = 1
	w := start(t, cfg)
	w.steps(t, 1)
	for _, b := range w.rec.all()[1:] {
		if len(b.Txs) != 2 || len(b.Logs) != len(cfg.Watched) {
			t.Errorf("block %d has %d transactions with %d transfers", b.Number, len(b.Txs), len(b.Logs))
		}
	}
}
