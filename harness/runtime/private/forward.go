package private

import (
	"context"
	"io"
	"net"
	"sync"

	"blackout/harness/ports"
)

// forward leads what a listener takes to somewhere else, byte by byte, until Close.
type forward struct {
	from net.Listener
	to   func(context.Context) (net.Conn, error)
	room chan struct{} // bounds how many connections are open at once; nil: nothing does
	ctx  context.Context
	stop context.CancelFunc
	open sync.WaitGroup
}

// begin starts to take connections. ctx gives its values alone.
func (f *forward) begin(ctx context.Context) {
	f.ctx, f.stop = context.WithCancel(context.WithoutCancel(ctx))
	f.open.Go(func() {
		ports.Accept(f.ctx, f.accept, func(taken net.Conn) { f.open.Go(func() { defer f.leave(); f.pass(taken) }) })
	})
}

// accept waits for room, and keeps it for the connection that it gives.
func (f *forward) accept() (net.Conn, error) {
	if !f.enter() {
		return nil, net.ErrClosed
	}
	taken, err := f.from.Accept()
	if err != nil {
		f.leave()
	}
	return taken, err
}

func (f *forward) enter() bool {
	if f.room == nil {
		return true
	}
	select {
	case f.room <- struct{}{}:
		return true
	case <-f.ctx.Done():
		return false
	}
}

func (f *forward) leave() {
	if f.room != nil {
		<-f.room
	}
}

// Close ends every connection and waits for that.
func (f *forward) Close() error {
	f.stop()
	err := f.from.Close()
	f.open.Wait()
	return err
}

func (f *forward) pass(taken net.Conn) {
	defer func() { _ = taken.Close() }()
	made, err := f.to(f.ctx)
	if err != nil {
		if tcp, ok := taken.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, which is nearer than an end to what the caller would have met there
		}
		return
	}
	defer func() { _ = made.Close() }()
	defer context.AfterFunc(f.ctx, func() { _, _ = taken.Close(), made.Close() })()
	var both sync.WaitGroup
	both.Go(func() { half(made, taken) })
	both.Go(func() { half(taken, made) })
	both.Wait()
}

// half copies one way, and passes the end on. A side that broke off takes the other with it.
func half(to, from net.Conn) {
	_, err := io.Copy(to, from)
	closer, ok := to.(interface{ CloseWrite() error })
	if err != nil || !ok {
		_, _ = to.Close(), from.Close()
		return
	}
	_ = closer.CloseWrite()
}
