package gateways

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
)

// writeTimeout is how long one message to the app may take before it counts as gone; geth's own (rpc/json.go, defaultWriteTimeout).
const writeTimeout = 10 * time.Second

// socket is an open WebSocket between the app and one node.
//
//	app ──▶ receive: rules, capacity ──▶ node
//	app ◀── outbox, after the latency ◀── deliver ◀── node
//
// Each message of the app is a request of its own, in the socket's region: a socket stays with the node that it was opened to. What the node sends always leaves
// it at once, since geth blocks the notifications of all while one subscriber does not read; an app that does not read fills its outbox and is cut.
type socket struct {
	g       *Gateway
	chain   string
	region  string
	probe   *mark
	app     *websocket.Conn
	home    *leg
	outbox  *outbox
	cut     context.CancelFunc // ends the socket at once
	closing atomic.Bool        // a closing frame is under way: what the app still sends is not taken
	pumps   sync.WaitGroup
	mu      sync.Mutex      // guards what follows
	astray  map[string]*leg // by the chain that requests were led to
	waiting map[waitKey][]*pending
}

// leg is the way between the socket and one node.
type leg struct {
	chain   string
	backend Backend
	node    *websocket.Conn
	leader  *fault.Grip // of the effect that led there; nil at home
}

// waitKey finds the request that an answer of a node belongs to.
type waitKey struct {
	leg   *leg
	batch bool
	id    string
}

// pending is a request that the node has yet to answer.
type pending struct {
	x     *exchange
	parts split
}

var upgrader = websocket.Upgrader{
	ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10, WriteBufferPool: &sync.Pool{},
	CheckOrigin:      func(*http.Request) bool { return true }, // providers take any origin; the key is the guard
	HandshakeTimeout: writeTimeout,
}

func dial(ctx context.Context, backend Backend) (*websocket.Conn, error) {
	dialer := websocket.Dialer{HandshakeTimeout: writeTimeout, ReadBufferSize: 16 << 10, WriteBufferPool: &sync.Pool{}}
	node, resp, err := dialer.DialContext(ctx, backend.WSURL(), nil)
	if resp != nil {
		resp.Body.Close()
	}
	return node, err
}

// upgrade opens a socket and serves it until either side, or the gateway, ends it.
func (g *Gateway) upgrade(ctx context.Context, chain string, probe *mark, w http.ResponseWriter, r *http.Request) {
	x := g.arrive(chain, transportWS, "", probe)
	x.opens = true
	refuse := func(reply fault.HTTPReply) { g.reply(ctx, w, x, func() fault.HTTPReply { return reply }) }
	if reply, ok := x.whole(false); ok {
		refuse(reply)
		return
	}
	if reply, ok := g.admit(r.URL.Path, true); !ok {
		refuse(reply)
		return
	}
	backend, err := g.cfg.Backend(chain, x.req.Region) // the effects that hold it count messages, not sockets
	if err != nil {
		refuse(g.unreachable(x, "of "+chain, err))
		return
	}
	if !g.begin() {
		x.record(history.ReplyAborted, 0, 0)
		panic(http.ErrAbortHandler)
	}
	defer g.work.Done()
	node, err := dial(ctx, backend)
	if err != nil {
		refuse(g.unreachable(x, backend.Name(), err))
		return
	}
	defer node.Close()
	if probe == nil && clock.Sleep(ctx, g.cfg.Latency) != nil {
		x.record(history.ReplyAborted, 0, 0)
		panic(http.ErrAbortHandler)
	}
	app, err := upgrader.Upgrade(w, r, nil) // on error it has answered 400 or 500
	if err != nil {
		x.record(history.ReplyHTTP, http.StatusBadRequest, 0)
		return
	}
	defer app.Close()
	x.record(history.ReplyOK, http.StatusSwitchingProtocols, 0)

	// The request's own context does not tell when a connection ends that was taken over.
	sctx, cut := context.WithCancel(g.ctx)
	s := &socket{
		g: g, chain: chain, region: x.req.Region, probe: probe, app: app, home: &leg{chain: chain, backend: backend, node: node},
		outbox: newOutbox(g.cfg.Clock, g.outboxBytes), cut: cut, astray: map[string]*leg{}, waiting: map[waitKey][]*pending{},
	}
	s.run(sctx)
}

// run moves messages both ways until the socket ends; then all that was not answered is recorded as aborted.
func (s *socket) run(ctx context.Context) {
	defer s.cut()
	stop := context.AfterFunc(ctx, func() {
		s.app.Close()
		s.home.node.Close()
	})
	defer stop()
	s.app.SetReadLimit(MaxBody)
	s.pumps.Go(func() { s.fromNode(s.home) })
	s.pumps.Go(func() {
		defer s.cut()
		s.outbox.drain(ctx, s.app)
	})
	s.fromApp(ctx)
	s.pumps.Wait()
	s.outbox.abandon()
	for _, list := range s.waiting {
		for _, p := range list {
			p.x.record(history.ReplyAborted, 0, 0)
		}
	}
}

// fromApp reads requests until the app hangs up or a rule closes the socket.
func (s *socket) fromApp(ctx context.Context) {
	for {
		kind, data, err := s.app.ReadMessage()
		if err != nil {
			s.cut()
			return
		}
		if kind == websocket.TextMessage || kind == websocket.BinaryMessage {
			if s.closing.Load() || !s.receive(ctx, kind, data) {
				s.discard()
				return
			}
		}
	}
}

// discard reads what the app still sends until it answers the closing handshake: a connection that is closed with unread data is reset, and the app might never
// see why.
func (s *socket) discard() {
	for {
		if _, _, err := s.app.NextReader(); err != nil {
			s.cut()
			return
		}
	}
}

// receive handles one message; false when the socket is to close, which the outbox does in its turn.
func (s *socket) receive(ctx context.Context, kind int, data []byte) bool {
	x := s.g.arrive(s.chain, transportWS, s.region, s.probe)
	x.read(data)
	if reply, ok := x.whole(true); ok {
		s.close(x, reply)
		return false
	}
	parts := x.divide()
	if parts.settled() {
		x.touchSplit(parts)
		return s.say(x, parts.body(x.message.batch))
	}
	if reply, ok := x.limited(); ok {
		s.close(x, reply)
		return false
	}
	x.touchSplit(parts)
	x.lead(parts)
	to, err := s.leg(ctx, parts)
	if err != nil {
		s.close(x, s.g.unreachable(x, "of "+x.chain(), err))
		return false
	}
	x.hold(to.backend)
	if key, ok := expected(x.message, parts); ok {
		key.leg = to
		s.mu.Lock()
		s.waiting[key] = append(s.waiting[key], &pending{x, parts})
		s.mu.Unlock()
	} else if !s.say(x, parts.body(x.message.batch)) { // only notifications go on
		return false
	}
	if len(x.sent) > 0 {
		x.carryWaiting(parts, to.backend)
	}
	if err := to.node.WriteMessage(kind, parts.left(x.message, data)); err != nil {
		s.cut()
		return false
	}
	return true
}

// leg finds the way for a request, and opens the one to another chain's node when a rule leads there first.
func (s *socket) leg(ctx context.Context, parts split) (*leg, error) {
	if parts.leader == nil {
		return s.home, nil
	}
	s.mu.Lock()
	to := s.astray[parts.chain]
	s.mu.Unlock()
	if to != nil {
		return to, nil
	}
	backend, err := s.g.cfg.Backend(parts.chain, s.region)
	if err != nil {
		return nil, err
	}
	node, err := dial(ctx, backend)
	if err != nil {
		return nil, err
	}
	to = &leg{chain: parts.chain, backend: backend, node: node, leader: parts.leader}
	s.mu.Lock()
	s.astray[parts.chain] = to
	s.mu.Unlock()
	s.pumps.Go(func() {
		defer node.Close()
		defer context.AfterFunc(ctx, func() { node.Close() })()
		s.fromNode(to)
	})
	return to, nil
}

// expected is how the node's answer to the rest of a request will be known; ok is false if there will be none.
func expected(m message, parts split) (waitKey, bool) {
	key := waitKey{batch: m.batch}
	if len(m.calls) == 0 {
		return waitKey{id: "null"}, true // an empty batch, or no JSON: one error without an id
	}
	for i, c := range m.calls {
		if parts.own[i].taken {
			continue
		}
		if id, ok := c.expects(); ok {
			key.id = id
			return key, true
		}
	}
	return key, false
}

// fromNode delivers what a node sends, until it hangs up.
func (s *socket) fromNode(from *leg) {
	for {
		kind, data, err := from.node.ReadMessage()
		if err != nil {
			var ce *websocket.CloseError
			if errors.As(err, &ce) && ce.Code != websocket.CloseAbnormalClosure && ce.Code != websocket.CloseNoStatusReceived {
				s.push(frame{kind: websocket.CloseMessage, data: websocket.FormatCloseMessage(ce.Code, ce.Text)})
			} else {
				s.push(frame{kind: cutFrame})
			}
			return
		}
		if !s.deliver(from, kind, data) {
			return
		}
	}
}

// deliver passes on one message of a node: an answer to a request, or a subscription's notification.
func (s *socket) deliver(from *leg, kind int, data []byte) bool {
	answers, batch, ok := parseAnswers(data)
	announces := ok && len(answers) > 0 && answers[0].announces
	if announces && from.leader != nil && !s.g.rules.leads(from.leader) {
		// The way is put right. Nothing else would tell an app that subscribed meanwhile that it hears from the wrong chain.
		s.cut()
		return false
	}
	var p *pending
	if ok && !announces {
		p = s.claim(from, answers, batch)
	}
	if p == nil {
		return s.push(frame{kind: kind, data: data})
	}
	data = p.x.finish(p.parts, from.backend, data)
	if p.parts.loser != nil {
		return s.lose(p)
	}
	return s.push(frame{kind: kind, data: data, x: p.x})
}

// lose keeps the answer to a request back; false when the socket ends by that.
func (s *socket) lose(p *pending) bool {
	p.x.touch(p.parts.loser, fault.LayerRPC)
	switch loss := p.parts.loss; loss.Mode {
	case fault.LossHang:
		p.x.record(history.ReplyLost, 0, 0)
		return true
	case fault.LossStatus:
		s.close(p.x, s.g.dialect.Unavailable(p.x.req, loss.Status))
	default:
		p.x.record(history.ReplyLost, 0, 0)
		reset(s.app.NetConn())
		s.cut()
	}
	return false
}

// claim finds the request that a reply answers.
func (s *socket) claim(from *leg, answers []answer, batch bool) *pending {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range answers {
		key := waitKey{from, batch, string(a.id)}
		list := s.waiting[key]
		if len(list) == 0 {
			continue
		}
		if s.waiting[key] = list[1:]; len(list) == 1 {
			delete(s.waiting, key)
		}
		return list[0]
	}
	return nil
}

// say answers a request in the node's stead; a request without an answer is recorded at once.
func (s *socket) say(x *exchange, body []byte) bool {
	if len(body) == 0 {
		x.record(history.ReplyOK, 0, 0)
		return true
	}
	return s.push(frame{kind: websocket.TextMessage, data: body, x: x})
}

// close ends the socket as providers do when they refuse a message: there is no status to send, so the close code says it (RFC 6455, section 7.4, and the IANA
// registry for 1013).
func (s *socket) close(x *exchange, reply fault.HTTPReply) {
	code := websocket.CloseInternalServerErr
	switch {
	case reply.Status == http.StatusTooManyRequests:
		code = websocket.CloseTryAgainLater
	case reply.Status < http.StatusInternalServerError:
		code = websocket.ClosePolicyViolation
	}
	s.closing.Store(true)
	s.push(frame{
		kind: websocket.CloseMessage, data: websocket.FormatCloseMessage(code, http.StatusText(reply.Status)),
		x: x, refused: &reply, delay: reply.Delay,
	})
}

// push puts a frame into the outbox, after the service's latency; when that is full the socket is cut.
func (s *socket) push(f frame) bool {
	if s.probe == nil {
		f.delay += s.g.cfg.Latency
	}
	if !s.outbox.push(f) {
		s.cut()
		return false
	}
	return true
}
