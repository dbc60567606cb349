package app

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"blackout/harness/clock"
	"blackout/harness/runtime/private"
)

const (
	stderrKept   = 2 << 10         // bytes of a program's standard error, the last ones
	runKillBound = 2 * time.Second // what is left of a group is killed again and again for so long
	runDrain     = 2 * time.Second // for output that a process which left the group holds open; on a busy machine reading the rest takes a while
)

// Run runs a program beside the app, as the app's own user, with PATH, HOME, LANG and what is declared, in the folder of the app file and in a process group of its own.
// It returns when the program has ended, or ctx: either way the whole group has ended then. Output beyond the limit is read and dropped, so that the program is never
// stopped by a pipe that nobody reads: of standard output at most limit bytes are given, and one more when there was more, of standard error the last. An error says that
// it did not start, that a signal ended it, or ctx's error. It may be called by many at once.
func (a *App) Run(ctx context.Context, argv []string, declared map[string]string, limit int) (code int, stdout, stderr []byte, err error) {
	cmd, err := a.command(argv, declared)
	if err != nil {
		return -1, nil, nil, err
	}
	out, said := &head{limit: limit + 1}, &tail{limit: stderrKept}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, said, runDrain
	// See attributes: the thread that starts it must not end before it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	closeInherited()
	if err := ctx.Err(); err != nil {
		return -1, nil, nil, err
	}
	if err := private.Start(cmd); err != nil {
		if errors.Is(err, syscall.ENOEXEC) {
			err = fmt.Errorf("%w: a script needs a first line such as #!/bin/sh", err)
		}
		return -1, nil, nil, err
	}
	err = a.await(ctx, cmd)
	code = cmd.ProcessState.ExitCode()
	var failed *exec.ExitError
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case errors.As(err, &failed) && code >= 0, errors.Is(err, exec.ErrWaitDelay):
		err = nil
	}
	return code, out.kept, said.kept, err
}

// command is a program as Run starts it.
func (a *App) command(argv []string, declared map[string]string) (*exec.Cmd, error) {
	if len(argv) == 0 {
		return nil, errors.New("the command is empty")
	}
	dir, err := filepath.Abs(a.cfg.App.Dir)
	if err != nil {
		return nil, fmt.Errorf("folder of the app file: %w", err)
	}
	home := a.cfg.Home
	if home == "" {
		home = a.cfg.ScratchDir
	}
	env, err := environment(a.cfg.Path, home, a.cfg.Lang, declared)
	if err != nil {
		return nil, err
	}
	file, err := findCommand(argv[0], dir, lookupEnv(env, "PATH"))
	if err != nil {
		return nil, err
	}
	cmd := &exec.Cmd{Path: file, Args: argv, Env: env, Dir: dir, SysProcAttr: attributes()}
	if a.cfg.As != nil {
		private.AsUser(cmd, *a.cfg.As)
	}
	return cmd, nil
}

// await sees a program's group to its end, and kills what is left of it when the program has ended or ctx has. It gives what Wait gives.
func (a *App) await(ctx context.Context, cmd *exec.Cmd) error {
	pgid := cmd.Process.Pid
	ended, waited := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(ended)
		if awaitEnd(pgid) != nil {
			waited <- cmd.Wait()
		}
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	// Where awaitEnd works, the leader is not reaped yet, so that the group's id belongs to nobody else.
	until := a.cfg.Clock.Now() + clock.Of(runKillBound)
	for {
		_ = syscall.Kill(-pgid, syscall.SIGKILL) // again and again: a member may fork while the signal is under way
		if !groupAlive(pgid) || a.cfg.Clock.Now() > until {
			break
		}
		_ = clock.Sleep(context.WithoutCancel(ctx), pollGroup)
	}
	<-ended
	select {
	case err := <-waited:
		return err
	default:
		return cmd.Wait()
	}
}

// head keeps the first bytes that are written to it.
type head struct {
	limit int
	kept  []byte
}

func (h *head) Write(p []byte) (int, error) {
	h.kept = append(h.kept, p[:min(len(p), h.limit-len(h.kept))]...)
	return len(p), nil
}

// tail keeps the last bytes that are written to it.
type tail struct {
	limit int
	kept  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	t.kept = t.kept[max(0, len(t.kept)-t.limit):]
	return len(p), nil
}
