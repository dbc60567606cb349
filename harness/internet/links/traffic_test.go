package links

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"blackout/harness/fault"
)

// changing puts and drops rules that keep every byte, until stop is closed.
func changing(t *testing.T, l *Link, stop <-chan struct{}) {
	g := cutting(grip("e1", 1))
	for i := 0; ; i++ {
		select {
		case <-stop:
			l.Drop("e1")
			return
		default:
		}
		switch i % 5 {
		case 0:
			put(t, l, g, fault.ConnToxics, latency(1), toxic("latency", false, map[string]any{"latency": 2}))
		case 1:
			put(t, l, g, fault.ConnToxics, toxic("bandwidth", true, map[string]any{"rate": 500_000}), toxic("slicer", false, map[string]any{"average_size": 1000}))
		case 2:
			put(t, l, g, fault.ConnBlackhole)
		case 3:
			put(t, l, g, fault.ConnToxics, toxic("slicer", true, map[string]any{"average_size": 4000}), latency(1))
		default:
			l.Drop("e1")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestALargeTransferSurvivesSwaps(t *testing.T) {
	const size = 10 << 20
	l, addr := echoed(t)
	payload := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(payload)

	c := dial(t, addr)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { defer close(stopped); changing(t, l, stop) }()
	go func() {
		_, _ = c.Write(payload)
		_ = c.CloseWrite()
	}()
	_ = c.SetReadDeadline(time.Now().Add(60 * time.Second))
	h := sha256.New()
	n, err := io.Copy(h, c)
	close(stop)
	<-stopped
	if err != nil || n != size || [32]byte(h.Sum(nil)) != sha256.Sum256(payload) {
		t.Errorf("%d of %d bytes came back, hash equal %t, %v", n, size, [32]byte(h.Sum(nil)) == sha256.Sum256(payload), err)
	}
	wantBytes(t, l, size)
}

// A kept connection on which both sides speak when they like, as a WebSocket does, lives through every rule that does not reset it.
func TestALongLivedConnectionSurvivesSwaps(t *testing.T) {
	l := newLink(t)
	addr := open(t, l, "", server(t, func(c *net.TCPConn) {
		if _, err := io.WriteString(c, "welcome\n"); err == nil { // the service speaks first
			echo(c)
		}
	}))
	c := dial(t, addr)
	c.hear("welcome")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { defer close(stopped); changing(t, l, stop) }()
	for range 200 {
		c.say("ping")
	}
	for range 200 {
		c.hear("ping")
	}
	close(stop)
	<-stopped
	c.roundTrip("still here")
}

func TestALongLivedConnectionLivesThroughRefusalsOfOthers(t *testing.T) {
	l, addr := echoed(t)
	c := dial(t, addr)
	c.roundTrip("accepted") // what only waits in the accept queue goes with its listener
	g := grip("e1", 1)
	for range 20 {
		put(t, l, g, fault.ConnRefuse)
		c.roundTrip("refused to others")
		l.Drop("e1")
		c.roundTrip("open to all")
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	l, err := New(Config{Service: service})
	if err != nil {
		t.Fatal(err)
	}
	addr := open(t, l, "", server(t, flood))
	for range 5 {
		dial(t, addr) // never reads
	}
	stalled(t, l)
	for i, shape := range []fault.Toxic{
		latency(hourMillis), toxic("bandwidth", true, map[string]any{"rate": 1}), toxic("timeout", true, map[string]any{"timeout": hourMillis}),
		toxic("slicer", true, map[string]any{"average_size": 1, "delay": minuteMicro}),
	} {
		g := grip(fmt.Sprintf("e%d", 9-i), 1) // sorts before the last one, and so wins the newcomer
		put(t, l, g, fault.ConnToxics, shape)
		dial(t, addr)
		eventually(t, shape.Type+" acts", func() bool { return touched(g) == 1 })
	}
	put(t, l, cutting(grip("e1", 0.5)), fault.ConnToxics, latency(hourMillis))
	put(t, l, grip("e0", 1), fault.ConnBlackhole)
	dial(t, addr)
	within(t, patience, "Close", func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	ours := goleak.Find(before, goleak.IgnoreAnyFunction("blackout/harness/internet/links.server.func1"))
	if ours != nil {
		buf := make([]byte, 1<<16)
		t.Errorf("%v\n%s", ours, buf[:runtime.Stack(buf, true)])
	}
}

// What ends is forgotten while the link lives on.
func TestEndedConnectionsAreForgotten(t *testing.T) {
	l, addr := echoed(t)
	for i := range 30 {
		c := dial(t, addr)
		c.roundTrip("x")
		if i%2 == 0 {
			_ = c.SetLinger(0)
		}
		_ = c.Close()
	}
	eventually(t, "no connection is left", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.conns) == 0
	})
}

// The app leaves with FIN while the service still writes: it finds out at its next write, as it would without us.
func TestAServiceThatWritesToOneWhoLeftFindsOut(t *testing.T) {
	ended := make(chan struct{})
	l := newLink(t)
	addr := open(t, l, "", server(t, func(c *net.TCPConn) {
		defer close(ended)
		_, _ = io.Copy(io.Discard, c) // until the app's FIN
		flood(c)
	}))
	c := dial(t, addr)
	c.say("x")
	_ = c.Close()
	within(t, patience, "the service's write", func() { <-ended })
}

// The same when nothing can be read from the app any more, because the service takes nothing in.
func TestAServiceThatNeverReadsFindsOutToo(t *testing.T) {
	ended := make(chan struct{})
	l := newLink(t)
	addr := open(t, l, "", server(t, func(c *net.TCPConn) {
		defer close(ended)
		flood(c)
	}))
	c := dial(t, addr)
	for _, err := c.Write(make([]byte, 1<<20)); err == nil; _, err = c.Write(make([]byte, 1<<20)) {
		_ = c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
	}
	_ = c.Close()
	within(t, patience, "the service's write", func() { <-ended })
}

func TestAClientsResetReachesTheService(t *testing.T) {
	ended := make(chan error, 1)
	l := newLink(t)
	addr := open(t, l, "", server(t, func(c *net.TCPConn) {
		_, err := io.Copy(io.Discard, c)
		ended <- err
	}))
	c := dial(t, addr)
	c.say("x")
	eventually(t, "the service has it", func() bool { up, _ := l.Bytes(); return up == 2 })
	_ = c.SetLinger(0)
	_ = c.Close()
	if err := <-ended; err == nil {
		t.Error("the service saw FIN, want a reset")
	}
}
