package fault

import (
	"context"
	"errors"
	"net/netip"
	"strings"
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
		{"dns-nxdomain", nil, []string{"put nxdomain e", "drop e", "drop e"}},
		{"dns-empty", nil, []string{"put empty e", "drop e", "drop e"}},
		{"dns-servfail", nil, []string{"put servfail e", "drop e", "drop e"}},
		{"dns-silent", nil, []string{"put silent e", "drop e", "drop e"}},
		{"dns-slow", map[string]any{"delay": "3s"}, []string{"put slow e", "drop e", "drop e"}},
		{"dns-wrong-address", nil, []string{"put elsewhere e", "drop e", "drop e"}},
		{"address-replaced", nil, []string{"put former e", "leave e", "return e", "drop e", "return e", "drop e"}},
		{"unreachable", nil, []string{"put blackhole e", "sync", "sync", "drop e", "drop e"}},
		{"connection-refused", nil, []string{"put refuse e", "sync", "sync", "drop e", "drop e"}},
		{"connection-blackhole", nil, []string{"put blackhole e", "sync", "sync", "drop e", "drop e"}},
		{"connection-reset", nil, []string{"put reset e", "sync", "sync", "drop e", "drop e"}},
		{"connection-latency", map[string]any{"latency": "400ms"}, []string{"put toxics e", "sync", "sync", "drop e", "drop e"}},
		{"http-status", map[string]any{"status": 503}, []string{"put http e", "drop e", "drop e"}},
		{"rate-limit", nil, []string{"put http e", "drop e", "drop e"}},
		{"rpc-error", map[string]any{"code": -32603, "message": "txpool is full"}, []string{"put rpc e", "drop e", "drop e"}},
		{"certificate-expired", nil, []string{"put expired e", "drop e", "drop e"}},
		{"certificate-wrong-host", nil, []string{"put wrong-host e", "drop e", "drop e"}},
		{"certificate-untrusted", nil, []string{"put untrusted e", "drop e", "drop e"}},
		{"handshake-hang", nil, []string{"put hang e", "drop e", "drop e"}},
		{"html-page", nil, []string{"put http e", "drop e", "drop e"}},
		{"wrong-bytes", nil, []string{"put http e", "drop e", "drop e"}},
		{"reply-lost", nil, []string{"put rpc e", "drop e", "drop e"}},
		{"transaction-swallowed", nil, []string{"put rpc e", "drop e", "drop e"}},
		{"wrong-chain", map[string]any{"chain": "base"}, []string{"put rpc e", "drop e", "drop e"}},
		{"logs-truncated", nil, []string{"put rpc e", "drop e", "drop e"}},
		{"head-lag", map[string]any{"blocks": 5}, []string{"hold 5 e", "release e", "hold 5 e", "release e"}},
		{"head-lag", nil, []string{"hold frozen e", "release e", "hold frozen e", "release e"}},
		{"chain-halt", nil, []string{"halt e", "resume e", "halt e", "resume e"}},
		{"app-restart", nil, []string{"restart app-0", "release app-0", "restart app-0", "release app-0", "release app-0"}},
		{"app-stopped", nil, []string{"kill app-0", "release app-0", "kill app-0", "release app-0", "release app-0"}},
		{"app-paused", nil, []string{"pause app-0", "release app-0", "pause app-0", "release app-0", "release app-0"}},
		{"start-refused", nil, []string{"refuse app-0", "release app-0", "refuse app-0", "release app-0", "release app-0"}},
		{"reorg", nil, []string{"reorganise 2 false 0s e", "settle e", "reorganise 2 false 0s e", "settle e"}},
		{"reorg", map[string]any{"depth": 3, "transactions": "forget", "every": "6s"},
			[]string{"reorganise 3 true 6s e", "settle e", "reorganise 3 true 6s e", "settle e"}},
	}
	seen := map[string]bool{}
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
			if len(s.rules)+len(s.replies)+len(s.names)+len(s.certificates) > 0 {
				t.Errorf("left behind: %v %v %v %v", s.rules, s.replies, s.names, s.certificates)
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

// TestRestartIsOverAtOnce: what a restart did stays done, and all the same it shows no more once it was lifted.
func TestRestartIsOverAtOnce(t *testing.T) {
	s, g, a := newSurface(), grip(1), action(t, "app-restart", nil)
	done := Observation{Instance: InstanceState{Restarted: true}}
	for _, step := range []struct {
		what func(context.Context, Surface, *Grip) error
		seen bool
	}{{a.Inject, true}, {a.Lift, false}, {a.Inject, true}, {a.Lift, false}} {
		if err := step.what(t.Context(), s, g); err != nil {
			t.Fatal(err)
		}
		if a.Seen(done) != step.seen {
			t.Errorf("%v: seen %t", s.log, !step.seen)
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
			raw[p.Name] = map[ParamType]any{TypeInt: 500, TypeString: "x", TypeChain: "base", TypeDuration: "1s"}[p.Type]
		}
	}
	return raw
}

// TestLiftUndoesAFailedLeave holds that what went before the failure is undone too.
func TestLiftUndoesAFailedLeave(t *testing.T) {
	s, a := newSurface(), action(t, "address-replaced", nil)
	g := &Grip{ID: "e", Service: "broken"}
	g.SetShare(1)
	if err := a.Inject(t.Context(), s, g); !errors.Is(err, errHold) {
		t.Fatalf("inject gave %v", err)
	}
	if err := a.Lift(t.Context(), s, g); err != nil {
		t.Fatal(err)
	}
	if want := []string{"put former e", "leave e", "return e", "drop e"}; !cmp.Equal(want, s.log) || len(s.names) > 0 {
		t.Errorf("got %v, want %v; left behind: %v", s.log, want, s.names)
	}
}

// TestNameRules holds what the parameters of the faults of names become.
func TestNameRules(t *testing.T) {
	tests := []struct {
		fault string
		with  map[string]any
		want  NameRule
	}{
		{"dns-nxdomain", nil, NameRule{Mode: NameMissing}},
		{"dns-empty", map[string]any{"tail": "4s"}, NameRule{Mode: NameEmpty, Tail: 4 * time.Second}},
		{"dns-slow", map[string]any{"delay": "1500ms"}, NameRule{Mode: NameSlow, Delay: 1500 * time.Millisecond}},
		{"dns-wrong-address", nil, NameRule{Mode: NameElsewhere, Address: netip.MustParseAddr("127.255.255.254")}},
		{"dns-wrong-address", map[string]any{"address": "127.0.0.9", "tail": "1m"}, NameRule{Mode: NameElsewhere, Address: netip.MustParseAddr("127.0.0.9"), Tail: time.Minute}},
		{"address-replaced", map[string]any{"tail": "5s"}, NameRule{Mode: NameFormer, Tail: 5 * time.Second}},
	}
	for _, tt := range tests {
		s, g := newSurface(), grip(1)
		if err := action(t, tt.fault, tt.with).Inject(t.Context(), s, g); err != nil {
			t.Fatal(err)
		}
		if tt.want.Grip = g; s.names["e"] != tt.want {
			t.Errorf("%s %v: %+v, want %+v", tt.fault, tt.with, s.names["e"], tt.want)
		}
		d, _ := Lookup(tt.fault)
		with, _ := d.Decode(tt.with)
		if got := d.Afterglow(with); got != tt.want.Tail {
			t.Errorf("%s %v lingers for %s", tt.fault, tt.with, got)
		}
	}
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

func TestRateLimitSaysWhenToComeBack(t *testing.T) {
	for after, want := range map[string]string{"": "", "20s": "20", "1500ms": "2"} {
		with := map[string]any{}
		if after != "" {
			with["retry_after"] = after
		}
		s, g := newSurface(), grip(1)
		if err := action(t, "rate-limit", with).Inject(t.Context(), s, g); err != nil {
			t.Fatal(err)
		}
		reply, ok := s.replies["e"].HTTP(Request{})
		if got := reply.Header.Get("Retry-After"); !ok || got != want {
			t.Errorf("retry_after %q: header %q, want %q", after, got, want)
		}
		if told := strings.Contains(string(reply.Body), "back in "+want+" s"); told != (want != "") {
			t.Errorf("retry_after %q: the dialect said %s", after, reply.Body)
		}
	}
	if sharedHeader.Get("Retry-After") != "" {
		t.Error("the dialect's header was changed")
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

// inject puts a fault on a surface and gives its rule.
func inject(t *testing.T, name string, with map[string]any) ReplyRule {
	t.Helper()
	s := newSurface()
	if err := action(t, name, with).Inject(t.Context(), s, grip(1)); err != nil {
		t.Fatal(err)
	}
	return s.replies["e"]
}

func calls(methods ...string) (r Request) {
	for _, m := range methods {
		r.Calls = append(r.Calls, RPCCall{ID: []byte("1"), Method: m})
	}
	return r
}

func TestReplyLostPicksMethods(t *testing.T) {
	sends := map[string]any{"methods": []any{"eth_sendRawTransaction"}, "how": "status", "status": 504}
	for _, tt := range []struct {
		with    map[string]any
		request Request
		want    Loss
		lost    bool
	}{
		{nil, calls("eth_call"), Loss{LossReset, 0}, true},
		{nil, Request{}, Loss{LossReset, 0}, true}, // a body that does not parse
		{map[string]any{"how": "hang"}, calls("eth_call"), Loss{LossHang, 0}, true},
		{map[string]any{"how": "status"}, calls("eth_call"), Loss{LossStatus, 503}, true},
		{map[string]any{"status": 504}, calls("eth_call"), Loss{LossStatus, 504}, true},
		{sends, calls("eth_sendRawTransaction"), Loss{LossStatus, 504}, true},
		{sends, calls("eth_call", "eth_sendRawTransaction"), Loss{LossStatus, 504}, true},
		{sends, calls("eth_call"), Loss{LossStatus, 504}, false},
	} {
		got, ok := inject(t, "reply-lost", tt.with).Lose(tt.request)
		if ok != tt.lost || got != tt.want {
			t.Errorf("%v, %v: %v %+v", tt.with, tt.request.Calls, ok, got)
		}
	}
	d, _ := Lookup("reply-lost")
	if !d.Unavailable(With{}) || d.Unavailable(With{"methods": []string{"eth_call"}}) {
		t.Error("a service whose replies are all lost is unavailable, and one that loses some is not")
	}
	if got := action(t, "reply-lost", sends).(Prober).ProbeMethod(); got != "eth_sendRawTransaction" {
		t.Errorf("probe method %q", got)
	}
}

func TestTransactionSwallowedTakesWhatIsOne(t *testing.T) {
	rule := inject(t, "transaction-swallowed", nil).RPC
	const hash = "0x5eb5c3"
	for _, tt := range []struct {
		request Request
		call    RPCCall
		want    string // "" is left alone
	}{
		{Request{}, RPCCall{Method: "eth_sendRawTransaction", Tx: hash}, `"` + hash + `"`},
		{Request{}, RPCCall{Method: "eth_sendRawTransaction"}, ""}, // not readable: the node refuses it
		{Request{}, RPCCall{Method: "eth_sendRawTransactionSync", Tx: hash}, ""},
		{Request{}, RPCCall{Method: "eth_getTransactionReceipt"}, ""},
		{Request{Probe: true}, RPCCall{Method: "eth_sendRawTransaction"}, `"` + noTransaction + `"`},
	} {
		got, ok := rule(tt.request, tt.call)
		if !ok {
			got.Result = nil
		}
		if string(got.Result) != tt.want {
			t.Errorf("%+v: %s, want %s", tt.call, got.Result, tt.want)
		}
	}
}

func TestLogsTruncated(t *testing.T) {
	get := RPCCall{Method: "eth_getLogs"}
	for _, tt := range []struct {
		keep any
		call RPCCall
		logs string
		want string // "" is left alone
	}{
		{"50%", get, `[{"a":1},{"b":2},{"c":3},{"d":4}]`, `[{"a":1},{"b":2}]`},
		{"50%", RPCCall{Method: "eth_getFilterLogs"}, `[1,2,3]`, `[1]`},
		{"50%", get, `[1]`, `[]`},
		{"90%", get, `[1,2,3]`, `[1,2]`},
		{"0%", get, `[1,2,3]`, `[]`},
		{2, get, `[1,2,3]`, `[1,2]`},
		{2, get, `[1,2]`, ""},
		{0, get, `[1,2]`, `[]`},
		{"50%", get, `[]`, ""},
		{"50%", get, `null`, ""},
		{"50%", get, `"0x1"`, ""},
		{"50%", RPCCall{Method: "eth_getBlockReceipts"}, `[1,2]`, ""},
	} {
		got, ok := inject(t, "logs-truncated", map[string]any{"keep": tt.keep}).Alter(Request{}, tt.call, []byte(tt.logs))
		if ok != (tt.want != "") || ok && string(got) != tt.want {
			t.Errorf("keep %v of %s: %v %s, want %s", tt.keep, tt.logs, ok, got, tt.want)
		}
	}
	for keep, want := range map[any]string{"50%": `[0,1]`, 100: `[`} {
		got, ok := inject(t, "logs-truncated", map[string]any{"keep": keep}).Alter(Request{Probe: true}, get, nil)
		if !ok || !strings.HasPrefix(string(got), want) {
			t.Errorf("keep %v: a probe saw %v %s", keep, ok, got)
		}
	}
}

func TestWrongChainLeads(t *testing.T) {
	if chain, ok := inject(t, "wrong-chain", map[string]any{"chain": "base"}).Lead(Request{}); !ok || chain != "base" {
		t.Errorf("led to %q, %v", chain, ok)
	}
}
