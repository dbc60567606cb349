package run

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// killBound is how long a cell may take to be gone, and its lines to be read to the end, once it is killed. Then it is abandoned: where it runs does not answer.
const killBound = 15 * time.Second

// ending sees a cell to its end, which may come long after the context of its run has ended:
//
//	running ──kill──▶ killed ──killBound──▶ abandoned
type ending struct {
	runner  Runner
	ctx     context.Context // ends when the cell is abandoned
	abandon context.CancelFunc
	once    sync.Once
	killed  chan error // what Kill said in time
}

func newEnding(ctx context.Context, r Runner) *ending {
	e := &ending{runner: r, killed: make(chan error, 1)}
	e.ctx, e.abandon = context.WithCancel(context.WithoutCancel(ctx))
	return e
}

// kill kills the cell, once, and waits for nothing.
func (e *ending) kill() {
	e.once.Do(func() {
		late := time.AfterFunc(killBound, e.abandon)
		context.AfterFunc(e.ctx, func() { late.Stop() })
		go func() {
			if err := e.runner.Kill(e.ctx); e.ctx.Err() == nil {
				e.killed <- err
			}
		}()
	})
}

// see waits for how something ended, as long as the cell is not abandoned.
func (e *ending) see(outcome <-chan error) error {
	select {
	case err := <-outcome:
		return err
	case <-e.ctx.Done():
		return e.ctx.Err()
	}
}

// lost is the error for a cell that was abandoned.
func (e *ending) lost() error {
	said := errors.New("that was not answered")
	select {
	case err := <-e.killed:
		if said = err; err == nil {
			said = errors.New("its end was not seen")
		}
	default:
	}
	return fmt.Errorf("the cell is left to itself, %s after it was killed: %w", killBound, said)
}

// lines hands out a history's lines until end: who gets them expects none of a cell that was abandoned.
type lines struct {
	do func([]byte)

	mu   sync.Mutex
	over bool
}

func (l *lines) take(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.do(line)
	}
}

func (l *lines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
}
