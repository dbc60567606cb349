package gateways

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"blackout/harness/fault"
	"blackout/harness/history"
)

// The methods by which a signed transaction comes in. The second (EIP-7966) answers when the transaction is mined.
const (
	sendRaw     = "eth_sendRawTransaction"
	sendRawSync = "eth_sendRawTransactionSync"
)

// carryTimeout bounds how long a request waits until its transaction is with the other nodes.
const carryTimeout = 5 * time.Second

// foreignKey answers a transaction that is not the run's: it might be a real user's, so it goes nowhere.
var foreignKey = fault.RPCError{Code: -32000, Message: "signed by a key that this run did not make: the transaction was not passed on"}

// submission is a signed transaction in a request. Its raw bytes stay in memory only.
type submission struct {
	call    int // its place in the request
	raw     []byte
	foreign bool
	waits   bool // answered when mined: it must be carried before
}

// inspect decodes the transactions of a request, judges their signers and records them. What cannot be decoded is left to the node, which refuses it.
func (x *exchange) inspect() {
	for i := range x.message.calls {
		c := &x.message.calls[i]
		if c.Method != sendRaw && c.Method != sendRawSync {
			continue
		}
		var params []json.RawMessage
		var raw hexutil.Bytes
		if json.Unmarshal(c.params, &params) != nil || len(params) == 0 || json.Unmarshal(params[0], &raw) != nil {
			continue
		}
		tx := new(types.Transaction)
		if tx.UnmarshalBinary(raw) != nil {
			continue
		}
		from, err := types.Sender(types.LatestSignerForChainID(tx.ChainId()), tx)
		if err != nil {
			continue
		}
		c.Tx = tx.Hash().Hex()
		intent, foreign := x.g.cfg.Judge(tx, from)
		x.sent = append(x.sent, submission{call: i, raw: raw, foreign: foreign, waits: c.Method == sendRawSync})
		sent := history.Sent{
			Tx: c.Tx, From: strings.ToLower(from.Hex()), Nonce: tx.Nonce(), Intent: intent, Service: x.req.Service, Foreign: foreign, At: x.at,
		}
		if id := tx.ChainId(); id.IsUint64() {
			sent.ChainID = id.Uint64()
		}
		if to := tx.To(); to != nil {
			sent.To = strings.ToLower(to.Hex())
		}
		x.g.cfg.Sink.Add(sent)
	}
}

// carryWaiting carries the transactions whose answer waits for their being mined; carryAccepted the others, once the node's answers say that it has them. One that it has
// already is carried too: a reorganisation may be making the pools forget it just then, and the app has been told that all is well.
func (x *exchange) carryWaiting(s split, node Backend) {
	for _, sub := range x.sent {
		if sub.waits && !s.own[sub.call].taken {
			x.carry(node, sub.raw)
		}
	}
}

func (x *exchange) carryAccepted(s split, node Backend, answers []answer) {
	for _, sub := range x.sent {
		if sub.waits || s.own[sub.call].taken {
			continue
		}
		id, ok := x.message.calls[sub.call].expects()
		if !ok {
			continue
		}
		for _, a := range answers {
			if string(a.id) == id && (!a.failed || a.known) {
				x.carry(node, sub.raw)
				break
			}
		}
	}
}

// carry does not end with the request: the node has the transaction even if the app has gone away.
func (x *exchange) carry(node Backend, raw []byte) {
	ctx, cancel := context.WithTimeout(x.g.ctx, carryTimeout)
	defer cancel()
	x.g.cfg.Carry(ctx, x.chain(), node.Name(), raw)
}
