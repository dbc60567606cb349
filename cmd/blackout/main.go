package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"blackout/harness/clock"
)

// state is everything that the program takes from its process. A command reaches the outside through it alone, so that a test can run the whole program.
type state struct {
	args           []string
	environ        []string
	dir            string
	executable     string
	stdin          io.Reader
	stdout, stderr io.Writer
	clock          clock.Clock
	// interrupts asks for the interrupt and termination signals, as values of the channel. A command that does not ask is ended by them, as any program is.
	interrupts func() <-chan os.Signal
	// preparing has room for one, while an app's image is made.
	preparing chan struct{}
}

func (s *state) env(name string) (string, bool) {
	for i := len(s.environ) - 1; i >= 0; i-- {
		if kv := s.environ[i]; len(kv) > len(name) && kv[len(name)] == '=' && kv[:len(name)] == name {
			return kv[len(name)+1:], true
		}
	}
	return "", false
}

// interruptible gives a context that ends at the first interrupt, which is answered by calling say, and a channel that is closed at the second.
func (s *state) interruptible(ctx context.Context, say func()) (context.Context, <-chan struct{}, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	second := make(chan struct{})
	interrupts := s.interrupts()
	go func() {
		select {
		case <-interrupts:
			say()
			cancel()
		case <-ctx.Done():
			return
		}
		if _, ok := <-interrupts; ok {
			close(second)
		}
	}()
	return ctx, second, cancel
}

// The exit codes. Of many runs the worst wins, in the order 2 > 130 > 1 > 4 > 3 > 0 (package verdict).
const (
	exitPass        = 0
	exitFail        = 1
	exitUsage       = 2 // usage or file error: nothing ran
	exitEnvironment = 4
	exitInterrupted = 130
)

// exitError carries an exit code and, where one helps, what to do.
type exitError struct {
	code int
	err  error // nil: everything was said already
	hint string
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// distinct joins errors and says each text once: a file that is wrong is read for several purposes. Those of more than one line are set apart by an empty one.
func distinct(errs ...error) error {
	var said []string
	var kept []error
	apart := "\n"
	for _, err := range errs {
		parts := []error{err}
		if j, ok := err.(*joined); ok { //nolint:errorlint // of a wrapped one the wrapping would be lost
			parts = j.errs
		}
		for _, err := range parts {
			if err == nil || slices.Contains(said, err.Error()) {
				continue
			}
			said, kept = append(said, err.Error()), append(kept, err)
			if strings.Contains(err.Error(), "\n") {
				apart = "\n\n"
			}
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return &joined{strings.Join(said, apart), kept}
}

type joined struct {
	text string
	errs []error
}

func (j *joined) Error() string   { return j.text }
func (j *joined) Unwrap() []error { return j.errs }

// hinted adds what to do to one error of several.
func hinted(err error, hint string) error { return fmt.Errorf("%w\nhint: %s", err, hint) }

// usage makes an error of the user's words or files: exit code 2.
func usage(err error, hint string) error { return &exitError{exitUsage, err, hint} }

// code is the one place that maps an error to an exit code and says it.
func (s *state) code(err error) int {
	if err == nil {
		return exitPass
	}
	var e *exitError
	if !errors.As(err, &e) {
		e = &exitError{code: exitUsage, err: err} // cobra's own errors are about words on the command line
	}
	if errors.Is(e.err, syscall.EPIPE) {
		return exitPass // the reader has seen enough: "blackout list | head -1"
	}
	if e.err != nil {
		fmt.Fprintf(s.stderr, "Error: %s\n", strings.TrimSpace(e.err.Error()))
	}
	if e.hint != "" {
		fmt.Fprintf(s.stderr, "hint: %s\n", e.hint)
	}
	return e.code
}

func main() {
	os.Exit(fromProcess())
}

// fromProcess runs the program on the process's own state.
func fromProcess() int {
	dir, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		return exitEnvironment
	}
	executable, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		return exitEnvironment
	}
	// A reader that goes away (the tee of "| tee log" at Ctrl-C, the parent of a cell) makes writes fail and must not end us before the run is healed and sealed.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	interrupts := func() <-chan os.Signal {
		c := make(chan os.Signal, 2)
		signal.Notify(c, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		return c
	}
	s := &state{
		preparing: make(chan struct{}, 1),
		args:      os.Args[1:], environ: os.Environ(), dir: dir, executable: executable,
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, clock: clock.Start(), interrupts: interrupts,
	}
	return s.main(context.Background())
}
