package contracts

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"blackout/harness/plan"
)

// TestArtifacts holds that each source was compiled since it was changed last. That the compiler gives these very bytes is what `make contracts-check` looks at.
func TestArtifacts(t *testing.T) {
	sources, err := filepath.Glob("*.sol")
	if err != nil || len(sources) != 7 {
		t.Fatalf("%d sources, %v", len(sources), err)
	}
	for _, name := range sources {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join("artifacts", strings.TrimSuffix(name, ".sol")+".json"))
		if err != nil {
			t.Errorf("%s was never compiled: %v", name, err)
			continue
		}
		var made struct{ Source, SHA256 string }
		sum := sha256.Sum256(source)
		if err := json.Unmarshal(data, &made); err != nil || made.Source != name || made.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("%s was changed after it was compiled; run: make contracts (%v)", name, err)
		}
		if c, err := Compiled(strings.TrimSuffix(name, ".sol")); err != nil || len(c.Runtime) == 0 || len(c.ABI.Methods) == 0 {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	if _, err := Compiled("Vault"); err == nil {
		t.Error("a contract that nobody wrote is there")
	}
}

// TestNode has the examples of ERC-137.
func TestNode(t *testing.T) {
	for name, want := range map[string]string{
		"":        "0x0000000000000000000000000000000000000000000000000000000000000000",
		"eth":     "0x93cdeb708b7545dc668eb9280176169d1c33cfd8ed6f04690a0bcc88a93fc4ae",
		"foo.eth": "0xde9b09fd7c5f901e23a3f19fecc54828e9c848539801e86591bd9801b019f84f",
	} {
		if got := Node(name).Hex(); got != want {
			t.Errorf("%q: %s", name, got)
		}
	}
}

// TestText has strings on both sides of the length at which they are kept elsewhere.
func TestText(t *testing.T) {
	place := common.Hash{31: 9}
	for _, n := range []int{0, 31, 32, 33, 64, 65} {
		s := storageOf(&Contract{})
		s.text(place, strings.Repeat("x", n))
		got, word := "", s.words[place]
		if length := word[31]; length%2 == 0 {
			got = string(word[:length/2])
		} else {
			for i := range int64(len(s.words) - 1) {
				word := s.words[after(first(place), i)]
				got += string(word[:])
			}
			got = got[:length/2]
		}
		if want := 1 + (n+31)/32; n >= 32 && len(s.words) != want || n < 32 && len(s.words) != 1 || got != strings.Repeat("x", n) {
			t.Errorf("%d bytes: %d words, %q", n, len(s.words), got)
		}
	}
}

// TestCrowd holds that the genesis block does not grow with a crowd, and that a chain without anybody has a collection of nothing.
func TestCrowd(t *testing.T) {
	chain := plan.Chain{ID: 1, Contracts: plan.Contracts{NFT: "0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13D", ENSRegistry: "0x00000000000C2E074eC69A0dFb2997BA6C7d2e1e"}}
	words := func(n int) map[string]int {
		g := Genesis{Seed: 1}
		for i := range n {
			g.Accounts = append(g.Accounts, common.BytesToAddress([]byte{1, byte(i >> 8), byte(i)}))
		}
		alloc := types.GenesisAlloc{}
		if err := g.Put(alloc, chain); err != nil {
			t.Fatal(err)
		}
		return map[string]int{
			"nft": len(alloc[common.HexToAddress(chain.Contracts.NFT)].Storage), "names": len(alloc[common.HexToAddress(chain.Contracts.ENSRegistry)].Storage),
		}
	}
	most, more, none := words(Most), words(Most+50), words(0)
	if most["nft"] < 2*Most || most["names"] != 4*Most || more["nft"] != most["nft"] || more["names"] != most["names"] || none["nft"]+none["names"] != 0 {
		t.Errorf("words: %v for %d accounts, %v for more, %v for none", most, Most, more, none)
	}
}
