package links

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"blackout/harness/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	service = "infura"
	// patience bounds waits for what must happen; silence is how long nothing must happen.
	patience = 10 * time.Second
	silence  = 60 * time.Millisecond
)

func newLink(t testing.TB, regions ...fault.Region) *Link {
	t.Helper()
	l, err := New(Config{Service: service, Regions: regions, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close link: %v", err)
		}
	})
	return l
}

func open(t testing.TB, l *Link, chain, upstream string) string {
	t.Helper()
	addr, err := l.Open(context.Background(), chain, "127.0.0.1:0", upstream)
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// echoed is a link with one door in front of an echo server.
func echoed(t testing.TB, regions ...fault.Region) (*Link, string) {
	t.Helper()
	l := newLink(t, regions...)
	return l, open(t, l, "", server(t, echo))
}

// server runs handle for each connection until the test ends, and closes the connection after it.
func server(t testing.TB, handle func(*net.TCPConn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		done bool
		open = map[net.Conn]bool{}
	)
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			if done {
				mu.Unlock()
				_ = c.Close()
				continue
			}
			open[c] = true
			mu.Unlock()
			wg.Go(func() {
				handle(c.(*net.TCPConn))
				_ = c.Close()
				mu.Lock()
				delete(open, c)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		done = true
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return ln.Addr().String()
}

func echo(c *net.TCPConn) { _, _ = io.Copy(c, c) }

// client is an app's connection with bounded reads.
type client struct {
	*net.TCPConn
	t testing.TB
	r *bufio.Reader
}

func dial(t testing.TB, addr string) *client {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	return wrap(t, c.(*net.TCPConn))
}

func wrap(t testing.TB, c *net.TCPConn) *client {
	t.Cleanup(func() { _ = c.Close() })
	return &client{TCPConn: c, t: t, r: bufio.NewReader(c)}
}

func (c *client) say(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.TCPConn, line+"\n"); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

func (c *client) hear(want string) {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	got, err := c.r.ReadString('\n')
	if err != nil || got != want+"\n" {
		c.t.Fatalf("read %q, %v; want %q", got, err, want)
	}
}

func (c *client) roundTrip(line string) {
	c.t.Helper()
	c.say(line)
	c.hear(line)
}

// silent fails unless the connection stays open and says nothing.
func (c *client) silent() {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(silence))
	b, err := c.r.ReadByte()
	var ne net.Error
	if !errors.As(err, &ne) || !ne.Timeout() {
		c.t.Fatalf("read %q, %v; want silence", b, err)
	}
}

// end is the error that the connection ends with: io.EOF for FIN, ECONNRESET for RST.
func (c *client) end() error {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	_, err := io.Copy(io.Discard, c.r)
	if err == nil {
		return io.EOF
	}
	return err
}

func (c *client) wantReset() {
	c.t.Helper()
	if err := c.end(); !errors.Is(err, syscall.ECONNRESET) {
		c.t.Fatalf("connection ended with %v, want ECONNRESET", err)
	}
}

func wantRefused(t testing.TB, addr string) {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, patience)
	if err == nil {
		_ = c.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("dial: %v, want ECONNREFUSED", err)
	}
}

// wantTaken fails unless a connection is accepted and reset at once. The reset may reach the client within its call of connect.
func wantTaken(t testing.TB, addr string) {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, patience)
	switch {
	case err == nil:
		wrap(t, c.(*net.TCPConn)).wantReset()
	case !errors.Is(err, syscall.ECONNRESET):
		t.Fatalf("dial: %v, want ECONNRESET", err)
	}
}

func grip(id string, share float64, regions ...string) *fault.Grip {
	g := &fault.Grip{ID: id, Service: service, Regions: regions, Seed: 42}
	g.SetShare(share)
	return g
}

func cutting(g *fault.Grip) *fault.Grip {
	g.Cut = true
	return g
}

// wantBytes waits until so many bytes were delivered each way: the last ones are counted a moment after the client has them.
func wantBytes(t testing.TB, l *Link, want int64) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d bytes each way", want), func() bool { up, down := l.Bytes(); return up == want && down == want })
}

func put(t testing.TB, l *Link, g *fault.Grip, mode fault.ConnMode, ts ...fault.Toxic) {
	t.Helper()
	if err := l.Put(fault.ConnRule{Grip: g, Mode: mode, Toxics: ts}); err != nil {
		t.Fatal(err)
	}
}

func toxic(kind string, down bool, attributes map[string]any) fault.Toxic {
	return fault.Toxic{Type: kind, Downstream: down, Attributes: attributes}
}

func touched(g *fault.Grip) int64 {
	_, n, _ := g.Counts()
	return n
}

// within fails when f does not return in time: what is watched must never block.
func within(t testing.TB, d time.Duration, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(d):
		t.Fatalf("%s still runs after %s", what, d)
	}
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
