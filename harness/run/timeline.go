package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
	"blackout/harness/internet"
	"blackout/harness/plan"
)

// lead is the time between the decision to begin and the baseline's first moment, so that the first attempts are not late.
const lead = 50 * time.Millisecond

// playTimeline is the run proper: users, faults and the app's own fate side by side.
func (c *cell) playTimeline(ctx context.Context) error {
	d, err := newDriver(c.plan, &driver{clock: c.clock, sink: c.sink, surface: c.net, probe: c.probe, mark: c.markConnections})
	if err != nil {
		return err
	}
	c.start = c.clock.Now() + clock.Of(lead)
	d.start = c.start
	c.sink.Add(history.Timeline{At: c.start})

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var beside sync.WaitGroup
	beside.Go(func() {
		if err := d.play(ctx); err != nil {
			c.note("a fault did not go as planned: %v", err)
		}
	})
	beside.Go(func() { c.armCapacity(ctx) })
	beside.Go(func() { c.watchApp(ctx, cancel) })

	err = c.runner.Run(ctx, c.start)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	cancel(nil)
	beside.Wait()
	c.markConnections(plan.Effect{})
	return err
}

// armCapacity starts the services' own limits once the baseline has shown what the app needs.
func (c *cell) armCapacity(ctx context.Context) {
	if c.clock.Until(ctx, c.start) != nil {
		return
	}
	c.net.BeginBaseline()
	if c.clock.Until(ctx, c.start+c.plan.Baseline) != nil {
		return
	}
	c.net.Arm(c.plan.Baseline.Duration())
}

// watchApp ends the run when the app ends by itself before anything was broken. Later on that is something that the run is there to show.
func (c *cell) watchApp(ctx context.Context, cancel context.CancelCauseFunc) {
	for {
		select {
		case exit, ok := <-c.app.Exited():
			if !ok {
				return
			}
			if c.clock.Now() < c.start+c.plan.Baseline {
				cancel(&EnvironmentError{"baseline", fmt.Errorf("instance %s of the app ended by itself before anything was broken: %s\n%s",
					exit.Instance.Name, exit.Status, strings.Join(exit.LastLines, "\n"))})
				return
			}
			c.note("instance %s of the app ended by itself: %s", exit.Instance.Name, exit.Status)
		case <-ctx.Done():
			return
		}
	}
}

// drain waits until every payment is settled or has had its time, and records what is left in the nodes' pools.
func (c *cell) drain(ctx context.Context) error {
	if err := c.runner.Drain(ctx, c.start+c.plan.End+c.plan.Drain); err != nil {
		return err
	}
	for _, ch := range c.plan.Chains {
		pending, err := c.chains.Pending(ctx, ch.Name)
		if err != nil {
			return err
		}
		pool := history.Pool{Chain: ch.Name, Pending: []history.Payment{}, At: c.clock.Now()}
		for _, tx := range pending {
			if tx.To() == nil {
				continue
			}
			if id := c.ledger.Of(*tx.To()); id != "" {
				pool.Pending = append(pool.Pending, history.Payment{Intent: id, Tx: tx.Hash().Hex(), Wei: tx.Value().String()})
			}
		}
		c.sink.Add(pool)
	}
	return nil
}

// probeTimeout is how long a probe waits: much longer than an answer takes here, much shorter than a fault has to show.
const probeTimeout = 800 * time.Millisecond

// probe looks at one effect from where the app stands.
func (c *cell) probe(ctx context.Context, e plan.Effect, a fault.Action) fault.Observation {
	if e.Instance != "" {
		return fault.Observation{Instance: c.app.State(e.Instance, e.ID)}
	}
	p := c.target(e)
	if prober, ok := a.(fault.Prober); ok {
		p.Method = prober.ProbeMethod()
	}
	var branch *fault.Reorganised
	if p.Method == fault.MethodBlock {
		height := "latest"
		if conductor, err := c.chains.Chain(p.Chain); err == nil {
			if state, ok := conductor.Reorganised(e.ID); ok {
				branch, height = &state, hexutil.EncodeUint64(state.Number)
			}
		}
		p.Params = []any{height, false}
	}
	p.ByName = e.Layer == string(fault.LayerNames) || e.Layer == string(fault.LayerCertificate)
	o := c.net.Probe(ctx, p)
	o.Reorganised = branch
	if p.Method == "eth_chainId" {
		o.ChainNamed = c.chainNamed(o.Result)
	}
	o.Reference = c.recorder.Reference(p.Chain).Number
	if node, err := c.chains.Node(c.backend(p)); err == nil {
		o.HeadAge = (c.clock.Now() - node.Head().At).Duration() // of the node that was asked: the reference node's goes on while this one lags
	}
	for _, ch := range c.plan.Chains {
		if ch.Name == p.Chain {
			o.BlockTime = ch.BlockTime.Duration()
		}
	}
	return o
}

// target is where a probe of an effect goes: its service, or one that shows what happens to its chain, and its first region, or the first that the service is in.
func (c *cell) target(e plan.Effect) internet.Probe {
	p := internet.Probe{Service: e.Service, Chain: e.Chain, Effect: e.ID, Timeout: probeTimeout}
	if p.Service == "" {
		p.Service = c.follower(p.Chain)
	}
	for _, s := range c.plan.Services {
		if p.Service != "" && s.Name != p.Service {
			continue
		}
		for _, h := range s.Hosts {
			if p.Chain == "" || h.Chain == p.Chain {
				p.Service, p.Chain = s.Name, h.Chain
			}
		}
		if p.Region == "" && len(s.Placement) > 0 {
			p.Region = s.Placement[0].Region
		}
		if p.Service == s.Name {
			break
		}
	}
	if len(e.Regions) > 0 {
		p.Region = e.Regions[0]
	}
	return p
}

// follower names a service whose nodes of a chain follow it, so that what happens to the chain as a whole shows there at once: one that no fault of the plan holds, if there
// is one. It is "" for a chain that no service serves.
func (c *cell) follower(chain string) string {
	held := ""
	for _, s := range c.plan.Services {
		serves, touched := false, false
		for _, b := range s.Backends {
			if b.Chain == chain {
				serves = true
				touched = touched || slices.ContainsFunc(c.plan.Nodes, func(n plan.Node) bool { return n.Name == b.Node && n.Touched })
			}
		}
		if serves && !touched {
			return s.Name
		}
		if serves && held == "" {
			held = s.Name
		}
	}
	return held
}

// chainNamed is the chain of the plan whose id eth_chainId gave, or "".
func (c *cell) chainNamed(result []byte) string {
	var id hexutil.Uint64
	if json.Unmarshal(result, &id) != nil {
		return ""
	}
	for _, ch := range c.plan.Chains {
		if ch.ID == uint64(id) {
			return ch.Name
		}
	}
	return ""
}

// backend names the node that a probe is led to.
func (c *cell) backend(p internet.Probe) string {
	for _, s := range c.plan.Services {
		for _, b := range s.Backends {
			if s.Name == p.Service && b.Chain == p.Chain && b.Region == p.Region {
				return b.Node
			}
		}
	}
	return ""
}

// markConnections records how many connections the app has opened, to one service or, for the zero effect, to all.
func (c *cell) markConnections(e plan.Effect) {
	for _, s := range c.plan.Services {
		if e.Instance == "" && (e.Service == "" || e.Service == s.Name) {
			handshakes := c.net.Handshakes(s.Name)
			c.sink.Add(history.Connections{Service: s.Name, Opened: c.net.Opened(s.Name), Handshakes: &handshakes, At: c.clock.Now()})
		}
	}
}
