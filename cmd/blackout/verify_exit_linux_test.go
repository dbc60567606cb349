//go:build verify

package main

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// exit is the one way out of a network that was made for a test, and the resolver in it.
type exit struct {
	name  string
	asked atomic.Int64 // how often the resolver was
}

// watched moves this thread into a new network, whose only way out is one where packets are counted and lost. A resolver on the loopback interface, as a machine may have one, counts too.
func watched(t *testing.T) *exit {
	t.Helper()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	// The kernel itself looks for routers and neighbours by IPv6.
	if err := os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	const near, far = "exit0", "exit1"
	attributes := netlink.NewLinkAttrs()
	attributes.Name = near
	address, err := netlink.ParseAddr("203.0.113.2/24")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attributes, PeerName: far}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lo", far, near} {
		link, err := netlink.LinkByName(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == near { // nobody is there to tell a hardware address
			err = errors.Join(netlink.LinkSetARPOff(link), netlink.AddrAdd(link, address))
		}
		if err := errors.Join(err, netlink.LinkSetUp(link)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := netlink.RouteAdd(&netlink.Route{Gw: net.IPv4(203, 0, 113, 1)}); err != nil {
		t.Fatal(err)
	}
	e := &exit{name: near}
	resolver, err := net.ListenPacket("udp4", "0.0.0.0:53")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resolver.Close() })
	go func() {
		for {
			if _, _, err := resolver.ReadFrom(make([]byte, 1)); err != nil {
				return
			}
			e.asked.Add(1)
		}
	}()
	return e
}

// lookups is how often the resolver of the network was asked so far.
func (e *exit) lookups() int64 { return e.asked.Load() }

// dial connects to the host of an address in this thread's network. It stays on this thread, which a client of package http does not.
func (e *exit) dial(address string) (net.Conn, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	return net.DialTimeout("tcp4", u.Host, 5*time.Second)
}

// get asks for a page over a connection.
func get(conn net.Conn, address string) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodGet, address+"/", nil)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(conn.SetDeadline(time.Now().Add(20*time.Second)), req.Write(conn)); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReader(conn), req)
}

// packets is how many have left so far.
func (e *exit) packets(t *testing.T) uint64 {
	t.Helper()
	link, err := netlink.LinkByName(e.name)
	if err != nil {
		t.Fatal(err)
	}
	return link.Attrs().Statistics.TxPackets
}

// seen checks that what leaves is counted, and what the resolver is asked.
func (e *exit) seen(t *testing.T) {
	t.Helper()
	before := e.packets(t)
	for _, address := range []string{"198.51.100.1:53", "127.0.0.53:53"} {
		c, err := net.Dial("udp4", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for until := time.Now().Add(5 * time.Second); e.lookups() == 0 && time.Now().Before(until); time.Sleep(time.Millisecond) {
	}
	if e.packets(t) == before || e.lookups() != 1 {
		t.Fatal("what leaves is not counted, or what the resolver is asked")
	}
}
