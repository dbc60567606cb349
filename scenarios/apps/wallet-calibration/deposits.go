package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

const (
	shownDeposits = 20
	searched      = 40 // blocks: a busy account has one in each
)

// transferTopic is ERC-20's event of a transfer.
var transferTopic = crypto.Keccak256Hash([]byte("Transfer(address,address,uint256)"))

// deposit is a transfer of the token to an account.
type deposit struct {
	Tx    common.Hash `json:"tx"`
	Block uint64      `json:"block"`
	Value string      `json:"value"` // in the token's units

	blockHash common.Hash
	index     uint64
}

type logEntry struct {
	BlockNumber hexutil.Uint64 `json:"blockNumber"`
	BlockHash   common.Hash    `json:"blockHash"`
	Tx          common.Hash    `json:"transactionHash"`
	Index       hexutil.Uint64 `json:"logIndex"`
	Data        hexutil.Bytes  `json:"data"`
	Removed     bool           `json:"removed"`
}

// deposits shows the newest transfers to an account. A node that leaves some out does not say so: two are asked, and what either has in a block of the present chain
// counts. With one answer only, or none, the list is marked stale.
func (w *wallet) deposits(ctx context.Context, account common.Address) answer {
	select {
	case <-w.heads.begun:
	case <-ctx.Done():
	}
	list, at, stale := w.readDeposits(ctx, account)
	if list == nil {
		known, ok := w.lastDeposits.get(account)
		if !ok {
			return refuse(http.StatusServiceUnavailable, errNeverRead)
		}
		list, at, stale = known.value, known.at, true
	} else {
		w.lastDeposits.keep(account, list, at)
	}
	return w.dated(map[string]any{"deposits": list}, at, stale)
}

// readDeposits gives nil when it could not read, or not compare what it read with the chain.
func (w *wallet) readDeposits(ctx context.Context, account common.Address) (list []deposit, at head, stale bool) {
	want := min(2, len(w.heads.all))
	if w.flaws[partialLogs] {
		want = 1
	}
	for range 3 { // again, when the head was replaced meanwhile
		at, err := w.heads.newest()
		if err != nil {
			return nil, at, true
		}
		answers := collect(ctx, w.heads.witnesses(at), want, func(ctx context.Context, s *source) ([]deposit, error) {
			found, err := w.logs(ctx, s, account, at)
			if errors.Is(err, errOtherBranch) {
				err = errors.Join(err, w.heads.poll(ctx, s))
			}
			return found, err
		})
		now, err := w.heads.newest()
		switch {
		case err == nil && len(answers) < want && now.hash != at.hash:
			continue
		case len(answers) == 0:
			return nil, at, true
		}
		list = []deposit{}
		for _, found := range answers {
			for _, d := range found {
				if !slices.Contains(list, d) {
					list = append(list, d)
				}
			}
		}
		slices.SortFunc(list, func(a, b deposit) int {
			if a.Block != b.Block {
				return int(b.Block) - int(a.Block)
			}
			return int(b.index) - int(a.index)
		})
		return list[:min(len(list), shownDeposits)], at, len(answers) < want || !w.heads.fresh(at)
	}
	return nil, at, true
}

// errOtherBranch is an answer that is not about the branch of the head: the provider has another one there, or it was replaced in the middle of the answer.
var errOtherBranch = errors.New("it is on another branch")

// logs asks one provider, and before and after in the same batch whether it has the block that is taken for the newest. Its logs must all be of that branch.
func (w *wallet) logs(ctx context.Context, s *source, account common.Address, at head) ([]deposit, error) {
	before, after := ask("eth_getBlockByNumber", hexutil.Uint64(at.number), false), ask("eth_getBlockByNumber", hexutil.Uint64(at.number), false)
	logs := ask("eth_getLogs", map[string]any{
		"address": w.token, "topics": []any{transferTopic, nil, common.BytesToHash(account.Bytes())},
		"fromBlock": hexutil.Uint64(at.number - min(at.number, searched-1)), "toBlock": hexutil.Uint64(at.number),
	})
	if err := s.call(ctx, before, logs, after); err != nil {
		return nil, err
	}
	for _, q := range []*query{before, after} {
		if top, err := value[header](s, q); err != nil || top.Hash != at.hash {
			return nil, errors.Join(errOtherBranch, err)
		}
	}
	found, err := value[[]logEntry](s, logs)
	if err != nil {
		return nil, err
	}
	list := []deposit{}
	for _, l := range found {
		if is, _ := w.heads.holds(at, uint64(l.BlockNumber), l.BlockHash); !is || l.Removed {
			return nil, errOtherBranch
		}
		list = append(list, deposit{l.Tx, uint64(l.BlockNumber), common.BytesToHash(l.Data).Big().String(), l.BlockHash, uint64(l.Index)})
	}
	return list, nil
}

// witnesses lists whom to compare: those that would be asked anyway, then the others in service.
func (h *heads) witnesses(b head) []*source {
	list := h.near(b)
	for _, s := range h.all {
		if s.inService() && s.onRightChain() && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// collect asks so many of them at a time, and the next one for each that fails, until so many have answered or all were asked.
func collect[T any](ctx context.Context, from []*source, want int, look func(context.Context, *source) (T, error)) []T {
	type reply struct {
		value T
		err   error
	}
	replies := make(chan reply, len(from))
	asked, answers := 0, []T{}
	next := func() {
		if asked == len(from) {
			return
		}
		s := from[asked]
		asked++
		go func() {
			var r reply
			r.err = s.again(ctx, func() (err error) {
				r.value, err = look(ctx, s)
				return err
			})
			if r.err != nil {
				slog.Debug("logs not read", "source", s.name, "err", r.err)
			}
			replies <- r
		}()
	}
	for range want {
		next()
	}
	for heard := 0; heard < asked && len(answers) < want; heard++ {
		r := <-replies
		if r.err != nil {
			next()
			continue
		}
		answers = append(answers, r.value)
	}
	return answers
}
