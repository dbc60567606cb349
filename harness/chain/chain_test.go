package chain

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"math/big"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rpc"
	"go.uber.org/goleak"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/plan"
)

// Two goroutines outlive a closed geth node, for ever: it has no way to end them.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(settled{m},
		goleak.IgnoreAnyFunction("github.com/ethereum/go-ethereum/eth/catalyst.(*ConsensusAPI).heartbeat"),
		goleak.IgnoreAnyFunction("github.com/ethereum/go-ethereum/core.(*txSenderCacher).cache"),
	)
}

// settled waits before goroutines are counted: goleveldb, where a node would keep its peers, drains its buffers for one second after it was closed.
type settled struct{ *testing.M }

func (s settled) Run() int {
	defer time.Sleep(1200 * time.Millisecond)
	return s.M.Run()
}

const seed = 7

// recorder keeps what the conductors told.
type recorder struct {
	mu     sync.Mutex
	blocks []Block
	heads  []Head
}

func (r *recorder) Block(b Block) { r.mu.Lock(); r.blocks = append(r.blocks, b); r.mu.Unlock() }
func (r *recorder) Head(h Head)   { r.mu.Lock(); r.heads = append(r.heads, h); r.mu.Unlock() }

func (r *recorder) all() []Block {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Block(nil), r.blocks...)
}

// await returns the blocks above the early ones as soon as there are enough of a chain, within ten seconds.
func (r *recorder) await(t *testing.T, chain string, enough int) []Block {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var found []Block
		for _, b := range r.all() {
			if b.Chain == chain && b.Number > DefaultEarly {
				found = append(found, b)
			}
		}
		if len(found) >= enough {
			return found
		}
		if time.Now().After(deadline) {
			t.Fatalf("chain %s: %d blocks in ten seconds", chain, len(found))
		}
	}
}

func addresses(label string, n int) []common.Address {
	all := make([]common.Address, n)
	for i := range all {
		all[i] = Address(Key(seed, fmt.Sprint(label, i)))
	}
	return all
}

// ethereum is a chain with a builder, a reference, a shared and some own nodes of the service "infura", each in its own region.
func ethereum(own int) Config {
	cfg := Config{
		Chains:  []plan.Chain{{Name: "ethereum", ID: 1, BlockTime: clock.Of(time.Second), Safe: 4, Finalized: 8}},
		Seed:    seed,
		Watched: addresses("user ", 3), WatchedWei: big.NewInt(params.Ether),
		Payers: addresses("payer ", 1),
	}
	for _, role := range []string{plan.RoleBuilder, plan.RoleReference, plan.RoleShared} {
		cfg.Nodes = append(cfg.Nodes, plan.Node{Name: role, Chain: "ethereum", Role: role})
	}
	for i := range own {
		region := fmt.Sprint("aws/", i)
		cfg.Nodes = append(cfg.Nodes, plan.Node{Name: "infura@" + region, Chain: "ethereum", Role: plan.RoleOwn, Service: "infura", Region: region})
	}
	return cfg
}

// world is a running network with the one chain "ethereum".
type world struct {
	*Network
	*Conductor
	rec *recorder
	dir string
}

func start(t testing.TB, cfg Config) *world {
	t.Helper()
	w := &world{rec: &recorder{}, dir: t.TempDir()}
	cfg.Dir, cfg.Clock, cfg.Observer = w.dir, clock.Start(), w.rec
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var err error
	w.Network, err = Start(ctx, cfg)
	t.Cleanup(func() {
		if err := w.Network.Stop(context.Background()); err != nil {
			t.Errorf("stop: %v", err)
		}
		if left, err := os.ReadDir(w.dir); err != nil || len(left) > 0 {
			t.Errorf("stop left %v (%v)", left, err)
		}
	})
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	if w.Conductor, err = w.Network.Chain("ethereum"); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) node(t testing.TB, name string) *Node {
	t.Helper()
	n, err := w.Network.Node(name)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (w *world) steps(t testing.TB, n int) {
	t.Helper()
	for range n {
		if err := w.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// number is what a node answers an app to eth_blockNumber, or to a tag.
func number(t testing.TB, n *Node, tag string) uint64 {
	t.Helper()
	var head struct {
		Number hexutil.Uint64 `json:"number"`
	}
	call(t, n, &head, "eth_getBlockByNumber", tag, false)
	return uint64(head.Number)
}

func call(t testing.TB, n *Node, result any, method string, args ...any) {
	t.Helper()
	if err := try(t, n, result, method, args...); err != nil {
		t.Fatalf("%s: %s: %v", n.Name(), method, err)
	}
}

// try calls a node as an app does, over its own address.
func try(t testing.TB, n *Node, result any, method string, args ...any) error {
	t.Helper()
	client, err := rpc.DialContext(t.Context(), n.WSURL())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	return client.CallContext(t.Context(), result, method, args...)
}

// transfer signs a payment of one wei. Its fees are far above what blocks ask for.
func transfer(t testing.TB, key *ecdsa.PrivateKey, chainID int64, nonce uint64, to common.Address, change ...func(*types.DynamicFeeTx)) *types.Transaction {
	t.Helper()
	data := &types.DynamicFeeTx{
		ChainID: big.NewInt(chainID), Nonce: nonce, To: &to, Value: big.NewInt(1), Gas: 21_000,
		GasTipCap: big.NewInt(params.GWei), GasFeeCap: big.NewInt(10 * params.GWei),
	}
	for _, c := range change {
		c(data)
	}
	tx, err := types.SignNewTx(key, types.LatestSignerForChainID(data.ChainID), data)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func raw(t testing.TB, tx *types.Transaction) hexutil.Bytes {
	t.Helper()
	b, err := tx.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// send does what a gateway does: hands a transaction to a node, and carries it to the others.
func (w *world) send(t testing.TB, node string, tx *types.Transaction) {
	t.Helper()
	call(t, w.node(t, node), nil, "eth_sendRawTransaction", raw(t, tx))
	if err := w.Broadcast(t.Context(), "ethereum", node, raw(t, tx)); err != nil {
		t.Fatal(err)
	}
}

func grip(id, service string, regions ...string) *fault.Grip {
	g := &fault.Grip{ID: id, Service: service, Regions: regions, Seed: seed}
	g.SetShare(1)
	return g
}
