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
	// byName is what a probe sees that asks the resolver first.
	byName := func(p Observation, rcode string, addresses ...string) Observation {
		p.Host, p.Rcode, p.Addresses, p.Own = "mainnet.infura.io", rcode, addresses, len(addresses) > 0 && addresses[0] == "127.18.0.1"
		p.LookupTook = time.Millisecond
		return p
	}
	noAddress := Observation{DialError: failed}
	late := byName(healthy, "NOERROR", "127.18.0.1")
	late.LookupTook = 3 * time.Second
	noWord := byName(Observation{DialError: failed, TimedOut: true}, "")
	noWord.LookupTook = 800 * time.Millisecond
	observations := map[string]Observation{
		"by name":           byName(healthy, "NOERROR", "127.18.0.1"),
		"no such name":      byName(noAddress, "NXDOMAIN"),
		"no address":        byName(noAddress, "NOERROR"),
		"servfail":          byName(noAddress, "SERVFAIL"),
		"no word":           noWord,
		"late word":         late,
		"led astray":        byName(Observation{DialError: failed, Refused: true}, "NOERROR", "127.255.255.254"),
		"led to a stranger": byName(healthy, "NOERROR", "127.255.255.254"),
		"left":              byName(Observation{DialError: failed, Refused: true}, "NOERROR", "127.18.0.1"),
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
		"a page for a call": {Error: failed, Status: 200, ContentType: "text/html; charset=utf-8", Took: 50 * time.Millisecond, BlockTime: block},
		"a page for a file": {Status: 200, ContentType: "text/html", Mismatch: true, Took: 50 * time.Millisecond},
		"a page with a 502": {Status: 502, ContentType: "text/html", Took: 50 * time.Millisecond},
		"half a page":       {Error: failed, TimedOut: true, Status: 200, ContentType: "text/html", Took: 50 * time.Millisecond},
		"a file":            {Status: 200, ContentType: "image/svg+xml", Took: 50 * time.Millisecond},
		"another file":      {Status: 200, ContentType: "image/svg+xml", Mismatch: true, Took: 50 * time.Millisecond},
		"502":               with(func(p *Observation) { p.Status = 502 }),
		"no transaction":    with(func(p *Observation) { p.Result = []byte(`"` + noTransaction + `"`) }),
		"a hash":            with(func(p *Observation) { p.Result = []byte(`"0x5eb5c3"`) }),
		"no such result":    with(func(p *Observation) { p.RPCCode, p.RPCMessage = -32602, "missing value for required argument 0" }),
		"no logs":           with(func(p *Observation) { p.Result = []byte(`[]`) }),
		"half the logs":     with(func(p *Observation) { p.Result = []byte(`[0,1]`) }),
		"all logs":          with(func(p *Observation) { p.Result = []byte(`[0,1,2,3]`) }),
		"its own chain":     with(func(p *Observation) { p.Result, p.ChainNamed = []byte(`"0x1"`), "ethereum" }),
		"another chain":     with(func(p *Observation) { p.Result, p.ChainNamed = []byte(`"0x2105"`), "base" }),
	}
	for name, mode := range map[string]CertMode{"expired": CertExpired, "of another host": CertWrongHost, "of a stranger": CertUntrusted} {
		p := byName(Observation{DialError: failed}, "NOERROR", "127.18.0.1")
		p.Handshake, p.Certificate = true, mode
		observations[name] = p
	}
	hung := byName(Observation{DialError: failed, TimedOut: true}, "NOERROR", "127.18.0.1")
	hung.Handshake = true
	observations["no handshake"] = hung
	branch := func(shown string, settled bool) Observation {
		return Observation{Status: 200, Block: shown, BlockTime: block, Reorganised: &Reorganised{Number: 100, Replaced: "0xa", Canonical: "0xb", Settled: settled}}
	}
	for name, p := range map[string]Observation{
		"replaced": branch("0xb", false), "still on the old branch": branch("0xa", false), "behind the old branch": branch("", false),
		"replaced, and settled": branch("0xb", true), "settled, but on the old branch": branch("0xa", true), "settled, but behind": branch("", true),
	} {
		observations[name] = p
	}
	for name, s := range map[string]InstanceState{
		"untouched": {}, "started anew": {Restarted: true}, "down": {Killed: true}, "paused": {Paused: true}, "will not start": {Refused: true},
	} {
		observations[name] = Observation{Instance: s}
	}
	tests := []struct {
		fault string
		with  map[string]any
		sees  []string
	}{
		{"dns-nxdomain", nil, []string{"no such name"}},
		{"dns-empty", nil, []string{"no address"}},
		{"dns-servfail", nil, []string{"servfail"}},
		{"dns-silent", nil, []string{"no word"}},
		{"dns-slow", map[string]any{"delay": "5s"}, []string{"no word"}}, // the probe's patience was less than the delay
		{"dns-slow", map[string]any{"delay": "3s"}, []string{"no word", "late word"}},
		{"dns-slow", map[string]any{"delay": "500ms"}, []string{"late word"}},
		{"dns-wrong-address", nil, []string{"led astray", "led to a stranger"}},
		{"dns-wrong-address", map[string]any{"address": "127.0.0.9"}, nil},
		{"address-replaced", nil, []string{"left"}},
		{"certificate-expired", nil, []string{"expired"}},
		{"certificate-wrong-host", nil, []string{"of another host"}},
		{"certificate-untrusted", nil, []string{"of a stranger"}},
		{"handshake-hang", nil, []string{"no handshake"}},
		{"unreachable", nil, []string{"silent", "dial timed out"}},
		{"connection-refused", nil, []string{"refused", "reset"}},
		{"connection-blackhole", nil, []string{"silent"}},
		{"connection-reset", nil, []string{"reset"}},
		{"connection-latency", map[string]any{"latency": "5s"}, []string{"slow", "silent"}}, // the probe's patience was less than the latency
		{"connection-latency", map[string]any{"latency": "1s"}, []string{"slow"}},
		{"http-status", map[string]any{"status": 503}, []string{"503"}},
		{"rate-limit", nil, []string{"429"}},
		{"rpc-error", map[string]any{"code": -32603, "message": "txpool is full"}, []string{"txpool is full"}},
		{"html-page", nil, []string{"a page for a call", "a page for a file"}},
		{"html-page", map[string]any{"body": "<p>gone"}, []string{"a page for a call", "a page for a file"}},
		{"wrong-bytes", nil, []string{"another file"}},
		{"reply-lost", nil, []string{"reset"}},
		{"reply-lost", map[string]any{"how": "hang"}, []string{"silent"}},
		{"reply-lost", map[string]any{"how": "status"}, []string{"503"}},
		{"reply-lost", map[string]any{"how": "status", "status": 502}, []string{"502", "a page with a 502"}},
		{"transaction-swallowed", nil, []string{"no transaction"}},
		{"logs-truncated", nil, []string{"half the logs"}},
		{"logs-truncated", map[string]any{"keep": 2}, []string{"half the logs"}},
		{"logs-truncated", map[string]any{"keep": 0}, []string{"no logs"}},
		{"wrong-chain", map[string]any{"chain": "base"}, []string{"another chain"}},
		{"head-lag", map[string]any{"blocks": 5}, []string{"5 behind", "frozen"}},
		{"head-lag", nil, []string{"frozen"}},
		{"chain-halt", nil, []string{"halted"}},
		{"app-restart", nil, []string{"started anew"}},
		{"app-stopped", nil, []string{"down"}},
		{"app-paused", nil, []string{"paused"}},
		{"start-refused", nil, []string{"will not start"}},
		{"reorg", nil, []string{"replaced", "settled, but on the old branch", "settled, but behind"}},
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
