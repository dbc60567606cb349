package names

import (
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
)

// maxQuestions bounds the questions of one message.
const maxQuestions = 64

// bufferSize is what answers over UDP may have where the client allows more than the 512 bytes of RFC 1035: what fits a frame of any network (dnsflagday.net/2020).
const bufferSize = 1232

// accept takes questions, several in one message too, which RFC 1035 allows.
func accept(h dns.Header) dns.MsgAcceptAction {
	const response, opcodes = 1 << 15, 0xF
	switch {
	case h.Bits&response != 0:
		return dns.MsgIgnore
	case int(h.Bits>>11)&opcodes != dns.OpcodeQuery:
		return dns.MsgRejectNotImplemented
	case h.Qdcount == 0 || h.Qdcount > maxQuestions:
		return dns.MsgReject
	}
	return dns.MsgAccept
}

// answer is what one question gets.
type answer struct {
	rcode     int
	addresses []netip.Addr
	ttl       time.Duration
	delay     time.Duration
	silent    bool
}

// ServeDNS answers one message. It is the library's, which calls it in a goroutine for each message over UDP and in turn for those of a connection.
func (s *Server) ServeDNS(w dns.ResponseWriter, req *dns.Msg) {
	reply := new(dns.Msg)
	reply.SetReply(req)
	reply.RecursionAvailable = true // without it Go's resolver calls the delegation lame, and asks twice
	size := dns.MinMsgSize
	if opt := req.IsEdns0(); opt != nil {
		size = max(size, min(int(opt.UDPSize()), bufferSize))
		reply.SetEdns0(bufferSize, false)
		if opt.Version() != 0 {
			reply.Rcode = dns.RcodeBadVers
			_ = w.WriteMsg(reply)
			return
		}
	}
	if s.neighbour(req) {
		s.forward(w, req, reply, size)
		return
	}
	p := s.probe(req)
	var delay time.Duration
	for _, q := range req.Question {
		a := s.answer(q, p)
		if a.silent {
			return
		}
		delay = max(delay, a.delay)
		if reply.Rcode == dns.RcodeSuccess {
			reply.Rcode = a.rcode
		}
		a.write(reply, q)
	}
	if clock.Sleep(s.ctx, delay) != nil {
		return
	}
	if _, datagram := w.RemoteAddr().(*net.UDPAddr); datagram {
		reply.Truncate(size)
	}
	_ = w.WriteMsg(reply) // a client that has gone away is no concern of ours
}

// write puts the answer to a question into a message. What has no address carries the record that says how long this may be remembered (RFC 2308, section 3).
func (a answer) write(m *dns.Msg, q dns.Question) {
	seconds := uint32(a.ttl / time.Second)
	for _, address := range a.addresses {
		m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: seconds}, A: address.AsSlice()})
	}
	if len(a.addresses) == 0 && len(m.Ns) == 0 && (a.rcode == dns.RcodeSuccess || a.rcode == dns.RcodeNameError) {
		m.Ns = append(m.Ns, &dns.SOA{
			Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: seconds},
			Ns:  "resolver.invalid.", Mbox: "nobody.invalid.", Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: seconds,
		})
	}
}

// answer finds the answer to a question, and records it when it is the app's.
func (s *Server) answer(q dns.Question, p *mark) answer {
	name, at := plain(q.Name), s.cfg.Clock.Now()
	record := history.Lookup{Host: name, At: at}
	if q.Qtype != dns.TypeA {
		record.Kind = dns.TypeToString[q.Qtype]
	}
	var a answer
	h := s.hosts[name]
	switch {
	case q.Qclass != dns.ClassINET && q.Qclass != dns.ClassANY:
		a.rcode = dns.RcodeRefused
	case h != nil:
		var taken *rule
		a, taken = s.served(h, q.Qtype, p, at)
		if taken != nil {
			record.Faults = []string{taken.Grip.ID}
		}
	case name == "localhost" || strings.HasSuffix(name, ".localhost"): // RFC 6761, section 6.3
		if a.ttl = DefaultTTL; isLookup(q.Qtype) {
			a.addresses = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
		}
	default:
		a.rcode, a.ttl = dns.RcodeNameError, DefaultTTL
	}
	if p == nil {
		record.Answer = a.words()
		s.cfg.Sink.Add(record)
	}
	return a
}

// served is the answer for a name of a service, and the rule that made it.
func (s *Server) served(h *host, kind uint16, p *mark, at clock.Micros) (answer, *rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := answer{ttl: h.zone.service.TTL}
	if isLookup(kind) {
		a.addresses = h.Addresses
	}
	n := h.zone.asked[kind]
	if p == nil {
		h.zone.asked[kind]++
	}
	r := h.zone.taking(h, kind, n, p, at)
	if r == nil {
		return a, nil
	}
	switch r.Mode {
	case fault.NameMissing:
		a.rcode, a.addresses = dns.RcodeNameError, nil
	case fault.NameEmpty:
		a.addresses = nil
	case fault.NameFails:
		a.rcode, a.addresses = dns.RcodeServerFailure, nil
	case fault.NameSilent:
		a.silent = true
	case fault.NameSlow:
		a.delay = r.Delay
	case fault.NameElsewhere:
		a.addresses = []netip.Addr{r.Address}
	case fault.NameFormer:
		a.addresses = r.former[plain(h.Name)]
	}
	if p == nil && isLookup(kind) {
		r.Grip.Touch(fault.LayerNames)
	}
	return a, r
}

// words are the answer as the history has it.
func (a answer) words() string {
	switch {
	case a.silent:
		return history.AnswerNone
	case a.rcode != dns.RcodeSuccess:
		return dns.RcodeToString[a.rcode] // NXDOMAIN and SERVFAIL are among the history's own
	case len(a.addresses) == 0:
		return history.AnswerEmpty
	}
	words := make([]string, len(a.addresses))
	for i, address := range a.addresses {
		words[i] = address.String()
	}
	return strings.Join(words, ",")
}

// plain is a name as the package keeps it: in lower case, without the last dot.
func plain(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
