package run

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
	"blackout/harness/plan"
)

// stage is a surface of one gateway and one chain that only remember what holds.
type stage struct {
	mu     sync.Mutex
	rules  map[string]bool
	halted bool
	slow   time.Duration // how long Resume takes
	moved  time.Time     // when the chain's head last moved
	stuck  bool          // what is dropped stays
}

func (s *stage) Link(string) (fault.Link, error)       { return nil, nil }
func (s *stage) Gateway(string) (fault.Gateway, error) { return s, nil }
func (s *stage) Chain(string) (fault.Chain, error)     { return s, nil }
func (s *stage) Dialect() fault.Dialect                { return words{} }

func (s *stage) Put(r fault.ReplyRule) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules[r.Grip.ID] = true
	return nil
}

func (s *stage) Drop(effect string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stuck {
		delete(s.rules, effect)
	}
}

func (s *stage) Halt(context.Context, *fault.Grip) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halted, s.moved = true, time.Now()
	return nil
}

func (s *stage) Resume(context.Context, string) error {
	time.Sleep(s.slow)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halted = false
	return nil
}

func (s *stage) Hold(context.Context, *fault.Grip, uint64, bool) error { return nil }
func (s *stage) Release(context.Context, string) error                 { return nil }

// blockTime is that of Ethereum's main network.
const blockTime = 12 * time.Second

// look is what a probe sees: 503 where a rule holds, and a head that is a block old after a halt until the next block.
func (s *stage) look(_ context.Context, e plan.Effect, _ fault.Action) fault.Observation {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := fault.Observation{Status: 200, Head: 7, Reference: 7, BlockTime: blockTime, HeadAge: time.Since(s.moved)}
	if !s.halted && o.HeadAge > blockTime {
		o.HeadAge %= blockTime
	}
	if s.rules[e.ID] {
		o.Status = 503
	}
	return o
}

type words struct{ fault.Dialect }

func (words) Name() string { return "plain" }

// sheet collects records.
type sheet struct {
	mu   sync.Mutex
	list []history.Fault
}

func (s *sheet) Add(r history.Record) {
	if f, ok := r.(history.Fault); ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.list = append(s.list, f)
	}
}

// states are the effect's states in order, with the whole seconds at which they came and why it failed.
func (s *sheet) states() []string {
	var all []string
	for _, f := range s.list {
		text := f.State + " " + (f.At.Duration()).Truncate(time.Second).String()
		if f.State == history.FaultFailed {
			text += ": " + f.Detail
		}
		all = append(all, text)
	}
	return all
}

func TestDriver(t *testing.T) {
	status := plan.Effect{
		ID: "c1/http-status/infura", Fault: "http-status", Layer: "http", Service: "infura", With: map[string]any{"status": 503},
		From: clock.Of(10 * time.Second), To: clock.Of(20 * time.Second), Steps: []plan.Step{{At: clock.Of(10 * time.Second), Share: 1}},
	}
	halt := plan.Effect{
		ID: "c1/chain-halt/ethereum", Fault: "chain-halt", Layer: "chain", Chain: "ethereum",
		From: clock.Of(10 * time.Second), To: clock.Of(40 * time.Second), Steps: []plan.Step{{At: clock.Of(10 * time.Second), Share: 1}},
	}
	unlike := status
	unlike.With = map[string]any{"status": 500}
	partly := status
	partly.Steps = []plan.Step{{At: status.From, Share: 0.5}}
	tests := map[string]struct {
		effect    plan.Effect
		interrupt time.Duration
		stuck     bool
		want      []string
		fails     string
	}{
		"a whole life": {effect: status, want: []string{"injecting 10s", "confirmed 10s", "lifting 20s", "cleared 20s"}},
		"it never shows": {
			effect: unlike, fails: "did not show",
			want: []string{"injecting 10s", "failed 15s: c1/http-status/infura did not show within 5s: the probe saw HTTP 503", "lifting 20s", "cleared 20s"},
		},
		"it stays": {
			effect: status, stuck: true, fails: "still showed",
			want: []string{
				"injecting 10s", "confirmed 10s", "lifting 20s", "failed 25s: c1/http-status/infura still showed 5s after it was lifted: the probe saw HTTP 503",
			},
		},
		"a share waits for a hit": {effect: partly, want: []string{"injecting 10s", "lifting 20s", "cleared 20s"}},
		"interrupted while it holds": {
			effect: status, interrupt: 12 * time.Second, want: []string{"injecting 10s", "confirmed 10s", "lifting 12s", "cleared 12s"},
		},
		"interrupted before":       {effect: status, interrupt: 5 * time.Second},
		"blocks of twelve seconds": {effect: halt, want: []string{"injecting 10s", "confirmed 28s", "lifting 40s", "cleared 40s"}},
		"interrupted, and it stays": {
			effect: status, interrupt: 12 * time.Second, stuck: true, fails: "still showed",
			want: []string{
				"injecting 10s", "confirmed 10s", "lifting 12s", "failed 17s: c1/http-status/infura still showed 5s after it was lifted: the probe saw HTTP 503",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				world, record := &stage{rules: map[string]bool{}, moved: time.Now(), stuck: tt.stuck}, &sheet{}
				p := &plan.Plan{Effects: []plan.Effect{tt.effect}, Chains: []plan.Chain{{Name: "ethereum", BlockTime: clock.Of(blockTime)}}}
				d, err := newDriver(p, &driver{clock: clock.Start(), sink: record, surface: world, probe: world.look, mark: func(plan.Effect) {}})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.interrupt > 0 {
					time.AfterFunc(tt.interrupt, cancel)
				}
				err = d.play(ctx)
				if tt.fails == "" && err != nil || tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)) {
					t.Errorf("error %v, want %q", err, tt.fails)
				}
				if diff := cmp.Diff(tt.want, record.states()); diff != "" {
					t.Errorf("states (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestSlowLift holds the driver to starting a phase on time though a node is still catching up with what the phase before kept from it.
func TestSlowLift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := func(s int) clock.Micros { return clock.Of(time.Duration(s) * time.Second) }
		p := &plan.Plan{
			Chains: []plan.Chain{{Name: "ethereum", BlockTime: clock.Of(blockTime)}},
			Effects: []plan.Effect{
				{ID: "halt", Fault: "chain-halt", Layer: "chain", Chain: "ethereum", From: at(10), To: at(40), Steps: []plan.Step{{At: at(10), Share: 1}}},
				{
					ID: "next", Fault: "http-status", Layer: "http", Service: "infura", With: map[string]any{"status": 503},
					From: at(40), To: at(50), Steps: []plan.Step{{At: at(40), Share: 1}},
				},
			},
		}
		world, record := &stage{rules: map[string]bool{}, moved: time.Now(), slow: 3 * time.Second}, &sheet{}
		d, err := newDriver(p, &driver{clock: clock.Start(), sink: record, surface: world, probe: world.look, mark: func(plan.Effect) {}})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.play(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"injecting 10s", "confirmed 28s", "lifting 40s", "injecting 40s", "confirmed 40s", "cleared 43s", "lifting 50s", "cleared 50s",
		}
		if diff := cmp.Diff(want, record.states()); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
	})
}
