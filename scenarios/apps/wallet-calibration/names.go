package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// names opens connections by host name. A name is looked up for every new connection, so that a service which moved is found at once; nothing is remembered.
type names struct {
	dialer net.Dialer

	mu     sync.Mutex
	pinned map[string]string // without the defence: host → the address that it had at the start; guarded by mu
}

// newNames asks the resolver at an address, or the system's when that is "".
func newNames(server string, f flaws) *names {
	n := &names{dialer: net.Dialer{KeepAlive: 15 * time.Second, Resolver: new(net.Resolver)}}
	if server != "" {
		n.dialer.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server)
		}}
	}
	if f[resolvesOnce] {
		n.pinned = map[string]string{}
	}
	return n
}

// dial is for an http.Transport or a WebSocket dialer. ctx bounds the look-up as well.
func (n *names) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if n.pinned != nil {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		known, err := n.pin(ctx, host)
		if err != nil {
			return nil, &net.OpError{Op: "dial", Net: network, Err: err}
		}
		address = net.JoinHostPort(known, port)
	}
	return n.dialer.DialContext(ctx, network, address)
}

// pin looks a host up once in the wallet's life.
func (n *names) pin(ctx context.Context, host string) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if known, ok := n.pinned[host]; ok {
		return known, nil
	}
	found, err := n.dialer.Resolver.LookupHost(ctx, host)
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", fmt.Errorf("%s has no address", host)
	}
	n.pinned[host] = found[0]
	return found[0], nil
}
