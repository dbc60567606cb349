//go:build bench

package run

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// clientsVariable makes the test's program a process of clients.
const clientsVariable = "BLACKOUT_BENCH_CLIENTS"

func init() {
	if os.Getenv(clientsVariable) == "" {
		return
	}
	if err := serveClients(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// spreadClients is a process of clients as its parent sees it.
type spreadClients struct {
	order  *json.Encoder
	answer *json.Decoder
}

// clientsWord is what the process says: first that all clients wait, then when the first and the last of them was reset.
type clientsWord struct {
	Spread time.Duration
	Err    string
}

// startClients starts the process. It ends when the benchmark does.
func startClients(b *testing.B) *spreadClients {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), self)
	cmd.Env, cmd.Stderr = append(os.Environ(), clientsVariable+"=1"), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait() // the context may have ended it
	})
	return &spreadClients{json.NewEncoder(in), json.NewDecoder(out)}
}

// wait gives each address a client, and returns when all of them wait in Read.
func (c *spreadClients) wait(b *testing.B, addresses []string) {
	b.Helper()
	if err := c.order.Encode(addresses); err != nil {
		b.Fatal(err)
	}
	c.spread(b)
}

// spread is the time between the first and the last reset, once all clients were reset.
func (c *spreadClients) spread(b *testing.B) time.Duration {
	b.Helper()
	var w clientsWord
	if err := c.answer.Decode(&w); err != nil {
		b.Fatal(err)
	}
	if w.Err != "" {
		b.Fatal(w.Err)
	}
	return w.Spread
}

// serveClients is the process: it does what it is ordered, one phase after the other, until its input ends.
func serveClients(in io.Reader, out io.Writer) error {
	orders, words := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var addresses []string
		if err := orders.Decode(&addresses); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		conns := make([]net.Conn, len(addresses))
		for i, address := range addresses {
			var err error
			if conns[i], err = served(address); err != nil {
				return err
			}
		}
		seen, failed := make([]time.Time, len(conns)), make([]error, len(conns))
		var all sync.WaitGroup
		for i, conn := range conns {
			all.Go(func() {
				_, failed[i] = conn.Read(make([]byte, 1))
				seen[i] = time.Now()
			})
		}
		if err := words.Encode(clientsWord{}); err != nil {
			return err
		}
		all.Wait()
		word := clientsWord{Spread: slices.MaxFunc(seen, time.Time.Compare).Sub(slices.MinFunc(seen, time.Time.Compare))}
		for i, conn := range conns {
			_ = conn.Close()
			if !errors.Is(failed[i], syscall.ECONNRESET) {
				word.Err = fmt.Sprintf("client %d: Read ended with %v, not with a reset", i, failed[i])
			}
		}
		if err := words.Encode(word); err != nil {
			return err
		}
	}
}

// served is a connection on which a service has answered one request.
func served(address string) (net.Conn, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, strings.NewReader(balanceCall))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	conn, err := net.DialTimeout("tcp", u.Host, patience)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		return nil, err
	}
	_, err = readAll(resp)
	return conn, err
}
