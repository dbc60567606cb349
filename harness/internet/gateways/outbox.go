package gateways

import (
	"context"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
)

// defaultOutbox is how much may wait for one app that does not read, in bytes. One reply above it is let through.
const defaultOutbox = 32 << 20

// closeGrace is how long an app may take to answer the closing handshake.
const closeGrace = time.Second

// cutFrame ends a socket without a closing handshake: the app sees 1006.
const cutFrame = -1

// frame is one message to the app.
type frame struct {
	kind    int // of package websocket, or cutFrame
	data    []byte
	delay   time.Duration
	x       *exchange        // the request that it answers, or nil
	refused *fault.HTTPReply // of a closing frame: why
	due     clock.Micros
}

// outbox holds frames until they are due, and keeps their order.
type outbox struct {
	clock  clock.Clock
	limit  int           // of bytes
	wake   chan struct{} // holds one token while frames may wait
	mu     sync.Mutex    // guards what follows
	frames []frame
	bytes  int
}

func newOutbox(c clock.Clock, limit int) *outbox {
	return &outbox{clock: c, limit: limit, wake: make(chan struct{}, 1)}
}

// push adds a frame; false when too much waits already.
func (o *outbox) push(f frame) bool {
	f.due = o.clock.Now() + clock.Of(f.delay)
	o.mu.Lock()
	if o.bytes+len(f.data) > o.limit && len(o.frames) > 0 {
		o.mu.Unlock()
		if f.x != nil {
			f.x.record(history.ReplyAborted, 0, 0)
		}
		return false
	}
	o.frames = append(o.frames, f)
	o.bytes += len(f.data)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
	return true
}

// pop takes the first frame. It waits for one, and gives ok = false when ctx ends.
func (o *outbox) pop(ctx context.Context) (f frame, ok bool) {
	for {
		o.mu.Lock()
		if len(o.frames) > 0 {
			f = o.frames[0]
			o.frames[0] = frame{}
			o.frames = o.frames[1:]
			o.bytes -= len(f.data)
			o.mu.Unlock()
			return f, true
		}
		o.mu.Unlock()
		select {
		case <-o.wake:
		case <-ctx.Done():
			return frame{}, false
		}
	}
}

// drain writes frames when they are due, until one closes the socket, the app does not take them, or ctx ends.
func (o *outbox) drain(ctx context.Context, app *websocket.Conn) {
	for {
		f, ok := o.pop(ctx)
		if !ok {
			return
		}
		if o.clock.Until(ctx, f.due) != nil || !f.write(o.clock, app) {
			if f.x != nil {
				f.x.record(history.ReplyAborted, 0, 0)
			}
			return
		}
		if f.kind == websocket.CloseMessage {
			_ = clock.Sleep(ctx, closeGrace) // the app answers, its pump sees that and ends ctx
			return
		}
	}
}

// write sends the frame and records the request that it answers; false when the socket is of no more use.
func (f frame) write(c clock.Clock, app *websocket.Conn) bool {
	until := c.Time(c.Now() + clock.Of(writeTimeout))
	switch f.kind {
	case cutFrame:
		return false
	case websocket.CloseMessage:
		if app.WriteControl(f.kind, f.data, until) != nil {
			return false
		}
	default:
		if app.SetWriteDeadline(until) != nil || app.WriteMessage(f.kind, f.data) != nil {
			return false
		}
	}
	switch {
	case f.x == nil:
	case f.refused != nil:
		class, code := classify(f.refused.Status, f.refused.Body)
		f.x.record(class, f.refused.Status, code)
	default:
		class, code := classify(0, f.data)
		f.x.after = retryAfter(nil, f.data, time.Time{})
		f.x.record(class, 0, code)
	}
	return true
}

// abandon records what was never written.
func (o *outbox) abandon() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range o.frames {
		if f.x != nil {
			f.x.record(history.ReplyAborted, 0, 0)
		}
	}
	o.frames = nil
}
