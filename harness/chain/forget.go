package chain

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/txpool"
	"github.com/ethereum/go-ethereum/core/types"
)

// A pool of geth takes back what a reorganisation has dropped, and nothing but emptying a pool takes a transaction out again. So the pool is emptied, and filled again
// with all else. What an app hands to a node in between would be lost there; but the gateway carries it to every node, and Broadcast waits until the pools are in order.
// Transactions with blobs are not filled in again: geth tells nobody which ones a pool has.

// forget marks transactions to be out of every pool until Broadcast carries them anew. The caller holds pools for writing.
func (c *Conductor) forget(txs []*types.Transaction) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, tx := range txs {
		c.forgotten[tx.Hash()] = true
	}
	c.unclean[c.builder] = true
}

// remember ends a transaction's being forgotten: somebody sends it.
func (c *Conductor) remember(hash common.Hash) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.forgotten, hash)
}

// changesOver notes that a node leaves its branch: its pool takes back what it finds there and not on the new one.
func (c *Conductor) changesOver(n *Node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.forgotten) > 0 {
		c.unclean[n] = true
	}
}

// clean takes what is forgotten out of the pools of nodes that have changed over: those that were held while the others did. It waits for transactions that are being
// carried.
func (c *Conductor) clean() error {
	c.mu.Lock()
	unclean := len(c.unclean) > 0
	c.mu.Unlock()
	if !unclean {
		return nil
	}
	c.pools.Lock()
	defer c.pools.Unlock()
	return c.purge()
}

// purge does what clean says. The caller holds pools for writing.
func (c *Conductor) purge() error {
	var errs []error
	for _, n := range append(slices.Clone(c.nodes), c.builder) {
		c.mu.Lock()
		unclean := c.unclean[n]
		delete(c.unclean, n)
		c.mu.Unlock()
		if !unclean {
			continue
		}
		if err := n.drop(c.isForgotten); err != nil {
			errs = append(errs, fmt.Errorf("node %s: drop transactions from its pool: %w", n.name, err))
		}
	}
	return errors.Join(errs...)
}

func (c *Conductor) isForgotten(hash common.Hash) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.forgotten[hash]
}

// drop takes transactions out of the node's pool. A sender's later ones stay, and wait behind the gap.
func (n *Node) drop(unwanted func(common.Hash) bool) error {
	pool := n.eth.TxPool()
	// The pool follows a new head in the background. Before it is there it has not taken back anything.
	if err := pool.Sync(); err != nil {
		return err
	}
	var keep []*types.Transaction
	found := false
	executable, queued := pool.Content()
	for _, part := range []map[common.Address][]*types.Transaction{executable, queued} {
		for _, txs := range part {
			for _, tx := range txs {
				if unwanted(tx.Hash()) {
					found = true
				} else {
					keep = append(keep, tx)
				}
			}
		}
	}
	if !found {
		return nil
	}
	pool.Clear()
	for i, err := range pool.Add(keep, true) {
		// What came in between with the same nonce has the place.
		if err != nil && !errors.Is(err, txpool.ErrAlreadyKnown) && !errors.Is(err, txpool.ErrReplaceUnderpriced) {
			return fmt.Errorf("put transaction %s back: %w", keep[i].Hash(), err)
		}
	}
	return nil
}
