package gateways

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// idle is how long a kept connection may rest. It outlasts any run: a connection that the server closes would look to the app like an outage that nobody planned,
// and so would one that it opened early and uses late, which ReadHeaderTimeout counts.
const idle = 24 * time.Hour

// connection is what the gateway knows of one connection to its own listeners.
type connection struct{ probe atomic.Bool }

type connectionKey struct{}

// Open serves a chain on a TCP address ("127.0.0.1:0") until Close, and gives the address with its port. It fails if a region has no node for the chain.
func (g *Gateway) Open(ctx context.Context, chain, listen string) (string, error) {
	for _, r := range g.cfg.Regions {
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
	server := &http.Server{
		Handler:           g.Handler(chain),
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
		if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			g.note("stopped serving %s: %v", chain, err)
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

func (n notes) Write(p []byte) (int, error) {
	n.g.note("%s", strings.TrimSpace(string(p)))
	return len(p), nil
}
