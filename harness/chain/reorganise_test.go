package chain

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/plan"
)

// pooled are the transactions that a node's pool has, executable or not.
func pooled(t *testing.T, n *Node) []common.Hash {
	t.Helper()
	if err := n.eth.TxPool().Sync(); err != nil {
		t.Fatal(err)
	}
	var all []common.Hash
	executable, queued := n.eth.TxPool().Content()
	for _, part := range []map[common.Address][]*types.Transaction{executable, queued} {
		for _, txs := range part {
			all = append(all, hashes(txs)...)
		}
	}
	return all
}

// minedIn gives the transactions of the newest block.
func minedIn(w *world) []common.Hash {
	all := w.rec.all()
	return hashes(all[len(all)-1].Txs)
}

func TestForget(t *testing.T) {
	w := start(t, ethereum(2))
	payer, to := Key(seed, "payer 0"), common.HexToAddress("0x5678")
	first, second, waiting := transfer(t, payer, 1, FirstNonce, to), transfer(t, payer, 1, FirstNonce+1, to), transfer(t, payer, 1, FirstNonce+2, to)
	other := transfer(t, Key(seed, "user 0"), 1, FirstNonce, to)
	w.send(t, "shared", first)
	w.steps(t, 1)
	w.send(t, "infura@aws/0", second)
	w.steps(t, 4)
	if err := w.Hold(t.Context(), grip("frozen", "infura", "aws/1"), 0, true); err != nil {
		t.Fatal(err)
	}
	w.send(t, "shared", waiting)
	w.send(t, "shared", other)
	if err := w.Reorg(t.Context(), Branch{Depth: 5, Forget: true}); err != nil {
		t.Fatal(err)
	}
	everywhere := append(w.Nodes(), w.builder)
	want := []common.Hash{waiting.Hash(), other.Hash()}
	slices.SortFunc(want, common.Hash.Cmp)
	for _, n := range everywhere {
		got := pooled(t, n)
		slices.SortFunc(got, common.Hash.Cmp)
		if !slices.Equal(got, want) {
			t.Errorf("the pool of %s has %v instead of %v", n.Name(), got, want)
		}
	}
	var known *struct{}
	if call(t, w.node(t, "shared"), &known, "eth_getTransactionByHash", first.Hash()); known != nil {
		t.Error("a node knows a transaction that was forgotten")
	}
	w.steps(t, 1)
	if got := minedIn(w); !slices.Equal(got, []common.Hash{other.Hash()}) {
		t.Errorf("mined after the reorg: %v instead of what does not wait behind a gap, %s", got, other.Hash())
	}
	// The node that stood still has the old branch, and changes over now.
	if err := w.Release(t.Context(), "frozen"); err != nil {
		t.Fatal(err)
	}
	for _, n := range everywhere {
		if got := pooled(t, n); !slices.Equal(got, []common.Hash{waiting.Hash()}) {
			t.Errorf("the pool of %s has %v at last, instead of %s", n.Name(), got, waiting.Hash())
		}
	}

	// The same bytes again, and all of them are mined.
	w.send(t, "infura@aws/1", first)
	w.steps(t, 1)
	if got := minedIn(w); !slices.Equal(got, []common.Hash{first.Hash()}) {
		t.Errorf("mined after the first one was sent anew: %v", got)
	}
	w.send(t, "infura@aws/1", second)
	w.steps(t, 1)
	if got := minedIn(w); !slices.Equal(got, []common.Hash{second.Hash(), waiting.Hash()}) {
		t.Errorf("mined after the second one was sent anew: %v", got)
	}
	// What was sent anew is forgotten no more: dropped by a reorganisation that lets transactions return, it returns.
	if err := w.Reorg(t.Context(), Branch{Depth: 2}); err != nil {
		t.Fatal(err)
	}
	w.steps(t, 1)
	if got := minedIn(w); !slices.Equal(got, []common.Hash{first.Hash(), second.Hash(), waiting.Hash()}) {
		t.Errorf("mined after a reorg that forgets nothing: %v", got)
	}
}

// An app may send its transaction again in the very moment in which it sees it gone. A node that says that it knows it already must not forget it afterwards.
func TestForgetIsOverBeforeItIsSeen(t *testing.T) {
	w := start(t, ethereum(1))
	payer, to := Key(seed, "payer 0"), common.HexToAddress("0x5678")
	shared := w.node(t, "shared")
	for round := range 10 {
		tx := transfer(t, payer, 1, FirstNonce+uint64(round), to)
		w.send(t, "shared", tx)
		w.steps(t, 1)
		again := make(chan error, 1)
		go func() {
			for shared.mined(tx.Hash()) {
				time.Sleep(50 * time.Microsecond)
			}
			err := shared.local.CallContext(t.Context(), nil, "eth_sendRawTransaction", raw(t, tx))
			for err != nil && strings.Contains(err.Error(), "nonce too low") { // the pool is a moment behind the head
				err = shared.local.CallContext(t.Context(), nil, "eth_sendRawTransaction", raw(t, tx))
			}
			if err != nil && !strings.Contains(err.Error(), "already known") {
				again <- err
				return
			}
			again <- w.Broadcast(t.Context(), "ethereum", "shared", raw(t, tx))
		}()
		if err := w.Reorg(t.Context(), Branch{Depth: 1, Forget: true}); err != nil {
			t.Fatal(err)
		}
		if err := <-again; err != nil {
			t.Fatal(err)
		}
		w.steps(t, 1)
		if got := minedIn(w); !slices.Equal(got, []common.Hash{tx.Hash()}) {
			t.Fatalf("round %d: sent again at once, it was not mined: %v", round, got)
		}
	}
}

func TestReorganise(t *testing.T) {
	t.Parallel()
	w := start(t, ethereum(1))
	if err := w.Hold(t.Context(), grip("frozen", "infura"), 0, true); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	w.rec.await(t, "ethereum", 1)

	for _, depth := range []uint64{0, 9} {
		if err := w.Reorganise(ctx, grip("deep", ""), fault.Reorg{Depth: depth}); err == nil {
			t.Errorf("a reorg %d deep was begun", depth)
		}
	}
	g := grip("c1/reorg", "")
	if _, ok := w.Reorganised(g.ID); ok {
		t.Error("something was replaced before the first reorg")
	}
	began := w.Conductor.cfg.Clock.Now()
	if err := w.Reorganise(ctx, g, fault.Reorg{Depth: 3, Every: 1200 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	if err := w.Reorganise(ctx, g, fault.Reorg{Depth: 1}); err == nil {
		t.Error("the same effect reorganises twice at once")
	}
	if err := w.Conductor.cfg.Clock.Until(ctx, began+clock.Of(3*time.Second)); err != nil { // it happens at 0, 1.2 and 2.4 s
		t.Fatal(err)
	}
	if got := w.node(t, "shared").Grips(); !slices.Equal(got, []*fault.Grip{g}) {
		t.Errorf("a node on the new branch shows the grips %v", got)
	}
	if got := w.node(t, "infura@aws/0").Grips(); len(got) != 1 || got[0].ID != "frozen" {
		t.Errorf("a node that still has the old branch shows the grips %v", got)
	}
	state, ok := w.Reorganised(g.ID)
	if !ok || state.Settled || state.Replaced == state.Canonical {
		t.Errorf("while it goes on: %+v, %v", state, ok)
	}
	for range 2 {
		if err := w.Settle(ctx, g.ID); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Settle(ctx, "no such effect"); err != nil {
		t.Error(err)
	}
	if got := w.node(t, "shared").Grips(); len(got) != 0 {
		t.Errorf("settled, a node shows the grips %v", got)
	}
	settled, _ := w.Reorganised(g.ID)
	var shown struct{ Hash common.Hash }
	call(t, w.node(t, "shared"), &shown, "eth_getBlockByNumber", hexutil.EncodeUint64(settled.Number), false)
	if !settled.Settled || settled.Canonical != shown.Hash.Hex() {
		t.Errorf("settled: %+v, and a node has %s there", settled, shown.Hash)
	}
	if err := w.Reorganise(ctx, g, fault.Reorg{Depth: 1}); err != nil { // as a flap does
		t.Fatal(err)
	}
	for _, ok := w.Reorganised(g.ID); !ok; _, ok = w.Reorganised(g.ID) {
		time.Sleep(time.Millisecond)
	}
	if err := w.Settle(ctx, g.ID); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}

	// Blocks at one height, in the order of their publication: those that were replaced stay on record.
	heights := map[uint64]int{}
	for _, b := range w.rec.all() {
		heights[b.Number]++
	}
	replaced := 0
	for _, n := range heights {
		replaced += n - 1
	}
	if replaced != 10 {
		t.Errorf("%d blocks were replaced in three reorgs three deep and one one deep", replaced)
	}
	w.rec.mu.Lock()
	defer w.rec.mu.Unlock()
	finalized := map[string]uint64{}
	for _, h := range w.rec.heads {
		if h.Node != plan.RoleBuilder && h.Finalized < finalized[h.Node] {
			t.Errorf("%s: finalized went back from %d to %d", h.Node, finalized[h.Node], h.Finalized)
		}
		finalized[h.Node] = h.Finalized
		if h.Number < h.Safe || h.Safe < h.Finalized {
			t.Errorf("%s: the head is %+v", h.Node, h)
		}
	}
}
