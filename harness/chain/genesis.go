package chain

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/binary"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"

	"blackout/harness/chain/contracts"
	"blackout/harness/plan"
)

const (
	// FirstNonce is the nonce of every funded account in genesis. No account on a public network has come near it, so nothing that an app signs here can ever be
	// valid there, whatever the chain id.
	FirstNonce = 1_000_000_000

	// gasLimit is that of genesis and of every block. It is Ethereum's of 2025.
	gasLimit = 45_000_000
)

// payerWei is what a payer holds in genesis: a million ether.
var payerWei = new(big.Int).Mul(big.NewInt(1_000_000), big.NewInt(params.Ether))

// genesis makes a chain's first block, with all forks up to Osaka active. A chain with id 1 has nothing of the main network but the number, and contracts of our own
// at addresses that are well known there.
func genesis(cfg *Config, chain plan.Chain, timestamp uint64) (*core.Genesis, error) {
	config := *params.MergedTestChainConfig
	config.ChainID = new(big.Int).SetUint64(chain.ID)
	g := core.DeveloperGenesisBlock(gasLimit, nil)
	g.Config, g.Timestamp = &config, timestamp

	watchedWei := cfg.WatchedWei
	if watchedWei == nil {
		watchedWei = new(big.Int)
	}
	for _, a := range cfg.Watched {
		g.Alloc[a] = types.Account{Balance: watchedWei, Nonce: FirstNonce}
	}
	for _, a := range cfg.Payers {
		g.Alloc[a] = types.Account{Balance: payerWei, Nonce: FirstNonce}
	}
	if chain.Transfers {
		g.Alloc[Address(Key(cfg.Seed, emitterLabel))] = types.Account{Balance: payerWei, Nonce: FirstNonce}
	}
	return g, contracts.Genesis{Seed: cfg.Seed, Accounts: cfg.Watched}.Put(g.Alloc, chain)
}

// Key makes a development key from a seed and a label. Anyone can make it again: it must never hold anything of worth.
func Key(seed uint64, label string) *ecdsa.PrivateKey {
	buf := append([]byte("blackout development key\x00"), label...)
	buf = append(buf, 0)
	buf = binary.BigEndian.AppendUint64(buf, seed)
	for {
		sum := sha256.Sum256(buf)
		// One hash in 2^128 is no valid key; its own hash is tried next.
		if key, err := crypto.ToECDSA(sum[:]); err == nil {
			return key
		}
		buf = sum[:]
	}
}

// Address is the address of a development key.
func Address(key *ecdsa.PrivateKey) common.Address { return crypto.PubkeyToAddress(key.PublicKey) }
