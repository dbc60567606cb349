// Package run drives one cell, an app under one scenario with one seed, from its plan to a sealed history:
//
//	open the record ─▶ boot the chains ─▶ open the internet ─▶ start the app ─▶ log in ─▶ preflight
//	   ─▶ baseline ─▶ outage ─▶ after ─▶ drain ─▶ close everything ─▶ seal
//
// It judges nothing: what happened is in the history, and package verdict reads it there. One process runs one cell, because a geth node leaves a goroutine and
// some memory behind for ever.
package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"blackout/harness/canned"
	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/internet/certs"
	"blackout/harness/plan"
	"blackout/harness/runtime/private"
	"blackout/harness/spec"
)

// Config is one cell and what it may know of the machine.
type Config struct {
	ID      string // the run's id, as its folder is named
	Version string // of this program
	// Plan is the timetable and PlanBytes its encoding, which the history carries.
	Plan      *plan.Plan
	PlanBytes []byte
	App       *spec.App
	// Sites are what the services of kind http have to say, by service.
	Sites map[string]*canned.Site
	// Published are listeners on this machine from which each instance of the app, in their order, is reached out of a private network. They end with this process at the
	// latest.
	Published []net.Listener
	// Upstreams are sockets that lead to programs of this machine from a private network, by service.
	Upstreams map[string]string
	// Dir is the run's folder: it exists. Scratch exists too, holds nothing that anyone needs afterwards, and is the caller's to remove.
	Dir, Scratch string
	Clock        clock.Clock
	// Environ is the caller's environment, of which the app sees PATH, HOME and LANG.
	Environ []string
	// As is whom the app runs as when this process is in a private network; nil when it is not.
	As *private.User
	// Authority vouches for the host names of the services in a private network, where they stand at the ports of production. Nil in any other.
	Authority *certs.Authority
	// Contained is set for a cell in a container; As is nil then.
	Contained *Contained
	// Built gets the outcome of the app's build, once; nil when there is nothing to build.
	Built <-chan error
	// Secrets are the values of the app file's secrets, by name.
	Secrets map[string]string
	// Tee gets every line of the history as it is written; nil for none.
	Tee func(lines []byte)
}

// ErrInterrupted says that the run was stopped before its timeline ended. Its history is sealed and can be judged up to there.
var ErrInterrupted = errors.New("interrupted")

// EnvironmentError is anything that kept the run from saying something about the app: the machine, the app file, a key that is not ours. Stage names what was going on.
type EnvironmentError struct {
	Stage string
	Err   error
}

func (e *EnvironmentError) Error() string { return e.Stage + ": " + e.Err.Error() }
func (e *EnvironmentError) Unwrap() error { return e.Err }

// memoryLimit keeps eight nodes within the room that they need: without it the runtime lets garbage pile up to twice that, with it a third of a core goes into
// collecting at the edge.
const memoryLimit = 400 << 20

// bootLimit is the room for the start of the nodes, which makes half a gigabyte of garbage, mostly buffers of geth's blob pools. Collected on the way, it doubles the time of
// the start.
const bootLimit = 800 << 20

// roomToBoot has no garbage collected until the returned function is called, from when on memoryLimit holds.
func roomToBoot() (done func()) {
	percent := debug.SetGCPercent(-1)
	debug.SetMemoryLimit(bootLimit)
	return func() {
		debug.SetMemoryLimit(memoryLimit)
		debug.SetGCPercent(percent)
	}
}

// closing bounds everything that is done after the timeline, or after an interrupt.
const closing = 20 * time.Second

// Cell runs one cell. The folder holds a history afterwards in any case that lets a file be written. It returns nil when the timeline was played to its end,
// ErrInterrupted when ctx ended first, an *EnvironmentError otherwise; the last two joined with what could not be cleaned up.
func Cell(ctx context.Context, cfg Config) error {
	file, err := os.OpenFile(filepath.Join(cfg.Dir, history.PlainName), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return &EnvironmentError{"open the history", err}
	}
	defer file.Close()
	redact := history.NewRedactor()
	w := history.NewWriter(file, redact, cfg.Tee)

	c := &cell{cfg: cfg, plan: cfg.Plan, clock: cfg.Clock, sink: w, redact: redact}
	if err = c.seal(w, c.live(ctx, w)); w.Err() != nil {
		return err
	}
	if zipErr := errors.Join(file.Close(), history.Compress(cfg.Dir)); zipErr != nil && !errors.Is(zipErr, os.ErrClosed) {
		return errors.Join(err, &EnvironmentError{"write the history", zipErr})
	}
	return err
}

// seal ends the history of a run that ended with err, and gives what the caller is told.
func (c *cell) seal(w *history.Writer, err error) error {
	end, reason := history.EndComplete, ""
	var env *EnvironmentError
	switch {
	case errors.As(err, &env):
		end, reason = history.EndAborted, env.Error()
	case errors.Is(err, ErrInterrupted):
		end, reason = history.EndInterrupted, "stopped during "+c.stage
	}
	sealErr := w.Seal(end, reason, c.clock.Now())
	if sealErr == nil || errors.Is(err, sealErr) { // the second: that is what ended the run
		return err
	}
	if err != nil { // in its words alone: a run without a record is no interrupted one
		sealErr = fmt.Errorf("%w (the run had ended: %s)", sealErr, err.Error())
	}
	return &EnvironmentError{unrecordable, sealErr}
}

// live is the whole story. Whatever was started is stopped when it returns, in reverse order, on a context of its own.
func (c *cell) live(ctx context.Context, w *history.Writer) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer func() { err = c.conclude(ctx, err, c.stop()) }()
	go c.watch(ctx, cancel, w)
	c.fatal = cancel

	if err := c.open(); err != nil {
		return err
	}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"boot the chain", c.bootChain},
		{"open the internet", c.openInternet},
		{"start the app", c.startApp},
		{"log in", c.logIn},
		{"preflight", c.preflight},
		{"timeline", c.playTimeline},
		{"drain", c.drain},
	} {
		c.enter(step.name)
		if err := step.do(ctx); err != nil {
			return err
		}
	}
	c.enter("clean up")
	return nil
}

// unrecordable is the stage of a run whose history cannot be written.
const unrecordable = "the run cannot be recorded"

// watch ends the run when its record cannot be written any more: going on unrecorded would be for nothing.
func (c *cell) watch(ctx context.Context, cancel context.CancelCauseFunc, w *history.Writer) {
	if err := w.Wait(ctx); err != nil {
		cancel(&EnvironmentError{unrecordable, err})
	}
}

// conclude puts together what ended the run and what could not be cleaned up. The second changes nothing of what the first means to the caller, and is recorded too: who
// interrupts a run sees its history alone.
func (c *cell) conclude(ctx context.Context, err, left error) error {
	ended := c.explain(ctx, err)
	if left == nil {
		return ended
	}
	c.note("clean up: %v", left)
	if ended == nil {
		return &EnvironmentError{c.stage, left}
	}
	return errors.Join(ended, fmt.Errorf("clean up: %w", left))
}

// explain turns what ended the run into what the caller is told.
func (c *cell) explain(ctx context.Context, err error) error {
	var env *EnvironmentError
	switch cause := context.Cause(ctx); {
	case err == nil:
		return nil
	case errors.As(cause, &env):
		return env
	case errors.As(err, &env):
		return env
	case ctx.Err() != nil && (cause == nil || errors.Is(cause, context.Canceled)):
		return ErrInterrupted
	}
	return &EnvironmentError{c.stage, err}
}

// enter marks a stage in the history.
func (c *cell) enter(stage string) {
	c.stage = stage
	c.sink.Add(history.Stage{Name: stage, At: c.clock.Now()})
}

// later remembers what undoes a step. It is run at the end, newest first.
func (c *cell) later(name string, undo func(context.Context) error) {
	c.undo = append(c.undo, undoing{name, undo})
}

type undoing struct {
	name string
	do   func(context.Context) error
}

// stop undoes everything, newest first, each within what is left of the time for closing. Errors are joined and stop nothing.
func (c *cell) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	var all error
	for i := len(c.undo) - 1; i >= 0; i-- {
		if err := c.undo[i].do(ctx); err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w", c.undo[i].name, err))
		}
	}
	c.undo = nil
	return all
}

// LogFile makes a file under the logs folder of a run's folder.
func LogFile(folder, name string) (io.WriteCloser, error) {
	dir := filepath.Join(folder, "logs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return os.Create(filepath.Join(dir, name))
}
