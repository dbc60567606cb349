package links

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/fault"
)

func TestConfigIsChecked(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		cfg        Config
	}{
		{"no name", "has no name", Config{}},
		{"negative timeout", "is negative", Config{Service: "s", DialTimeout: -1}},
		{"shares below 1", "sum to 0.7", Config{Service: "s", Regions: []fault.Region{{Name: "a", Share: 0.7}}}},
		{"share above 1", "not between", Config{Service: "s", Regions: []fault.Region{{Name: "a", Share: 1.5}, {Name: "b", Share: -0.5}}}},
		{"twice", "twice", Config{Service: "s", Regions: []fault.Region{{Name: "a", Share: 0.5}, {Name: "a", Share: 0.5}}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := New(tc.cfg); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New: %v, want %q in it", err, tc.want)
			}
		})
	}
}

func TestRefusalOfAllClosesTheDoorAndKeepsOpenConnections(t *testing.T) {
	l, addr := echoed(t, fault.Region{Name: "east", Share: 0.7}, fault.Region{Name: "west", Share: 0.3})
	kept := dial(t, addr)
	kept.roundTrip("before")

	g := grip("e1", 1)
	put(t, l, g, fault.ConnRefuse)
	wantRefused(t, addr)
	kept.roundTrip("during")
	if !g.Unseen() {
		t.Error("refused connections are not marked as unseen")
	}

	l.Drop("e1")
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	dial(t, addr).roundTrip("after")
	kept.roundTrip("after")
	if got := l.Opened(); got != 2 {
		t.Errorf("opened %d, want 2: the refused one never reached us", got)
	}
}

func TestRefusalByTwoEffectsTogetherClosesTheDoor(t *testing.T) {
	l, addr := echoed(t, fault.Region{Name: "east", Share: 0.7}, fault.Region{Name: "west", Share: 0.3})
	put(t, l, grip("e1", 1, "east"), fault.ConnRefuse)
	put(t, l, grip("e2", 1, "west"), fault.ConnRefuse)
	wantRefused(t, addr)
	l.Drop("e1")
	for range 20 { // whatever region is drawn, somebody listens
		c, err := net.Dial("tcp", addr)
		if errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatal(err)
		}
		if err == nil {
			_ = c.Close()
		}
	}
}

func TestAnEarlierRuleForAPartKeepsTheDoorOpen(t *testing.T) {
	l, addr := echoed(t)
	put(t, l, grip("e1", 0.5), fault.ConnToxics, toxic("latency", true, map[string]any{"latency": 1}))
	put(t, l, grip("e2", 1), fault.ConnRefuse)
	for n := range uint64(20) {
		if fault.Draw(42, "e1", service, n, 0.5) {
			dial(t, addr).roundTrip("taken by the first")
		} else {
			wantTaken(t, addr)
		}
	}
}

func TestDoorsOfAChain(t *testing.T) {
	l := newLink(t)
	up := server(t, echo)
	eth, base := open(t, l, "ethereum", up), open(t, l, "base", up)
	g := grip("e1", 1)
	g.Chain = "base"
	put(t, l, g, fault.ConnRefuse)
	wantRefused(t, base)
	dial(t, eth).roundTrip("other chain")
	l.Drop("e1")
	dial(t, base).roundTrip("healed")
	if got := l.Opened(); got != 2 {
		t.Errorf("opened %d over both doors, want 2", got)
	}
}

func TestCutTakesKeptConnections(t *testing.T) {
	for _, mode := range []fault.ConnMode{fault.ConnRefuse, fault.ConnReset} {
		t.Run(string(mode), func(t *testing.T) {
			l, addr := echoed(t)
			kept := dial(t, addr)
			kept.roundTrip("before")
			g := cutting(grip("e1", 1))
			put(t, l, g, mode)
			kept.wantReset()
			if got := touched(g); got != 1 {
				t.Errorf("touched %d, want 1", got)
			}
		})
	}
	t.Run("blackhole", func(t *testing.T) {
		l, addr := echoed(t)
		kept := dial(t, addr)
		kept.roundTrip("before")
		put(t, l, cutting(grip("e1", 1)), fault.ConnBlackhole)
		kept.say("held")
		kept.silent()
		l.Drop("e1")
		kept.hear("held")
		kept.roundTrip("after")
	})
	t.Run("toxics", func(t *testing.T) {
		l, addr := echoed(t)
		kept := dial(t, addr)
		kept.roundTrip("before")
		put(t, l, cutting(grip("e1", 1)), fault.ConnToxics, toxic("limit_data", true, map[string]any{"bytes": 3}))
		kept.say("truncated")
		if got, err := io.ReadAll(kept.r); err != nil || string(got) != "tru" {
			t.Errorf("read %q, %v; want the first 3 bytes and FIN", got, err)
		}
	})
}

func TestKeepLeavesOpenConnectionsAlone(t *testing.T) {
	for _, mode := range []fault.ConnMode{fault.ConnRefuse, fault.ConnReset, fault.ConnBlackhole} {
		t.Run(string(mode), func(t *testing.T) {
			l, addr := echoed(t)
			kept := dial(t, addr)
			kept.roundTrip("before")
			g := grip("e1", 1)
			put(t, l, g, mode)
			kept.roundTrip("during")
			if err := l.Sync(); err != nil {
				t.Fatal(err)
			}
			kept.roundTrip("after sync")
			if got := touched(g); got != 0 {
				t.Errorf("touched %d, want 0", got)
			}
		})
	}
}

func TestResetComesOnceTheAppHasSpoken(t *testing.T) {
	l, addr := echoed(t)
	g := grip("e1", 1)
	put(t, l, g, fault.ConnReset)
	quiet, loud := dial(t, addr), dial(t, addr)
	quiet.silent()
	loud.say("hello")
	loud.wantReset()
	if got := touched(g); got != 1 {
		t.Errorf("touched %d, want 1: only one has spoken", got)
	}
	l.Drop("e1")
	quiet.roundTrip("spared")
}

func TestPartialSharesFollowTheDraw(t *testing.T) {
	regions := []fault.Region{{Name: "east", Share: 0.6}, {Name: "west", Share: 0.4}}
	l, addr := echoed(t, regions...)
	g := grip("e1", 0.3, "east")
	put(t, l, g, fault.ConnRefuse)
	const N = 200
	var want, got []bool
	for n := range uint64(N) {
		region := "west"
		if fault.Fraction(7, "placement", service, n) < 0.6 {
			region = "east"
		}
		want = append(want, region == "east" && fault.Draw(42, "e1", service, n, 0.3))
		got = append(got, echoes(addr) != nil)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("taken connections (-want +got):\n%s", diff)
	}
	count := int64(0)
	for _, taken := range want {
		if taken {
			count++
		}
	}
	if touched(g) != count || count == 0 || count == N {
		t.Errorf("touched %d, want %d, neither none nor all", touched(g), count)
	}
}

// echoes tries one round trip on a connection of its own.
func echoes(addr string) error {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.WriteString(c, "x"); err != nil {
		return err
	}
	_, err = io.ReadFull(c, make([]byte, 1))
	return err
}

func TestTheFirstEffectWinsAndTheNextFollows(t *testing.T) {
	l, addr := echoed(t)
	a, b := grip("a", 1), grip("b", 1)
	put(t, l, b, fault.ConnReset)
	put(t, l, a, fault.ConnBlackhole)
	c := dial(t, addr)
	c.say("hello")
	c.silent()
	if touched(a) != 1 || touched(b) != 0 {
		t.Errorf("touched a %d, b %d; want 1, 0", touched(a), touched(b))
	}
	l.Drop("a")
	c.wantReset()
	if touched(b) != 1 {
		t.Errorf("touched b %d, want 1", touched(b))
	}
}

func TestNewConnectionsSeeAChangedShareWithoutSync(t *testing.T) {
	l, addr := echoed(t)
	g := grip("e1", 0)
	put(t, l, g, fault.ConnReset)
	dial(t, addr).roundTrip("share 0")
	g.SetShare(1)
	c := dial(t, addr)
	c.say("share 1")
	c.wantReset()
}

func TestSyncClosesAndOpensTheDoor(t *testing.T) {
	l, addr := echoed(t)
	g := grip("e1", 0)
	put(t, l, g, fault.ConnRefuse)
	for range 5 { // a flap
		dial(t, addr).roundTrip("good")
		g.SetShare(1)
		if err := l.Sync(); err != nil {
			t.Fatal(err)
		}
		wantRefused(t, addr)
		g.SetShare(0)
		if err := l.Sync(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestATakenPortIsReportedAndTriedAgain(t *testing.T) {
	l, addr := echoed(t)
	put(t, l, grip("e1", 1), fault.ConnRefuse)
	l.mu.Lock()
	l.doors[0].release()
	l.mu.Unlock()
	thief, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	l.Drop("e1")
	if err := l.Sync(); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), addr) {
		t.Errorf("Sync: %v, want the address and why", err)
	}
	if _, err := l.Dial(context.Background(), "", "", ""); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("Dial: %v, want why the door is closed", err)
	}
	if err := thief.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the door is open again", func() bool { return l.Sync() == nil })
	dial(t, addr).roundTrip("back")
}

func TestAClosedDoorKeepsItsPort(t *testing.T) {
	l, addr := echoed(t)
	put(t, l, grip("e1", 1), fault.ConnRefuse)
	local, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c, err := (&net.Dialer{LocalAddr: local}).Dial("tcp", server(t, echo))
	if err == nil {
		_ = c.Close()
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("somebody could dial from the port of a closed door: %v", err)
	}
	l.Drop("e1")
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	dial(t, addr).roundTrip("back")
}

func TestClosedLink(t *testing.T) {
	l, addr := echoed(t)
	dial(t, addr).roundTrip("hello")
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	wantRefused(t, addr)
	if err := l.Put(fault.ConnRule{Grip: grip("e1", 1), Mode: fault.ConnReset}); !errors.Is(err, ErrClosed) {
		t.Errorf("Put: %v", err)
	}
	if err := l.Sync(); !errors.Is(err, ErrClosed) {
		t.Errorf("Sync: %v", err)
	}
	if _, err := l.Open(context.Background(), "", "127.0.0.1:0", "127.0.0.1:1"); !errors.Is(err, ErrClosed) {
		t.Errorf("Open: %v", err)
	}
	if _, err := l.Dial(context.Background(), "", "", ""); !errors.Is(err, ErrClosed) {
		t.Errorf("Dial: %v", err)
	}
	l.Drop("e1")
}

func TestAnUpstreamThatRefusesIsOurFault(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	l := newLink(t)
	wantTaken(t, open(t, l, "", ln.Addr().String()))
	if got := l.Undialled(); got != 1 {
		t.Errorf("undialled %d, want 1", got)
	}
}

func TestListenAddresses(t *testing.T) {
	for _, listen := range []string{"127.0.0.1:0", "0.0.0.0:0", ":0"} {
		t.Run(listen, func(t *testing.T) {
			l := newLink(t)
			addr, err := l.Open(context.Background(), "", listen, server(t, echo))
			if err != nil {
				t.Fatal(err)
			}
			dial(t, addr).roundTrip("app")
			put(t, l, grip("e1", 1), fault.ConnRefuse)
			wantRefused(t, addr)
			probeOf(t, l, "", "", "").roundTrip("private")
			l.Drop("e1")
			probeOf(t, l, "", "", "").roundTrip("probe")
			dial(t, addr).roundTrip("app")
			if got := l.Opened(); got != 2 {
				t.Errorf("opened %d, want 2", got)
			}
		})
	}
	l := newLink(t)
	for _, tc := range [][2]string{{"127.0.0.1:0", "no-port"}, {"127.0.0.1:x", "127.0.0.1:1"}, {"192.0.2.1:0", "127.0.0.1:1"}} {
		if addr, err := l.Open(context.Background(), "", tc[0], tc[1]); err == nil {
			t.Errorf("Open(%s, %s) gave %s", tc[0], tc[1], addr)
		}
	}
}
