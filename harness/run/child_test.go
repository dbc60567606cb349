package run

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// lost is where a cell runs that answers nothing, until the test is over.
type lost struct {
	deaf bool  // it does not even take its order
	kill error // what it says when it is told to end the cell; nil: nothing
	over chan struct{}
	in   *io.PipeWriter
	out  *io.PipeWriter
}

func (l *lost) Start(context.Context) (io.WriteCloser, io.Reader, error) {
	var order *io.PipeReader
	order, l.in = io.Pipe()
	if !l.deaf {
		go func() { _, _ = io.Copy(io.Discard, order) }()
	}
	var out io.Reader
	out, l.out = io.Pipe()
	return l.in, out, nil
}

func (l *lost) Wait(context.Context) error {
	<-l.over
	return nil
}

func (l *lost) Kill(context.Context) error {
	if l.kill == nil {
		<-l.over
	}
	return l.kill
}

// TestSpawnGivesUp bounds how long a cell is waited for that was killed.
func TestSpawnGivesUp(t *testing.T) {
	const interrupted, grace = time.Minute, 40 * time.Second
	for name, tt := range map[string]struct {
		runner lost
		kill   bool // at once, in place of after the grace
		within time.Duration
		says   string
	}{
		"after the grace": {lost{}, false, grace + killBound, "that was not answered"},
		"killed":          {lost{}, true, killBound, "that was not answered"},
		"refused":         {lost{kill: errors.New("no such container")}, true, killBound, "no such container"},
		"deaf":            {lost{deaf: true}, false, killBound, "tell the cell what to do"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				runner := &tt.runner
				runner.over = make(chan struct{})
				ctx, cancel := context.WithCancel(t.Context())
				kill := make(chan struct{})
				time.AfterFunc(interrupted, cancel)
				if tt.kill {
					close(kill)
				}
				began, seen := time.Now(), 0
				err := Spawn(ctx, Child{Runner: runner, Grace: grace, Lines: func([]byte) { seen++ }}, kill)
				if took := time.Since(began); took != interrupted+tt.within {
					t.Errorf("it took %s, not %s", took, interrupted+tt.within)
				}
				if err == nil || !strings.Contains(err.Error(), "the cell is left to itself") || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("it says: %v", err)
				}
				if _, err := runner.out.Write([]byte("late\n")); err != nil {
					t.Fatal(err)
				}
				_ = runner.out.Close()
				close(runner.over)
				synctest.Wait()
				if seen != 0 {
					t.Error("a line came when Spawn had returned")
				}
			})
		})
	}
}

// brief is a cell that prints a line and ends in its own way, killed or not.
type brief struct {
	lost
	ends error
}

func (b *brief) Start(ctx context.Context) (io.WriteCloser, io.Reader, error) {
	in, out, err := b.lost.Start(ctx)
	go func() {
		_, _ = b.out.Write([]byte("a line\n"))
		_ = b.out.Close()
	}()
	return in, out, err
}

func (b *brief) Wait(context.Context) error {
	_ = b.in.Close()
	return b.ends
}

// TestSpawn gives what a cell said that has ended, and all its lines.
func TestSpawn(t *testing.T) {
	for _, ends := range []error{nil, errors.New("no room")} {
		synctest.Test(t, func(t *testing.T) {
			var lines string
			err := Spawn(t.Context(), Child{Runner: &brief{ends: ends}, Lines: func(line []byte) { lines += string(line) }}, nil)
			if lines != "a line\n" || (err == nil) != (ends == nil) || err != nil && err.Error() != ends.Error() {
				t.Errorf("%q, %v, want the line and %v", lines, err, ends)
			}
		})
	}
}
