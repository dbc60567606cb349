// Package links is the connection layer in front of one service: it refuses, silences, resets or slows the app's connections while a fault asks for it.
//
// Shopify's toxiproxy moves the bytes and its toxics shape them. What is ours is the accept loop, the dialling and the moment at which toxics change:
//
//	app ──▶ door (accept, draw) ──▶ toxiproxy link up   ──▶ service
//	app ◀────────────────────────── toxiproxy link down ◀── service
//	              each link:  noop ─▶ blackout_switch ─▶ write
//	                                   │        ▲
//	                                   ▼        │
//	                        toxiproxy's toxics on inner stubs, swapped when the connection's rule changes
//
// A toxiproxy.Proxy is made for each door but never started. The door accepts, dials the service and hands both connections to ToxicCollection.StartLink, because:
//
//   - Proxy.Stop cuts open connections, while the outage that matters most refuses new ones and lets the old ones live (AWS us-east-1, 2025-10-20).
//   - A true RST needs SetLinger(0) on the app's connection at the moment of the reset. toxiproxy's reset_peer ends an open connection with FIN.
//   - A probe must be told from the app's connections: it uses up no draw and no count.
//   - toxiproxy adds to its byte counters when a connection ends, which for a kept connection is never.
//   - It dials in its accept loop without a bound: one service that swallows SYN stops the door for everybody.
//   - It closes both ways when one side has sent its last byte. Here Close of the destination is CloseWrite.
//
// On a link that carries traffic no toxic is ever added, updated or removed through toxiproxy: with a reader that stalls those calls never return, and a newcomer then
// blocks the whole collection (toxiproxy issue 558). The one toxic of ours, blackout_switch, is installed in both directions before the first connection and stays. It
// runs toxiproxy's own toxics behind it, and swaps them itself when the rule of its connection changes. Bytes under way are kept, in order, across a swap.
package links

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
	zerologger "github.com/rs/zerolog/log"

	"blackout/harness/fault"
)

// Config describes the service behind a link.
type Config struct {
	Service string
	// Regions is the service's placement; without any, connections belong to the region "".
	Regions []fault.Region
	Seed    uint64
	// DialTimeout bounds the dialling of the service, for each connection alone. Zero is 5 s.
	DialTimeout time.Duration
	// Probes is where probes are led in place of the service, host and port: a service that is not ours must not be asked for their sake. "": to the service.
	Probes string
	// Undialled is told why, when a connection of the app is reset for the first time because the service could not be dialled. It must not wait. Nil: nobody is.
	Undialled func(err error)
}

const defaultDialTimeout = 5 * time.Second

// ErrClosed is what a closed link answers.
var ErrClosed = errors.New("link is closed")

// Link is the connection layer of one service. It is safe for concurrent use, and none of its methods waits for traffic.
type Link struct {
	cfg    Config
	server *toxiproxy.ApiServer
	ctx    context.Context // ends with the link
	cancel context.CancelFunc
	wg     sync.WaitGroup

	opened, up, down, undialled atomic.Int64

	mu     sync.Mutex
	closed bool
	rules  []*rule // sorted by effect id
	doors  []*door
	conns  map[*conn]struct{}
	probes map[netip.AddrPort]probe // by the local address that a probe dials from
	serial uint64                   // names links within toxiproxy
}

var _ fault.Link = (*Link)(nil)

var prepareToxiproxy sync.Once

// New makes a link without a door.
func New(cfg Config) (*Link, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("link %q: %w", cfg.Service, err)
	}
	if cfg.DialTimeout == 0 {
		cfg.DialTimeout = defaultDialTimeout
	}
	prepareToxiproxy.Do(func() {
		toxics.Register(switchType, new(switchToxic))
		// toxiproxy's bandwidth toxic writes to zerolog's global logger, that is to stderr, whenever it is interrupted.
		zerologger.Logger = zerolog.Nop()
	})
	ctx, cancel := context.WithCancel(context.Background())
	return &Link{
		cfg:    cfg,
		server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()),
		ctx:    ctx,
		cancel: cancel,
		conns:  map[*conn]struct{}{},
		probes: map[netip.AddrPort]probe{},
	}, nil
}

func (c Config) check() error {
	if c.Service == "" {
		return errors.New("service has no name")
	}
	if c.DialTimeout < 0 {
		return fmt.Errorf("dial timeout %s is negative", c.DialTimeout)
	}
	if len(c.Regions) == 0 {
		return nil
	}
	sum, names := 0.0, map[string]bool{}
	for _, r := range c.Regions {
		if math.IsNaN(r.Share) || r.Share < 0 || r.Share > 1 {
			return fmt.Errorf("region %q: share %v is not between 0 and 1", r.Name, r.Share)
		}
		if names[r.Name] {
			return fmt.Errorf("region %q is there twice", r.Name)
		}
		names[r.Name] = true
		sum += r.Share
	}
	if math.Abs(sum-1) > 1e-6 {
		return fmt.Errorf("shares of the regions sum to %v, want 1", sum)
	}
	return nil
}

// Opened is the number of connections that the app has opened so far. Probes are not counted, nor what a closed listener refused.
func (l *Link) Opened() int64 { return l.opened.Load() }

// Bytes is what was delivered on the app's connections so far, in bytes: up to the service, down to the app.
func (l *Link) Bytes() (up, down int64) { return l.up.Load(), l.down.Load() }

// Undialled is the number of connections of the app that were reset because the service behind the link could not be dialled. Anything but 0 is a failure of ours, not of
// the app; see Config.Undialled.
func (l *Link) Undialled() int64 { return l.undialled.Load() }

// Close ends every door and connection at once, and returns when nothing of them is left. A second call does nothing.
func (l *Link) Close() error {
	var errs []error
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		for _, d := range l.doors {
			if err := d.close(); err != nil {
				errs = append(errs, fmt.Errorf("close link %s: %w", l.cfg.Service, err))
			}
		}
		for c := range l.conns {
			c.end(withReset)
		}
		l.cancel()
	}
	l.mu.Unlock()
	l.wg.Wait()
	return errors.Join(errs...)
}
