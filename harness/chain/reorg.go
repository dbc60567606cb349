package chain

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
)

// Branch says what takes the place of the newest blocks.
type Branch struct {
	// Depth is how many blocks are replaced, at least 1. The last one that stays must not be below the finalized block.
	Depth uint64
	// Keep says which of the transactions of the replaced blocks stand in the new ones too, at the same height; nil keeps none. A sender's later ones go with an
	// earlier one that is not kept: their nonces would leave a gap. What is not kept returns to the pools and may be mined again.
	Keep func(*types.Transaction) bool
	// Add are transactions for the branch's first block. One that uses up a nonce makes a transaction with the same nonce vanish.
	Add []*types.Transaction
	// Forget takes what is not kept out of the pool of every node, the builder's included: it is mined again only if somebody sends the bytes anew.
	Forget bool
}

// Reorg replaces the newest blocks by as many others, of the same numbers and times, and returns when the nodes that are not held have the new head. Each of them
// changes over in one step. It works on a halted chain too.
func (c *Conductor) Reorg(ctx context.Context, want Branch) error {
	if err := c.building.enter(ctx); err != nil {
		return err
	}
	defer c.building.leave()
	if err := c.reorg(ctx, want); err != nil {
		return fmt.Errorf("reorg of chain %s, %d deep: %w", c.name, want.Depth, err)
	}
	return nil
}

func (c *Conductor) reorg(ctx context.Context, want Branch) error {
	branch, records, dropped, err := c.branch(ctx, want)
	if err != nil {
		return err
	}
	if want.Forget {
		// Before any node changes over: who sends a transaction anew because it has left the chain finds the pools in order.
		c.pools.Lock()
		defer c.pools.Unlock()
		c.forget(dropped)
	}
	if err := c.adopt(ctx, branch, records); err != nil {
		return err
	}
	if err := c.each(func(n *Node) error { return c.feed(ctx, n) }); err != nil {
		return err
	}
	if want.Forget {
		return c.purge()
	}
	return nil
}

// branch builds the new blocks on the builder alone. If it fails, the builder is led back to the head by whatever is built next. left are the transactions of the
// replaced blocks that the new ones do not have.
func (c *Conductor) branch(ctx context.Context, want Branch) (branch []*block, records []Block, left []*types.Transaction, err error) {
	c.mu.Lock()
	head := uint64(len(c.canonical) - 1)
	finalized := head - min(head, c.spec.Finalized)
	if want.Depth == 0 || want.Depth > head || head-want.Depth < finalized {
		c.mu.Unlock()
		return nil, nil, nil, fmt.Errorf("the head is block %d and block %d is final", head, finalized)
	}
	parent := c.canonical[head-want.Depth]
	replaced := c.canonical[head-want.Depth+1:]
	c.mu.Unlock()

	dropped := map[common.Address]bool{}
	for i, old := range replaced {
		var txs []*types.Transaction
		if i == 0 {
			txs = append(txs, want.Add...)
		}
		kept, lost, err := c.keep(old, want.Keep, dropped)
		if err != nil {
			return nil, nil, nil, err
		}
		raw, err := encode(append(txs, kept...))
		if err != nil {
			return nil, nil, nil, err
		}
		b, rec, err := c.build(ctx, parent, old.slot, &raw)
		if err != nil {
			return nil, nil, nil, err
		}
		branch, records, left, parent = append(branch, b), append(records, rec), append(left, lost...), b
	}
	return branch, records, left, nil
}

// keep sorts out a replaced block's transactions. dropped are the senders of whom one was not kept.
func (c *Conductor) keep(old *block, keep func(*types.Transaction) bool, dropped map[common.Address]bool) (kept, lost []*types.Transaction, err error) {
	body := c.builder.eth.BlockChain().GetBlock(old.hash, old.number)
	if body == nil {
		return nil, nil, fmt.Errorf("node %s no longer has block %d", c.builder.name, old.number)
	}
	for _, tx := range body.Transactions() {
		if c.ours(tx) {
			continue // the new block has its own
		}
		from, err := types.Sender(c.signer(), tx)
		if err != nil {
			return nil, nil, fmt.Errorf("transaction %s: %w", tx.Hash(), err)
		}
		if keep == nil || dropped[from] || !keep(tx) {
			dropped[from] = true
			lost = append(lost, tx)
			continue
		}
		kept = append(kept, tx)
	}
	return kept, lost, nil
}

func (c *Conductor) signer() types.Signer {
	return types.LatestSigner(c.builder.eth.BlockChain().Config())
}

func encode(txs []*types.Transaction) ([]hexutil.Bytes, error) {
	raw := make([]hexutil.Bytes, len(txs))
	for i, tx := range txs {
		b, err := tx.MarshalBinary()
		if err != nil {
			return nil, fmt.Errorf("encode transaction %s: %w", tx.Hash(), err)
		}
		raw[i] = b
	}
	return raw, nil
}
