package links

import (
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// heldLimit bounds what the toxics of one direction hold, in bytes. toxiproxy alone holds up to 1024 chunks of 32 KiB under its latency toxic. The bound acts as a
// TCP window does: at most this much is under way at once.
const heldLimit = 1 << 20

// chain is a row of toxiproxy's toxics for one direction of one connection, each on a stub of its own that toxiproxy's link does not know. The switch that made
// it is its only user.
type chain struct {
	in       chan *stream.StreamChunk
	out      <-chan *stream.StreamChunk
	stages   []stage
	held     int  // bytes fed and not yet received
	gated    bool // takes no input, see startChain
	finished bool // in is closed
}

type stage struct {
	stub *toxics.ToxicStub
	out  <-chan *stream.StreamChunk
	done chan struct{} // closed when the toxic's Pipe has returned
}

// startChain runs the toxics, the first one next to the input. They bypass ToxicStub.Run, which would draw their toxicity from a global generator.
func startChain(wanted []toxics.Toxic) *chain {
	c := &chain{in: make(chan *stream.StreamChunk, bufferSize(wanted[0]))}
	in := c.in
	for i, t := range wanted {
		size := 0
		if i+1 < len(wanted) {
			size = bufferSize(wanted[i+1])
		}
		out := make(chan *stream.StreamChunk, size)
		s := stage{stub: toxics.NewToxicStub(in, out), out: out, done: make(chan struct{})}
		if stateful, ok := t.(toxics.StatefulToxic); ok {
			s.stub.State = stateful.NewState()
		}
		// toxiproxy's timeout starts its timer anew at each chunk and throws the chunk away. Without input it fires when it should, and nothing is lost if it is
		// lifted before.
		if _, ok := t.(*toxics.TimeoutToxic); ok {
			c.gated = true
		}
		go func() {
			defer close(s.done)
			t.Pipe(s.stub)
		}()
		c.stages = append(c.stages, s)
		in = out
	}
	c.out = in
	return c
}

func bufferSize(t toxics.Toxic) int {
	if b, ok := t.(toxics.BufferedToxic); ok {
		return b.GetBufferSize()
	}
	return 0
}

// hasRoom reports whether the chain may be fed.
func (c *chain) hasRoom() bool { return c != nil && !c.gated && !c.finished && c.held < heldLimit }

// finish tells the toxics that the stream has ended.
func (c *chain) finish() {
	if c != nil && !c.gated && !c.finished {
		c.finished = true
		close(c.in)
	}
}

// stop ends the toxics and gives what they still held, in order. It goes from the last one to the first and empties each output while the toxic before it comes to
// its end, so no toxic can block on another, nor on a reader that stalls.
func (c *chain) stop() []*stream.StreamChunk {
	var held []*stream.StreamChunk
	keep := func(chunk *stream.StreamChunk) {
		if chunk != nil && len(chunk.Data) > 0 { // an interrupted slicer gives an empty rest
			held = append(held, chunk)
		}
	}
	for i := len(c.stages) - 1; i >= 0; i-- {
		s := c.stages[i]
		out, interrupt := s.out, s.stub.Interrupt
		for running := true; running; {
			select {
			case interrupt <- struct{}{}:
				interrupt = nil
			case chunk, ok := <-out:
				if keep(chunk); !ok {
					out = nil
				}
			case <-s.done:
				running = false
			}
		}
		for _, chunk := range buffered(out) {
			keep(chunk)
		}
	}
	for _, chunk := range buffered(c.in) {
		keep(chunk)
	}
	return held
}

// buffered empties a channel that nobody sends to any more.
func buffered(ch <-chan *stream.StreamChunk) []*stream.StreamChunk {
	var chunks []*stream.StreamChunk
	for {
		select {
		case chunk, ok := <-ch:
			if !ok {
				return chunks
			}
			chunks = append(chunks, chunk)
		default:
			return chunks
		}
	}
}
