package links

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/google/go-cmp/cmp"

	"blackout/harness/fault"
)

// Each test here is named after one thing that toxiproxy 2.12.0 does, or breaks on, when it is used alone.

func latency(ms int) fault.Toxic {
	return toxic("latency", true, map[string]any{"latency": ms})
}

// flood is a service that writes without end, and so fills everything on the way to a reader that stalls.
func flood(c *net.TCPConn) {
	chunk := make([]byte, 32<<10)
	for {
		if _, err := c.Write(chunk); err != nil {
			return
		}
	}
}

// stalled waits until no more bytes reach the connection: everything between service and app is full.
func stalled(t *testing.T, l *Link) {
	t.Helper()
	_, before := l.Bytes()
	eventually(t, "the reader has stalled the writer", func() bool {
		time.Sleep(20 * time.Millisecond)
		_, now := l.Bytes()
		still := now == before && now > 0
		before = now
		return still
	})
}

func TestTrapChangingToxicsWhileAReaderStalls(t *testing.T) {
	l := newLink(t)
	addr := open(t, l, "", server(t, flood))
	dial(t, addr)
	stalled(t, l)
	g := cutting(grip("e1", 1))
	within(t, patience, "1000 rule changes beside a stalled reader", func() {
		for i := range 1000 {
			switch i % 4 {
			case 0:
				put(t, l, g, fault.ConnToxics, latency(5))
			case 1:
				put(t, l, g, fault.ConnToxics, toxic("bandwidth", true, map[string]any{"rate": 100}), toxic("slicer", true, map[string]any{"average_size": 100}))
			case 2:
				put(t, l, g, fault.ConnBlackhole)
			default:
				l.Drop("e1")
			}
		}
	})
	within(t, patience, "a newcomer beside a stalled reader", func() {
		c := dial(t, addr)
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Errorf("newcomer: %v", err)
		}
	})
	within(t, patience, "Close with a stalled reader", func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestTrapUpdateUnderTrafficRaces(t *testing.T) {
	l, addr := echoed(t)
	c := dial(t, addr)
	g := cutting(grip("e1", 1))
	for i := range 100 { // the race detector judges
		put(t, l, g, fault.ConnToxics, latency(i%2))
		c.roundTrip("x")
	}
}

func TestTrapValuesThatCrashOrSpinOrAreIgnored(t *testing.T) {
	l := newLink(t)
	ok := func(kind, attribute string, v any) fault.ConnRule {
		return fault.ConnRule{Mode: fault.ConnToxics, Toxics: []fault.Toxic{toxic(kind, true, map[string]any{attribute: v})}}
	}
	for _, tc := range []struct {
		name, want string
		rule       fault.ConnRule
	}{
		{"bandwidth rate -1 kills the process", "rate is -1", ok("bandwidth", "rate", -1)},
		{"bandwidth rate 0 spins", "use mode blackhole", ok("bandwidth", "rate", 0)},
		{"slicer without attributes kills the process", "average_size is missing", fault.ConnRule{Mode: fault.ConnToxics, Toxics: []fault.Toxic{{Type: "slicer"}}}},
		{"latency jitter 5e18 kills the process", "jitter is 5000000000000000000", fault.ConnRule{Mode: fault.ConnToxics, Toxics: []fault.Toxic{
			toxic("latency", true, map[string]any{"latency": 1, "jitter": int64(5e18)})}}},
		{"latency that overflows", "latency is", ok("latency", "latency", int64(1)<<62)},
		{"misspelt attribute", `unknown attribute "latencey" (known: jitter, latency)`, ok("latency", "latencey", 5)},
		{"toxicity 5", `unknown attribute "toxicity"`, ok("latency", "toxicity", 5)},
		{"half a millisecond", "no whole number", ok("latency", "latency", 0.5)},
		{"text for a number", "no whole number", ok("latency", "latency", "5")},
		{"huge unsigned", "no whole number", ok("limit_data", "bytes", uint64(1)<<63)},
		{"reset_peer sends FIN", "use mode reset", ok("reset_peer", "timeout", 0)},
		{"timeout 0", "use mode blackhole", ok("timeout", "timeout", 0)},
		{"unknown type", "unknown type (known: bandwidth", ok("latencey", "latency", 5)},
		{"our own switch", "unknown type", ok(switchType, "latency", 5)},
		{"no toxics", "needs toxics", fault.ConnRule{Mode: fault.ConnToxics}},
		{"toxics for another mode", "takes no toxics", fault.ConnRule{Mode: fault.ConnReset, Toxics: []fault.Toxic{latency(1)}}},
		{"unknown mode", `unknown mode "drop"`, fault.ConnRule{Mode: "drop"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.rule.Grip = grip("e1", 1)
			if err := l.Put(tc.rule); err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "e1") {
				t.Errorf("Put: %v, want %q in it", err, tc.want)
			}
		})
	}
	for _, g := range []*fault.Grip{nil, {Service: service}, {ID: "e1", Service: "other"}} {
		if err := l.Put(fault.ConnRule{Grip: g, Mode: fault.ConnReset}); err == nil {
			t.Errorf("Put took the grip %v", g)
		}
	}
	if len(l.rules) != 0 {
		t.Errorf("%d refused rules stand", len(l.rules))
	}
}

func TestTrapToxicityIsDrawnPerDirection(t *testing.T) {
	l, addr := echoed(t)
	put(t, l, grip("e1", 0.5), fault.ConnToxics,
		toxic("limit_data", false, map[string]any{"bytes": 1 << 20}), toxic("limit_data", true, map[string]any{"bytes": 1 << 20}))
	for range 40 {
		dial(t, addr).roundTrip("x")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	both := 0
	for c := range l.conns {
		taken := fault.Draw(42, "e1", service, c.n, 0.5)
		if r := c.rule.Load(); (r != nil) != taken || r != nil && (len(r.up) != 1 || len(r.down) != 1) {
			t.Errorf("connection %d: rule %v, drawn %t", c.n, r, taken)
		}
		if taken {
			both++
		}
	}
	if both == 0 || both == 40 {
		t.Errorf("%d of 40 taken, want a part", both)
	}
}

func TestTrapResetPeerSendsFIN(t *testing.T) {
	l, addr := echoed(t)
	idle, busy := dial(t, addr), dial(t, addr)
	idle.roundTrip("x")
	busy.roundTrip("x")
	busy.say("under way")
	put(t, l, cutting(grip("e1", 1)), fault.ConnReset)
	idle.wantReset()
	busy.wantReset()
}

func TestTrapResetPeerWithToxicity0ResetsCleanCloses(t *testing.T) { // toxiproxy issue 603
	l := newLink(t)
	addr := open(t, l, "", server(t, func(c *net.TCPConn) { _, _ = io.WriteString(c, "bye") }))
	put(t, l, grip("e1", 0), fault.ConnReset)
	if got, err := io.ReadAll(dial(t, addr)); err != nil || string(got) != "bye" {
		t.Errorf("read %q, %v; want a clean close", got, err)
	}
}

func TestTrapTimeoutNeverFiresUnderATrickle(t *testing.T) {
	l := newLink(t)
	addr := open(t, l, "", server(t, func(c *net.TCPConn) {
		for {
			if _, err := c.Write([]byte{'x'}); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}))
	put(t, l, grip("e1", 1), fault.ConnToxics, toxic("timeout", true, map[string]any{"timeout": 150}))
	c := dial(t, addr)
	_ = c.SetReadDeadline(time.Now().Add(patience))
	got, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) || len(got) > 0 {
		t.Errorf("read %q, %v; want nothing and the end of the connection", got, err)
	}
}

func TestTrapDisabledIsRefusedNotABlackhole(t *testing.T) {
	l, addr := echoed(t)
	put(t, l, grip("e1", 1), fault.ConnRefuse)
	wantRefused(t, addr)
	l.Drop("e1")
	put(t, l, grip("e1", 1), fault.ConnBlackhole)
	c := dial(t, addr)
	c.say("x")
	c.silent()
}

func TestTrapTheSeedHasNoEffect(t *testing.T) {
	taken := func(seed uint64) (got []bool) {
		l, addr := echoed(t)
		g := grip("e1", 0.5)
		g.Seed = seed
		put(t, l, g, fault.ConnRefuse)
		for range 40 {
			got = append(got, echoes(addr) != nil)
		}
		return got
	}
	one := taken(1)
	if diff := cmp.Diff(one, taken(1)); diff != "" {
		t.Errorf("the same seed took other connections:\n%s", diff)
	}
	if cmp.Equal(one, taken(2)) {
		t.Error("another seed took the same connections")
	}
}

func TestTrapCountersAreBlindForKeptConnections(t *testing.T) {
	l, addr := echoed(t)
	c := dial(t, addr)
	for i := range int64(3) {
		c.roundTrip("0123456")
		wantBytes(t, l, 8*(i+1))
	}
}

func TestTrapAnUpstreamThatSwallowsSYNBlocksTheDoor(t *testing.T) {
	hole := synHole(t)
	l, err := New(Config{Service: service, DialTimeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	addr := open(t, l, "", hole)
	const callers = 5
	conns := make([]*client, callers)
	for i := range conns {
		conns[i] = dial(t, addr)
	}
	eventually(t, "all were accepted at once", func() bool { return l.Opened() == callers })
	for _, c := range conns {
		c.wantReset()
	}
	if got := l.Undialled(); got != callers {
		t.Errorf("undialled %d, want %d", got, callers)
	}
	dial(t, addr)
	within(t, patience, "Close while a dial hangs", func() { _ = l.Close() })
}

// synHole is an address whose accept queue is full, so that the kernel drops every further SYN.
func synHole(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for range 8 {
		c, err := net.DialTimeout("tcp", addr, 100*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Fatal("the accept queue never filled")
	return ""
}

func TestTrapHalfCloseIsLost(t *testing.T) {
	l := newLink(t)
	addr := open(t, l, "", server(t, func(c *net.TCPConn) {
		asked, _ := io.ReadAll(c) // until the app has said its last word
		_, _ = fmt.Fprintf(c, "you said %s", asked)
	}))
	for _, rule := range [][]fault.Toxic{nil, {latency(1)}, {toxic("slow_close", false, map[string]any{"delay": 20})}} {
		if rule != nil {
			put(t, l, grip("e1", 1), fault.ConnToxics, rule...)
		}
		c := dial(t, addr)
		if _, err := io.WriteString(c, "hello"); err != nil {
			t.Fatal(err)
		}
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if got, err := io.ReadAll(c); err != nil || string(got) != "you said hello" {
			t.Errorf("with %v: read %q, %v", rule, got, err)
		}
	}
}

func TestTrapLatencyBuffersMegabytes(t *testing.T) {
	s := newSwitch(t)
	s.take(toxicRule(t, latency(hourMillis)))
	chunk := make([]byte, 32<<10)
	sent := 0
	for blocked := false; !blocked; {
		select {
		case s.in <- &stream.StreamChunk{Data: chunk, Timestamp: time.Now()}:
			sent += len(chunk)
		case <-time.After(200 * time.Millisecond):
			blocked = true
		}
	}
	if sent < 1<<20 || sent > 2<<20 {
		t.Errorf("%d bytes went in, want 1 to 2 MiB", sent)
	}
}

func TestTrapTheAPIRefusesBrowsers(t *testing.T) { // there is no API: a browser's request passes, whatever it asks for
	web := newHTTPServer(t)
	l := newLink(t)
	addr := open(t, l, "", web)
	for _, path := range []string{"/proxies", "/reset", "/version"} {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("User-Agent", "Mozilla/5.0")
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || string(body) != path {
			t.Errorf("%s: %d %q, %v", path, resp.StatusCode, body, err)
		}
	}
}

// newHTTPServer answers each request with its path.
func newHTTPServer(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) })}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(ln)
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return ln.Addr().String()
}
