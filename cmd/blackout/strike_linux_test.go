package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"blackout/harness/clock"
)

// alphaHit is in a history once the one fault on alpha has been seen to act.
const alphaHit = `/alpha","state":"confirmed"`

// starve stops the run's own process for a while, once its history holds a text: as a machine does that has no time for it.
func (p *program) starve(shows string, pause time.Duration) {
	p.t.Helper()
	p.awaits(shows, settled)
	cell := p.find("blackout cell")
	p.signal(cell, syscall.SIGSTOP)
	p.t.Cleanup(func() { _ = syscall.Kill(cell, syscall.SIGCONT) })
	err := clock.Sleep(p.t.Context(), pause)
	p.signal(cell, syscall.SIGCONT)
	if err != nil {
		p.t.Fatal(err)
	}
}

// takePort listens where the app's provider does, while a fault keeps its port closed, and lets nobody in.
func takePort(p *program) {
	p.t.Helper()
	p.awaits(alphaHit, settled)
	l, err := net.Listen("tcp4", p.provider())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
}

// provider is the address of the app's provider, by the app's environment.
func (p *program) provider() string {
	p.t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(p.find("tinywallet")) + "/environ")
	if err != nil {
		p.t.Fatal(err)
	}
	for _, variable := range strings.Split(string(text), "\x00") {
		if address, ok := strings.CutPrefix(variable, "RPC_URL="); ok {
			u, err := url.Parse(address)
			if err != nil {
				p.t.Fatal(err)
			}
			return u.Host
		}
	}
	p.t.Fatalf("the app has no RPC_URL: %q", text)
	return ""
}

// shutNodes closes the doors of the run's nodes from outside, listeners and connections, in the middle of the run: a socket of another process can be taken over
// (pidfd_getfd) and shut down. The nodes go on and make blocks, but answer nobody. What a node has for its Engine API is left alone.
func shutNodes(p *program) {
	p.t.Helper()
	p.awaits("view-balance#40", settled)
	cell := p.find("blackout cell")
	sockets := p.sockets(cell)
	shut := 0
	for _, s := range sockets {
		if s.listens && answersAnybody(p.t.Context(), s.port) {
			for _, one := range sockets {
				if one.port == s.port {
					p.shut(cell, one.fd)
					shut++
				}
			}
		}
	}
	if shut == 0 {
		p.t.Fatalf("no node found among %d sockets", len(sockets))
	}
}

// socket is one TCP socket of a process.
type socket struct {
	fd, port int // the local port
	listens  bool
}

// sockets lists the TCP sockets of a process that listen or are connected.
func (p *program) sockets(pid int) (list []socket) {
	p.t.Helper()
	byInode := map[string]int{}
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if inode, ok := strings.CutPrefix(target, "socket:["); ok && err == nil {
			byInode[strings.TrimSuffix(inode, "]")], _ = strconv.Atoi(e.Name())
		}
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", pid))
	if err != nil {
		p.t.Fatal(err)
	}
	const established, listening = "01", "0A"
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line) // sl local remote state queues timer retransmits uid timeout inode
		if len(f) < 10 || f[3] != established && f[3] != listening {
			continue
		}
		_, hex, _ := strings.Cut(f[1], ":")
		port, err := strconv.ParseInt(hex, 16, 32)
		if fd, ours := byInode[f[9]]; ours && err == nil {
			list = append(list, socket{fd, int(port), f[3] == listening})
		}
	}
	return list
}

// answersAnybody reports whether a node's door for apps is at a port of this machine: it says its chain's id without a key or a secret.
func answersAnybody(ctx context.Context, port int) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	question := strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}`)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d", port), question)
	if err != nil {
		return false
	}
	req.Close = true
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	var reply struct{ Result string }
	return err == nil && resp.StatusCode == http.StatusOK && json.NewDecoder(bytes.NewReader(body)).Decode(&reply) == nil && strings.HasPrefix(reply.Result, "0x")
}

// shut shuts one socket of another process down.
func (p *program) shut(pid, fd int) {
	p.t.Helper()
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	defer unix.Close(process)
	taken, err := unix.PidfdGetfd(process, fd, 0)
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOSYS):
		const reason = "this system lets nobody take over a socket of a process of one's own (pidfd_getfd: %v)"
		if os.Getenv("CI") != "" {
			p.t.Fatalf(reason, err)
		}
		p.t.Skipf(reason, err)
	case errors.Is(err, unix.EBADF):
		return // a connection that has ended meanwhile
	case err != nil:
		p.t.Fatal(err)
	}
	defer unix.Close(taken)
	if err := unix.Shutdown(taken, unix.SHUT_RDWR); err != nil && !errors.Is(err, unix.ENOTCONN) {
		p.t.Fatal(err)
	}
}
