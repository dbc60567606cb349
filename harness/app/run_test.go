package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// runner is an app of which only Run is used.
func runner(t *testing.T) *App {
	cfg, _ := rig(t, "good")
	cfg.Home = "/home/of-the-user"
	return &App{cfg: cfg}
}

func TestRun(t *testing.T) {
	a := runner(t)
	if err := os.WriteFile(filepath.Join(a.cfg.App.Dir, "wallet"), []byte("#!/bin/sh\npwd\nenv | sort\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	code, stdout, _, err := a.Run(t.Context(), []string{"./wallet"}, map[string]string{"KEY": "0x1"}, 1<<20)
	if err != nil || code != 0 {
		t.Fatalf("%d, %v", code, err)
	}
	want := []string{a.cfg.App.Dir, "HOME=/home/of-the-user", "KEY=0x1", "LANG=C.UTF-8", "PATH=" + a.cfg.Path}
	got := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(stdout)), "\n"), func(line string) bool {
		return strings.HasPrefix(line, "_=") || strings.HasPrefix(line, "PWD=") // a shell makes them itself
	})
	if !slices.Equal(got, want) {
		t.Errorf("it saw %q, want %q", got, want)
	}

	code, stdout, stderr, err := a.Run(t.Context(), []string{"sh", "-c", "echo out; echo err >&2; exit 3"}, nil, 1<<20)
	if err != nil || code != 3 || string(stdout) != "out\n" || string(stderr) != "err\n" {
		t.Errorf("%d %q %q %v", code, stdout, stderr, err)
	}
	if _, _, _, err := a.Run(t.Context(), []string{"sh", "-c", "kill -9 $$"}, nil, 1<<20); err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("a signal: %v", err)
	}
	if _, _, _, err := a.Run(t.Context(), []string{"no-such-program"}, nil, 1<<20); err == nil || !strings.Contains(err.Error(), "is not in PATH") {
		t.Errorf("not there: %v", err)
	}
}

func TestRunBoundsOutput(t *testing.T) {
	a := runner(t)
	code, stdout, stderr, err := a.Run(t.Context(), []string{"sh", "-c", "head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2; echo last >&2"}, nil, 1000)
	if err != nil || code != 0 || len(stdout) != 1001 || len(stderr) != stderrKept || !strings.HasSuffix(string(stderr), "last\n") {
		t.Errorf("%d, %d bytes and %d of stderr, %v", code, len(stdout), len(stderr), err)
	}
}

// TestRunLeavesNothing holds that a program's whole group ends with it, when it ends itself and when its time is over.
func TestRunLeavesNothing(t *testing.T) {
	tests := map[string]struct {
		line    string
		timeout time.Duration
		want    error
	}{
		"a child outlives it":       {"trap '' TERM; sleep 300 & echo $! $$; exit 0", time.Minute, nil},
		"a child holds its output":  {"(trap '' TERM HUP; sleep 300) & echo $! $$", time.Minute, nil},
		"patience":                  {"trap '' TERM; sleep 300 & echo $! $$; sleep 300", 300 * time.Millisecond, context.DeadlineExceeded},
		"patience, and it is quiet": {"sleep 300 & echo $! $$; exec >/dev/null 2>&1; while :; do sleep 300; done", 300 * time.Millisecond, context.DeadlineExceeded},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := runner(t)
			ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
			defer cancel()
			_, stdout, _, err := a.Run(ctx, []string{"sh", "-c", tt.line}, nil, 1<<10)
			if !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			pids := strings.Fields(string(stdout))
			if len(pids) != 2 {
				t.Fatalf("it printed %q", stdout)
			}
			for _, text := range pids {
				if pid, err := strconv.Atoi(text); err != nil || alive(pid) {
					t.Errorf("process %s is still alive (%v)", text, err)
				}
			}
		})
	}
}

func TestRunAtOnce(t *testing.T) {
	a := runner(t)
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			want := strconv.Itoa(n)
			if _, stdout, _, err := a.Run(t.Context(), []string{"echo", want}, nil, 100); err != nil || strings.TrimSpace(string(stdout)) != want {
				t.Errorf("%d: %q %v", n, stdout, err)
			}
		})
	}
	all.Wait()
}
