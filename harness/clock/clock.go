// Package clock owns time: every other package is handed a Clock and never asks the machine itself, so that all recorders of a run share one base.
package clock

import (
	"context"
	"time"
)

// Micros is a moment of a run, or a length of time, in integer microseconds. Moments count from the run's base.
type Micros int64

// Of gives a length of time in microseconds, rounded towards zero.
func Of(d time.Duration) Micros { return Micros(d / time.Microsecond) }

// Duration gives m as a length of time.
func (m Micros) Duration() time.Duration { return time.Duration(m) * time.Microsecond }

// Seconds gives m in seconds.
func (m Micros) Seconds() float64 { return float64(m) / 1e6 }

// Clock counts from one base on the machine's monotonic clock, so a wall clock that jumps moves nothing. It is safe for concurrent use. The zero Clock is not
// usable: call Start.
type Clock struct{ base time.Time }

// Start makes a clock whose base is now.
func Start() Clock { return Clock{base: time.Now()} }

// Now is the time since the base.
func (c Clock) Now() Micros { return Of(time.Since(c.base)) }

// At converts a time that carries a monotonic reading of this process.
func (c Clock) At(t time.Time) Micros { return Of(t.Sub(c.base)) }

// Time converts a moment back, with its monotonic reading.
func (c Clock) Time(m Micros) time.Time { return c.base.Add(m.Duration()) }

// Base is the base as wall-clock time in UTC.
func (c Clock) Base() time.Time { return c.base.UTC() }

// Until waits for a moment. It returns at once if the moment has passed, and ctx.Err() if ctx ends first.
func (c Clock) Until(ctx context.Context, m Micros) error {
	return Sleep(ctx, time.Until(c.Time(m)))
}

// Sleep waits for d, or returns ctx.Err() if ctx ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
