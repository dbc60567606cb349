package chain

import (
	"context"
	"fmt"

	"blackout/harness/clock"
	"blackout/harness/fault"
)

// reorganising is one effect's order to reorganise the chain, from Reorganise to Settle and beyond, for whoever asks what came of it. All but grip, want, end and ended
// is guarded by the conductor's mutex.
type reorganising struct {
	grip  *fault.Grip
	want  fault.Reorg
	end   context.CancelFunc
	ended chan struct{} // closed when nothing more is reorganised

	settled     bool
	replaced    *block // the head that the last one replaced; nil before the first
	replacement *block // what stood in its place then
	err         error  // what ended it early
}

// Reorganise replaces the newest blocks at once and, if the order says so, again and again, until Settle. It returns before the first time. It fails if the blocks are
// final, or if the effect has given an order that is not settled. The nodes that have the new branch show the grip.
func (c *Conductor) Reorganise(ctx context.Context, g *fault.Grip, want fault.Reorg) error {
	if want.Depth == 0 || want.Depth > c.spec.Finalized {
		return fmt.Errorf("reorganise chain %s for %s: %d blocks deep, and a block is final %d blocks below the head", c.name, g.ID, want.Depth, c.spec.Finalized)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.reorgs[g.ID]; old != nil && !old.settled {
		return fmt.Errorf("reorganise chain %s for %s: it does so already", c.name, g.ID)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &reorganising{grip: g, want: want, end: cancel, ended: make(chan struct{})}
	c.reorgs[g.ID] = r
	go func() {
		defer close(r.ended)
		if err := c.keepReorganising(ctx, r); err != nil {
			c.mu.Lock()
			r.err = err
			c.mu.Unlock()
		}
	}()
	return nil
}

func (c *Conductor) keepReorganising(ctx context.Context, r *reorganising) error {
	for at := c.cfg.Clock.Now(); ; at += clock.Of(r.want.Every) {
		if c.cfg.Clock.Until(ctx, at) != nil {
			return nil //nolint:nilerr // it was settled
		}
		// What was begun is ended, in bounded time: otherwise some nodes would be on one branch and others on another.
		if err := c.replaceHead(context.WithoutCancel(ctx), r); err != nil {
			return err
		}
		if r.want.Every <= 0 {
			return nil
		}
	}
}

// replaceHead reorganises once, and notes what came of it.
func (c *Conductor) replaceHead(ctx context.Context, r *reorganising) error {
	if err := c.building.enter(ctx); err != nil {
		return err
	}
	defer c.building.leave()
	before := c.tip()
	if err := c.reorg(ctx, Branch{Depth: r.want.Depth, Forget: r.want.Forget}); err != nil {
		return fmt.Errorf("reorg of chain %s, %d deep: %w", c.name, r.want.Depth, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r.replaced, r.replacement = before, c.canonical[before.number]
	c.show()
	return nil
}

// Settle ends the reorganising of an effect, and returns when nothing of it is under way. The chain goes on from where it is: what was replaced stays replaced. Without
// an order it does nothing. Its error is the one that ended the reorganising early.
func (c *Conductor) Settle(ctx context.Context, effect string) error {
	c.mu.Lock()
	r := c.reorgs[effect]
	c.mu.Unlock()
	if r == nil {
		return nil
	}
	r.end()
	select {
	case <-r.ended:
	case <-ctx.Done():
		return fmt.Errorf("settle %s on chain %s: %w", effect, c.name, ctx.Err())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r.settled = true
	c.show()
	return r.err
}

// Reorganised says what the reorganising of an effect has come to. ok is false as long as no block was replaced.
func (c *Conductor) Reorganised(effect string) (state fault.Reorganised, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.reorgs[effect]
	if r == nil || r.replaced == nil {
		return fault.Reorganised{}, false
	}
	return fault.Reorganised{
		Number: r.replaced.number, Replaced: r.replaced.hash.Hex(), Canonical: c.canonical[r.replaced.number].hash.Hex(), Settled: r.settled,
	}, true
}

// shownBy reports whether a node stands on a branch that the order made and is answering from it. The caller has the conductor's mutex.
func (r *reorganising) shownBy(n *Node) bool {
	if r.settled || r.replacement == nil {
		return false
	}
	at := n.at.Load()
	for at.number > r.replacement.number {
		at = at.before
	}
	return at == r.replacement
}
