package chain

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"blackout/harness/fault"
	"blackout/harness/plan"
)

// hold is one effect's hold on one node. A lifted one no longer keeps the node back, but is shown until the node has caught up.
type hold struct {
	grip   *fault.Grip
	lag    uint64 // blocks behind the head
	frozen bool
	lifted bool
}

// target is the highest block that the node may have, given the number of the head. ok is false for a node that must not move. The caller has the conductor's mutex.
func (n *Node) target(head uint64) (number uint64, ok bool) {
	var lag uint64
	for _, h := range n.holds {
		if h.lifted {
			continue
		}
		if h.frozen {
			return 0, false
		}
		lag = max(lag, h.lag)
	}
	return head - min(lag, head), true
}

// Halt stops the building of blocks until Resume: every node stands still where it is. A block that is being published is published to the end. The grip is shown by
// all nodes of the chain. Two halts need two resumes.
func (c *Conductor) Halt(_ context.Context, g *fault.Grip) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.halts[g.ID] = g
	c.show()
	return nil
}

// Resume ends the halt of an effect; without one it does nothing. The next block is that of the next slot by the clock: what was due meanwhile is not made up for.
func (c *Conductor) Resume(_ context.Context, effect string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.halts, effect)
	c.show()
	return nil
}

func (c *Conductor) halted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.halts) > 0
}

// Hold keeps own nodes of the grip's service behind: those in the grip's reach that its share takes, where the n-th own node of the service on this chain is the
// n-th unit. The share is read once, here. It replaces an earlier hold of the same effect: a node that is no longer taken follows again, a stride a block. It
// fails if the service has no own node in reach; that the share takes none is no failure.
//
// A node is not rewound: it stands still until the head is so many blocks ahead, then follows at that distance, with safe and finalized blocks to match. With frozen
// it stands still until Release. Of several holds on a node the strongest counts. A block that is being published may still reach the node.
func (c *Conductor) Hold(_ context.Context, g *fault.Grip, blocks uint64, frozen bool) error {
	if blocks == 0 && !frozen {
		return fmt.Errorf("hold %s on chain %s: neither a lag nor frozen", g.ID, c.name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var nth uint64
	reached := false
	for _, n := range c.nodes {
		delete(n.holds, g.ID)
		if n.role != plan.RoleOwn || n.service != g.Service {
			continue
		}
		reached = reached || g.Covers(n.region, c.name)
		if g.Takes(n.region, c.name, nth) {
			n.holds[g.ID] = &hold{grip: g, lag: blocks, frozen: frozen}
		}
		nth++
	}
	c.show()
	if !reached {
		return fmt.Errorf("hold %s on chain %s: service %q has no node of its own in %s", g.ID, c.name, g.Service, regions(g))
	}
	return nil
}

// Release lifts the hold of an effect and returns when its nodes have caught up: each block is executed and made the head, in order. Without a hold it does nothing.
// If ctx ends first the conductor goes on with it, a few blocks at each new block.
func (c *Conductor) Release(ctx context.Context, effect string) error {
	c.mu.Lock()
	var lifted []*Node
	for _, n := range c.nodes {
		if h := n.holds[effect]; h != nil {
			h.lifted = true
			lifted = append(lifted, n)
		}
	}
	c.mu.Unlock()

	var g errgroup.Group
	for _, n := range lifted {
		g.Go(func() error { return c.catchUp(ctx, n, true) }) // which lets go of it
	}
	if err := errors.Join(g.Wait(), c.clean()); err != nil {
		return fmt.Errorf("release %s on chain %s: %w", effect, c.name, err)
	}
	return nil
}

// letGo forgets the lifted holds of a node that has all that it may have.
func (c *Conductor) letGo(n *Node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, behind := c.goal(n); behind {
		return // a hold was lifted, or a block built, since it was fed
	}
	before := len(n.holds)
	maps.DeleteFunc(n.holds, func(_ string, h *hold) bool { return h.lifted })
	if len(n.holds) < before {
		c.show()
	}
}

// show lets each node show the grips that hold it, that halt its chain, or that gave it another branch. The caller has the mutex.
func (c *Conductor) show() {
	for _, n := range c.nodes {
		grips := make([]*fault.Grip, 0, len(c.halts)+len(n.holds))
		for _, g := range c.halts {
			grips = append(grips, g)
		}
		for _, h := range n.holds {
			grips = append(grips, h.grip)
		}
		for _, r := range c.reorgs {
			if r.shownBy(n) {
				grips = append(grips, r.grip)
			}
		}
		slices.SortFunc(grips, func(a, b *fault.Grip) int { return strings.Compare(a.ID, b.ID) })
		n.grips.Store(&grips)
	}
}

func regions(g *fault.Grip) string {
	if len(g.Regions) == 0 {
		return "any region"
	}
	return strings.Join(g.Regions, ", ")
}
