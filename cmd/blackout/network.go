package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"blackout/harness/fault"
	"blackout/harness/plan"
	"blackout/harness/runtime/private"
)

// The values of --network.
const (
	networkAuto    = "auto"
	networkPrivate = "private"
	networkShared  = "shared"
)

// network is what the command line says of the network that the app lives in.
type network struct{ mode string }

func (n *network) flags(set *pflag.FlagSet) {
	set.StringVar(&n.mode, "network", networkAuto, "the app's `network`: private (nothing that it dials leaves this machine, Linux only), shared (this machine's own), or auto "+
		"(private where it can be had)")
}

// check says whether there is such a network.
func (n *network) check() error {
	if known := []string{networkAuto, networkPrivate, networkShared}; !slices.Contains(known, n.mode) {
		return usage(fmt.Errorf("--network %s: there is no such network", n.mode), "use "+strings.Join(known, ", "))
	}
	return nil
}

// showsCertificates names a fault of a plan that acts on certificates, which are shown in a private network only; "" when there is none.
func showsCertificates(p *plan.Plan) string {
	for _, e := range p.Effects {
		if e.Layer == string(fault.LayerCertificate) {
			return e.Fault
		}
	}
	return ""
}

// private decides whether the cells get a network of their own. Where that cannot be had, auto says in one line what is lost.
func (s *state) private(ctx context.Context, n network) (bool, error) {
	if n.mode == networkShared {
		return false, nil
	}
	return s.privateUnless(private.Try(ctx, s.executable, "enter"), n)
}

// privateUnless is what the outcome of trying means.
func (s *state) privateUnless(err error, n network) (bool, error) {
	switch {
	case err == nil:
		return true, nil
	case n.mode == networkPrivate:
		return false, &exitError{exitEnvironment, fmt.Errorf("no private network can be had here: %w", err), `see "blackout doctor"`}
	}
	fmt.Fprintf(s.stderr, "No private network can be had here (%v): what the app dials beside its services leaves this machine, unseen.\n", err)
	return false, nil
}
