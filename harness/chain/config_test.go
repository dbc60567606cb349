package chain

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rpc"
	"pgregory.net/rapid"

	"blackout/harness/clock"

	"blackout/harness/plan"
)

func TestStartRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no folder", func(c *Config) { c.Dir = "" }, "no folder"},
		{"a folder that is missing", func(c *Config) { c.Dir += "/missing" }, "make the nodes' folder"},
		{"early blocks below zero", func(c *Config) { c.Early = -1 }, "early blocks: -1"},
		{"a chain twice", func(c *Config) { c.Chains = append(c.Chains, c.Chains[0]) }, `chain "ethereum" is listed twice`},
		{"a chain without an id", func(c *Config) { c.Chains[0].ID = 0 }, "chain ethereum has no id"},
		{"blocks of half a second", func(c *Config) { c.Chains[0].BlockTime /= 2 }, "block time 500ms is below 1s"},
		{"finalized ahead of safe", func(c *Config) { c.Chains[0].Finalized = 3 }, "finalized, 3 blocks behind, is ahead of safe"},
		{"a token at no address", func(c *Config) { c.Chains[0].Token = "0x12" }, `the token's address "0x12" is none`},
		{"transfers of no token", func(c *Config) { c.Chains[0].Transfers = true }, "has transfers of a token, but no token"},
		{"no reference node", func(c *Config) { c.Nodes = c.Nodes[:1] }, "1 builder and 0 reference nodes"},
		{"a node twice", func(c *Config) { c.Nodes[2].Name = "builder" }, `node "builder" is listed twice`},
		{"a node of an unknown chain", func(c *Config) { c.Nodes[2].Chain = "base" }, `node shared is of chain "base"`},
		{"an unknown role", func(c *Config) { c.Nodes[2].Role = "archive" }, `node shared has the unknown role "archive"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := ethereum(0)
			cfg.Dir, cfg.Clock = t.TempDir(), clock.Start()
			test.change(&cfg)
			n, err := Start(t.Context(), cfg)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("start: %v", err)
			}
			if err := n.Stop(t.Context()); err != nil {
				t.Errorf("stop: %v", err)
			}
		})
	}
}

func TestStartInterrupted(t *testing.T) {
	cfg := ethereum(0)
	cfg.Dir, cfg.Clock = t.TempDir(), clock.Start()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n, err := Start(ctx, cfg)
	if err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Errorf("start: %v", err)
	}
	for range 2 {
		if err := n.Stop(t.Context()); err != nil {
			t.Errorf("stop: %v", err)
		}
	}
}

func TestStopGivesUp(t *testing.T) {
	cfg := ethereum(0)
	cfg.Dir, cfg.Clock = t.TempDir(), clock.Start()
	n, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Stop(ended); err == nil || !strings.Contains(err.Error(), "stop node reference: context canceled") {
		t.Errorf("stop on a context that has ended: %v", err)
	}
}

// A node that answers, but not VALID, is an error in its own words.
func TestEngineRefuses(t *testing.T) {
	w := start(t, ethereum(0))
	e := &w.Reference().engine
	forged := *w.tip().payload
	forged.block = bytes.Replace(forged.block, []byte(`"gasUsed":"0x0"`), []byte(`"gasUsed":"0x1"`), 1)
	if err := e.newPayload(t.Context(), &forged); err == nil || !strings.HasPrefix(err.Error(), "engine_newPayloadV4: status INVALID: blockhash mismatch") {
		t.Errorf("a forged block: %v", err)
	}
	if err := e.forkchoice(t.Context(), common.Hash{1}, common.Hash{}, common.Hash{}); err == nil || err.Error() != "engine_forkchoiceUpdatedV3: status SYNCING" {
		t.Errorf("an unknown head: %v", err)
	}
	if err := e.forkchoice(t.Context(), w.tip().hash, common.Hash{}, common.Hash{1}); err == nil || !strings.Contains(err.Error(), "Invalid forkchoice state") {
		t.Errorf("an unknown finalized block: %v", err)
	}
	// Below the finalized block geth answers VALID and stays where it is; the conductor reads the head back.
	w.steps(t, 1)
	err := w.Reference().tell(t.Context(), w.canonical[3], true, common.Hash{}, common.Hash{})
	if err == nil || !strings.HasPrefix(err.Error(), "node reference: told that block 3 ") {
		t.Errorf("a head below the finalized block: %v", err)
	}
}

func TestEngineWaitsNoLongerThanItsTimeout(t *testing.T) {
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer hanging.Close()
	defer close(release)
	client, err := rpc.Dial(hanging.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	e := engineClient{rpc: client, timeout: 20 * time.Millisecond}
	err = e.forkchoice(t.Context(), common.Hash{1}, common.Hash{}, common.Hash{})
	if err == nil || err.Error() != "engine_forkchoiceUpdatedV3: no answer within 20ms" {
		t.Errorf("forkchoice: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.newPayload(ended, &payload{}); err == nil || err.Error() != "engine_newPayloadV4: context canceled" {
		t.Errorf("new payload: %v", err)
	}
}

func TestSchedule(t *testing.T) {
	s := schedule{genesis: 1000, zero: 0, every: clock.Of(2 * time.Second)}
	second := clock.Of(time.Second)
	for _, test := range []struct {
		name string
		last uint64
		now  clock.Micros
		want uint64
	}{
		{"in time", 5, 10*second + 1, 6},
		{"up to half a block time late", 5, 13 * second, 6},
		{"later: the slot stays empty", 5, 13*second + 1, 7},
		{"after a long halt", 5, 100 * second, 50},
		{"ahead of its time", 9, 2 * second, 10},
		{"before genesis", 0, -second, 1},
	} {
		if got := s.next(test.last, test.now); got != test.want {
			t.Errorf("%s: slot %d instead of %d", test.name, got, test.want)
		}
	}
}

// Whatever the block time: header times grow with each slot, no slot is due before the time in its header, and the early slots have passed at the start.
func TestScheduleProperties(t *testing.T) {
	c := clock.Start()
	rapid.Check(t, func(t *rapid.T) {
		every := clock.Micros(rapid.Int64Range(1_000_000, 30_000_000).Draw(t, "block time"))
		early := rapid.IntRange(1, 64).Draw(t, "early")
		slot := rapid.Uint64Range(1, 100_000).Draw(t, "slot")
		before := c.Now()
		s := newSchedule(c, every, early)
		if s.timestamp(slot) <= s.timestamp(slot-1) {
			t.Fatalf("slot %d has time %d after %d", slot, s.timestamp(slot), s.timestamp(slot-1))
		}
		late := c.Base().Add(s.due(slot).Duration()).Sub(time.Unix(int64(s.timestamp(slot)), 0))
		// A microsecond is what the run's clock rounds off.
		if late < -time.Microsecond || late >= time.Second {
			t.Fatalf("slot %d is due %s after the time in its header", slot, late)
		}
		if due := s.due(uint64(early)); due > c.Now() || due < before-clock.Of(time.Second)-1 {
			t.Fatalf("at %d the last of %d early blocks is due at %d", before, early, due)
		}
	})
}

func TestKey(t *testing.T) {
	if a, b := Address(Key(1, "x")), Address(Key(1, "x")); a != b {
		t.Errorf("the same key is %s and %s", a, b)
	}
	seen := map[common.Address]bool{}
	for _, a := range []common.Address{Address(Key(1, "x")), Address(Key(2, "x")), Address(Key(1, "y")), Address(Key(1, ""))} {
		if seen[a] {
			t.Errorf("%s has two origins", a)
		}
		seen[a] = true
	}
}

// A chain with the id of the main network has nothing else of it.
func TestGenesis(t *testing.T) {
	cfg := ethereum(0)
	g, err := genesis(&cfg, plan.Chain{ID: 1, Token: usdc}, 1_700_000_000)
	if err != nil {
		t.Fatal(err)
	}
	if g.Config.DAOForkBlock != nil || !g.Config.IsPrague(common.Big0, g.Timestamp) || g.Config.OsakaTime == nil {
		t.Errorf("genesis of chain 1: %v", g.Config)
	}
	for _, a := range append(cfg.Watched, cfg.Payers...) {
		if g.Alloc[a].Nonce != FirstNonce {
			t.Errorf("%s starts at nonce %d", a, g.Alloc[a].Nonce)
		}
	}
}
