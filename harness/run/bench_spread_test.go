//go:build bench

package run

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"blackout/harness/chain"
	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
	"blackout/harness/internet"
	"blackout/harness/internet/gateways"
	"blackout/harness/plan"
	"blackout/harness/truth"
)

const (
	spreadServices = 20
	spreadPhases   = 50
	benchChain     = "ethereum"
	benchRegion    = "aws/us-east-1"
	// spreadHolds is how long a phase lasts: long enough for the probes of all its faults, which compete with the clients as they do in a run.
	spreadHolds = clock.Micros(150_000)
	spreadLead  = clock.Micros(50_000)
	// patience bounds any wait of these benchmarks.
	patience = 10 * time.Second
)

// BenchmarkFaultSpread is how far apart the app's sockets see faults that the plan starts at one moment: 20 services behind links, each with one connection on which
// a client was served and now waits in Read, and one connection-reset each that cuts. What injects, probes and records is what a run uses; the clients are a process
// of their own, as an app is.
func BenchmarkFaultSpread(b *testing.B) {
	c := spreadCell(b)
	clients := startClients(b)
	for b.Loop() {
		spreads := make([]time.Duration, spreadPhases)
		for i := range spreads {
			spreads[i] = c.spread(b, clients)
		}
		slices.Sort(spreads)
		b.ReportMetric(millis(spreads[len(spreads)/2]), "p50-ms")
		b.ReportMetric(millis(spreads[(len(spreads)*95+99)/100-1]), "p95-ms")
		b.ReportMetric(millis(spreads[len(spreads)-1]), "max-ms")
	}
	b.ReportMetric(0, "ns/op")
}

// spreadCell is a cell that has come as far as its internet.
func spreadCell(b *testing.B) *cell {
	b.Helper()
	p := &plan.Plan{Seed: 1}
	for i := range spreadServices {
		name := fmt.Sprintf("service-%02d", i)
		p.Services = append(p.Services, plan.Service{
			Name: name, Kind: fault.KindRPC, Dialect: "plain", Link: true, Placement: []plan.Placement{{Region: benchRegion, Share: 1}},
			Hosts: []plan.Host{{Chain: benchChain, Name: name + ".example"}}, Backends: []plan.Backend{{Chain: benchChain, Region: benchRegion, Node: "node"}},
		})
		p.Effects = append(p.Effects, plan.Effect{
			ID: "c1/connection-reset/" + name, Fault: "connection-reset", Service: name, Cut: true, To: spreadHolds, Steps: []plan.Step{{Share: 1}},
		})
	}
	c := benchCell(b, p)
	c.chains = &chain.Network{} // no node: probes of connections ask for nothing that only a node knows
	node := newStandIn(b)
	c.net = openInternet(b, c, func(string) (gateways.Backend, error) { return node, nil })
	return c
}

// spread plays one phase and gives the time between the first and the last client whose Read returns.
func (c *cell) spread(b *testing.B, clients *spreadClients) time.Duration {
	b.Helper()
	d, err := newDriver(c.plan, &driver{clock: c.clock, sink: c.sink, surface: c.net, probe: c.probe, mark: c.markConnections})
	if err != nil {
		b.Fatal(err)
	}
	var addresses []string
	for _, s := range c.plan.Services {
		address, _, err := c.net.URL(s.Name, benchChain)
		if err != nil {
			b.Fatal(err)
		}
		addresses = append(addresses, address)
	}
	clients.wait(b, addresses)
	d.start = c.clock.Now() + spreadLead
	if err := d.play(b.Context()); err != nil {
		b.Fatal(err)
	}
	return clients.spread(b)
}

// benchCell is a cell with what every part of a run needs: a clock, and a history that is written.
func benchCell(b *testing.B, p *plan.Plan) *cell {
	b.Helper()
	file, err := os.Create(filepath.Join(b.TempDir(), history.PlainName))
	if err != nil {
		b.Fatal(err)
	}
	c := &cell{plan: p, clock: clock.Start(), redact: history.NewRedactor()}
	c.sink = history.NewWriter(file, c.redact, nil)
	b.Cleanup(func() {
		if err := c.sink.Seal(history.EndComplete, "", c.clock.Now()); err != nil {
			b.Error(err)
		}
		_ = file.Close()
	})
	c.ledger = truth.NewLedger(p.Seed, c.clock, c.sink)
	c.recorder = truth.NewRecorder(c.sink, c.ledger, nil)
	return c
}

// openInternet serves the plan's services until the benchmark ends.
func openInternet(b *testing.B, c *cell, node func(string) (gateways.Backend, error)) *internet.Internet {
	b.Helper()
	i, err := internet.Open(b.Context(), internet.Config{
		Services: c.plan.Services, Seed: c.plan.Seed, Secret: "of a benchmark", Sink: c.sink, Clock: c.clock, Node: node,
		Chain: func(name string) (fault.Chain, error) { return nil, fmt.Errorf("no conductor of %s here", name) },
		Carry: func(context.Context, string, string, []byte) {},
		Judge: func(*types.Transaction, common.Address) (string, bool) { return "", true },
	})
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := i.Close(ctx); err != nil {
			b.Error(err)
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	c.redact.Hide(i.Keys()...)
	return i
}

// standIn answers every request at once with the number 7: a node that costs nothing.
type standIn struct{ *httptest.Server }

func newStandIn(b *testing.B) standIn {
	b.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":1,"result":"0x7"}`))
	}))
	b.Cleanup(s.Close)
	return standIn{s}
}

func (s standIn) Name() string         { return "node" }
func (s standIn) URL() string          { return s.Server.URL }
func (s standIn) WSURL() string        { return "ws" + strings.TrimPrefix(s.Server.URL, "http") }
func (s standIn) Grips() []*fault.Grip { return nil }

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
