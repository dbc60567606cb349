package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"blackout/harness/spec"
)

// Prepare runs start.prepare, if the app file has one, in the folder of the app file with the environment that it is given, which is the caller's own: it builds the
// app, and a build needs more than a run. What it prints goes to out, which may be nil; on failure the last 20 lines are in the error. When ctx ends its whole process
// group is killed.
func Prepare(ctx context.Context, a *spec.App, env []string, out io.Writer) error {
	if len(a.Start.Prepare) == 0 {
		return nil
	}
	dir, err := filepath.Abs(a.Dir)
	if err != nil {
		return fmt.Errorf("folder of the app file: %w", err)
	}
	file, err := findCommand(a.Start.Prepare[0], dir, lookupEnv(env, "PATH"))
	if err != nil {
		return fmt.Errorf("start.prepare: %w", err)
	}
	if out == nil {
		out = io.Discard
	}
	last := newOutput(io.Discard, newScrubber(nil, nil))
	cmd := exec.CommandContext(ctx, file, a.Start.Prepare[1:]...)
	cmd.Args[0], cmd.Env, cmd.Dir = a.Start.Prepare[0], env, dir
	both := io.MultiWriter(last, out)
	cmd.Stdout, cmd.Stderr = both, both
	cmd.SysProcAttr = attributes()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second // for output that a process which left the group holds open
	// See attributes: the thread that starts it must not end before it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	closeInherited()
	err = cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	_ = last.Close() // its log is io.Discard
	return fmt.Errorf("start.prepare: %s: %w; %s", strings.Join(a.Start.Prepare, " "), err, outputTail(last.Last()))
}
