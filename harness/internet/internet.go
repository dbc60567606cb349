// Package internet is everything between the app and the nodes: for each service a gateway, and in front of it a link where the plan has a connection fault for
// that service. Baseline and outage share the path, since links stand from the start.
//
//	app ──▶ [ link ] ──▶ gateway ──▶ node
package internet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
	"blackout/harness/internet/gateways"
	"blackout/harness/internet/links"
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
	Sink  history.Sink
	Clock clock.Clock
	// Listen is where listeners are opened, "127.0.0.1:0" when empty.
	Listen string
	// Chain gives the conductor of a chain to the faults.
	Chain func(name string) (fault.Chain, error)
}

// Internet is the services of one run. It is safe for concurrent use, and satisfies fault.Surface.
type Internet struct {
	cfg      Config
	token    string
	services map[string]*service

	mu     sync.Mutex       // guards marked
	marked map[string]int64 // requests by service when the baseline began
}

// service is one service of the plan as it is served.
type service struct {
	plan    plan.Service
	key     string
	gateway *gateways.Gateway
	link    *links.Link       // nil unless the plan wants one
	doors   map[string]string // chain → where the gateway listens
	fronts  map[string]string // chain → where the app goes: the link, or the gateway
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
	i.token = i.hash("probe", "")
	for _, p := range cfg.Services {
		if err := i.open(ctx, p); err != nil {
			return i, fmt.Errorf("open service %s: %w", p.Name, err)
		}
	}
	return i, nil
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
	s := &service{plan: p, key: i.hash("key", p.Name), doors: map[string]string{}, fronts: map[string]string{}}
	regions := make([]gateways.Region, len(p.Placement))
	for n, r := range p.Placement {
		regions[n] = gateways.Region{Name: r.Region, Share: r.Share}
	}
	var err error
	s.gateway, err = gateways.New(gateways.Config{
		Service: p.Name, Kind: p.Kind, Dialect: p.Dialect, Key: s.key, Regions: regions, Latency: p.Latency.Duration(),
		Headroom: p.Headroom, Rate: p.Rate, Seed: i.cfg.Seed, Backend: i.backends(p), Carry: i.cfg.Carry, Judge: i.cfg.Judge,
		Sink: i.cfg.Sink, Clock: i.cfg.Clock, ProbeToken: i.token,
	})
	if err != nil {
		return err
	}
	i.services[p.Name] = s
	if p.Link {
		shares := make([]links.Region, len(p.Placement))
		for n, r := range p.Placement {
			shares[n] = links.Region{Name: r.Region, Share: r.Share}
		}
		s.link, err = links.New(links.Config{Service: p.Name, Regions: shares, Seed: i.cfg.Seed, DialTimeout: linkDialTimeout})
		if err != nil {
			return err
		}
	}
	for _, h := range p.Hosts {
		if _, ok := s.doors[h.Chain]; ok {
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
	}
	return nil
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

// Variables are what an app file may name: service.NAME.CHAIN.url and .ws, and service.NAME.url and .ws for a service of one chain.
func (i *Internet) Variables() map[string]string {
	vars := map[string]string{}
	for name, s := range i.services {
		for chain, addr := range s.fronts {
			vars["service."+name+"."+chain+".url"], vars["service."+name+"."+chain+".ws"] = s.gateway.URL(addr), s.gateway.WSURL(addr)
			if len(s.fronts) == 1 {
				vars["service."+name+".url"], vars["service."+name+".ws"] = s.gateway.URL(addr), s.gateway.WSURL(addr)
			}
		}
	}
	return vars
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
	for _, s := range i.services {
		if s.link != nil {
			if err := s.link.Close(); err != nil {
				errs = append(errs, fmt.Errorf("close the link of %s: %w", s.plan.Name, err))
			}
		}
	}
	for _, s := range i.services {
		errs = append(errs, s.gateway.Close(ctx))
	}
	return errors.Join(errs...)
}
