package private

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestPublish holds that bytes pass both ways, that a connection too many waits for another's end, that where nobody listens connections are reset, and that nobody
// listens at the port and nothing is open after Close.
func TestPublish(t *testing.T) {
	app, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := app.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	port, published := publish(t, app.Addr().String())
	dial := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", port)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "GET /"); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	echoed := func(conn net.Conn) error {
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, err := io.ReadFull(conn, make([]byte, len("GET /")))
		return err
	}
	var all []net.Conn
	for range publishedAtOnce {
		conn := dial()
		defer conn.Close()
		if err := echoed(conn); err != nil {
			t.Fatal(err)
		}
		all = append(all, conn)
	}
	waits := dial()
	defer waits.Close()
	_ = waits.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := waits.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection too many: %v", err)
	}
	if err := all[0].(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(all[0]); err != nil || len(rest) > 0 {
		t.Errorf("%q after the end: %v", rest, err)
	}
	if err := echoed(waits); err != nil {
		t.Errorf("when there is room: %v", err)
	}
	if err := published.Close(); err != nil {
		t.Error(err)
	}
	if _, err := all[1].Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlives what it went through")
	}
	if _, err := net.Dial("tcp", port); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after the end: %v", err)
	}
	app.Close()
	open.Wait()

	port, published = publish(t, app.Addr().String())
	conn, err := net.Dial("tcp", port)
	if err == nil {
		defer conn.Close()
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, err = conn.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("where nobody listens: %v", err)
	}
	if err := published.Close(); err != nil {
		t.Error(err)
	}
}

// publish makes a port, hands it over as to another process, and publishes an address there.
func publish(t *testing.T, to string) (port string, published *Published) {
	t.Helper()
	p, err := NewPort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	inherited, err := syscall.Dup(int(p.File.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	p.File.Close()
	l, err := Inherited(uintptr(inherited))
	if err != nil {
		t.Fatal(err)
	}
	return p.Address, Publish(t.Context(), l, "tcp", to)
}

// tired is a listener whose first call fails, as for want of descriptors.
type tired struct {
	net.Listener
	once sync.Once
}

func (l *tired) Accept() (conn net.Conn, err error) {
	l.once.Do(func() { err = syscall.EMFILE })
	if err != nil {
		return nil, err
	}
	return l.Listener.Accept()
}

// TestForwardGoesOn: an error that passes is not the end of a port.
func TestForwardGoesOn(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	here, there := net.Pipe()
	defer there.Close()
	f := &forward{from: &tired{Listener: l}, to: func(context.Context) (net.Conn, error) { return here, nil }, room: make(chan struct{}, 1)}
	f.begin(t.Context())
	defer f.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /"); err != nil {
		t.Fatal(err)
	}
	_ = there.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.ReadFull(there, make([]byte, len("GET /"))); err != nil {
		t.Errorf("after an error that passes: %v", err)
	}
}
