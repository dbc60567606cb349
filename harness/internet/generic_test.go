package internet

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/canned"
	"blackout/harness/fault"
	"blackout/harness/plan"
)

// prices is what the service of kind http of these tests has to say.
var prices = map[string]*canned.Site{"prices": {Files: []canned.File{{Name: "spot.json", Bytes: []byte(`{"amount":"2000"}`)}}}}

// generic are a service of kind http, under two names, and one of kind tcp in front of a program that answers each line with it.
func generic(t *testing.T) (list []plan.Service, taken func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	var mu sync.Mutex
	n := 0
	first := make(chan struct{}) // closed when the program has accepted the connection by which Open tries it
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			if n++; n == 1 {
				close(first)
			}
			mu.Unlock()
			open.Go(func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	t.Cleanup(func() { l.Close(); open.Wait() })
	placement := []plan.Placement{{Region: east, Share: 0.7}, {Region: west, Share: 0.3}}
	return []plan.Service{
			{Name: "prices", Kind: "http", Dialect: "plain", Placement: placement, Link: true, Hosts: []plan.Host{{Name: "api.prices.example"}, {Name: "prices.example"}}},
			{Name: "db", Kind: "tcp", Placement: placement, Link: true, Upstream: l.Addr().String(), Hosts: []plan.Host{{Name: "db.prices.example"}}},
		}, func() int {
			<-first
			mu.Lock()
			defer mu.Unlock()
			return n
		}
}

func TestGenericServices(t *testing.T) {
	list, taken := generic(t)
	w := open(t, list)
	vars := w.net.Variables()
	want := []string{"dns.address", "service.db.address", "service.db.named_address", "service.prices.named_url", "service.prices.url"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(vars))); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	if host, _, err := net.SplitHostPort(vars["service.db.named_address"]); err != nil || host != "db.prices.example" || !strings.HasPrefix(vars["service.prices.named_url"], "http://api.prices.example:") {
		t.Errorf("by name: %s, %s", vars["service.db.named_address"], vars["service.prices.named_url"])
	}
	resp, err := w.http.Get(vars["service.prices.url"] + "/spot")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != `{"amount":"2000"}` || w.net.Requests("prices") != 1 {
		t.Errorf("%q %v, %d requests", body, err, w.net.Requests("prices"))
	}
	if opened := taken(); opened != 1 { // that it is there was tried when the internet opened
		t.Errorf("%d connections came to the program before the app's", opened)
	}
	conn, err := net.Dial("tcp", vars["service.db.address"])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, "select 1")
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "select 1\n" || w.net.Requests("db") != 1 || w.net.Opened("db") != 1 {
		t.Errorf("%q %v, %d requests over %d connections", line, err, w.net.Requests("db"), w.net.Opened("db"))
	}
}

// The probes of faults see what these do to services of kind http and tcp, and no program behind one of them hears of it.
func TestGenericProbe(t *testing.T) {
	type seen struct {
		Status                   int
		Refused, Reset, TimedOut bool
		Failed                   bool
	}
	for _, tc := range []struct {
		service, fault string
		with           fault.With
		want           seen
	}{
		{"prices", "http-status", fault.With{"status": int64(503)}, seen{Status: 503}},
		{"prices", "http-status", fault.With{"status": int64(404)}, seen{Status: 404}},
		{"prices", "rate-limit", nil, seen{Status: 429}},
		{"prices", "html-page", nil, seen{Status: 200}},
		{"prices", "connection-latency", fault.With{"latency": "50ms"}, seen{Status: 200}},
		{"prices", "unreachable", nil, seen{TimedOut: true, Failed: true}},
		{"prices", "connection-refused", nil, seen{Refused: true, Failed: true}},
		{"prices", "connection-reset", nil, seen{Reset: true, Failed: true}},
		{"db", "connection-latency", fault.With{"latency": "50ms"}, seen{}},
		{"db", "connection-blackhole", nil, seen{TimedOut: true, Failed: true}},
		{"db", "connection-refused", nil, seen{Refused: true, Failed: true}},
		{"db", "connection-reset", nil, seen{Reset: true, Failed: true}},
		{"db", "unreachable", nil, seen{TimedOut: true, Failed: true}},
		{"db", "dns-nxdomain", nil, seen{Failed: true}},
		{"prices", "dns-servfail", nil, seen{Failed: true}},
	} {
		t.Run(tc.service+" "+tc.fault, func(t *testing.T) {
			list, taken := generic(t)
			w := open(t, list)
			byName := strings.HasPrefix(tc.fault, "dns-")
			probe := func() (fault.Observation, seen) {
				o := w.net.Probe(t.Context(), Probe{Service: tc.service, Effect: "a", ByName: byName, Timeout: 2 * time.Second})
				return o, seen{o.Status, o.Refused, o.Reset, o.TimedOut, o.Error != nil || o.DialError != nil}
			}
			action, err := fault.New(tc.fault, tc.with)
			if err != nil {
				t.Fatal(err)
			}
			healthy := seen{Status: http.StatusOK}
			if tc.service == "db" {
				healthy.Status = 0
			}
			if o, got := probe(); got != healthy || action.Seen(o) {
				t.Errorf("before: %+v", o)
			}
			g := &fault.Grip{ID: "a", Service: tc.service, Seed: 42}
			g.SetShare(1)
			if err := action.Inject(t.Context(), w.net, g); err != nil {
				t.Fatal(err)
			}
			if o, got := probe(); got != tc.want || !action.Seen(o) {
				t.Errorf("seen %v: %+v", action.Seen(o), o)
			}
			if err := action.Lift(t.Context(), w.net, g); err != nil {
				t.Fatal(err)
			}
			if o, got := probe(); got != healthy || action.Seen(o) {
				t.Errorf("after it was lifted: %+v", o)
			}
			if taken() != 1 || w.net.Requests(tc.service) != 0 || w.net.Opened(tc.service) != 0 {
				t.Errorf("probes were counted: %d requests over %d connections, %d at the program", w.net.Requests(tc.service), w.net.Opened(tc.service), taken())
			}
		})
	}
}

// A run whose service has nobody behind it does not begin.
func TestNoUpstream(t *testing.T) {
	list, _ := generic(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	list[1].Upstream = l.Addr().String()
	l.Close()
	w, err := tryOpen(t, list)
	if err == nil || !strings.Contains(err.Error(), "open service db: nobody listens at its upstream "+list[1].Upstream) {
		t.Errorf("%v %v", w, err)
	}
}
