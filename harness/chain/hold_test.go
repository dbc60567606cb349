package chain

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"blackout/harness/fault"
)

// heads are the block numbers that apps are told by the nodes infura@aws/0 and so on.
func heads(t *testing.T, w *world) []uint64 {
	t.Helper()
	var all []uint64
	for _, n := range w.Nodes() {
		if n.service == "infura" {
			all = append(all, number(t, n, "latest"))
		}
	}
	return all
}

func TestHold(t *testing.T) {
	w := start(t, ethereum(3))
	ctx := t.Context()
	lag, frozen := grip("c1/head-lag", "infura", "aws/0", "aws/1"), grip("c2/head-lag", "infura", "aws/1")
	if err := w.Hold(ctx, lag, 3, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range [][]uint64{{16, 16, 17}, {16, 16, 18}, {16, 16, 19}, {17, 17, 20}, {18, 18, 21}} {
		w.steps(t, 1)
		if got := heads(t, w); !slices.Equal(got, want) {
			t.Fatalf("heads %v instead of %v", got, want)
		}
	}
	if got := number(t, w.node(t, "infura@aws/0"), "finalized"); got != 10 {
		t.Errorf("the finalized block of a node that stands at 18 is %d instead of 10", got)
	}
	if err := w.Hold(ctx, frozen, 0, true); err != nil {
		t.Fatal(err)
	}
	w.steps(t, 2)
	if got, want := heads(t, w), []uint64{20, 18, 23}; !slices.Equal(got, want) {
		t.Errorf("with one node frozen: heads %v instead of %v", got, want)
	}
	for name, want := range map[string][]*fault.Grip{"infura@aws/0": {lag}, "infura@aws/1": {lag, frozen}, "infura@aws/2": nil, "shared": nil, "reference": nil} {
		if got := w.node(t, name).Grips(); !slices.Equal(got, want) {
			t.Errorf("%s shows the grips %v", name, got)
		}
	}

	if err := w.Release(ctx, frozen.ID); err != nil {
		t.Fatal(err)
	}
	if got, want := heads(t, w), []uint64{20, 20, 23}; !slices.Equal(got, want) {
		t.Errorf("thawed, but still behind: heads %v instead of %v", got, want)
	}
	for range 2 { // lifting twice is allowed
		if err := w.Release(ctx, lag.ID); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := heads(t, w), []uint64{23, 23, 23}; !slices.Equal(got, want) {
		t.Errorf("released: heads %v instead of %v", got, want)
	}
	if got := w.node(t, "infura@aws/1").Grips(); len(got) != 0 {
		t.Errorf("a released node shows the grips %v", got)
	}
}

// A node that comes back imports one block after the other, and each is its head for a moment. 150 blocks is more than geth keeps the state of.
func TestReleaseAfterLong(t *testing.T) {
	w := start(t, ethereum(1))
	if err := w.Hold(t.Context(), grip("e", "infura"), 0, true); err != nil {
		t.Fatal(err)
	}
	w.steps(t, 150)
	// A release that is cut short is finished by the blocks that follow.
	short, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Release(short, "e"); !errors.Is(err, context.Canceled) {
		t.Fatalf("release on a context that has ended: %v", err)
	}
	w.steps(t, 1)
	if got := heads(t, w)[0]; got != DefaultEarly+stride {
		t.Errorf("after one more block the node stands at %d", got)
	}
	if got := w.node(t, "infura@aws/0").Grips(); len(got) != 1 {
		t.Errorf("a node that still lags shows the grips %v", got)
	}
	if err := w.Hold(t.Context(), grip("e", "infura"), 0, true); err != nil {
		t.Fatal(err)
	}
	began := w.Conductor.cfg.Clock.Now()
	if err := w.Release(t.Context(), "e"); err != nil {
		t.Fatal(err)
	}
	t.Logf("caught up with %d blocks in %s", 151-stride, (w.Conductor.cfg.Clock.Now() - began).Duration())

	var seen []uint64
	w.rec.mu.Lock()
	for _, h := range w.rec.heads {
		if h.Node == "infura@aws/0" {
			seen = append(seen, h.Number)
		}
	}
	w.rec.mu.Unlock()
	for i, got := range seen {
		if want := uint64(DefaultEarly + i); got != want {
			t.Fatalf("head %d of the node was block %d instead of %d", i, got, want)
		}
	}
	if last := seen[len(seen)-1]; last != DefaultEarly+151 {
		t.Errorf("the node ends at block %d", last)
	}
}

// TestReleaseCutShort: a node whose release was cut short is shown as held for as long as it lags, and no longer.
func TestReleaseCutShort(t *testing.T) {
	w := start(t, ethereum(1))
	if err := w.Hold(t.Context(), grip("e", "infura"), 0, true); err != nil {
		t.Fatal(err)
	}
	w.steps(t, stride+2)
	short, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Release(short, "e"); !errors.Is(err, context.Canceled) {
		t.Fatalf("release on a context that has ended: %v", err)
	}
	for _, want := range []struct {
		behind uint64
		grips  int
	}{{3, 1}, {0, 0}} {
		w.steps(t, 1)
		behind, shown := w.Reference().Head().Number-heads(t, w)[0], w.node(t, "infura@aws/0").Grips()
		if behind != want.behind || len(shown) != want.grips {
			t.Errorf("%d blocks behind with the grips %v, want %d with %d", behind, shown, want.behind, want.grips)
		}
	}
}

func TestHoldTakes(t *testing.T) {
	w := start(t, ethereum(3))
	half := grip("half", "infura")
	half.SetShare(0.5)
	if err := w.Hold(t.Context(), half, 1, false); err != nil {
		t.Fatal(err)
	}
	w.steps(t, 1)
	for i, got := range heads(t, w) {
		want := uint64(17)
		if half.Takes("", "ethereum", uint64(i)) {
			want = 16
		}
		if got != want {
			t.Errorf("own node %d stands at %d instead of %d", i, got, want)
		}
	}
	// Holding again replaces: with nothing taken any more, the nodes follow.
	half.SetShare(0)
	if err := w.Hold(t.Context(), half, 1, false); err != nil {
		t.Fatal(err)
	}
	w.steps(t, 1)
	if got, want := heads(t, w), []uint64{18, 18, 18}; !slices.Equal(got, want) {
		t.Errorf("heads %v instead of %v", got, want)
	}

	other := grip("other", "infura")
	other.Chain = "base"
	for name, err := range map[string]error{
		"a service without an own node": w.Hold(t.Context(), grip("x", "alchemy"), 1, false),
		"a region without one":          w.Hold(t.Context(), grip("x", "infura", "gcp/x"), 1, false),
		"another chain":                 w.Hold(t.Context(), other, 1, false),
		"no lag":                        w.Hold(t.Context(), grip("x", "infura"), 0, false),
	} {
		if err == nil {
			t.Errorf("%s was held", name)
		}
	}
}

func TestHalt(t *testing.T) {
	t.Parallel()
	w := start(t, ethereum(0))
	ctx := t.Context()
	one, two := grip("one", ""), grip("two", "")
	for _, g := range []*fault.Grip{one, two, one} {
		if err := w.Halt(ctx, g); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.node(t, "shared").Grips(); !slices.Equal(got, []*fault.Grip{one, two}) {
		t.Errorf("a node of a halted chain shows the grips %v", got)
	}
	w.send(t, "shared", transfer(t, Key(seed, "payer 0"), 1, FirstNonce, common.HexToAddress("0x1")))
	if err := w.Resume(ctx, "one"); err != nil {
		t.Fatal(err)
	}
	if err := w.Step(ctx); !errors.Is(err, ErrHalted) {
		t.Fatalf("with one of two halts left: %v", err)
	}

	// The slot of the next block passes under the halt.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	time.Sleep(1300 * time.Millisecond)
	if got := w.Reference().Head().Number; got != DefaultEarly {
		t.Errorf("the halted chain went on to block %d", got)
	}
	if err := w.Resume(ctx, "two"); err != nil {
		t.Fatal(err)
	}
	first := w.rec.await(t, "ethereum", 1)[0]
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if gap := first.Timestamp - w.rec.all()[DefaultEarly].Timestamp; gap < 2 {
		t.Errorf("the first block after the halt has a time %d s after the last one: it was made up for", gap)
	}
	if len(first.Txs) != 1 {
		t.Errorf("the first block after the halt has %d transactions", len(first.Txs))
	}
	if got := w.node(t, "shared").Grips(); len(got) != 0 {
		t.Errorf("after the halts a node shows the grips %v", got)
	}
}
