package gateways

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"blackout/harness/clock"
)

// capacity is the token bucket of a service: one token a request, refilled at the allowed rate, holding one second's worth.
type capacity struct{ bucket atomic.Pointer[rate.Limiter] }

func (c *capacity) limit(rps float64) {
	if rps <= 0 || math.IsNaN(rps) {
		c.bucket.Store(nil)
		return
	}
	c.bucket.Store(rate.NewLimiter(rate.Limit(rps), int(math.Ceil(min(rps, 1e9)))))
}

// take takes a token; false when there is none.
func (c *capacity) take(now time.Time) bool {
	b := c.bucket.Load()
	return b == nil || b.AllowN(now, 1)
}

// allowed is the rate, 0 without a limit.
func (c *capacity) allowed() float64 {
	if b := c.bucket.Load(); b != nil {
		return float64(b.Limit())
	}
	return 0
}

// meter measures the app's rate over the last second, as two counters: the running second and the one before it, weighted by how much of it is left in the window.
type meter struct {
	mu           sync.Mutex
	second       int64
	now, earlier float64
}

func (m *meter) count(at clock.Micros) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(at)
	m.now++
}

func (m *meter) rate(at clock.Micros) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(at)
	gone := math.Mod(at.Seconds(), 1)
	return m.earlier*(1-gone) + m.now
}

func (m *meter) turn(at clock.Micros) {
	second := int64(at / 1e6)
	switch {
	case second == m.second+1:
		m.earlier, m.now = m.now, 0
	case second > m.second:
		m.earlier, m.now = 0, 0
	default:
		return // the same second, or a reading that was overtaken by another
	}
	m.second = second
}
