package names

import (
	"net"
	"testing"

	"github.com/miekg/dns"

	"blackout/harness/clock"
)

// paper is where an answer goes that nobody sends.
type paper struct {
	dns.ResponseWriter
	from net.Addr
	last *dns.Msg
}

func (p *paper) RemoteAddr() net.Addr      { return p.from }
func (p *paper) WriteMsg(m *dns.Msg) error { p.last = m; _, err := m.Pack(); return err }

// FuzzMessage holds that no message, however odd, ends the resolver or gets an answer that cannot be written down or is longer than the asker takes.
func FuzzMessage(f *testing.F) {
	for _, m := range []*dns.Msg{question(dns.TypeA, infura), question(dns.TypeAAAA, infura, "nobody.example"), question(dns.TypeANY, "localhost")} {
		packed, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed, true)
		m.SetEdns0(1, true)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: probeOption, Data: []byte(token + ";effect=e;region=;;=")}}
		if packed, err = m.Pack(); err != nil {
			f.Fatal(err)
		}
		f.Add(packed, false)
	}
	s, err := New(Config{Services: []Service{{Name: "infura", Hosts: []Host{{Name: infura}}}}, ProbeToken: token, Sink: &sink{}, Clock: clock.Start()})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte, datagram bool) {
		req := new(dns.Msg)
		if req.Unpack(data) != nil || len(req.Question) > maxQuestions {
			return // the library answers such a message itself, or accept refuses it
		}
		w := &paper{from: &net.TCPAddr{}}
		if datagram {
			w.from = &net.UDPAddr{}
		}
		s.ServeDNS(w, req)
		if w.last == nil || w.last.Id != req.Id || !w.last.Response {
			t.Fatalf("answered with %v", w.last)
		}
		if size := w.last.Len(); datagram && size > bufferSize {
			t.Errorf("%d bytes over UDP", size)
		}
	})
}
