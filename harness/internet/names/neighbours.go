package names

import (
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// Neighbours are containers beside the app's, by the names that a container engine gives them. No fault acts on these names, and no question for one is recorded. A name
// that the world has is the world's.
type Neighbours struct {
	Names []string
	// From is the network of these containers. Questions from there are passed on to Resolver, "127.0.0.11:53"; one from elsewhere is the engine's own, which has no
	// answer, and gets none.
	From     netip.Prefix
	Resolver string
}

// neighbourBound is how long the engine may take to answer.
const neighbourBound = 2 * time.Second

// neighbour reports whether a message asks for one.
func (s *Server) neighbour(req *dns.Msg) bool {
	return len(req.Question) == 1 && s.neighbours[plain(req.Question[0].Name)]
}

// forward answers as the engine does, by the transport of the question.
func (s *Server) forward(w dns.ResponseWriter, req, reply *dns.Msg, size int) {
	client := dns.Client{Net: "tcp", Timeout: neighbourBound}
	from, _ := netip.ParseAddrPort(w.RemoteAddr().String())
	_, datagram := w.RemoteAddr().(*net.UDPAddr)
	if datagram {
		client.Net = "udp"
	}
	if !s.cfg.Neighbours.From.Contains(from.Addr().Unmap()) {
		reply.Rcode = dns.RcodeNameError
		_ = w.WriteMsg(reply)
		return
	}
	ask := new(dns.Msg)
	ask.SetQuestion(req.Question[0].Name, req.Question[0].Qtype)
	if in, _, err := client.ExchangeContext(s.ctx, ask, s.cfg.Neighbours.Resolver); err != nil {
		reply.Rcode = dns.RcodeServerFailure
	} else {
		reply.Rcode, reply.Truncated, reply.Answer = in.Rcode, in.Truncated, in.Answer
	}
	if datagram && !reply.Truncated {
		reply.Truncate(size)
	}
	_ = w.WriteMsg(reply)
}
