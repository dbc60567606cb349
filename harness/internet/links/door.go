package links

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"

	"blackout/harness/clock"
	"blackout/harness/ports"
)

// retryEvery is the pause after a failed attempt to open a door again.
const retryEvery = 10 * time.Millisecond

// door is one listener in front of one upstream, for one chain.
type door struct {
	link     *Link
	chain    string
	upstream string
	proxy    *toxiproxy.Proxy // never started: it owns the toxics and moves the bytes

	// starting orders StartLink calls: the switch hands the half that stands in next to the link that is being made.
	starting sync.Mutex
	up, down *switchToxic

	// The link's mutex guards the rest.
	addr     netip.AddrPort // fixed once it listened
	ln       net.Listener   // nil while closed
	refusing []*rule        // why it is closed
	reserve  io.Closer      // keeps the port while closed, nil otherwise
	err      error          // why it could not be opened again, nil otherwise
	shut     bool           // for good: rules no longer open it
}

// Open makes a door: a listener for one chain ("" for a service without chains) in front of upstream, a host and port. Doors of a link share its rules and counters.
// It gives the address that it listens on, which stays the same while the door is closed and opened by rules.
func (l *Link) Open(ctx context.Context, chain, listen, upstream string) (string, error) {
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("link %s: open door on %s: %w", l.cfg.Service, listen, err)
	}
	if _, _, err := net.SplitHostPort(upstream); err != nil {
		return fail(fmt.Errorf("upstream: %w", err))
	}
	d := &door{link: l, chain: chain, upstream: upstream}
	d.proxy = toxiproxy.NewProxy(l.server, l.cfg.Service+"/"+chain, listen, upstream)
	var err error
	if d.up, err = d.install(stream.Upstream); err != nil {
		return fail(err)
	}
	if d.down, err = d.install(stream.Downstream); err != nil {
		return fail(err)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", listen)
	if err != nil {
		return fail(err)
	}
	addr, err := addrPort(ln.Addr())
	if err != nil {
		return fail(errors.Join(err, ln.Close()))
	}
	d.addr = addr

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fail(errors.Join(ErrClosed, ln.Close()))
	}
	l.doors = append(l.doors, d)
	d.serve(ln)
	d.follow()
	return addr.String(), nil
}

// install puts the switch into one direction of the proxy, before any connection is there.
func (d *door) install(dir stream.Direction) (*switchToxic, error) {
	body := fmt.Sprintf(`{"name":%q,"type":%q,"stream":%q,"toxicity":1,"attributes":{}}`, switchType+"_"+dir.String(), switchType, dir)
	w, err := d.proxy.Toxics.AddToxicJson(strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("install %s: %w", switchType, err)
	}
	t, ok := w.Toxic.(*switchToxic)
	if !ok {
		return nil, fmt.Errorf("install %s: toxiproxy made a %T", switchType, w.Toxic)
	}
	return t, nil
}

// serve starts the accept loop. The link's mutex is held.
func (d *door) serve(ln net.Listener) {
	d.ln = ln
	d.link.wg.Add(1)
	go d.accept(ln)
}

// accept never dials: a service that swallows SYN must not keep the next caller waiting.
func (d *door) accept(ln net.Listener) {
	defer d.link.wg.Done()
	ports.Accept(d.link.ctx, ln.Accept, func(client net.Conn) { d.link.admit(d, client, nil) })
}

// follow closes the door if the rules refuse everybody, and opens it if they no longer do. The link's mutex is held.
func (d *door) follow() {
	if d.shut {
		return
	}
	d.refusing = d.link.refusing(d)
	for _, r := range d.refusing {
		r.grip.MarkUnseen()
	}
	switch shut := len(d.refusing) > 0; {
	case shut && d.ln != nil:
		_ = d.ln.Close() // it can only say that it was closed before
		d.ln = nil
		// Without a reserved port the door still tries to open again; reserving only makes sure that nobody took the port.
		if r, err := ports.Reserve(d.addr); err == nil {
			d.reserve = r
		}
	case shut:
		d.err = nil
	case d.ln == nil && d.err == nil:
		if d.reopen(); d.err != nil {
			d.link.wg.Add(1)
			go d.retry()
		}
	}
}

// reopen listens on the same address as before. The link's mutex is held.
func (d *door) reopen() {
	ln, err := net.Listen("tcp", d.addr.String())
	if err != nil && d.reserve != nil { // BSD lets nobody listen beside a bound socket
		d.release()
		ln, err = net.Listen("tcp", d.addr.String())
	}
	d.release()
	if err != nil {
		d.err = fmt.Errorf("open door on %s again: %w (another program took the port while the fault kept it closed; trying on)", d.addr, err)
		return
	}
	d.err = nil
	d.serve(ln)
}

func (d *door) retry() {
	defer d.link.wg.Done()
	for clock.Sleep(d.link.ctx, retryEvery) == nil {
		d.link.mu.Lock()
		if !d.link.closed && d.err != nil {
			d.reopen()
		}
		settled := d.link.closed || d.err == nil
		d.link.mu.Unlock()
		if settled {
			return
		}
	}
}

func (d *door) release() {
	if d.reserve != nil {
		_ = d.reserve.Close()
		d.reserve = nil
	}
}

// close ends the door for good. The link's mutex is held.
func (d *door) close() error {
	d.release()
	if d.ln == nil {
		return nil
	}
	err := d.ln.Close()
	d.ln = nil
	return err
}

// join makes toxiproxy move the bytes of a connection from here on.
func (d *door) join(c *conn, upstream *net.TCPConn) {
	d.starting.Lock()
	defer d.starting.Unlock()
	d.link.wg.Add(6) // for each direction: the reader, the switch, the writer
	d.start(d.up, &c.up, c.client, upstream, stream.Upstream, c.name)
	d.start(d.down, &c.down, upstream, c.client, stream.Downstream, c.name)
}

func (d *door) start(t *switchToxic, h *half, from, to *net.TCPConn, dir stream.Direction, name uint64) {
	t.next = h
	d.proxy.Toxics.StartLink(d.link.server, strconv.FormatUint(name, 10)+dir.String(), &source{half: h, conn: from}, &dest{half: h, conn: to}, dir)
	t.next = nil
}

func addrPort(a net.Addr) (netip.AddrPort, error) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("%s is no TCP address", a)
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
}
