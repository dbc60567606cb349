package chain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"blackout/harness/fault"
	"blackout/harness/plan"
)

// ErrHalted is what Step returns while a halt holds.
var ErrHalted = errors.New("the chain is halted")

// publishTimeout bounds the publishing of one block, which takes milliseconds: a chain that has none in this time is broken, not slow. It ends before the time for closing a run.
const publishTimeout = callTimeout

// stride is how many blocks a node that is behind is fed at a time. It bounds how long a node that catches up keeps the newest block waiting.
const stride = 16

var _ fault.Chain = (*Conductor)(nil)

// Conductor builds the blocks of one chain and tells each of its nodes what its head is.
type Conductor struct {
	name string
	spec plan.Chain
	cfg  *Config
	schedule

	publishing time.Duration // how long it may take

	token   common.Address // of the contract; zero: none
	emitter common.Address // who makes it emit
	watched map[common.Address]bool

	builder, reference *Node
	nodes              []*Node // all but the builder, in the plan's order

	// building is held while a block or a branch is built and published.
	building gate
	// pools is held for writing while transactions are taken out of the pools, and for reading while one is carried to them. Taken after building.
	pools sync.RWMutex

	mu        sync.Mutex
	canonical []*block // by number
	pruned    uint64   // payloads below this number are gone
	halts     map[string]*fault.Grip
	forgotten map[common.Hash]bool // out of every pool until they are sent anew
	unclean   map[*Node]bool       // whose pool may have taken back what is forgotten
	reorgs    map[string]*reorganising
}

// block is what a conductor remembers of a block. All but built and payload stay as they are.
type block struct {
	hash, parent      common.Hash
	before            *block
	number, timestamp uint64
	slot              uint64
	built             uint64   // how many blocks were built on this one; guarded by Conductor.building
	payload           *payload // nil for genesis, and after it was pruned; written under Conductor.building
}

// newConductor finds the chain's nodes, which have only the genesis block.
func newConductor(cfg *Config, spec plan.Chain, s schedule, all []*Node) (*Conductor, error) {
	c := &Conductor{
		name: spec.Name, spec: spec, cfg: cfg, schedule: s, publishing: publishTimeout, building: newGate(), halts: map[string]*fault.Grip{},
		forgotten: map[common.Hash]bool{}, unclean: map[*Node]bool{}, reorgs: map[string]*reorganising{},
		token: common.HexToAddress(spec.Token), emitter: Address(Key(cfg.Seed, emitterLabel)), watched: map[common.Address]bool{},
	}
	for _, account := range cfg.Watched {
		c.watched[account] = true
	}
	for _, n := range all {
		if n.chain != spec.Name {
			continue
		}
		if n.role == plan.RoleBuilder {
			c.builder = n
			continue
		}
		if n.role == plan.RoleReference {
			c.reference = n
		}
		c.nodes = append(c.nodes, n)
	}
	header := c.builder.eth.BlockChain().Genesis().Header()
	first := &block{hash: header.Hash(), timestamp: header.Time}
	for _, n := range append(c.nodes[:len(c.nodes):len(c.nodes)], c.builder) {
		if got := n.eth.BlockChain().Genesis().Hash(); got != first.hash {
			return nil, fmt.Errorf("node %s has the genesis block %s instead of %s", n.name, got, first.hash)
		}
		n.at.Store(first)
	}
	c.canonical = []*block{first}
	return c, nil
}

// Name is the chain's name in the plan.
func (c *Conductor) Name() string { return c.name }

// Reference is the node that no fault touches.
func (c *Conductor) Reference() *Node { return c.reference }

// Nodes are the chain's nodes in the order of the plan, without the builder.
func (c *Conductor) Nodes() []*Node { return slices.Clone(c.nodes) }

// begin builds the early blocks on the builder, then brings every node there.
func (c *Conductor) begin(ctx context.Context, early int) error {
	if err := c.building.enter(ctx); err != nil {
		return err
	}
	defer c.building.leave()
	genesis, err := c.record(c.tip(), nil)
	if err != nil {
		return err
	}
	c.cfg.Observer.Block(genesis)
	for range early {
		parent := c.tip()
		b, rec, err := c.build(ctx, parent, parent.slot+1, nil)
		if err != nil {
			return err
		}
		if err := c.adopt(ctx, []*block{b}, []Block{rec}); err != nil {
			return err
		}
	}
	return c.each(func(n *Node) error { return c.catchUp(ctx, n, false) })
}

// run is the conductor's life. It returns nil when ctx ends.
func (c *Conductor) run(ctx context.Context) error {
	var last uint64
	for {
		slot := c.next(max(last, c.tip().slot), c.cfg.Clock.Now())
		if c.cfg.Clock.Until(ctx, c.due(slot)) != nil {
			return nil //nolint:nilerr // ctx has ended: that is how a run ends
		}
		last = slot
		// What was begun is ended, in bounded time: otherwise some nodes would have the last block and others not.
		bounded, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), c.publishing, fmt.Errorf("block not published within %s", c.publishing))
		err := c.publish(bounded, slot)
		cancel()
		if err != nil && !errors.Is(err, ErrHalted) {
			return err
		}
	}
}

// Step builds a block of the next slot and publishes it now, whatever the time is. It returns ErrHalted while a halt holds. Should ctx end midway, the nodes that
// were not told yet get the block together with the next one.
func (c *Conductor) Step(ctx context.Context) error { return c.publish(ctx, 0) }

// publish builds a block of a slot and tells every node. Slot 0 means the one after the head's; another one that is not after the head's is left alone.
func (c *Conductor) publish(ctx context.Context, slot uint64) error {
	if err := c.building.enter(ctx); err != nil {
		return err
	}
	defer c.building.leave()
	if c.halted() {
		return ErrHalted
	}
	parent := c.tip()
	switch {
	case slot == 0:
		slot = parent.slot + 1
	case slot <= parent.slot:
		return nil
	}
	b, rec, err := c.build(ctx, parent, slot, nil)
	if err != nil {
		return err
	}
	if err := c.adopt(ctx, []*block{b}, []Block{rec}); err != nil {
		return err
	}
	err = c.each(func(n *Node) error { return c.feed(ctx, n) })
	c.prune()
	return errors.Join(err, c.clean())
}

// adopt makes a branch, which the builder has, the canonical one, and tells the observer before any node hears of it.
func (c *Conductor) adopt(ctx context.Context, branch []*block, records []Block) error {
	for i := range records {
		records[i].Published = c.cfg.Clock.Now()
		c.cfg.Observer.Block(records[i])
	}
	c.mu.Lock()
	c.canonical = append(c.canonical[:branch[0].number], branch...)
	c.mu.Unlock()
	return c.lead(ctx, branch[len(branch)-1])
}

// each does something with every node but the builder, at once, and joins the errors.
func (c *Conductor) each(do func(*Node) error) error {
	errs := make([]error, len(c.nodes))
	var wg sync.WaitGroup
	for i, n := range c.nodes {
		wg.Go(func() { errs[i] = do(n) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// feed gives a node what it lacks of what it may have, at most a stride, and makes each block its head in turn.
func (c *Conductor) feed(ctx context.Context, n *Node) error {
	_, err := c.follow(ctx, n, true)
	return err
}

// catchUp feeds a node until it has all that it may have.
func (c *Conductor) catchUp(ctx context.Context, n *Node, everyHead bool) error {
	for {
		if more, err := c.follow(ctx, n, everyHead); err != nil || !more {
			return err
		}
	}
}

// follow feeds a node one stride. With everyHead each block becomes its head in turn, as on a node that imports one after the other; otherwise only the last one.
// A block that is lower than the node's head, of another branch, never does: the node would be seen to walk back. more says that it is not there yet.
func (c *Conductor) follow(ctx context.Context, n *Node, everyHead bool) (more bool, err error) {
	if err := n.turn.enter(ctx); err != nil {
		return false, fmt.Errorf("node %s: %w", n.name, err)
	}
	defer n.turn.leave()
	steps, more := c.path(n)
	if len(steps) > 0 && steps[0].block.before != n.at.Load() {
		c.changesOver(n)
	}
	for i, s := range steps {
		head := s.block.number >= n.at.Load().number && (everyHead || i == len(steps)-1)
		if err := n.tell(ctx, s.block, head, s.safe, s.finalized); err != nil {
			return false, err
		}
		if head {
			c.report(n)
		}
	}
	if !more {
		c.letGo(n)
	}
	return more, nil
}

func (c *Conductor) report(n *Node) {
	h, changed := n.readBack()
	h.At = c.cfg.Clock.Now()
	if changed {
		n.said.Store(&h)
		c.cfg.Observer.Head(h)
	}
}

// step is what a node is told of one block.
type step struct {
	block           *block
	safe, finalized common.Hash
}

// path is what lies between a node's head and the block that it may have now, oldest first: from the first block that it does not share with the canonical branch.
// At most a stride, unless that would end below the node's head; more says that there is more.
func (c *Conductor) path(n *Node) (steps []step, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := n.at.Load()
	target, behind := c.goal(n)
	if !behind {
		return nil, false
	}
	shared := at
	for shared.number >= uint64(len(c.canonical)) || c.canonical[shared.number] != shared {
		shared = shared.before
	}
	end := min(target, max(shared.number+stride, at.number))
	for number := shared.number + 1; number <= end; number++ {
		b := c.canonical[number]
		steps = append(steps, step{b, b.behind(c.spec.Safe), b.behind(c.spec.Finalized)})
	}
	return steps, end < target
}

// goal is the highest block that a node may have now, and whether it has to be told of it. The caller has the mutex.
func (c *Conductor) goal(n *Node) (target uint64, behind bool) {
	at := n.at.Load()
	target, ok := n.target(uint64(len(c.canonical) - 1))
	return target, ok && target >= at.number && c.canonical[target] != at
}

// behind is the hash of the block that lies so far behind on the same branch, or zero, which the Engine API reads as "leave it", when the branch is too short.
// Genesis is never named: a young chain has no safe block yet.
func (b *block) behind(lag uint64) common.Hash {
	if b.number <= lag {
		return common.Hash{}
	}
	for range lag {
		b = b.before
	}
	return b.hash
}

func (c *Conductor) tip() *block {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.canonical[len(c.canonical)-1]
}

// prune forgets payloads that no node will be told again: those below the finalized block of the node that is furthest behind. No branch starts lower.
func (c *Conductor) prune() {
	lowest := c.tip().number
	for _, n := range c.nodes {
		lowest = min(lowest, n.at.Load().number)
	}
	if lowest <= c.spec.Finalized {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for ; c.pruned < lowest-c.spec.Finalized; c.pruned++ {
		c.canonical[c.pruned].payload = nil
	}
}
