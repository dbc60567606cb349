package fault

import (
	"context"
	"fmt"
	"slices"
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

// Seen leaves alone what a probe saw that had to ask for the address first: what it met may be the name's.
func (a connAction) Seen(p Observation) bool { return p.Host == "" && a.seen(p) }

// nameAction is an Action at the resolver. The rule lacks its grip, which comes with Inject.
type nameAction struct {
	rule NameRule
	seen func(Observation) bool
}

func (a nameAction) Inject(_ context.Context, s Surface, g *Grip) error {
	names, err := s.Names(g.Service)
	if err != nil {
		return fmt.Errorf("reach the names of %s: %w", g.Service, err)
	}
	rule := a.rule
	rule.Grip = g
	return names.Put(rule)
}

func (a nameAction) Lift(_ context.Context, s Surface, g *Grip) error {
	names, err := s.Names(g.Service)
	if err != nil {
		return fmt.Errorf("reach the names of %s: %w", g.Service, err)
	}
	names.Drop(g.ID)
	return nil
}

func (a nameAction) Seen(p Observation) bool { return a.seen(p) }

// certAction is an Action at the certificates of a service. The rule lacks its grip, which comes with Inject.
type certAction struct {
	mode CertMode
	seen func(Observation) bool
}

func (a certAction) Inject(_ context.Context, s Surface, g *Grip) error {
	certificates, err := s.Certificates(g.Service)
	if err != nil {
		return fmt.Errorf("reach the certificates of %s: %w", g.Service, err)
	}
	return certificates.Put(CertRule{Grip: g, Mode: a.mode})
}

func (a certAction) Lift(_ context.Context, s Surface, g *Grip) error {
	certificates, err := s.Certificates(g.Service)
	if err != nil {
		return fmt.Errorf("reach the certificates of %s: %w", g.Service, err)
	}
	certificates.Drop(g.ID)
	return nil
}

func (a certAction) Seen(p Observation) bool { return p.Handshake && a.seen(p) }

// shows is the look at a probe for a certificate that is flawed in one way.
func shows(mode CertMode) func(Observation) bool {
	return func(p Observation) bool { return p.Certificate == mode }
}

// replyAction is an Action at the http or the rpc layer. rule gets the gateway that it will stand at, and leaves Grip and Layer to the action. probe is the method in
// which it shows, "" when it shows in every call.
type replyAction struct {
	layer Layer
	rule  func(Gateway) ReplyRule
	probe string
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

// ProbeMethod is the method in which the fault shows.
func (a *replyAction) ProbeMethod() string { return a.probe }

// first gives the first of the methods that a fault is for, to probe with; "" for one that is for all.
func first(methods []string) string {
	if len(methods) == 0 {
		return ""
	}
	return methods[0]
}

// concerns reports whether a fault that is for some methods, or for all when none is named, is for one of those that a request calls.
func concerns(methods, called []string) bool {
	return len(methods) == 0 || slices.ContainsFunc(called, func(m string) bool { return slices.Contains(methods, m) })
}

// chainAction is an Action at the conductor of a chain. hold and release are called in turn: never two of one kind without the other between, whatever the order of
// Inject, Adjust and Lift, except that a hold may be renewed where renew is set.
type chainAction struct {
	hold    func(context.Context, Chain, *Grip) error
	release func(context.Context, Chain, string) error
	renew   bool   // a share that changed, but not to 0, holds again
	method  string // what a probe has to call; "": any call
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

func (a *chainAction) ProbeMethod() string { return a.method }

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

// resolved reports whether a probe by name got this word from the resolver.
func resolved(p Observation, rcode string) bool { return p.Host != "" && p.Rcode == rcode }

// tail is the parameter of faults whose answers are kept by resolvers on the way.
var tail = Param{
	Name: "tail", Type: TypeDuration, Min: bound(0), Max: bound(60),
	Doc: "How long caches between the app and the name's own servers go on giving the answer once the fault is over, up to 1m; none when absent.",
}
