package fault

import (
	"context"
	"fmt"
	"sync/atomic"
)

// App is the instances of the app under test, as faults see them: processes here, containers elsewhere. The instance is the grip's, whose name comes from the plan, and
// what an effect does to it holds under the effect's id until Release, so that effects may overlap in any order. Every method returns when what it says is so, or with
// an error, and touches the grip when something came of it. An instance is started with the address, environment and folder that it always had; nobody waits until it
// is ready, and what it does then is the app's affair: one that ends by itself stays down.
//
//	runs ──Restart, Kill──▶ down ──no Kill and no Refuse holds──▶ runs
type App interface {
	// Restart ends an instance with everything that it started, as a power cut would, and has it started again at once. One that had ended by itself is started too.
	Restart(ctx context.Context, g *Grip) error
	// Kill ends an instance in the same way and keeps it down.
	Kill(ctx context.Context, g *Grip) error
	// Pause stops an instance where it stands, its connections open, and so what is started meanwhile.
	Pause(ctx context.Context, g *Grip) error
	// Refuse leaves alone what runs, and keeps down what another effect ends: it touches each start that does not come about.
	Refuse(ctx context.Context, g *Grip) error
	// Release takes back what the effect holds: the instance goes on, or is started, unless another effect keeps it from that. With nothing held it does nothing.
	Release(ctx context.Context, g *Grip) error
}

// InstanceState is what a look at an instance shows of one effect.
type InstanceState struct {
	// Restarted says that the effect has ended the instance, which was started again or waits for that because another effect keeps it down.
	Restarted bool
	// Killed says that the effect keeps it down; Refused that it would keep it from being started.
	Killed, Refused bool
	// Paused says that it stands still: because of the effect, or because of nobody.
	Paused bool
}

// instanceAction is an Action on one instance of the app.
type instanceAction struct {
	inject func(App, context.Context, *Grip) error
	seen   func(InstanceState) bool
	// once says that the act is over when it is done: once the effect was lifted it no longer shows.
	once bool

	lifted atomic.Bool
}

func (a *instanceAction) Inject(ctx context.Context, s Surface, g *Grip) error {
	app, err := s.App()
	if err != nil {
		return fmt.Errorf("reach instance %s: %w", g.Instance, err)
	}
	a.lifted.Store(false)
	return a.inject(app, ctx, g)
}

func (a *instanceAction) Lift(ctx context.Context, s Surface, g *Grip) error {
	app, err := s.App()
	if err != nil {
		return fmt.Errorf("reach instance %s: %w", g.Instance, err)
	}
	if err := app.Release(ctx, g); err != nil {
		return err
	}
	a.lifted.Store(true)
	return nil
}

// Adjust lets go in the good times of a flap, and does it all again in the bad ones.
func (a *instanceAction) Adjust(ctx context.Context, s Surface, g *Grip) error {
	if g.Share() <= 0 {
		return a.Lift(ctx, s, g)
	}
	return a.Inject(ctx, s, g)
}

func (a *instanceAction) Seen(p Observation) bool {
	return a.seen(p.Instance) && (!a.once || !a.lifted.Load())
}
