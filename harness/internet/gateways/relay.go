package gateways

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"blackout/harness/history"
	"blackout/harness/ports"
)

// upstreamTimeout is how long a service of kind tcp tries to reach the program behind it, which listens on the same machine.
const upstreamTimeout = 2 * time.Second

// Reachable tries whether the program behind a service of kind tcp is there, so that a run says so before it begins.
func (g *Gateway) Reachable(ctx context.Context) error {
	conn, err := g.dialUpstream(ctx)
	if err != nil {
		return fmt.Errorf("nobody listens at its upstream %s: %w; start the program there, or change services.%s.upstream in the world file", g.cfg.Upstream, err, g.cfg.Service)
	}
	return conn.Close()
}

// dialUpstream connects to the upstream: a path is a socket that leads out of a private network.
func (g *Gateway) dialUpstream(ctx context.Context) (net.Conn, error) {
	network := "tcp"
	if strings.HasPrefix(g.cfg.Upstream, "/") {
		network = "unix"
	}
	return (&net.Dialer{Timeout: upstreamTimeout}).DialContext(ctx, network, g.cfg.Upstream)
}

// relay passes each connection on to the upstream until Close, in the background. begin was called for it.
func (g *Gateway) relay(l net.Listener) {
	g.accept(l, func(client net.Conn) {
		g.opened.Add(1)
		g.pass(client)
	})
}

// accept serves each connection of a listener on its own until Close, in the background. begin was called for it.
func (g *Gateway) accept(l net.Listener, serve func(net.Conn)) {
	unhook := context.AfterFunc(g.ctx, func() { _ = l.Close() })
	go func() {
		defer g.work.Done()
		defer unhook()
		ports.Accept(g.ctx, l.Accept, func(conn net.Conn) { g.work.Go(func() { serve(conn) }) })
	}()
}

// pass moves the bytes of one connection both ways until both sides have said all. When one of them breaks off, so does the other.
func (g *Gateway) pass(client net.Conn) {
	defer client.Close()
	upstream, err := g.dialUpstream(g.ctx)
	if err != nil {
		if _, told := g.sick.LoadOrStore(g.cfg.Upstream, true); !told && g.ctx.Err() == nil {
			g.note("a connection of the app was reset, since its upstream does not answer: %v", err)
		}
		reset(client)
		return
	}
	defer upstream.Close()
	defer context.AfterFunc(g.ctx, func() { _, _ = client.Close(), upstream.Close() })()

	t := &turns{g: g}
	defer t.end()
	var both sync.WaitGroup
	both.Go(func() { pump(upstream, client, t.asked) })
	both.Go(func() { pump(client, upstream, t.answered) })
	both.Wait()
}

// pump copies from one side to the other and passes the end on. heard is called before what has come is passed on.
func pump(to, from net.Conn, heard func()) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			heard()
			if _, err := to.Write(buf[:n]); err != nil {
				_, _ = from.Close(), to.Close()
				return
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			if half, ok := to.(interface{ CloseWrite() error }); ok {
				_ = half.CloseWrite()
			}
			return
		default:
			_, _ = from.Close(), to.Close()
			return
		}
	}
}

// turns counts how often a connection is used. Of the protocols of databases nothing is known here but that one side asks and the other answers: a request begins
// with the first bytes from the app after bytes from the upstream, or after none, and lasts until the last bytes before the next one. So a greeting is no request,
// and several questions without an answer in between are one.
//
//	begin ─ app ─▶ asking ─ upstream ─▶ answered ─ app ─▶ asking of the next
type turns struct {
	g    *Gateway
	mu   sync.Mutex
	call *history.Call // nil before the first
	done bool          // call has an answer
}

func (t *turns) asked() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.call != nil && !t.done {
		return
	}
	t.flush()
	x := t.g.arrive("", transportTCP, "", nil)
	t.call = &history.Call{N: x.req.N, Service: x.req.Service, Region: x.req.Region, Transport: transportTCP, Method: history.MethodTurn, Reply: history.ReplyAborted, At: x.at}
	t.done = false
}

func (t *turns) answered() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.call != nil {
		t.done, t.call.Reply, t.call.End = true, history.ReplyOK, t.g.cfg.Clock.Now()
	}
}

// end records the last one.
func (t *turns) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flush()
}

// flush records the present one. The mutex is held.
func (t *turns) flush() {
	if t.call == nil {
		return
	}
	if !t.done {
		t.call.End = t.g.cfg.Clock.Now()
	}
	t.g.cfg.Sink.Add(*t.call)
	t.call = nil
}

// ProbeLine is what a probe of a service of kind tcp sends, and gets back.
const ProbeLine = "blackout probe\n"

// OpenProbes opens where a link leads probes instead of to the upstream, and gives its address: a program of which nothing is known must not be asked for the sake of
// a probe. Whoever sends a line gets it back.
func (g *Gateway) OpenProbes(ctx context.Context, listen string) (string, error) {
	if !g.begin() {
		return "", fmt.Errorf("gateway %s: %w", g.cfg.Service, net.ErrClosed)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", listen)
	if err != nil {
		g.work.Done()
		return "", fmt.Errorf("gateway %s: %w", g.cfg.Service, err)
	}
	g.accept(l, func(conn net.Conn) {
		defer conn.Close()
		defer context.AfterFunc(g.ctx, func() { _ = conn.Close() })()
		_, _ = io.CopyN(conn, conn, int64(len(ProbeLine)))
	})
	return l.Addr().String(), nil
}
