package main

import (
	"context"
	"io"
	"net/http"
	"testing"
)

func TestReSign(t *testing.T) {
	t.Parallel()
	both(t, reSign, func(t *testing.T, flaw string) {
		n, fronts := three(t)
		w := newTestWallet(t, flaw, nil, fronts...)
		fronts[0].fail(lostReply)
		if p := w.pay(t, "one"); p.State != pending {
			t.Errorf("%+v", p)
		}
		n.Commit()
		paid, err := n.Client().BalanceAt(t.Context(), bob, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := int64(1000)
		if flaw != "" {
			want = 2000
		}
		if paid.Int64() != want {
			t.Errorf("paid %s, want %d", paid, want)
		}
	})
}

func TestConfirmedOnSubmit(t *testing.T) {
	t.Parallel()
	both(t, confirmedOnSubmit, func(t *testing.T, flaw string) {
		n, fronts := three(t)
		w := newTestWallet(t, flaw, nil, fronts...)
		fronts[0].fail(swallowing)
		p := w.pay(t, "one")
		if (p.State == confirmed) != (flaw != "") {
			t.Errorf("%+v", p)
		}
		if flaw == "" {
			n.knows(t, p.Hash)
			n.Commit()
			eventually(t, "it is mined", func() bool { return w.placed(p.Hash) })
		}
	})
}

func TestConfirmedAtOneBlock(t *testing.T) {
	t.Parallel()
	both(t, confirmedAtOneBlock, func(t *testing.T, flaw string) {
		n, fronts := three(t)
		w := newTestWallet(t, flaw, nil, fronts...)
		fork, err := n.Client().BlockByNumber(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		p := w.pay(t, "one")
		n.Commit()
		eventually(t, "its receipt is found", func() bool { return w.placed(p.Hash) })
		if got := w.get(t, "/payment/"+p.ID); (got.State == confirmed) != (flaw != "") {
			t.Errorf("with one block: %+v", got)
		}
		if flaw != "" {
			return
		}
		handed := len(fronts[0].handed())
		failAll(fronts, poolFull) // so that what the node gets again is not mined again at once
		if err := n.Fork(fork.Hash()); err != nil {
			t.Fatal(err)
		}
		n.Rollback()
		n.Commit()
		n.Commit()
		eventually(t, "the same bytes go out again", func() bool {
			again := fronts[0].handed()
			return len(again) > handed && again[len(again)-1].Hash() == p.Hash || w.placed(p.Hash)
		})
	})
}

// TestUnknownFate holds that a payment of which nobody knows whether it is out is never declined, and that one which is for certain with nobody is.
func TestUnknownFate(t *testing.T) {
	t.Parallel()
	n, fronts := three(t)
	w := newTestWallet(t, "", nil, fronts...)
	failAll(fronts, out)
	p := w.pay(t, "one")
	if p.State != pending {
		t.Fatalf("%+v", p)
	}
	eventually(t, "every provider rests", func() bool { return len(w.heads.order()) == 0 })
	if p := w.pay(t, "two"); p.code != http.StatusServiceUnavailable {
		t.Errorf("%+v", p)
	}
	failAll(fronts, healthy)
	eventually(t, "it is sent once there is somebody to send it to", func() bool { return len(fronts[2].handed()) > 0 })
	n.knows(t, p.Hash)
	n.Commit()
	eventually(t, "it is mined", func() bool { return w.placed(p.Hash) })
	for _, f := range fronts {
		for _, tx := range f.handed() {
			if tx.Hash() != p.Hash {
				t.Errorf("%s went out", tx.Hash())
			}
		}
	}
}

func TestFateOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want fate
	}{
		{nil, taken},
		{&rpcError{Message: "already known"}, taken},
		{&rpcError{Message: "nonce too low: next nonce 5, tx nonce 4"}, refused},
		{&rpcError{Message: "txpool is full"}, refused},
		{statusError{code: 429}, refused},
		{errBusy, refused},
		{statusError{code: 503}, unknown},
		{io.ErrUnexpectedEOF, unknown},
		{context.DeadlineExceeded, unknown},
		{errAbsent, unknown},
	} {
		if got := fateOf(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
}
