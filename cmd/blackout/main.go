package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
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
	// interrupts gets a value at each interrupt or termination signal.
	interrupts <-chan os.Signal
}

func (s *state) env(name string) (string, bool) {
	for i := len(s.environ) - 1; i >= 0; i-- {
		if kv := s.environ[i]; len(kv) > len(name) && kv[len(name)] == '=' && kv[:len(name)] == name {
			return kv[len(name)+1:], true
		}
	}
	return "", false
}

// interruptible gives a context that ends at the first interrupt, and a channel that is closed at the second.
func (s *state) interruptible(ctx context.Context) (context.Context, <-chan struct{}, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	second := make(chan struct{})
	go func() {
		select {
		case <-s.interrupts:
			fmt.Fprintln(s.stderr, "\nInterrupted: healing, sealing the history and writing the report. Once more to quit at once.")
			cancel()
		case <-ctx.Done():
			return
		}
		if _, ok := <-s.interrupts; ok {
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
	if e.err != nil {
		fmt.Fprintf(s.stderr, "Error: %v\n", e.err)
	}
	if e.hint != "" {
		fmt.Fprintf(s.stderr, "Hint: %s\n", e.hint)
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
	interrupts := make(chan os.Signal, 2)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	s := &state{
		args: os.Args[1:], environ: os.Environ(), dir: dir, executable: executable,
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, clock: clock.Start(), interrupts: interrupts,
	}
	return s.main(context.Background())
}
