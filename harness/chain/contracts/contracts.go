// Package contracts has the contracts that stand on a chain from its genesis block on, where wallets and libraries look for them: the token, Multicall3, a balance
// checker, a collection of pictures, and the Ethereum Name Service for reading. They are written anew for Blackout in Solidity; the .sol files are the sources, and `make
// contracts` compiles them into the artifacts that are embedded here.
//
// No contract is deployed by a transaction: its code and what it knows are put into the genesis block directly, so a chain boots as fast as without.
package contracts

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// The contracts, by the names of their sources.
const (
	Token                = "Token"
	Multicall3           = "Multicall3"
	BalanceChecker       = "BalanceChecker"
	Collection           = "Collection"
	EnsRegistry          = "EnsRegistry"
	EnsResolver          = "EnsResolver"
	EnsUniversalResolver = "EnsUniversalResolver"
)

// artifacts are what the compiler made of the sources.
//
//go:embed artifacts/*.json
var artifacts embed.FS

// Contract is a compiled contract.
type Contract struct {
	ABI     abi.ABI
	Runtime []byte            // the code of its account
	slots   map[string]uint64 // where its variables are, by their names
}

// compiled reads the artifacts, once in a process.
var compiled = sync.OnceValues(func() (map[string]*Contract, error) {
	entries, err := artifacts.ReadDir("artifacts")
	if err != nil {
		return nil, fmt.Errorf("list the compiled contracts: %w", err)
	}
	all := map[string]*Contract{}
	for _, e := range entries {
		c, err := read(e.Name())
		if err != nil {
			return nil, fmt.Errorf("the compiled contract %s: %w", e.Name(), err)
		}
		all[strings.TrimSuffix(e.Name(), ".json")] = c
	}
	return all, nil
})

func read(name string) (*Contract, error) {
	data, err := artifacts.ReadFile(path.Join("artifacts", name))
	if err != nil {
		return nil, err
	}
	var a struct {
		ABI     abi.ABI           `json:"abi"`
		Runtime hexutil.Bytes     `json:"runtime"`
		Storage map[string]uint64 `json:"storage"`
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return nil, err
	}
	return &Contract{ABI: a.ABI, Runtime: a.Runtime, slots: a.Storage}, nil
}

// Compiled gives a contract by the name of its source.
func Compiled(name string) (*Contract, error) {
	all, err := compiled()
	if err != nil {
		return nil, err
	}
	c, ok := all[name]
	if !ok {
		return nil, fmt.Errorf("no contract %q", name)
	}
	return c, nil
}
