package links

import (
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

const switchType = "blackout_switch"

// switchToxic is the one toxic that toxiproxy ever gets from us, one for each direction of a door.
type switchToxic struct {
	next *half // whose link is being started; guarded by door.starting
}

var _ toxics.StatefulToxic = (*switchToxic)(nil)

// NewState gives the half of the connection whose link is being started: StartLink calls it before it returns.
func (t *switchToxic) NewState() any { return t.next }

// Pipe moves the chunks of one direction until it ends.
func (t *switchToxic) Pipe(stub *toxics.ToxicStub) {
	h, ok := stub.State.(*half)
	if !ok {
		stub.Close()
		return
	}
	defer h.conn.link.wg.Done()
	f := flow{half: h, stub: stub}
	f.run()
	if f.toxics != nil {
		f.toxics.stop()
	}
	stub.Close()
	for range stub.Input { // frees toxiproxy's reader, which ends when its connection is closed
	}
}

// flow is the state of one switch. Chunks pass it in this order, and only ever forward:
//
//	stub.Input ─▶ queue ─▶ toxics ─▶ ready ─▶ stub.Output
//
// One goroutine owns all of it and waits for everything at once, so a reader that stalls never keeps a new rule waiting.
type flow struct {
	half   *half
	stub   *toxics.ToxicStub
	rule   *rule
	toxics *chain                // nil when the chunks pass through
	queue  []*stream.StreamChunk // to go before anything from stub.Input: taken out of toxics that a swap ended
	ready  *stream.StreamChunk   // past the toxics
	eof    bool                  // stub.Input has ended
}

// run returns when the stream has ended, a toxic has cut it, or the connection has ended.
func (f *flow) run() {
	c := f.half.conn
	upwards := f.half == &c.up
	for {
		if r := c.rule.Load(); r != f.rule {
			f.follow(r)
		}
		if f.rule.resets() && upwards && len(f.queue) > 0 {
			c.touch(f.rule)
			c.end(withReset)
			return
		}
		var (
			input  <-chan *stream.StreamChunk
			feed   chan<- *stream.StreamChunk
			next   *stream.StreamChunk
			shaped <-chan *stream.StreamChunk
			output chan<- *stream.StreamChunk
		)
		if !f.rule.silences() {
			if f.ready == nil && f.toxics == nil && len(f.queue) > 0 {
				f.ready = f.pop()
			}
			if f.ready != nil {
				output = f.stub.Output
			} else if f.toxics != nil {
				shaped = f.toxics.out
			} else if f.eof {
				return
			}
			switch {
			case len(f.queue) > 0:
				if f.toxics.hasRoom() {
					feed, next = f.toxics.in, f.queue[0]
				}
			case f.eof:
				f.toxics.finish()
			case f.toxics.hasRoom() || f.toxics == nil && f.ready == nil:
				input = f.stub.Input
			}
		}
		select {
		case chunk, ok := <-input:
			switch {
			case !ok:
				f.eof = true
			case f.toxics == nil && !f.rule.resets():
				f.ready = chunk
			default:
				f.queue = append(f.queue, chunk)
			}
		case feed <- next:
			f.toxics.held += len(f.pop().Data)
		case chunk, ok := <-shaped:
			switch {
			case ok && len(chunk.Data) > 0:
				f.toxics.held -= len(chunk.Data)
				f.ready = chunk
			case !ok:
				f.half.severed.Store(!f.toxics.finished)
				return
			}
		case output <- f.ready:
			f.ready = nil
		case <-f.half.wake:
		case <-c.ctx.Done():
			return
		}
	}
}

// follow swaps the toxics for those of another rule. What the old ones held goes through the new ones.
func (f *flow) follow(r *rule) {
	f.rule = r
	if f.toxics != nil {
		f.queue = append(f.toxics.stop(), f.queue...)
		f.toxics = nil
	}
	if r == nil {
		return
	}
	wanted := r.down
	if f.half == &f.half.conn.up {
		wanted = r.up
	}
	if len(wanted) > 0 {
		f.toxics = startChain(wanted)
	}
}

func (f *flow) pop() *stream.StreamChunk {
	chunk := f.queue[0]
	if f.queue = f.queue[1:]; len(f.queue) == 0 {
		f.queue = nil
	}
	return chunk
}
