package chain

import (
	"time"

	"blackout/harness/clock"
)

// schedule says when a chain's blocks are due: slot n is due n block times after genesis, and a block of that slot carries that time, in whole seconds rounded
// down. Slots may be left empty, as on the main network; a header's time then grows by more than a block time.
type schedule struct {
	genesis uint64       // Unix seconds: the time in the header of block 0
	zero    clock.Micros // the same moment on the run's clock
	every   clock.Micros // the block time, at least a second
}

// newSchedule dates genesis back, so that the slots of the early blocks have just passed.
func newSchedule(c clock.Clock, blockTime clock.Micros, early int) schedule {
	ahead := clock.Micros(early) * blockTime
	genesis := c.Base().Add((c.Now() - ahead).Duration()).Truncate(time.Second)
	return schedule{genesis: uint64(genesis.Unix()), zero: clock.Of(genesis.Sub(c.Base())), every: blockTime}
}

// due is when a slot's block is published.
func (s schedule) due(slot uint64) clock.Micros { return s.zero + clock.Micros(slot)*s.every }

// timestamp is the time in the header of a slot's block, Unix seconds.
func (s schedule) timestamp(slot uint64) uint64 {
	return s.genesis + uint64((clock.Micros(slot)*s.every).Duration()/time.Second)
}

// next is the slot after last that is to be published next: one that is due by up to half a block time late, never an older one, so that a conductor that was
// halted or slow leaves slots empty instead of filling them in a burst.
func (s schedule) next(last uint64, now clock.Micros) uint64 {
	late := now - s.zero - s.every/2
	if late <= 0 {
		return last + 1
	}
	return max(last+1, uint64((late+s.every-1)/s.every))
}
