package plan

import (
	"time"

	"blackout/harness/clock"
	"blackout/harness/fault"
)

// SeenWithin is how long an effect may take to show in a probe, and to be gone from it: 5 s. One of the chain layer shows in the age of a head, which tells a
// chain that stands still from one that is merely between two blocks only after a block and a half; it has the time of two blocks where that is longer.
func (p *Plan) SeenWithin(e *Effect) time.Duration {
	within := 5 * time.Second
	if e.Layer != string(fault.LayerChain) {
		return within
	}
	var slowest clock.Micros
	for _, c := range p.Chains {
		if e.Chain == "" || e.Chain == c.Name {
			slowest = max(slowest, c.BlockTime)
		}
	}
	return max(within, 2*slowest.Duration())
}

// GoneWithin is how long an effect may take, once it was lifted, to be gone from a probe: as long as to show in one, after what caches go on giving.
func (p *Plan) GoneWithin(e *Effect) time.Duration {
	return e.afterglow().Duration() + p.SeenWithin(e)
}

// afterglow is how long the effect still shows after it was lifted. It is a matter of caches, which no time scale stretches.
func (e *Effect) afterglow() clock.Micros {
	def, ok := fault.Lookup(e.Fault)
	if !ok {
		return 0
	}
	return clock.Of(def.Afterglow(e.With))
}
