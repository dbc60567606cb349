package journey

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"

	"blackout/harness/clock"
	"blackout/harness/history"
)

// Run sends every attempt of the plan: the n-th of a journey is due at start + offset + n × every, as long as that is before start + the plan's end, and belongs to
// session n mod sessions. start is a moment of the run's clock. Run returns when each attempt has ended or was given up; following payments goes on until Drain.
//
// When ctx ends, attempts under way are recorded as interrupted, follow-ups end, and Run returns ctx's error. A failure of the harness itself ends Run as well.
func (r *Runner) Run(ctx context.Context, start clock.Micros) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	unhook := context.AfterFunc(ctx, r.stopFollows)
	r.subscribe()
	var attempts sync.WaitGroup
	for _, j := range r.journeys {
		attempts.Go(func() {
			for n := 0; ; n++ {
				offset := j.plan.Offset + clock.Micros(n)*j.plan.Every
				if offset >= r.cfg.Plan.End || r.cfg.Clock.Until(ctx, start+offset) != nil {
					return
				}
				// A goroutine each and no pool: nothing that the app does can hold up the next attempt.
				attempts.Go(func() {
					id := j.plan.Name + "#" + strconv.Itoa(n)
					s := r.sessions[n%len(r.sessions)]
					a, p, page, err := r.attempt(ctx, j, s, n, id, start+offset)
					if err != nil {
						fail(fmt.Errorf("attempt %s: %w", id, err))
						return
					}
					r.cfg.Sink.Add(a)
					r.heard(p, a.End)
					r.remember(p)
					r.goFollow(p)
					r.leave(ctx, j, a, page, offset)
				})
			}
		})
	}
	attempts.Wait()
	if err := context.Cause(ctx); err != nil {
		r.follows.Wait()
		return err
	}
	unhook()
	return nil
}

// subscribe opens the subscriptions of all sessions, without waiting for them.
func (r *Runner) subscribe() {
	for _, j := range r.journeys {
		if s, ok := j.ask.(*sockets); ok {
			for _, user := range r.sessions {
				s.of(r, user)
			}
		}
	}
}

// Drain waits until the app's word for every payment is final and each that it did not confirm has had its time, the longer of settle and patience from when it was
// due; at the latest until a moment of the run's clock. Nothing is under way when it returns.
//
// An app that pays from a queue of its own accepts a payment before any node hears of it: to look at the chain right after the last attempt would call that lost.
func (r *Runner) Drain(ctx context.Context, until clock.Micros) error {
	defer r.Close()
	final := make(chan struct{})
	go func() {
		defer close(final)
		r.follows.Wait()
	}()
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	over := make(chan error, 1)
	go func() { over <- r.cfg.Clock.Until(waiting, until) }()
	select {
	case <-final:
		cancel()
		_ = <-over // the wait was cut short on purpose
		return r.cfg.Clock.Until(ctx, min(until, r.settled()))
	case err := <-over:
		r.stopFollows()
		<-final
		return err
	}
}

func (r *Runner) remember(p *payment) {
	if p == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.payments = append(r.payments, p)
}

// settled is when every payment that the app did not confirm has had its time; 0 when there is none. Nothing may be under way.
func (r *Runner) settled() clock.Micros {
	r.mu.Lock()
	defer r.mu.Unlock()
	var last clock.Micros
	for _, p := range r.payments {
		if !p.confirmed {
			last = max(last, p.until)
		}
	}
	return last
}

// impatient is how often the preflight asks about its payment: the run waits for it.
const impatient = clock.Micros(50_000)

// Preflight does each journey once, one after the other, as session 0, and follows a payment until the app's word is final or the journey's settle time is over. The
// attempts are returned and not recorded, with ids "preflight/<journey>"; a payment's intent and the app's words for it are. What the attempts say is for the caller
// to judge. The error is ctx's, or an ErrAppFile: a state that the app file does not list.
func (r *Runner) Preflight(ctx context.Context) ([]history.Attempt, error) {
	if err := r.warm(ctx); err != nil {
		return nil, fmt.Errorf("open the tabs: %w", err)
	}
	var all []history.Attempt
	for _, j := range r.journeys {
		a, p, page, err := r.attempt(ctx, j, r.sessions[0], 0, "preflight/"+j.plan.Name, r.cfg.Clock.Now())
		page.leave(ctx)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return all, fmt.Errorf("preflight of %s: %w", j.plan.Name, err)
		}
		all = append(all, a)
		r.heard(p, a.End)
		if p != nil && p.worthFollowing() {
			r.follow(ctx, p, min(p.journey.every, impatient), a.End+j.plan.Settle)
		}
		if ctx.Err() != nil {
			return all, ctx.Err()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for text := range maps.Keys(r.unlisted) {
		errs = append(errs, fmt.Errorf("%w: %s", ErrAppFile, text))
	}
	return all, errors.Join(errs...)
}
