package fault

import (
	"context"
	"fmt"
)

// connAction is an Action at the connection layer.
type connAction struct {
	mode   ConnMode
	toxics []Toxic
	seen   func(Observation) bool
}

func (a connAction) Inject(_ context.Context, s Surface, g *Grip) error {
	link, err := s.Link(g.Service)
	if err != nil {
		return fmt.Errorf("reach the link of %s: %w", g.Service, err)
	}
	return link.Put(ConnRule{Grip: g, Mode: a.mode, Toxics: a.toxics})
}

func (a connAction) Lift(_ context.Context, s Surface, g *Grip) error {
	link, err := s.Link(g.Service)
	if err != nil {
		return fmt.Errorf("reach the link of %s: %w", g.Service, err)
	}
	link.Drop(g.ID)
	return nil
}

// Adjust makes the link look at the share anew: a listener may have to be closed or opened, and a cutting rule takes or gives back open connections.
func (a connAction) Adjust(_ context.Context, s Surface, g *Grip) error {
	link, err := s.Link(g.Service)
	if err != nil {
		return fmt.Errorf("reach the link of %s: %w", g.Service, err)
	}
	return link.Sync()
}

func (a connAction) Seen(p Observation) bool { return a.seen(p) }

// replyAction is an Action at the http or the rpc layer. rule gets the gateway that it will stand at, and leaves Grip and Layer to the action.
type replyAction struct {
	layer Layer
	rule  func(Gateway) ReplyRule
	seen  func(Observation) bool
}

func (a *replyAction) Inject(_ context.Context, s Surface, g *Grip) error {
	gateway, err := s.Gateway(g.Service)
	if err != nil {
		return fmt.Errorf("reach the gateway of %s: %w", g.Service, err)
	}
	rule := a.rule(gateway)
	rule.Grip, rule.Layer = g, a.layer
	return gateway.Put(rule)
}

func (a *replyAction) Lift(_ context.Context, s Surface, g *Grip) error {
	gateway, err := s.Gateway(g.Service)
	if err != nil {
		return fmt.Errorf("reach the gateway of %s: %w", g.Service, err)
	}
	gateway.Drop(g.ID)
	return nil
}

func (a *replyAction) Seen(p Observation) bool { return a.seen(p) }

// chainAction is an Action at the conductor of a chain. hold and release are called in turn: never two of one kind without the other between, whatever the order of
// Inject, Adjust and Lift, except that a hold may be renewed where renew is set.
type chainAction struct {
	hold    func(context.Context, Chain, *Grip) error
	release func(context.Context, Chain, string) error
	renew   bool // a share that changed, but not to 0, holds again
	seen    func(Observation) bool

	held bool // guarded by the run: an action's methods are called one at a time
}

func (a *chainAction) Inject(ctx context.Context, s Surface, g *Grip) error {
	chain, err := conductor(s, g)
	if err != nil {
		return err
	}
	// Before the call, so that Lift also undoes a hold that failed half-way.
	a.held = true
	return a.hold(ctx, chain, g)
}

func (a *chainAction) Lift(ctx context.Context, s Surface, g *Grip) error {
	if !a.held {
		return nil
	}
	chain, err := conductor(s, g)
	if err != nil {
		return err
	}
	if err := a.release(ctx, chain, g.ID); err != nil {
		return err
	}
	a.held = false
	return nil
}

func (a *chainAction) Adjust(ctx context.Context, s Surface, g *Grip) error {
	switch {
	case g.Share() <= 0:
		return a.Lift(ctx, s, g)
	case a.held && !a.renew:
		return nil
	default:
		return a.Inject(ctx, s, g)
	}
}

func (a *chainAction) Seen(p Observation) bool { return a.seen(p) }

func conductor(s Surface, g *Grip) (Chain, error) {
	if g.Chain == "" {
		return nil, fmt.Errorf("effect %s names no chain", g.ID)
	}
	chain, err := s.Chain(g.Chain)
	if err != nil {
		return nil, fmt.Errorf("reach the conductor of %s: %w", g.Chain, err)
	}
	return chain, nil
}

// replied reports whether a probe got a whole reply.
func replied(p Observation) bool { return p.DialError == nil && p.Error == nil && !p.TimedOut }
