package main

import (
	"errors"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// chainOf makes a branch of blocks 1 to n; from block split on its hashes carry the branch's name. A block's time is twice its number.
func chainOf(branch byte, split, n uint64) []block {
	hash := func(number uint64) common.Hash {
		if number < split {
			return common.Hash{0, byte(number)}
		}
		return common.Hash{branch, byte(number)}
	}
	var list []block
	for number := uint64(1); number <= n; number++ {
		at := time.Unix(int64(2*number), 0)
		list = append(list, block{number: number, hash: hash(number), parent: hash(number - 1), time: at, seen: at, baseFee: new(big.Int)})
	}
	return list
}

func TestPresent(t *testing.T) {
	main, ahead := chainOf('m', 1, 20), chainOf('m', 1, 20)
	fork := append(chainOf('m', 1, 8), chainOf('f', 9, 20)[8:]...)
	fork[8].parent = main[7].hash
	head := func(chain []block, number uint64) block { return chain[number-1] }
	for name, c := range map[string]struct {
		now   int64 // Unix seconds
		heads []block
		want  block
		err   error
	}{
		"nobody answered":              {20, nil, block{}, errNoHead},
		"one provider":                 {20, []block{head(main, 10)}, head(main, 10), nil},
		"the highest of one branch":    {20, []block{head(main, 9), head(main, 10), head(main, 8)}, head(main, 10), nil},
		"one that lags does not count": {30, []block{head(main, 3), head(main, 15)}, head(main, 15), nil},
		"all stand still":              {28, []block{head(main, 10), head(main, 10)}, block{}, errNoHead},
		"just young enough":            {27, []block{head(main, 10)}, head(main, 10), nil},
		"the majority's branch":        {24, []block{head(fork, 12), head(main, 11), head(main, 10)}, head(main, 11), nil},
		"two against two":              {24, []block{head(fork, 12), head(main, 11), head(main, 10), head(fork, 11)}, block{}, errContested},
		"one against one":              {24, []block{head(fork, 12), head(main, 11)}, block{}, errContested},
		"before they part":             {22, []block{head(main, 8), head(fork, 10)}, head(fork, 10), nil},
		"further ahead by one":         {24, []block{head(ahead, 12), head(main, 11)}, head(main, 12), nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := testHeads(t, len(c.heads), c.now)
			for _, b := range append(main, fork...) {
				h.add(b)
			}
			for i, b := range c.heads {
				h.report(h.providers[i], b.hash)
			}
			got, err := h.present()
			if !errors.Is(err, c.err) || got.hash != c.want.hash {
				t.Errorf("got block %d %v, %v; want block %d, %v", got.number, got.hash, err, c.want.number, c.err)
			}
		})
	}
}

func TestFresh(t *testing.T) {
	main := chainOf('m', 1, 20)
	fork := chainOf('f', 9, 20)
	fork[8].parent = main[7].hash
	h := testHeads(t, 2, 24)
	for _, b := range append(main, fork[8:]...) {
		h.add(b)
	}
	h.report(h.providers[0], main[10].hash) // block 11
	h.report(h.providers[1], main[9].hash)
	for name, c := range map[string]struct {
		block block
		want  bool
	}{
		"the head itself":               {main[10], true},
		"two blocks before it":          {main[8], true},
		"older than the age allows":     {main[7], false},
		"reorganised away":              {fork[9], false},
		"ahead, of a provider now gone": {main[11], true},
		"ahead on another branch":       {fork[11], false},
	} {
		if got := h.fresh(c.block); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestAdmit(t *testing.T) {
	one, two := big.NewInt(1), big.NewInt(2)
	t.Run("told", func(t *testing.T) {
		h := testHeads(t, 2, 0)
		h.chainID = one
		if h.admit(h.providers[0], two) || !h.admit(h.providers[1], one) {
			t.Error("the configured chain does not decide")
		}
		if h.onChain(h.providers[0]) || !h.onChain(h.providers[1]) {
			t.Error("onChain does not follow what providers said last")
		}
	})
	t.Run("asked", func(t *testing.T) {
		h := testHeads(t, 3, 0)
		if h.admit(h.providers[0], two) {
			t.Error("one of three decided")
		}
		h.admit(h.providers[1], one)
		if !h.admit(h.providers[2], one) || h.chain().Cmp(one) != 0 {
			t.Error("two of three did not decide")
		}
		if h.admit(h.providers[0], two) {
			t.Error("the minority was let in")
		}
	})
	t.Run("few answer", func(t *testing.T) {
		h := testHeads(t, 3, 0)
		h.admit(h.providers[0], one)
		h.now = func() time.Time { return time.Unix(0, 0).Add(chainQuorum) }
		if !h.admit(h.providers[0], one) {
			t.Error("one was not enough after the wait")
		}
	})
}

// testHeads is a follower of a chain with blocks of 2 s, at a moment that stands still. It polls nobody.
func testHeads(t *testing.T, providers int, unix int64) *heads {
	t.Helper()
	now := func() time.Time { return time.Unix(unix, 0) }
	var ps []*provider
	for i := range providers {
		p, err := newProvider(fmt.Sprintf("http://127.0.0.1:%d", i+1), i, now)
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
	return newHeads(ps, nil, 2*time.Second, now)
}
