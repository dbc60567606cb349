package chain

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

var transferTopic = crypto.Keccak256Hash([]byte("Transfer(address,address,uint256)"))

// Log is a Transfer of the chain's token contract to a watched account.
type Log struct {
	Account common.Address
	Tx      common.Hash
	Index   uint // in the block
	Value   *big.Int
}

// logs are the token's transfers to watched accounts among a block's logs.
func (c *Conductor) logs(receipts types.Receipts) []Log {
	var found []Log
	for _, r := range receipts {
		for _, l := range r.Logs {
			if l.Address != c.token || len(l.Topics) != 3 || l.Topics[0] != transferTopic {
				continue
			}
			if to := common.BytesToAddress(l.Topics[2][:]); c.watched[to] {
				found = append(found, Log{Account: to, Tx: l.TxHash, Index: l.Index, Value: new(big.Int).SetBytes(l.Data)})
			}
		}
	}
	return found
}
