package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/gorilla/websocket"
)

const (
	keepBlocks = 64 // headers behind the newest
	fillBlocks = 48 // of those, how many are fetched when some were missed: more than deposits are searched in
	maxLag     = 1  // blocks that a provider may be behind the newest head and still be asked about it
)

var (
	errNoHead = errors.New("no provider has shown a block yet")
	errNobody = fmt.Errorf("no provider is in service: %w", errUnsent)
)

// head is a block, as far as it is needed here.
type head struct {
	number       uint64
	chain        uint64 // that the provider named with it; 0 for one that was no head
	hash, parent common.Hash
	baseFee      *big.Int
	at           time.Time // in its header, or when it was first seen if that was earlier
	told         time.Time // when a provider first named it as its head
}

// heads follows the providers' heads. A subscription says when to look; what counts is each provider's own answer, which names its chain and its head in one batch.
// All else is read at the newest of them by its hash (EIP-1898), so a provider that lags, or is on another branch or chain, cannot give a wrong value: it has no
// such block.
type heads struct {
	*pool
	chainID   uint64
	blockTime time.Duration
	interval  time.Duration // between two polls of one provider
	now       func() time.Time
	moved     chan struct{}             // has a token when the newest head may have changed
	looks     map[*source]chan struct{} // a token makes a provider be polled at once
	begun     chan struct{}             // closed when the first head was seen

	mu     sync.Mutex
	blocks map[common.Hash]head // guarded by mu, as are those below
	latest map[*source]head
	polled map[*source]time.Time // when it last answered
	open   sync.Once             // closes begun
}

func newHeads(p *pool, chainID uint64, blockTime time.Duration, now func() time.Time) *heads {
	h := &heads{
		pool: p, chainID: chainID, blockTime: blockTime, interval: blockTime / 2, now: now, moved: make(chan struct{}, 1), looks: map[*source]chan struct{}{}, begun: make(chan struct{}),
		blocks: map[common.Hash]head{}, latest: map[*source]head{}, polled: map[*source]time.Time{},
	}
	for _, s := range p.all {
		h.looks[s] = make(chan struct{}, 1)
	}
	return h
}

// start polls and subscribes until ctx ends. A poll is also the probe that brings a resting provider back.
func (h *heads) start(ctx context.Context, done *sync.WaitGroup) {
	for _, s := range h.all {
		done.Go(func() {
			for ctx.Err() == nil {
				if s.rest() <= 0 {
					if err := s.again(ctx, func() error { return h.poll(ctx, s) }); err != nil {
						slog.Debug("head not read", "source", s.name, "err", err)
						if h.flaws[noBackoff] {
							continue
						}
					}
				}
				pause := time.Duration(float64(h.interval) * (0.9 + 0.2*rand.Float64()))
				if h.flaws[subscriptionLost] && s.onRightChain() {
					pause = 365 * 24 * time.Hour // the subscription will tell
				}
				wait(ctx, max(pause, s.rest()), h.looks[s])
			}
		})
	}
	done.Go(func() { h.subscribe(ctx) })
}

// wait ends after d, or with a token, or with ctx.
func wait(ctx context.Context, d time.Duration, token <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-token:
	}
}

// offer leaves a token in a channel that has room for one.
func offer(token chan struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}

// header is a block in JSON-RPC. The hash is taken as given: chains add fields to their headers.
type header struct {
	Number     hexutil.Uint64 `json:"number"`
	Hash       common.Hash    `json:"hash"`
	ParentHash common.Hash    `json:"parentHash"`
	Timestamp  hexutil.Uint64 `json:"timestamp"`
	BaseFee    *hexutil.Big   `json:"baseFeePerGas"`
}

// poll asks a provider for its chain and its head, and for the headers before it that are not known.
func (h *heads) poll(ctx context.Context, s *source) error {
	id, newest := ask("eth_chainId"), ask("eth_getBlockByNumber", "latest", false)
	if err := s.call(ctx, id, newest); err != nil {
		return err
	}
	chain, err1 := value[hexutil.Uint64](s, id)
	top, err2 := value[header](s, newest)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if top.Hash == (common.Hash{}) {
		return errors.New("a block without a hash")
	}
	right := uint64(chain) == h.chainID || h.flaws[noChainCheck]
	s.setOnChain(right)
	if !right {
		h.mu.Lock()
		delete(h.latest, s)
		h.mu.Unlock()
		return fmt.Errorf("it is on chain %d", chain)
	}
	h.mu.Lock()
	_, known := h.blocks[top.ParentHash]
	h.mu.Unlock()
	if number := uint64(top.Number); !known && number > 0 {
		var missed []*query
		for n := number - min(number, fillBlocks); n < number; n++ {
			missed = append(missed, ask("eth_getBlockByNumber", hexutil.Uint64(n), false))
		}
		if err := s.call(ctx, missed...); err != nil {
			return err
		}
		for _, q := range missed {
			if b, err := value[header](s, q); err == nil {
				h.add(nil, b, 0)
			}
		}
	}
	h.add(s, top, uint64(chain))
	return nil
}

// add remembers a block, and takes it as a provider's head unless that is nil.
func (h *heads) add(s *source, b header, chain uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known, ok := h.blocks[b.Hash]
	if !ok {
		known = head{number: uint64(b.Number), hash: b.Hash, parent: b.ParentHash, baseFee: new(big.Int), at: time.Unix(int64(b.Timestamp), 0), told: h.now()}
		if b.BaseFee != nil {
			known.baseFee = b.BaseFee.ToInt()
		}
		if known.told.Before(known.at) {
			known.at = known.told
		}
		h.blocks[b.Hash] = known
		for hash, old := range h.blocks {
			if old.number+keepBlocks < known.number {
				delete(h.blocks, hash)
			}
		}
	}
	if s != nil {
		h.polled[s] = h.now()
	}
	if s != nil && h.latest[s].hash != known.hash {
		known.told, known.chain = h.now(), chain
		h.latest[s] = known
		h.open.Do(func() { close(h.begun) })
		offer(h.moved)
	}
}

// age is how old a block is.
func (h *heads) age(b head) time.Duration { return h.now().Sub(b.at) }

// fresh says that a block can be shown as the present: in three and a half block times no more than three others can have come.
func (h *heads) fresh(b head) bool {
	return b.hash != common.Hash{} && (h.flaws[noAgeCheck] || h.age(b) <= h.blockTime*7/2)
}

// newest is the highest recent head, of two at one height the one that was told last, since the other is then being replaced. Without a recent one it is the
// highest of all.
func (h *heads) newest() (head, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var best head
	if h.flaws[noAgeCheck] && len(h.all) > 0 {
		if b, ok := h.latest[h.all[0]]; ok {
			return b, nil
		}
	}
	for _, b := range h.latest {
		switch {
		case best.hash == common.Hash{}, h.fresh(b) && !h.fresh(best):
			best = b
		case h.fresh(best) && !h.fresh(b):
		case b.number > best.number, b.number == best.number && b.told.After(best.told):
			best = b
		}
	}
	if best.hash == (common.Hash{}) {
		return best, errNoHead
	}
	return best, nil
}

// holds says whether a block is known to be an ancestor of another, or that one itself. sure is false when a header between them is missing.
func (h *heads) holds(of head, number uint64, hash common.Hash) (is, sure bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for of.number > number {
		parent, ok := h.blocks[of.parent]
		if !ok {
			return false, false
		}
		of = parent
	}
	return of.hash == hash, of.number == number
}

// near lists the providers to ask about a block, in the pool's order: on the right chain, and not behind, which is one that was asked since that block came and had
// none near it.
func (h *heads) near(b head) []*source {
	var near, behind []*source
	for _, s := range h.order() {
		h.mu.Lock()
		lags := h.latest[s].number+maxLag < b.number && h.polled[s].After(b.told)
		h.mu.Unlock()
		switch {
		case !s.onRightChain():
		case lags:
			behind = append(behind, s)
		default:
			near = append(near, s)
		}
	}
	if len(near) == 0 {
		return behind
	}
	return near
}

// atHead asks about the newest head, one provider after the other until one gives a good answer, twice around. One that does not have the block there (any more) is
// asked for its head, and about what is then the newest.
func atHead[T any](ctx context.Context, h *heads, look func(context.Context, *source, head) (T, error)) (T, head, error) {
	var none T
	err := errNobody
	for range 2 {
		b, missing := h.newest()
		if missing != nil {
			return none, b, missing
		}
		for _, s := range h.near(b) {
			if ctx.Err() != nil {
				return none, b, errors.Join(err, ctx.Err())
			}
			var got T
			attempt := func() (err error) {
				got, err = look(ctx, s, b)
				return err
			}
			err = s.again(ctx, attempt)
			if lacksBlock(err) && h.poll(ctx, s) == nil {
				if now, _ := h.newest(); now.hash != b.hash {
					b = now
					err = attempt()
				}
			}
			if err == nil {
				return got, b, nil
			}
			h.failed(s)
		}
	}
	return none, head{}, err
}

// lacksBlock says that a node does not have the block that was named, or no longer on its branch. Nodes have no code for it; these are geth's words.
func lacksBlock(err error) bool {
	var said *rpcError
	return errors.As(err, &said) && (strings.Contains(said.Message, "not found") || strings.Contains(said.Message, "not currently canonical"))
}

// atHash names a block for the methods that read state.
func atHash(b head) map[string]any {
	return map[string]any{"blockHash": b.hash, "requireCanonical": true}
}

// subscribe keeps one subscription to new heads open, at the best provider that grants one. When it ends, or is silent for too long, the next one is opened.
func (h *heads) subscribe(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		for _, s := range h.order() {
			if s.ws == "" || ctx.Err() != nil {
				continue
			}
			told, err := h.listen(ctx, s)
			slog.Debug("subscription ended", "source", s.name, "heads", told, "err", err)
			if h.flaws[subscriptionLost] && told > 0 {
				return
			}
			if told > 0 {
				pause = firstPause
				break
			}
		}
		wait(ctx, time.Duration(float64(pause)*(0.8+0.4*rand.Float64())), nil)
		pause = min(2*pause, longPause)
	}
}

// listen follows one subscription until it ends, and says how many heads it told of.
func (h *heads) listen(ctx context.Context, s *source) (told int, err error) {
	dialer := websocket.Dialer{NetDialContext: h.all[0].names.dial, HandshakeTimeout: callTimeout}
	limited, cancel := s.within(ctx)
	conn, reply, err := dialer.DialContext(limited, s.ws, nil)
	cancel()
	if reply != nil {
		_ = reply.Body.Close()
	}
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := conn.WriteJSON(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": []string{"newHeads"}}); err != nil {
		return 0, err
	}
	for {
		if !h.flaws[subscriptionLost] {
			if err := conn.SetReadDeadline(h.now().Add(h.blockTime * 5 / 2)); err != nil {
				return told, err
			}
		}
		_, data, err := conn.ReadMessage()
		if err != nil {
			return told, err
		}
		var m struct {
			Method string
			Error  *rpcError
		}
		if err := json.Unmarshal(data, &m); err != nil {
			return told, err
		}
		if m.Error != nil {
			return told, m.Error
		}
		if m.Method == "eth_subscription" {
			told++
			for _, look := range h.looks {
				offer(look)
			}
		}
	}
}

func (s *source) setOnChain(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onChain = is
}

func (s *source) onRightChain() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.onChain
}
