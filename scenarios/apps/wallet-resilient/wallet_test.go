package main

import (
	"bytes"
	"fmt"
	"math/big"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

func TestReadsGoOnWhenTheFirstProviderFails(t *testing.T) {
	for _, mode := range []string{healthy, status503, hang, reset, html, nulls, frozen, wrongChain} {
		t.Run("mode "+mode, func(t *testing.T) {
			t.Parallel()
			net := newNetwork(t)
			bad, good := net.front(t), net.front(t)
			w := newTestWallet(t, bad, good)
			eventually(t, "both are known", func() bool {
				ps := w.heads.providers
				return w.heads.onChain(ps[0]) && w.heads.onChain(ps[1])
			})
			bad.fail(t, mode)
			for range 3 {
				net.Commit()
				head, err := net.Client().BlockNumber(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				eventually(t, "the new block is seen", func() bool {
					b, err := w.heads.present()
					return err == nil && b.number == head
				})
				start := time.Now()
				got := w.get(t, "/balance/"+alice.Hex())
				want := answer{code: http.StatusOK, Address: alice.Hex(), Balance: "7.000000", Block: head}
				if got != want {
					t.Fatalf("got %+v, want %+v", got, want)
				}
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("it took %v", took)
				}
			}
		})
	}
}

func TestOldValuesAreMarked(t *testing.T) {
	net := newNetwork(t)
	a, b := net.front(t), net.front(t)
	w := newTestWallet(t, a, b)
	eventually(t, "a first read", func() bool { return w.get(t, "/balance/"+alice.Hex()).code == http.StatusOK })
	before := w.get(t, "/balance/"+alice.Hex())

	a.fail(t, reset)
	b.fail(t, status503)
	w.advance(80 * time.Second)
	marked := before
	marked.Stale = true
	if got := w.get(t, "/balance/"+alice.Hex()); got != marked {
		t.Errorf("with all providers down: got %+v, want %+v", got, marked)
	}
	if got := w.get(t, "/balance/"+bob.Hex()); got.code != http.StatusServiceUnavailable || got.Error != errNeverRead.Error() || got.Balance != "" {
		t.Errorf("an account that was never read: got %+v", got)
	}

	// A provider that is back but stands still does not make the old value new.
	b.fail(t, frozen)
	eventually(t, "the frozen provider answers", w.heads.providers[1].usable)
	if got := w.get(t, "/balance/"+alice.Hex()); got != marked {
		t.Errorf("with a frozen provider: got %+v, want %+v", got, marked)
	}

	a.fail(t, healthy)
	if err := net.AdjustTime(90 * time.Second); err != nil {
		t.Fatal(err)
	}
	net.Commit()
	eventually(t, "fresh again", func() bool {
		got := w.get(t, "/balance/"+alice.Hex())
		return got.code == http.StatusOK && !got.Stale && got.Block > before.Block
	})
}

func TestStartWithoutProviders(t *testing.T) {
	net := newNetwork(t)
	f := net.front(t)
	f.fail(t, reset)
	w := newTestWallet(t, f)
	if got := w.get(t, "/health"); got.code != http.StatusOK {
		t.Errorf("health: %+v", got)
	}
	if got := w.get(t, "/balance/"+alice.Hex()); got.code != http.StatusServiceUnavailable || got.Error == "" {
		t.Errorf("balance: %+v", got)
	}
	if got := w.send(t, bob, "5", "k"); got.code != http.StatusServiceUnavailable || got.Error != errNotReady.Error() {
		t.Errorf("send: %+v", got)
	}
	f.fail(t, healthy)
	eventually(t, "it serves when the provider does", func() bool { return w.get(t, "/balance/"+alice.Hex()).code == http.StatusOK })
	if got := w.send(t, bob, "5", "k"); got.code != http.StatusOK || got.State != pending {
		t.Errorf("send after healing: %+v", got)
	}
}

func TestLostReplyPaysOnce(t *testing.T) {
	net := newNetwork(t)
	a, b := net.front(t), net.front(t)
	w := newTestWallet(t, a, b)
	<-w.outbox.ready
	a.fail(t, lostReply)
	b.fail(t, lostReply)
	paid := w.send(t, bob, "12345", "order-1")
	if paid.code != http.StatusOK || paid.State != pending {
		t.Fatalf("got %+v", paid)
	}
	eventually(t, "each provider was handed the bytes more than once", func() bool { return len(a.handed()) > 1 && len(b.handed()) > 1 })
	awaitPool(t, net, 1)
	net.Commit()
	eventually(t, "confirmed", func() bool { return w.get(t, "/payment/"+paid.ID).State == confirmed })
	for _, raw := range append(a.handed(), b.handed()...) {
		if !bytes.Equal(raw, a.handed()[0]) {
			t.Error("other bytes were sent")
		}
	}
	a.fail(t, healthy)
	b.fail(t, healthy)
	w.advance(2 * sendAgain)
	net.Commit()
	net.Commit()
	if again := w.send(t, bob, "12345", "order-1"); again.ID != paid.ID || again.Hash != paid.Hash || again.State != confirmed {
		t.Errorf("the same key: got %+v, want %+v, confirmed", again, paid)
	}
	if other := w.send(t, bob, "1", "order-1"); other.code != http.StatusConflict {
		t.Errorf("the same key for another order: got %+v", other)
	}
	wantHeld(t, net, bob, 12345)
}

func TestPaymentsSurviveAnOutage(t *testing.T) {
	net := newNetwork(t)
	a, b := net.front(t), net.front(t)
	w := newTestWallet(t, a, b)
	<-w.outbox.ready
	a.fail(t, hang)
	b.fail(t, reset)
	const payments = 20
	ids := make([]string, payments)
	var users sync.WaitGroup
	for i := range ids {
		users.Go(func() {
			start := time.Now()
			got := w.send(t, bob, "1000", fmt.Sprint("order-", i))
			ids[i] = got.ID
			if got.code != http.StatusOK || got.State != pending || time.Since(start) > 2*time.Second {
				t.Errorf("payment %d: %+v after %v", i, got, time.Since(start))
			}
		})
	}
	users.Wait()
	wantHeld(t, net, bob, 0)

	b.fail(t, healthy)
	awaitPool(t, net, payments)
	net.Commit()
	for _, id := range ids {
		eventually(t, "payment "+id+" is confirmed", func() bool { return w.get(t, "/payment/"+id).State == confirmed })
	}
	wantHeld(t, net, bob, payments*1000)
	for range settleDepth {
		net.Commit()
	}
	eventually(t, "all are settled", func() bool { return len(w.outbox.unsettled()) == 0 })
}

func TestForeignTransactionTookTheNonce(t *testing.T) {
	net := newNetwork(t)
	a, b := net.front(t), net.front(t)
	w := newTestWallet(t, a, b)
	<-w.outbox.ready
	a.fail(t, reset)
	b.fail(t, reset)
	lost := w.send(t, bob, "1000", "lost")
	foreign := newTestWallet(t, net.front(t)) // the same key, used elsewhere
	<-foreign.outbox.ready
	taken := foreign.send(t, alice, "1", "foreign")
	awaitPool(t, net, 1)
	net.Commit()
	eventually(t, "the foreign payment is confirmed", func() bool { return foreign.get(t, "/payment/"+taken.ID).State == confirmed })
	a.fail(t, healthy)
	b.fail(t, healthy)
	eventually(t, "the nonces are caught up with", func() bool {
		w.outbox.mu.Lock()
		defer w.outbox.mu.Unlock()
		return w.outbox.mined == 1
	})
	if got := w.get(t, "/payment/"+lost.ID); got.State != pending {
		t.Errorf("before it is proven: %+v", got)
	}
	for range settleDepth {
		net.Commit()
	}
	eventually(t, "the payment is called failed", func() bool { return w.get(t, "/payment/"+lost.ID).State == failed })
	next := w.send(t, bob, "2000", "next")
	awaitPool(t, net, 2)
	net.Commit()
	eventually(t, "the next payment is confirmed", func() bool { return w.get(t, "/payment/"+next.ID).State == confirmed })
	wantHeld(t, net, bob, 2000)
}

func TestOrdersThatAreRefused(t *testing.T) {
	net := newNetwork(t)
	w := newTestWallet(t, net.front(t))
	<-w.outbox.ready
	for name, order := range map[string]struct {
		order any
		code  int
	}{
		"no JSON object":    {"pay bob", http.StatusBadRequest},
		"no address":        {map[string]string{"to": "bob", "wei": "1", "key": "k"}, http.StatusBadRequest},
		"nothing":           {map[string]string{"to": bob.Hex(), "wei": "0", "key": "k"}, http.StatusBadRequest},
		"less than nothing": {map[string]string{"to": bob.Hex(), "wei": "-1", "key": "k"}, http.StatusBadRequest},
		"not in wei":        {map[string]string{"to": bob.Hex(), "wei": "1.5", "key": "k"}, http.StatusBadRequest},
		"no key":            {map[string]string{"to": bob.Hex(), "wei": "1"}, http.StatusBadRequest},
		"more than there is": {
			map[string]string{"to": bob.Hex(), "wei": "100000000000000000000", "key": "k"}, http.StatusServiceUnavailable,
		},
	} {
		if got := w.ask(t, http.MethodPost, "/send", order.order); got.code != order.code || got.Error == "" {
			t.Errorf("%s: got %+v, want status %d and an error", name, got, order.code)
		}
	}
	if got := w.get(t, "/balance/bob"); got.code != http.StatusBadRequest || got.Error == "" {
		t.Errorf("balance of no address: %+v", got)
	}
	if got := w.get(t, "/payment/none"); got.code != http.StatusNotFound || got.Error == "" {
		t.Errorf("unknown payment: %+v", got)
	}
	if n := len(w.outbox.unsettled()); n != 0 {
		t.Errorf("%d payments were signed", n)
	}
}

// awaitPool waits until the node's pool has made the hot key's next nonce what is given.
func awaitPool(t *testing.T, net *network, next uint64) {
	t.Helper()
	eventually(t, "the transactions are in the pool", func() bool {
		n, err := net.Client().PendingNonceAt(t.Context(), hot)
		return err == nil && n == next
	})
}

// wantHeld checks an account at the node itself.
func wantHeld(t *testing.T, net *network, account common.Address, wei int64) {
	t.Helper()
	got, err := net.Client().BalanceAt(t.Context(), account, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Cmp(big.NewInt(wei)) != 0 {
		t.Errorf("%s holds %s wei, want %d", account, got, wei)
	}
}
