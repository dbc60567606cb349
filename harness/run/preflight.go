package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"blackout/harness/clock"
	"blackout/harness/journey"
	"blackout/harness/spec"
)

// logIn makes the users and logs each of them in once.
func (c *cell) logIn(ctx context.Context) (err error) {
	services := c.net.Variables()
	screen, err := c.startBrowser(ctx)
	if err != nil {
		return err
	}
	c.runner, err = journey.New(journey.Config{
		Plan: c.plan, App: c.cfg.App, URL: c.app.URL, Accounts: c.users, Intents: c.ledger, Clock: c.clock, Sink: c.sink, Redact: c.redact.String,
		Secret:   func(name string) (string, bool) { v, ok := c.cfg.Secrets[name]; return v, ok },
		Commands: c.app, Services: func(name string) (string, bool) { v, ok := services[name]; return v, ok },
		Browser: screen, Picture: c.keepPicture,
	})
	if err != nil {
		return err
	}
	c.later("close the users' connections", func(context.Context) error { c.runner.Close(); return nil })
	return c.runner.Login(ctx)
}

// preflight proves that the app's reads and its first payment reach us, so that no run says anything about an app that talks to someone else.
func (c *cell) preflight(ctx context.Context) error {
	before := c.requests()
	hurrying, stop := context.WithCancel(ctx)
	hurried := make(chan struct{})
	go func() { defer close(hurried); c.hurry(hurrying) }()
	attempts, err := c.runner.Preflight(ctx)
	stop()
	<-hurried
	if err != nil {
		return err
	}
	for _, a := range attempts {
		switch {
		case a.Error != "":
			return fmt.Errorf("%s got no answer from the app: %s %s", a.Journey, a.Error, a.Detail)
		case a.Status < 200 || a.Status > 299:
			return fmt.Errorf("%s was answered with %s before anything was broken: %s", a.Journey, cmp.Or(a.Detail, fmt.Sprintf("HTTP %d", a.Status)), strings.TrimSpace(a.Body))
		case len(a.Missing) > 0:
			return fmt.Errorf("%s: the answer has no %s where the app file says: %s", a.Journey, strings.Join(a.Missing, ", no "), strings.TrimSpace(a.Body))
		}
	}
	if c.requests() == before {
		return errors.New("the app answered, but asked none of the services of this world: does it read their addresses from its environment (${service.NAME.CHAIN.url})?")
	}
	for _, j := range c.plan.Journeys {
		if j.Kind != spec.KindWrite {
			continue
		}
		if !c.paid("preflight/" + j.Name) {
			return fmt.Errorf("%s was accepted, but no transaction to its recipient reached a provider of this world", j.Name)
		}
	}
	return nil
}

// hurry publishes the next block as soon as the payment of each preflight is with every node, so that no one waits for its turn.
func (c *cell) hurry(ctx context.Context) {
	carried := int64(0)
	for _, j := range c.plan.Journeys {
		if j.Kind != spec.KindWrite {
			continue
		}
		conductor, err := c.chains.Chain(j.Chain)
		if err != nil {
			return
		}
		carried++
		for !c.paid("preflight/"+j.Name) || c.payments.carried.Load() < carried {
			if clock.Sleep(ctx, 5*time.Millisecond) != nil {
				return
			}
		}
		if err := conductor.Step(ctx); err != nil && ctx.Err() == nil {
			c.note("no block could be built for the preflight of %s: %v", j.Name, err)
		}
	}
}

// paid reports whether a gateway has seen the payment of an intent.
func (c *cell) paid(intent string) bool {
	c.payments.mu.Lock()
	defer c.payments.mu.Unlock()
	return c.payments.seen[intent]
}

func (c *cell) requests() int64 {
	var n int64
	for _, s := range c.plan.Services {
		n += c.net.Requests(s.Name)
	}
	return n
}
