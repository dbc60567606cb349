package names

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	east, west = "aws/us-east-1", "aws/us-west-2"
	token      = "token-of-this-run"
	infura     = "mainnet.infura.io"
	infuraBase = "base-mainnet.infura.io"
	alchemy    = "eth-mainnet.g.alchemy.com"
)

type sink struct {
	mu      sync.Mutex
	lookups []history.Lookup
	others  []history.Record
}

func (s *sink) Add(r history.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, ok := r.(history.Lookup); ok {
		s.lookups = append(s.lookups, l)
		return
	}
	s.others = append(s.others, r)
}

// words are the look-ups so far, "host kind answer faults".
func (s *sink) words() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []string{}
	for _, l := range s.lookups {
		out = append(out, strings.Join(slices.DeleteFunc(append([]string{l.Host, l.Kind, l.Answer}, l.Faults...), func(s string) bool { return s == "" }), " "))
	}
	return out
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// open starts a resolver with three names of two services.
func open(t *testing.T) (*Server, *sink) {
	t.Helper()
	records := &sink{}
	placement := []fault.Region{{Name: east, Share: 0.7}, {Name: west, Share: 0.3}}
	s, err := New(Config{
		Services: []Service{
			{Name: "infura", Regions: placement, TTL: 5 * time.Second, Hosts: []Host{
				{Name: infura, Chain: "ethereum", Addresses: []netip.Addr{addr("127.18.0.1")}}, {Name: infuraBase, Chain: "base", Addresses: []netip.Addr{addr("127.18.0.2")}},
			}},
			{Name: "alchemy", Regions: placement, TTL: 30 * time.Second, Hosts: []Host{{Name: "Eth-Mainnet.g.alchemy.com.", Chain: "ethereum", Addresses: []netip.Addr{addr("127.18.0.3"), addr("127.18.0.4")}}}},
		},
		Seed: 42, ProbeToken: token, Sink: records, Clock: clock.Start(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		for range 2 {
			if err := s.Close(ctx); err != nil {
				t.Error(err)
			}
		}
	})
	if _, err := s.Open(t.Context(), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	return s, records
}

// TestStartFails: a server that ends before it listens is told of, instead of waited for.
func TestStartFails(t *testing.T) {
	s, _ := open(t)
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	packets.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.start(ctx, &dns.Server{PacketConn: packets, Handler: s}); err == nil || ctx.Err() != nil {
		t.Errorf("a server whose socket is closed: %v", err)
	}
}

func hold(t *testing.T, s *Server, service string, share float64, r fault.NameRule, regions ...string) (*Zone, *fault.Grip) {
	t.Helper()
	z, err := s.Zone(service)
	if err != nil {
		t.Fatal(err)
	}
	r.Grip = &fault.Grip{ID: "e", Service: service, Seed: 42, Regions: regions}
	r.Grip.SetShare(share)
	if err := z.Put(r); err != nil {
		t.Fatal(err)
	}
	return z, r.Grip
}

// question is one message with its questions.
func question(kind uint16, hosts ...string) *dns.Msg {
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Id: dns.Id(), RecursionDesired: true}}
	for _, h := range hosts {
		m.Question = append(m.Question, dns.Question{Name: dns.Fqdn(h), Qtype: kind, Qclass: dns.ClassINET})
	}
	return m
}

// shown is a reply in words: rcode, then "name=address/ttl" and "soa/ttl".
func shown(m *dns.Msg) string {
	words := []string{dns.RcodeToString[m.Rcode]}
	if m.Rcode == dns.RcodeBadVers {
		words[0] = "BADVERS" // the library knows the number 16 by its other name
	}
	for _, rr := range m.Answer {
		words = append(words, fmt.Sprintf("%s=%s/%d", rr.Header().Name, rr.(*dns.A).A, rr.Header().Ttl))
	}
	for _, rr := range m.Ns {
		words = append(words, fmt.Sprintf("soa/%d", rr.(*dns.SOA).Minttl))
	}
	if m.Truncated {
		words = append(words, "truncated")
	}
	return strings.Join(words, " ")
}

// TestAnswers asks over both transports and holds what is said and what is recorded.
func TestAnswers(t *testing.T) {
	edns := func(m *dns.Msg, version uint8) *dns.Msg {
		m.SetEdns0(1232, true)
		m.IsEdns0().SetVersion(version)
		m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "24a5ac1223344556"})
		return m
	}
	notify := question(dns.TypeSOA, infura)
	notify.Opcode = dns.OpcodeNotify
	chaos := question(dns.TypeTXT, "version.bind")
	chaos.Question[0].Qclass = dns.ClassCHAOS
	many := question(dns.TypeA, slices.Repeat([]string{infura}, 40)...)
	for _, tc := range []struct {
		name    string
		ask     *dns.Msg
		want    string
		records []string
		overTCP string // where it differs
	}{
		{"an address", question(dns.TypeA, infura), "NOERROR mainnet.infura.io.=127.18.0.1/5", []string{infura + " 127.18.0.1"}, ""},
		{"in any case", question(dns.TypeA, "MainNet.INFURA.io"), "NOERROR MainNet.INFURA.io.=127.18.0.1/5", []string{infura + " 127.18.0.1"}, ""},
		{"two addresses", question(dns.TypeA, alchemy), "NOERROR eth-mainnet.g.alchemy.com.=127.18.0.3/30 eth-mainnet.g.alchemy.com.=127.18.0.4/30", []string{alchemy + " 127.18.0.3,127.18.0.4"}, ""},
		{"no address of version 6", question(dns.TypeAAAA, infura), "NOERROR soa/5", []string{infura + " AAAA no address"}, ""},
		{"another type", question(dns.TypeHTTPS, infura), "NOERROR soa/5", []string{infura + " HTTPS no address"}, ""},
		{"any type", question(dns.TypeANY, infura), "NOERROR mainnet.infura.io.=127.18.0.1/5", []string{infura + " ANY 127.18.0.1"}, ""},
		{"unknown", question(dns.TypeA, "api.example.org"), "NXDOMAIN soa/5", []string{"api.example.org NXDOMAIN"}, ""},
		{"above a known name", question(dns.TypeA, "infura.io"), "NXDOMAIN soa/5", []string{"infura.io NXDOMAIN"}, ""},
		{"the machine itself", question(dns.TypeA, "db.localhost"), "NOERROR db.localhost.=127.0.0.1/5", []string{"db.localhost 127.0.0.1"}, ""},
		{"several questions", question(dns.TypeA, infura, "nobody", infuraBase), "NXDOMAIN mainnet.infura.io.=127.18.0.1/5 base-mainnet.infura.io.=127.18.0.2/5 soa/5",
			[]string{infura + " 127.18.0.1", "nobody NXDOMAIN", infuraBase + " 127.18.0.2"}, ""},
		{"EDNS with a cookie", edns(question(dns.TypeA, infura), 0), "NOERROR mainnet.infura.io.=127.18.0.1/5", []string{infura + " 127.18.0.1"}, ""},
		{"a later EDNS", edns(question(dns.TypeA, infura), 1), "BADVERS", nil, ""},
		{"another class", chaos, "REFUSED", []string{"version.bind TXT REFUSED"}, ""},
		{"no query", notify, "NOTIMP", nil, ""},
		{"no question", question(dns.TypeA), "FORMERR", nil, ""},
		{"more than fits", many, "truncated", slices.Repeat([]string{infura + " 127.18.0.1"}, 40), "NOERROR" + strings.Repeat(" mainnet.infura.io.=127.18.0.1/5", 40)},
	} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(tc.name+" over "+network, func(t *testing.T) {
				s, records := open(t)
				client := dns.Client{Net: network, Timeout: 5 * time.Second}
				in, _, err := client.Exchange(tc.ask.Copy(), s.Address())
				if err != nil {
					t.Fatal(err)
				}
				want := tc.want
				if network == "tcp" && tc.overTCP != "" {
					want = tc.overTCP
				}
				if got := shown(in); got != want && (want != "truncated" || !strings.HasSuffix(got, want)) {
					t.Errorf("got %q, want %q", got, want)
				}
				if tc.ask.Opcode == dns.OpcodeQuery && len(tc.ask.Question) > 0 && !in.RecursionAvailable {
					t.Error("recursion is not available")
				}
				if opt := in.IsEdns0(); (opt != nil) != (tc.ask.IsEdns0() != nil) {
					t.Errorf("EDNS in the reply: %v", opt)
				}
				if diff := cmp.Diff(append([]string{}, tc.records...), records.words()); diff != "" {
					t.Errorf("records (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// resolver is Go's own, led to the server.
func resolver(s *Server) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, s.Address())
	}}
}

// TestRules holds what an app in Go is told under each rule, how long it waits, and what is counted and recorded.
func TestRules(t *testing.T) {
	const slow = 300 * time.Millisecond
	for _, tc := range []struct {
		name    string
		rule    fault.NameRule
		want    string // the addresses, or what the error says
		least   time.Duration
		touched int64
		records []string // those of the app's questions for A and AAAA, sorted, each once
	}{
		{"nxdomain", fault.NameRule{Mode: fault.NameMissing}, "no such host", 0, 1, []string{infura + " AAAA NXDOMAIN e", infura + " NXDOMAIN e"}},
		{"empty", fault.NameRule{Mode: fault.NameEmpty}, "no such host", 0, 1, []string{infura + " AAAA no address", infura + " no address e"}},
		{"servfail", fault.NameRule{Mode: fault.NameFails}, "server misbehaving", 0, 2, []string{infura + " AAAA SERVFAIL e", infura + " SERVFAIL e"}},
		{"silent", fault.NameRule{Mode: fault.NameSilent}, "i/o timeout", 400 * time.Millisecond, 1, []string{infura + " AAAA no answer e", infura + " no answer e"}},
		{"slow", fault.NameRule{Mode: fault.NameSlow, Delay: slow}, "127.18.0.1", slow, 1, []string{infura + " 127.18.0.1 e", infura + " AAAA no address e"}},
		{"elsewhere", fault.NameRule{Mode: fault.NameElsewhere, Address: addr("127.0.0.9")}, "127.0.0.9", 0, 1, []string{infura + " 127.0.0.9 e", infura + " AAAA no address"}},
		{"former", fault.NameRule{Mode: fault.NameFormer}, "127.18.0.1", 0, 1, []string{infura + " 127.18.0.1 e", infura + " AAAA no address"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, records := open(t)
			z, grip := hold(t, s, "infura", 1, tc.rule)
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			if tc.rule.Mode != fault.NameSilent {
				ctx = t.Context()
			}
			began := time.Now()
			got, err := resolver(s).LookupHost(ctx, infura+".") // with the last dot no search list of the machine is tried
			took := time.Since(began)
			if err != nil && !strings.Contains(err.Error(), tc.want) || err == nil && strings.Join(got, ",") != tc.want {
				t.Errorf("%v, %v; want %s", got, err, tc.want)
			}
			if took < tc.least {
				t.Errorf("it took %s", took)
			}
			if lookups, _, _ := grip.Counts(); lookups != tc.touched {
				t.Errorf("touched %d look-ups, want %d", lookups, tc.touched)
			}
			seen := records.words()
			slices.Sort(seen)
			if diff := cmp.Diff(tc.records, slices.Compact(seen)); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
			if got, err := resolver(s).LookupHost(t.Context(), alchemy+"."); err != nil || len(got) != 2 {
				t.Errorf("another service: %v, %v", got, err)
			}
			z.Drop("e")
			z.Drop("e")
			if got, err := resolver(s).LookupHost(t.Context(), infura+"."); err != nil || strings.Join(got, ",") != "127.18.0.1" {
				t.Errorf("after it: %v, %v", got, err)
			}
		})
	}
}

// TestFormer holds that a rule keeps what a name answered while the name is pointed elsewhere, for its tail too, and that the tail ends.
func TestFormer(t *testing.T) {
	s, _ := open(t)
	const rest = 300 * time.Millisecond
	z, _ := hold(t, s, "infura", 1, fault.NameRule{Mode: fault.NameFormer, Tail: rest})
	answers := func(want string) {
		t.Helper()
		if got, err := resolver(s).LookupHost(t.Context(), infura+"."); err != nil || strings.Join(got, ",") != want {
			t.Errorf("%v, %v; want %s", got, err, want)
		}
	}
	answers("127.18.0.1")
	if err := s.Point(strings.ToUpper(infura), addr("127.18.0.9")); err != nil {
		t.Fatal(err)
	}
	answers("127.18.0.1")
	dropped := time.Now()
	z.Drop("e")
	answers("127.18.0.1")
	z.Drop("e") // does not begin the tail anew
	for time.Since(dropped) < rest {
		time.Sleep(10 * time.Millisecond)
	}
	answers("127.18.0.9")
	if err := s.Point("nobody.example"); err == nil {
		t.Error("a name that is not there was pointed elsewhere")
	}
}

// TestShares holds that a region's part of the look-ups is taken and no more, the same look-ups each time, and the question for AAAA as the one for A beside it.
func TestShares(t *testing.T) {
	const n = 400
	taken := func(share float64, regions ...string) (string, int64) {
		s, records := open(t)
		_, grip := hold(t, s, "infura", share, fault.NameRule{Mode: fault.NameMissing}, regions...)
		for i := range n {
			host := infura
			if i%2 == 1 {
				host = infuraBase
			}
			for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
				s.answer(dns.Question{Name: host + ".", Qtype: kind, Qclass: dns.ClassINET}, nil)
			}
		}
		var draws strings.Builder
		for i := range n {
			a, aaaa := records.lookups[2*i], records.lookups[2*i+1]
			if len(a.Faults) != len(aaaa.Faults) {
				t.Fatalf("look-up %d: %v and %v", i, a, aaaa)
			}
			fmt.Fprint(&draws, len(a.Faults))
		}
		lookups, _, _ := grip.Counts()
		return draws.String(), lookups
	}
	for _, tc := range []struct {
		share   float64
		regions []string
		low     int64
		high    int64
	}{
		{1, nil, n, n},
		{1, []string{east}, 250, 310}, // 280 are expected, with a standard deviation of 9
		{0.5, []string{west}, 36, 84}, // 60, 7
		{0, nil, 0, 0},
	} {
		draws, lookups := taken(tc.share, tc.regions...)
		if lookups < tc.low || lookups > tc.high {
			t.Errorf("share %v of %v took %d of %d look-ups", tc.share, tc.regions, lookups, n)
		}
		if again, _ := taken(tc.share, tc.regions...); again != draws {
			t.Error("the second time other look-ups were taken")
		}
	}
}

// TestChain holds that an effect on one chain leaves the service's other names alone.
func TestChain(t *testing.T) {
	s, _ := open(t)
	z, err := s.Zone("infura")
	if err != nil {
		t.Fatal(err)
	}
	g := &fault.Grip{ID: "e", Service: "infura", Chain: "base"}
	g.SetShare(1)
	if err := z.Put(fault.NameRule{Grip: g, Mode: fault.NameMissing}); err != nil {
		t.Fatal(err)
	}
	if _, err := resolver(s).LookupHost(t.Context(), infura+"."); err != nil {
		t.Error(err)
	}
	if _, err := resolver(s).LookupHost(t.Context(), infuraBase+"."); err == nil {
		t.Error("the chain's own name was left alone")
	}
}

// TestProbe holds that a probe sees its own effect for certain and no other, and leaves no trace.
func TestProbe(t *testing.T) {
	s, records := open(t)
	_, grip := hold(t, s, "infura", 0.001, fault.NameRule{Mode: fault.NameMissing}, west)
	for _, tc := range []struct{ host, effect, region, want string }{
		{infura, "e", west, "NXDOMAIN []"},
		{infura, "e", east, "NOERROR [127.18.0.1]"},
		{infura, "e", "", "NOERROR [127.18.0.1]"}, // the service's first region
		{infura, "another", west, "NOERROR [127.18.0.1]"},
		{alchemy, "e", west, "NOERROR [127.18.0.3 127.18.0.4]"},
		{"nobody.example", "e", west, "NXDOMAIN []"},
	} {
		reply, err := s.Ask(t.Context(), tc.host, tc.effect, tc.region)
		if got := fmt.Sprint(reply.Rcode, " ", reply.Addresses); err != nil || got != tc.want {
			t.Errorf("%+v: %s, %v", tc, got, err)
		}
	}
	grip.SetShare(0)
	if reply, err := s.Ask(t.Context(), infura, "e", west); err != nil || reply.Rcode != "NOERROR" {
		t.Errorf("with no share: %v, %v", reply, err)
	}
	if lookups, _, _ := grip.Counts(); lookups != 0 || len(records.words()) != 0 || s.asked("infura") != 0 {
		t.Errorf("the probes left %d touches, %q, number %d", lookups, records.words(), s.asked("infura"))
	}
	hold(t, s, "infura", 1, fault.NameRule{Mode: fault.NameSilent})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if reply, err := s.Ask(ctx, infura, "e", west); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no answer: %v, %v", reply, err)
	}
	stranger, err := New(Config{ProbeToken: "another", Sink: records, Clock: clock.Start()})
	if err != nil {
		t.Fatal(err)
	}
	m := question(dns.TypeA, infura)
	m.SetEdns0(1232, false)
	m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: probeOption, Data: []byte(token + ";effect=e;region=")}}
	if s.probe(m) == nil || stranger.probe(m) != nil {
		t.Error("a mark with another token was taken for a probe")
	}
}

// TestFirstRuleWins holds that of several rules the one whose effect id sorts first answers.
func TestFirstRuleWins(t *testing.T) {
	s, _ := open(t)
	z, err := s.Zone("infura")
	if err != nil {
		t.Fatal(err)
	}
	for id, mode := range map[string]fault.NameMode{"b": fault.NameMissing, "a": fault.NameFails, "c": fault.NameEmpty} {
		g := &fault.Grip{ID: id, Service: "infura"}
		g.SetShare(1)
		if err := z.Put(fault.NameRule{Grip: g, Mode: mode}); err != nil {
			t.Fatal(err)
		}
	}
	for _, first := range []struct{ id, want string }{{"a", "SERVFAIL"}, {"b", "NXDOMAIN"}, {"c", "NOERROR"}} {
		in, err := dns.Exchange(question(dns.TypeA, infura), s.Address())
		if err != nil || dns.RcodeToString[in.Rcode] != first.want {
			t.Errorf("%v, %v; want %s", in, err, first.want)
		}
		z.Drop(first.id)
	}
}

func TestPutRefuses(t *testing.T) {
	s, _ := open(t)
	z, err := s.Zone("infura")
	if err != nil {
		t.Fatal(err)
	}
	g, other := &fault.Grip{ID: "e", Service: "infura"}, &fault.Grip{ID: "e", Service: "alchemy"}
	for want, r := range map[string]fault.NameRule{
		"needs a grip":             {Mode: fault.NameMissing},
		`for service "alchemy"`:    {Grip: other, Mode: fault.NameMissing},
		`unknown mode "gone"`:      {Grip: g, Mode: "gone"},
		"late by 0s":               {Grip: g, Mode: fault.NameSlow},
		"no IPv4 address":          {Grip: g, Mode: fault.NameElsewhere},
		"::1, which is no IPv4":    {Grip: g, Mode: fault.NameElsewhere, Address: addr("::1")},
		"the rule of e has a tail": {Grip: g, Mode: fault.NameEmpty, Tail: -1},
	} {
		if err := z.Put(r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", r, err, want)
		}
	}
	if len(z.rules) > 0 {
		t.Errorf("left behind: %v", z.rules)
	}
	if _, err := s.Zone("nobody"); err == nil {
		t.Error("a zone of a service that is not there")
	}
}

func TestNewRefuses(t *testing.T) {
	one := Service{Name: "one", Hosts: []Host{{Name: "A.example"}}}
	for want, cfg := range map[string]Config{
		"needs a sink":                               {},
		`service "one" is there twice`:               {Sink: &sink{}, Services: []Service{one, one}},
		`host "a.example" is there twice: of one an`: {Sink: &sink{}, Services: []Service{one, {Name: "two", Hosts: []Host{{Name: "a.example."}}}}},
	} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestCloseGivesUp holds that late answers and idle connections keep nobody waiting, and that a closed resolver opens no more.
func TestCloseGivesUp(t *testing.T) {
	s, _ := open(t)
	hold(t, s, "infura", 1, fault.NameRule{Mode: fault.NameSlow, Delay: time.Minute})
	idle, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	waiting := make(chan error, 2)
	for _, network := range []string{"udp", "tcp"} {
		go func() {
			client := dns.Client{Net: network, Timeout: 2 * time.Second}
			_, _, err := client.Exchange(question(dns.TypeA, infura), s.Address())
			waiting <- err
		}()
	}
	for s.asked("infura") < 2 {
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	if err := s.Close(t.Context()); err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	if err := <-waiting; err == nil {
		t.Error("an answer came")
	}
	if _, err := s.Open(t.Context(), "127.0.0.1:0"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("opened again: %v", err)
	}
	<-waiting
}

func (s *Server) asked(service string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.zones[service].asked[dns.TypeA]
}

// TestCrowd asks from many places while rules come and go. It is there for the race detector.
func TestCrowd(t *testing.T) {
	s, _ := open(t)
	var crowd sync.WaitGroup
	for range 8 {
		crowd.Go(func() {
			for range 20 {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				_, _ = resolver(s).LookupHost(ctx, infura+".")
				_, _ = s.Ask(ctx, alchemy, "e", east)
				cancel()
			}
		})
	}
	for i := range 50 {
		z, _ := hold(t, s, "infura", 0.5, fault.NameRule{Mode: fault.NameFormer, Tail: time.Duration(i%2) * time.Millisecond})
		if err := s.Point(infura, addr("127.18.0.1")); err != nil {
			t.Error(err)
		}
		z.Drop("e")
	}
	crowd.Wait()
}
