package names

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// probeOption is the EDNS option that marks a probe, of those for local use (RFC 6891, section 9): <token>;effect=<id>;region=<name>.
const probeOption = dns.EDNS0LOCALSTART

// mark says of a probe which effect it looks for, and in which region it shall be answered ("": the service's first).
type mark struct{ effect, region string }

// probe reads the mark of a message; nil for the app's own, and for one whose token is not the run's.
func (s *Server) probe(req *dns.Msg) *mark {
	opt := req.IsEdns0()
	if opt == nil || s.cfg.ProbeToken == "" {
		return nil
	}
	for _, o := range opt.Option {
		local, ok := o.(*dns.EDNS0_LOCAL)
		if !ok || local.Code != probeOption {
			continue
		}
		token, rest, _ := strings.Cut(string(local.Data), ";")
		if subtle.ConstantTimeCompare([]byte(token), []byte(s.cfg.ProbeToken)) != 1 {
			continue
		}
		m := &mark{}
		for part := range strings.SplitSeq(rest, ";") {
			switch key, v, _ := strings.Cut(part, "="); key {
			case "effect":
				m.effect = v
			case "region":
				m.region = v
			}
		}
		return m
	}
	return nil
}

// Reply is what a probe was told. Rcode is the DNS's word, such as "NOERROR".
type Reply struct {
	Rcode     string
	Addresses []netip.Addr
}

// Ask looks up a name over UDP as an app would, marked as a probe for one effect in one region: only that effect is considered, whatever its share, as long as it is
// above zero; the question takes no number, touches nothing and is not recorded. The error is that no answer came before ctx ended; a name that has no address is none.
func (s *Server) Ask(ctx context.Context, name, effect, region string) (Reply, error) {
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), dns.TypeA)
	m.SetEdns0(bufferSize, false)
	opt := m.IsEdns0()
	opt.Option = append(opt.Option, &dns.EDNS0_LOCAL{Code: probeOption, Data: []byte(s.cfg.ProbeToken + ";effect=" + effect + ";region=" + region)})
	in, err := exchange(ctx, m, s.Address())
	if err != nil {
		return Reply{}, fmt.Errorf("look up %s: %w", name, errors.Join(context.Cause(ctx), err))
	}
	reply := Reply{Rcode: dns.RcodeToString[in.Rcode]}
	for _, rr := range in.Answer {
		if a, ok := rr.(*dns.A); ok {
			if address, ok := netip.AddrFromSlice(a.A); ok {
				reply.Addresses = append(reply.Addresses, address.Unmap())
			}
		}
	}
	return reply, nil
}

// exchange waits for an answer as long as ctx lasts: the library's own Exchange gives up by a time of its own.
func exchange(ctx context.Context, m *dns.Msg, address string) (*dns.Msg, error) {
	var d net.Dialer
	raw, err := d.DialContext(ctx, "udp", address)
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	conn := &dns.Conn{Conn: raw, UDPSize: maxQuery}
	if err := conn.WriteMsg(m); err != nil {
		return nil, err
	}
	for {
		in, err := conn.ReadMsg()
		switch {
		case err != nil && in == nil:
			return nil, err
		case err == nil && in.Id == m.Id:
			return in, nil
		}
	}
}
