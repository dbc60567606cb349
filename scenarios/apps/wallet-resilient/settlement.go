package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"golang.org/x/sync/errgroup"
)

const (
	settleDepth = 12              // blocks on top, after which a payment is not looked at again
	checkBudget = 3 * time.Second // of one look at all payments
	lookEvery   = time.Second     // when the head does not move
)

// watch looks at the payments whenever the present block moves.
func (o *outbox) watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var checked common.Hash // the block at which all is known: what it says does not change
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.heads.moved:
		case <-tick.C:
		}
		head, err := o.heads.present()
		if err != nil || head.hash == checked {
			continue
		}
		if err := o.check(ctx, head); err != nil {
			slog.Debug("payments not checked", "err", err)
			continue
		}
		checked = head.hash
	}
}

// check brings every payment's state, and what is known of the hot key, up to a block.
func (o *outbox) check(ctx context.Context, head block) error {
	ctx, cancel := context.WithTimeout(ctx, checkBudget)
	defer cancel()
	mined, funds, err := o.account(ctx, head)
	if err != nil {
		return fmt.Errorf("hot key: %w", err)
	}
	o.mu.Lock()
	o.mined, o.funds, o.next = mined, funds, max(o.next, mined)
	o.mu.Unlock()

	var looks errgroup.Group
	looks.SetLimit(4)
	for _, p := range o.unsettled() {
		looks.Go(func() error { return o.look(ctx, p, head, mined) })
	}
	return looks.Wait()
}

// unsettled lists copies of the payments that are not final.
func (o *outbox) unsettled() []payment {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []payment
	for _, p := range o.payments {
		if !p.settled {
			list = append(list, *p)
		}
	}
	return list
}

// account reads the hot key's nonce and balance at a block.
func (o *outbox) account(ctx context.Context, at block) (nonce uint64, funds *big.Int, err error) {
	from := o.heads.current(at)
	if nonce, err = first(ctx, from, func(ctx context.Context, p *provider) (uint64, error) { return p.eth.NonceAtHash(ctx, o.from, at.hash) }); err != nil {
		return 0, nil, err
	}
	funds, err = first(ctx, from, func(ctx context.Context, p *provider) (*big.Int, error) {
		return p.eth.BalanceAtHash(ctx, o.from, at.hash)
	})
	return nonce, funds, err
}

// look decides what a payment is at the present block, when the hot key's nonce there is mined.
func (o *outbox) look(ctx context.Context, p payment, head block, mined uint64) error {
	if p.block != nil && p.block.number > head.number {
		return nil // a provider that was ahead is gone: that takes nothing back
	}
	if p.tx.Nonce() >= mined {
		o.set(p, pending, nil, false)
		return nil
	}
	if p.block != nil {
		there, err := o.heads.ancestor(ctx, head, p.block.number)
		if err != nil {
			return err
		}
		if there.hash == p.block.hash {
			o.set(p, p.state, p.block, head.number >= there.number+settleDepth)
			return nil
		}
	}
	state, in, err := o.receipt(ctx, p, head)
	switch {
	case err == nil:
		o.set(p, state, &in, false)
		return nil
	case o.isLost(ctx, p, head):
		slog.Error("payment lost its nonce to another transaction", "id", p.id, "nonce", p.tx.Nonce())
		o.set(p, failed, nil, true)
		return nil
	}
	o.set(p, pending, nil, false)
	return err
}

// receipt finds the payment's receipt and the block that it is in. A receipt from another branch than the present one does not count.
func (o *outbox) receipt(ctx context.Context, p payment, head block) (string, block, error) {
	type found struct {
		state string
		in    block
	}
	f, err := first(ctx, o.heads.current(head), func(ctx context.Context, from *provider) (found, error) {
		r, err := from.eth.TransactionReceipt(ctx, p.tx.Hash())
		switch {
		case errors.Is(err, ethereum.NotFound):
			return found{}, errUnknownHere
		case err != nil:
			return found{}, err
		}
		in, err := o.heads.ancestor(ctx, head, r.BlockNumber.Uint64())
		if err != nil || in.hash != r.BlockHash {
			return found{}, errUnknownHere
		}
		if r.Status != types.ReceiptStatusSuccessful {
			return found{failed, in}, nil
		}
		return found{confirmed, in}, nil
	})
	return f.state, f.in, err
}

// isLost says whether it is proven that the payment can never happen: its nonce is used 12 blocks deep, and most of all providers say that they do not know the
// transaction. Less is not enough: to call a payment failed that was made is the worst that a wallet can do.
func (o *outbox) isLost(ctx context.Context, p payment, head block) bool {
	if head.number < settleDepth {
		return false
	}
	deep, err := o.heads.ancestor(ctx, head, head.number-settleDepth)
	if err != nil {
		return false
	}
	if used, _, err := o.account(ctx, deep); err != nil || used <= p.tx.Nonce() {
		return false
	}
	strangers := 0
	for _, from := range o.heads.current(head) {
		_, err := call(ctx, from, func(ctx context.Context, from *provider) (struct{}, error) {
			_, _, err := from.eth.TransactionByHash(ctx, p.tx.Hash())
			if errors.Is(err, ethereum.NotFound) {
				return struct{}{}, errUnknownHere
			}
			return struct{}{}, err
		})
		if err == nil {
			return false
		}
		if errors.Is(err, errUnknownHere) {
			strangers++
		}
	}
	return 2*strangers > len(o.heads.providers)
}

// set writes what was found about a payment. A payment that went back to pending is sent again at once.
func (o *outbox) set(found payment, state string, in *block, settled bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.byID[found.id]
	if p.block != nil && in == nil && !settled {
		slog.Warn("payment left the chain, sent again", "id", p.id, "hash", p.tx.Hash())
		for _, sent := range o.sent {
			delete(sent, p.tx.Hash())
		}
		o.wake()
	}
	p.state, p.block, p.settled = state, in, settled
	if settled {
		for _, sent := range o.sent {
			delete(sent, p.tx.Hash())
		}
	}
}
