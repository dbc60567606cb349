package chain

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"blackout/harness/chain/contracts"
	"blackout/harness/clock"
	"blackout/harness/content"
	"blackout/harness/plan"
	"blackout/harness/spec"
)

// known are the addresses of the default world.
var known = plan.Contracts{
	Multicall3:           "0xcA11bde05977b3631167028862bE2a173976CA11",
	BalanceChecker:       "0xb1F8e55c7f64D203C1400B9D8555d050F94aDF39",
	NFT:                  "0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13D",
	ENSRegistry:          "0x00000000000C2E074eC69A0dFb2997BA6C7d2e1e",
	ENSResolver:          "0x231b0Ee14048e9dCcD1d247744d114a4EB5E8E63",
	ENSUniversalResolver: "0xeEeEEEeE14D718C2B47D9923Deab1335E144EeEe",
}

// where has the address of each contract on Ethereum.
var where = map[string]string{
	contracts.Token: usdc, contracts.Multicall3: known.Multicall3, contracts.BalanceChecker: known.BalanceChecker, contracts.Collection: known.NFT,
	contracts.EnsRegistry: known.ENSRegistry, contracts.EnsResolver: known.ENSResolver, contracts.EnsUniversalResolver: known.ENSUniversalResolver,
}

// withContracts is Ethereum with all contracts, and Base with those that are there.
func withContracts() Config {
	cfg := withToken(0)
	cfg.Chains[0].Transfers, cfg.Chains[0].Contracts = false, known
	cfg.Chains = append(cfg.Chains, plan.Chain{
		Name: "base", ID: 8453, BlockTime: clock.Of(1_000_000_000), Safe: 4, Finalized: 8, Token: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
		Contracts: plan.Contracts{Multicall3: known.Multicall3, BalanceChecker: "0x6AA75276052D96696134252587894ef5FFA520af"},
	})
	for _, role := range []string{plan.RoleBuilder, plan.RoleReference, plan.RoleShared} {
		cfg.Nodes = append(cfg.Nodes, plan.Node{Name: "base/" + role, Chain: "base", Role: role})
	}
	return cfg
}

func compiled(t *testing.T, name string) *contracts.Contract {
	t.Helper()
	c, err := contracts.Compiled(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pack encodes a call of a contract's function. The second function of one name has "0" behind it.
func pack(t *testing.T, contract, function string, args ...any) []byte {
	t.Helper()
	c := compiled(t, contract)
	data, err := c.ABI.Pack(function, args...)
	if err != nil {
		t.Fatalf("%s.%s: %v", contract, function, err)
	}
	return data
}

// question is a call of a contract as an app makes it, and what the answer must be: values, the reason for which it reverts, or the error of the contract's own.
type question struct {
	name               string // what is asked, where the function does not tell
	contract, function string
	args               []any
	from               common.Address
	value              int64
	block              string // latest when empty
	want               []any
	fails              string
	refuses            string
}

// ask puts a question to a node, at the contract's address on Ethereum unless another is given.
func ask(t *testing.T, n *Node, q question, at ...string) {
	t.Helper()
	name := strings.TrimSpace(q.contract + "." + q.function + " " + q.name)
	c := compiled(t, q.contract)
	to, block := where[q.contract], q.block
	if len(at) > 0 {
		to = at[0]
	}
	if block == "" {
		block = "latest"
	}
	message := map[string]any{"to": to, "from": q.from, "data": hexutil.Bytes(pack(t, q.contract, q.function, q.args...)), "value": (*hexutil.Big)(big.NewInt(q.value))}
	var got hexutil.Bytes
	err := try(t, n, &got, "eth_call", message, block)
	switch {
	case q.fails != "":
		if err == nil || err.Error() != "execution reverted: "+q.fails {
			t.Errorf("%s: %s, %v instead of the failure %q", name, got, err, q.fails)
		}
	case q.refuses != "":
		failure, ok := err.(rpc.DataError)
		refusal, found := c.ABI.Errors[q.refuses]
		if !ok || !found || !strings.HasPrefix(fmt.Sprint(failure.ErrorData()), hexutil.Encode(refusal.ID[:4])) {
			t.Errorf("%s: %s, %v instead of the error %s", name, got, err, q.refuses)
		}
	default:
		want, packErr := c.ABI.Methods[q.function].Outputs.Pack(q.want...)
		if packErr != nil {
			t.Fatalf("%s: %v", name, packErr)
		}
		if err != nil || string(got) != string(want) {
			t.Errorf("%s: %s, %v instead of %#x", name, got, err, want)
		}
	}
}

// The arguments and answers of Multicall3.
type (
	onCall struct {
		Target   common.Address
		CallData []byte
	}
	onCall3 struct {
		Target       common.Address
		AllowFailure bool
		CallData     []byte
	}
	onCall3Value struct {
		Target       common.Address
		AllowFailure bool
		Value        *big.Int
		CallData     []byte
	}
	onResult struct {
		Success    bool
		ReturnData []byte
	}
)

func wei(n int64) *big.Int { return big.NewInt(n) }

// TestContracts asks a node for every function of every contract, as an app does, and holds the answers to what the record of the run has.
func TestContracts(t *testing.T) {
	cfg := withContracts()
	w := start(t, cfg)
	w.steps(t, 1)
	shared := w.node(t, "shared")
	asked := map[string]bool{}
	for _, list := range [][]question{
		tokenQuestions(t, cfg), multicallQuestions(t, cfg, w), checkerQuestions(cfg, w), collectionQuestions(t, cfg), nameQuestions(t, cfg), universalQuestions(t, cfg),
	} {
		for _, q := range list {
			ask(t, shared, q)
			asked[q.contract+"."+q.function] = true
		}
	}
	for name := range where {
		for function := range compiled(t, name).ABI.Methods {
			if !asked[name+"."+function] {
				t.Errorf("nobody asked %s.%s", name, function)
			}
		}
	}

	base, multicall, checker := w.node(t, "base/shared"), cfg.Chains[1].Contracts.Multicall3, cfg.Chains[1].Contracts.BalanceChecker
	token := common.HexToAddress(cfg.Chains[1].Token)
	ask(t, base, question{contract: contracts.Multicall3, function: "getChainId", want: []any{wei(8453)}}, multicall)
	ask(t, base, question{contract: contracts.BalanceChecker, function: "tokenBalance", args: []any{cfg.Watched[0], token}, want: []any{wei(DefaultEarly * spec.TokenStep)}}, checker)
	var code hexutil.Bytes
	if call(t, base, &code, "eth_getCode", known.ENSRegistry, "latest"); len(code) > 0 {
		t.Error("Base has names")
	}
}

func tokenQuestions(t *testing.T, cfg Config) []question {
	const balance = (DefaultEarly + 1) * spec.TokenStep
	account, other, zero := cfg.Watched[0], cfg.Watched[1], common.Address{}
	var list []question
	for _, q := range []question{
		{function: "name", want: []any{"USD Coin"}},
		{function: "symbol", want: []any{"USDC"}},
		{function: "decimals", want: []any{uint8(6)}},
		{function: "balanceOf", args: []any{account}, want: []any{wei(balance)}},
		{name: "at an older block", function: "balanceOf", args: []any{account}, block: "0x9", want: []any{wei(9 * spec.TokenStep)}},
		{name: "in genesis", function: "balanceOf", args: []any{account}, block: "0x0", want: []any{wei(0)}},
		{function: "totalSupply", want: []any{wei(balance * 1_000_000)}},
		{function: "allowance", args: []any{account, other}, want: []any{wei(0)}},
		{function: "approve", args: []any{other, wei(1)}, from: account, want: []any{true}},
		{name: "to nobody", function: "approve", args: []any{zero, wei(1)}, from: account, fails: "ERC20: approve to the zero address"},
		{name: "of all", function: "transfer", args: []any{other, wei(balance)}, from: account, want: []any{true}},
		{name: "of more", function: "transfer", args: []any{other, wei(balance + 1)}, from: account, fails: "ERC20: transfer amount exceeds balance"},
		{name: "to nobody", function: "transfer", args: []any{zero, wei(1)}, from: account, fails: "ERC20: transfer to the zero address"},
		{name: "of nothing", function: "transferFrom", args: []any{account, other, wei(0)}, want: []any{true}},
		{name: "of what is not allowed", function: "transferFrom", args: []any{account, other, wei(1)}, from: other, fails: "ERC20: transfer amount exceeds allowance"},
		{function: "emitTransfers", args: []any{[]common.Address{account}, []*big.Int{wei(1)}}},
		{name: "without values", function: "emitTransfers", args: []any{[]common.Address{account}, []*big.Int{}}, fails: "Token: not one value for each account"},
	} {
		q.contract = contracts.Token
		list = append(list, q)
	}
	return list
}

func multicallQuestions(t *testing.T, cfg Config, w *world) []question {
	blocks := ethereumBlocks(w)
	last, before := blocks[len(blocks)-1], blocks[len(blocks)-2]
	header := struct {
		Miner     common.Address `json:"miner"`
		MixHash   common.Hash    `json:"mixHash"`
		GasLimit  hexutil.Uint64 `json:"gasLimit"`
		BaseFee   *hexutil.Big   `json:"baseFeePerGas"`
		Timestamp hexutil.Uint64 `json:"timestamp"`
	}{}
	call(t, w.node(t, "shared"), &header, "eth_getBlockByHash", last.Hash, false)

	account, token := cfg.Watched[0], common.HexToAddress(usdc)
	balance, decimals := pack(t, contracts.Token, "balanceOf", account), pack(t, contracts.Token, "decimals")
	number, word := new(big.Int).SetUint64(last.Number), func(n int64) []byte { return common.BigToHash(wei(n)).Bytes() }
	owned := word(int64(last.Number) * spec.TokenStep)
	good := []onCall{{token, balance}, {token, decimals}}
	bad := []onCall{{token, balance}, {token, []byte{1, 2, 3, 4}}}
	answers := []onResult{{true, owned}, {true, word(6)}}
	partly := []onResult{{true, owned}, {false, []byte{}}}
	const refused = "Multicall3: call failed"
	var list []question
	for _, q := range []question{
		{function: "aggregate", args: []any{good}, want: []any{number, [][]byte{owned, word(6)}}},
		{name: "with a failure", function: "aggregate", args: []any{bad}, fails: refused},
		{function: "tryAggregate", args: []any{true, good}, want: []any{answers}},
		{name: "with a failure", function: "tryAggregate", args: []any{true, bad}, fails: refused},
		{name: "that may fail", function: "tryAggregate", args: []any{false, bad}, want: []any{partly}},
		{function: "blockAndAggregate", args: []any{good}, want: []any{number, common.Hash{}, answers}},
		{name: "with a failure", function: "blockAndAggregate", args: []any{bad}, fails: refused},
		{function: "tryBlockAndAggregate", args: []any{false, bad}, want: []any{number, common.Hash{}, partly}},
		{function: "aggregate3", args: []any{[]onCall3{{token, false, balance}, {token, true, bad[1].CallData}}}, want: []any{partly}},
		{name: "with a failure", function: "aggregate3", args: []any{[]onCall3{{token, true, balance}, {token, false, bad[1].CallData}}}, fails: refused},
		{name: "of nothing", function: "aggregate3", args: []any{[]onCall3{}}, want: []any{[]onResult{}}},
		{
			function: "aggregate3Value", from: account, value: 3, args: []any{[]onCall3Value{{cfg.Watched[1], false, wei(3), nil}, {token, false, wei(0), decimals}}},
			want: []any{[]onResult{{true, []byte{}}, {true, word(6)}}},
		},
		{name: "of too little", function: "aggregate3Value", from: account, value: 3, args: []any{[]onCall3Value{{cfg.Watched[1], false, wei(2), nil}}}, fails: "Multicall3: value mismatch"},
		{function: "getBlockHash", args: []any{wei(int64(before.Number))}, want: []any{before.Hash}},
		{function: "getBlockNumber", want: []any{number}},
		{name: "at an older block", function: "getBlockNumber", block: "0x5", want: []any{wei(5)}},
		{function: "getCurrentBlockCoinbase", want: []any{header.Miner}},
		{function: "getCurrentBlockDifficulty", want: []any{header.MixHash.Big()}},
		{function: "getCurrentBlockGasLimit", want: []any{new(big.Int).SetUint64(uint64(header.GasLimit))}},
		{function: "getCurrentBlockTimestamp", want: []any{new(big.Int).SetUint64(uint64(header.Timestamp))}},
		{function: "getEthBalance", args: []any{account}, want: []any{last.Watched[account]}},
		{function: "getLastBlockHash", want: []any{before.Hash}},
		{function: "getBasefee", want: []any{wei(0)}}, // a call without a price for gas sees none
		{function: "getChainId", want: []any{wei(1)}},
	} {
		q.contract = contracts.Multicall3
		list = append(list, q)
	}
	return list
}

func ethereumBlocks(w *world) []Block {
	var found []Block
	for _, b := range w.rec.all() {
		if b.Chain == "ethereum" {
			found = append(found, b)
		}
	}
	return found
}

func checkerQuestions(cfg Config, w *world) []question {
	blocks := ethereumBlocks(w)
	last := blocks[len(blocks)-1]
	users, token, coin := cfg.Watched[:2], common.HexToAddress(usdc), common.Address{}
	held, tokens := func(i int) *big.Int { return last.Watched[users[i]] }, wei(int64(last.Number)*spec.TokenStep)
	// An account without code is no token, and a contract that has no balanceOf is none either.
	nobody, multicall := common.Address{19: 0xff}, common.HexToAddress(known.Multicall3)
	return []question{
		{
			contract: contracts.BalanceChecker, function: "balances", args: []any{users, []common.Address{coin, token, nobody, multicall}},
			want: []any{[]*big.Int{held(0), tokens, wei(0), wei(0), held(1), tokens, wei(0), wei(0)}},
		},
		{name: "of nobody", contract: contracts.BalanceChecker, function: "balances", args: []any{[]common.Address{}, []common.Address{coin}}, want: []any{[]*big.Int{}}},
		{contract: contracts.BalanceChecker, function: "tokenBalance", args: []any{users[0], token}, want: []any{tokens}},
	}
}

// metadataOf are the files that the tokens of the collection are described in.
func metadataOf() []content.File {
	var found []content.File
	for _, f := range content.Files(seed) {
		if f.Type == content.TypeMetadata {
			found = append(found, f)
		}
	}
	return found
}

func collectionQuestions(t *testing.T, cfg Config) []question {
	files := metadataOf()
	if len(files) != 4 || len(cfg.Watched) != 3 {
		t.Fatalf("%d files for %d accounts: the questions are for 4 and 3", len(files), len(cfg.Watched))
	}
	a, b, zero := cfg.Watched[0], cfg.Watched[1], common.Address{}
	var list []question
	for id, f := range files {
		list = append(list,
			question{function: "ownerOf", args: []any{wei(int64(id))}, want: []any{cfg.Watched[id%3]}},
			question{function: "tokenURI", args: []any{wei(int64(id))}, want: []any{"ipfs://" + f.ID}},
			question{function: "tokenByIndex", args: []any{wei(int64(id))}, want: []any{wei(int64(id))}},
		)
	}
	for id, is := range map[[4]byte]bool{
		{0x01, 0xff, 0xc9, 0xa7}: true, {0x80, 0xac, 0x58, 0xcd}: true, {0x5b, 0x5e, 0x13, 0x9f}: true, {0x78, 0x0e, 0x9d, 0x63}: true,
		{0xff, 0xff, 0xff, 0xff}: false, {0xd9, 0xb6, 0x7a, 0x26}: false,
	} {
		list = append(list, question{function: "supportsInterface", args: []any{id}, want: []any{is}})
	}
	list = append(list, []question{
		{function: "name", want: []any{"Lamps"}},
		{function: "symbol", want: []any{"LAMP"}},
		{function: "totalSupply", want: []any{wei(4)}},
		{function: "balanceOf", args: []any{a}, want: []any{wei(2)}},
		{function: "balanceOf", args: []any{b}, want: []any{wei(1)}},
		{name: "of a stranger", function: "balanceOf", args: []any{common.Address{1}}, want: []any{wei(0)}},
		{name: "of nobody", function: "balanceOf", args: []any{zero}, fails: "ERC721: balance query for the zero address"},
		{name: "of none", function: "ownerOf", args: []any{wei(4)}, fails: "ERC721: owner query for nonexistent token"},
		{name: "of none", function: "tokenURI", args: []any{wei(4)}, fails: "ERC721Metadata: URI query for nonexistent token"},
		{name: "of none", function: "tokenByIndex", args: []any{wei(4)}, fails: "ERC721Enumerable: global index out of bounds"},
		{function: "tokenOfOwnerByIndex", args: []any{a, wei(0)}, want: []any{wei(0)}},
		{function: "tokenOfOwnerByIndex", args: []any{a, wei(1)}, want: []any{wei(3)}},
		{name: "of none", function: "tokenOfOwnerByIndex", args: []any{a, wei(2)}, fails: "ERC721Enumerable: owner index out of bounds"},
		{function: "getApproved", args: []any{wei(0)}, want: []any{zero}},
		{name: "of none", function: "getApproved", args: []any{wei(4)}, fails: "ERC721: approved query for nonexistent token"},
		{function: "isApprovedForAll", args: []any{a, b}, want: []any{false}},
		{function: "approve", args: []any{b, wei(0)}, from: a},
		{name: "of another's", function: "approve", args: []any{b, wei(0)}, from: cfg.Watched[2], fails: "ERC721: approve caller is not owner nor approved for all"},
		{name: "to its owner", function: "approve", args: []any{a, wei(0)}, from: a, fails: "ERC721: approval to current owner"},
		{function: "setApprovalForAll", args: []any{b, true}, from: a},
		{name: "to itself", function: "setApprovalForAll", args: []any{a, true}, from: a, fails: "ERC721: approve to caller"},
		{function: "transferFrom", args: []any{a, b, wei(3)}, from: a},
		{name: "of another's", function: "transferFrom", args: []any{a, b, wei(3)}, from: b, fails: "ERC721: transfer caller is not owner nor approved"},
		{name: "from another", function: "transferFrom", args: []any{b, a, wei(3)}, from: a, fails: "ERC721: transfer of token that is not own"},
		{name: "to nobody", function: "transferFrom", args: []any{a, zero, wei(3)}, from: a, fails: "ERC721: transfer to the zero address"},
		{function: "safeTransferFrom", args: []any{a, b, wei(3)}, from: a},
		{name: "with data", function: "safeTransferFrom0", args: []any{a, b, wei(3), []byte{1}}, from: a},
		{
			name: "to a contract that takes none", function: "safeTransferFrom", args: []any{a, common.HexToAddress(usdc), wei(3)}, from: a,
			fails: "ERC721: transfer to non ERC721Receiver implementer",
		},
	}...)
	for i := range list {
		list[i].contract = contracts.Collection
	}
	return list
}

func nameQuestions(t *testing.T, cfg Config) []question {
	resolver, none := common.HexToAddress(known.ENSResolver), contracts.Node("account-3.blackout.eth")
	var list []question
	for i, a := range cfg.Watched {
		node, back := contracts.Node(fmt.Sprintf("account-%d.blackout.eth", i)), contracts.Node(strings.ToLower(a.Hex()[2:])+".addr.reverse")
		for _, n := range []common.Hash{node, back} {
			list = append(list,
				question{contract: contracts.EnsRegistry, function: "owner", args: []any{n}, want: []any{a}},
				question{contract: contracts.EnsRegistry, function: "resolver", args: []any{n}, want: []any{resolver}},
				question{contract: contracts.EnsRegistry, function: "recordExists", args: []any{n}, want: []any{true}},
			)
		}
		list = append(list,
			question{contract: contracts.EnsResolver, function: "addr", args: []any{node}, want: []any{a}},
			question{contract: contracts.EnsResolver, function: "addr0", args: []any{node, wei(60)}, want: []any{a[:]}},
			question{contract: contracts.EnsResolver, function: "addr0", args: []any{node, wei(0)}, want: []any{[]byte{}}},
			question{contract: contracts.EnsResolver, function: "name", args: []any{back}, want: []any{fmt.Sprintf("account-%d.blackout.eth", i)}},
			question{contract: contracts.EnsResolver, function: "text", args: []any{node, "avatar"}, want: []any{fmt.Sprintf("eip155:1/erc721:%s/%d", known.NFT, i)}},
			question{contract: contracts.EnsResolver, function: "text", args: []any{node, "url"}, want: []any{""}},
		)
	}
	for id, is := range map[[4]byte]bool{
		{0x01, 0xff, 0xc9, 0xa7}: true, {0x3b, 0x3b, 0x57, 0xde}: true, {0xf1, 0xcb, 0x7e, 0x06}: true, {0x69, 0x1f, 0x34, 0x31}: true,
		{0x59, 0xd1, 0xd4, 0x3c}: true, {0xbc, 0x1c, 0x58, 0xd1}: true, {0xff, 0xff, 0xff, 0xff}: false, {0x90, 0x61, 0xb9, 0x23}: false,
	} {
		list = append(list, question{contract: contracts.EnsResolver, function: "supportsInterface", args: []any{id}, want: []any{is}})
	}
	return append(list, []question{
		{contract: contracts.EnsRegistry, function: "ttl", args: []any{contracts.Node("account-0.blackout.eth")}, want: []any{uint64(0)}},
		{contract: contracts.EnsRegistry, function: "isApprovedForAll", args: []any{cfg.Watched[0], cfg.Watched[1]}, want: []any{false}},
		{name: "of none", contract: contracts.EnsRegistry, function: "owner", args: []any{none}, want: []any{common.Address{}}},
		{name: "of none", contract: contracts.EnsRegistry, function: "resolver", args: []any{none}, want: []any{common.Address{}}},
		{name: "of none", contract: contracts.EnsRegistry, function: "recordExists", args: []any{none}, want: []any{false}},
		{name: "of none", contract: contracts.EnsResolver, function: "addr", args: []any{none}, want: []any{common.Address{}}},
		{name: "of none", contract: contracts.EnsResolver, function: "addr0", args: []any{none, wei(60)}, want: []any{[]byte{}}},
		{name: "of none", contract: contracts.EnsResolver, function: "name", args: []any{none}, want: []any{""}},
		{contract: contracts.EnsResolver, function: "contenthash", args: []any{none}, want: []any{[]byte{}}},
	}...)
}

// wire is a name as the DNS writes it.
func wire(name string) []byte {
	var out []byte
	for _, label := range strings.Split(name, ".") {
		out = append(append(out, byte(len(label))), label...)
	}
	return append(out, 0)
}

// resolverInfo is what the universal resolver tells of a name.
type resolverInfo struct {
	Name     []byte
	Offset   *big.Int
	Node     common.Hash
	Resolver common.Address
	Extended bool
}

func universalQuestions(t *testing.T, cfg Config) []question {
	const name, none = "account-1.blackout.eth", "nobody.eth"
	a, resolver, node := cfg.Watched[1], common.HexToAddress(known.ENSResolver), contracts.Node(name)
	address, avatar := pack(t, contracts.EnsResolver, "addr", node), pack(t, contracts.EnsResolver, "text", node, "avatar")
	found := []any{common.BytesToHash(a[:]).Bytes(), resolver}
	text, err := compiled(t, contracts.EnsResolver).ABI.Methods["text"].Outputs.Pack("eip155:1/erc721:" + known.NFT + "/1")
	if err != nil {
		t.Fatal(err)
	}
	gateways := []string{"x-batch-gateway:true"}
	back := []any{name, resolver, resolver}
	var list []question
	for _, q := range []question{
		{function: "resolve", args: []any{wire(name), address}, want: found},
		{name: "for a text", function: "resolve", args: []any{wire(name), avatar}, want: []any{text, resolver}},
		{function: "resolveWithGateways", args: []any{wire(name), address, gateways}, want: found},
		{name: "without a record", function: "resolve", args: []any{wire(none), address}, refuses: "ResolverNotFound"},
		{name: "the root", function: "resolve", args: []any{wire("")[:1], address}, refuses: "ResolverNotFound"},
		{name: "for what no resolver answers", function: "resolve", args: []any{wire(name), []byte{1, 2, 3, 4}}, refuses: "UnsupportedResolverProfile"},
		{name: "of nothing", function: "resolve", args: []any{[]byte{}, address}, refuses: "DNSDecodingFailed"},
		{name: "of a label that is cut", function: "resolve", args: []any{[]byte{5, 'a', 'b'}, address}, refuses: "DNSDecodingFailed"},
		{name: "of more than a name", function: "resolve", args: []any{append(wire(name), 0), address}, refuses: "DNSDecodingFailed"},
		{function: "findResolver", args: []any{wire(name)}, want: []any{resolver, node, wei(0)}},
		{name: "of none", function: "findResolver", args: []any{wire(none)}, want: []any{common.Address{}, contracts.Node(none), wei(0)}},
		{function: "requireResolver", args: []any{wire(name)}, want: []any{resolverInfo{wire(name), wei(0), node, resolver, false}}},
		{name: "of none", function: "requireResolver", args: []any{wire(none)}, refuses: "ResolverNotFound"},
		{function: "reverse", args: []any{a[:], wei(60)}, want: back},
		{function: "reverseWithGateways", args: []any{a[:], wei(60), gateways}, want: back},
		{name: "of a stranger", function: "reverse", args: []any{common.Address{1}.Bytes(), wei(60)}, refuses: "ResolverNotFound"},
		{name: "on Base", function: "reverse", args: []any{a[:], wei(0x80000000 + 8453)}, refuses: "ResolverNotFound"},
		{name: "of no address", function: "reverse", args: []any{[]byte{}, wei(60)}, refuses: "EmptyAddress"},
	} {
		q.contract = contracts.EnsUniversalResolver
		list = append(list, q)
	}
	return list
}

// TestContractsKeep sends transactions to contracts, and asks what they know afterwards.
func TestContractsKeep(t *testing.T) {
	cfg := withContracts()
	w := start(t, cfg)
	a, b := cfg.Watched[0], cfg.Watched[1]
	nonces := map[common.Address]uint64{}
	var sent []common.Hash
	send := func(who int, contract, function string, args ...any) {
		from := cfg.Watched[who]
		tx := transfer(t, Key(seed, fmt.Sprint("user ", who)), 1, FirstNonce+nonces[from], common.HexToAddress(where[contract]), func(d *types.DynamicFeeTx) {
			d.Value, d.Gas, d.Data = new(big.Int), 200_000, pack(t, contract, function, args...)
		})
		nonces[from]++
		sent = append(sent, tx.Hash())
		w.send(t, "shared", tx)
		w.steps(t, 1)
	}
	send(0, contracts.Token, "approve", b, wei(100))
	send(1, contracts.Token, "transferFrom", a, b, wei(30))
	send(0, contracts.Collection, "approve", b, wei(3))
	send(1, contracts.Collection, "transferFrom", a, b, wei(3))
	send(0, contracts.Collection, "setApprovalForAll", b, true)
	for i, hash := range sent {
		var receipt types.Receipt
		if call(t, w.node(t, "shared"), &receipt, "eth_getTransactionReceipt", hash); receipt.Status != types.ReceiptStatusSuccessful || len(receipt.Logs) == 0 {
			t.Errorf("transaction %d: status %d, %d logs", i, receipt.Status, len(receipt.Logs))
		}
	}
	latest := ethereumBlocks(w)
	for _, q := range []question{
		{contract: contracts.Token, function: "allowance", args: []any{a, b}, want: []any{wei(70)}},
		{contract: contracts.Token, function: "balanceOf", args: []any{b}, want: []any{wei(int64(len(latest)-1) * spec.TokenStep)}},
		{contract: contracts.Collection, function: "ownerOf", args: []any{wei(3)}, want: []any{b}},
		{contract: contracts.Collection, function: "balanceOf", args: []any{a}, want: []any{wei(1)}},
		{contract: contracts.Collection, function: "balanceOf", args: []any{b}, want: []any{wei(2)}},
		{contract: contracts.Collection, function: "tokenOfOwnerByIndex", args: []any{b, wei(1)}, want: []any{wei(3)}},
		{contract: contracts.Collection, function: "getApproved", args: []any{wei(3)}, want: []any{common.Address{}}},
		{contract: contracts.Collection, function: "isApprovedForAll", args: []any{a, b}, want: []any{true}},
		{name: "before", contract: contracts.Collection, function: "ownerOf", args: []any{wei(3)}, block: hexutil.EncodeUint64(DefaultEarly), want: []any{a}},
	} {
		ask(t, w.node(t, "shared"), q)
	}
	// A transfer of the token by an account is an event on record, as one of ours is.
	if got := latest[DefaultEarly+2].Logs; len(got) != 1 || got[0].Account != b || got[0].Tx != sent[1] || got[0].Value.Int64() != 30 {
		t.Errorf("the record has %+v", got)
	}
}

// TestPictures follows a token to its picture as an app does: the URI to the metadata, their image to the file.
func TestPictures(t *testing.T) {
	files := map[string]content.File{}
	for _, f := range content.Files(seed) {
		files["ipfs://"+f.ID] = f
	}
	for _, f := range metadataOf() {
		var meta struct{ Image string }
		if err := json.Unmarshal(f.Bytes, &meta); err != nil || files[meta.Image].Type != content.TypePicture {
			t.Errorf("%s leads to %q, %v", f.Name, meta.Image, err)
		}
	}
}

func TestContractsRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*plan.Chain)
		want   string
	}{
		{"no address", func(c *plan.Chain) { c.Contracts.NFT = "0x12" }, `contract Collection: "0x12" is no address`},
		{"one address for two", func(c *plan.Chain) { c.Contracts.NFT = usdc }, "contract Collection: there is something else at " + usdc},
		{"a precompiled contract", func(c *plan.Chain) { c.Contracts.Multicall3 = "0x" + strings.Repeat("0", 39) + "1" }, "contract Multicall3: there is something else at 0x"},
	} {
		cfg := withContracts()
		test.change(&cfg.Chains[0])
		if _, err := genesis(&cfg, cfg.Chains[0], 1_700_000_000); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
