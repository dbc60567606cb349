package internet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"blackout/harness/fault"
	"blackout/harness/internet/names"
	"blackout/harness/plan"
	"blackout/harness/ports"
)

// named is where a service is found by one of its host names:
//
//	at ──leave──▶ down (nobody listens at the address; next is kept from others) ──return──▶ at next, under the same port
//
// The Internet's mutex guards all but host and ports, which never change: an address of the app names them.
type named struct {
	host  plan.Host
	ports []uint16 // of its listeners; with an authority the last one speaks TLS
	at    netip.Addr
	had   []netip.Addr // all that it has or had
	by    string       // the effect that has it down
	next  netip.Addr   // while it is down
	keep  []io.Closer  // keep next from others meanwhile, one a port
}

// The ports of production, see Config.Authority.
const (
	portHTTP  = 80
	portHTTPS = 443
)

// main is the port that the app's addresses lead to.
func (n *named) main() uint16 { return n.ports[len(n.ports)-1] }

// forget gives up what is kept for a return that did not come. The Internet's mutex is held.
func (n *named) forget() error {
	var errs []error
	for _, k := range n.keep {
		errs = append(errs, k.Close())
	}
	n.keep = nil
	return errors.Join(errs...)
}

// name is where a service of a chain is found by name; nil when it has no name for it.
func (s *service) name(chain string) *named {
	for _, n := range s.named {
		if n.host.Chain == chain {
			return n
		}
	}
	return nil
}

// hostPort is the host and port by which an app names a service of a chain, without the port where HTTPS implies it.
func (n *named) hostPort() string {
	if n.main() == portHTTPS {
		return n.host.Name
	}
	return n.withPort()
}

// withPort is the host and port in any case.
func (n *named) withPort() string { return net.JoinHostPort(n.host.Name, strconv.Itoa(int(n.main()))) }

// openNamed makes a service reachable at an address of its own for one of its host names.
func (i *Internet) openNamed(ctx context.Context, s *service, h plan.Host) error {
	address, ports, err := i.nextListen(s)
	if err != nil {
		return err
	}
	n := &named{host: h}
	for _, port := range ports {
		opened, err := i.listen(ctx, s, h, netip.AddrPortFrom(address, port))
		if err != nil {
			return fmt.Errorf("an address for %s: %w", h.Name, err)
		}
		n.at, n.ports = opened.Addr().Unmap(), append(n.ports, opened.Port())
	}
	n.had = []netip.Addr{n.at}
	s.named = append(s.named, n)
	return nil
}

// listen opens one listener of a service for a host name; on port 443 it speaks TLS.
func (i *Internet) listen(ctx context.Context, s *service, h plan.Host, at netip.AddrPort) (netip.AddrPort, error) {
	secure := s.front != nil && at.Port() == portHTTPS
	var opened string
	var err error
	switch {
	case s.link != nil && secure:
		opened, err = s.link.Open(ctx, h.Chain, at.String(), s.secure[h.Chain])
	case s.link != nil:
		opened, err = s.link.Open(ctx, h.Chain, at.String(), s.doors[h.Chain])
	case secure:
		opened, err = s.gateway.OpenTLS(ctx, h.Chain, at.String(), s.front.TLS(h.Chain, h.Name))
	default:
		opened, err = s.gateway.Open(ctx, h.Chain, at.String())
	}
	if err != nil {
		return netip.AddrPort{}, err
	}
	return netip.ParseAddrPort(opened)
}

// nextListen is where the next host name of a service gets its listeners. Port 0 is one of the machine's choice.
func (i *Internet) nextListen(s *service) (address netip.Addr, ports []uint16, err error) {
	listen, err := netip.ParseAddrPort(i.cfg.Listen)
	if err != nil {
		return address, nil, fmt.Errorf("listen on %q: %w", i.cfg.Listen, err)
	}
	ports = []uint16{listen.Port()}
	if !i.cfg.Addresses.IsValid() {
		return listen.Addr(), ports, nil
	}
	if i.cfg.Authority != nil {
		ports = []uint16{portHTTP, portHTTPS}
	}
	if i.cfg.Authority != nil && s.plan.Kind == fault.KindTCP { // its usual port, as in production
		_, port, err := net.SplitHostPort(s.plan.Upstream)
		if err != nil {
			return address, nil, fmt.Errorf("upstream %q: %w", s.plan.Upstream, err)
		}
		usual, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return address, nil, fmt.Errorf("upstream %q: %w", s.plan.Upstream, err)
		}
		ports = []uint16{uint16(usual)}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	address, err = i.fresh()
	return address, ports, err
}

// fresh is an address that no service of this run has or had. The mutex is held.
func (i *Internet) fresh() (netip.Addr, error) {
	if !i.given.IsValid() {
		i.given = i.cfg.Addresses.Masked().Addr()
	}
	next := i.given.Next()
	if !next.IsValid() || !i.cfg.Addresses.Contains(next.Next()) { // the last one may be for broadcasts
		return netip.Addr{}, fmt.Errorf("%s has no more addresses", i.cfg.Addresses)
	}
	i.given = next
	return next, nil
}

// openNames starts the resolver, once all services have their addresses.
func (i *Internet) openNames(ctx context.Context) error {
	cfg := names.Config{Seed: i.cfg.Seed, ProbeToken: i.token, Neighbours: i.cfg.Neighbours, Sink: i.cfg.Sink, Clock: i.cfg.Clock}
	for _, p := range i.cfg.Services {
		s := i.services[p.Name]
		service := names.Service{Name: p.Name, TTL: p.TTL.Duration()}
		for _, r := range p.Placement {
			service.Regions = append(service.Regions, fault.Region{Name: r.Region, Share: r.Share})
		}
		for _, n := range s.named {
			service.Hosts = append(service.Hosts, names.Host{Name: n.host.Name, Chain: n.host.Chain, Addresses: []netip.Addr{n.at}})
		}
		cfg.Services = append(cfg.Services, service)
	}
	server, err := names.New(cfg)
	if err != nil {
		return fmt.Errorf("open the resolver: %w", err)
	}
	i.names = server
	if _, err := server.Open(ctx, i.cfg.Resolver); err != nil {
		return fmt.Errorf("open the resolver: %w", err)
	}
	return nil
}

// Names is what stands behind the host names of a service.
func (i *Internet) Names(name string) (fault.Names, error) {
	s, err := i.service(name)
	if err != nil {
		return nil, err
	}
	if i.names == nil {
		return nil, errors.New("the resolver is not open")
	}
	zone, err := i.names.Zone(name)
	if err != nil {
		return nil, err
	}
	return &serviceNames{Zone: zone, i: i, s: s}, nil
}

// serviceNames are the answers of the resolver for a service, and its addresses.
type serviceNames struct {
	*names.Zone
	i *Internet
	s *service
}

// tries is how many new addresses are looked at for one whose port nobody has.
const tries = 16

// Leave takes the service down at its addresses, see fault.Names. The addresses to which it will return are settled here and kept from others, so that its return
// cannot fail for want of a port.
func (n *serviceNames) Leave(g *fault.Grip) error {
	switch {
	case n.s.link == nil:
		return fmt.Errorf("service %s has no link: the plan has no fault for it that closes an address", n.s.plan.Name)
	case !n.i.cfg.Addresses.IsValid():
		return fmt.Errorf("service %s cannot move: on this system all services share one address", n.s.plan.Name)
	}
	n.i.mu.Lock()
	defer n.i.mu.Unlock()
	var errs []error
	for _, at := range n.s.named {
		switch {
		case g.Chain != "" && g.Chain != at.host.Chain || at.by == g.ID:
			continue
		case at.by != "":
			errs = append(errs, fmt.Errorf("%s is down already, by %s", at.host.Name, at.by))
			continue
		}
		if err := n.i.settle(at); err != nil {
			errs = append(errs, fmt.Errorf("a new address for %s: %w", at.host.Name, err))
			continue
		}
		at.by = g.ID
		for _, port := range at.ports {
			errs = append(errs, n.s.link.Shut(netip.AddrPortFrom(at.at, port).String(), g))
		}
	}
	return errors.Join(errs...)
}

// settle finds the address to which a name will lead next. The mutex is held.
func (i *Internet) settle(n *named) error {
	var last error
	for range tries {
		next, err := i.fresh()
		if err != nil {
			return err
		}
		if last = n.reserve(next); last == nil {
			return nil
		}
	}
	return last
}

// reserve keeps an address from others for the return of the name. The Internet's mutex is held.
func (n *named) reserve(next netip.Addr) error {
	for _, port := range n.ports {
		k, err := ports.Reserve(netip.AddrPortFrom(next, port))
		if err != nil {
			return errors.Join(err, n.forget())
		}
		n.keep = append(n.keep, k)
	}
	n.next = next
	return nil
}

// Return brings the service back at new addresses, see fault.Names.
func (n *serviceNames) Return(ctx context.Context, effect string) error {
	n.i.mu.Lock()
	defer n.i.mu.Unlock()
	var errs []error
	for _, at := range n.s.named {
		if at.by != effect {
			continue
		}
		if err := n.reopen(ctx, at); err != nil {
			errs = append(errs, fmt.Errorf("bring %s back: %w", at.host.Name, err))
			continue
		}
		at.at, at.by, at.had = at.next, "", append(at.had, at.next)
		errs = append(errs, at.forget(), n.i.names.Point(at.host.Name, at.at))
	}
	return errors.Join(errs...)
}

// reopen listens at the address to which a name will lead. The mutex is held.
func (n *serviceNames) reopen(ctx context.Context, at *named) error {
	for _, port := range at.ports {
		if _, err := n.i.listen(ctx, n.s, at.host, netip.AddrPortFrom(at.next, port)); err != nil {
			return err
		}
	}
	return nil
}

// dialByName goes the app's way by name: it asks the resolver, connects to the first address that this gives, and shakes hands where the app would.
func (i *Internet) dialByName(ctx context.Context, s *service, p Probe, o *fault.Observation) (net.Conn, error) {
	n := s.name(o.Chain)
	if n == nil || i.names == nil {
		return nil, fmt.Errorf("service %s has no name for chain %q", p.Service, o.Chain)
	}
	o.Host = n.host.Name
	from := i.cfg.Clock.Now()
	reply, err := i.names.Ask(ctx, n.host.Name, p.Effect, p.Region)
	o.LookupTook = (i.cfg.Clock.Now() - from).Duration()
	if err != nil {
		return nil, err
	}
	o.Rcode = reply.Rcode
	for _, a := range reply.Addresses {
		o.Addresses = append(o.Addresses, a.String())
	}
	if len(reply.Addresses) == 0 {
		return nil, fmt.Errorf("look up %s: %s and no address", n.host.Name, reply.Rcode)
	}
	first := reply.Addresses[0]
	i.mu.Lock()
	o.Own = slices.Contains(n.had, first)
	away := first == n.at && n.by != "" && n.by != p.Effect
	i.mu.Unlock()
	if away { // by another effect, which is not what this probe is about
		return s.link.Dial(ctx, o.Chain, p.Effect, p.Region)
	}
	conn, err := i.dialAt(ctx, s, p, netip.AddrPortFrom(first, n.main()).String())
	if err != nil || s.front == nil {
		return conn, err
	}
	secure, err := i.shakeHands(ctx, conn, s, p, o)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secure, nil
}

// dialAt connects to one address of a service.
func (i *Internet) dialAt(ctx context.Context, s *service, p Probe, address string) (net.Conn, error) {
	if s.link != nil {
		return s.link.DialAt(ctx, address, p.Effect, p.Region)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", address)
}

// shakeHands begins to speak TLS as an app does, and says what it finds wrong with the certificate.
func (i *Internet) shakeHands(ctx context.Context, conn net.Conn, s *service, p Probe, o *fault.Observation) (net.Conn, error) {
	cfg, err := s.front.Probe(o.Host, p.Effect, p.Region)
	if err != nil {
		return nil, err
	}
	o.Handshake = true
	secure := tls.Client(conn, cfg)
	err = secure.HandshakeContext(ctx)
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		o.Certificate = fault.CertExpired
	case errors.As(err, &host):
		o.Certificate = fault.CertWrongHost
	case errors.As(err, &authority):
		o.Certificate = fault.CertUntrusted
	}
	if err != nil {
		return nil, fmt.Errorf("shake hands with %s: %w", o.Host, err)
	}
	return secure, nil
}
