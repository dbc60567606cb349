package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"
)

const (
	maxLag      = 2               // blocks that a provider may be behind the best head and still speak for the present
	keepBlocks  = 256             // headers that are remembered behind the best head
	chainQuorum = 2 * time.Second // after the first answer: how long a majority is waited for before fewer may say which chain this is
)

// heads follows the head of every provider and says which block is the present.
//
// Everything else is read at that block, by its hash (EIP-1898). So a value and its block belong together whichever provider answers: one that lags, or is on
// another branch or another chain, does not have the block and says so.
type heads struct {
	providers []*provider
	interval  time.Duration // between two polls of one provider
	maxAge    time.Duration // of a block that is shown as the present
	now       func() time.Time
	moved     chan struct{} // has a token when the best head may have changed
	begun     chan struct{} // closed when the first head was seen

	mu      sync.Mutex
	chainID *big.Int // guarded by mu, as are those below; nil until known
	claims  map[*provider]*big.Int
	asked   time.Time // when the first claim came
	blocks  map[common.Hash]block
	latest  map[*provider]block // of those on the right chain
	highest uint64
	kicks   map[*provider]chan struct{}
	open    sync.Once // closes begun
}

// newHeads makes a follower for a chain. A block counts as the present for three and a half block times: younger, it cannot be more than three blocks old.
func newHeads(ps []*provider, chainID *big.Int, blockTime time.Duration, now func() time.Time) *heads {
	h := &heads{
		providers: ps, interval: blockTime / 4, maxAge: blockTime * 7 / 2, now: now, moved: make(chan struct{}, 1), begun: make(chan struct{}), chainID: chainID,
		claims: map[*provider]*big.Int{}, blocks: map[common.Hash]block{}, latest: map[*provider]block{}, kicks: map[*provider]chan struct{}{},
	}
	for _, p := range ps {
		h.kicks[p] = make(chan struct{}, 1)
	}
	return h
}

// start polls every provider until ctx ends. The polls are also the probes that close a circuit again.
func (h *heads) start(ctx context.Context, done *sync.WaitGroup) {
	for _, p := range h.providers {
		done.Go(func() {
			for {
				if err := h.poll(ctx, p); err != nil && ctx.Err() == nil {
					slog.Debug("head not read", "err", err)
				}
				timer := time.NewTimer(p.rest(h.interval))
				select {
				case <-ctx.Done():
					timer.Stop()
					return
				case <-timer.C:
				case <-h.kicks[p]:
					timer.Stop()
				}
			}
		})
	}
}

// header is a block in JSON-RPC. The hash is taken as given, not computed: chains add fields to their headers.
type header struct {
	Number     *hexutil.Uint64 `json:"number"`
	Hash       common.Hash     `json:"hash"`
	ParentHash common.Hash     `json:"parentHash"`
	Timestamp  hexutil.Uint64  `json:"timestamp"`
	BaseFee    *hexutil.Big    `json:"baseFeePerGas"`
}

func (r *header) block(seen time.Time) (block, error) {
	if r == nil {
		return block{}, errUnknownHere
	}
	if r.Number == nil || r.Hash == (common.Hash{}) {
		return block{}, errors.New("a block without number or hash")
	}
	b := block{
		number: uint64(*r.Number), hash: r.Hash, parent: r.ParentHash, time: time.Unix(int64(r.Timestamp), 0), baseFee: new(big.Int), seen: seen,
	}
	if r.BaseFee != nil {
		b.baseFee.Set(r.BaseFee.ToInt())
	}
	return b, nil
}

// poll asks a provider for its chain and its head in one request, so that a head is never taken from another chain.
func (h *heads) poll(ctx context.Context, p *provider) error {
	type reply struct {
		id   *big.Int
		head block
	}
	r, err := call(ctx, p, func(ctx context.Context, p *provider) (reply, error) {
		var id *hexutil.Big
		var head *header
		batch := []rpc.BatchElem{
			{Method: "eth_chainId", Result: &id},
			{Method: "eth_getBlockByNumber", Args: []any{"latest", false}, Result: &head},
		}
		if err := p.rpc.BatchCallContext(ctx, batch); err != nil {
			return reply{}, err
		}
		if err := errors.Join(batch[0].Error, batch[1].Error); err != nil {
			return reply{}, err
		}
		if id == nil {
			return reply{}, errors.New("no chain id")
		}
		b, err := head.block(h.now())
		return reply{id.ToInt(), b}, err
	})
	if err != nil {
		return err
	}
	if !h.admit(p, r.id) {
		return fmt.Errorf("%s: it is on chain %s", p.name, r.id)
	}
	// Blocks that were missed between two polls are fetched as far as heads are compared.
	for b, n := h.add(r.head), 0; n <= maxLag && b.number > 0 && !h.knows(b.parent); n++ {
		parent, err := call(ctx, p, func(ctx context.Context, p *provider) (block, error) { return h.fetch(ctx, p, b.parent) })
		if err != nil {
			break
		}
		b = h.add(parent)
	}
	h.report(p, r.head.hash)
	return nil //nolint:nilerr // a missed block that could not be had is fetched at the next poll
}

// admit says whether a provider is on the wallet's chain. A wallet that was not told its chain takes the one that most providers name.
func (h *heads) admit(p *provider, id *big.Int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.claims) == 0 {
		h.asked = h.now()
	}
	h.claims[p] = id
	if h.chainID == nil {
		same := 0
		for _, other := range h.claims {
			if other.Cmp(id) == 0 {
				same++
			}
		}
		voters := len(h.providers)
		if h.now().Sub(h.asked) >= chainQuorum {
			voters = len(h.claims)
		}
		if 2*same <= voters {
			return false
		}
		h.chainID = new(big.Int).Set(id)
	}
	if h.chainID.Cmp(id) != 0 {
		delete(h.latest, p)
		return false
	}
	return true
}

// chain is the wallet's chain id, or nil while it is not known.
func (h *heads) chain() *big.Int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.chainID
}

// onChain says whether a provider was on the wallet's chain when it last answered.
func (h *heads) onChain(p *provider) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.chainID != nil && h.claims[p] != nil && h.claims[p].Cmp(h.chainID) == 0
}

func (h *heads) knows(hash common.Hash) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.blocks[hash]
	return ok
}

// add remembers a block, and returns it as it was first seen.
func (h *heads) add(b block) block {
	h.mu.Lock()
	defer h.mu.Unlock()
	if known, ok := h.blocks[b.hash]; ok {
		return known
	}
	h.blocks[b.hash] = b
	if b.number > h.highest {
		h.highest = b.number
		for hash, old := range h.blocks {
			if old.number+keepBlocks < h.highest {
				delete(h.blocks, hash)
			}
		}
	}
	return b
}

// report takes a block as a provider's head. When it is new and contradicts another provider's, the others are asked at once: one of the two is out of date.
func (h *heads) report(p *provider, hash common.Hash) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b, ok := h.blocks[hash]
	if !ok || h.latest[p].hash == hash {
		return
	}
	h.open.Do(func() { close(h.begun) })
	h.latest[p] = b
	contradicted := false
	for _, other := range h.latest {
		contradicted = contradicted || h.conflict(b, other)
	}
	if contradicted {
		for other, kick := range h.kicks {
			if other != p && other.usable() {
				offer(kick)
			}
		}
	}
	offer(h.moved)
}

// offer leaves a token in a channel that has room for one.
func offer(token chan struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}

// fetch reads one header by its hash from one provider.
func (h *heads) fetch(ctx context.Context, p *provider, hash common.Hash) (block, error) {
	var head *header
	if err := p.rpc.CallContext(ctx, &head, "eth_getBlockByHash", hash, false); err != nil {
		return block{}, err
	}
	b, err := head.block(h.now())
	if err == nil && b.hash != hash {
		err = fmt.Errorf("asked for block %s, got %s", hash, b.hash)
	}
	return b, err
}

// baseFee is the highest base fee of the providers' heads, old ones too; 0 while none is known.
func (h *heads) baseFee() *big.Int {
	h.mu.Lock()
	defer h.mu.Unlock()
	fee := new(big.Int)
	for _, b := range h.latest {
		if b.baseFee.Cmp(fee) > 0 {
			fee = b.baseFee
		}
	}
	return fee
}
