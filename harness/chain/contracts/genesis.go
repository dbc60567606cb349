package contracts

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"blackout/harness/content"
	"blackout/harness/plan"
)

// Genesis is what the contracts know of a run.
type Genesis struct {
	// Seed is the run's: the collection's metadata are among the files that it makes.
	Seed uint64
	// Accounts have names and own pictures: account i, from 0 on, is account-i.blackout.eth and owns token i. Only the first Most of them, so that neither the genesis block
	// nor the time that it takes grows with a crowd.
	Accounts []common.Address
}

// Most is how many accounts have a name and a picture. A hundred are 1,100 words of storage, which each node hashes into its genesis block: 20 ms of its processor's time.
const Most = 100

// Domain is below which the accounts have their names.
const Domain = "blackout.eth"

// NameOf is the name of account i.
func NameOf(i int) string { return "account-" + strconv.Itoa(i) + "." + Domain }

// placed is a contract at its address.
type placed struct {
	contract, address string
	fill              func(*storage)
}

// Put puts a chain's contracts into the accounts of its genesis block. It is an error if something else stands at one's address: a precompiled contract, an account of the run.
func (g Genesis) Put(alloc types.GenesisAlloc, chain plan.Chain) error {
	at := chain.Contracts
	nothing := func(*storage) {}
	for _, p := range []placed{
		{Token, chain.Token, nothing},
		{Multicall3, at.Multicall3, nothing},
		{BalanceChecker, at.BalanceChecker, nothing},
		{Collection, at.NFT, g.collection},
		{EnsRegistry, at.ENSRegistry, func(s *storage) { g.registry(s, common.HexToAddress(at.ENSResolver)) }},
		{EnsResolver, at.ENSResolver, func(s *storage) { g.resolver(s, chain) }},
		{EnsUniversalResolver, at.ENSUniversalResolver, func(s *storage) { s.words[s.at("registry")] = address(common.HexToAddress(at.ENSRegistry)) }},
	} {
		if p.address == "" {
			continue
		}
		if !common.IsHexAddress(p.address) {
			return fmt.Errorf("contract %s: %q is no address", p.contract, p.address)
		}
		where := common.HexToAddress(p.address)
		if _, taken := alloc[where]; taken {
			return fmt.Errorf("contract %s: there is something else at %s", p.contract, where)
		}
		c, err := Compiled(p.contract)
		if err != nil {
			return err
		}
		s := storageOf(c)
		if p.fill(s); s.err != nil {
			return fmt.Errorf("contract %s: %w", p.contract, s.err)
		}
		alloc[where] = types.Account{Code: c.Runtime, Storage: s.words, Balance: new(big.Int), Nonce: 1}
	}
	return nil
}

// named are the accounts that have a name and a picture.
func (g Genesis) named() []common.Address { return g.Accounts[:min(len(g.Accounts), Most)] }

// collection gives each account a token, and each picture at least one, if there is anybody to own them.
func (g Genesis) collection(s *storage) {
	accounts := g.named()
	if len(accounts) == 0 {
		return
	}
	var uris []string
	for _, f := range content.Files(g.Seed) {
		if f.Type == content.TypeMetadata {
			uris = append(uris, "ipfs://"+f.ID)
		}
	}
	tokens := max(len(accounts), len(uris))
	s.words[s.at("totalSupply")] = number(uint64(tokens))
	held := map[common.Address]uint64{}
	for id := range tokens {
		owner, key := accounts[id%len(accounts)], number(uint64(id))
		s.words[entry(s.at("owners"), key[:])] = address(owner)
		held[owner]++
	}
	for owner, n := range held {
		key := address(owner)
		s.words[entry(s.at("balances"), key[:])] = number(n)
	}
	list := s.at("metadata")
	s.words[list] = number(uint64(len(uris)))
	for i, uri := range uris {
		s.text(after(first(list), int64(i)), uri)
	}
}

// registry has a record for each account's name, and for the name that leads from its address back to it.
func (g Genesis) registry(s *storage, resolver common.Address) {
	for i, account := range g.named() {
		for _, name := range []string{NameOf(i), reverse(account)} {
			node := Node(name)
			record := entry(s.at("records"), node[:])
			s.words[record], s.words[after(record, 1)] = address(account), address(resolver)
		}
	}
}

// resolver has each account's address and name, and as its avatar the picture that it owns (ENSIP-12).
func (g Genesis) resolver(s *storage, chain plan.Chain) {
	for i, account := range g.named() {
		node, back := Node(NameOf(i)), Node(reverse(account))
		s.words[entry(s.at("addresses"), node[:])] = address(account)
		s.text(entry(s.at("names"), back[:]), NameOf(i))
		if chain.Contracts.NFT != "" {
			avatar := fmt.Sprintf("eip155:%d/erc721:%s/%d", chain.ID, common.HexToAddress(chain.Contracts.NFT), i)
			s.text(entry(entry(s.at("texts"), node[:]), []byte("avatar")), avatar)
		}
	}
}

// reverse is the name that leads from an address to the name of its account: the address without 0x, lower-case, below addr.reverse (ERC-181).
func reverse(a common.Address) string { return fmt.Sprintf("%x.addr.reverse", a[:]) }

// Node is the hash that stands for a name in the registry (ERC-137).
func Node(name string) common.Hash {
	node := common.Hash{}
	for name != "" {
		cut := strings.LastIndexByte(name, '.')
		node = crypto.Keccak256Hash(node[:], crypto.Keccak256([]byte(name[cut+1:])))
		name = name[:max(cut, 0)]
	}
	return node
}
