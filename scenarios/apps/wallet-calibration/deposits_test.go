package main

import (
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// deposit makes the token emit a transfer to Alice.
func (n *network) deposit(t *testing.T, key uint64) common.Hash {
	t.Helper()
	nonce, err := n.Client().PendingNonceAt(t.Context(), hot)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := types.SignNewTx(hotKey, types.LatestSignerForChainID(big.NewInt(1337)), &types.DynamicFeeTx{
		ChainID: big.NewInt(1337), Nonce: nonce, GasTipCap: big.NewInt(tipWei), GasFeeCap: big.NewInt(leastCapWei), Gas: 100_000, To: &token,
		Data: slices.Concat(common.BytesToHash(alice.Bytes()).Bytes(), common.BigToHash(new(big.Int).SetUint64(key)).Bytes()),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Client().SendTransaction(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	n.Commit()
	if r, err := n.Client().TransactionReceipt(t.Context(), tx.Hash()); errors.Is(err, ethereum.NotFound) || err == nil && len(r.Logs) != 1 {
		t.Fatalf("no log: %v", err)
	}
	return tx.Hash()
}

func TestDeposits(t *testing.T) {
	t.Parallel()
	both(t, partialLogs, func(t *testing.T, flaw string) {
		n, fronts := three(t)
		w := newTestWallet(t, flaw, nil, fronts...)
		var made []common.Hash
		for i := range 22 {
			made = append(made, n.deposit(t, uint64(i)))
		}
		slices.Reverse(made)
		at, err := n.Client().BlockNumber(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the wallet is at the head", func() bool { b, _ := w.heads.newest(); return b.number == at })
		listed := func() (list []common.Hash, stale bool) {
			a := w.get(t, "/deposits/"+alice.Hex())
			for _, d := range a.Deposits {
				list = append(list, d.Tx)
			}
			return list, a.Stale
		}
		if list, stale := listed(); !slices.Equal(list, made[:20]) || stale {
			t.Errorf("lists %d, stale %t: %v", len(list), stale, list)
		}
		fronts[0].fail(someLogs)
		if list, stale := listed(); slices.Contains(list, made[0]) != (flaw == "") || stale {
			t.Errorf("of two answers: %d, stale %t", len(list), stale)
		}
		fronts[0].fail(healthy)
		fronts[1].fail(out)
		fronts[2].fail(out)
		if list, stale := listed(); !slices.Equal(list, made[:20]) || stale != (flaw == "") {
			t.Errorf("of one answer: %d, stale %t", len(list), stale)
		}
		fronts[0].fail(out)
		if list, stale := listed(); !slices.Equal(list, made[:20]) || !stale {
			t.Errorf("of none: %d, stale %t", len(list), stale)
		}
	})
}
