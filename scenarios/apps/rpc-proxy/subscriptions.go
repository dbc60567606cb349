package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/gorilla/websocket"
)

const (
	pingEvery   = 250 * time.Millisecond
	silence     = time.Second            // a provider's connection without a word for so long is dead: a pong is due every pingEvery
	searchFor   = 2 * time.Second        // another provider, before the app's connection is ended
	searchRests = 200 * time.Millisecond // between two rounds
	remembered  = 512                    // logs of a subscription, to tell what was passed on already
	overlap     = 8                      // blocks that are asked for again when a subscription moves: more than two providers are apart
)

var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}

// user is an app's WebSocket.
type user struct {
	*proxy
	conn *websocket.Conn

	mu   sync.Mutex // guards writing, and what is below
	subs map[string]context.CancelFunc
	last uint64 // the id of the newest subscription
}

// serveSocket takes an app's connection until one of the two ends. Without a provider in service there is none: the app is told so.
func (p *proxy) serveSocket(w http.ResponseWriter, r *http.Request) {
	if !p.serves() {
		write(w, http.StatusServiceUnavailable, message{ID: json.RawMessage("null"), Error: nobody})
		return
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	u := &user{proxy: p, conn: conn, subs: map[string]context.CancelFunc{}}
	for {
		var m message
		if conn.ReadJSON(&m) != nil {
			return
		}
		answer, then := u.take(ctx, m)
		u.write(answer)
		if then != nil {
			then()
		}
	}
}

func (u *user) write(m message) {
	m.Version = "2.0"
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.conn.WriteJSON(m); err != nil {
		_ = u.conn.Close() // the one that reads will end
	}
}

// take answers a request: about subscriptions this proxy does, about all else a provider. then is for when the answer is written.
func (u *user) take(ctx context.Context, m message) (answer message, then func()) {
	switch m.Method {
	case "eth_subscribe":
		s, err := u.subscribe(ctx, m.Params)
		if err != nil {
			return message{ID: m.ID, Error: err}, nil
		}
		return message{ID: m.ID, Result: json.RawMessage(strconv.Quote(s.id))}, func() { close(s.told) }
	case "eth_unsubscribe":
		return message{ID: m.ID, Result: json.RawMessage(strconv.FormatBool(u.unsubscribe(m.Params)))}, nil
	}
	_, answer = u.answer(ctx, m)
	return answer, nil
}

func (u *user) unsubscribe(params json.RawMessage) bool {
	var ids []string
	if json.Unmarshal(params, &ids) != nil || len(ids) != 1 {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	cancel := u.subs[ids[0]]
	if cancel == nil {
		return false
	}
	cancel()
	delete(u.subs, ids[0])
	return true
}

// subscription is one to logs. It outlives the connections that feed it.
//
//	fed by a provider ──▶ that ends or falls silent ──▶ fed by the next, which is asked for what was missed
type subscription struct {
	*user
	id     string
	filter map[string]any
	told   chan struct{} // closed when the app knows the id
	from   uint64        // the first block whose logs are the app's
	newest uint64        // that a log was passed on of
	passed map[string]bool
	keys   []string // of passed, oldest first
}

func (u *user) subscribe(ctx context.Context, params json.RawMessage) (*subscription, *failure) {
	var kind string
	s := &subscription{user: u, filter: map[string]any{}, told: make(chan struct{}), passed: map[string]bool{}}
	if err := json.Unmarshal(params, &[]any{&kind, &s.filter}); err != nil || kind != "logs" {
		return nil, &failure{Code: -32602, Message: "this proxy has subscriptions to logs, with a filter"}
	}
	var head hexutil.Uint64
	result, err := u.forward(ctx, message{Version: "2.0", Method: "eth_blockNumber", Params: json.RawMessage("[]")})
	if err != nil || json.Unmarshal(result, &head) != nil {
		return nil, nobody
	}
	s.from = uint64(head) + 1
	u.mu.Lock()
	u.last++
	s.id = hexutil.EncodeUint64(u.last)
	ctx, u.subs[s.id] = context.WithCancel(ctx)
	u.mu.Unlock()
	begun := make(chan bool, 1)
	go s.keep(ctx, begun)
	if !<-begun {
		return nil, nobody
	}
	return s, nil
}

// keep has one provider after the other feed the subscription. When none does it ends the app's connection: an app that hears nothing has to be able to know why.
func (s *subscription) keep(ctx context.Context, begun chan<- bool) {
	begin := sync.OnceFunc(func() { begun <- true })
	for fed := time.Now(); ctx.Err() == nil && time.Since(fed) < searchFor; {
		for _, one := range s.order() {
			ok, err := s.feed(ctx, one, begin)
			if ctx.Err() != nil {
				break
			}
			slog.Warn("subscription ended", "provider", one.name, "err", err)
			one.down.Store(true)
			if !ok {
				continue
			}
			if s.loses {
				return
			}
			fed = time.Now()
			break
		}
		select {
		case <-time.After(searchRests):
		case <-ctx.Done():
		}
	}
	select {
	case begun <- false: // it never began: nobody has put anything in
	default:
	}
	if ctx.Err() == nil {
		text := websocket.FormatCloseMessage(websocket.CloseTryAgainLater, nobody.Message)
		_ = s.conn.WriteControl(websocket.CloseMessage, text, time.Now().Add(time.Second)) // it ends all the same
		_ = s.conn.Close()
	}
}

// feed passes on what a provider sends, until that ends. ok says that there was a subscription.
func (s *subscription) feed(ctx context.Context, one *provider, begin func()) (ok bool, err error) {
	limited, cancel := context.WithTimeout(ctx, callTimeout)
	conn, reply, err := websocket.DefaultDialer.DialContext(limited, one.socket, nil)
	cancel()
	if reply != nil {
		_ = reply.Body.Close()
	}
	if err != nil {
		return false, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	alive := func(string) error { return conn.SetReadDeadline(time.Now().Add(silence)) }
	conn.SetPongHandler(alive)
	if err := errors.Join(alive(""), conn.WriteJSON(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": []any{"logs", s.filter}})); err != nil {
		return false, err
	}
	var ack message
	if err := conn.ReadJSON(&ack); err != nil {
		return false, err
	}
	if ack.Error != nil {
		return false, ack.Error
	}
	begin()
	select {
	case <-s.told:
	case <-ctx.Done():
		return true, ctx.Err()
	}
	if err := s.missed(ctx); err != nil {
		return true, err
	}
	pinging, stop := context.WithCancel(ctx)
	defer stop()
	go ping(pinging, conn)
	for {
		if err := alive(""); err != nil {
			return true, err
		}
		var m struct {
			Params struct {
				Result json.RawMessage `json:"result"`
			} `json:"params"`
		}
		if err := conn.ReadJSON(&m); err != nil {
			return true, err
		}
		s.pass(m.Params.Result)
	}
}

func ping(ctx context.Context, conn *websocket.Conn) {
	for ctx.Err() == nil {
		if conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(pingEvery)) != nil {
			return // the one that reads will know
		}
		select {
		case <-time.After(pingEvery):
		case <-ctx.Done():
		}
	}
}

// missed asks for the logs since the last that was passed on, which nobody fed.
func (s *subscription) missed(ctx context.Context) error {
	filter := maps.Clone(s.filter)
	have := max(s.from-1, s.newest)
	filter["fromBlock"] = hexutil.EncodeUint64(have - min(have, overlap)) // a node that is behind refuses to begin after its head
	filter["toBlock"] = "latest"
	params, err := json.Marshal([]any{filter})
	if err != nil {
		return err
	}
	result, err := s.forward(ctx, message{Version: "2.0", Method: "eth_getLogs", Params: params})
	if err != nil {
		return err
	}
	var logs []json.RawMessage
	if err := json.Unmarshal(result, &logs); err != nil {
		return err
	}
	for _, log := range logs {
		s.pass(log)
	}
	return nil
}

// pass hands a log to the app, once; one that a reorganisation removed, if the app has it.
func (s *subscription) pass(log json.RawMessage) {
	var l struct {
		Block   common.Hash    `json:"blockHash"`
		Number  hexutil.Uint64 `json:"blockNumber"`
		Index   hexutil.Uint64 `json:"logIndex"`
		Removed bool           `json:"removed"`
	}
	if json.Unmarshal(log, &l) != nil || uint64(l.Number) < s.from {
		return
	}
	key := fmt.Sprint(l.Block, l.Index)
	if s.passed[key] != l.Removed {
		return
	}
	if l.Removed {
		delete(s.passed, key)
	} else {
		s.passed[key] = true
		s.keys = append(s.keys, key)
		s.newest = max(s.newest, uint64(l.Number))
	}
	if len(s.keys) > remembered {
		delete(s.passed, s.keys[0])
		s.keys = s.keys[1:]
	}
	params, err := json.Marshal(map[string]any{"subscription": s.id, "result": log})
	if err != nil {
		slog.Error("log not passed on", "err", err)
		return
	}
	s.write(message{Method: "eth_subscription", Params: params})
}
