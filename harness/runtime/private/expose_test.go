package private

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestExpose holds that bytes pass both ways, that either side may close first, that Close ends what is open, and what is said when nobody is there.
func TestExpose(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	dir, err := os.MkdirTemp("", "expose") // a path of a socket has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "db")
	e, err := Expose(t.Context(), path, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	dial := func() *net.UnixConn {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		return conn.(*net.UnixConn)
	}
	conn, kept := dial(), dial()
	defer conn.Close()
	defer kept.Close()
	if _, err := io.WriteString(conn, "select 1"); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != "select 1" {
		t.Errorf("%q %v", got, err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if _, err := kept.Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlives what it went through")
	}
	l.Close()
	open.Wait()
	if _, err := Expose(t.Context(), path, l.Addr().String()); err == nil || !strings.Contains(err.Error(), "nobody listens at "+l.Addr().String()) {
		t.Errorf("%v", err)
	}
}
