package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
)

// both runs a test with the defence and without it. The test is told which.
func both(t *testing.T, flaw string, test func(t *testing.T, flaw string)) {
	t.Helper()
	t.Run("with all defences", func(t *testing.T) { t.Parallel(); test(t, "") })
	t.Run("without "+flaw, func(t *testing.T) { t.Parallel(); test(t, flaw) })
}

// three is a network behind three fronts.
func three(t *testing.T) (*network, []*front) {
	t.Helper()
	n := newNetwork(t)
	return n, []*front{n.front(t), n.front(t), n.front(t)}
}

func failAll(fronts []*front, mode string) {
	for _, f := range fronts {
		f.fail(mode)
	}
}

const balanceOfAlice = "7.000000"

func TestHealthy(t *testing.T) {
	t.Parallel()
	n, fronts := three(t)
	w := newTestWallet(t, "", nil, fronts...)
	if b := w.get(t, "/balance/"+alice.Hex()); b.Balance != balanceOfAlice || b.Stale || b.Block == 0 {
		t.Errorf("%+v", b)
	}
	p := w.pay(t, "one")
	if p.State != pending || w.pay(t, "one").Hash != p.Hash {
		t.Errorf("%+v; the same key is another payment", p)
	}
	for i, f := range fronts {
		eventually(t, "every provider has the bytes", func() bool { return len(f.handed()) > 0 })
		if got := f.handed()[0].Hash(); got != p.Hash {
			t.Errorf("provider %d got %s", i, got)
		}
	}
	for i := range depth {
		n.Commit()
		eventually(t, "the receipt is found", func() bool { return w.placed(p.Hash) })
		if got := w.get(t, "/payment/"+p.ID); got.State != pending {
			t.Errorf("%s with %d blocks on top", got.State, i)
		}
	}
	n.Commit()
	eventually(t, "confirmed with four blocks on top", func() bool { return w.get(t, "/payment/"+p.ID).State == confirmed })
	if s := w.get(t, "/status"); s.Status != "ok" {
		t.Errorf("%+v", s)
	}
	for path, code := range map[string]int{"/payment/none": 404, "/balance/zzz": 400, "/picture/zzz": 400, "/health": 200} {
		if got := w.get(t, path); got.code != code {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

// knows waits until the node has a transaction.
func (n *network) knows(t *testing.T, tx common.Hash) {
	t.Helper()
	eventually(t, "the node has the transaction", func() bool {
		_, _, err := n.Client().TransactionByHash(t.Context(), tx)
		return err == nil
	})
}

// placed says whether the payment's block is known.
func (w *testWallet) placed(tx common.Hash) bool {
	w.payments.mu.Lock()
	defer w.payments.mu.Unlock()
	return slices.ContainsFunc(w.payments.list, func(p *payment) bool { return p.tx.Hash() == tx && p.block != nil })
}

func TestNoDeadline(t *testing.T) {
	t.Parallel()
	both(t, noDeadline, func(t *testing.T, flaw string) {
		_, fronts := three(t)
		w := newTestWallet(t, flaw, nil, fronts...)
		fronts[0].fail(hanging)
		b := w.get(t, "/balance/"+alice.Hex())
		if hangs := b.code == 0; hangs != (flaw != "") || !hangs && (b.Balance != balanceOfAlice || b.Stale || b.took > userBudget) {
			t.Errorf("%+v", b)
		}
	})
}

func TestOneProvider(t *testing.T) {
	t.Parallel()
	both(t, oneProvider, func(t *testing.T, flaw string) {
		_, fronts := three(t)
		w := newTestWallet(t, flaw, nil, fronts...)
		fronts[0].fail(out)
		if b := w.get(t, "/balance/"+alice.Hex()); (b.code == http.StatusServiceUnavailable) != (flaw != "") {
			t.Errorf("%+v", b)
		}
	})
}

func TestNothingToRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flaw        string
		known, then string // what is shown, "!" for a mark, of an account that was read before and of one that was not; "" is a 503
	}{
		{"", balanceOfAlice + "!", ""},
		{zeroOnError, "0.000000", "0.000000"},
		{unmarkedCache, balanceOfAlice, ""},
	} {
		t.Run(c.flaw, func(t *testing.T) {
			t.Parallel()
			_, fronts := three(t)
			w := newTestWallet(t, c.flaw, nil, fronts...)
			w.get(t, "/balance/"+alice.Hex())
			failAll(fronts, out)
			shown := func(account common.Address) string {
				b := w.get(t, "/balance/"+account.Hex())
				if b.Stale {
					b.Balance += "!"
				}
				if (b.Balance == "") != (b.code == http.StatusServiceUnavailable) {
					t.Errorf("%+v", b)
				}
				return b.Balance
			}
			if known, then := shown(alice), shown(bob); known != c.known || then != c.then {
				t.Errorf("shows %q and %q, want %q and %q", known, then, c.known, c.then)
			}
		})
	}
}

func TestStickyFallback(t *testing.T) {
	t.Parallel()
	both(t, stickyFallback, func(t *testing.T, flaw string) {
		_, fronts := three(t)
		w := newTestWallet(t, flaw, nil, fronts...)
		stale := func() bool {
			b := w.get(t, "/balance/"+alice.Hex())
			return b.Balance != balanceOfAlice || b.Stale
		}
		fronts[0].fail(out)
		if stale() {
			t.Error("the second provider is not asked")
		}
		fronts[0].fail(healthy)
		eventually(t, "the first is back", func() bool { return w.heads.all[0].inService() })
		fronts[1].fail(out)
		if stale() != (flaw != "") {
			t.Error("the first provider is asked again, or is not")
		}
	})
}

func TestNoBackoff(t *testing.T) {
	t.Parallel()
	both(t, noBackoff, func(t *testing.T, flaw string) {
		_, fronts := three(t)
		w := newTestWallet(t, flaw, nil, fronts...)
		fronts[0].fail(out)
		before := fronts[0].count()
		for range 5 {
			if b := w.get(t, "/balance/"+alice.Hex()); b.Balance != balanceOfAlice {
				t.Errorf("%+v", b)
			}
		}
		if n := fronts[0].count() - before; (n > 50) != (flaw != "") {
			t.Errorf("a provider that is out was asked %d times for five users", n)
		}
	})
}

func TestIgnoresRetryAfter(t *testing.T) {
	t.Parallel()
	both(t, ignoresRetryAfter, func(t *testing.T, flaw string) {
		_, fronts := three(t)
		w := newTestWallet(t, flaw, nil, fronts...)
		fronts[0].fail(limiting)
		before := fronts[0].count()
		eventually(t, "it is told to come back later", func() bool { return fronts[0].count() > before })
		time.Sleep(100 * time.Millisecond) // what was under way arrives
		before = fronts[0].count()
		for range 5 {
			if b := w.get(t, "/balance/"+alice.Hex()); b.Balance != balanceOfAlice || b.Stale {
				t.Errorf("%+v", b)
			}
		}
		time.Sleep(200 * time.Millisecond) // for the polls, at 50 ms
		if n := fronts[0].count() - before; (n > 0) != (flaw != "") {
			t.Errorf("it was asked %d times though it said when to come back", n)
		}
	})
}

func TestWaitAsked(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 10, 20, 7, 0, 0, 0, time.UTC)
	s := &source{outside: newOutside(flaws{}, "", func() time.Time { return now })}
	for _, c := range []struct {
		code        int
		after, body string
		want        time.Duration
	}{
		{429, "7", "", 7 * time.Second},
		{503, "Mon, 20 Oct 2025 07:00:09 GMT", "", 9 * time.Second},
		{429, "86400", "", longestWait},
		{429, "", `{"error":{"code":-32005,"message":"x","data":{"backoff_seconds":12}}}`, 12 * time.Second},
		{429, "", `{"error":{"code":-32005,"message":"x","data":{"backoff_seconds":1e300}}}`, longestWait},
		{429, "soon", "slow down", 0},
		{429, "-5", `{"error":{"code":1,"message":"x","data":"y"}}`, 0},
		{503, "Mon, 20 Oct 2025 06:00:00 GMT", "", 0},
		{500, "7", "", 0},
	} {
		reply := &http.Response{StatusCode: c.code, Header: http.Header{"Retry-After": {c.after}}}
		if got := s.waitAsked(reply, []byte(c.body)); got != c.want {
			t.Errorf("%d, %q, %q: %s, want %s", c.code, c.after, c.body, got, c.want)
		}
	}
}

func TestNoChainCheck(t *testing.T) {
	t.Parallel()
	both(t, noChainCheck, func(t *testing.T, flaw string) {
		_, fronts := three(t)
		w := newTestWallet(t, flaw, nil, fronts...)
		fronts[1].fail(out)
		fronts[2].fail(out)
		fronts[0].fail(wrongChain)
		on := func() (is bool) {
			newest, err := w.heads.newest()
			return err == nil && newest.chain == 5
		}
		if flaw == "" {
			eventually(t, "the provider is not used", func() bool { return !w.heads.all[0].onRightChain() })
			if on() {
				t.Error("another chain's head is taken for the present")
			}
			if p := w.pay(t, "one"); len(fronts[0].handed()) > 0 {
				t.Errorf("a payment went to another chain: %+v", p)
			}
			return
		}
		eventually(t, "another chain's head is taken for the present", on)
		w.pay(t, "one")
		eventually(t, "the bytes go out", func() bool { return len(fronts[0].handed()) > 0 })
		if id := fronts[0].handed()[0].ChainId(); id.Uint64() != 5 {
			t.Errorf("signed for chain %s", id)
		}
	})
}

func TestNoAgeCheck(t *testing.T) {
	t.Parallel()
	both(t, noAgeCheck, func(t *testing.T, flaw string) {
		n, fronts := three(t)
		w := newTestWallet(t, flaw, nil, fronts...)
		fronts[0].fail(standing)
		n.Commit()
		n.Commit()
		eventually(t, "the other providers are ahead", func() bool {
			w.heads.mu.Lock()
			defer w.heads.mu.Unlock()
			return w.heads.latest[w.heads.all[0]].number == 1 && w.heads.latest[w.heads.all[1]].number == 3
		})
		if b := w.get(t, "/balance/"+alice.Hex()); b.Balance != balanceOfAlice || b.Stale || (b.Block == 3) != (flaw == "") {
			t.Errorf("%+v", b)
		}
		if fresh := w.heads.fresh(head{hash: common.Hash{1}, at: time.Now().Add(-time.Hour)}); fresh != (flaw != "") {
			t.Errorf("a block of an hour ago is fresh: %t", fresh)
		}
	})
}

func TestSubscriptionLost(t *testing.T) {
	t.Parallel()
	both(t, subscriptionLost, func(t *testing.T, flaw string) {
		n, fronts := three(t)
		w := newTestWallet(t, flaw, nil, fronts...)
		at := func() uint64 {
			newest, _ := w.heads.newest()
			return newest.number
		}
		eventually(t, "the wallet has subscribed", func() bool { fronts[0].mu.Lock(); defer fronts[0].mu.Unlock(); return len(fronts[0].sockets) > 0 })
		time.Sleep(50 * time.Millisecond) // the node has to know of it
		before := at()
		n.Commit()
		eventually(t, "a head is announced", func() bool { return at() > before })
		fronts[0].cut()
		time.Sleep(50 * time.Millisecond)
		before = at()
		n.Commit()
		if flaw == "" {
			eventually(t, "a head is seen all the same", func() bool { return at() > before })
			return
		}
		time.Sleep(500 * time.Millisecond)
		if at() > before {
			t.Error("a head was seen")
		}
	})
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, flaw := range []string{"", nonceFromMemory, blamesFunds} {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			_, fronts := three(t)
			w := newTestWallet(t, flaw, nil, fronts...)
			failAll(fronts, poolFull)
			p := w.pay(t, "one")
			if blames := strings.Contains(p.Error, "insufficient funds"); p.code != http.StatusServiceUnavailable || blames != (flaw == blamesFunds) {
				t.Errorf("%+v", p)
			}
			refused := len(fronts[0].handed())
			failAll(fronts, healthy)
			if p := w.pay(t, "one"); p.State != pending {
				t.Errorf("%+v", p)
			}
			all := fronts[0].handed()
			if gap := all[len(all)-1].Nonce() - all[0].Nonce(); (gap > 0) != (flaw == nonceFromMemory) {
				t.Errorf("the nonce of %d refused payments: the next one's is %d higher", refused, gap)
			}
		})
	}
}

func TestUncheckedBody(t *testing.T) {
	t.Parallel()
	both(t, uncheckedBody, func(t *testing.T, flaw string) {
		_, fronts := three(t)
		w := newTestWallet(t, flaw, nil, fronts...)
		fronts[0].fail(noBalance)
		want := balanceOfAlice
		if flaw != "" {
			want = "0.000000"
		}
		if b := w.get(t, "/balance/"+alice.Hex()); b.Balance != want || b.Stale {
			t.Errorf("%+v", b)
		}
	})
}

func TestRead(t *testing.T) {
	t.Parallel()
	s := &source{outside: newOutside(flaws{}, "", time.Now)}
	for _, c := range []struct{ body, want string }{
		{`[{"id":2,"result":"b"},{"id":1,"result":"a"}]`, "a b"},
		{`[{"id":1,"result":"a"}]`, "a err"},
		{`[{"id":7,"result":"a"},{"id":2,"error":{"code":1,"message":"no"}}]`, "err err"},
		{`[{"id":1},{"id":2,"result":null}]`, "err absent"},
		{`{"id":1,"result":"a"}`, "a err"},
		{`<html>`, "not JSON"},
		{``, "not JSON"},
	} {
		queries := []*query{ask("x"), ask("y")}
		if err := s.read([]byte(c.body), queries); err != nil {
			if c.want != "not JSON" {
				t.Errorf("%s: %v", c.body, err)
			}
			continue
		}
		var got []string
		for _, q := range queries {
			v, err := value[string](s, q)
			switch {
			case errors.Is(err, errAbsent):
				v = "absent"
			case err != nil:
				v = "err"
			}
			got = append(got, v)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %s, want %s", c.body, got, c.want)
		}
	}
}

func TestPictures(t *testing.T) {
	t.Parallel()
	both(t, htmlAsData, func(t *testing.T, flaw string) {
		data := []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)
		sum := sha256.Sum256(data)
		hash, err := multihash.Encode(sum[:], multihash.SHA2_256)
		if err != nil {
			t.Fatal(err)
		}
		id := cid.NewCidV1(cid.Raw, hash).String()
		gateway := func(body string) string {
			s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/ipfs/"+id {
					t.Errorf("asked for %s", r.URL.Path)
				}
				_, _ = io.WriteString(rw, body)
			}))
			t.Cleanup(s.Close)
			return s.URL
		}
		w := newTestWallet(t, flaw, []string{gateway("<html>sorry</html>"), gateway(string(data))})
		reply, err := http.Get(w.URL + "/picture/" + id)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		got, err := io.ReadAll(reply.Body)
		if err != nil {
			t.Fatal(err)
		}
		if (string(got) == string(data)) != (flaw == "") || reply.StatusCode != http.StatusOK || reply.Header.Get("Content-Type") != "image/svg+xml" {
			t.Errorf("%s: %s", reply.Status, got)
		}
		w = newTestWallet(t, "", []string{gateway("<html>sorry</html>")})
		if a := w.get(t, "/picture/"+id); a.code != http.StatusServiceUnavailable || a.Error == "" {
			t.Errorf("%+v", a)
		}
	})
}

func TestReadsOnlyFailover(t *testing.T) {
	t.Parallel()
	both(t, readsOnlyFailover, func(t *testing.T, flaw string) {
		_, fronts := three(t)
		w := newTestWallet(t, flaw, nil, fronts...)
		fronts[0].fail(hanging)
		eventually(t, "the first provider rests", func() bool { return !w.heads.all[0].inService() })
		if b := w.get(t, "/balance/"+alice.Hex()); b.Balance != balanceOfAlice || b.Stale {
			t.Errorf("%+v", b)
		}
		if p := w.pay(t, "one"); (p.State == pending) != (flaw == "") {
			t.Errorf("%+v", p)
		}
	})
}

func TestDiesCold(t *testing.T) {
	for _, flaw := range []string{"", diesCold} {
		t.Run(flaw, func(t *testing.T) {
			n := newNetwork(t)
			f := n.front(t)
			f.fail(out)
			for name, v := range map[string]string{
				"PORT": "0", "HOT_KEY": "b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291", "RPC_URLS": f.URL, "CHAIN_ID": "1337", "BLOCK_TIME": "2s", "FLAWS": flaw,
			} {
				t.Setenv(name, v)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if err := run(ctx); (err != nil) != (flaw != "") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestLeaksConnections(t *testing.T) {
	t.Parallel()
	both(t, leaksConnections, func(t *testing.T, flaw string) {
		n := newNetwork(t)
		f := n.front(t)
		w := newTestWallet(t, flaw, nil, f)
		f.fail(out)
		s := w.heads.all[0]
		for range inFlight + 1 {
			_, _ = s.fetch(t.Context(), http.MethodGet, s.address, nil)
		}
		f.fail(healthy)
		_, err := s.fetch(t.Context(), http.MethodPost, s.address, []byte(`{"id":1,"method":"eth_chainId","params":[]}`))
		if errors.Is(err, errBusy) != (flaw != "") {
			t.Errorf("%v; %d slots are taken", err, len(s.slots))
		}
	})
}

func TestAlwaysNormal(t *testing.T) {
	t.Parallel()
	both(t, alwaysNormal, func(t *testing.T, flaw string) {
		_, fronts := three(t)
		w := newTestWallet(t, flaw, nil, fronts...)
		failAll(fronts, out)
		for range 4 {
			w.get(t, "/balance/"+alice.Hex())
		}
		if s := w.get(t, "/status"); (s.Status == "trouble" && s.Why != "") != (flaw == "") {
			t.Errorf("%+v", s)
		}
		failAll(fronts, healthy)
		w.users.mu.Lock()
		clear(w.users.seconds) // five seconds later
		w.users.mu.Unlock()
		if s := w.get(t, "/status"); s.Status != "ok" {
			t.Errorf("%+v", s)
		}
	})
}

func TestConfig(t *testing.T) {
	t.Parallel()
	good := map[string]string{"PORT": "1", "HOT_KEY": "0x" + strings.Repeat("1", 64), "RPC_URLS": "http://a, http://b", "CHAIN_ID": "1", "BLOCK_TIME": "2s", "FLAWS": " no-deadline, re-sign,"}
	for _, c := range []struct{ name, value, want string }{
		{"", "", ""},
		{"PORT", "", "PORT"},
		{"HOT_KEY", "zz", "HOT_KEY"},
		{"RPC_URLS", " ,", "RPC_URLS"},
		{"WS_URLS", "ws://a", "WS_URLS"},
		{"CHAIN_ID", "0", "CHAIN_ID"},
		{"BLOCK_TIME", "2", "BLOCK_TIME"},
		{"TOKEN", "0x1", "TOKEN"},
		{"FLAWS", "no-such", "no-such"},
	} {
		got, err := configFromEnv(func(name string) string {
			if name == c.name {
				return c.value
			}
			return good[name]
		})
		if c.want == "" && (err != nil || len(got.rpc) != 2 || !got.flaws[reSign] || len(got.flaws) != 2) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s=%q: %v", c.name, c.value, err)
		}
	}
}
