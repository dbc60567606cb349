package main

import (
	"context"
	"errors"
	"log/slog"
	"math/big"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"golang.org/x/sync/singleflight"
)

const (
	readBudget   = 1200 * time.Millisecond // of one balance, with all tries: a user is told the last known value rather than kept waiting
	keepBalances = 10_000                  // accounts whose last value is remembered
)

// errNeverRead means that there is nothing to show: the account was never read, and cannot be read now.
var errNeverRead = errors.New("this balance cannot be read at the moment, and was not read before")

// balance is what an account had at a block.
type balance struct {
	wei   *big.Int
	block block
	stale bool // it may have changed since
}

// balances reads accounts at the present block, each once per block, and remembers the last value of each.
type balances struct {
	heads *heads
	reads singleflight.Group

	mu   sync.Mutex
	last map[common.Address]balance // guarded by mu
}

func newBalances(h *heads) *balances {
	return &balances{heads: h, last: map[common.Address]balance{}}
}

// of is the account's balance: as of now, or the last known one marked stale, or an error. There is no zero to fall back on.
func (b *balances) of(ctx context.Context, account common.Address) (balance, error) {
	b.awaitFirstHead(ctx)
	head, err := b.heads.present()
	if err == nil {
		err = b.refresh(ctx, account, head)
	}
	if err != nil {
		slog.Debug("balance not read", "account", account, "err", err)
	}
	known, ok := b.lookUp(account)
	if !ok {
		return balance{}, errNeverRead
	}
	known.stale = !b.heads.fresh(known.block)
	return known, nil
}

// awaitFirstHead gives a wallet that has just started the time of one read to find the chain.
func (b *balances) awaitFirstHead(ctx context.Context) {
	select {
	case <-b.heads.begun:
		return
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, readBudget)
	defer cancel()
	select {
	case <-b.heads.begun:
	case <-ctx.Done():
	}
}

func (b *balances) lookUp(account common.Address) (balance, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known, ok := b.last[account]
	return known, ok
}

// refresh reads the account at a block unless that was done. Users who ask for the same at the same time share one read, which goes on when one of them leaves.
func (b *balances) refresh(ctx context.Context, account common.Address, head block) error {
	if known, ok := b.lookUp(account); ok && known.block.hash == head.hash {
		return nil
	}
	read := b.reads.DoChan(account.Hex()+head.hash.Hex(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readBudget)
		defer cancel()
		wei, err := first(ctx, b.heads.current(head), func(ctx context.Context, p *provider) (*big.Int, error) {
			return p.eth.BalanceAtHash(ctx, account, head.hash)
		})
		if err == nil {
			b.keep(account, balance{wei: wei, block: head})
		}
		return nil, err
	})
	select {
	case done := <-read:
		return done.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// keep remembers a value, unless a later one that still holds is known: an answer never goes back behind the one before it without being marked.
func (b *balances) keep(account common.Address, value balance) {
	known, ok := b.lookUp(account)
	if ok && known.block.number > value.block.number && b.heads.fresh(known.block) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.last) >= keepBalances {
		for other := range b.last {
			delete(b.last, other)
			break
		}
	}
	b.last[account] = value
}
