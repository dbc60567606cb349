package app

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"syscall"
	"time"

	"blackout/harness/clock"
	"blackout/harness/ports"
	"blackout/harness/runtime/private"
)

// Machine is where the instances run: as child processes of this one, which is what an App has unless it is told otherwise, or elsewhere. It is safe for concurrent use.
type Machine interface {
	// Host is the address at which an instance is reached; "" says that it is where the app file says.
	Host(i Instance) string
	// Start starts an instance, for the first time or again. What it prints goes to out, which is closed when the process is gone, and here if none was started.
	Start(ctx context.Context, l Launch, out io.WriteCloser) (Process, error)
	// Keep holds the address of an instance that is down, so that connecting to it is refused, until it is let go.
	Keep(at netip.AddrPort) (io.Closer, error)
	// Close gives back what the machine itself holds, when nothing runs any more.
	Close()
}

// Launch is what starting an instance takes.
type Launch struct {
	Instance Instance
	Argv     []string // the first is an absolute path on this machine; empty elsewhere for what the image says
	Env      []string // NAME=value
	Dir      string
}

// Process is one instance from its start to its end, with all that it started itself. It is safe for concurrent use.
type Process interface {
	// Group is the process group on this machine; 0 for one elsewhere.
	Group() int
	// Gone is closed when it has ended and what it printed was read.
	Gone() <-chan struct{}
	// End tells how it ended. It may be called when Gone is closed.
	End() End
	// Pause stops it where it stands and returns once it does; Resume has it go on. What has ended needs neither.
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
	// Stands reports whether it was paused, or has ended; known says whether that could be seen.
	Stands() (stands, known bool)
	// Kill ends it at once and waits until it is gone.
	Kill(ctx context.Context) error
	// Stop asks it to end, kills it when the grace is over or ctx ends, and waits until it is gone.
	Stop(ctx context.Context, grace time.Duration) error
}

// End is how a process ended.
type End struct {
	At       clock.Micros
	Status   string // "exit status 1", "signal: killed"
	ByItself bool   // nobody asked it to
	LogErr   error  // what it printed is not all there
}

// own is this machine: instances are child processes of this one.
type own struct {
	*starter
	clock clock.Clock
	as    *private.User
}

func (m own) Host(Instance) string { return "" }

// Start starts the process on the starter's thread.
func (m own) Start(_ context.Context, l Launch, out io.WriteCloser) (Process, error) {
	var p *process
	var err error
	m.do(func() { p, err = startProcess(m.clock, l, m.as, out) })
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (m own) Keep(at netip.AddrPort) (io.Closer, error) { return ports.Reserve(at) }
func (m own) Close()                                    { m.close() }

func (p *process) Group() int                   { return p.cmd.Process.Pid }
func (p *process) Gone() <-chan struct{}        { return p.gone }
func (p *process) End() End                     { return End{p.ended, p.status, p.byself, p.logErr} }
func (p *process) Resume(context.Context) error { p.signal(syscall.SIGCONT); return nil }
func (p *process) Stands() (stands, known bool) {
	return groupStands(p.cmd.Process.Pid)
}

// Pause stops the group and waits until it stands: a signal is on its way when kill returns, and not yet there.
func (p *process) Pause(ctx context.Context) error {
	p.signal(syscall.SIGSTOP)
	ctx, cancel := context.WithTimeout(ctx, killBound)
	defer cancel()
	for {
		select {
		case <-p.gone:
			return nil
		default:
		}
		if stands, _ := p.Stands(); stands {
			return nil
		}
		if err := clock.Sleep(ctx, pollGroup); err != nil {
			return fmt.Errorf("it did not stand still: %w", err)
		}
	}
}
