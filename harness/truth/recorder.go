package truth

import (
	"strings"
	"sync"

	"github.com/ethereum/go-ethereum/common"

	"blackout/harness/chain"
	"blackout/harness/clock"
	"blackout/harness/history"
)

// Recorder writes what the chains did into the history, and remembers the reference nodes' heads. It is a chain.Observer, safe for concurrent use.
type Recorder struct {
	sink      history.Sink
	ledger    *Ledger
	reference map[string]string // node name → chain

	mu    sync.RWMutex
	heads map[string]Standing // by chain
}

// Standing is where the reference node of a chain stands, and since when.
type Standing struct {
	Number uint64
	Since  clock.Micros
}

// NewRecorder records to sink. reference names the reference node of each chain: chain → node.
func NewRecorder(sink history.Sink, ledger *Ledger, reference map[string]string) *Recorder {
	r := &Recorder{sink: sink, ledger: ledger, reference: map[string]string{}, heads: map[string]Standing{}}
	for chain, node := range reference {
		r.reference[node] = chain
	}
	return r
}

// Block records a published block with the watched balances, the payments of intents and the token's transfers in it.
func (r *Recorder) Block(b chain.Block) {
	rec := history.Block{
		Chain: b.Chain, Hash: b.Hash.Hex(), Parent: b.Parent.Hex(), Number: b.Number, Timestamp: b.Timestamp, Published: b.Published,
		Watched: make(map[string]string, len(b.Watched)),
	}
	for account, wei := range b.Watched {
		rec.Watched[Address(account)] = wei.String()
	}
	for _, l := range b.Logs {
		rec.Logs = append(rec.Logs, history.Log{Account: Address(l.Account), Tx: l.Tx.Hex(), Index: uint64(l.Index), Value: l.Value.String()})
	}
	for _, tx := range b.Txs {
		if tx.To() == nil {
			continue
		}
		if id := r.ledger.Of(*tx.To()); id != "" {
			rec.Paid = append(rec.Paid, history.Payment{Intent: id, Tx: tx.Hash().Hex(), Wei: tx.Value().String()})
		}
	}
	r.sink.Add(rec)
}

// Head records a node's head.
func (r *Recorder) Head(h chain.Head) {
	r.sink.Add(history.Head{Node: h.Node, Hash: h.Hash.Hex(), Number: h.Number, Safe: h.Safe, Finalized: h.Finalized, At: h.At})
	name, ok := r.reference[h.Node]
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.heads[name].Number != h.Number {
		r.heads[name] = Standing{Number: h.Number, Since: h.At}
	}
}

// Reference is where the reference node of a chain stands; zero before its first head.
func (r *Recorder) Reference(chain string) Standing {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.heads[chain]
}

// Address is how histories write an address: lower-case hexadecimal with 0x.
func Address(a common.Address) string { return strings.ToLower(a.Hex()) }
