package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"blackout/harness/clock"
	"blackout/harness/runtime/private"
)

const (
	killBound  = 3 * time.Second        // after SIGKILL; longer only for a process that the kernel cannot end just now
	drainBound = 500 * time.Millisecond // for output that is still in the pipe when the group has ended
	pollGroup  = 5 * time.Millisecond
)

// process is the process group of one instance. The instance is its leader: when that ends by itself, the instance has ended and what is left of its group is killed.
//
//	start ──▶ running ──leader ends──▶ ended ──SIGKILL to the rest, reap, read the pipe──▶ gone
//	             └──stop: SIGTERM──▶ stopping ──all ended, or grace over: SIGKILL──▶ gone
type process struct {
	cmd   *exec.Cmd
	clock clock.Clock
	out   io.WriteCloser
	pipe  *os.File // the read end of the app's stdout and stderr

	gone chan struct{} // closed when the group has ended, the leader is reaped and its output was read

	mu       sync.Mutex
	reaped   bool
	stopping bool
	kill     chan struct{} // closed when what is left is to be killed now
	killed   bool

	// Set before gone is closed.
	ended  clock.Micros // when the leader ended
	status string       // "exit status 1"
	byself bool         // it ended although nobody asked it to
	err    error        // what was left running
	logErr error        // the log is incomplete
}

// startProcess starts a process as a user; nil is the one that this process has. It has to be called on the starter's thread.
func startProcess(c clock.Clock, l Launch, as *private.User, out io.WriteCloser) (*process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pipe for the output: %w", err), out.Close())
	}
	p := &process{clock: c, out: out, pipe: r, gone: make(chan struct{}), kill: make(chan struct{})}
	// Stdin stays nil: os/exec opens the null device.
	p.cmd = &exec.Cmd{Path: l.Argv[0], Args: l.Argv, Env: l.Env, Dir: l.Dir, Stdout: w, Stderr: w, SysProcAttr: attributes()}
	if as != nil {
		private.AsUser(p.cmd, *as)
	}
	closeInherited()
	err = private.Start(p.cmd)
	_ = w.Close() // the child has its own copy
	if err != nil {
		_ = r.Close()
		switch {
		case errors.Is(err, syscall.ENOEXEC):
			err = fmt.Errorf("%w: a script needs a first line such as #!/bin/sh", err)
		case errors.Is(err, fs.ErrNotExist):
			err = fmt.Errorf("%w: is the folder %s there, and the interpreter that the first line names?", err, l.Dir)
		}
		return nil, errors.Join(err, out.Close())
	}
	go p.supervise()
	return p, nil
}

// supervise sees the group to its end.
func (p *process) supervise() {
	defer close(p.gone)
	read := make(chan struct{})
	go func() {
		defer close(read)
		buffer := make([]byte, 32<<10)
		for {
			n, err := p.pipe.Read(buffer)
			_, _ = p.out.Write(buffer[:n]) // it keeps its error for Close
			if err != nil {
				return
			}
		}
	}()
	pid := p.cmd.Process.Pid
	var waitErr error
	zombie := awaitEnd(pid) == nil
	if !zombie {
		waitErr = p.cmd.Wait()
	}
	p.ended = p.clock.Now()
	p.mu.Lock()
	p.byself = !p.stopping
	p.mu.Unlock()
	if p.byself {
		p.killNow()
	}
	if !p.awaitGroup(pid) {
		p.err = fmt.Errorf("processes of group %d did not end within %s of SIGKILL", pid, killBound)
	}
	p.mu.Lock()
	p.reaped = true
	p.mu.Unlock()
	if zombie {
		waitErr = p.cmd.Wait()
	}
	if p.cmd.ProcessState != nil {
		p.status = p.cmd.ProcessState.String()
	} else {
		p.status = fmt.Sprintf("ended, status unknown (%v)", waitErr)
	}
	// A process that left the group may hold the pipe open; it is not waited for.
	_ = p.pipe.SetReadDeadline(p.clock.Time(p.clock.Now() + clock.Of(drainBound)))
	<-read
	_ = p.pipe.Close()
	p.logErr = p.out.Close()
}

// awaitGroup waits until no member of the group runs, and kills what is left when told so. It reports whether the group has ended.
func (p *process) awaitGroup(pgid int) bool {
	var killedAt clock.Micros
	for groupAlive(pgid) {
		select {
		case <-p.kill:
			// Again and again: a member may fork while the signal is under way.
			_ = syscall.Kill(-pgid, syscall.SIGKILL)
			if killedAt == 0 {
				killedAt = p.clock.Now()
			}
			if p.clock.Now()-killedAt > clock.Of(killBound) {
				return false
			}
		default:
		}
		_ = clock.Sleep(context.Background(), pollGroup) // bounded by the two conditions above; killNow always comes
	}
	return true
}

// signal goes to the whole group, and to nobody once the group's id may belong to another.
func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		_ = syscall.Kill(-p.cmd.Process.Pid, s) // ESRCH: it has ended
	}
}

// killNow kills the leader, and tells supervise to kill the rest.
func (p *process) killNow() {
	p.mu.Lock()
	if !p.killed {
		p.killed = true
		close(p.kill)
	}
	p.mu.Unlock()
	p.signal(syscall.SIGKILL)
}

// Kill ends the group at once and waits until it is gone.
func (p *process) Kill(ctx context.Context) error {
	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	p.killNow()
	return p.awaitGone(ctx)
}

// awaitGone waits for a group that was killed.
func (p *process) awaitGone(ctx context.Context) error {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), killBound+2*drainBound)
	defer cancel()
	select {
	case <-p.gone:
		return p.err
	case <-last.Done():
		return fmt.Errorf("process %d did not end within %s of SIGKILL", p.cmd.Process.Pid, killBound)
	}
}

// Stop asks the group to end, and kills it when the grace is over or ctx ends. It returns once nothing of it runs, at the latest killBound later.
func (p *process) Stop(ctx context.Context, grace time.Duration) error {
	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	p.signal(syscall.SIGTERM)
	p.signal(syscall.SIGCONT) // a member that a fault has stopped meets the other signal only when it goes on
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	select {
	case <-p.gone:
		return p.err
	case <-ctx.Done():
	}
	p.killNow()
	return p.awaitGone(ctx)
}
