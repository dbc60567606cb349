package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits of one call. A healthy provider answers in tens of milliseconds; a user waits for about two seconds.
const (
	callTimeout = 600 * time.Millisecond
	inFlight    = 16      // calls at once, to all sources together
	maxReply    = 4 << 20 // bytes
)

// The circuit breaker, and how long a source may ask to be left alone.
const (
	tripAfter   = 3 // failures in a row
	firstPause  = 250 * time.Millisecond
	longPause   = time.Second
	longestWait = 30 * time.Second
)

// Why there is no answer, when no source said so.
var (
	errUnsent = errors.New("the request was not sent") // for certain: nothing of it left, or it was turned away unread
	errBusy   = fmt.Errorf("too many calls are under way: %w", errUnsent)
	errAbsent = errors.New("the provider does not know that") // null: another one may
)

// outside is what all calls share.
type outside struct {
	flaws flaws
	names *names
	slots chan struct{} // one token for each call that is under way
	now   func() time.Time
}

func newOutside(f flaws, resolver string, now func() time.Time) *outside {
	return &outside{flaws: f, names: newNames(resolver, f), slots: make(chan struct{}, inFlight), now: now}
}

// source is a service that the wallet asks, a provider of the chain or a gateway of pictures, and what is known of its health.
//
//	in service ── 3 failures in a row ──► resting ── pause over: one probe ──► in service, or resting for twice as long, 1 s at most
type source struct {
	*outside
	name, address, ws string
	client            *http.Client

	mu        sync.Mutex
	failures  int           // in a row; guarded by mu, as are those below
	pause     time.Duration // of the present rest; 0 in service
	rests     time.Time     // until then
	notBefore time.Time     // it asked to be left alone until then
	onChain   bool          // at the last look it was on the wallet's chain
}

func newSource(o *outside, address, ws string) (*source, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("an entry is not an http or https address") // which may hold a key, and so is not shown
	}
	return &source{outside: o, name: u.Host, address: strings.TrimSuffix(address, "/"), ws: ws, client: &http.Client{Transport: &http.Transport{
		DialContext: o.names.dial, MaxIdleConnsPerHost: inFlight, IdleConnTimeout: 30 * time.Second,
	}}}, nil
}

// inService says whether users' requests may go there.
func (s *source) inService() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pause == 0 && !s.now().Before(s.notBefore)
}

// rest is how long it must be left alone by everybody, probes too; 0 or less: no longer.
func (s *source) rest() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.rests.Sub(s.now()), s.notBefore.Sub(s.now()))
}

// statusError is an HTTP answer that is no 200. wait is how long the source asks to be left alone.
type statusError struct {
	code int
	wait time.Duration
}

func (e statusError) Error() string { return "HTTP " + strconv.Itoa(e.code) }

// Unwrap tells a 429 from errors that leave open what became of the request.
func (e statusError) Unwrap() error {
	if e.code == http.StatusTooManyRequests {
		return errUnsent
	}
	return nil
}

// note takes the outcome of a call into account. An error that the source itself formulated is no failure, since it works; and a request that the caller gave up
// says nothing.
func (s *source) note(ctx context.Context, err error) {
	if err != nil && (ctx.Err() != nil || errors.Is(err, errBusy)) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var status statusError
	var said *rpcError
	switch {
	case err == nil:
		if s.pause > 0 {
			slog.Info("source is back", "source", s.name)
		}
		s.failures, s.pause, s.rests = 0, 0, time.Time{}
	case errors.As(err, &status) && status.wait > 0:
		if !s.flaws[ignoresRetryAfter] {
			s.notBefore = s.now().Add(status.wait)
		}
	case errors.As(err, &said):
		if said.wait > 0 && !s.flaws[ignoresRetryAfter] {
			s.notBefore = s.now().Add(said.wait)
		}
	case s.flaws[noBackoff]:
	default:
		s.failures++
		if s.failures < tripAfter || s.now().Before(s.rests) {
			return
		}
		if s.pause == 0 {
			slog.Warn("source rests", "source", s.name, "err", err)
		}
		s.pause = min(max(2*s.pause, firstPause), longPause)
		s.rests = s.now().Add(time.Duration(float64(s.pause) * (0.8 + 0.4*rand.Float64())))
	}
}

// within puts a call's deadline on a context.
func (s *source) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.flaws[noDeadline] {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, callTimeout)
}

// fetch makes one HTTP request within the deadline and gives the body of a 200.
func (s *source) fetch(ctx context.Context, method, address string, body []byte) ([]byte, error) {
	patient, cancel := s.within(ctx)
	defer cancel()
	select {
	case s.slots <- struct{}{}:
	case <-patient.Done():
		return nil, errBusy
	}
	limited, cancel := s.within(ctx)
	reply, free, err := s.exchange(limited, method, address, body)
	if err == nil || !s.flaws[leaksConnections] {
		free()
		cancel()
		<-s.slots
	}
	if err != nil {
		s.client.CloseIdleConnections() // they may lead to where it no longer is
	}
	return reply, err
}

// exchange gives, beside the body, what frees the connection.
func (s *source) exchange(ctx context.Context, method, address string, body []byte) (data []byte, free func(), err error) {
	free = func() {}
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, free, errUnsent
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	reply, err := s.client.Do(r) //nolint:bodyclose // the caller closes it with free, or leaks it, which is one of the flaws
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // without the address
		}
		var dialled *net.OpError
		if errors.As(err, &dialled) && dialled.Op == "dial" {
			err = fmt.Errorf("%w: %w", errUnsent, err)
		}
		return nil, free, err
	}
	free = func() { _ = reply.Body.Close() }
	data, err = io.ReadAll(io.LimitReader(reply.Body, maxReply))
	switch {
	case err != nil:
		return nil, free, err
	case reply.StatusCode != http.StatusOK:
		return nil, free, statusError{reply.StatusCode, s.waitAsked(reply, data)}
	}
	return data, free, nil
}

// waitAsked reads how long a source that refuses wants to be left alone: Retry-After in seconds or as a date (RFC 9110, section 10.2.3), or the backoff_seconds of a
// JSON-RPC error's data.
func (s *source) waitAsked(reply *http.Response, body []byte) time.Duration {
	if reply.StatusCode != http.StatusTooManyRequests && reply.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	var wait time.Duration
	after := reply.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(after, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(after); err == nil {
		wait = at.Sub(s.now())
	}
	var refusal struct{ Error *rpcError }
	if wait <= 0 && json.Unmarshal(body, &refusal) == nil && refusal.Error != nil {
		wait = refusal.Error.asksFor()
	}
	return min(max(wait, 0), longestWait)
}

// rpcError is what a node says no with.
type rpcError struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`

	wait time.Duration // it asks to be left alone for so long
}

func (e *rpcError) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

func (e *rpcError) asksFor() time.Duration {
	var data struct {
		Backoff float64 `json:"backoff_seconds"`
	}
	if json.Unmarshal(e.Data, &data) != nil || data.Backoff <= 0 {
		return 0
	}
	return time.Duration(min(data.Backoff, longestWait.Seconds()) * float64(time.Second))
}

// query is one JSON-RPC call and what came of it.
type query struct {
	method string
	params []any
	result json.RawMessage
	err    error
}

func ask(method string, params ...any) *query {
	if params == nil {
		params = []any{}
	}
	return &query{method: method, params: params}
}

// call sends queries in one request, so that their answers belong together. Its error is that of the whole; each query has its own beside it.
func (s *source) call(ctx context.Context, queries ...*query) error {
	type message struct {
		Version string `json:"jsonrpc"`
		ID      int    `json:"id"`
		Method  string `json:"method"`
		Params  []any  `json:"params"`
	}
	batch := make([]message, len(queries))
	for i, q := range queries {
		batch[i] = message{"2.0", i + 1, q.method, q.params}
	}
	var body any = batch
	if len(batch) == 1 {
		body = batch[0]
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	data, err := s.fetch(ctx, http.MethodPost, s.address, text)
	if err == nil {
		err = s.read(data, queries)
	}
	s.note(ctx, err)
	for _, q := range queries {
		if said := new(rpcError); errors.As(q.err, &said) {
			s.note(ctx, said)
		}
	}
	return err
}

// read holds a body against what was asked: every query has a member with its id, and that a result or an error.
func (s *source) read(data []byte, queries []*query) error {
	type member struct {
		ID     int             `json:"id"`
		Result json.RawMessage `json:"result"`
		Error  *rpcError       `json:"error"`
	}
	var members []member
	if data = bytes.TrimSpace(data); len(data) > 0 && data[0] == '{' {
		data = append(append([]byte{'['}, data...), ']')
	}
	if err := json.Unmarshal(data, &members); err != nil {
		return errors.New("the body is not JSON-RPC")
	}
	for _, q := range queries {
		q.result, q.err = nil, errors.New("the body has no answer to it")
	}
	for _, m := range members {
		if m.ID < 1 || m.ID > len(queries) {
			continue
		}
		q := queries[m.ID-1]
		q.result, q.err = m.Result, nil
		switch {
		case s.flaws[uncheckedBody]:
		case m.Error != nil:
			m.Error.wait = m.Error.asksFor()
			q.err = m.Error
		case m.Result == nil:
			q.err = errors.New("the answer has no result")
		}
	}
	return nil
}

// value decodes a query's result. null is errAbsent, except in a wallet that does not look.
func value[T any](s *source, q *query) (T, error) {
	var v T
	if q.err != nil {
		return v, fmt.Errorf("%s: %w", q.method, q.err)
	}
	if len(q.result) == 0 || string(q.result) == "null" {
		if s.flaws[uncheckedBody] {
			return v, nil
		}
		return v, fmt.Errorf("%s: %w", q.method, errAbsent)
	}
	if err := json.Unmarshal(q.result, &v); err != nil {
		return v, fmt.Errorf("%s: the result is no %T", q.method, v)
	}
	return v, nil
}

// again asks a question. Without back-off a failure is made up for by insistence: 25 times, for a second at most.
func (s *source) again(ctx context.Context, call func() error) error {
	err := call()
	var said *rpcError
	for n, until := 1, s.now().Add(time.Second); s.flaws[noBackoff] && n < 25 && s.now().Before(until) && ctx.Err() == nil; n++ {
		if err == nil || errors.As(err, &said) || errors.Is(err, errAbsent) {
			break
		}
		err = call()
	}
	return err
}

// pool is a list of sources in order of preference.
type pool struct {
	flaws flaws
	all   []*source

	mu     sync.Mutex
	pinned *source // without the return to the preferred one: the only one that is asked any more; guarded by mu
}

// order lists those to ask now, the best first: those in service, in order of preference, anew for each request.
func (p *pool) order() []*source {
	p.mu.Lock()
	pinned := p.pinned
	p.mu.Unlock()
	var list []*source
	for _, s := range p.all {
		if s.inService() && (pinned == nil || s == pinned) {
			list = append(list, s)
		}
	}
	return list
}

// failed is told of a failure of one of them.
func (p *pool) failed(s *source) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.flaws[stickyFallback] && p.pinned == nil && s == p.all[0] && len(p.all) > 1 {
		p.pinned = p.all[1]
	}
}
