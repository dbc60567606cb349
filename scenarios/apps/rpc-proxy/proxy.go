package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"
)

const (
	callTimeout = 600 * time.Millisecond // of one provider; a user waits for about two seconds
	checkEvery  = 500 * time.Millisecond
	maxBody     = 4 << 20
)

// Codes of JSON-RPC errors that are about the provider and not about what was asked: another one is asked then.
const (
	codeInternal = -32603
	codeLimit    = -32005
)

// message is a JSON-RPC request or response, and a notification.
type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *failure        `json:"error,omitempty"`
}

type failure struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// nobody is what an app is told when no provider answers.
var nobody = &failure{Code: codeInternal, Message: "no provider answers"}

func (f *failure) Error() string { return fmt.Sprintf("%s (%d)", f.Message, f.Code) }

// provider is one RPC provider. It is in service while its health check, and each call, succeeds.
type provider struct {
	name, address, socket string
	client                *http.Client
	down                  atomic.Bool
}

// check asks for the head until ctx ends. What this says is all that brings a provider back.
func (p *provider) check(ctx context.Context) {
	for ctx.Err() == nil {
		_, err := p.call(ctx, message{Version: "2.0", ID: json.RawMessage("1"), Method: "eth_blockNumber", Params: json.RawMessage("[]")})
		if was := p.down.Swap(err != nil); ctx.Err() == nil && was != (err != nil) {
			slog.Info("health check", "provider", p.name, "err", err)
		}
		select {
		case <-time.After(checkEvery):
		case <-ctx.Done():
		}
	}
}

// call asks one provider. The error is a *failure for one that a node formulated.
func (p *provider) call(ctx context.Context, m message) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.address, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	reply, err := p.client.Do(r)
	if err != nil {
		p.client.CloseIdleConnections() // they may lead to where it no longer is
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // without the address
		}
		return nil, err
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP %d", reply.StatusCode)
	}
	var answer message
	if err := json.NewDecoder(io.LimitReader(reply.Body, maxBody)).Decode(&answer); err != nil {
		return nil, fmt.Errorf("the body is no JSON-RPC: %w", err)
	}
	switch {
	case !bytes.Equal(answer.ID, m.ID):
		return nil, errors.New("the answer is to another request")
	case answer.Error != nil:
		return nil, answer.Error
	case answer.Result == nil:
		return nil, errors.New("the answer has no result")
	}
	return answer.Result, nil
}

// proxy is the whole app.
type proxy struct {
	providers []*provider
	loses     bool // subscriptions, see lostSubscriptions
}

// order lists the providers to ask: those in service, or all when none is.
func (p *proxy) order() (list []*provider) {
	for _, one := range p.providers {
		if !one.down.Load() {
			list = append(list, one)
		}
	}
	if len(list) == 0 {
		return p.providers
	}
	return list
}

// forward asks one provider after the other. A transaction may be sent twice so: its bytes are the same, and a node takes them once.
func (p *proxy) forward(ctx context.Context, m message) (json.RawMessage, error) {
	if m.ID == nil {
		m.ID = json.RawMessage("1")
	}
	var last error
	for _, one := range p.order() {
		result, err := one.call(ctx, m)
		var said *failure
		switch {
		case err == nil:
			return result, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.As(err, &said) && said.Code != codeInternal && said.Code != codeLimit:
			return nil, said
		case !errors.As(err, &said):
			one.down.Store(true)
		}
		slog.Warn("next provider", "after", one.name, "method", m.Method, "err", err)
		last = err
	}
	return nil, fmt.Errorf("no provider answers: %w", last)
}

// serves reports whether a provider is in service.
func (p *proxy) serves() bool {
	return slices.ContainsFunc(p.providers, func(one *provider) bool { return !one.down.Load() })
}

// health is what the method proxy_health says.
func (p *proxy) health() json.RawMessage {
	if p.serves() {
		return json.RawMessage(`{"status":"ok"}`)
	}
	return json.RawMessage(`{"status":"trouble"}`)
}

func (p *proxy) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /ws", p.serveSocket)
	mux.HandleFunc("POST /", p.serve)
	return mux
}

// serve answers one JSON-RPC request. An error of a node is passed on as it is; when nobody answers, that is a 503.
func (p *proxy) serve(w http.ResponseWriter, r *http.Request) {
	var m message
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&m); err != nil || m.Method == "" {
		write(w, http.StatusBadRequest, message{ID: json.RawMessage("null"), Error: &failure{Code: -32600, Message: "not one JSON-RPC request"}})
		return
	}
	status, answer := p.answer(r.Context(), m)
	write(w, status, answer)
}

func (p *proxy) answer(ctx context.Context, m message) (status int, answer message) {
	if m.Method == "proxy_health" {
		return http.StatusOK, message{ID: m.ID, Result: p.health()}
	}
	result, err := p.forward(ctx, m)
	var said *failure
	switch {
	case err == nil:
		return http.StatusOK, message{ID: m.ID, Result: result}
	case errors.As(err, &said):
		return http.StatusOK, message{ID: m.ID, Error: said}
	}
	return http.StatusServiceUnavailable, message{ID: m.ID, Error: nobody}
}

func write(w http.ResponseWriter, status int, m message) {
	m.Version = "2.0"
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(m); err != nil {
		slog.Debug("answer not written", "err", err)
	}
}
