package strays

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"blackout/harness/clock"
	"blackout/harness/history"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type sink struct {
	mu     sync.Mutex
	strays []history.Stray
}

func (s *sink) Add(r history.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strays = append(s.strays, r.(history.Stray))
}

// told sums what was recorded, without times.
func (s *sink) told() map[history.Stray]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[history.Stray]int64{}
	for _, r := range s.strays {
		n := r.Count
		r.Count, r.At = 0, 0
		all[r] += n
	}
	return all
}

func open(t *testing.T, cfg Config) (*Door, *sink) {
	t.Helper()
	s := &sink{}
	cfg.Listen, cfg.Sink, cfg.Clock = "127.0.0.1:0", s, clock.Start()
	d, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, s
}

var meant = netip.MustParseAddrPort("203.0.113.7:8545")

func meantThere(*net.TCPConn) (netip.AddrPort, error) { return meant, nil }

// TestConnections has clients say whom they mean in several ways; each is reset, and recorded with what it said.
func TestConnections(t *testing.T) {
	t.Parallel()
	at := history.Stray{Kind: history.StrayTCP, Address: "203.0.113.7", Port: 8545}
	named := at
	named.Host = "api.unknown.example"
	for name, c := range map[string]struct {
		meant func(*net.TCPConn) (netip.AddrPort, error)
		say   func(net.Conn)
		want  history.Stray
	}{
		"tls": {meantThere, func(c net.Conn) {
			_ = tls.Client(c, &tls.Config{ServerName: "API.unknown.example"}).Handshake()
		}, named},
		"tls without a name": {meantThere, func(c net.Conn) {
			_ = tls.Client(c, &tls.Config{InsecureSkipVerify: true}).Handshake()
		}, at},
		"http": {meantThere, func(c net.Conn) {
			_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: Api.Unknown.Example:8545\r\n\r\n")
		}, named},
		"http to an address":     {meantThere, func(c net.Conn) { _, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: 203.0.113.7:8545\r\n\r\n") }, at},
		"http to no name":        {meantThere, func(c net.Conn) { _, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a/b?key=secret\r\n\r\n") }, at},
		"another protocol":       {meantThere, func(c net.Conn) { _, _ = io.WriteString(c, "\x00\x00\x00\x08\x04\xd2\x16\x2f\r\n\r\n") }, at},
		"nothing":                {meantThere, func(net.Conn) {}, at},
		"the kernel has no word": {func(*net.TCPConn) (netip.AddrPort, error) { return netip.AddrPort{}, errors.New("no") }, func(net.Conn) {}, history.Stray{Kind: history.StrayTCP}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, s := open(t, Config{Meant: c.meant})
			conn, err := net.Dial("tcp", d.Address())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			c.say(conn)
			_ = conn.SetReadDeadline(time.Now().Add(20 * Patience))
			if _, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNRESET) && name != "tls" && name != "tls without a name" {
				t.Errorf("the connection ended with %v, not with a reset", err)
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[history.Stray]int64{c.want: 1}, s.told()); diff != "" {
				t.Errorf("recorded (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDatagrams looks their destinations up for all senders at once, and counts what nobody knows.
func TestDatagrams(t *testing.T) {
	t.Parallel()
	known, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer known.Close()
	other, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	d, s := open(t, Config{Senders: func() (map[netip.AddrPort]netip.AddrPort, error) {
		return map[netip.AddrPort]netip.AddrPort{known.LocalAddr().(*net.UDPAddr).AddrPort(): meant}, nil
	}})
	to, _ := net.ResolveUDPAddr("udp4", d.Address())
	for _, from := range []net.PacketConn{known, known, other} {
		if _, err := from.WriteTo([]byte("who is there?"), to); err != nil {
			t.Fatal(err)
		}
	}
	want := map[history.Stray]int64{{Kind: history.StrayUDP, Address: "203.0.113.7", Port: 8545}: 2, {Kind: history.StrayUDP}: 1}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !cmp.Equal(want, s.told()) {
		if clock.Sleep(ctx, 10*time.Millisecond) != nil {
			t.Fatalf("recorded (-want +got):\n%s", cmp.Diff(want, s.told()))
		}
	}
}

// TestMany keeps some destinations apart and counts the rest, and writes few records however much comes.
func TestMany(t *testing.T) {
	t.Parallel()
	d, s := open(t, Config{})
	const each, more = 5, 50
	for range each {
		for i := range mostDestinations + more {
			d.mu.Lock()
			d.count(destination{kind: history.StrayTCP, address: netip.AddrPortFrom(meant.Addr(), uint16(i+1))}, 1, 1)
			d.mu.Unlock()
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	told := s.told()
	if got := told[history.Stray{Kind: history.StrayTCP}]; got != each*more || len(told) != mostDestinations+1 {
		t.Errorf("%d destinations, %d counted together", len(told), got)
	}
}

// TestSilentMany opens more connections than are listened to: all are counted, and Close waits for none of them.
func TestSilentMany(t *testing.T) {
	t.Parallel()
	d, s := open(t, Config{Meant: meantThere})
	const all = 3 * mostListening
	for range all {
		conn, err := net.Dial("tcp", d.Address())
		if errors.Is(err, syscall.ECONNRESET) { // taken, counted and reset before Dial could look
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	want := map[history.Stray]int64{{Kind: history.StrayTCP, Address: "203.0.113.7", Port: 8545}: all}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !cmp.Equal(want, s.told()) {
		if clock.Sleep(ctx, 10*time.Millisecond) != nil {
			t.Fatalf("recorded (-want +got):\n%s", cmp.Diff(want, s.told()))
		}
	}
}

// TestTwice finds its door taken.
func TestTwice(t *testing.T) {
	t.Parallel()
	d, s := open(t, Config{})
	if _, err := Open(t.Context(), Config{Listen: d.Address(), Sink: s, Clock: clock.Start()}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second door: %v", err)
	}
}

func FuzzHostName(f *testing.F) {
	for _, text := range []string{"", "a.example", "A.example.:443", "[::1]:80", "::1", "203.0.113.7", "a b", "a\x00b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name := hostName(text)
		if _, err := netip.ParseAddr(name); err == nil || len(name) > longestName || slices.ContainsFunc([]byte(name), func(c byte) bool { return c <= ' ' || c > 'z' }) {
			t.Errorf("%q of %q", name, text)
		}
	})
}
