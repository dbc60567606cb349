//go:build bench

package run

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/params"
	"github.com/rs/zerolog"

	"blackout/harness/chain"
	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/internet/certs"
	"blackout/harness/internet/gateways"
	"blackout/harness/internet/links"
	"blackout/harness/plan"
)

const (
	// A round takes each path once: first one client, then several at once.
	readRounds  = 9
	readsAlone  = 400
	readClients = 8
	readsShared = 2400 // of all clients together
	readsWarm   = 200

	balanceOf   = "0x00000000000000000000000000000000000000aa"
	balanceCall = `{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["` + balanceOf + `","latest"]}`
)

// BenchmarkBalanceRead reads a balance of a real geth node over kept connections, direct and by each part of the way that an app's request takes in a run. The paths
// take turns, so that a machine that is busy for a while is busy for all of them; each figure is the median of the rounds.
func BenchmarkBalanceRead(b *testing.B) {
	paths := readPaths(b)
	for b.Loop() {
		alone, shared := make([][]float64, len(paths)), make([][]float64, len(paths))
		for _, p := range paths {
			p.reads(b, readClients, readsWarm)
		}
		for round := range readRounds {
			for k := range paths {
				i := (round + k) % len(paths)
				took, _ := paths[i].reads(b, 1, readsAlone)
				slices.Sort(took)
				alone[i] = append(alone[i], float64(took[len(took)/2])/float64(time.Microsecond))
				_, all := paths[i].reads(b, readClients, readsShared)
				shared[i] = append(shared[i], readsShared/all.Seconds())
			}
		}
		for i, p := range paths {
			slices.Sort(alone[i])
			slices.Sort(shared[i])
			b.ReportMetric(alone[i][readRounds/2], p.name+"-p50-µs")
			b.ReportMetric(shared[i][readRounds/2], p.name+"-requests/s")
		}
	}
	b.ReportMetric(0, "ns/op")
}

// readPath is one way to the node, with TLS unless secure is nil.
type readPath struct {
	name, url string
	secure    *tls.Config
}

// readPaths boots the nodes of one chain and opens every way to one of them.
func readPaths(b *testing.B) []readPath {
	b.Helper()
	p := &plan.Plan{
		Seed:   1,
		Chains: []plan.Chain{{Name: benchChain, ID: 1, BlockTime: clock.Of(2 * time.Second), Safe: 4, Finalized: 8}},
	}
	for _, role := range []string{plan.RoleBuilder, plan.RoleReference, plan.RoleShared} {
		p.Nodes = append(p.Nodes, plan.Node{Name: benchChain + "/" + role, Chain: benchChain, Role: role})
	}
	for name, linked := range map[string]bool{"gateway": false, "both": true} {
		p.Services = append(p.Services, plan.Service{
			Name: name, Kind: fault.KindRPC, Dialect: "plain", Link: linked, Placement: []plan.Placement{{Region: benchRegion, Share: 1}},
			Hosts:    []plan.Host{{Chain: benchChain, Name: name + ".example"}},
			Backends: []plan.Backend{{Chain: benchChain, Region: benchRegion, Node: benchChain + "/" + plan.RoleShared}},
		})
	}
	c := benchCell(b, p)
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	nodes, err := chain.Start(ctx, chain.Config{
		Chains: p.Chains, Nodes: p.Nodes, Seed: p.Seed, Watched: []common.Address{common.HexToAddress(balanceOf)}, WatchedWei: big.NewInt(params.Ether),
		Dir: b.TempDir(), Clock: c.clock, Observer: c.recorder,
	})
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := nodes.Stop(ctx); err != nil {
			b.Error(err)
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	node, err := nodes.Node(benchChain + "/" + plan.RoleShared)
	if err != nil {
		b.Fatal(err)
	}
	direct, err := url.Parse(node.URL())
	if err != nil {
		b.Fatal(err)
	}

	plain := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "plain", "127.0.0.1:0", direct.Host)
	if err := plain.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(plain.Stop)

	link, err := links.New(links.Config{Service: "link", Seed: p.Seed})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := link.Close(); err != nil {
			b.Error(err)
		}
	})
	linked, err := link.Open(ctx, benchChain, "127.0.0.1:0", direct.Host)
	if err != nil {
		b.Fatal(err)
	}

	c.net = openInternet(b, c, func(name string) (gateways.Backend, error) { return nodes.Node(name) })
	paths := []readPath{{name: "direct", url: node.URL()}, {name: "toxiproxy", url: "http://" + plain.Listen}, {name: "link", url: "http://" + linked}}
	for _, service := range []string{"gateway", "both"} {
		address, _, err := c.net.URL(service, benchChain)
		if err != nil {
			b.Fatal(err)
		}
		paths = append(paths, readPath{name: service, url: address})
	}
	return append(paths, securePath(b, c))
}

// securePath is the way through the gateway alone, with TLS.
func securePath(b *testing.B, c *cell) readPath {
	b.Helper()
	const host = "gateway.example"
	authority, err := certs.New([]string{host}, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	front := certs.NewFront(certs.FrontConfig{Service: "gateway", Authority: authority})
	b.Cleanup(front.Close)
	served, err := c.net.Gateway("gateway")
	if err != nil {
		b.Fatal(err)
	}
	gateway := served.(*gateways.Gateway)
	address, err := gateway.OpenTLS(b.Context(), benchChain, "127.0.0.1:0", front.TLS(benchChain, host))
	if err != nil {
		b.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority.PEM())
	return readPath{name: "secure", url: "https://" + address + gateway.Path(), secure: &tls.Config{RootCAs: trusted, ServerName: host}}
}

// reads sends n requests by so many clients, each on one connection that it keeps, and gives what each took and how long it took for all.
func (p readPath) reads(b *testing.B, clients, n int) (each []time.Duration, all time.Duration) {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: clients, DisableCompression: true, TLSClientConfig: p.secure}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	took, failed := make([][]time.Duration, clients), make([]error, clients)
	ready, begin := sync.WaitGroup{}, make(chan struct{})
	var done sync.WaitGroup
	ready.Add(clients)
	for i := range clients {
		done.Go(func() {
			failed[i] = p.read(client) // opens the connection, and is not counted
			ready.Done()
			<-begin
			for failed[i] == nil && len(took[i]) < n/clients {
				from := time.Now()
				failed[i] = p.read(client)
				took[i] = append(took[i], time.Since(from))
			}
		})
	}
	ready.Wait()
	from := time.Now()
	close(begin)
	done.Wait()
	all = time.Since(from)
	if err := errors.Join(failed...); err != nil {
		b.Fatalf("read through %s: %v", p.name, err)
	}
	return slices.Concat(took...), all
}

func (p readPath) read(client *http.Client) error {
	resp, err := client.Post(p.url, "application/json", strings.NewReader(balanceCall))
	if err != nil {
		return err
	}
	body, err := readAll(resp)
	if err == nil && (resp.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(`"result":"0x`))) {
		err = fmt.Errorf("HTTP %d: %s", resp.StatusCode, body)
	}
	return err
}

func readAll(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}
