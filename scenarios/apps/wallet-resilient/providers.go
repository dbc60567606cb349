package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
)

// Time limits of one call. A healthy provider answers in tens of milliseconds; a user waits for about two seconds.
const (
	callTimeout = 600 * time.Millisecond
	hedgeAfter  = 250 * time.Millisecond // then the next provider is asked as well
)

// The circuit breaker of a provider.
const (
	tripAfter  = 3 // failures in a row
	minBackoff = 500 * time.Millisecond
	maxBackoff = 4 * time.Second
)

// errUnknownHere is a provider's honest "I do not have that (yet)": another may.
var errUnknownHere = errors.New("the provider does not know it")

// provider is one RPC provider and what is known of its health.
//
//	closed ── three failures in a row ──► open ── back-off over ──► half-open: only the head poll asks
//	   ▲                                    ▲                          │
//	   │                                    └───── it failed: twice ───┤
//	   └───────────────────────────────── it answered ─────────────────┘
type provider struct {
	name  string // the host of its address: the path may hold a key, so it is never logged
	place int    // in the order of preference, from 0
	rpc   *rpc.Client
	eth   *ethclient.Client
	now   func() time.Time

	mu        sync.Mutex
	rand      *rand.Rand    // guarded by mu, as are those below
	failRate  float64       // moving average, 0 to 1
	latency   time.Duration // moving average of the answers
	failures  int           // in a row
	backoff   time.Duration // of the present opening; 0 when closed
	openUntil time.Time
}

func newProvider(address string, place int, now func() time.Time) (*provider, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("RPC_URLS: entry %d is not an http or https address", place+1)
	}
	client, err := rpc.DialOptions(context.Background(), address, rpc.WithHTTPClient(&http.Client{Transport: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: callTimeout, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: callTimeout,
		MaxIdleConnsPerHost: 16, // the default of 2 opens new connections under load, and those are what a failing region refuses first
		IdleConnTimeout:     time.Minute,
		ForceAttemptHTTP2:   true,
	}}))
	if err != nil {
		return nil, fmt.Errorf("RPC_URLS: entry %d: %w", place+1, withoutAddress(err))
	}
	return &provider{
		name: u.Host, place: place, rpc: client, eth: ethclient.NewClient(client), now: now,
		rand: rand.New(rand.NewPCG(uint64(now().UnixNano()), uint64(place))),
	}, nil
}

// usable says whether users' requests may go there: the circuit is closed.
func (p *provider) usable() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.backoff == 0
}

// rest is how long the head poll has to wait before it may ask again, with a jitter of a fifth so that wallets do not return all at once.
func (p *provider) rest(interval time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	jittered := time.Duration(float64(interval) * (0.9 + 0.2*p.rand.Float64()))
	return max(jittered, p.openUntil.Sub(p.now()))
}

// cost ranks providers, the lowest first: one place in the order of preference is worth ten points of failures in a hundred, or 200 ms.
func (p *provider) cost() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return float64(p.place) + 10*p.failRate + float64(p.latency)/float64(200*time.Millisecond)
}

// note takes the outcome of one call into account.
func (p *provider) note(err error, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	const weight = 0.1
	switch {
	case err == nil || isAboutRequest(err):
		p.failRate *= 1 - weight
		p.latency += time.Duration(weight * float64(took-p.latency))
		if p.backoff > 0 {
			slog.Info("provider is back", "provider", p.name)
		}
		p.failures, p.backoff, p.openUntil = 0, 0, time.Time{}
	case errors.Is(err, errUnknownHere):
		p.failRate += weight * (1 - p.failRate)
	default:
		p.failRate += weight * (1 - p.failRate)
		p.failures++
		halfOpen := p.backoff > 0 && !p.now().Before(p.openUntil)
		if p.failures < tripAfter && !halfOpen || p.backoff > 0 && !halfOpen {
			return
		}
		if p.backoff == 0 {
			slog.Warn("provider is left alone for a while", "provider", p.name, "err", withoutAddress(err))
		}
		p.backoff = min(max(2*p.backoff, minBackoff), maxBackoff)
		p.openUntil = p.now().Add(time.Duration(float64(p.backoff) * (0.8 + 0.4*p.rand.Float64())))
	}
}

// ranked lists the providers to ask, the best first: those that are usable, or all of them when none is.
func ranked(ps []*provider) []*provider {
	costs := make(map[*provider]float64, len(ps))
	var list []*provider
	for _, p := range ps {
		costs[p] = p.cost()
		if p.usable() {
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		list = slices.Clone(ps)
	}
	slices.SortStableFunc(list, func(a, b *provider) int { return cmp.Compare(costs[a], costs[b]) })
	return list
}

// call asks one provider within callTimeout and notes how it went.
func call[T any](ctx context.Context, p *provider, ask func(context.Context, *provider) (T, error)) (T, error) {
	limited, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	start := p.now()
	value, err := ask(limited, p)
	if lacksBlock(err) {
		err = fmt.Errorf("%w: %w", errUnknownHere, err)
	}
	took := p.now().Sub(start)
	if err == nil || ctx.Err() == nil || took >= hedgeAfter {
		p.note(err, took) // also when another was faster by so much; a call that was given up sooner says nothing
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", p.name, withoutAddress(err))
	}
	return value, err
}

// first asks the best provider, and the next whenever one fails or dawdles, twice around at most. The first good answer wins. ctx bounds the whole.
func first[T any](ctx context.Context, ps []*provider, ask func(context.Context, *provider) (T, error)) (T, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		value T
		err   error
	}
	order := ranked(ps)
	order = append(order, order...)
	answers := make(chan answer, len(order))
	asked, open := 0, 0
	hedge := time.NewTimer(hedgeAfter)
	defer hedge.Stop()
	askNext := func() {
		if asked == len(order) {
			return
		}
		p := order[asked]
		asked, open = asked+1, open+1
		hedge.Reset(hedgeAfter)
		go func() {
			value, err := call(ctx, p, ask)
			answers <- answer{value, err}
		}()
	}

	var errs []error
	var none T
	for askNext(); open > 0; {
		select {
		case a := <-answers:
			open--
			if a.err == nil {
				return a.value, nil
			}
			errs = append(errs, a.err)
			askNext()
		case <-hedge.C:
			askNext()
		case <-ctx.Done():
			return none, errors.Join(append(errs, ctx.Err())...)
		}
	}
	return none, errors.Join(errs...)
}

// isAboutRequest tells a provider's answer about what was asked from a failure of the provider. Nodes have no codes for it, so the words decide; these are geth's.
func isAboutRequest(err error) bool {
	var answered rpc.Error
	if !errors.As(err, &answered) {
		return false
	}
	for _, words := range []string{"already known", "nonce too low", "insufficient funds", "underpriced", "execution reverted"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}

// lacksBlock says that a node does not have the block that was named: one that lags behind, or one on another branch.
func lacksBlock(err error) bool {
	var answered rpc.Error
	return errors.As(err, &answered) && (strings.Contains(err.Error(), "header not found") || strings.Contains(err.Error(), "header for hash not found"))
}

// withoutAddress drops the address from a transport error: providers put keys into it.
func withoutAddress(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
