package internet

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"blackout/harness/fault"
	"blackout/harness/history"
)

// byName is an app that finds services by name: it asks the run's resolver at each new connection.
func (w *world) byName() *http.Client {
	transport := &http.Transport{DialContext: w.dialer().DialContext}
	w.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

func (w *world) dialer() *net.Dialer {
	address := w.net.Variables()["dns.address"]
	return &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}}
}

// askAt is the app's request to one of the addresses that Variables gives.
func (w *world) askAt(app *http.Client, variable string) (string, error) {
	w.t.Helper()
	to := w.net.Variables()[variable]
	if to == "" {
		w.t.Fatalf("no variable %s", variable)
	}
	resp, err := app.Post(to, "application/json", strings.NewReader(blockNumber))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	return fmt.Sprintf("%d %s", resp.StatusCode, out), err
}

const seven = `200 {"jsonrpc":"2.0","id":1,"result":"0x7"}`

// prefix is where services get addresses in these tests; the zero one where the system has but one.
func prefix() netip.Prefix {
	if runtime.GOOS != "linux" {
		return netip.Prefix{}
	}
	return netip.MustParsePrefix("127.18.0.0/16")
}

// lookups are the app's look-ups so far, "host answer faults".
func (s *sink) lookups() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, r := range s.records {
		if l, ok := r.(history.Lookup); ok && l.Kind == "" {
			out = append(out, strings.Join(append([]string{l.Host, l.Answer}, l.Faults...), " "))
		}
	}
	return out
}

// TestServedByName reaches each service by its host names, over HTTP and WebSocket, through a link and without.
func TestServedByName(t *testing.T) {
	for _, addresses := range []netip.Prefix{prefix(), {}} {
		w := openAt(t, services(), addresses)
		app := w.byName()
		vars := w.net.Variables()
		for variable, host := range map[string]string{
			"service.infura.ethereum.named_": "mainnet.infura.io", "service.infura.base.named_": "base-mainnet.infura.io", "service.publicnode.named_": "ethereum-rpc.publicnode.com",
		} {
			to, err := url.Parse(vars[variable+"url"])
			if err != nil || to.Scheme != "http" || to.Hostname() != host || to.Port() == "" {
				t.Errorf("%surl is %s (%v)", variable, to, err)
			}
			if got, err := w.askAt(app, variable+"url"); err != nil || got != seven {
				t.Errorf("%s: %q, %v", host, got, err)
			}
			c, err := rpc.DialOptions(t.Context(), vars[variable+"ws"], rpc.WithWebsocketDialer(websocket.Dialer{NetDialContext: w.dialer().DialContext}))
			if err != nil {
				t.Fatal(err)
			}
			var n hexutil.Uint64
			if err := c.CallContext(t.Context(), &n, "eth_blockNumber"); err != nil || n != 7 {
				t.Errorf("%s over WebSocket: %d %v", host, n, err)
			}
			c.Close()
		}
		answers := map[string]bool{}
		for _, l := range w.sink.lookups() {
			answers[l] = true
		}
		want := map[string]bool{"mainnet.infura.io 127.0.0.1": true, "base-mainnet.infura.io 127.0.0.1": true, "ethereum-rpc.publicnode.com 127.0.0.1": true}
		if addresses.IsValid() { // in the order of the plan
			want = map[string]bool{"mainnet.infura.io 127.18.0.1": true, "base-mainnet.infura.io 127.18.0.2": true, "ethereum-rpc.publicnode.com 127.18.0.3": true}
		}
		if diff := cmp.Diff(want, answers); diff != "" {
			t.Errorf("look-ups (-want +got):\n%s", diff)
		}
		if r, o := w.net.Requests("infura"), w.net.Opened("infura"); r != 6 || o != 4 { // the request for a socket is one
			t.Errorf("%d requests on %d connections, want 6 and 4", r, o)
		}
	}
}

// TestProbeByName holds what a probe sees of names, and that it leaves no trace.
func TestProbeByName(t *testing.T) {
	healthy := fault.Observation{Chain: ethereum, Host: "mainnet.infura.io", Rcode: "NOERROR", Addresses: []string{"127.18.0.1"}, Own: true, Status: 200, ContentType: "application/json", Head: 7}
	direct := healthy
	direct.Host, direct.Addresses = "ethereum-rpc.publicnode.com", []string{"127.18.0.3"}
	with := func(change func(*fault.Observation)) fault.Observation {
		o := healthy
		o.Status, o.ContentType, o.Head = 0, "", 0
		change(&o)
		return o
	}
	if !prefix().IsValid() {
		t.Skip("only Linux has a range of addresses of its own")
	}
	for name, tc := range map[string]struct {
		service string
		rule    fault.NameRule
		effect  string
		want    fault.Observation
	}{
		"healthy, through a link": {"infura", fault.NameRule{}, "e", healthy},
		"healthy, without":        {"publicnode", fault.NameRule{}, "e", direct},
		"another's rule":          {"infura", fault.NameRule{Mode: fault.NameMissing}, "other", healthy},
		"no such name":            {"infura", fault.NameRule{Mode: fault.NameMissing}, "e", with(func(o *fault.Observation) { o.Rcode, o.Addresses, o.Own = "NXDOMAIN", nil, false })},
		"no word":                 {"infura", fault.NameRule{Mode: fault.NameSilent}, "e", with(func(o *fault.Observation) { o.Rcode, o.Addresses, o.Own, o.TimedOut = "", nil, false, true })},
		"led astray": {"infura", fault.NameRule{Mode: fault.NameElsewhere, Address: netip.MustParseAddr("127.255.255.254")}, "e",
			with(func(o *fault.Observation) { o.Addresses, o.Own, o.Refused = []string{"127.255.255.254"}, false, true })},
	} {
		t.Run(name, func(t *testing.T) {
			w := openAt(t, services(), prefix())
			names, err := w.net.Names(tc.service)
			if err != nil {
				t.Fatal(err)
			}
			if tc.rule.Mode != "" {
				tc.rule.Grip = &fault.Grip{ID: "e", Service: tc.service}
				tc.rule.Grip.SetShare(0.001)
				if err := names.Put(tc.rule); err != nil {
					t.Fatal(err)
				}
			}
			got := w.net.Probe(t.Context(), Probe{Service: tc.service, Effect: tc.effect, ByName: true, Timeout: 500 * time.Millisecond})
			if healthy := tc.want.Status != 0; healthy != (got.DialError == nil && got.Error == nil) || got.LookupTook <= 0 {
				t.Errorf("%+v", got)
			}
			tc.want.Service = tc.service
			got.Took, got.LookupTook, got.Error, got.DialError = 0, 0, nil, nil
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if r, o, l := w.net.Requests(tc.service), w.net.Opened(tc.service), w.sink.lookups(); r != 0 || o != 0 || len(l) != 0 {
				t.Errorf("the probe was counted: %d requests, %d connections, look-ups %q", r, o, l)
			}
		})
	}
}

// TestLeaveAndReturn takes a service down at its addresses and brings it back at others: an app that asks anew finds it, one that keeps an address does not, and the
// way by an address that was given is never touched.
func TestLeaveAndReturn(t *testing.T) {
	if !prefix().IsValid() {
		t.Skip("only Linux has a range of addresses of its own")
	}
	const url, other, given = "service.infura.ethereum.named_url", "service.infura.base.named_url", "service.infura.ethereum.url"
	w := openAt(t, services(), prefix())
	names, err := w.net.Names("infura")
	if err != nil {
		t.Fatal(err)
	}
	app := w.byName()
	serves := func(app *http.Client, variable string) {
		t.Helper()
		if got, err := w.askAt(app, variable); err != nil || got != seven {
			t.Errorf("%s: %q, %v", variable, got, err)
		}
	}
	refuses := func(app *http.Client, variable string) {
		t.Helper()
		if got, err := w.askAt(app, variable); err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("%s: %q, %v", variable, got, err)
		}
	}
	probe := func(effect string) fault.Observation {
		return w.net.Probe(t.Context(), Probe{Service: "infura", Chain: ethereum, Effect: effect, ByName: true})
	}
	// keeps has looked the name up once and for ever.
	before, err := netip.ParseAddrPort(strings.Replace(hostOf(t, w.net.Variables()[url]), "mainnet.infura.io", "127.18.0.1", 1))
	if err != nil {
		t.Fatal(err)
	}
	keeping := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, before.String())
	}}
	t.Cleanup(keeping.CloseIdleConnections)
	keeps := &http.Client{Transport: keeping}
	for _, variable := range []string{url, other, given} {
		serves(app, variable)
	}
	serves(keeps, url)

	grip := &fault.Grip{ID: "e", Service: "infura", Chain: ethereum, Cut: true}
	grip.SetShare(1)
	if err := names.Leave(grip); err != nil {
		t.Fatal(err)
	}
	if err := names.Leave(grip); err != nil { // again does nothing
		t.Error(err)
	}
	if _, connections, _ := grip.Counts(); connections != 2 || !grip.Unseen() {
		t.Errorf("cut %d connections, unseen %v; want 2 and true", connections, grip.Unseen())
	}
	refuses(app, url)
	refuses(keeps, url)
	serves(app, other)
	serves(app, given)
	if o := probe("e"); !o.Refused || !o.Own || o.Addresses[0] != "127.18.0.1" {
		t.Errorf("while it is down the probe saw %+v", o)
	}
	if o := probe("another"); o.Status != 200 || !o.Own {
		t.Errorf("while it is down the probe of another effect saw %+v", o)
	}
	if err := names.Leave(&fault.Grip{ID: "f", Service: "infura"}); err == nil || !strings.Contains(err.Error(), "down already, by e") {
		t.Errorf("a second one: %v", err)
	}
	if err := names.Return(t.Context(), "f"); err != nil { // the base chain left with it
		t.Error(err)
	}
	refuses(app, url)

	for range 2 { // the second time does nothing
		if err := names.Return(t.Context(), "e"); err != nil {
			t.Fatal(err)
		}
	}
	serves(app, url)
	serves(app, other)
	refuses(keeps, url)
	if o := probe("e"); o.Status != 200 || !o.Own || o.Addresses[0] == "127.18.0.1" {
		t.Errorf("after its return the probe saw %+v", o)
	}
	if err := names.Leave(grip); err != nil { // and once more
		t.Fatal(err)
	}
	refuses(app, url)
	if err := names.Return(t.Context(), "e"); err != nil {
		t.Fatal(err)
	}
	serves(app, url)
	if got := w.net.Opened("infura"); got > 9 {
		t.Errorf("%d connections were counted: probes were among them", got)
	}
}

func hostOf(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// TestLeaveRefuses holds what a service needs to move.
func TestLeaveRefuses(t *testing.T) {
	for _, tc := range []struct {
		service   string
		addresses netip.Prefix
		want      string
	}{
		{"publicnode", prefix(), "service publicnode has no link"},
		{"infura", netip.Prefix{}, "on this system all services share one address"},
	} {
		w := openAt(t, services(), tc.addresses)
		names, err := w.net.Names(tc.service)
		if err != nil {
			t.Fatal(err)
		}
		g := &fault.Grip{ID: "e", Service: tc.service}
		if err := names.Leave(g); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v, want %s", err, tc.want)
		}
		if err := names.Return(t.Context(), "e"); err != nil {
			t.Error(err)
		}
	}
	if _, err := openAt(t, services(), prefix()).net.Names("nobody"); err == nil {
		t.Error("names of a service that is not there")
	}
}

// TestAddressesRunOut holds that a range which is too small says so.
func TestAddressesRunOut(t *testing.T) {
	i := &Internet{cfg: Config{Addresses: netip.MustParsePrefix("127.18.0.0/30")}}
	for _, want := range []string{"127.18.0.1", "127.18.0.2"} {
		if got, err := i.fresh(); err != nil || got.String() != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
	if got, err := i.fresh(); err == nil {
		t.Errorf("%s is for broadcasts", got)
	}
}
