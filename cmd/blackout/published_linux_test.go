package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"blackout/harness/history"
	"blackout/reports/verdict"
)

// TestOpenedFromOutside looks at the app's page, and speaks to it over a WebSocket, from outside of its network while a run goes on. The
// run is none the worse for it, and when it is over nobody listens any more.
func TestOpenedFromOutside(t *testing.T) {
	t.Parallel()
	for _, network := range []string{networkPrivate, networkShared} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			p := start(t, nil, tinyRun("good-day", "--network", network)...)
			address := p.opened()
			p.until("the address is said", settled, func() bool { return strings.Contains(p.stdout.String(), ": open "+address+"\n") })
			if network == networkPrivate {
				p.keepsDescriptor(address)
			}
			for range 20 {
				visit(t, address)
			}
			echoes(t, address)
			p.exits(verdict.ExitPass, whole)
			p.ended(history.EndComplete, verdict.Pass)
			closed(t, address)
			p.leavesNothing()
		})
	}
}

// TestOpenedSideBySide runs two cells at once: each has an address of its own, and neither is said where two boards would be between it and the reader.
func TestOpenedSideBySide(t *testing.T) {
	t.Parallel()
	p := start(t, nil, tinyRun("good-day", "testdata/tiny/alpha-down.yaml", "--network", "private", "--parallel", "2")...)
	var addresses []string
	p.until("both apps can be opened", settled, func() bool {
		addresses = nil
		for _, dir := range p.folders() {
			for _, address := range appURLs(dir) {
				addresses = append(addresses, address)
			}
		}
		return len(addresses) == 2
	})
	if addresses[0] == addresses[1] {
		t.Errorf("both are at %s", addresses[0])
	}
	for _, address := range addresses {
		visit(t, address)
	}
	p.signal(p.cmd.Process.Pid, syscall.SIGINT)
	p.exits(verdict.ExitInterrupted, settled)
	for _, address := range addresses {
		closed(t, address)
		if strings.Contains(p.stdout.String(), address) {
			t.Errorf("%s was said", address)
		}
	}
	p.leavesNothing()
}

// TestOpenedAndKilled kills what makes a run while somebody looks at the app: the address goes with it.
func TestOpenedAndKilled(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"run", "cell"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			p := start(t, []string{"MISBEHAVE=ignores-term,child"}, tinyRun("good-day", "--network", "private")...)
			address := p.opened()
			visit(t, address)
			pid := p.cmd.Process.Pid
			if who == "cell" {
				pid = p.find("blackout cell")
			}
			p.signal(pid, syscall.SIGKILL)
			<-p.done
			p.leavesNothing()
			closed(t, address)
		})
	}
}

// opened is where the one run's app can be opened, once it can be.
func (p *program) opened() (address string) {
	p.t.Helper()
	p.until("the app can be opened", settled, func() bool {
		select {
		case <-p.done:
			p.t.Fatalf("it ended, status %d, before its app could be opened", p.cmd.ProcessState.ExitCode())
		default:
		}
		if dirs := p.folders(); len(dirs) == 1 {
			address = appURLs(dirs[0])["app-0"]
		}
		return address != ""
	})
	return address
}

// appURLs are the addresses in a run's environment.json; none while there is no such file.
func appURLs(dir string) map[string]string {
	var told struct {
		URLs map[string]string `json:"app_urls"`
	}
	text, err := os.ReadFile(filepath.Join(dir, "environment.json"))
	if err != nil || json.Unmarshal(text, &told) != nil {
		return nil
	}
	return told.URLs
}

// visit looks at the app's page.
func visit(t *testing.T, address string) {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(address + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if page, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || string(page) != tinyPage {
		t.Errorf("the page: %s, %q, %v", resp.Status, page, err)
	}
}

// echoes speaks to the app over a WebSocket.
func echoes(t *testing.T, address string) {
	t.Helper()
	conn, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(address, "http")+"/echo", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	defer resp.Body.Close()
	for n := range 3 {
		said := fmt.Sprint("is anybody there? ", n)
		if err := conn.WriteMessage(websocket.TextMessage, []byte(said)); err != nil {
			t.Fatal(err)
		}
		if _, back, err := conn.ReadMessage(); err != nil || string(back) != said {
			t.Errorf("%q, %v", back, err)
		}
	}
}

// closed checks that nobody listens at an address any more.
func closed(t *testing.T, address string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialTimeout("tcp", u.Host, time.Second)
	if err == nil {
		conn.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%s: %v", address, err)
	}
}

// keepsDescriptor checks that the cell has the socket that listens at an address, and the app does not: with it, it would be in the machine's network.
func (p *program) keepsDescriptor(address string) {
	p.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		p.t.Fatal(err)
	}
	inode := listening(p.t, u.Port())
	for who, want := range map[string]bool{"blackout cell": true, "tinywallet": false} {
		entries, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.find(who)))
		if err != nil || len(entries) == 0 {
			p.t.Fatalf("the descriptors of %s: %v", who, err)
		}
		has := slices.ContainsFunc(entries, func(file string) bool {
			target, _ := os.Readlink(file)
			return target == "socket:["+inode+"]"
		})
		if has != want {
			p.t.Errorf("%s has the socket that listens at %s: %t", who, address, has)
		}
	}
}

// listening is the inode of the socket that listens at a port of this machine.
func listening(t *testing.T, port string) string {
	t.Helper()
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	var number int
	if _, err := fmt.Sscan(port, &number); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line) // sl local remote state queues timer retransmits uid timeout inode
		if len(f) >= 10 && f[1] == fmt.Sprintf("0100007F:%04X", number) && f[3] == "0A" {
			return f[9]
		}
	}
	t.Fatalf("nobody listens at port %s", port)
	return ""
}
