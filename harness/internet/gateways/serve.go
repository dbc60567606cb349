package gateways

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"blackout/harness/fault"
)

// idle is how long a kept connection may rest. It outlasts any run: a connection that the server closes would look to the app like an outage that nobody planned,
// and so would one that it opened early and uses late, which ReadHeaderTimeout counts.
const idle = 24 * time.Hour

// connection is what the gateway knows of one connection to its own listeners.
type connection struct{ probe atomic.Bool }

type connectionKey struct{}

// Open serves a chain, "" for a service that serves none, on a TCP address ("127.0.0.1:0") until Close, and gives the address with its port. It fails if a region
// has no node for the chain.
func (g *Gateway) Open(ctx context.Context, chain, listen string) (string, error) {
	return g.open(ctx, chain, listen, nil)
}

// OpenTLS is Open for clients that speak TLS, with HTTP/1.1 or HTTP/2 as they agree. The certificates are the caller's.
func (g *Gateway) OpenTLS(ctx context.Context, chain, listen string, cfg *tls.Config) (string, error) {
	return g.open(ctx, chain, listen, cfg)
}

// open listens and serves, with TLS unless secure is nil.
func (g *Gateway) open(ctx context.Context, chain, listen string, secure *tls.Config) (string, error) {
	for _, r := range g.cfg.Regions {
		if g.cfg.Kind != fault.KindRPC {
			break // what it says is the same everywhere
		}
		if _, err := g.cfg.Backend(chain, r.Name); err != nil {
			return "", fmt.Errorf("gateway %s: node for %s in %s: %w", g.cfg.Service, chain, r.Name, err)
		}
	}
	if !g.begin() {
		return "", fmt.Errorf("gateway %s: %w", g.cfg.Service, net.ErrClosed)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", listen)
	if err != nil {
		g.work.Done()
		return "", fmt.Errorf("gateway %s: %w", g.cfg.Service, err)
	}
	if g.cfg.Kind == fault.KindTCP {
		g.relay(l)
		return l.Addr().String(), nil
	}
	server := &http.Server{
		Handler:           g.Handler(chain),
		TLSConfig:         secure,
		IdleTimeout:       idle,
		ReadHeaderTimeout: idle,
		ErrorLog:          log.New(notes{g}, "", 0),
		BaseContext:       func(net.Listener) context.Context { return g.ctx },
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			g.opened.Add(1)
			return context.WithValue(ctx, connectionKey{}, new(connection))
		},
	}
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		g.work.Done()
		return "", errors.Join(fmt.Errorf("gateway %s: %w", g.cfg.Service, net.ErrClosed), l.Close())
	}
	g.servers = append(g.servers, server)
	g.mu.Unlock()
	go func() {
		defer g.work.Done()
		serve := server.Serve
		if secure != nil {
			serve = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
		}
		if err := serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			g.note("stopped serving %s: %v", cmp.Or(chain, "its own replies"), err)
		}
	}()
	return l.Addr().String(), nil
}

// seen takes a connection that turns out to carry probes out of the count.
func (g *Gateway) seen(ctx context.Context, probe *mark) {
	if probe == nil {
		return
	}
	if c, ok := ctx.Value(connectionKey{}).(*connection); ok && c.probe.CompareAndSwap(false, true) {
		g.opened.Add(-1)
	}
}

// notes turns what the HTTP server has to complain about into notes of the history.
type notes struct{ g *Gateway }

// handshakeFailed begins the server's words for a handshake that failed, which go on with the client's address and the reason.
const (
	handshakeFailed = "http: TLS handshake error from "
	clientSaid      = "remote error: " // an alert of the client, in the words of crypto/tls
)

func (n notes) Write(p []byte) (int, error) {
	text := strings.TrimSpace(string(p))
	if rest, ok := strings.CutPrefix(text, handshakeFailed); ok {
		_, reason, _ := strings.Cut(rest, ": ")
		// A client that does not trust us says so, again and again. One that hangs up, or is cut off by a fault, says nothing.
		if _, told := n.g.refusals.LoadOrStore(reason, true); told || !strings.HasPrefix(reason, clientSaid) {
			return len(p), nil
		}
		text = "the app refused a TLS handshake: " + strings.TrimPrefix(reason, clientSaid)
	}
	n.g.note("%s", text)
	return len(p), nil
}
