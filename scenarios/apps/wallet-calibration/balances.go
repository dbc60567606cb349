package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

var errNeverRead = errors.New("this cannot be read at the moment, and was not read before")

// last remembers the last value of each account: what there is to show, marked, when nothing can be read.
type last[T any] struct {
	mu     sync.Mutex
	values map[common.Address]seen[T] // guarded by mu
}

// seen is a value and the block at which it was true.
type seen[T any] struct {
	value T
	at    head
}

func (l *last[T]) keep(account common.Address, value T, at head) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.values == nil || len(l.values) > 10_000 {
		l.values = map[common.Address]seen[T]{}
	}
	l.values[account] = seen[T]{value, at}
}

func (l *last[T]) get(account common.Address) (seen[T], bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok := l.values[account]
	return v, ok
}

// balance shows what an account has at the newest head, or the last known value marked stale, or says that there is none. There is no zero to fall back on.
func (w *wallet) balance(ctx context.Context, account common.Address) answer {
	select {
	case <-w.heads.begun: // a wallet that has just started looks for the chain first
	case <-ctx.Done():
	}
	wei, at, err := atHead(ctx, w.heads, func(ctx context.Context, s *source, b head) (*hexutil.Big, error) {
		q := ask("eth_getBalance", account, atHash(b))
		if err := s.call(ctx, q); err != nil {
			return nil, err
		}
		wei, err := value[hexutil.Big](s, q)
		return &wei, err
	})
	stale := err != nil
	if err == nil {
		w.lastBalances.keep(account, wei.ToInt(), at)
		stale = !w.heads.fresh(at)
	} else if w.flaws[zeroOnError] {
		return answer{body: map[string]any{"balance": ether(new(big.Int)), "stale": false}, poor: true}
	}
	known, ok := w.lastBalances.get(account)
	if !ok {
		return refuse(http.StatusServiceUnavailable, errNeverRead)
	}
	if stale {
		slog.Debug("balance is old", "account", account, "err", err)
	}
	return w.dated(map[string]any{"balance": ether(known.value)}, known.at, stale)
}

// dated adds to an answer which block it is true at, and whether that is old.
func (w *wallet) dated(body map[string]any, at head, stale bool) answer {
	body["block"], body["stale"] = at.number, stale
	if stale && w.flaws[unmarkedCache] {
		delete(body, "block")
		body["stale"] = false
	}
	return answer{body: body, poor: stale}
}

// ether writes wei as ether with six decimals, the rest cut off: a wallet never shows more than there is.
func ether(wei *big.Int) string {
	whole, micro := new(big.Int).QuoRem(new(big.Int).Quo(wei, big.NewInt(1e12)), big.NewInt(1e6), new(big.Int))
	return fmt.Sprintf("%s.%06d", whole, micro)
}
