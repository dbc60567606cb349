package links

import (
	"io"
	"net"
	"strings"
	"testing"

	"blackout/harness/fault"
)

func TestBlackholeHoldsBytesAndReleasesThem(t *testing.T) {
	accepted := make(chan struct{}, 1)
	l := newLink(t)
	addr := open(t, l, "", server(t, func(c *net.TCPConn) { accepted <- struct{}{}; echo(c) }))
	put(t, l, grip("e1", 1), fault.ConnBlackhole)
	c := dial(t, addr)
	c.say("one")
	c.silent()
	c.say("two")
	c.silent()
	select {
	case <-accepted:
		t.Fatal("the service saw a connection that is in a black hole")
	default:
	}
	l.Drop("e1")
	c.hear("one")
	c.hear("two")
	c.roundTrip("three")
}

func TestABlackholeStaysSilentForOneWhoGaveUp(t *testing.T) {
	var accepted = make(chan struct{}, 8)
	l := newLink(t)
	addr := open(t, l, "", server(t, func(c *net.TCPConn) { accepted <- struct{}{}; echo(c) }))
	put(t, l, grip("e1", 1), fault.ConnBlackhole)
	c := dial(t, addr)
	c.say("payment")
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	c.silent()
	l.Drop("e1")
	if err := c.end(); err != io.EOF {
		t.Errorf("ended with %v, want EOF", err)
	}
	select {
	case <-accepted:
		t.Error("the service got a request whose sender had given up before it was ever connected")
	default:
	}
}

func TestABlackholeHoldsMoreThanItReadsAhead(t *testing.T) {
	l, addr := echoed(t)
	put(t, l, grip("e1", 1), fault.ConnBlackhole)
	c := dial(t, addr)
	line := strings.Repeat("x", 3*aheadLimit)
	wrote := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c.TCPConn, line+"\n")
		wrote <- err
	}()
	c.silent()
	l.Drop("e1")
	c.hear(line)
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
}

func TestBlackholePutBackWhileHeld(t *testing.T) {
	l, addr := echoed(t)
	g := grip("e1", 1)
	put(t, l, g, fault.ConnBlackhole)
	c := dial(t, addr)
	c.say("held")
	for range 5 {
		put(t, l, g, fault.ConnBlackhole)
		c.silent()
	}
	g.SetShare(0)
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	c.hear("held")
	g.SetShare(1)
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	c.say("again")
	c.silent()
	l.Drop("e1")
	c.hear("again")
}
