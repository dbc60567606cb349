package fault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var _ = register(Definition{
	Name:    "address-replaced",
	Layer:   LayerNames,
	Summary: "The service goes down, and comes back at new addresses.",
	Doc: "Connections to the addresses that the names lead to are refused, and kept ones are cut, unless the scenario says `existing: keep`; the names still lead " +
		"there. When the fault ends, the service listens at new addresses and the names lead to these, at once or, for look-ups, after `tail`; the old ones refuse for " +
		"the rest of the run. An app that looks a name up once and for ever never comes back. What an app reaches by an address that it was given, not by name, is left alone.",
	Source: "What a failover of a load balancer or of a managed database does. AWS's guide to its SDK for Java warns of JVMs that keep an address until they are " +
		"restarted. Linux tcp(7) for what a closed port says.",
	Incident: "On 20 October 2025 nodes of AWS network load balancers in us-east-1 were taken out of DNS whenever their health checks failed, until the automatic " +
		"failover was switched off (aws.amazon.com/message/101925): an app that kept their addresses kept dead ones.",
	Kinds:  []string{KindRPC, KindHTTP, KindStorage, KindTCP},
	Params: []Param{tail},

	Availability:  true,
	Whole:         true,
	NoFlap:        true,
	Link:          true,
	CutsByDefault: true,
	Lingers:       func(w With) time.Duration { return w.Duration("tail") },
	New: func(w With) (Action, error) {
		return addressAction{nameAction{rule: NameRule{Mode: NameFormer, Tail: w.Duration("tail")}, seen: func(p Observation) bool {
			return resolved(p, "NOERROR") && p.Own && p.Refused
		}}}, nil
	},
})

// addressAction holds the names where they are while nobody listens there.
type addressAction struct{ nameAction }

func (a addressAction) Inject(ctx context.Context, s Surface, g *Grip) error {
	if err := a.nameAction.Inject(ctx, s, g); err != nil {
		return err
	}
	names, err := s.Names(g.Service)
	if err != nil {
		return err
	}
	return names.Leave(g)
}

// Lift points the names at the new addresses before the rule goes: no look-up after the fault gives an old one.
func (a addressAction) Lift(ctx context.Context, s Surface, g *Grip) error {
	names, err := s.Names(g.Service)
	if err != nil {
		return fmt.Errorf("reach the names of %s: %w", g.Service, err)
	}
	return errors.Join(names.Return(ctx, g.ID), a.nameAction.Lift(ctx, s, g))
}
