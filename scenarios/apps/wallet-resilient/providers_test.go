package main

import (
	"context"
	"errors"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/rpc"
)

// said is a node's error reply.
type said string

func (s said) Error() string { return string(s) }
func (said) ErrorCode() int  { return -32000 }

var _ rpc.Error = said("")

func TestCircuit(t *testing.T) {
	clock := time.Unix(1000, 0)
	p, err := newProvider("http://127.0.0.1:1/v3/key", 0, func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	down := errors.New("down")
	for i := range tripAfter {
		if !p.usable() {
			t.Fatalf("open after %d failures", i)
		}
		p.note(down, 0)
	}
	if p.usable() {
		t.Fatalf("closed after %d failures", tripAfter)
	}
	for _, backoff := range []time.Duration{minBackoff, 2 * minBackoff, 4 * minBackoff, maxBackoff, maxBackoff} {
		rest := p.rest(0)
		if rest < backoff*8/10 || rest > backoff*12/10 {
			t.Errorf("rests %v, want %v give or take a fifth", rest, backoff)
		}
		p.note(down, 0)
		if again := p.rest(0); again != rest {
			t.Errorf("a failure before its time changed the rest from %v to %v", rest, again)
		}
		clock = clock.Add(rest)
		p.note(down, 0) // the half-open probe
	}
	p.note(nil, time.Millisecond)
	if !p.usable() || p.rest(0) != 0 {
		t.Error("an answer did not close the circuit")
	}
}

func TestWhoIsToBlame(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		request bool
		lacks   bool
	}{
		"refused":                {&url.Error{Op: "Post", URL: "http://127.0.0.1:1", Err: errors.New("connection refused")}, false, false},
		"HTTP":                   {rpc.HTTPError{StatusCode: 503, Status: "503 Service Unavailable"}, false, false},
		"HTTP page that says it": {rpc.HTTPError{StatusCode: 503, Body: []byte("nonce too low")}, false, false},
		"rate limit":             {said("project ID request rate exceeded"), false, false},
		"full":                   {said("txpool is full"), false, false},
		"lags":                   {said("header not found"), false, true},
		"lags, by hash":          {said("header for hash not found"), false, true},
		"mined":                  {said("nonce too low: next nonce 1, tx nonce 0"), true, false},
		"poor":                   {said("insufficient funds for gas * price + value: balance 0"), true, false},
	} {
		if got := isAboutRequest(c.err); got != c.request {
			t.Errorf("%s: about the request: got %v", name, got)
		}
		if got := lacksBlock(c.err); got != c.lacks {
			t.Errorf("%s: lacks the block: got %v", name, got)
		}
	}
}

func TestErrorsHideAddresses(t *testing.T) {
	p, err := newProvider("http://127.0.0.1:1/v3/s3cret", 0, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	_, err = call(t.Context(), p, func(ctx context.Context, p *provider) (*big.Int, error) { return p.eth.ChainID(ctx) })
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
	if _, err := newProvider("ws://example.org/s3cret", 0, time.Now); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("an address that is no http address: got %v", err)
	}
}

func TestFirst(t *testing.T) {
	fails, hangs, answers := "fails", "hangs", "answers"
	for name, c := range map[string]struct {
		does []string
		want int // the provider that answered, or -1
	}{
		"the preferred":       {[]string{answers, answers, answers}, 0},
		"the next":            {[]string{fails, answers, answers}, 1},
		"the last":            {[]string{fails, hangs, answers}, 2},
		"past one that hangs": {[]string{hangs, answers, fails}, 1},
		"nobody":              {[]string{fails, fails, fails}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			h := testHeads(t, 3, 0)
			for _, p := range h.providers {
				p.now = time.Now
			}
			got, err := first(t.Context(), h.providers, func(ctx context.Context, p *provider) (int, error) {
				switch c.does[p.place] {
				case hangs:
					<-ctx.Done()
					return 0, ctx.Err()
				case fails:
					return 0, errors.New("down")
				}
				return p.place, nil
			})
			if c.want < 0 {
				if err == nil || strings.Count(err.Error(), "down") != 6 {
					t.Errorf("got %v, want six failures: twice around", err)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("got %d, %v, want %d", got, err, c.want)
			}
		})
	}
}

func TestRankPrefersTheHealthy(t *testing.T) {
	h := testHeads(t, 3, 0)
	a, b, c := h.providers[0], h.providers[1], h.providers[2]
	a.note(errors.New("down"), 0)
	a.note(errors.New("down"), 0)
	c.note(nil, time.Millisecond)
	if got := ranked(h.providers); got[0] != b || got[1] != a || got[2] != c {
		t.Errorf("after two failures: %v first", got[0].place)
	}
	a.note(errors.New("down"), 0)
	if got := ranked(h.providers); len(got) != 2 || got[0] != b {
		t.Errorf("with an open circuit: %d providers", len(got))
	}
}

func TestEther(t *testing.T) {
	for wei, want := range map[string]string{
		"0":                           "0.000000",
		"1":                           "0.000000",
		"999999999999":                "0.000000",
		"1000000000000":               "0.000001",
		"1999999999999999999":         "1.999999",
		"100000000000000000000":       "100.000000",
		"123456789012345678901234567": "123456789.012345",
	} {
		n, _ := new(big.Int).SetString(wei, 10)
		if got := ether(n); got != want {
			t.Errorf("%s wei: got %s, want %s", wei, got, want)
		}
	}
}
