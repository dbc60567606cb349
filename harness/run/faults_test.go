package run

import (
	"context"
	"errors"
	"slices"
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
	slow   time.Duration // how long Resume takes, and what is done to an instance
	moved  time.Time     // when the chain's head last moved
	stuck  bool          // what is dropped stays
	shut   bool          // once a rule was dropped, nobody gets in
}

func (s *stage) Link(string) (fault.Link, error)       { return nil, nil }
func (s *stage) Gateway(string) (fault.Gateway, error) { return s, nil }
func (s *stage) Chain(string) (fault.Chain, error)     { return s, nil }
func (s *stage) App() (fault.App, error)               { return (*crew)(s), nil }
func (s *stage) Names(string) (fault.Names, error)     { return nil, nil }
func (s *stage) Certificates(string) (fault.Certificates, error) {
	return nil, nil
}
func (s *stage) Dialect() fault.Dialect { return words{} }

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

func (s *stage) Reorganise(context.Context, *fault.Grip, fault.Reorg) error { return nil }
func (s *stage) Settle(context.Context, string) error                       { return nil }

// crew is the instances of a stage's app. What is done to one takes its time.
type crew stage

func (c *crew) Restart(ctx context.Context, g *fault.Grip) error { return c.seize(ctx, g) }
func (c *crew) Kill(ctx context.Context, g *fault.Grip) error    { return c.seize(ctx, g) }
func (c *crew) Pause(ctx context.Context, g *fault.Grip) error   { return c.seize(ctx, g) }
func (c *crew) Refuse(ctx context.Context, g *fault.Grip) error  { return c.seize(ctx, g) }

func (c *crew) seize(ctx context.Context, g *fault.Grip) error {
	if err := clock.Sleep(ctx, c.slow); err != nil {
		return err
	}
	return (*stage)(c).Put(fault.ReplyRule{Grip: g})
}

func (c *crew) Release(_ context.Context, g *fault.Grip) error {
	(*stage)(c).Drop(g.ID)
	return nil
}

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
	switch {
	case e.Instance != "":
		return fault.Observation{Instance: fault.InstanceState{Killed: s.rules[e.ID]}}
	case s.rules[e.ID]:
		o.Status = 503
	case s.shut && time.Since(s.moved) > 15*time.Second:
		return fault.Observation{DialError: errors.New("another program took the port")}
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
		shut      bool
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
		"it is gone, and so is the way in": {
			effect: status, shut: true, fails: "out of reach",
			want: []string{
				"injecting 10s", "confirmed 10s", "lifting 20s",
				"failed 25s: c1/http-status/infura was lifted, and its service was out of reach for 5s: the probe saw another program took the port",
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
				world, record := &stage{rules: map[string]bool{}, moved: time.Now(), stuck: tt.stuck, shut: tt.shut}, &sheet{}
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

// TestProcessesComeLast: to end a process takes a while, which the other faults of the moment must not wait for. A flap ends it each time anew.
func TestProcessesComeLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := func(s int) clock.Micros { return clock.Of(time.Duration(s) * time.Second) }
		p := &plan.Plan{Effects: []plan.Effect{
			{
				ID: "down", Fault: "app-stopped", Layer: "process", Instance: "app-0", From: at(10), To: at(30),
				Steps: []plan.Step{{At: at(10), Share: 1}, {At: at(14), Share: 0}, {At: at(18), Share: 1}},
			},
			{
				ID: "503", Fault: "http-status", Layer: "http", Service: "infura", With: map[string]any{"status": 503},
				From: at(10), To: at(30), Steps: []plan.Step{{At: at(10), Share: 1}},
			},
		}}
		const slow = 40 * time.Millisecond
		world, record := &stage{rules: map[string]bool{}, moved: time.Now(), slow: slow}, &sheet{}
		d, err := newDriver(p, &driver{clock: clock.Start(), sink: record, surface: world, probe: world.look, mark: func(plan.Effect) {}})
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		held := map[time.Duration]bool{}
		for _, s := range []time.Duration{12 * time.Second, 16 * time.Second, 20 * time.Second, 31 * time.Second} {
			time.AfterFunc(s, func() {
				mu.Lock()
				defer mu.Unlock()
				held[s] = world.look(t.Context(), p.Effects[0], nil).Instance.Killed
			})
		}
		if err := d.play(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		var got []string
		for _, f := range record.list {
			got = append(got, f.ID+" "+f.State+" "+f.At.Duration().String()+" "+f.Detail)
		}
		want := []string{
			"503 injecting 10s ", "down injecting 10s ", "503 confirmed 10.04s HTTP 503", "down confirmed 10.04s the instance is down",
			"503 lifting 30s ", "down lifting 30s ", "503 cleared 30s HTTP 200 in 0s, head 7 of 7", "down cleared 30s the instance is left alone",
		}
		slices.Sort(want[2:4]) // they are watched side by side
		slices.Sort(want[6:])
		slices.Sort(got[2:4])
		slices.Sort(got[6:])
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
		mu.Lock()
		defer mu.Unlock()
		if diff := cmp.Diff(map[time.Duration]bool{12 * time.Second: true, 16 * time.Second: false, 20 * time.Second: true, 31 * time.Second: false}, held); diff != "" {
			t.Errorf("down at (-want +got):\n%s", diff)
		}
	})
}

// TestAdjustIsBounded: a share that cannot be changed must not keep the rest of the timeline waiting.
func TestAdjustIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := func(s int) clock.Micros { return clock.Of(time.Duration(s) * time.Second) }
		p := &plan.Plan{Effects: []plan.Effect{{
			ID: "down", Fault: "app-stopped", Layer: "process", Instance: "app-0", From: at(10), To: at(40),
			Steps: []plan.Step{{At: at(10), Share: 1}, {At: at(20), Share: 0}, {At: at(30), Share: 1}},
		}}}
		world, record := &stage{rules: map[string]bool{}, moved: time.Now(), slow: time.Hour}, &sheet{}
		d, err := newDriver(p, &driver{clock: clock.Start(), sink: record, surface: world, probe: world.look, mark: func(plan.Effect) {}})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.play(t.Context()); err == nil || !strings.Contains(err.Error(), "change the share of down: ") {
			t.Errorf("error %v, want that the share was not changed", err)
		}
		var got []string
		for _, state := range record.states() {
			got = append(got, strings.Join(strings.Fields(state)[:2], " "))
		}
		if want := []string{"injecting 10s", "failed 15s:", "failed 35s:", "lifting 40s", "cleared 40s"}; !slices.Equal(got, want) {
			t.Errorf("states %q, want %q", got, want)
		}
	})
}
