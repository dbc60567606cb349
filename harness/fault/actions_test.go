package fault

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestActionsChangeTheSurface(t *testing.T) {
	tests := []struct {
		fault string
		with  map[string]any
		want  []string // of inject, share to 0, share to 1, lift, lift
	}{
		{"unreachable", nil, []string{"put blackhole e", "sync", "sync", "drop e", "drop e"}},
		{"connection-refused", nil, []string{"put refuse e", "sync", "sync", "drop e", "drop e"}},
		{"connection-blackhole", nil, []string{"put blackhole e", "sync", "sync", "drop e", "drop e"}},
		{"connection-reset", nil, []string{"put reset e", "sync", "sync", "drop e", "drop e"}},
		{"connection-latency", map[string]any{"latency": "400ms"}, []string{"put toxics e", "sync", "sync", "drop e", "drop e"}},
		{"http-status", map[string]any{"status": 503}, []string{"put http e", "drop e", "drop e"}},
		{"rate-limit", nil, []string{"put http e", "drop e", "drop e"}},
		{"rpc-error", map[string]any{"code": -32603, "message": "txpool is full"}, []string{"put rpc e", "drop e", "drop e"}},
		{"head-lag", map[string]any{"blocks": 5}, []string{"hold 5 e", "release e", "hold 5 e", "release e"}},
		{"head-lag", nil, []string{"hold frozen e", "release e", "hold frozen e", "release e"}},
		{"chain-halt", nil, []string{"halt e", "resume e", "halt e", "resume e"}},
	}
	seen := map[string]bool{"dns-empty": true} // a cause alone
	for _, tt := range tests {
		seen[tt.fault] = true
		t.Run(tt.fault, func(t *testing.T) {
			s, g, a := newSurface(), grip(1), action(t, tt.fault, tt.with)
			steps := []func() error{func() error { return a.Inject(t.Context(), s, g) }}
			if adjuster, ok := a.(Adjuster); ok {
				for _, share := range []float64{0, 1} {
					steps = append(steps, func() error { g.SetShare(share); return adjuster.Adjust(t.Context(), s, g) })
				}
			}
			lift := func() error { return a.Lift(t.Context(), s, g) }
			for _, step := range append(steps, lift, lift) {
				if err := step(); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tt.want, s.log); diff != "" {
				t.Error(diff)
			}
			if len(s.rules)+len(s.replies) > 0 {
				t.Errorf("left behind: %v %v", s.rules, s.replies)
			}
		})
	}
	for _, d := range All() {
		if !seen[d.Name] {
			t.Errorf("%s has no row in this table", d.Name)
		}
	}
}

func TestShareChangesOfChainFaults(t *testing.T) {
	for name, want := range map[string][]string{
		"head-lag":   {"hold frozen e", "hold frozen e", "release e"}, // another share takes other nodes
		"chain-halt": {"halt e", "resume e"},                          // two halts would need two resumes
	} {
		s, g, a := newSurface(), grip(1), action(t, name, nil)
		if err := a.Inject(t.Context(), s, g); err != nil {
			t.Fatal(err)
		}
		g.SetShare(0.5)
		if err := a.(Adjuster).Adjust(t.Context(), s, g); err != nil {
			t.Fatal(err)
		}
		if err := a.Lift(t.Context(), s, g); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, s.log); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestLiftUndoesAFailedInject(t *testing.T) {
	s, a := newSurface(), action(t, "head-lag", nil)
	g := &Grip{ID: "e", Service: "broken", Chain: "ethereum"}
	g.SetShare(1)
	if err := a.Inject(t.Context(), s, g); !errors.Is(err, errHold) {
		t.Fatalf("inject gave %v", err)
	}
	if err := a.Lift(t.Context(), s, g); err != nil {
		t.Fatal(err)
	}
	if want := []string{"hold frozen e", "release e"}; !cmp.Equal(want, s.log) {
		t.Errorf("got %v, want %v", s.log, want)
	}
}

func TestMissingParts(t *testing.T) {
	missing := errors.New("the plan has no such part")
	for _, d := range All() {
		if d.New == nil {
			continue
		}
		s, a := newSurface(), action(t, d.Name, minimal(d))
		s.fail = missing
		if err := a.Inject(context.Background(), s, grip(1)); !errors.Is(err, missing) {
			t.Errorf("%s: inject gave %v", d.Name, err)
		}
	}
	if err := action(t, "chain-halt", nil).Inject(t.Context(), newSurface(), &Grip{ID: "e", Service: "infura"}); err == nil {
		t.Error("a chain fault without a chain was injected")
	}
}

// minimal gives a fault's required parameters.
func minimal(d *Definition) map[string]any {
	raw := map[string]any{}
	for _, p := range d.Params {
		if p.Required {
			raw[p.Name] = map[ParamType]any{TypeInt: 500, TypeString: "x", TypeDuration: "1s"}[p.Type]
		}
	}
	return raw
}

func TestLatencyIsDeterministic(t *testing.T) {
	s, g := newSurface(), grip(1)
	if err := action(t, "connection-latency", map[string]any{"latency": "1.5s"}).Inject(t.Context(), s, g); err != nil {
		t.Fatal(err)
	}
	want := []Toxic{{Type: "latency", Downstream: true, Attributes: map[string]any{"latency": int64(1500), "jitter": int64(0)}}}
	if diff := cmp.Diff(want, s.rules["e"].Toxics); diff != "" {
		t.Error(diff)
	}
}

func TestHTTPStatusReply(t *testing.T) {
	tests := []struct {
		name       string
		with       map[string]any
		body, kind string
		after      string
	}{
		{"the dialect's words", map[string]any{"status": 503}, "unavailable 503", "application/json", ""},
		{"the standard text", map[string]any{"status": 403}, "Forbidden\n", textPlain, ""},
		{"own text", map[string]any{"status": 500, "body": "oops"}, "oops", textPlain, ""},
		{"own page", map[string]any{"status": 502, "body": "<html>bad</html>"}, "<html>bad</html>", "text/html; charset=utf-8", ""},
		{"own object", map[string]any{"status": 502, "body": `{"a":1}`}, `{"a":1}`, "application/json", ""},
		{"empty body", map[string]any{"status": 502, "body": ""}, "", textPlain, ""},
		{"retry", map[string]any{"status": 503, "retry_after": "1500ms"}, "unavailable 503", "application/json", "2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, g := newSurface(), grip(1)
			if err := action(t, "http-status", tt.with).Inject(t.Context(), s, g); err != nil {
				t.Fatal(err)
			}
			reply, ok := s.replies["e"].HTTP(Request{})
			if !ok || reply.Status != tt.with["status"] || string(reply.Body) != tt.body {
				t.Errorf("got %v %d %q", ok, reply.Status, reply.Body)
			}
			if got := reply.Header.Get("Content-Type"); got != tt.kind {
				t.Errorf("content type %q", got)
			}
			if got := reply.Header.Get("Retry-After"); got != tt.after {
				t.Errorf("retry after %q", got)
			}
			if sharedHeader.Get("Retry-After") != "" {
				t.Error("the dialect's header was changed")
			}
		})
	}
}

func TestRateLimitLetsTheRateThrough(t *testing.T) {
	s, g := newSurface(), grip(1)
	if err := action(t, "rate-limit", map[string]any{"rate": "5/s"}).Inject(t.Context(), s, g); err != nil {
		t.Fatal(err)
	}
	rule, limited := s.replies["e"].HTTP, 0
	at := time.Unix(0, 0)
	for n := range 200 { // 20 a second for 10 s
		if reply, ok := rule(Request{N: uint64(n), At: at.Add(time.Duration(n) * 50 * time.Millisecond)}); ok {
			limited++
			if reply.Status != 429 {
				t.Fatalf("status %d", reply.Status)
			}
		}
	}
	if passed := 200 - limited; passed < 53 || passed > 55 { // 5 at once, then 5 a second
		t.Errorf("%d passed", passed)
	}
	late := at.Add(time.Hour)
	if _, ok := rule(Request{At: late, Probe: true}); !ok {
		t.Error("a probe was let through")
	}
	for n := range 5 {
		if _, ok := rule(Request{At: late}); ok {
			t.Errorf("request %d was turned away: the probe took a token", n)
		}
	}
}

func TestRPCErrorPicksMethods(t *testing.T) {
	s, g := newSurface(), grip(1)
	a := action(t, "rpc-error", map[string]any{"code": -32603, "message": "txpool is full", "methods": []any{"eth_sendRawTransaction", "eth_call"}})
	if err := a.Inject(t.Context(), s, g); err != nil {
		t.Fatal(err)
	}
	rule := s.replies["e"].RPC
	got, ok := rule(Request{}, RPCCall{Method: "eth_call"})
	if want := (RPCError{Code: -32603, Message: "txpool is full", HTTPStatus: 200}); !ok || !cmp.Equal(got, want) {
		t.Errorf("got %v %+v", ok, got)
	}
	if _, ok := rule(Request{}, RPCCall{Method: "eth_getBalance"}); ok {
		t.Error("a method that is not named was taken")
	}
	if got := a.(Prober).ProbeMethod(); got != "eth_sendRawTransaction" {
		t.Errorf("probe method %q", got)
	}
	if got := action(t, "rpc-error", map[string]any{"code": 1, "message": "x"}).(Prober).ProbeMethod(); got != "" {
		t.Errorf("probe method %q", got)
	}
}
