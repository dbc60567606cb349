package chain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/txpool"
	"github.com/ethereum/go-ethereum/core/types"
)

// Broadcast carries a raw transaction that a node has accepted to the builder and to all nodes of the chain: peers would, and there are none. It returns when each has
// answered. Errors of single nodes are joined; that a node knows the transaction already, in its pool or in a block, is none. The node that it comes from gets it too:
// a reorganisation that forgets transactions may have emptied its pool meanwhile.
func (n *Network) Broadcast(ctx context.Context, chain, fromNode string, raw []byte) error {
	c, err := n.Chain(chain)
	if err != nil {
		return err
	}
	var tx types.Transaction
	if err := tx.UnmarshalBinary(raw); err != nil {
		return fmt.Errorf("broadcast on chain %s: decode the transaction: %w", chain, err)
	}
	c.pools.RLock()
	defer c.pools.RUnlock()
	c.remember(tx.Hash())
	var (
		wg   sync.WaitGroup
		errs = make([]error, len(c.nodes)+1)
	)
	for i, node := range append(slices.Clone(c.nodes), c.builder) {
		wg.Go(func() {
			if err := node.send(ctx, tx.Hash(), raw); err != nil {
				errs[i] = fmt.Errorf("node %s: transaction %s: %w", node.name, tx.Hash(), err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (n *Node) send(ctx context.Context, hash common.Hash, raw []byte) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := n.local.CallContext(ctx, nil, "eth_sendRawTransaction", hexutil.Bytes(raw))
	if err == nil || strings.Contains(err.Error(), txpool.ErrAlreadyKnown.Error()) || n.mined(hash) {
		return nil
	}
	return err
}

// mined reports whether the node's own branch contains a transaction.
func (n *Node) mined(hash common.Hash) bool {
	_, tx := n.eth.BlockChain().GetCanonicalTransaction(hash)
	return tx != nil
}

// Pending are the transactions of a chain that the pool of any node holds, executable or not, and that the reference node's branch does not contain; in the order of
// their hashes. The harness's own are left out.
func (n *Network) Pending(ctx context.Context, chain string) ([]*types.Transaction, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := n.Chain(chain)
	if err != nil {
		return nil, err
	}
	found := map[common.Hash]*types.Transaction{}
	for _, node := range append(slices.Clone(c.nodes), c.builder) {
		executable, queued := node.eth.TxPool().Content()
		for _, pool := range []map[common.Address][]*types.Transaction{executable, queued} {
			for _, txs := range pool {
				for _, tx := range txs {
					if !c.reference.mined(tx.Hash()) && !c.ours(tx) {
						found[tx.Hash()] = tx
					}
				}
			}
		}
	}
	pending := make([]*types.Transaction, 0, len(found))
	for _, tx := range found {
		pending = append(pending, tx)
	}
	slices.SortFunc(pending, func(a, b *types.Transaction) int { return cmp.Compare(a.Hash().Hex(), b.Hash().Hex()) })
	return pending, nil
}
