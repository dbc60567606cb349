package links

import (
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"blackout/harness/fault"
	"blackout/harness/ports"
)

// TestShut holds that a door which is shut for good refuses whatever the rules do, while the link's other doors go on, and that its address can be kept for a new one.
func TestShut(t *testing.T) {
	l := newLink(t)
	upstream := server(t, echo)
	first, second := open(t, l, "ethereum", upstream), open(t, l, "base", upstream)
	gone, kept := dial(t, first), dial(t, second)
	gone.roundTrip("before")
	kept.roundTrip("before")

	g := grip("e1", 1)
	g.Cut = true
	if err := l.Shut(first, g); err != nil {
		t.Fatal(err)
	}
	gone.wantReset()
	wantRefused(t, first)
	kept.roundTrip("during")
	dial(t, second).roundTrip("during")
	if _, connections, _ := g.Counts(); connections != 1 || !g.Unseen() {
		t.Errorf("touched %d connections, unseen %v; want 1 and true", connections, g.Unseen())
	}
	if _, err := l.DialAt(t.Context(), first, "e1", ""); err == nil {
		t.Error("a probe got through")
	}
	if err := l.Shut(first, g); err == nil || !strings.Contains(err.Error(), "no door to shut") {
		t.Errorf("the second time: %v", err)
	}

	// A rule that comes and goes does not open it again.
	put(t, l, grip("e2", 1), fault.ConnRefuse)
	wantRefused(t, second)
	l.Drop("e2")
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, first)
	dial(t, second).roundTrip("after")

	// Its port at another address is kept from others, and is the link's all the same. Only Linux has the other address.
	at := netip.MustParseAddrPort(first)
	other := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), at.Port()).String()
	keep, err := ports.Reserve(netip.MustParseAddrPort(other))
	switch {
	case err != nil && runtime.GOOS == "linux":
		t.Fatal(err)
	case err != nil:
		t.Skipf("no second address here: %v", err)
	}
	wantRefused(t, other)
	if _, err := l.Open(t.Context(), "ethereum", other, upstream); err != nil {
		t.Fatal(err)
	}
	if err := keep.Close(); err != nil {
		t.Error(err)
	}
	dial(t, other).roundTrip("after")
	probe, err := l.DialAt(t.Context(), other, "e1", "")
	if err != nil {
		t.Fatal(err)
	}
	defer probe.Close()
	if got := l.Opened(); got != 5 {
		t.Errorf("opened %d, want 5: a probe is not counted", got)
	}
}

// TestShutKeepsConnections holds that without Cut only new connections are refused.
func TestShutKeepsConnections(t *testing.T) {
	l, addr := echoed(t)
	kept := dial(t, addr)
	kept.roundTrip("before")
	g := grip("e1", 1)
	if err := l.Shut(addr, g); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, addr)
	kept.roundTrip("during")
	if _, connections, _ := g.Counts(); connections != 0 {
		t.Errorf("touched %d connections", connections)
	}
}
