package links

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"blackout/harness/fault"
)

// aheadLimit bounds what is read from a connection that is silenced before the service was dialled, in bytes. What exceeds it waits in the kernel.
const aheadLimit = 64 << 10

// conn is one connection of the app, or of a probe, through a door:
//
//	admit ─▶ (silenced: park) ─▶ dial ─▶ join ─▶ both halves done ─▶ end
//	   └───────── refused, reset, link closed, dial failed ────────▶ end
type conn struct {
	link          *Link
	door          *door
	client        *net.TCPConn
	probe         *probe // nil for the app's own
	region, chain string
	n             uint64 // its number at the service; probes have none
	name          uint64
	rule          atomic.Pointer[rule] // what holds it now; nil when nothing does
	up, down      half
	unfinished    atomic.Int32 // halves that have not passed on the end of their stream
	parking       chan struct{}
	ctx           context.Context // done when it has ended
	cancel        context.CancelFunc

	born []string // effects that took it when it was opened; guarded by the link's mutex

	mu       sync.Mutex
	upstream *net.TCPConn // nil until dialled
	ended    bool
	touched  []string // effects that have counted it
	ahead    []byte   // read while parked, owned by serve
}

// half is one direction of a connection: what toxiproxy's link, our switch and the two ends of it share.
type half struct {
	conn  *conn
	wake  chan struct{} // capacity 1: the rule of the connection may have changed
	count *atomic.Int64 // bytes delivered; nil for a probe
	// broken says that the stream ended with an error, severed that a toxic cut it. Both are set before the end travels on to dest.Close.
	broken, severed atomic.Bool
}

// The ways to end a connection.
const (
	orderly   = false // FIN, after what was written
	withReset = true  // RST, at once
)

// admit takes over a connection. It draws in the order of acceptance, under one lock with the rules: a connection is either before a Put or after it.
func (l *Link) admit(d *door, accepted net.Conn, p *probe) {
	client, ok := accepted.(*net.TCPConn)
	if !ok {
		_ = accepted.Close()
		return
	}
	c := &conn{link: l, door: d, client: client, probe: p, chain: d.chain, parking: make(chan struct{}, 1)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.unfinished.Store(2)
	for _, h := range []*half{&c.up, &c.down} {
		h.conn, h.wake = c, make(chan struct{}, 1)
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		c.end(withReset)
		return
	}
	if from, err := addrPort(client.RemoteAddr()); err == nil && c.probe == nil {
		if mark, ok := l.probes[from]; ok {
			delete(l.probes, from)
			c.probe = &mark
		}
	}
	l.serial++
	c.name = l.serial
	if c.probe != nil {
		c.region = c.probe.region
		if c.chain == "" {
			c.chain = c.probe.chain
		}
	} else {
		c.n = uint64(l.opened.Load())
		l.opened.Add(1)
		c.region = fault.Place(l.cfg.Seed, l.cfg.Service, l.cfg.Regions, c.n)
		c.up.count, c.down.count = &l.up, &l.down
	}
	c.born = l.takers(c)
	l.conns[c] = struct{}{}
	c.take(l.deciding(c))
	l.wg.Add(1)
	go c.serve()
}

// take puts the connection under a rule, or frees it with nil. The link's mutex is held.
func (c *conn) take(r *rule) {
	if r == c.rule.Load() {
		return
	}
	if r != nil {
		// A connection from before the fault is reset at once, a new one once the app has sent something, which the switch sees.
		if r.mode == fault.ConnRefuse || r.mode == fault.ConnReset && !slices.Contains(c.born, r.id) {
			c.touch(r)
			c.end(withReset)
			return
		}
		if r.mode != fault.ConnReset {
			c.touch(r)
		}
	}
	c.rule.Store(r)
	for _, ch := range []chan struct{}{c.up.wake, c.down.wake, c.parking} {
		select {
		case ch <- struct{}{}:
		default: // it is awake, or will be
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.upstream == nil && !c.ended {
		_ = c.client.SetReadDeadline(time.Unix(1, 0)) // wakes park
	}
}

// touch counts the connection for an effect, once.
func (c *conn) touch(r *rule) {
	if c.probe != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended && !slices.Contains(c.touched, r.id) {
		c.touched = append(c.touched, r.id)
		r.grip.Touch(fault.LayerConnection)
	}
}

// end closes both sides, once.
func (c *conn) end(reset bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.ended = true
	for _, side := range []*net.TCPConn{c.client, c.upstream} {
		if side == nil {
			continue
		}
		// Errors here say that the peer was faster.
		if reset {
			_ = side.SetLinger(0)
		}
		_ = side.Close()
	}
	c.cancel()
}

// serve finds the service for a connection, starts the flow, and forgets the connection when it has ended.
func (c *conn) serve() {
	defer c.link.wg.Done()
	if upstream := c.connect(); upstream != nil {
		c.door.join(c, upstream)
	}
	<-c.ctx.Done()
	c.link.mu.Lock()
	delete(c.link.conns, c)
	c.link.mu.Unlock()
}

// connect dials the service; nil means that the connection has ended. A silenced connection is not dialled, so the service knows nothing of it until it is freed.
func (c *conn) connect() *net.TCPConn {
	for c.park() {
		dialer, to := net.Dialer{Timeout: c.link.cfg.DialTimeout}, c.door.upstream
		if c.probe != nil && c.link.cfg.Probes != "" {
			to = c.link.cfg.Probes
		}
		up, err := dialer.DialContext(c.ctx, "tcp", to)
		if err == nil {
			return c.adopt(up)
		}
		if c.ctx.Err() == nil && !c.rule.Load().silences() {
			if c.probe == nil && c.link.undialled.Add(1) == 1 && c.link.cfg.Undialled != nil {
				c.link.cfg.Undialled(err)
			}
			c.end(withReset)
		}
	}
	return nil
}

// adopt makes a dialled connection part of c, so that end closes it too.
func (c *conn) adopt(dialled net.Conn) *net.TCPConn {
	c.mu.Lock()
	defer c.mu.Unlock()
	up, ok := dialled.(*net.TCPConn)
	if c.ended || !ok {
		_ = dialled.Close()
		return nil
	}
	_ = c.client.SetReadDeadline(time.Time{})
	c.upstream = up
	return up
}

// park holds a silenced connection that has no upstream yet, and reports whether it is still there when it is freed. It reads ahead only to learn that the app has
// given up: such a connection sends nothing later, as one whose SYN was never answered, but stays open to the end so that silence is all that the app sees.
func (c *conn) park() bool {
	gone := false
	var chunk []byte
	for c.ctx.Err() == nil {
		if err := c.listenWhileSilenced(); err != nil {
			if gone {
				c.end(orderly)
			}
			return !gone && !errors.Is(err, net.ErrClosed)
		}
		if gone || len(c.ahead) >= aheadLimit {
			select {
			case <-c.parking:
			case <-c.ctx.Done():
			}
			continue
		}
		if chunk == nil {
			chunk = make([]byte, 4<<10)
		}
		n, err := c.client.Read(chunk)
		c.ahead = append(c.ahead, chunk[:n]...)
		switch {
		case err == nil, errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, io.EOF):
			gone = true
		default:
			c.end(orderly)
		}
	}
	return false
}

var errFreed = errors.New("no longer silenced")

// listenWhileSilenced lets the next Read wait, unless the connection has ended (net.ErrClosed) or is no longer silenced (errFreed). It shares a lock with take, so
// that no wake-up is lost.
func (c *conn) listenWhileSilenced() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended:
		return net.ErrClosed
	case !c.rule.Load().silences():
		return errFreed
	}
	return c.client.SetReadDeadline(time.Time{})
}

// source is what toxiproxy's link reads. It reads once into an error, which ends the link's reader.
type source struct {
	half *half
	conn *net.TCPConn
}

func (s *source) Read(p []byte) (int, error) {
	c := s.half.conn
	if s.half == &c.up && len(c.ahead) > 0 {
		n := copy(p, c.ahead)
		if c.ahead = c.ahead[n:]; len(c.ahead) == 0 {
			c.ahead = nil
		}
		return n, nil
	}
	n, err := s.conn.Read(p)
	if err != nil {
		if !errors.Is(err, io.EOF) {
			s.half.broken.Store(true)
		}
		c.link.wg.Done()
	}
	return n, err
}

// dest is what toxiproxy's link writes and, in the end, closes.
type dest struct {
	half *half
	conn *net.TCPConn
}

func (d *dest) Write(p []byte) (int, error) {
	n, err := d.conn.Write(p)
	if d.half.count != nil {
		d.half.count.Add(int64(n))
	}
	if err != nil { // the receiver is gone: the sender shall know, as it would without us
		d.half.conn.end(withReset)
	}
	return n, err
}

// Close passes on the end of a stream, and only of this direction.
func (d *dest) Close() error {
	c := d.half.conn
	defer c.link.wg.Done()
	switch {
	case d.half.severed.Load():
		c.end(orderly)
	case d.half.broken.Load():
		c.end(withReset)
	default:
		err := d.conn.CloseWrite()
		if c.unfinished.Add(-1) == 0 {
			c.end(orderly)
		}
		return err
	}
	return nil
}
