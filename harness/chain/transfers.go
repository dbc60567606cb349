package chain

import (
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum/core/txpool"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"blackout/harness/chain/contracts"
)

const (
	// emitterLabel is the label of the key that the harness signs with: nobody else has it, and no gateway ever sees a transaction of it.
	emitterLabel = "token emitter"

	// transfersEach bounds the accounts of one transaction: geth's pools take 128 KiB, and an account and a value have 64 bytes.
	transfersEach = 1000
)

// transfers are the harness's own transactions for the block after a parent that the builder has its head at. They make the token contract emit one Transfer to each
// watched account. The values are unique on the chain; they also hash the parent and how many blocks were built on it, so that no two branches share a transaction.
func (c *Conductor) transfers(parent *block) ([]*types.Transaction, error) {
	if !c.spec.Transfers {
		return nil, nil
	}
	state, err := c.stateAfter(parent)
	if err != nil {
		return nil, err
	}
	token, err := contracts.Compiled(contracts.Token)
	if err != nil {
		return nil, err
	}
	nonce := state.GetNonce(c.emitter)
	var txs []*types.Transaction
	first := 0
	for accounts := range slices.Chunk(c.cfg.Watched, transfersEach) {
		values := make([]*big.Int, len(accounts))
		for i, account := range accounts {
			n := parent.number*uint64(len(c.cfg.Watched)) + uint64(first+i)
			values[i] = new(big.Int).SetUint64(n*1_000_000 + c.draw(parent, account)%1_000_000)
		}
		first += len(accounts)
		data, err := token.ABI.Pack("emitTransfers", accounts, values)
		if err != nil {
			return nil, fmt.Errorf("encode the transfers of block %d: %w", parent.number+1, err)
		}
		tx, err := types.SignNewTx(Key(c.cfg.Seed, emitterLabel), c.signer(), &types.DynamicFeeTx{
			ChainID: new(big.Int).SetUint64(c.spec.ID), Nonce: nonce, To: &c.token, Data: data,
			// What the call data costs at most (EIP-7623), and for each event 375 × 4 + 8 × 32 (yellow paper, appendix G) and the loop.
			Gas: 30_000 + 40*uint64(len(data)) + 3_000*uint64(len(accounts)),
			// A tip of 1 wei is below what geth's suggestion of a fee takes into account, so no app's fee depends on whether we do this.
			GasTipCap: big.NewInt(1), GasFeeCap: big.NewInt(1000 * params.GWei),
		})
		if err != nil {
			return nil, fmt.Errorf("sign the transfers of block %d: %w", parent.number+1, err)
		}
		txs = append(txs, tx)
		nonce++
	}
	return txs, nil
}

// offer puts transactions into the builder's pool, for its next block.
func (c *Conductor) offer(txs []*types.Transaction) error {
	if len(txs) == 0 {
		return nil
	}
	for i, err := range c.builder.eth.TxPool().Add(txs, true) {
		// One that a full block has left out has the place, and will do.
		if err != nil && !errors.Is(err, txpool.ErrReplaceUnderpriced) {
			return fmt.Errorf("transfers %s: %w", txs[i].Hash(), err)
		}
	}
	return nil
}

// ours reports whether a transaction is one of transfers.
func (c *Conductor) ours(tx *types.Transaction) bool {
	from, err := types.Sender(c.signer(), tx)
	return err == nil && from == c.emitter
}
