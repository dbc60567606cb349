// Package strays takes what the app of a private network sends to addresses that no service has, so that it is told instead of lost: an RPC server whose address is
// compiled in, a database, the metadata service of a cloud.
//
//	connection ─▶ what address was meant ─▶ what host was meant, by its first bytes ─▶ reset
//	datagram   ─▶ what address was meant, where the kernel knows ─▶ nothing
//
// A connection is taken, listened to for a moment and reset, since nothing can be learned of one that is refused. What an unreachable host does is one of three things:
// it refuses, it stays silent, or a router says that there is no way. An incomplete world should not be mistaken for a slow one: so a connection ends with an error, at once when
// the app has said whom it means, and after Patience when it says nothing. An app that counts a connection as a success as soon as it stands is told too much here.
// Datagrams go unanswered, as those to an unreachable host mostly do. There is no way out by IPv6 at all, so what is sent there is not seen.
//
// Nothing that happens here may end the run, nor hold it up: what cannot be taken is left out, and what cannot be told apart is counted.
package strays

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/ports"
)

// The bounds of what is kept.
const (
	// Patience is how long a connection may take to say whom it means. A client of TLS or HTTP speaks first, and at once.
	Patience = time.Second
	// mostDestinations are told one by one; what goes elsewhere is counted in one record without an address.
	mostDestinations = 256
	// mostListening connections are listened to at a time; more are counted and reset at once.
	mostListening = 64
	// mostSenders of datagrams wait to be looked up at a time; more are counted without an address.
	mostSenders = 1024
	// every is how often records are written: one for each destination in use, however busy it is.
	every = time.Second
)

// Config is the one door that strays are led to. Sink and Clock are needed.
type Config struct {
	// Listen is where strays arrive, over TCP and UDP: "127.0.0.1:9".
	Listen string
	// Meant is where a connection was to go, and Senders where datagrams were: by the address that sent them. Without one, or when it fails, what arrives is counted.
	Meant   func(*net.TCPConn) (netip.AddrPort, error)
	Senders func() (map[netip.AddrPort]netip.AddrPort, error)
	Sink    history.Sink
	Clock   clock.Clock
}

// Door takes strays. It is safe for concurrent use.
type Door struct {
	cfg     Config
	stream  *net.TCPListener
	packets *net.UDPConn
	stop    context.CancelFunc
	work    sync.WaitGroup
	places  chan struct{} // one for each connection that may be listened to

	mu      sync.Mutex // guards what follows
	waiting map[destination]*history.Stray
	known   map[destination]bool
	senders map[netip.AddrPort]*history.Stray // of datagrams that are not looked up yet
}

// destination is what is told apart. Its address is not valid where that could not be learned.
type destination struct {
	kind    string
	address netip.AddrPort
	host    string
}

// Open listens, and takes what comes until Close.
func Open(ctx context.Context, cfg Config) (*Door, error) {
	if cfg.Sink == nil {
		return nil, errors.New("a door for strays needs a sink")
	}
	var lc net.ListenConfig
	stream, err := lc.Listen(ctx, "tcp4", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for strays: %w", err)
	}
	packets, err := lc.ListenPacket(ctx, "udp4", stream.Addr().String())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen for strays: %w", err), stream.Close())
	}
	d := &Door{
		cfg: cfg, stream: stream.(*net.TCPListener), packets: packets.(*net.UDPConn), places: make(chan struct{}, mostListening),
		waiting: map[destination]*history.Stray{}, known: map[destination]bool{}, senders: map[netip.AddrPort]*history.Stray{},
	}
	ctx, d.stop = context.WithCancel(context.WithoutCancel(ctx))
	d.work.Go(func() { d.accept(ctx) })
	d.work.Go(func() { d.receive(ctx) })
	d.work.Go(func() {
		for clock.Sleep(ctx, every) == nil {
			d.write()
		}
	})
	return d, nil
}

// Address is where the door is, over TCP and UDP.
func (d *Door) Address() string { return d.stream.Addr().String() }

// Close resets what is still there and writes what was not written yet. It may be called more than once.
func (d *Door) Close() error {
	d.stop()
	err := errors.Join(ignoreClosed(d.stream.Close()), ignoreClosed(d.packets.Close()))
	d.work.Wait()
	d.write()
	return err
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// accept takes connections.
func (d *Door) accept(ctx context.Context) {
	ports.Accept(ctx, d.stream.AcceptTCP, func(conn *net.TCPConn) {
		at := d.cfg.Clock.Now()
		select {
		case d.places <- struct{}{}:
			d.work.Go(func() {
				defer func() { <-d.places }()
				d.take(ctx, conn, at, true)
			})
		default:
			d.take(ctx, conn, at, false)
		}
	})
}

// take records one connection and resets it.
func (d *Door) take(ctx context.Context, conn *net.TCPConn, at clock.Micros, listen bool) {
	defer func() { _ = conn.Close() }() // a reset has no one left to tell
	_ = conn.SetLinger(0)               // what closes now is reset; without it the peer is told an orderly end
	to := destination{kind: history.StrayTCP}
	if d.cfg.Meant != nil {
		if meant, err := d.cfg.Meant(conn); err == nil {
			to.address = meant
		}
	}
	if listen {
		_ = conn.SetReadDeadline(d.cfg.Clock.Time(at + clock.Of(Patience)))
		end := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(d.cfg.Clock.Time(at)) })
		to.host = hostMeant(conn)
		end()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count(to, at, 1)
}

// receive takes datagrams. Where they were to go is looked up later, for all senders at once.
func (d *Door) receive(ctx context.Context) {
	var nothing [1]byte // the rest of a datagram is dropped
	for {
		_, from, err := d.packets.ReadFromUDPAddrPort(nothing[:])
		if err != nil && (errors.Is(err, net.ErrClosed) || clock.Sleep(ctx, 10*time.Millisecond) != nil) {
			return
		}
		if err != nil {
			continue
		}
		d.mu.Lock()
		at := d.cfg.Clock.Now()
		switch s := d.senders[from]; {
		case s != nil:
			s.Count++
		case len(d.senders) < mostSenders:
			d.senders[from] = &history.Stray{At: at, Count: 1}
		default:
			d.count(destination{kind: history.StrayUDP}, at, 1)
		}
		d.mu.Unlock()
	}
}

// count adds to what is written next. The mutex is held.
func (d *Door) count(to destination, at clock.Micros, n int64) {
	if !d.known[to] {
		if len(d.known) >= mostDestinations {
			to = destination{kind: to.kind}
		}
		d.known[to] = true
	}
	s := d.waiting[to]
	if s == nil {
		s = &history.Stray{Kind: to.kind, Host: to.host, At: at}
		if to.address.IsValid() {
			s.Address, s.Port = to.address.Addr().String(), int(to.address.Port())
		}
		d.waiting[to] = s
	}
	s.At = min(s.At, at)
	s.Count += n
}

// write records what came since the last time.
func (d *Door) write() {
	d.mu.Lock()
	senders := d.senders
	d.senders = map[netip.AddrPort]*history.Stray{}
	d.mu.Unlock()
	meant := map[netip.AddrPort]netip.AddrPort{}
	if len(senders) > 0 && d.cfg.Senders != nil {
		if found, err := d.cfg.Senders(); err == nil {
			meant = found
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for from, s := range senders {
		d.count(destination{kind: history.StrayUDP, address: meant[from]}, s.At, s.Count)
	}
	for to, s := range d.waiting {
		d.cfg.Sink.Add(*s)
		delete(d.waiting, to)
	}
}
