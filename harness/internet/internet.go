// Package internet is everything between the app and the nodes: a resolver for the host names of the services, for each service a gateway, and in front of it a link
// where the plan has a connection fault for that service. Baseline and outage share the path, since links stand from the start.
//
//	app ──▶ resolver
//	 └──▶ [ link ] ──▶ gateway ──▶ node; or files, canned replies, a program of this machine
//
// A service is reached in two ways. By an address that the app was given (Variables .url and .ws) it is always there: faults of the layer names do not touch that
// way. By name (.named_url and .named_ws) it is where the resolver says: at an address of its own, so that what a name answers means one service.
package internet

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"blackout/harness/canned"
	"blackout/harness/clock"
	"blackout/harness/content"
	"blackout/harness/fault"
	"blackout/harness/history"
	"blackout/harness/internet/certs"
	"blackout/harness/internet/gateways"
	"blackout/harness/internet/links"
	"blackout/harness/internet/names"
	"blackout/harness/plan"
)

// linkDialTimeout is how long a link tries to reach its own gateway, which listens on the same machine.
const linkDialTimeout = 2 * time.Second

// Config is what the internet of one run is made of. All fields are needed unless said otherwise.
type Config struct {
	Services []plan.Service
	Seed     uint64
	// Secret is made anew for each run. The services' keys and the token of probes are hashed from it.
	Secret string
	// Node gives a node by its name in the plan.
	Node  func(name string) (gateways.Backend, error)
	Carry gateways.Carry
	Judge gateways.Judge
	// Files are what the services of kind storage hold; needed where the plan has one.
	Files []content.File
	// Sites are what the services of kind http have to say, by service; needed for each of them.
	Sites map[string]*canned.Site
	// Upstreams are paths of sockets that lead to the upstreams of services of kind tcp, by service; those that are not there are reached as the plan says.
	Upstreams map[string]string
	Sink      history.Sink
	Clock     clock.Clock
	// App gives the instances of the app to the faults; nil: there are none.
	App func() (fault.App, error)
	// Listen is where listeners are opened, "127.0.0.1:0" when empty. The resolver listens at Resolver, which is Listen when empty.
	Listen, Resolver string
	// Addresses is where the services get an address for each of their host names, in turn from the second on. With the zero Prefix all of them are at Listen's: names
	// then tell services apart by port alone, and no service can move to another address.
	Addresses netip.Prefix
	// Neighbours are containers beside the app's, which the resolver finds by asking a container engine.
	Neighbours names.Neighbours
	// Authority makes each host name stand at its address as in production: port 80, and port 443 with TLS, under certificates of this authority; and an app may bring keys
	// of its own. It needs Addresses whose ports 80 and 443 are free. Nil: names stand at ports of the machine's choice, without TLS.
	Authority *certs.Authority
	// Foreign gets each key that the app brings, before it is used. Needed with an Authority.
	Foreign func(key string)
	// Chain gives the conductor of a chain to the faults.
	Chain func(name string) (fault.Chain, error)
}

// Internet is the services of one run. It is safe for concurrent use, and satisfies fault.Surface.
type Internet struct {
	cfg      Config
	token    string
	services map[string]*service
	names    *names.Server // nil until all services are open

	mu     sync.Mutex       // guards what follows, and where the services are found by name
	marked map[string]int64 // requests by service when the baseline began
	given  netip.Addr       // the last address that a service got
}

// service is one service of the plan as it is served.
type service struct {
	plan    plan.Service
	key     string
	gateway *gateways.Gateway
	link    *links.Link       // nil unless the plan wants one
	doors   map[string]string // chain → where the gateway listens
	fronts  map[string]string // chain → where the app goes: the link, or the gateway
	front   *certs.Front      // nil without an authority, and of kind tcp, whose program has its own way with TLS
	secure  map[string]string // chain → where the gateway speaks TLS behind the link; empty without either
	named   []*named          // where it is found by name, in the order of the plan's hosts
}

// Open starts all services. It returns an Internet even on error, so that it can be closed.
func Open(ctx context.Context, cfg Config) (*Internet, error) {
	i := &Internet{cfg: cfg, services: map[string]*service{}}
	if cfg.Secret == "" || cfg.Node == nil || cfg.Chain == nil {
		return i, errors.New("open the internet: a secret, nodes and chains are needed")
	}
	if i.cfg.Listen == "" {
		i.cfg.Listen = "127.0.0.1:0"
	}
	if i.cfg.Resolver == "" {
		i.cfg.Resolver = i.cfg.Listen
	}
	i.token = i.hash("probe", "")
	for _, p := range cfg.Services {
		if err := i.open(ctx, p); err != nil {
			return i, fmt.Errorf("open service %s: %w", p.Name, err)
		}
	}
	return i, i.openNames(ctx)
}

// hash makes 32 hexadecimal characters that nobody outside the run can know.
func (i *Internet) hash(what, of string) string {
	sum := sha256.Sum256([]byte(what + "\x00" + of + "\x00" + strconv.FormatUint(i.cfg.Seed, 10) + "\x00" + i.cfg.Secret))
	return hex.EncodeToString(sum[:16])
}

func (i *Internet) open(ctx context.Context, p plan.Service) error {
	if _, ok := i.services[p.Name]; ok {
		return errors.New("it is in the plan twice")
	}
	s := &service{plan: p, key: i.hash("key", p.Name), doors: map[string]string{}, fronts: map[string]string{}, secure: map[string]string{}}
	regions := make([]fault.Region, len(p.Placement))
	for n, r := range p.Placement {
		regions[n] = fault.Region{Name: r.Region, Share: r.Share}
	}
	var err error
	s.gateway, err = gateways.New(gateways.Config{
		Service: p.Name, Kind: p.Kind, Dialect: p.Dialect, Key: s.key, Foreign: i.foreign(), Regions: regions, Latency: p.Latency.Duration(),
		Headroom: p.Headroom, Rate: p.Rate, Seed: i.cfg.Seed, Backend: i.backends(p), Carry: i.cfg.Carry, Judge: i.cfg.Judge, Files: i.cfg.Files,
		Site: i.cfg.Sites[p.Name], Upstream: cmp.Or(i.cfg.Upstreams[p.Name], p.Upstream),
		Sink: i.cfg.Sink, Clock: i.cfg.Clock, ProbeToken: i.token,
	})
	if err != nil {
		return err
	}
	i.services[p.Name] = s
	if p.Link {
		probes, err := i.probesOf(ctx, s)
		if err != nil {
			return err
		}
		s.link, err = links.New(links.Config{
			Service: p.Name, Regions: regions, Seed: i.cfg.Seed, DialTimeout: linkDialTimeout, Probes: probes, Undialled: i.undialled(p.Name),
		})
		if err != nil {
			return err
		}
	}
	if i.cfg.Authority != nil && p.Kind != fault.KindTCP {
		s.front = certs.NewFront(certs.FrontConfig{Service: p.Name, Regions: regions, Seed: i.cfg.Seed, Authority: i.cfg.Authority, ProbeToken: i.token})
	}
	for _, h := range p.Hosts {
		if _, ok := s.doors[h.Chain]; ok {
			if err := i.openNamed(ctx, s, h); err != nil {
				return err
			}
			continue // several host names of one chain share a front door
		}
		if s.doors[h.Chain], err = s.gateway.Open(ctx, h.Chain, i.cfg.Listen); err != nil {
			return err
		}
		s.fronts[h.Chain] = s.doors[h.Chain]
		if s.link != nil {
			if s.fronts[h.Chain], err = s.link.Open(ctx, h.Chain, i.cfg.Listen, s.doors[h.Chain]); err != nil {
				return err
			}
		}
		if s.link != nil && s.front != nil {
			if s.secure[h.Chain], err = s.gateway.OpenTLS(ctx, h.Chain, i.cfg.Listen, s.front.TLS(h.Chain, h.Name)); err != nil {
				return err
			}
		}
		if err := i.openNamed(ctx, s, h); err != nil {
			return err
		}
	}
	return nil
}

// undialled records that the link of a service cannot reach its own gateway: what the app then feels is no fault of the plan.
func (i *Internet) undialled(service string) func(error) {
	return func(err error) {
		i.cfg.Sink.Add(history.Trouble{Text: fmt.Sprintf("%s: its own gateway does not take a connection of the app: %v", service, err), At: i.cfg.Clock.Now()})
	}
}

// probesOf is where probes of a service go that cannot go where the app's connections do: one of kind tcp, whose program has to be there already. "" for the others.
func (i *Internet) probesOf(ctx context.Context, s *service) (string, error) {
	if s.plan.Kind != fault.KindTCP {
		return "", nil
	}
	if err := s.gateway.Reachable(ctx); err != nil {
		return "", err
	}
	return s.gateway.OpenProbes(ctx, i.cfg.Listen)
}

// foreign is what a gateway does with a key of the app's own, nil where such keys are refused.
func (i *Internet) foreign() func(string) {
	if i.cfg.Authority == nil {
		return nil
	}
	return i.cfg.Foreign
}

// backends finds the node of a chain in a region by the plan.
func (i *Internet) backends(p plan.Service) func(chain, region string) (gateways.Backend, error) {
	type place struct{ chain, region string }
	names := make(map[place]string, len(p.Backends))
	for _, b := range p.Backends {
		names[place{b.Chain, b.Region}] = b.Node
	}
	return func(chain, region string) (gateways.Backend, error) {
		name, ok := names[place{chain, region}]
		if !ok {
			return nil, fmt.Errorf("the plan has no node of %s for %s in %s", p.Name, chain, region)
		}
		return i.cfg.Node(name)
	}
}

// URL gives the app's addresses of a service for a chain, key included.
func (i *Internet) URL(name, chain string) (httpURL, wsURL string, err error) {
	s, err := i.service(name)
	if err != nil {
		return "", "", err
	}
	addr, ok := s.fronts[chain]
	if !ok {
		return "", "", fmt.Errorf("service %s does not serve chain %q", name, chain)
	}
	return s.gateway.URL(addr), s.gateway.WSURL(addr), nil
}

// Variables are what an app file may name: service.NAME.CHAIN.url and .ws, .named_url and .named_ws, all of these without CHAIN for a service of one chain, and
// dns.address. A service that serves no chain has service.NAME.url and .named_url alone, and one of kind tcp .address and .named_address, host and port.
func (i *Internet) Variables() map[string]string {
	vars := map[string]string{}
	if i.names != nil {
		vars["dns.address"] = i.resolver()
	}
	for name, s := range i.services {
		for chain, addr := range s.fronts {
			if s.plan.Kind == fault.KindTCP {
				vars["service."+name+".address"], vars["service."+name+".named_address"] = addr, s.name(chain).withPort()
				continue
			}
			if chain == "" {
				vars["service."+name+".url"] = s.gateway.URL(addr)
				continue
			}
			vars["service."+name+"."+chain+".url"], vars["service."+name+"."+chain+".ws"] = s.gateway.URL(addr), s.gateway.WSURL(addr)
			if len(s.fronts) == 1 {
				vars["service."+name+".url"], vars["service."+name+".ws"] = s.gateway.URL(addr), s.gateway.WSURL(addr)
			}
		}
		for chain := range s.fronts {
			if s.plan.Kind == fault.KindTCP {
				continue
			}
			httpURL, wsURL := s.namedURLs(chain)
			if chain == "" {
				vars["service."+name+".named_url"] = httpURL
				continue
			}
			vars["service."+name+"."+chain+".named_url"], vars["service."+name+"."+chain+".named_ws"] = httpURL, wsURL
			if len(s.fronts) == 1 {
				vars["service."+name+".named_url"], vars["service."+name+".named_ws"] = httpURL, wsURL
			}
		}
	}
	return vars
}

// resolver is where the app finds it: at Listen's address, when it is at all that there are.
func (i *Internet) resolver() string {
	at, err := netip.ParseAddrPort(i.names.Address())
	if listen, failed := netip.ParseAddrPort(i.cfg.Listen); err == nil && failed == nil && at.Addr().IsUnspecified() {
		at = netip.AddrPortFrom(listen.Addr(), at.Port())
	}
	if err != nil {
		return i.names.Address()
	}
	return at.String()
}

// namedURLs are the addresses of a service for a chain by host name.
func (s *service) namedURLs(chain string) (httpURL, wsURL string) {
	to := s.name(chain).hostPort()
	if s.front != nil {
		return "https://" + to + s.gateway.Path(), "wss://" + to + s.gateway.WSPath()
	}
	return s.gateway.URL(to), s.gateway.WSURL(to)
}

// Keys are the run's secrets that live in addresses and headers: no artifact may show them.
func (i *Internet) Keys() []string {
	keys := make([]string, 0, len(i.services)+1)
	for _, s := range i.services {
		keys = append(keys, s.key)
	}
	slices.Sort(keys)
	if i.token != "" {
		keys = append(keys, i.token)
	}
	return keys
}

// Close ends all services: links first, so that no connection waits for a gateway that is gone. It may be called more than once.
func (i *Internet) Close(ctx context.Context) error {
	var errs []error
	if i.names != nil {
		errs = append(errs, i.names.Close(ctx))
	}
	i.mu.Lock()
	for _, s := range i.services {
		for _, n := range s.named {
			errs = append(errs, n.forget())
		}
	}
	i.mu.Unlock()
	for _, s := range i.services {
		if s.link != nil {
			if err := s.link.Close(); err != nil {
				errs = append(errs, fmt.Errorf("close the link of %s: %w", s.plan.Name, err))
			}
		}
	}
	for _, s := range i.services {
		if s.front != nil {
			s.front.Close()
		}
		errs = append(errs, s.gateway.Close(ctx))
	}
	return errors.Join(errs...)
}
