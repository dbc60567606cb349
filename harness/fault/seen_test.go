package fault

import (
	"errors"
	"testing"
	"time"
)

// TestSeenIsExact holds every fault against every kind of observation: each may see its own and no other.
func TestSeenIsExact(t *testing.T) {
	failed := errors.New("failed")
	const block = 2 * time.Second
	healthy := Observation{Status: 200, Took: 50 * time.Millisecond, Usual: 40 * time.Millisecond, Head: 100, Reference: 100, HeadAge: time.Second, BlockTime: block}
	with := func(change func(*Observation)) Observation {
		p := healthy
		change(&p)
		return p
	}
	silent := Observation{Error: failed, TimedOut: true, Took: 3 * time.Second, BlockTime: block}
	observations := map[string]Observation{
		"healthy":           healthy,
		"nothing":           {},
		"one block late":    with(func(p *Observation) { p.Reference = 101 }),
		"refused":           {DialError: failed, Refused: true},
		"dial timed out":    {DialError: failed, TimedOut: true},
		"other dial error":  {DialError: failed},
		"silent":            silent,
		"reset":             {Error: failed, Reset: true},
		"cut off":           {Error: failed},
		"503":               with(func(p *Observation) { p.Status = 503 }),
		"500":               with(func(p *Observation) { p.Status = 500 }),
		"429":               with(func(p *Observation) { p.Status, p.RPCCode, p.RPCMessage = 429, -32005, "slow down" }),
		"txpool is full":    with(func(p *Observation) { p.RPCCode, p.RPCMessage = -32603, "txpool is full" }),
		"another rpc error": with(func(p *Observation) { p.RPCCode, p.RPCMessage = -32603, "internal" }),
		"slow":              with(func(p *Observation) { p.Took = 5040 * time.Millisecond }),
		"5 behind":          with(func(p *Observation) { p.Reference, p.HeadAge = 105, time.Second }),
		"4 behind":          with(func(p *Observation) { p.Reference, p.HeadAge = 104, time.Second }),
		"frozen":            with(func(p *Observation) { p.Reference, p.HeadAge = 101, 3*time.Second }),
		"halted":            with(func(p *Observation) { p.HeadAge = 3 * time.Second }),
	}
	tests := []struct {
		fault string
		with  map[string]any
		sees  []string
	}{
		{"unreachable", nil, []string{"silent", "dial timed out"}},
		{"connection-refused", nil, []string{"refused", "reset"}},
		{"connection-blackhole", nil, []string{"silent"}},
		{"connection-reset", nil, []string{"reset"}},
		{"connection-latency", map[string]any{"latency": "5s"}, []string{"slow", "silent"}}, // the probe's patience was less than the latency
		{"connection-latency", map[string]any{"latency": "1s"}, []string{"slow"}},
		{"http-status", map[string]any{"status": 503}, []string{"503"}},
		{"rate-limit", nil, []string{"429"}},
		{"rpc-error", map[string]any{"code": -32603, "message": "txpool is full"}, []string{"txpool is full"}},
		{"head-lag", map[string]any{"blocks": 5}, []string{"5 behind", "frozen"}},
		{"head-lag", nil, []string{"frozen"}},
		{"chain-halt", nil, []string{"halted"}},
	}
	for _, tt := range tests {
		a := action(t, tt.fault, tt.with)
		if err := a.Inject(t.Context(), newSurface(), grip(1)); err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		for _, name := range tt.sees {
			want[name] = true
		}
		for name, p := range observations {
			if got := a.Seen(p); got != want[name] {
				t.Errorf("%s %v: Seen(%s) = %v", tt.fault, tt.with, name, got)
			}
		}
	}
}
