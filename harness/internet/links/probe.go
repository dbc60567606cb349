package links

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"blackout/harness/ports"
)

// probe marks a connection as one of ours.
type probe struct{ effect, region, chain string }

// probeConn forgets the mark when it is closed, in case that no door has ever accepted the connection.
type probeConn struct {
	*net.TCPConn
	forget func()
}

func (p *probeConn) Close() error {
	p.forget()
	return p.TCPConn.Close()
}

// Dial opens a probe's connection on the app's own path, as if it were drawn by one effect and led to one region. Only that effect is considered: it acts when its
// grip covers the region and chain and its share is above 0. No count and no draw of the app is used up. An effect without a rule, or "", passes clean.
//
// A probe is told by its local port, which is bound and registered before it dials. While other effects keep the door closed the probe enters by a private one.
func (l *Link) Dial(ctx context.Context, chain, effect, region string) (net.Conn, error) {
	mark := probe{effect: effect, region: region, chain: chain}
	return l.dial(ctx, mark, func() (*door, error) { return l.doorFor(chain) })
}

// DialAt is Dial at the address of one door, as a probe does that was led there by a name. Where no door is, or one that was shut for good, the machine answers.
func (l *Link) DialAt(ctx context.Context, address, effect, region string) (net.Conn, error) {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("link %s: probe of effect %q: %w", l.cfg.Service, effect, err)
	}
	l.mu.Lock()
	d := l.doorAt(at)
	l.mu.Unlock()
	if d == nil {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	return l.dial(ctx, probe{effect: effect, region: region, chain: d.chain}, func() (*door, error) { return d, nil })
}

// dial makes the connection of a probe at the door that is found under the mutex.
func (l *Link) dial(ctx context.Context, mark probe, find func() (*door, error)) (net.Conn, error) {
	conn, err := l.dialDoor(ctx, mark, find)
	if err != nil {
		return nil, fmt.Errorf("link %s: probe of effect %q: %w", l.cfg.Service, mark.effect, err)
	}
	return conn, nil
}

func (l *Link) dialDoor(ctx context.Context, mark probe, find func() (*door, error)) (net.Conn, error) {
	l.mu.Lock()
	d, err := find()
	if err != nil {
		l.mu.Unlock()
		return nil, err
	}
	own := false // the probe's effect takes part in keeping the door closed
	for _, r := range d.refusing {
		own = own || r.id == mark.effect && r.grip.Covers(mark.region, mark.chain)
	}
	addr, private, broken := reachable(d.addr), len(d.refusing) > 0 && !own, d.err
	l.mu.Unlock()
	switch {
	case broken != nil:
		return nil, broken
	case private:
		return l.dialPrivate(ctx, d, addr.Addr(), mark)
	}
	return l.dialMarked(ctx, addr, mark)
}

// doorFor finds the door of a chain, or the one that serves every chain. The mutex is held.
func (l *Link) doorFor(chain string) (*door, error) {
	if l.closed {
		return nil, ErrClosed
	}
	for _, serves := range []string{chain, ""} {
		for _, d := range l.doors {
			if d.chain == serves && !d.shut {
				return d, nil
			}
		}
	}
	return nil, fmt.Errorf("no door for chain %q", chain)
}

// doorAt finds the open or closed, but not shut, door at an address. The mutex is held.
func (l *Link) doorAt(at netip.AddrPort) *door {
	for _, d := range l.doors {
		if d.addr == at && !d.shut {
			return d
		}
	}
	return nil
}

// reachable is where a listener on any address is reached on this machine.
func reachable(a netip.AddrPort) netip.AddrPort {
	switch {
	case !a.Addr().IsUnspecified():
		return a
	case a.Addr().Is4():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
	default:
		return netip.AddrPortFrom(netip.IPv6Loopback(), a.Port())
	}
}

// dialMarked dials from a port of the same address that it registers before the connection exists.
func (l *Link) dialMarked(ctx context.Context, addr netip.AddrPort, mark probe) (net.Conn, error) {
	var bound []netip.AddrPort // Dial may make more than one socket
	forget := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, a := range bound {
			delete(l.probes, a)
		}
	}
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var bindErr error
		err := raw.Control(func(fd uintptr) {
			var local netip.AddrPort
			if local, bindErr = ports.Bind(int(fd), addr.Addr()); bindErr != nil {
				return
			}
			bound = append(bound, local)
			l.mu.Lock()
			l.probes[local] = mark
			l.mu.Unlock()
		})
		return errors.Join(err, bindErr)
	}}
	conn, err := dialer.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		forget()
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		forget()
		return nil, errors.Join(fmt.Errorf("dialled a %T", conn), conn.Close())
	}
	return &probeConn{TCPConn: tcp, forget: forget}, nil
}

// dialPrivate opens a listener for this probe alone.
func (l *Link) dialPrivate(ctx context.Context, d *door, ip netip.Addr, mark probe) (net.Conn, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", netip.AddrPortFrom(ip, 0).String())
	if err != nil {
		return nil, err
	}
	defer func() { _ = ln.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stop()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", ln.Addr().String())
	if err != nil {
		return nil, err
	}
	for {
		accepted, err := ln.Accept()
		if err != nil {
			return nil, errors.Join(err, ctx.Err(), conn.Close())
		}
		if accepted.RemoteAddr().String() == conn.LocalAddr().String() {
			l.admit(d, accepted, &mark)
			return conn, nil
		}
		_ = accepted.Close() // a stranger
	}
}
