package main

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// resolver answers every question for an IPv4 address with the one that it holds.
func resolver(t *testing.T) (address string, holds *atomic.Value) {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	holds = new(atomic.Value)
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				body := &dnsmessage.AResource{A: [4]byte(net.ParseIP(holds.Load().(string)).To4())}
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}, Body: body}}
			}
			if reply, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(reply, from)
			}
		}
	}()
	return conn.LocalAddr().String(), holds
}

// TestResolvesOnce moves a host to another address between two connections.
func TestResolvesOnce(t *testing.T) {
	t.Parallel()
	both(t, resolvesOnce, func(t *testing.T, flaw string) {
		old, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(old.Addr().String())
		moved, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.2", port))
		if err != nil {
			t.Fatal(err)
		}
		defer moved.Close()
		server, holds := resolver(t)
		f, err := parseFlaws(flaw)
		if err != nil {
			t.Fatal(err)
		}
		n := newNames(server, f)
		dial := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			conn, err := n.dial(ctx, "tcp", net.JoinHostPort("provider.example", port))
			if err == nil {
				conn.Close()
			}
			return err
		}
		holds.Store("127.0.0.1")
		if err := dial(); err != nil {
			t.Fatal(err)
		}
		old.Close()
		holds.Store("127.0.0.2")
		err = dial()
		if refused := new(net.OpError); (err != nil) != (flaw != "") || err != nil && (!errors.As(err, &refused) || refused.Op != "dial") {
			t.Errorf("%v", err)
		}
	})
}
