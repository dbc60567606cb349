package gateways

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"blackout/harness/fault"
	"blackout/harness/history"
)

// database is a program that greets, answers each line with it in upper case, and says goodbye to those who have closed their side.
func database(t testing.TB) string {
	t.Helper()
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
				fmt.Fprintln(conn, "ready")
				lines := bufio.NewScanner(conn)
				for lines.Scan() {
					fmt.Fprintln(conn, strings.ToUpper(lines.Text()))
				}
				fmt.Fprintln(conn, "bye")
			})
		}
	})
	t.Cleanup(func() { l.Close(); open.Wait() })
	return l.Addr().String()
}

// TestRelay holds that bytes pass both ways, a greeting before any question too, that either side may close first, and what counts as a request.
func TestRelay(t *testing.T) {
	w := serve(t, Config{Service: "db", Kind: fault.KindTCP, Upstream: database(t)})
	if err := w.gw.Reachable(t.Context()); err != nil {
		t.Error(err)
	}
	conn, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	lines := bufio.NewReader(conn)
	say := func(text, want string) {
		t.Helper()
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		if got, err := lines.ReadString('\n'); err != nil || got != want {
			t.Errorf("%q was answered %q, %v", text, got, err)
		}
	}
	say("", "ready\n")
	if w.gw.Requests() != 0 || w.gw.Opened() != 1 {
		t.Errorf("%d requests over %d connections after a greeting", w.gw.Requests(), w.gw.Opened())
	}
	say("select 1\n", "SELECT 1\n")
	say("select 2\n", "SELECT 2\n")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(lines); err != nil || string(rest) != "bye\n" {
		t.Errorf("at the end: %q %v", rest, err)
	}
	calls := w.sink.awaitCalls(t, 2)
	for n, got := range calls {
		want := history.Call{N: uint64(n), Service: "db", Transport: "tcp", Method: history.MethodTurn, Reply: history.ReplyOK}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(history.Call{}, "Region", "At", "End")); diff != "" || got.End < got.At || got.Region == "" {
			t.Errorf("call %d: %s %v", n, diff, got)
		}
	}
	if w.gw.Requests() != 2 {
		t.Errorf("%d requests", w.gw.Requests())
	}
}

// firstRead is the error that an app gets which connects and reads. A reset may come so early that connecting fails with it.
func firstRead(t *testing.T, address string) error {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}

// TestRelayWithoutUpstream holds what is said, and what the app sees, when the program behind a service is not there.
func TestRelayWithoutUpstream(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	l.Close()
	w := serve(t, Config{Service: "db", Kind: fault.KindTCP, Upstream: gone})
	if err := w.gw.Reachable(t.Context()); err == nil || !strings.Contains(err.Error(), "nobody listens at its upstream "+gone) ||
		!strings.Contains(err.Error(), "change services.db.upstream in the world file") {
		t.Errorf("%v", err)
	}
	for range 2 {
		if err := firstRead(t, w.addr); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the app sees %v", err)
		}
	}
	if notes := pick[history.Note](w.sink); len(notes) != 1 || !strings.Contains(notes[0].Text, "its upstream does not answer") {
		t.Errorf("notes: %v", notes)
	}
}

// TestRelayProbes holds that a probe gets its line back, and that neither it nor a closing gateway leaves anything behind.
func TestRelayProbes(t *testing.T) {
	w := serve(t, Config{Service: "db", Kind: fault.KindTCP, Upstream: database(t)})
	address, err := w.gw.OpenProbes(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, ProbeLine); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != ProbeLine {
		t.Errorf("%q %v", got, err)
	}
	if w.gw.Requests() != 0 || w.gw.Opened() != 0 || len(w.sink.calls()) != 0 {
		t.Errorf("%d requests over %d connections, %v", w.gw.Requests(), w.gw.Opened(), w.sink.calls())
	}
	kept, err := net.Dial("tcp", w.addr) // the clean-up closes the gateway under it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() })
	if _, err := io.WriteString(kept, "a question\n"); err != nil {
		t.Fatal(err)
	}
}
