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
// app, and a build needs more than a run. What it prints goes to log, line by line and after redact; either may be nil. On failure the last 20 lines are in the error.
// When ctx ends its whole process group is killed.
func Prepare(ctx context.Context, a *spec.App, env []string, log io.Writer, redact func(string) string) error {
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
	if log == nil {
		log = io.Discard
	}
	out := newOutput(log, newScrubber(redact))
	cmd := exec.CommandContext(ctx, file, a.Start.Prepare[1:]...)
	cmd.Args[0], cmd.Env, cmd.Dir = a.Start.Prepare[0], env, dir
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = attributes()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second // for output that a process which left the group holds open
	// See attributes: the thread that starts it must not end before it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	closeInherited()
	err = cmd.Run()
	logErr := out.Close()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return fmt.Errorf("start.prepare: %s: %w; %s", strings.Join(a.Start.Prepare, " "), err, outputTail(out.Last()))
	case logErr != nil:
		return fmt.Errorf("start.prepare: write its log: %w", logErr)
	}
	return nil
}
