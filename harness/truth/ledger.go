// Package truth keeps what really happened: the reference chain's record, and the ledger of the payments that users wanted made.
package truth

import (
	"encoding/binary"
	"math/big"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"blackout/harness/clock"
	"blackout/harness/history"
)

// Ledger makes payment intents and knows them again by their address. Every intent pays an address of its own, hashed from the seed and the attempt's id, which no
// one has a key to: what arrives there can only be that payment. It is safe for concurrent use.
type Ledger struct {
	seed  uint64
	clock clock.Clock
	sink  history.Sink

	mu sync.RWMutex
	by map[common.Address]string // address → intent id
}

// NewLedger starts an empty ledger that records to sink.
func NewLedger(seed uint64, c clock.Clock, sink history.Sink) *Ledger {
	return &Ledger{seed: seed, clock: c, sink: sink, by: map[common.Address]string{}}
}

// New makes and records the intent of one attempt. The same seed and id give the same address and amount. The error is always nil: it is there for ledgers that keep
// their intents elsewhere.
func (l *Ledger) New(id string, session int, chain string) (history.Intent, error) {
	to, wei := payee(l.seed, id), amount(l.seed, id)
	l.mu.Lock()
	l.by[to] = id
	l.mu.Unlock()
	in := history.Intent{ID: id, Session: session, Chain: chain, To: to.Hex(), Wei: wei.String(), At: l.clock.Now()}
	l.sink.Add(in)
	return in, nil
}

// Of gives the id of the intent that pays an address, or "".
func (l *Ledger) Of(to common.Address) string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.by[to]
}

func payee(seed uint64, id string) common.Address {
	return common.BytesToAddress(digest(seed, "payee", id)[12:])
}

// amount is between 0.0001 and 0.0002 ether: small against what a payer holds, and different for each intent.
func amount(seed uint64, id string) *big.Int {
	const floor = 100_000_000_000_000
	return new(big.Int).SetUint64(floor + binary.BigEndian.Uint64(digest(seed, "amount", id))%floor)
}

func digest(seed uint64, label, id string) []byte {
	return crypto.Keccak256(binary.BigEndian.AppendUint64(nil, seed), []byte(label), []byte{0}, []byte(id))
}
