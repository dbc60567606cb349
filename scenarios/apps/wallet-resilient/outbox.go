package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

// The words for a payment's state.
const (
	pending   = "pending"
	confirmed = "confirmed"
	failed    = "failed"
)

// What a payment offers. The fee cap has to last: the bytes are signed once, and a fee spike must not outgrow them. What is not needed is not paid.
const (
	gasLimit     = 100_000        // a transfer takes 21,000; a recipient that is a contract takes more
	tipWei       = 1_000_000_000  // 1 gwei
	minFeeCapWei = 20_000_000_000 // 20 gwei
	feeCapFactor = 10             // times the base fee when it was signed
)

// startBudget is how long an order waits for a wallet that has just started to learn its nonce.
const startBudget = 3 * time.Second

// Why an order is not taken. Nothing was signed then.
var (
	errNotReady = errors.New("payments cannot be taken yet: no provider has told the wallet its nonce")
	errNoFunds  = errors.New("the wallet's own funds do not cover this payment now")
	errOtherKey = errors.New("this key was used for another payment")
)

// payment is an order with the transaction that carries it out.
//
//	          its receipt is on the present branch            12 blocks on top
//	pending ──────────────────────────────────────► confirmed ───────────────► settled
//	   │  ◄──────────────────────────────────────── (or failed: reverted)
//	   │       its block was reorganised away
//	   └──► failed: another transaction took its nonce, 12 blocks deep, and most providers say that they never saw this one
type payment struct {
	id, key string
	to      common.Address
	wei     *big.Int
	tx      *types.Transaction // signed once; these bytes are sent again until the payment is settled
	state   string
	block   *block // with the receipt; nil while there is none
	settled bool   // final: it is not looked at again
}

// outbox owns the hot key's nonces. An order is signed, kept, and only then sent: from there on it is delivered however often providers fail, and never signed
// a second time, so it cannot be paid twice. It is kept in memory; a wallet that must survive its own restart writes it to disk before it answers.
type outbox struct {
	heads *heads
	key   *ecdsa.PrivateKey
	from  common.Address
	ready chan struct{} // closed when the first nonce is known
	mail  map[*provider]chan struct{}

	mu       sync.Mutex
	next     uint64 // guarded by mu, as are those below
	signer   types.Signer
	payments []*payment // in the order of their nonces
	byKey    map[string]*payment
	byID     map[string]*payment
	sent     map[*provider]map[common.Hash]time.Time // when a provider last took a transaction
	funds    *big.Int                                // of the hot key at the last check; nil: unknown
	mined    uint64                                  // the hot key's nonce at the last check
}

func newOutbox(h *heads, key *ecdsa.PrivateKey) *outbox {
	o := &outbox{
		heads: h, key: key, from: crypto.PubkeyToAddress(key.PublicKey), ready: make(chan struct{}), mail: map[*provider]chan struct{}{},
		byKey: map[string]*payment{}, byID: map[string]*payment{}, sent: map[*provider]map[common.Hash]time.Time{},
	}
	for _, p := range h.providers {
		o.mail[p] = make(chan struct{}, 1)
		o.sent[p] = map[common.Hash]time.Time{}
	}
	return o
}

// start learns the first nonce, then delivers and watches payments until ctx ends.
func (o *outbox) start(ctx context.Context, done *sync.WaitGroup) {
	done.Go(func() {
		if !o.open(ctx) {
			return
		}
		for _, p := range o.heads.providers {
			done.Go(func() { o.deliver(ctx, p) })
		}
		o.watch(ctx)
	})
}

// pay takes an order: it is signed and on its way when this returns. The same key gives the same payment.
func (o *outbox) pay(ctx context.Context, to common.Address, wei *big.Int, key string) (payment, error) {
	limited, cancel := context.WithTimeout(ctx, startBudget)
	defer cancel()
	select {
	case <-o.ready:
	case <-limited.Done():
		return payment{}, errNotReady
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if p, ok := o.byKey[key]; ok {
		if p.to != to || p.wei.Cmp(wei) != 0 {
			return payment{}, errOtherKey
		}
		return *p, nil
	}
	feeCap := o.feeCap()
	if !o.covers(new(big.Int).Add(wei, new(big.Int).Mul(feeCap, big.NewInt(gasLimit)))) {
		return payment{}, errNoFunds
	}
	tx, err := types.SignNewTx(o.key, o.signer, &types.DynamicFeeTx{
		ChainID: o.signer.ChainID(), Nonce: o.next, GasTipCap: big.NewInt(tipWei), GasFeeCap: feeCap, Gas: gasLimit, To: &to, Value: wei,
	})
	if err != nil {
		return payment{}, fmt.Errorf("sign: %w", err)
	}
	p := &payment{id: rand.Text(), key: key, to: to, wei: wei, tx: tx, state: pending}
	o.next++
	o.payments = append(o.payments, p)
	o.byKey[key], o.byID[p.id] = p, p
	o.wake()
	return *p, nil
}

func (o *outbox) feeCap() *big.Int {
	feeCap := new(big.Int).Mul(o.heads.baseFee(), big.NewInt(feeCapFactor))
	if least := big.NewInt(minFeeCapWei); feeCap.Cmp(least) < 0 {
		feeCap = least
	}
	return feeCap.Add(feeCap, big.NewInt(tipWei))
}

// covers says whether the hot key can pay so much on top of what is on its way. Otherwise nodes would refuse the transaction, and all behind its nonce would wait.
// It needs mu.
func (o *outbox) covers(cost *big.Int) bool {
	if o.funds == nil {
		return true
	}
	total := new(big.Int).Set(cost)
	for _, p := range o.payments {
		if !p.settled && p.tx.Nonce() >= o.mined {
			total.Add(total, p.tx.Cost())
		}
	}
	return total.Cmp(o.funds) <= 0
}

// wake tells the deliveries that there is something to send.
func (o *outbox) wake() {
	for _, mail := range o.mail {
		offer(mail)
	}
}

// get is the payment with an id, as it is now.
func (o *outbox) get(id string) (payment, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p, ok := o.byID[id]
	if !ok {
		return payment{}, false
	}
	return *p, true
}

// recent lists the last payments, newest first.
func (o *outbox) recent(n int) []payment {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := make([]payment, 0, n)
	for i := len(o.payments) - 1; i >= 0 && len(list) < n; i-- {
		list = append(list, *o.payments[i])
	}
	return list
}

// open finds the first nonce: the highest that any provider gives, once most of them answered. It says whether it did before ctx ended.
func (o *outbox) open(ctx context.Context) bool {
	const patience = 1500 * time.Millisecond // for a majority; then fewer have to do
	start := o.heads.now()
	for {
		nonce, answers, funds := o.survey(ctx)
		late := o.heads.now().Sub(start) >= patience
		if 2*answers > len(o.heads.providers) || answers > 0 && late {
			o.mu.Lock()
			o.next, o.mined, o.funds, o.signer = nonce, nonce, funds, types.LatestSignerForChainID(o.heads.chain())
			o.mu.Unlock()
			close(o.ready)
			slog.Info("payments are taken", "from", o.from, "nonce", nonce)
			return true
		}
		timer := time.NewTimer(200 * time.Millisecond)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
	}
}

// survey asks all providers on the chain for the pending nonce. funds is nil when no provider could tell.
func (o *outbox) survey(ctx context.Context) (nonce uint64, answers int, funds *big.Int) {
	head, err := o.heads.present()
	if err != nil {
		return 0, 0, nil
	}
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, p := range o.heads.current(head) {
		asking.Go(func() {
			n, err := call(ctx, p, func(ctx context.Context, p *provider) (uint64, error) { return p.eth.PendingNonceAt(ctx, o.from) })
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			answers++
			nonce = max(nonce, n)
		})
	}
	asking.Wait()
	if answers > 0 {
		_, funds, _ = o.account(ctx, head)
	}
	return nonce, answers, funds
}
