// Rpc-proxy stands between a team's apps and its RPC providers: it passes JSON-RPC on to the first provider in service, and keeps subscriptions to logs alive when the
// one that feeds them fails.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// production is where it asks, in order of preference, unless PROVIDERS says otherwise.
const production = "https://mainnet.infura.io/v3/84842078b09946638c03157f83405213," +
	"https://eth-mainnet.g.alchemy.com/v2/u8Qn3bLrT0sYfKx2hWcVmEoJ5dZa7gPi," +
	"https://ethereum-rpc.publicnode.com"

// lostSubscriptions is the flaw that FLAWS can switch on: a subscription whose provider fails is not taken up elsewhere, and nobody is told.
const lostSubscriptions = "subscription-lost"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		slog.Error("proxy stopped", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	port := os.Getenv("PORT")
	if port == "" {
		return errors.New("PORT is not set")
	}
	p := &proxy{loses: os.Getenv("FLAWS") == lostSubscriptions}
	for place, address := range strings.Split(cmp.Or(os.Getenv("PROVIDERS"), production), ",") {
		one, err := newProvider(strings.TrimSpace(address))
		if err != nil {
			return fmt.Errorf("PROVIDERS: entry %d: %w", place+1, err)
		}
		p.providers = append(p.providers, one)
	}
	ctx, cancel := context.WithCancel(ctx)
	var checks sync.WaitGroup
	for _, one := range p.providers {
		checks.Go(func() { one.check(ctx) })
	}
	defer checks.Wait()
	defer cancel()

	server := &http.Server{
		Addr: net.JoinHostPort(cmp.Or(os.Getenv("HOST"), "127.0.0.1"), port), Handler: p.handler(), ReadHeaderTimeout: 5 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- server.ListenAndServe() }()
	slog.Info("proxy listens", "address", server.Addr)
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, release := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer release()
	return server.Shutdown(grace)
}

// newProvider takes its address. The WebSocket of a provider is where its documentation says: at the same address, and for Infura below /ws.
func newProvider(address string) (*provider, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("it is no http or https address") // which may hold a key, and so is not shown
	}
	socket := *u
	socket.Scheme = strings.Replace(u.Scheme, "http", "ws", 1)
	if strings.HasPrefix(u.Path, "/v3/") {
		socket.Path = "/ws" + u.Path
	}
	return &provider{name: u.Host, address: address, socket: socket.String(), client: &http.Client{Transport: &http.Transport{
		DialContext: (&net.Dialer{Timeout: callTimeout}).DialContext, TLSHandshakeTimeout: callTimeout, MaxIdleConnsPerHost: 32, IdleConnTimeout: 30 * time.Second,
	}}}, nil
}
