package links

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"blackout/harness/fault"
)

// BenchmarkKeptConnection compares a request on one kept HTTP connection: direct, through toxiproxy alone, through a link without a rule.
func BenchmarkKeptConnection(b *testing.B) {
	web := newHTTPServer(b)
	plain := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "plain", "127.0.0.1:0", web)
	if err := plain.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(plain.Stop)
	for _, path := range []struct{ name, addr string }{
		{"direct", web}, {"toxiproxy", plain.Listen}, {"link", open(b, newLink(b), "", web)},
	} {
		b.Run(path.name, func(b *testing.B) {
			transport := &http.Transport{MaxIdleConnsPerHost: 1}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport}
			took := make([]time.Duration, 0, b.N)
			b.ResetTimer()
			for b.Loop() {
				start := time.Now()
				resp, err := client.Get("http://" + path.addr + "/x")
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-µs")
			b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "requests/s")
		})
	}
}

// BenchmarkSpread switches 20 links at once, each with one kept connection, and measures how far apart the clients see it.
func BenchmarkSpread(b *testing.B) {
	const services = 20
	up := server(b, echo)
	links := make([]*Link, services)
	addrs := make([]string, services)
	for i := range links {
		links[i] = newLink(b)
		addrs[i] = open(b, links[i], "", up)
	}
	spreads := make([]time.Duration, 0, 1024)
	for b.Loop() {
		conns := make([]net.Conn, services)
		seen := make([]time.Time, services)
		var wg sync.WaitGroup
		for i := range conns {
			c := dial(b, addrs[i])
			c.roundTrip("x")
			conns[i] = c
			wg.Go(func() {
				_, _ = c.Read(make([]byte, 1))
				seen[i] = time.Now()
			})
		}
		for _, l := range links {
			wg.Go(func() {
				if err := l.Put(fault.ConnRule{Grip: cutting(grip("e1", 1)), Mode: fault.ConnRefuse}); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
		spreads = append(spreads, slices.MaxFunc(seen, time.Time.Compare).Sub(slices.MinFunc(seen, time.Time.Compare)))
		for i, l := range links {
			l.Drop("e1")
			if err := l.Sync(); err != nil {
				b.Fatal(err)
			}
			_ = conns[i].Close()
		}
	}
	slices.Sort(spreads)
	b.ReportMetric(float64(spreads[len(spreads)*95/100].Microseconds())/1e3, "p95-spread-ms")
	b.ReportMetric(float64(spreads[len(spreads)/2].Microseconds())/1e3, "p50-spread-ms")
}

// BenchmarkRuleChange is one Put and one Drop beside connections that stall.
func BenchmarkRuleChange(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprintf("connections=%d", n), func(b *testing.B) {
			l := newLink(b)
			addr := open(b, l, "", server(b, flood))
			for range n {
				if _, err := io.ReadFull(dial(b, addr), make([]byte, 1)); err != nil {
					b.Fatal(err)
				}
			}
			g := cutting(grip("e1", 1))
			for b.Loop() {
				put(b, l, g, fault.ConnToxics, latency(5))
				l.Drop("e1")
			}
		})
	}
}
