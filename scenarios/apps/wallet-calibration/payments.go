package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

// The words for a payment's state.
const (
	pending   = "pending"
	confirmed = "confirmed"
	failed    = "failed"
)

const (
	depth       = 4             // blocks on top of a payment's, before it is called confirmed
	settleDepth = 12            // blocks on top, after which it is not looked at again
	gasLimit    = 21_000        // of a plain transfer
	tipWei      = 1_000_000_000 // 1 gwei
	capFactor   = 10            // fee cap, times the base fee when it was signed: the bytes have to last through a spike
	leastCapWei = 20_000_000_000
	sendAgain   = 2  // block times after which bytes that are not mined are handed over again: pools lose transactions
	lateAfter   = 7  // block times after which a payment that is not confirmed is trouble
	sendAtOnce  = 64 // transactions in one request
)

// payment is an order and the transaction that carries it out.
//
//	        its receipt, with 4 blocks on top            12 blocks on top
//	pending ────────────────────────────────► confirmed ────────────────► settled
//	        ◄──────────────────────────────── (or failed, when it was reverted)
//	          its block was reorganised away: the same bytes are sent again
type payment struct {
	id, key string
	to      common.Address
	wei     *big.Int
	tx      *types.Transaction // signed once
	raw     hexutil.Bytes      // what goes out, however often
	taken   time.Time
	out     time.Time             // when its first round of providers was over
	handed  map[*source]time.Time // when a provider last took it
	state   string
	good    bool // its receipt says so
	block   *head
	settled bool
}

// payments owns the hot key. An order gets a nonce, is signed and handed over before the next one is looked at, so that a refused one can give its nonce back. From
// the moment in which some provider may have the bytes they are handed over again, to all providers, until they are mined: nothing else is ever signed for them.
type payments struct {
	*heads
	users *status
	key   *ecdsa.PrivateKey
	from  common.Address
	turn  chan struct{}             // the one token to sign with
	mail  map[*source]chan struct{} // a token: there is something to hand over
	ready chan struct{}             // closed after the first look

	open       sync.Once // closes ready
	mu         sync.Mutex
	list       []*payment // that providers may have, in the order of their nonces; guarded by mu, as are those below
	byKey      map[string]*payment
	byID       map[string]*payment
	chainNonce uint64    // the hot key's next one by what is mined and in a pool, at the last look
	lookedAt   time.Time // when that look began
	counter    uint64    // without the reconciliation with the chain: the last nonce
}

func newPayments(h *heads, key *ecdsa.PrivateKey, users *status) *payments {
	o := &payments{
		heads: h, users: users, key: key, from: crypto.PubkeyToAddress(key.PublicKey), turn: make(chan struct{}, 1), mail: map[*source]chan struct{}{},
		ready: make(chan struct{}), byKey: map[string]*payment{}, byID: map[string]*payment{},
	}
	for _, s := range h.all {
		o.mail[s] = make(chan struct{}, 1)
	}
	return o
}

// start hands over and watches payments until ctx ends.
func (o *payments) start(ctx context.Context, done *sync.WaitGroup) {
	for i, s := range o.all {
		if i > 0 && o.flaws[readsOnlyFailover] {
			continue
		}
		done.Go(func() {
			for ctx.Err() == nil {
				o.handOver(ctx, s)
				wait(ctx, time.Second, o.mail[s])
			}
		})
	}
	done.Go(func() {
		for ctx.Err() == nil {
			wait(ctx, time.Second, o.moved)
			if err := o.look(ctx); err != nil {
				slog.Debug("payments not looked at", "err", err)
			}
		}
	})
}

// Why an order is not taken.
var (
	errBusyPaying = errors.New("other payments are still on their way out: nothing was sent")
	errNotNow     = errors.New("no provider answers: nothing was sent")
	errRefused    = errors.New("no provider takes payments at the moment: nothing was sent")
	errOtherOrder = errors.New("this key was used for another payment")
	errFunds      = errors.New("insufficient funds")
)

// pay takes an order, or declines it, when it is certain that no provider has its bytes. The same key gives the same payment.
func (o *payments) pay(ctx context.Context, to common.Address, wei *big.Int, key string) answer {
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-ctx.Done():
		return o.decline(errBusyPaying)
	}
	o.mu.Lock()
	p := o.byKey[key]
	o.mu.Unlock()
	switch {
	case p != nil && (p.to != to || p.wei.Cmp(wei) != 0):
		return refuse(http.StatusConflict, errOtherOrder)
	case p != nil:
		return o.show(p)
	case ctx.Err() != nil:
		return o.decline(errBusyPaying)
	}
	nonce, err := o.nonce(ctx)
	if err != nil {
		return o.decline(errNotNow)
	}
	p = &payment{id: rand.Text(), key: key, to: to, wei: wei, taken: o.now(), handed: map[*source]time.Time{}, state: pending}
	if err := o.sign(p, nonce); err != nil {
		return refuse(http.StatusInternalServerError, err)
	}
	if err := o.send(ctx, p); err != nil {
		slog.Debug("payment declined", "key", key, "err", err)
		return o.decline(err)
	}
	p.out = o.now()
	if o.flaws[confirmedOnSubmit] {
		p.state, p.settled = confirmed, true
	}
	o.mu.Lock()
	o.list = append(o.list, p)
	o.byKey[key], o.byID[p.id] = p, p
	o.mu.Unlock()
	for _, mail := range o.mail {
		offer(mail)
	}
	return o.show(p)
}

func (o *payments) decline(err error) answer {
	if o.flaws[blamesFunds] {
		err = errFunds
	}
	return refuse(http.StatusServiceUnavailable, err)
}

// nonce is the next one: after all that is mined or in a provider's pool, and after all that this wallet has under way. It waits for the first look at the chain.
func (o *payments) nonce(ctx context.Context) (uint64, error) {
	select {
	case <-o.ready:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.flaws[nonceFromMemory] {
		o.counter = max(o.counter+1, o.chainNonce)
		return o.counter, nil
	}
	next := o.chainNonce
	for _, p := range o.list {
		if !p.settled || p.out.After(o.lookedAt) { // a look that began before may have missed it
			next = max(next, p.tx.Nonce()+1)
		}
	}
	return next, nil
}

// sign makes a payment's bytes.
func (o *payments) sign(p *payment, nonce uint64) error {
	newest, err := o.newest()
	if err != nil {
		return err
	}
	feeCap := new(big.Int).Mul(newest.baseFee, big.NewInt(capFactor))
	if least := big.NewInt(leastCapWei); feeCap.Cmp(least) < 0 {
		feeCap = least
	}
	id := new(big.Int).SetUint64(o.chainID)
	if o.flaws[noChainCheck] {
		id.SetUint64(newest.chain)
	}
	p.tx, err = types.SignNewTx(o.key, types.LatestSignerForChainID(id), &types.DynamicFeeTx{
		ChainID: id, Nonce: nonce, GasTipCap: big.NewInt(tipWei), GasFeeCap: feeCap.Add(feeCap, big.NewInt(tipWei)), Gas: gasLimit, To: &p.to, Value: p.wei,
	})
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	p.raw, err = p.tx.MarshalBinary()
	return err
}

// What a provider's reply to the bytes says about them.
type fate int

const (
	taken   fate = iota // it has them
	unknown             // nobody knows: a timeout, a reset, a 5xx, a page in the place of an answer
	refused             // it does not have them
)

// fateOf reads an error of a send. "already known" and "nonce too low" are said of bytes that arrived before; whether the second is about ours the receipts tell.
func fateOf(err error) fate {
	var said *rpcError
	switch {
	case err == nil:
		return taken
	case errors.As(err, &said) && strings.Contains(said.Message, "already known"):
		return taken
	case errors.As(err, &said), errors.Is(err, errUnsent):
		return refused
	default:
		return unknown
	}
}

// send hands the bytes to one provider after the other until one takes them. Without an error they are or may be out; with one they are for certain with nobody.
func (o *payments) send(ctx context.Context, p *payment) error {
	newest, err := o.newest()
	if err != nil {
		return errNotNow
	}
	order := o.near(newest)
	if o.flaws[readsOnlyFailover] {
		order = slices.DeleteFunc(o.order(), func(s *source) bool { return s != o.all[0] })
	}
	maybe, said := false, errNotNow
	for _, s := range order {
		q := ask("eth_sendRawTransaction", p.raw)
		err := s.call(ctx, q)
		var hash common.Hash
		if err == nil {
			hash, err = value[common.Hash](s, q)
		}
		became := fateOf(err)
		if became == taken && err == nil && hash != p.tx.Hash() && !o.flaws[uncheckedBody] {
			became = unknown
		}
		switch became {
		case taken:
			p.handed[s] = o.now()
			return nil
		case unknown:
			maybe = true
			o.failed(s)
		case refused:
			if rejected := new(rpcError); errors.As(err, &rejected) {
				said = errRefused
			}
			o.failed(s)
		}
		slog.Debug("bytes not taken", "source", s.name, "hash", p.tx.Hash(), "err", err)
		if o.flaws[reSign] {
			if err := o.sign(p, p.tx.Nonce()+1); err != nil {
				return err
			}
		}
	}
	if maybe {
		return nil
	}
	return said
}

// handOver gives a provider the bytes that are not mined and that it was not given of late, lowest nonce first, in one request.
func (o *payments) handOver(ctx context.Context, s *source) {
	if !slices.Contains(o.order(), s) || !s.onRightChain() {
		return
	}
	o.mu.Lock()
	var due []*payment
	for _, p := range o.list {
		if !p.settled && p.block == nil && len(due) < sendAtOnce && o.now().Sub(p.handed[s]) >= sendAgain*o.blockTime {
			due = append(due, p)
		}
	}
	o.mu.Unlock()
	if len(due) == 0 {
		return
	}
	sends := make([]*query, len(due))
	for i, p := range due {
		sends[i] = ask("eth_sendRawTransaction", p.raw)
	}
	if err := s.call(ctx, sends...); err != nil {
		slog.Debug("bytes not handed over", "source", s.name, "err", err)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, p := range due {
		if said := new(rpcError); fateOf(sends[i].err) == taken || errors.As(sends[i].err, &said) && strings.Contains(said.Message, "nonce too low") {
			p.handed[s] = o.now()
		}
	}
}

// receipt is where a transaction was mined.
type receipt struct {
	BlockHash   common.Hash    `json:"blockHash"`
	BlockNumber hexutil.Uint64 `json:"blockNumber"`
	Status      hexutil.Uint64 `json:"status"`
}

// look brings all up to the newest head: the nonce, and every payment, what is on the head's branch by how deep it lies, what is not by its receipt.
func (o *payments) look(ctx context.Context) error {
	newest, err := o.newest()
	if err != nil {
		return err
	}
	begun := o.now()
	var open []*payment
	o.mu.Lock()
	for _, p := range o.list {
		if p.settled {
			continue
		}
		if o.place(p, newest); p.block == nil {
			open = append(open, p)
		}
	}
	o.mu.Unlock()
	_, _, err = atHead(ctx, o.heads, func(ctx context.Context, s *source, b head) (struct{}, error) {
		queries := []*query{ask("eth_getTransactionCount", o.from, atHash(b)), ask("eth_getTransactionCount", o.from, "pending")}
		for _, p := range open {
			queries = append(queries, ask("eth_getTransactionReceipt", p.tx.Hash()))
		}
		if err := s.call(ctx, queries...); err != nil {
			return struct{}{}, err
		}
		mined, err1 := value[hexutil.Uint64](s, queries[0])
		pooled, err2 := value[hexutil.Uint64](s, queries[1])
		if err := errors.Join(err1, err2); err != nil {
			return struct{}{}, err
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		o.chainNonce, o.lookedAt = uint64(max(mined, pooled)), begun
		o.open.Do(func() { close(o.ready) })
		for i, p := range open {
			r, err := value[receipt](s, queries[i+2])
			if err != nil || r.BlockHash == (common.Hash{}) {
				continue
			}
			p.block, p.good = &head{number: uint64(r.BlockNumber), hash: r.BlockHash}, r.Status == 1
			if o.flaws[confirmedAtOneBlock] {
				p.state, p.settled = confirmed, true
				continue
			}
			o.place(p, b)
		}
		return struct{}{}, nil
	})
	return err
}

// place holds a payment's block against the newest head. It needs mu.
func (o *payments) place(p *payment, newest head) {
	if p.block == nil {
		return
	}
	is, sure := o.holds(newest, p.block.number, p.block.hash)
	switch {
	case !sure:
	case !is:
		slog.Warn("a payment left the chain: it is sent again", "id", p.id, "block", p.block.number)
		p.state, p.block, p.handed = pending, nil, map[*source]time.Time{}
		o.users.tookBack()
		for _, mail := range o.mail {
			offer(mail)
		}
	case newest.number >= p.block.number+depth:
		p.state = failed
		if p.good {
			p.state = confirmed
		}
		p.settled = newest.number >= p.block.number+settleDepth
	}
}

// late says that payments do not get through, or "".
func (o *payments) late() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.list {
		if waits := o.now().Sub(p.taken); p.state == pending && waits > lateAfter*o.blockTime {
			return fmt.Sprintf("a payment has been pending for %d s", int(waits.Seconds()))
		}
	}
	return ""
}

// get shows a payment by its id.
func (o *payments) get(id string) answer {
	o.mu.Lock()
	p := o.byID[id]
	o.mu.Unlock()
	if p == nil {
		return refuse(http.StatusNotFound, errors.New("no such payment"))
	}
	return o.show(p)
}

func (o *payments) show(p *payment) answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	return answer{body: map[string]any{"id": p.id, "hash": p.tx.Hash(), "state": p.state}}
}
