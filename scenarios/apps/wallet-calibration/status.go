package main

import (
	"fmt"
	"sync"
	"time"
)

const (
	watched     = 5 * time.Second // how far back the status looks at what users got
	badShare    = 0.1             // of their requests
	fewRequests = 10              // of which one that went wrong is not yet trouble
)

// status is what the wallet knows of how it is doing.
type status struct {
	now func() time.Time

	mu      sync.Mutex
	seconds map[int64]*tally // guarded by mu, as are those below
	undone  time.Time        // when a payment was last seen to leave the chain
}

type tally struct{ all, poor int }

func newStatus(now func() time.Time) *status { return &status{now: now, seconds: map[int64]*tally{}} }

// count takes in how one user was served.
func (s *status) count(poor bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now().Unix()
	t := s.seconds[now]
	if t == nil {
		t = new(tally)
		s.seconds[now] = t
		for old := range s.seconds {
			if old < now-60 {
				delete(s.seconds, old)
			}
		}
	}
	t.all++
	if poor {
		t.poor++
	}
}

// tookBack is told that a payment left the chain.
func (s *status) tookBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.undone = s.now()
}

// users says what is wrong with how users were served of late, or "".
func (s *status) users() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if !s.undone.IsZero() && now.Sub(s.undone) < 2*watched {
		return "the chain took payments back"
	}
	var sum tally
	for at, t := range s.seconds {
		if at > now.Add(-watched).Unix() {
			sum.all += t.all
			sum.poor += t.poor
		}
	}
	if float64(sum.poor) > badShare*float64(max(sum.all, fewRequests)) {
		return fmt.Sprintf("%d of the last %d requests were not served, or with old values", sum.poor, sum.all)
	}
	return ""
}

// status says whether the wallet is well: its heads are recent, users are served, and payments get through.
func (w *wallet) status() answer {
	why := w.users.users()
	newest, err := w.heads.newest()
	switch {
	case err != nil:
		why = err.Error()
	case w.heads.age(newest) > 4*w.heads.blockTime:
		why = fmt.Sprintf("the newest block is %d s old", int(w.heads.age(newest).Seconds()))
	case why == "":
		why = w.payments.late()
	}
	if why == "" || w.flaws[alwaysNormal] {
		return answer{body: map[string]any{"status": "ok"}}
	}
	return answer{body: map[string]any{"status": "trouble", "why": why}}
}
