package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
	"blackout/harness/plan"
)

// calling bounds one call of an action: it changes something in memory, or tells a node of the same process.
const calling = 5 * time.Second

// healing is how long a run that was interrupted may take to lift its faults and see them gone: no longer, so that it is sealed before its parent loses patience.
const healing = 6 * time.Second

// probeEvery is the pause between two probes of one effect.
const probeEvery = 100 * time.Millisecond

// driver plays the plan's effects on a surface.
//
// All changes of one moment are made one after the other by one goroutine, each of them a swap in memory, so that the faults of a phase start together. What only
// observes runs beside it.
type driver struct {
	plan    *plan.Plan
	clock   clock.Clock
	start   clock.Micros // of the plan's zero
	sink    history.Sink
	surface fault.Surface
	probe   func(ctx context.Context, e plan.Effect, a fault.Action) fault.Observation
	// mark is called when an effect starts and ends, to record the counters that judge how it ended.
	mark func(e plan.Effect)

	effects []*effect
	moments []moment
	// observers are what the changes of the present moment want watched. They wait until all of these are made: on a small machine the probes of the first faults
	// would delay the last ones by milliseconds.
	observers []func()
	seers     sync.WaitGroup
	// outlasting is play's context and the time for healing after it.
	outlasting context.Context

	mu     sync.Mutex
	failed error // the first effect that could not be injected or cleared
}

// effect is one effect of the plan with its life.
type effect struct {
	plan   plan.Effect
	action fault.Action
	grip   *fault.Grip
	held   bool // Inject was called and Lift was not

	watch  context.CancelFunc // ends the confirming
	sought sync.WaitGroup
}

// moment is one planned change.
type moment struct {
	at    clock.Micros
	order int // lifts before steps before injections, so that one fault makes room for the next; those of the process layer after all others
	what  func(ctx context.Context) error
	of    *effect
}

// newDriver makes the actions of all effects of a plan for a driver whose other fields are set, so that nothing can be wrong with them once the timeline runs.
func newDriver(p *plan.Plan, dr *driver) (*driver, error) {
	dr.plan = p
	for _, pe := range p.Effects {
		a, err := fault.New(pe.Fault, fault.With(pe.With))
		if err != nil {
			return nil, fmt.Errorf("effect %s: %w", pe.ID, err)
		}
		e := &effect{plan: pe, action: a, grip: &fault.Grip{ID: pe.ID, Service: pe.Service, Chain: pe.Chain, Instance: pe.Instance, Regions: pe.Regions, Seed: p.Seed, Cut: pe.Cut}}
		dr.effects = append(dr.effects, e)
		first := 0
		if pe.Layer == string(fault.LayerProcess) {
			first = 3 // to end and to start a process takes tens of milliseconds, which no other change of the moment waits for
		}
		for i, step := range pe.Steps {
			if i == 0 {
				dr.moments = append(dr.moments, moment{step.At, first + 2, func(ctx context.Context) error { return dr.inject(ctx, e, step.Share) }, e})
				continue
			}
			dr.moments = append(dr.moments, moment{step.At, first + 1, func(ctx context.Context) error { return dr.adjust(ctx, e, step.Share) }, e})
		}
		dr.moments = append(dr.moments, moment{pe.To, first, func(ctx context.Context) error { return dr.lift(ctx, e) }, e})
	}
	sort.SliceStable(dr.moments, func(i, j int) bool {
		a, b := dr.moments[i], dr.moments[j]
		if a.at != b.at {
			return a.at < b.at
		}
		return a.order < b.order
	})
	return dr, nil
}

// play makes every change at its time, and returns when the last effect is cleared or has failed to clear. When ctx ends it heals at once. The error names the
// effects that could not be injected or cleared; the run goes on to its end all the same, and the history says so.
func (d *driver) play(ctx context.Context) error {
	outlasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		_ = clock.Sleep(outlasting, healing) // cut short by the end of play
		cancel()
	})()
	d.outlasting = outlasting
	for i, m := range d.moments {
		if err := d.clock.Until(ctx, d.start+m.at); err != nil {
			break
		}
		if err := m.what(ctx); err != nil {
			d.fail(m.of, err)
		}
		if i+1 == len(d.moments) || d.moments[i+1].at != m.at {
			d.observe()
		}
	}
	return d.heal()
}

// observe starts what watches the changes that were made since the last call.
func (d *driver) observe() {
	for _, start := range d.observers {
		start()
	}
	d.observers = nil
}

// heal lifts what still holds, whatever became of ctx, and waits until the observers have seen it cleared.
func (d *driver) heal() error {
	for _, e := range d.effects {
		if e.held {
			if err := d.lift(d.outlasting, e); err != nil {
				d.fail(e, err)
			}
		}
	}
	d.observe()
	d.seers.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

func (d *driver) inject(ctx context.Context, e *effect, share float64) error {
	e.held = true // before the fault acts: from here on heal knows that it has something to undo
	e.grip.SetShare(share)
	bounded, cancel := context.WithTimeout(ctx, calling)
	defer cancel()
	at := d.clock.Now()
	err := e.action.Inject(bounded, d.surface, e.grip)
	d.record(e, history.FaultInjecting, at, "")
	d.mark(e.plan)
	if err != nil {
		return fmt.Errorf("inject %s: %w", e.plan.ID, err)
	}
	watch, stop := context.WithCancel(ctx)
	e.watch = stop
	d.observers = append(d.observers, func() { e.sought.Go(func() { d.confirm(watch, e, share) }) })
	return nil
}

func (d *driver) adjust(ctx context.Context, e *effect, share float64) error {
	e.grip.SetShare(share)
	a, ok := e.action.(fault.Adjuster)
	if !ok || !e.held {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, calling)
	defer cancel()
	if err := a.Adjust(bounded, d.surface, e.grip); err != nil {
		return fmt.Errorf("change the share of %s: %w", e.plan.ID, err)
	}
	return nil
}

func (d *driver) lift(ctx context.Context, e *effect) error {
	if !e.held {
		return nil
	}
	e.held = false
	if e.watch != nil {
		e.watch()
	}
	if e.plan.Layer == string(fault.LayerChain) {
		// A node that lagged executes every block that it lacks, some milliseconds each: no other change of this moment waits for that.
		d.record(e, history.FaultLifting, d.clock.Now(), "")
		d.mark(e.plan)
		d.observers = append(d.observers, func() {
			d.seers.Go(func() {
				err := e.action.Lift(d.outlasting, d.surface, e.grip)
				e.sought.Wait()
				if err != nil {
					d.fail(e, fmt.Errorf("lift %s: %w", e.plan.ID, err))
					return
				}
				d.clear(d.outlasting, e)
			})
		})
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, calling)
	defer cancel()
	at := d.clock.Now()
	err := e.action.Lift(bounded, d.surface, e.grip)
	d.record(e, history.FaultLifting, at, "")
	d.mark(e.plan)
	if err != nil {
		return fmt.Errorf("lift %s: %w", e.plan.ID, err)
	}
	d.observers = append(d.observers, func() {
		d.seers.Go(func() {
			e.sought.Wait()
			d.clear(d.outlasting, e)
		})
	})
	return nil
}

// confirm watches until the effect shows: in a probe when it takes everything, at its first real hit when it takes a share, because a probe would say nothing about
// the share.
func (d *driver) confirm(ctx context.Context, e *effect, share float64) {
	if share < 1 {
		select {
		case <-e.grip.Hit():
			d.record(e, history.FaultConfirmed, d.clock.Now(), "first hit")
		case <-ctx.Done():
		}
		return
	}
	seen, ok := d.look(ctx, e, true)
	if ok {
		d.record(e, history.FaultConfirmed, d.clock.Now(), e.describe(seen))
		return
	}
	if ctx.Err() == nil {
		d.fail(e, fmt.Errorf("%s did not show within %s: the probe saw %s", e.plan.ID, d.plan.SeenWithin(&e.plan), e.describe(seen)))
	}
}

// clear watches until a probe no longer shows the effect.
func (d *driver) clear(ctx context.Context, e *effect) {
	seen, ok := d.look(ctx, e, false)
	switch within := d.plan.GoneWithin(&e.plan); {
	case !ok && e.action.Seen(seen):
		d.fail(e, fmt.Errorf("%s still showed %s after it was lifted: the probe saw %s", e.plan.ID, within, e.describe(seen)))
		return
	case !ok:
		d.fail(e, fmt.Errorf("%s was lifted, and its service was out of reach for %s: the probe saw %s", e.plan.ID, within, e.describe(seen)))
		return
	}
	d.record(e, history.FaultCleared, d.clock.Now(), e.describe(seen))
}

// look probes until the effect shows (or, with want false, does not show), ctx ends, or the time is up.
func (d *driver) look(ctx context.Context, e *effect, want bool) (last fault.Observation, ok bool) {
	within := d.plan.SeenWithin(&e.plan)
	if !want {
		within = d.plan.GoneWithin(&e.plan)
	}
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		seen := d.probe(bounded, e.plan, e.action)
		if bounded.Err() == nil { // else it was cut off, and says nothing
			if last = seen; e.action.Seen(last) == want && (want || e.reached(last)) {
				return last, true
			}
		}
		if clock.Sleep(bounded, probeEvery) != nil {
			return last, false
		}
	}
}

// reached reports whether a probe came to the effect's service at all. One that did not shows nothing of the effect, and still the service is not as it was: another
// program may have taken the port that the fault kept closed.
func (e *effect) reached(o fault.Observation) bool { return e.plan.Service == "" || o.DialError == nil }

func (d *driver) record(e *effect, state string, at clock.Micros, detail string) {
	l, c, r := e.grip.Counts()
	d.sink.Add(history.Fault{
		ID: e.plan.ID, State: state, At: at, Detail: detail, Unseen: e.grip.Unseen(),
		Touched: history.Touched{Lookups: l, Connections: c, Requests: r, Instances: e.grip.Instances()},
	})
}

func (d *driver) fail(e *effect, err error) {
	d.record(e, history.FaultFailed, d.clock.Now(), err.Error())
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed = errors.Join(d.failed, err)
}

// describe says in a few words what a probe saw.
func (e *effect) describe(o fault.Observation) string {
	if e.plan.Instance != "" {
		return describeInstance(o.Instance)
	}
	switch {
	case o.Host != "" && len(o.Addresses) > 0 && (o.DialError != nil || o.Error != nil):
		return fmt.Sprintf("%s at %s, then %s", o.Host, o.Addresses[0], errors.Join(o.DialError, o.Error))
	case o.Host != "" && o.Rcode != "" && len(o.Addresses) == 0:
		return fmt.Sprintf("%s for %s, no address", o.Rcode, o.Host)
	case o.Refused:
		return "connection refused"
	case o.Reset:
		return "connection reset"
	case o.TimedOut:
		return fmt.Sprintf("no answer within %s", o.Took.Round(time.Millisecond))
	case o.DialError != nil:
		return o.DialError.Error()
	case o.Error != nil:
		return o.Error.Error()
	case o.RPCCode != 0:
		return fmt.Sprintf("HTTP %d with JSON-RPC error %d %q", o.Status, o.RPCCode, o.RPCMessage)
	case o.Status >= 400:
		return fmt.Sprintf("HTTP %d", o.Status)
	case o.Reorganised != nil:
		r := o.Reorganised
		return fmt.Sprintf("HTTP %d in %s, block %d is %.10s; %.10s was replaced and the reference node has %.10s there", o.Status, o.Took.Round(10*time.Microsecond),
			r.Number, cmp.Or(o.Block, "none"), r.Replaced, r.Canonical)
	case o.Host != "":
		return fmt.Sprintf("%s at %s after %s, HTTP %d", o.Host, o.Addresses[0], o.LookupTook.Round(10*time.Microsecond), o.Status)
	default:
		return fmt.Sprintf("HTTP %d in %s, head %d of %d", o.Status, o.Took.Round(10*time.Microsecond), o.Head, o.Reference)
	}
}

func describeInstance(s fault.InstanceState) string {
	var facts []string
	for _, f := range []struct {
		holds bool
		text  string
	}{{s.Restarted, "ended and started again"}, {s.Killed, "down"}, {s.Paused, "standing still"}, {s.Refused, "not to be started"}} {
		if f.holds {
			facts = append(facts, f.text)
		}
	}
	if len(facts) == 0 {
		return "the instance is left alone"
	}
	return "the instance is " + strings.Join(facts, ", ")
}
