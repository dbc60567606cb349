package links

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"testing"

	"blackout/harness/fault"
)

func probeOf(t *testing.T, l *Link, chain, effect, region string) *client {
	t.Helper()
	c, err := l.Dial(context.Background(), chain, effect, region)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if p, ok := c.(*probeConn); ok {
		return wrap(t, p.TCPConn)
	}
	return wrap(t, c.(*net.TCPConn))
}

func TestAProbeSeesItsEffectOnly(t *testing.T) {
	l, addr := echoed(t, fault.Region{Name: "east", Share: 0.5}, fault.Region{Name: "west", Share: 0.5})
	a, b := grip("a", 1, "east"), grip("b", 0.01)
	put(t, l, a, fault.ConnBlackhole)
	put(t, l, b, fault.ConnReset)

	in := probeOf(t, l, "", "a", "east")
	in.say("x")
	in.silent()
	probeOf(t, l, "", "a", "west").roundTrip("outside its regions")
	taken := probeOf(t, l, "", "b", "east")
	taken.say("a share of 1 % is certain for a probe")
	taken.wantReset()
	b.SetShare(0)
	probeOf(t, l, "", "b", "east").roundTrip("share 0")
	probeOf(t, l, "", "", "east").roundTrip("no effect")
	l.Drop("a")
	in.hear("x")

	if l.Opened() != 0 || touched(a) != 0 || touched(b) != 0 {
		t.Errorf("opened %d, touched %d and %d; probes must use up nothing", l.Opened(), touched(a), touched(b))
	}
	if up, down := l.Bytes(); up != 0 || down != 0 {
		t.Errorf("bytes %d, %d; probes are not counted", up, down)
	}
	dial(t, addr).roundTrip("app")
	wantBytes(t, l, 4)
	if l.Opened() != 1 {
		t.Errorf("opened %d, want 1", l.Opened())
	}
}

func TestAProbeAndAClosedDoor(t *testing.T) {
	l := newLink(t)
	up := server(t, echo)
	open(t, l, "ethereum", up)
	put(t, l, grip("a", 1), fault.ConnRefuse)
	put(t, l, grip("b", 1), fault.ConnReset)
	if _, err := l.Dial(context.Background(), "ethereum", "a", ""); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("probe of the refusal: %v, want ECONNREFUSED", err)
	}
	other := probeOf(t, l, "ethereum", "b", "")
	other.say("x")
	other.wantReset()
	probeOf(t, l, "ethereum", "gone", "").roundTrip("a lifted effect while another still refuses")
	if _, err := l.Dial(context.Background(), "base", "a", ""); err == nil {
		t.Error("dialled a chain without a door")
	}
	if len(l.probes) != 0 {
		t.Errorf("%d marks left", len(l.probes))
	}
}

// Probes and app connections arrive together: none is ever taken for the other.
func TestProbesAreToldFromTheApp(t *testing.T) {
	l, addr := echoed(t)
	put(t, l, grip("a", 1), fault.ConnReset)
	const each = 50
	var wg sync.WaitGroup
	for range each {
		wg.Go(func() {
			p := probeOf(t, l, "", "", "")
			if _, err := p.Write([]byte("x\n")); err != nil {
				t.Errorf("probe: %v", err)
			} else if got, err := p.r.ReadString('\n'); err != nil {
				t.Errorf("probe: read %q, %v", got, err)
			}
		})
		wg.Go(func() {
			c, err := net.DialTimeout("tcp", addr, patience)
			if err != nil {
				t.Errorf("app: %v", err)
				return
			}
			defer c.Close()
			_, _ = c.Write([]byte("x\n"))
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("app: %v, want ECONNRESET", err)
			}
		})
	}
	wg.Wait()
	if got := l.Opened(); got != each {
		t.Errorf("opened %d, want %d", got, each)
	}
}
