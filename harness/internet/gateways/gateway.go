// Package gateways holds the front doors of the services that an app calls: what a provider's load balancer, key check, rate limit and router do in front of
// its nodes. A gateway of kind rpc speaks JSON-RPC over HTTP and WebSocket in one provider's dialect, applies the http and rpc faults, and records each call.
//
//	request ─▶ http rules ─▶ key ─▶ signer ─▶ answering rules ─▶ capacity ─▶ leading rules ─▶ node of (chain, region)
//	              │            │       │             │               │                              │
//	              └────────────┴───────┴──── reply, after the service's latency ◀── losing rules ◀── altering rules
//
// Http rules and capacity answer a whole request; the signer check and answering rules answer single members of a batch, and the others go on to the node. What the
// node says is passed on byte for byte, unless a rule of the rpc layer alters a member of it, or loses it all. See fault.ReplyRule.
//
// A gateway of kind storage has files behind it, by content id, and one of kind http has canned replies: no key, no calls, and the rest is the same.
//
//	request ─▶ http rules ─▶ capacity ─▶ files, or replies
//
// A gateway of kind tcp passes bytes on to a program of the machine, and records how often it was asked. No rule acts there: what can fail lies in front of it.
package gateways

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"blackout/harness/canned"
	"blackout/harness/clock"
	"blackout/harness/content"
	"blackout/harness/fault"
	"blackout/harness/history"
)

// idleNode is how long a connection to a node may rest. A node ends one that brought no request yet after its ReadTimeout of 30 s: a request that meets this end is reset, so
// the gateway has to let go well before.
var idleNode = rpc.DefaultHTTPTimeouts.ReadTimeout / 3

// MaxBody is the longest request, in bytes: geth's own limit (rpc/http.go, defaultBodyLimit).
const MaxBody = 5 << 20

// Backend is a node that answers for a service in one region.
type Backend interface {
	Name() string
	// URL and WSURL are its JSON-RPC addresses, http:// and ws://.
	URL() string
	WSURL() string
	// Grips are the effects of the chain layer that hold the node now.
	Grips() []*fault.Grip
}

// Judge says whose payment a transaction is: the intent that its recipient belongs to, or "". foreign says that the run did not make the key that signed it.
type Judge func(tx *types.Transaction, from common.Address) (intent string, foreign bool)

// Carry brings a raw transaction, which the named node has accepted, to the other nodes of its chain: nodes have no peers. It returns soon.
type Carry func(ctx context.Context, chain, node string, raw []byte)

// Config is one service. All fields without another word are needed.
type Config struct {
	Service string
	Kind    string // fault.KindRPC, KindStorage, KindHTTP or KindTCP
	Dialect string // one of Dialects, of kind storage plain or arweave; "" is plain
	Key     string // the app's key, part of the address; may be empty where the dialect allows it
	// Foreign gets each key that is not the run's, once, before its first request is served as if it were: an app that has its addresses compiled in brings its own keys.
	// Nil: such keys are refused as the provider refuses them.
	Foreign func(key string)
	Regions []fault.Region
	// Latency is added to each reply to the app; zero is none.
	Latency time.Duration
	// Headroom and Rate are the service's capacity, see spec.Capacity and Arm. Both zero: without limit.
	Headroom, Rate float64
	Seed           uint64
	// Backend gives the node for a chain in a region. It is asked at each request and must be quick. Backend, Carry and Judge are for kind rpc alone.
	Backend func(chain, region string) (Backend, error)
	Carry   Carry
	Judge   Judge
	// Files are what a service of kind storage holds.
	Files []content.File
	// Site is what a service of kind http has to say.
	Site *canned.Site
	// Upstream is where the program behind a service of kind tcp listens: host and port, or the path of a socket that leads there.
	Upstream string
	Sink     history.Sink
	Clock    clock.Clock
	// ProbeToken is the run's secret by which probes are told from the app's requests. Empty: no request is a probe.
	ProbeToken string
}

// Gateway is the front door of one service. It is safe for concurrent use, and satisfies fault.Gateway.
type Gateway struct {
	cfg       Config
	dialect   Dialect
	own       func(r *http.Request, body []byte) fault.HTTPReply // what a service without nodes says itself; nil for kinds rpc and tcp
	rules     ruleSet
	capacity  capacity
	meter     meter
	transport *http.Transport

	outboxBytes int // see outbox

	requests atomic.Uint64
	opened   atomic.Int64
	sick     sync.Map // names of nodes that did not answer, so that each is noted once
	refusals sync.Map // reasons of failed handshakes, likewise
	keys     sync.Map // the app's own keys, so that each is told to Foreign once
	unknown  sync.Map // requests that a service of kind http has no reply to, likewise

	ctx     context.Context // ends when the gateway closes
	stop    context.CancelFunc
	mu      sync.Mutex // guards what follows
	closed  bool
	servers []*http.Server
	work    sync.WaitGroup // listeners and sockets
}

// New makes the front door of a service. It serves nobody until Open, or until its Handler is mounted. Close it in any case.
func New(cfg Config) (*Gateway, error) {
	var missing []string
	rpc := cfg.Kind == fault.KindRPC
	for name, absent := range map[string]bool{
		"a name": cfg.Service == "", "regions": len(cfg.Regions) == 0, "a backend": rpc && cfg.Backend == nil, "a carrier": rpc && cfg.Carry == nil,
		"a judge": rpc && cfg.Judge == nil, "a sink": cfg.Sink == nil, "files": cfg.Kind == fault.KindStorage && len(cfg.Files) == 0,
		"replies": cfg.Kind == fault.KindHTTP && cfg.Site == nil, "an upstream": cfg.Kind == fault.KindTCP && cfg.Upstream == "",
	} {
		if absent {
			missing = append(missing, name)
		}
	}
	if slices.Sort(missing); len(missing) > 0 {
		return nil, fmt.Errorf("gateway %q needs %s", cfg.Service, strings.Join(missing, ", "))
	}
	g := &Gateway{cfg: cfg, outboxBytes: defaultOutbox}
	var err error
	switch cfg.Kind {
	case fault.KindRPC:
		g.dialect, err = newDialect(cfg.Dialect, cfg.Key, g.rates)
	case fault.KindStorage:
		g.dialect, g.own, err = newStorage(cfg.Dialect, cfg.Files)
	case fault.KindHTTP:
		g.dialect, g.own = web{}, g.canned
	case fault.KindTCP:
		g.dialect = web{} // nobody hears its words
	default:
		err = fmt.Errorf("no front door is made for services of kind %q", cfg.Kind)
	}
	if err != nil {
		return nil, fmt.Errorf("gateway %s: %w", cfg.Service, err)
	}
	g.ctx, g.stop = context.WithCancel(context.Background())
	g.transport = &http.Transport{
		// Nodes are local, and an app may have hundreds of requests under way: a closed and reopened connection would cost more than the call.
		MaxIdleConns: 0, MaxIdleConnsPerHost: 512, IdleConnTimeout: idleNode,
		DisableCompression: true, // what the node sends is passed on as it is
		ReadBufferSize:     16 << 10, WriteBufferSize: 16 << 10,
	}
	return g, nil
}

// Dialect is how the provider words what goes wrong.
func (g *Gateway) Dialect() fault.Dialect { return g.dialect }

// Put sets the rule of an effect, replacing an earlier one, from the next request on.
func (g *Gateway) Put(rule fault.ReplyRule) error {
	if err := g.rules.put(rule, g.cfg.Service); err != nil {
		return fmt.Errorf("gateway %s: %w", g.cfg.Service, err)
	}
	return nil
}

// Drop removes the rule of an effect. Dropping what is not there does nothing.
func (g *Gateway) Drop(effect string) { g.rules.drop(effect) }

// Requests is how many requests of the app have come in; a batch is one, a message on a socket is one. Probes are not counted.
func (g *Gateway) Requests() int64 { return int64(g.requests.Load()) }

// Opened is how many connections the app has opened to the gateway's own listeners, probes not included.
func (g *Gateway) Opened() int64 { return g.opened.Load() }

// Limit lets the service take rps requests a second from now on, in bursts of up to one second's worth; what is over gets the provider's rate-limit words. Zero
// or less lifts the limit. Before the first call there is none.
func (g *Gateway) Limit(rps float64) { g.capacity.limit(rps) }

// minCapacity is the least that headroom gives, in requests a second: a share of nearly nothing would refuse the first two requests of a burst.
const minCapacity = 5

// Arm starts the service's capacity. baseline is the app's own rate to all services of the kind, in requests a second: when the others fail, all of it comes here.
func (g *Gateway) Arm(baseline float64) {
	switch {
	case g.cfg.Rate > 0:
		g.Limit(g.cfg.Rate)
	case g.cfg.Headroom > 0:
		g.Limit(max(minCapacity, (1+g.cfg.Headroom)*baseline))
	}
}

// URL is the app's address of the service at a host and port, key included. A storage service has its files below it, at /ipfs/<content id>, and a service of kind
// http its paths.
func (g *Gateway) URL(host string) string { return "http://" + host + g.Path() }

// WSURL is the same for WebSocket.
func (g *Gateway) WSURL(host string) string { return "ws://" + host + g.WSPath() }

// Path and WSPath are what follows host and port in the app's addresses.
func (g *Gateway) Path() string { return g.dialect.Path(g.cfg.Key) }

// WSPath is Path for WebSocket.
func (g *Gateway) WSPath() string { return g.dialect.WSPath(g.cfg.Key) }

// admit checks the address of a request, see Dialect.Admit. A key of the app's own is as good as the run's where the configuration says so.
func (g *Gateway) admit(path string, upgrade bool) (fault.HTTPReply, bool) {
	reply, ok := g.dialect.Admit(path, upgrade)
	if ok || g.cfg.Foreign == nil {
		return reply, ok
	}
	key, ok := g.dialect.KeyIn(path, upgrade)
	if !ok {
		return reply, false
	}
	if _, told := g.keys.LoadOrStore(key, true); !told {
		g.cfg.Foreign(key)
	}
	return fault.HTTPReply{}, true
}

// Handler serves one chain, "" for a service that serves none.
func (g *Gateway) Handler(chain string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.serve(chain, w, r) })
}

// Close cuts what is under way, stops listening and waits until nothing of the gateway runs, or until ctx ends. It may be called more than once.
func (g *Gateway) Close(ctx context.Context) error {
	g.stop()
	g.mu.Lock()
	g.closed = true
	servers := g.servers
	g.servers = nil
	g.mu.Unlock()

	var errs []error
	for _, s := range servers {
		if err := s.Shutdown(ctx); err != nil {
			errs = append(errs, err, s.Close())
		}
	}
	done := make(chan struct{})
	go func() {
		g.work.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		errs = append(errs, fmt.Errorf("sockets are still open: %w", ctx.Err()))
	}
	g.transport.CloseIdleConnections()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close gateway %s: %w", g.cfg.Service, err)
	}
	return nil
}

// begin registers a piece of work that Close waits for; false when the gateway is closed.
func (g *Gateway) begin() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.work.Add(1)
	return true
}

// rates are what the provider would show of the app's rate, in requests a second: what it is and what is allowed, 0 without a limit.
func (g *Gateway) rates() (current, allowed float64) {
	return g.meter.rate(g.cfg.Clock.Now()), g.capacity.allowed()
}

// note tells the reader of the history something about the harness itself.
func (g *Gateway) note(format string, args ...any) {
	text := fmt.Sprintf("gateway %s: ", g.cfg.Service) + fmt.Sprintf(format, args...)
	g.cfg.Sink.Add(history.Note{Text: g.redact(text), At: g.cfg.Clock.Now()})
}

// redact takes the app's key out of a text.
func (g *Gateway) redact(text string) string {
	if g.cfg.Key == "" {
		return text
	}
	return strings.ReplaceAll(text, g.cfg.Key, "[redacted]")
}
