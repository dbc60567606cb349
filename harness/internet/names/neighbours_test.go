package names

import (
	"context"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"blackout/harness/clock"
)

// engine is a container engine's resolver: it knows store and ledger.internal, and has no answer for silent.
type engine struct{ asked atomic.Int64 }

func (e *engine) ServeDNS(w dns.ResponseWriter, req *dns.Msg) {
	e.asked.Add(1)
	reply := new(dns.Msg).SetReply(req)
	q := req.Question[0]
	switch strings.ToLower(q.Name) {
	case "store.", "ledger.internal.":
		if q.Qtype == dns.TypeA {
			reply.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 600}, A: addr("10.213.1.128").AsSlice()}}
		}
	case "silent.":
		return
	default:
		reply.Rcode = dns.RcodeNameError
	}
	_ = w.WriteMsg(reply)
}

// neighbourly starts a resolver beside an engine. Questions from the network are the engine's to answer.
func neighbourly(t *testing.T, from string) (*Server, *engine, *sink) {
	t.Helper()
	e := &engine{}
	packets, stream, err := listenBoth(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range []*dns.Server{{PacketConn: packets, Handler: e}, {Listener: stream, Handler: e}} {
		up := make(chan struct{})
		server.NotifyStartedFunc = func() { close(up) }
		ended := make(chan struct{})
		go func() { defer close(ended); _ = server.ActivateAndServe() }()
		<-up
		t.Cleanup(func() { _ = server.Shutdown(); <-ended })
	}
	records := &sink{}
	s, err := New(Config{
		Services:   []Service{{Name: "infura", TTL: 5 * time.Second, Hosts: []Host{{Name: infura, Addresses: []netip.Addr{addr("127.18.0.1")}}}}},
		Neighbours: Neighbours{Names: []string{"store", "Ledger.Internal.", "silent", "stopped", infura}, From: netip.MustParsePrefix(from), Resolver: packets.LocalAddr().String()},
		Sink:       records, Clock: clock.Start(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s, e, records
}

func TestNeighbours(t *testing.T) {
	for _, tc := range []struct {
		name, from string
		ask        *dns.Msg
		want       string
		records    []string
		asked      int64
	}{
		{"a container", "127.0.0.0/8", question(dns.TypeA, "store"), "NOERROR store.=10.213.1.128/600", nil, 1},
		{"in any case", "127.0.0.0/8", question(dns.TypeA, "LEDGER.internal"), "NOERROR LEDGER.internal.=10.213.1.128/600", nil, 1},
		{"by a name with a dot", "127.0.0.0/8", question(dns.TypeA, "ledger.internal"), "NOERROR ledger.internal.=10.213.1.128/600", nil, 1},
		{"no address of version 6", "127.0.0.0/8", question(dns.TypeAAAA, "store"), "NOERROR", nil, 1},
		{"stopped", "127.0.0.0/8", question(dns.TypeA, "stopped"), "NXDOMAIN", nil, 1},
		{"no answer", "127.0.0.0/8", question(dns.TypeA, "silent"), "SERVFAIL", nil, 1},
		{"asked by the engine itself", "10.213.1.0/24", question(dns.TypeA, "stopped"), "NXDOMAIN", nil, 0},
		{"a host of the world", "127.0.0.0/8", question(dns.TypeA, infura), "NOERROR mainnet.infura.io.=127.18.0.1/5", []string{infura + " 127.18.0.1"}, 0},
		{"nobody", "127.0.0.0/8", question(dns.TypeA, "nobody"), "NXDOMAIN soa/5", []string{"nobody NXDOMAIN"}, 0},
	} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(tc.name+" over "+network, func(t *testing.T) {
				t.Parallel()
				s, e, records := neighbourly(t, tc.from)
				client := dns.Client{Net: network, Timeout: 3 * neighbourBound}
				in, _, err := client.Exchange(tc.ask.Copy(), s.Address())
				if err != nil {
					t.Fatal(err)
				}
				if got := shown(in); got != tc.want {
					t.Errorf("got %q, want %q", got, tc.want)
				}
				if !in.RecursionAvailable {
					t.Error("recursion is not available")
				}
				if diff := cmp.Diff(append([]string{}, tc.records...), records.words()); diff != "" {
					t.Errorf("records (-want +got):\n%s", diff)
				}
				if got := e.asked.Load(); got != tc.asked {
					t.Errorf("the engine was asked %d times, want %d", got, tc.asked)
				}
			})
		}
	}
}
