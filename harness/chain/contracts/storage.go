package contracts

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// storage fills a contract's storage as its own code would, by the layout that Solidity documents
// (https://docs.soliditylang.org/en/v0.8.30/internals/layout_in_storage.html). The first variable that the contract does not have is kept in err.
type storage struct {
	contract *Contract
	words    map[common.Hash]common.Hash
	err      error
}

func storageOf(c *Contract) *storage {
	return &storage{contract: c, words: map[common.Hash]common.Hash{}}
}

// at is the place of a variable.
func (s *storage) at(variable string) common.Hash {
	slot, ok := s.contract.slots[variable]
	if !ok && s.err == nil {
		s.err = fmt.Errorf("the contract has no variable %q", variable)
	}
	return number(slot)
}

// entry is the place of a mapping's value: the hash of the key, which is a whole word, or of the bytes of a string, and of the mapping's own place.
func entry(mapping common.Hash, key []byte) common.Hash { return crypto.Keccak256Hash(key, mapping[:]) }

// after is the place n words on.
func after(place common.Hash, n int64) common.Hash {
	return common.BigToHash(new(big.Int).Add(place.Big(), big.NewInt(n)))
}

// first is the place of the first element of an array, or of the first bytes of a long string.
func first(place common.Hash) common.Hash { return crypto.Keccak256Hash(place[:]) }

// text puts a string: up to 31 bytes stand in the word itself with twice their number in its last byte, more of them elsewhere with twice their number and one here.
func (s *storage) text(place common.Hash, text string) {
	if len(text) < 32 {
		var word common.Hash
		copy(word[:], text)
		word[31] = byte(2 * len(text))
		s.words[place] = word
		return
	}
	s.words[place] = number(uint64(2*len(text) + 1))
	for at := 0; at < len(text); at += 32 {
		var word common.Hash
		copy(word[:], text[at:])
		s.words[after(first(place), int64(at/32))] = word
	}
}

func number(n uint64) common.Hash { return common.BigToHash(new(big.Int).SetUint64(n)) }

func address(a common.Address) common.Hash { return common.BytesToHash(a[:]) }
