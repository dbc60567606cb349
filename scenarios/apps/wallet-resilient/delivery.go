package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"
)

const (
	sendEvery  = time.Second            // a look at what is due, without a new payment
	sendRetry  = 300 * time.Millisecond // after a failure
	sendAgain  = 8 * time.Second        // to a provider that took the bytes, while they are not mined: pools lose transactions
	sendAtOnce = 64                     // transactions in one round
)

// deliver hands one provider the bytes of every payment that is not mined, in the order of nonces, over and over. One provider that hangs delays no other.
func (o *outbox) deliver(ctx context.Context, p *provider) {
	for {
		wait := sendEvery
		if p.usable() && o.heads.onChain(p) && !o.round(ctx, p) {
			wait = sendRetry
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-o.mail[p]:
			timer.Stop()
		}
	}
}

// round sends what is due and says whether all of it went. It stops at the first failure: a later nonce is of no use before an earlier one.
func (o *outbox) round(ctx context.Context, p *provider) bool {
	for _, tx := range o.due(p) {
		_, err := call(ctx, p, func(ctx context.Context, p *provider) (struct{}, error) {
			return struct{}{}, p.eth.SendTransaction(ctx, tx)
		})
		if !isDelivered(err) {
			slog.Debug("transaction not taken", "hash", tx.Hash(), "err", err)
			return false
		}
		o.mu.Lock()
		o.sent[p][tx.Hash()] = o.heads.now()
		o.mu.Unlock()
	}
	return true
}

// due lists the transactions that a provider has to be given, by nonce.
func (o *outbox) due(p *provider) []*types.Transaction {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.heads.now()
	var list []*types.Transaction
	for _, pay := range o.payments {
		if pay.settled || pay.block != nil || len(list) == sendAtOnce {
			continue
		}
		if last, ok := o.sent[p][pay.tx.Hash()]; !ok || now.Sub(last) >= sendAgain {
			list = append(list, pay.tx)
		}
	}
	return list
}

// isDelivered says whether a provider has the transaction, whichever way it puts that. A used nonce counts: the transaction is mined, or it never can be, and
// only a receipt tells which.
func isDelivered(err error) bool {
	var answered rpc.Error
	if !errors.As(err, &answered) {
		return err == nil
	}
	return strings.Contains(err.Error(), "already known") || strings.Contains(err.Error(), "nonce too low")
}
