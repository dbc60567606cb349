package main

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// Why there is no head to read at.
var (
	errNoHead    = errors.New("no provider has shown a recent block")
	errContested = errors.New("the providers disagree about the chain")
)

// block is a header, as far as it is needed here.
type block struct {
	number  uint64
	hash    common.Hash
	parent  common.Hash
	time    time.Time // in its header
	baseFee *big.Int
	seen    time.Time // when it was first seen here
}

// age counts from the header's time, or from when the block was seen if that was earlier.
func (b block) age(now time.Time) time.Duration {
	if b.seen.Before(b.time) {
		return now.Sub(b.seen)
	}
	return now.Sub(b.time)
}

// at walks back from a block to a height through the known blocks. It needs mu.
func (h *heads) at(from block, number uint64) (block, bool) {
	for from.number > number {
		parent, ok := h.blocks[from.parent]
		if !ok {
			return from, false
		}
		from = parent
	}
	return from, from.number == number
}

// conflict says whether two blocks are known to be on different branches. It needs mu.
func (h *heads) conflict(a, b block) bool {
	if a.number < b.number {
		a, b = b, a
	}
	ancestor, ok := h.at(a, b.number)
	return ok && ancestor.hash != b.hash
}

// best is the present: the highest recent head on the branch that most providers are on. It needs mu.
func (h *heads) best(now time.Time) (block, error) {
	var recent []block
	for _, p := range h.providers { // in order of preference, so that the choice is stable
		if b, ok := h.latest[p]; ok && b.age(now) <= h.maxAge {
			recent = append(recent, b)
		}
	}
	var winner block
	most, contested := 0, false
	for _, b := range recent {
		support := 0
		for _, other := range recent {
			if !h.conflict(b, other) {
				support++
			}
		}
		switch {
		case support > most:
			winner, most, contested = b, support, false
		case support == most && h.conflict(b, winner):
			contested = true
		case support == most && b.number > winner.number:
			winner = b
		}
	}
	switch {
	case most == 0:
		return block{}, errNoHead
	case contested:
		return block{}, errContested
	}
	return winner, nil
}

// present is the block to read at, or why there is none.
func (h *heads) present() (block, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.best(h.now())
}

// fresh says whether what was true at b can be shown as the present: b is recent and on the branch of the present head.
func (h *heads) fresh(b block) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	head, err := h.best(now)
	if err != nil || b.age(now) > h.maxAge {
		return false
	}
	if b.number > head.number {
		head, b = b, head
	}
	ancestor, ok := h.at(head, b.number)
	return ok && ancestor.hash == b.hash
}

// current lists the providers whose head is near b, which therefore have it; all on the right chain when none is.
func (h *heads) current(b block) []*provider {
	h.mu.Lock()
	defer h.mu.Unlock()
	var near, any []*provider
	for _, p := range h.providers {
		head, ok := h.latest[p]
		if !ok {
			continue
		}
		any = append(any, p)
		if head.number+maxLag >= b.number && !h.conflict(head, b) {
			near = append(near, p)
		}
	}
	if len(near) > 0 {
		return near
	}
	return any
}

// ancestor is the block at a height on the branch of from. Headers that are not known are fetched.
func (h *heads) ancestor(ctx context.Context, from block, number uint64) (block, error) {
	for {
		h.mu.Lock()
		b, ok := h.at(from, number)
		h.mu.Unlock()
		if ok {
			return b, nil
		}
		if b.number <= number || from.number-b.number > keepBlocks {
			return block{}, fmt.Errorf("block %d is not within %d blocks before %d", number, keepBlocks, from.number)
		}
		parent, err := first(ctx, h.current(from), func(ctx context.Context, p *provider) (block, error) { return h.fetch(ctx, p, b.parent) })
		if err != nil {
			return block{}, fmt.Errorf("header of block %d: %w", b.number-1, err)
		}
		h.add(parent)
	}
}
