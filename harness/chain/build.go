package chain

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/beacon/engine"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
)

// The bounds of what a watched account is credited in a block, in gwei, inclusive. Every amount is at least 0.001 ether, so an app that shows four decimals
// of an ether still shows the change.
const (
	minCredit = 1_000_000
	maxCredit = 9_999_999
)

// build makes a block of a slot on a parent and has the builder, whose head is the parent afterwards, execute it; no other node knows it yet. txs are its
// transactions besides the harness's own; nil takes what the builder's pool offers.
func (c *Conductor) build(ctx context.Context, parent *block, slot uint64, txs *[]hexutil.Bytes) (*block, Block, error) {
	fail := func(err error) (*block, Block, error) {
		return nil, Block{}, fmt.Errorf("build block %d on node %s: %w", parent.number+1, c.builder.name, err)
	}
	if err := c.lead(ctx, parent); err != nil {
		return fail(err)
	}
	own, err := c.transfers(parent)
	if err != nil {
		return fail(err)
	}
	if txs != nil {
		raw, err := encode(own)
		if err != nil {
			return fail(err)
		}
		all := append(raw, *txs...)
		txs = &all
	} else {
		if err := c.builder.syncPool(ctx); err != nil {
			return fail(fmt.Errorf("sync the pool: %w", err))
		}
		if err := c.offer(own); err != nil {
			return fail(err)
		}
	}
	var envelope engine.ExecutionPayloadEnvelope
	attributes := c.attributes(parent, slot)
	extra := hexutil.Bytes("blackout")
	buildCtx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := c.builder.local.CallContext(buildCtx, &envelope, "testing_buildBlockV1", parent.hash, attributes, txs, extra); err != nil {
		return fail(err)
	}
	parent.built++

	built, p, err := unpack(&envelope, attributes.BeaconRoot)
	if err != nil {
		return fail(err)
	}
	b := &block{
		hash: built.Hash(), parent: parent.hash, before: parent, number: built.NumberU64(), timestamp: built.Time(), slot: slot, payload: p,
	}
	if err := c.builder.engine.newPayload(ctx, p); err != nil {
		return fail(err)
	}
	rec, err := c.record(b, built.Transactions())
	if err != nil {
		return fail(err)
	}
	return b, rec, nil
}

// syncPool waits until the pool has followed the node's head, which it does in the background: before that it may offer what the head already contains, or nothing. Geth's own
// wait heeds no context.
func (n *Node) syncPool(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, callTimeout, fmt.Errorf("not done within %s", callTimeout))
	defer cancel()
	synced := make(chan error, 1)
	go func() { synced <- n.eth.TxPool().Sync() }()
	select {
	case err := <-synced:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// lead makes a block that the builder has its head.
func (c *Conductor) lead(ctx context.Context, b *block) error {
	if c.builder.eth.BlockChain().CurrentBlock().Hash() == b.hash {
		return nil
	}
	if err := c.builder.engine.forkchoice(ctx, b.hash, b.behind(c.spec.Safe), b.behind(c.spec.Finalized)); err != nil {
		return fmt.Errorf("node %s: block %d: %w", c.builder.name, b.number, err)
	}
	if now := c.builder.eth.BlockChain().CurrentBlock(); now.Hash() != b.hash {
		return fmt.Errorf("node %s: told that block %d %s is its head, it stands at block %d %s", c.builder.name, b.number, b.hash, now.Number, now.Hash())
	}
	c.builder.at.Store(b)
	c.report(c.builder)
	return nil
}

// attributes are a block's header fields and credits. Geth sets no bound on the number of withdrawals: the 16 of the main network are the consensus layer's rule.
func (c *Conductor) attributes(parent *block, slot uint64) engine.PayloadAttributes {
	withdrawals := make([]*types.Withdrawal, len(c.cfg.Watched))
	for i, account := range c.cfg.Watched {
		withdrawals[i] = &types.Withdrawal{
			Index:     parent.number*uint64(len(c.cfg.Watched)) + uint64(i),
			Validator: uint64(i),
			Address:   account,
			Amount:    minCredit + c.draw(parent, account)%(maxCredit-minCredit+1),
		}
	}
	var random common.Hash
	binary.BigEndian.PutUint64(random[:], c.draw(parent, common.Address{}))
	return engine.PayloadAttributes{
		Timestamp:             c.timestamp(slot),
		Random:                random,
		SuggestedFeeRecipient: Address(Key(c.cfg.Seed, "fee recipient")),
		Withdrawals:           withdrawals,
		BeaconRoot:            new(common.Hash),
	}
}

// draw hashes (seed, account, parent, how many blocks were built on that parent). The last one tells the first blocks of two branches apart: they have one parent.
func (c *Conductor) draw(parent *block, account common.Address) uint64 {
	buf := make([]byte, 0, 8+len(account)+len(parent.hash)+8)
	buf = binary.BigEndian.AppendUint64(buf, c.cfg.Seed)
	buf = append(buf, account[:]...)
	buf = append(buf, parent.hash[:]...)
	buf = binary.BigEndian.AppendUint64(buf, parent.built)
	sum := sha256.Sum256(buf)
	return binary.BigEndian.Uint64(sum[:8])
}

// record reads the state after a block that the builder has executed.
func (c *Conductor) record(b *block, txs types.Transactions) (Block, error) {
	after, err := c.stateAfter(b)
	if err != nil {
		return Block{}, err
	}
	watched := make(map[common.Address]*big.Int, len(c.cfg.Watched))
	for _, account := range c.cfg.Watched {
		watched[account] = after.GetBalance(account).ToBig()
	}
	if err := after.Error(); err != nil {
		return Block{}, fmt.Errorf("read the state after block %d: %w", b.number, err)
	}
	return Block{
		Chain: c.name, Hash: b.hash, Parent: b.parent, Number: b.number, Timestamp: b.timestamp, Published: c.cfg.Clock.Now(), Watched: watched, Txs: txs,
		Logs: c.logs(c.builder.eth.BlockChain().GetReceiptsByHash(b.hash)),
	}, nil
}

// stateAfter is the state after a block that the builder has executed.
func (c *Conductor) stateAfter(b *block) (*state.StateDB, error) {
	chain := c.builder.eth.BlockChain()
	header := chain.GetHeader(b.hash, b.number)
	if header == nil {
		return nil, fmt.Errorf("block %d %s is missing", b.number, b.hash)
	}
	after, err := chain.StateAt(header.Root, header.Number, header.Time)
	if err != nil {
		return nil, fmt.Errorf("read the state after block %d: %w", b.number, err)
	}
	return after, nil
}

// unpack checks what the builder built and encodes it for the nodes.
func unpack(e *engine.ExecutionPayloadEnvelope, beaconRoot *common.Hash) (*types.Block, *payload, error) {
	txs, err := engine.DecodeTransactions(e.ExecutionPayload.Transactions)
	if err != nil {
		return nil, nil, fmt.Errorf("decode the transactions: %w", err)
	}
	p := &payload{blobHashes: []common.Hash{}, requests: []hexutil.Bytes{}}
	for _, tx := range txs {
		p.blobHashes = append(p.blobHashes, tx.BlobHashes()...)
	}
	for _, r := range e.Requests {
		p.requests = append(p.requests, r)
	}
	built, err := engine.ExecutableDataToBlock(*e.ExecutionPayload, p.blobHashes, beaconRoot, e.Requests)
	if err != nil {
		return nil, nil, err
	}
	if p.block, err = json.Marshal(e.ExecutionPayload); err != nil {
		return nil, nil, fmt.Errorf("encode block %d: %w", built.NumberU64(), err)
	}
	return built, p, nil
}
