package journey

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/harness/spec"
)

// How a user's client comes back after a connection that ended: at once if that had lasted for long enough, else after a pause that doubles up to a second.
const (
	lasting    = time.Second
	firstPause = 100 * time.Millisecond
	longPause  = time.Second
)

// streamBody is how much is recorded of a message without a field that the app file looks for, in bytes.
const streamBody = 512

// sockets are the subscriptions of a journey: one a session, open from the start of Run, or from a session's first attempt in the preflight, until Close.
//
// The open model wants attempts at a rate, and a subscription has none: the app speaks when something happens. So an attempt is a look at the screen. It pings the app
// over the session's connection and waits for the pong, which every WebSocket endpoint has to answer a ping with (RFC 6455, section 5.5.2) and before which has
// come whatever the app had pushed; its answer is all that the subscription has brought to the session so far. The check of a list of events then holds it against the
// reference chain as any other list: an event that the list lacks though it is max_stale blocks old was missed, one that stands in it twice was repeated.
//
//   - A connection that is open and silent is no ok: the pong shows that somebody is there, the list that they say nothing. Without a pong it is a hang.
//   - What was missed stays missed until the app brings it, on whichever connection: as for a user, who has lost a deposit until it is shown.
//   - An attempt that finds no connection waits for what becomes of the next try to open one, and ends as that does: refused, declined with HTTP 503, or well.
type sockets struct {
	upgrade  *template
	send     any // text as it is, any other value as JSON; nil: nothing is sent
	messages *messages
	acked    bool // a subscription is open with the message that has the field subscribed, else with the sending
	plan     plan.Journey

	mu  sync.Mutex
	all map[int]*subscription // by session
}

func (r *Runner) compileSockets(p plan.Journey, j spec.Journey, known func(name string) bool) (*sockets, error) {
	upgrade, err := compileRequest(spec.Request{Method: http.MethodGet, Path: j.Connect, Headers: j.Request.Headers}, r.cfg.App.Sessions.Headers, known)
	if err != nil {
		return nil, err
	}
	s := &sockets{upgrade: upgrade, send: j.Send, plan: p, all: map[int]*subscription{}}
	if _, err := s.greeting(func(name string) (string, bool) { return "1", known(name) }); err != nil {
		return nil, err
	}
	s.messages, err = newMessages(j)
	_, s.acked = j.Answer[fieldSubscribed]
	return s, err
}

// greeting is what a client sends first; nil for nothing.
func (s *sockets) greeting(vars lookup) ([]byte, error) {
	if text, ok := s.send.(string); ok {
		text, err := spec.Expand(text, vars)
		if err != nil {
			return nil, fmt.Errorf("send: %w", err)
		}
		return []byte(text), nil
	}
	if s.send == nil {
		return nil, nil
	}
	text, err := (&template{json: s.send}).body(vars)
	if err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	return text, nil
}

// needs is false: only follow-ups are asked, and events are not followed.
func (s *sockets) needs(func(name string) bool) bool { return false }

// of is the subscription of a session, which is opened if it is new.
func (s *sockets) of(r *Runner, user *session) *subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := s.all[user.index]
	if sub == nil {
		sub = &subscription{sockets: s, runner: r, session: user, try: newTry()}
		s.all[user.index] = sub
		r.streams.Go(func() { sub.run(r.life) })
	}
	return sub
}

// prepare makes a look at the screen ready.
func (s *sockets) prepare(ctx context.Context, r *Runner, user *session, _ lookup) (func() (reply, error), error) {
	sub := s.of(r, user)
	return func() (reply, error) { return sub.look(ctx) }, nil
}

// subscription is one session's, over whatever connections it takes.
//
//	trying ──▶ open ──▶ lost ──▶ pause, if it was short ──▶ trying …
//	   └─────▶ failed ──▶ pause ──▶ trying …
type subscription struct {
	*sockets
	runner  *Runner
	session *session

	mu     sync.Mutex // guards all below
	try    *try       // the present or the next one
	feed   feed
	opened int // connections so far
}

// try is an attempt to open a connection. done is closed when it is known what became of it.
type try struct {
	done chan struct{}
	conn *connection // nil for one that failed, of which reply and err tell
	rep  reply
	err  error
}

func newTry() *try { return &try{done: make(chan struct{})} }

// run keeps the subscription open until ctx ends.
func (s *subscription) run(ctx context.Context) {
	pause := time.Duration(0)
	for ctx.Err() == nil {
		conn, rep, err := s.open(ctx)
		s.settle(conn, rep, err)
		if conn != nil {
			began := s.runner.cfg.Clock.Now()
			s.runner.streamed(s, conn.number, history.Stream{Event: history.StreamOpened})
			err = conn.listen(ctx)
			s.lose(ctx, conn, err)
			if s.runner.cfg.Clock.Now()-began >= clock.Of(lasting) {
				pause = 0
				continue
			}
		}
		pause = min(max(2*pause, firstPause), longPause)
		_ = clock.Sleep(ctx, pause) // the loop looks at ctx
	}
}

// settle tells those who wait what became of a try.
func (s *subscription) settle(conn *connection, rep reply, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.try.conn, s.try.rep, s.try.err = conn, rep, err
	close(s.try.done)
	if conn == nil {
		s.try = newTry()
	}
}

// lose ends a connection: looks wait for the next one.
func (s *subscription) lose(ctx context.Context, conn *connection, err error) {
	s.mu.Lock()
	s.try = newTry()
	s.mu.Unlock()
	conn.end(err)
	if ctx.Err() == nil {
		_, detail := classify(ctx, err)
		s.runner.streamed(s, conn.number, history.Stream{Event: history.StreamLost, Detail: detail})
	}
}

// open makes a connection and subscribes, within the journey's patience. Of an app that answers, but does not open one, it gives the answer.
func (s *subscription) open(ctx context.Context) (*connection, reply, error) {
	ctx, cancel := context.WithTimeout(ctx, s.plan.Patience.Duration())
	defer cancel()
	vars := s.runner.scope(s.session, nil)
	req, err := s.upgrade.build(ctx, s.runner.cfg.URL(s.session.index), vars)
	if err != nil {
		return nil, reply{}, err
	}
	greeting, err := s.greeting(vars)
	if err != nil {
		return nil, reply{}, err
	}
	header := req.Header.Clone()
	if req.Host != req.URL.Host {
		header.Set("Host", req.Host)
	}
	dialer := websocket.Dialer{Jar: s.session.client.Jar}
	socket, resp, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(req.URL.String(), "http"), header) //nolint:bodyclose // of a handshake it has no connection below it: the library has read what it keeps
	if errors.Is(err, websocket.ErrBadHandshake) {
		body, _ := io.ReadAll(resp.Body) // the library keeps the first kilobyte
		return nil, reply{status: resp.StatusCode, body: body}, nil
	}
	if err != nil {
		return nil, reply{}, errors.Join(err, ctx.Err())
	}
	s.mu.Lock()
	s.opened++
	s.feed.connected()
	conn := &connection{subscription: s, socket: socket, number: s.opened, gone: make(chan struct{}), waits: map[uint64]chan struct{}{}}
	s.mu.Unlock()
	declined, err := conn.subscribe(ctx, greeting)
	switch {
	case err != nil:
		_ = socket.Close() // it is the subscribing that failed
		return nil, reply{}, err
	case declined != "":
		_ = socket.Close() // as well
		return nil, reply{status: http.StatusOK, fields: map[string]string{fieldDeclined: declined}}, nil
	}
	return conn, reply{}, nil
}

// look is an attempt.
func (s *subscription) look(ctx context.Context) (reply, error) {
	s.mu.Lock()
	t := s.try
	s.mu.Unlock()
	select {
	case <-t.done:
	case <-ctx.Done():
		return reply{}, ctx.Err()
	}
	if t.conn == nil {
		return t.rep, t.err
	}
	if err := t.conn.ping(ctx); err != nil {
		return reply{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return reply{status: http.StatusOK, fields: s.feed.answer(), since: s.feed.since}, nil
}

// streamed records what happened on a connection.
func (r *Runner) streamed(s *subscription, connection int, e history.Stream) {
	e.Journey, e.Session, e.Connection = s.plan.Name, s.session.index, connection
	e.Answer, e.Detail = r.redactAll(e.Answer), r.redact(e.Detail)
	e.Body = clip(r.redact(e.Body), streamBody)
	if e.At == 0 {
		e.At = r.cfg.Clock.Now()
	}
	r.cfg.Sink.Add(e)
}

// connection is one WebSocket of a subscription.
type connection struct {
	*subscription
	socket *websocket.Conn
	number int
	gone   chan struct{} // closed when it has ended, for the reason err
	err    error

	pings sync.Mutex // guards the two below
	asked uint64
	waits map[uint64]chan struct{} // ping → closed by its pong, or by a later one's
}

// subscribe sends the greeting and, if the app says when it has taken a subscription, waits for its word. declined is the app's when it takes none.
func (c *connection) subscribe(ctx context.Context, greeting []byte) (declined string, err error) {
	c.socket.SetReadLimit(maxBody)
	c.socket.SetPongHandler(func(text string) error { c.pong(text); return nil })
	// The library takes no context: an end of the context ends what it waits for.
	unhook := context.AfterFunc(ctx, func() { _ = c.socket.NetConn().SetDeadline(time.Unix(1, 0)) })
	defer unhook()
	if greeting != nil {
		if err := c.socket.WriteMessage(websocket.TextMessage, greeting); err != nil {
			return "", errors.Join(err, ctx.Err())
		}
	}
	at := c.runner.cfg.Clock.Now()
	for taken := !c.acked; !taken; {
		var m message
		if m, at, err = c.receive(); err != nil {
			return "", errors.Join(err, ctx.Err())
		}
		if no, ok := m.fields[fieldDeclined]; ok {
			return no, nil
		}
		_, taken = m.fields[fieldSubscribed]
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.feed.subscribed(at)
	return "", nil
}

// listen reads until the connection ends, or ctx does, and gives the reason.
func (c *connection) listen(ctx context.Context) error {
	unhook := context.AfterFunc(ctx, func() { _ = c.socket.Close() })
	defer unhook()
	for {
		if _, _, err := c.receive(); err != nil {
			return err
		}
	}
}

// receive takes the next message.
func (c *connection) receive() (m message, at clock.Micros, err error) {
	_, text, err := c.socket.ReadMessage()
	if err != nil {
		return message{}, 0, err
	}
	at = c.runner.cfg.Clock.Now()
	m = c.messages.read(text)
	c.mu.Lock()
	c.feed.add(m, c.number, at)
	c.mu.Unlock()
	e := history.Stream{Event: history.StreamMessage, Answer: m.fields, At: at}
	if len(m.fields) == 0 {
		e.Body = string(text)
	}
	c.runner.streamed(c.subscription, c.number, e)
	return m, at, nil
}

// end closes the connection for good and tells those who wait for a pong.
func (c *connection) end(err error) {
	_ = c.socket.Close() // it has ended, or is of no more use
	c.err = err
	close(c.gone)
}

// ping asks whether anybody is there, and waits for the answer. A connection that leaves a ping without one until ctx's deadline is given up, as clients do.
func (c *connection) ping(ctx context.Context) error {
	answered := make(chan struct{})
	c.pings.Lock()
	c.asked++
	n := c.asked
	c.waits[n] = answered
	c.pings.Unlock()
	deadline, _ := ctx.Deadline()
	if err := c.socket.WriteControl(websocket.PingMessage, strconv.AppendUint(nil, n, 10), deadline); err != nil {
		_ = c.socket.Close()
		if !errors.Is(err, net.ErrClosed) && !errors.Is(err, websocket.ErrCloseSent) {
			return errors.Join(err, ctx.Err())
		}
		// It has just ended: the one that reads knows why.
	}
	select {
	case <-answered:
		return nil
	case <-c.gone:
		return c.err
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			_ = c.socket.Close()
		}
		return ctx.Err()
	}
}

// pong takes an answer, which may stand for earlier pings too (RFC 6455, section 5.5.3).
func (c *connection) pong(text string) {
	upTo, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return
	}
	c.pings.Lock()
	defer c.pings.Unlock()
	for n, waiting := range c.waits {
		if n <= upTo {
			close(waiting)
			delete(c.waits, n)
		}
	}
}
