package chain

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/google/go-cmp/cmp"

	"blackout/harness/clock"
	"blackout/harness/plan"
)

func TestHeads(t *testing.T) {
	w := start(t, ethereum(1))
	for _, n := range w.Nodes() {
		if got := n.Head().Number; got != DefaultEarly {
			t.Errorf("%s starts at block %d instead of %d", n.Name(), got, DefaultEarly)
		}
	}
	w.steps(t, 4)
	for _, n := range w.Nodes() {
		got := map[string]uint64{}
		for _, tag := range []string{"latest", "safe", "finalized"} {
			got[tag] = number(t, n, tag)
		}
		if diff := cmp.Diff(map[string]uint64{"latest": 20, "safe": 16, "finalized": 12}, got); diff != "" {
			t.Errorf("%s: %s", n.Name(), diff)
		}
		want := Head{Node: n.Name(), Hash: w.Reference().Head().Hash, Number: 20, Safe: 16, Finalized: 12, At: n.Head().At}
		if diff := cmp.Diff(want, n.Head()); diff != "" {
			t.Errorf("%s: %s", n.Name(), diff)
		}
	}
}

// A chain that is younger than its lags has no safe block, as a node says that has just started.
func TestYoungChain(t *testing.T) {
	cfg := ethereum(0)
	cfg.Early = 5
	w := start(t, cfg)
	if got := number(t, w.Reference(), "safe"); got != 1 {
		t.Errorf("safe is block %d instead of 1", got)
	}
	if err := try(t, w.Reference(), nil, "eth_getBlockByNumber", "finalized", false); err == nil || err.Error() != "finalized block not found" {
		t.Errorf("finalized: %v", err)
	}
	if got := w.Reference().Head(); got.Safe != 1 || got.Finalized != 0 {
		t.Errorf("the head read back is %+v", got)
	}
}

func TestWatchedBalances(t *testing.T) {
	cfg := ethereum(0)
	cfg.Watched = addresses("user ", 120)
	w := start(t, cfg)
	w.steps(t, 2)

	blocks := w.rec.all()
	if len(blocks) != DefaultEarly+3 {
		t.Fatalf("%d blocks were recorded", len(blocks))
	}
	low, high := gwei(minCredit), gwei(maxCredit)
	for i, b := range blocks {
		if b.Number != uint64(i) || len(b.Watched) != len(cfg.Watched) {
			t.Fatalf("record %d is block %d with %d balances", i, b.Number, len(b.Watched))
		}
		if i == 0 {
			continue
		}
		before := blocks[i-1]
		if b.Parent != before.Hash || b.Timestamp != before.Timestamp+1 {
			t.Errorf("block %d: parent %s, time %d after %s, %d", i, b.Parent, b.Timestamp, before.Hash, before.Timestamp)
		}
		credits := map[string]bool{}
		for account, balance := range b.Watched {
			credit := new(big.Int).Sub(balance, before.Watched[account])
			if credit.Cmp(low) < 0 || credit.Cmp(high) > 0 {
				t.Errorf("block %d credits %s with %s wei", i, account, credit)
			}
			credits[credit.String()] = true
		}
		if len(credits) < len(cfg.Watched)-1 {
			t.Errorf("block %d credits 120 accounts with only %d amounts", i, len(credits))
		}
	}
	last := blocks[len(blocks)-1]
	for _, account := range []common.Address{cfg.Watched[0], cfg.Watched[119]} {
		var got string
		call(t, w.node(t, "shared"), &got, "eth_getBalance", account, "latest")
		if want := fmt.Sprintf("%#x", last.Watched[account]); got != want {
			t.Errorf("%s holds %s by the node and %s by the record", account, got, want)
		}
	}
}

func gwei(n int64) *big.Int { return new(big.Int).Mul(big.NewInt(n), big.NewInt(params.GWei)) }

func TestTransaction(t *testing.T) {
	w := start(t, ethereum(1))
	payer, to := Key(seed, "payer 0"), common.HexToAddress("0x1234")
	tx := transfer(t, payer, 1, FirstNonce, to)
	w.send(t, "infura@aws/0", tx)

	if got := pending(t, w); !slices.Equal(got, []common.Hash{tx.Hash()}) {
		t.Errorf("pending before the block: %v", got)
	}
	w.steps(t, 1)
	if got := pending(t, w); len(got) != 0 {
		t.Errorf("pending after the block: %v", got)
	}
	// What is mined is no news to any node, so carrying it again is no error.
	if err := w.Broadcast(t.Context(), "ethereum", "", raw(t, tx)); err != nil {
		t.Errorf("broadcast of a mined transaction: %v", err)
	}
	w.steps(t, 1)

	var mined []uint64
	for _, b := range w.rec.all() {
		for range b.Txs {
			mined = append(mined, b.Number)
		}
	}
	if !slices.Equal(mined, []uint64{DefaultEarly + 1}) {
		t.Errorf("mined in blocks %v", mined)
	}
	for _, n := range w.Nodes() {
		var receipt struct{ BlockNumber, Status string }
		call(t, n, &receipt, "eth_getTransactionReceipt", tx.Hash())
		if receipt.BlockNumber != "0x11" || receipt.Status != "0x1" {
			t.Errorf("%s: receipt %+v", n.Name(), receipt)
		}
	}
	if err := w.Broadcast(t.Context(), "ethereum", "", []byte{1, 2}); err == nil {
		t.Error("bytes that are no transaction were carried")
	}
}

func pending(t *testing.T, w *world) []common.Hash {
	t.Helper()
	txs, err := w.Pending(t.Context(), "ethereum")
	if err != nil {
		t.Fatal(err)
	}
	hashes := make([]common.Hash, len(txs))
	for i, tx := range txs {
		hashes[i] = tx.Hash()
	}
	return hashes
}

func TestReorg(t *testing.T) {
	w := start(t, ethereum(2))
	payer, rival := Key(seed, "payer 0"), common.HexToAddress("0x5678")
	kept, dropped := transfer(t, payer, 1, FirstNonce, rival), transfer(t, payer, 1, FirstNonce+1, rival)
	replaced := transfer(t, Key(seed, "user 0"), 1, FirstNonce, rival)
	winner := transfer(t, Key(seed, "user 0"), 1, FirstNonce, common.HexToAddress("0x9abc"))
	for _, tx := range []*types.Transaction{kept, dropped, replaced} {
		w.send(t, "shared", tx)
	}
	if err := w.Hold(t.Context(), grip("frozen", "infura", "aws/1"), 0, true); err != nil {
		t.Fatal(err)
	}
	w.steps(t, 3)
	old := w.rec.all()[DefaultEarly+1:]

	err := w.Reorg(t.Context(), Branch{Depth: 3, Keep: func(tx *types.Transaction) bool { return tx.Hash() == kept.Hash() }, Add: []*types.Transaction{winner}})
	if err != nil {
		t.Fatal(err)
	}
	branch := w.rec.all()[DefaultEarly+4:]
	for i := range branch {
		if branch[i].Number != old[i].Number || branch[i].Timestamp != old[i].Timestamp || branch[i].Hash == old[i].Hash {
			t.Errorf("block %d of the branch is %d %s at %d, in the place of %d %s at %d", i,
				branch[i].Number, branch[i].Hash, branch[i].Timestamp, old[i].Number, old[i].Hash, old[i].Timestamp)
		}
		for account, balance := range branch[i].Watched {
			if balance.Cmp(old[i].Watched[account]) == 0 {
				t.Errorf("block %d: %s holds %s on both sides", branch[i].Number, account, balance)
			}
		}
	}
	if got := hashes(branch[0].Txs); !slices.Equal(got, []common.Hash{winner.Hash(), kept.Hash()}) {
		t.Errorf("the branch contains %v", got)
	}
	for _, n := range w.Nodes()[:3] {
		if n.Head().Hash != branch[2].Hash || n.Head().Safe != 15 || n.Head().Finalized != 11 {
			t.Errorf("%s stands at %+v", n.Name(), n.Head())
		}
	}
	w.steps(t, 1)
	// What was dropped came back to the pool; what the winner has replaced did not.
	if got := hashes(w.rec.all()[DefaultEarly+7].Txs); !slices.Equal(got, []common.Hash{dropped.Hash()}) {
		t.Errorf("the block after the branch contains %v instead of %s", got, dropped.Hash())
	}
	if err := w.Release(t.Context(), "frozen"); err != nil {
		t.Fatal(err)
	}
	if got := w.node(t, "infura@aws/1").Head(); got.Hash != w.Reference().Head().Hash {
		t.Errorf("the node that stood still is at %+v after its release", got)
	}

	for _, depth := range []uint64{0, 9, 100} {
		if err := w.Reorg(t.Context(), Branch{Depth: depth}); err == nil {
			t.Errorf("a reorg %d deep went below the finalized block", depth)
		}
	}
	if err := w.Reorg(t.Context(), Branch{Depth: 8}); err != nil {
		t.Errorf("a reorg down to the finalized block: %v", err)
	}
	w.steps(t, 1)
}

func hashes(txs types.Transactions) []common.Hash {
	var all []common.Hash
	for _, tx := range txs {
		all = append(all, tx.Hash())
	}
	return all
}

func TestRun(t *testing.T) {
	t.Parallel()
	cfg := ethereum(0)
	cfg.Chains = append(cfg.Chains, plan.Chain{Name: "base", ID: 8453, BlockTime: clock.Of(1500 * time.Millisecond), Safe: 2, Finalized: 4, SettlesOn: "ethereum"})
	cfg.Nodes = append(cfg.Nodes, plan.Node{Name: "b", Chain: "base", Role: plan.RoleBuilder}, plan.Node{Name: "r", Chain: "base", Role: plan.RoleReference})
	w := start(t, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	blocks := slices.Concat(w.rec.await(t, "ethereum", 2), w.rec.await(t, "base", 1))
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		// The time in the header is the slot's, rounded down to a second; a block comes up to half a block time later, and what building and a busy machine add.
		age := w.Conductor.cfg.Clock.Base().Add(b.Published.Duration()).Sub(time.Unix(int64(b.Timestamp), 0))
		if age < 0 || age > 4*time.Second {
			t.Errorf("%s block %d was published %s after its time", b.Chain, b.Number, age)
		}
	}
	if _, err := w.Network.Chain("solana"); err == nil {
		t.Error("a chain that does not run was found")
	}
	if _, err := w.Network.Node("solana"); err == nil {
		t.Error("a node that does not run was found")
	}
}

// A node that is gone ends the conductor, and the error says which.
func TestDeadNode(t *testing.T) {
	w := start(t, ethereum(1))
	if err := w.node(t, "infura@aws/0").close(); err != nil {
		t.Fatal(err)
	}
	err := w.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "chain ethereum: node infura@aws/0: block 17: engine_newPayloadV4: ") {
		t.Errorf("run ended with: %v", err)
	}
	if got := w.Reference().Head().Number; got != DefaultEarly+1 {
		t.Errorf("the reference node stands at block %d: the others were not told", got)
	}
}

// A node that takes no block ends the conductor too, instead of the chain standing still unsaid.
func TestPublishIsBounded(t *testing.T) {
	w := start(t, ethereum(1))
	w.publishing = 100 * time.Millisecond
	n := w.node(t, "infura@aws/0")
	if err := n.turn.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer n.turn.leave()
	if err := w.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "infura@aws/0: block not published within 100ms") {
		t.Errorf("run ended with: %v", err)
	}
}

func TestEngineWantsItsSecret(t *testing.T) {
	w := start(t, ethereum(0))
	body := `{"jsonrpc":"2.0","id":1,"method":"engine_exchangeCapabilities","params":[[]]}`
	for _, token := range []string{"", "Bearer eyJhbGciOiJIUzI1NiJ9.e30.ZRrHA1JJJW8opsbCGfG_HACGpVUMN_a9IV7pAx_Zmeo"} {
		for _, n := range append(w.Nodes(), w.builder) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.stack.HTTPAuthEndpoint(), bytes.NewBufferString(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			if token != "" {
				req.Header.Set("Authorization", token)
			}
			reply, err := w.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			reply.Body.Close()
			if reply.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s with token %q: %s", n.Name(), token, reply.Status)
			}
		}
	}
}

func TestAppsReachNoControls(t *testing.T) {
	w := start(t, ethereum(1))
	if w.builder.URL() != "" || w.builder.WSURL() != "" {
		t.Errorf("the builder listens for apps at %q and %q", w.builder.URL(), w.builder.WSURL())
	}
	for _, n := range w.Nodes() {
		for _, method := range []string{
			"engine_forkchoiceUpdatedV3", "testing_buildBlockV1", "admin_nodeInfo", "debug_setHead", "miner_setGasLimit", "txpool_content", "rpc_modules",
		} {
			err := try(t, n, nil, method)
			if want := "the method " + method + " does not exist/is not available"; method != "rpc_modules" && (err == nil || err.Error() != want) {
				t.Errorf("%s: %s: %v", n.Name(), method, err)
			}
		}
		var modules map[string]string
		call(t, n, &modules, "rpc_modules")
		if got := slices.Sorted(maps.Keys(modules)); !slices.Equal(got, []string{"eth", "net", "rpc", "web3"}) {
			t.Errorf("%s offers %v", n.Name(), got)
		}
		var peers string
		if call(t, n, &peers, "net_peerCount"); peers != "0x0" {
			t.Errorf("%s has %s peers", n.Name(), peers)
		}
	}
}
