package chain

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/txpool/blobpool"
	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/eth/catalyst"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/eth/filters"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/p2p"
	"github.com/ethereum/go-ethereum/rpc"

	"blackout/harness/fault"
	"blackout/harness/plan"
)

// appModules are the namespaces that a node offers to apps, in the selection of a public provider: nothing that steers the node or reads its pool.
var appModules = []string{"eth", "net", "web3"}

// Node is one geth node.
type Node struct {
	name, chain, role string
	service, region   string // of an own node

	stack  *node.Node
	eth    *eth.Ethereum
	engine engineClient
	local  *rpc.Client // every namespace, without a socket

	// turn is held by whoever speaks to the node's engine; at moves only under it.
	turn gate
	at   atomic.Pointer[block]
	said atomic.Pointer[Head]

	// holds is guarded by the conductor's mutex; grips is what of it, and of the chain's halts, gateways see.
	holds map[string]*hold
	grips atomic.Pointer[[]*fault.Grip]

	closeOnce sync.Once
	closeErr  error
}

type bootOptions struct {
	keyStore, secretFile string
	secret               [32]byte
	http                 *http.Client
}

// bootNode starts a node that has only the genesis block. On an error nothing is left running.
func bootNode(ctx context.Context, spec plan.Node, genesis *core.Genesis, o bootOptions) (n *Node, err error) {
	stack, err := node.New(nodeConfig(spec, o))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, stack.Close())
		}
	}()
	backend, err := eth.New(stack, ethConfig(spec, genesis))
	if err != nil {
		return nil, err
	}
	stack.RegisterAPIs([]rpc.API{{
		Namespace: "eth",
		Service:   filters.NewFilterAPI(filters.NewFilterSystem(backend.APIBackend, filters.Config{LogCacheSize: 4, LogQueryLimit: 1000})),
	}})
	if err := catalyst.Register(stack, backend); err != nil {
		return nil, err
	}
	if err := stack.Start(); err != nil {
		return nil, err
	}
	client, err := rpc.DialOptions(ctx, stack.HTTPAuthEndpoint(), rpc.WithHTTPClient(o.http), rpc.WithHTTPAuth(node.NewJWTAuth(o.secret)))
	if err != nil {
		return nil, fmt.Errorf("dial the Engine API: %w", err)
	}
	return &Node{
		name: spec.Name, chain: spec.Chain, role: spec.Role, service: spec.Service, region: spec.Region,
		stack: stack, eth: backend, engine: engineClient{rpc: client, timeout: callTimeout}, local: stack.Attach(),
		turn: newGate(), holds: map[string]*hold{},
	}, nil
}

// nodeConfig opens an address for apps on every node but the builder, and the Engine API behind its secret; every port is chosen by the system.
func nodeConfig(spec plan.Node, o bootOptions) *node.Config {
	cfg := node.DefaultConfig
	cfg.Name = "geth"
	cfg.DataDir, cfg.IPCPath = "", ""
	cfg.KeyStoreDir = o.keyStore
	cfg.P2P = p2p.Config{NoDiscovery: true, NoDial: true} // and no ListenAddr
	cfg.AuthAddr, cfg.AuthPort, cfg.JWTSecret = "127.0.0.1", 0, o.secretFile
	cfg.HTTPPort, cfg.WSPort = 0, 0
	if spec.Role != plan.RoleBuilder {
		cfg.HTTPHost, cfg.HTTPModules = "127.0.0.1", appModules
		cfg.WSHost, cfg.WSModules = "127.0.0.1", appModules
	}
	return &cfg
}

// ethConfig is geth's default but for what memory costs: many nodes share one process, their state is a few hundred accounts, and their database is memory anyway.
func ethConfig(spec plan.Node, genesis *core.Genesis) *ethconfig.Config {
	cfg := ethconfig.Defaults
	cfg.Genesis = genesis
	cfg.SyncMode = ethconfig.FullSync // snap sync does not execute the payloads that it is handed
	cfg.EngineMaxReorgDepth = 0       // no limit: how deep a reorg may go is the conductor's to say
	cfg.DatabaseCache, cfg.TrieCleanCache, cfg.TrieDirtyCache, cfg.SnapshotCache = 0, 0, 1, 0
	cfg.FilterLogCacheSize = 4
	cfg.LogNoHistory = true // eth_getLogs searches the few blocks there are without an index
	cfg.TxPool.Journal, cfg.TxPool.NoLocals = "", true
	cfg.BlobPool = blobpool.DefaultConfig
	cfg.BlobPool.Datadir = ""
	cfg.Miner.GasCeil = genesis.GasLimit
	if spec.Role == plan.RoleBuilder {
		cfg.Miner.GasPrice = big.NewInt(1) // build in whatever a pool accepts
	}
	return &cfg
}

// Name is the node's name in the plan.
func (n *Node) Name() string { return n.name }

// URL is the address of the node's JSON-RPC over HTTP for apps: the namespaces eth, net and web3. The builder has none: "".
func (n *Node) URL() string {
	if n.role == plan.RoleBuilder {
		return ""
	}
	return n.stack.HTTPEndpoint()
}

// WSURL is the same over WebSocket.
func (n *Node) WSURL() string {
	if n.role == plan.RoleBuilder {
		return ""
	}
	return n.stack.WSEndpoint()
}

// Head is what the node said when it was last told something.
func (n *Node) Head() Head {
	if h := n.said.Load(); h != nil {
		return *h
	}
	return Head{Node: n.name}
}

// Grips are the effects that hold the node or halt its chain now, in the order of their ids. A node is held until it has caught up. The slice must not be changed.
func (n *Node) Grips() []*fault.Grip {
	if g := n.grips.Load(); g != nil {
		return *g
	}
	return nil
}

// tell hands the node a block and, if head is set, makes it the node's head. The caller has the turn.
func (n *Node) tell(ctx context.Context, b *block, head bool, safe, finalized common.Hash) error {
	if b.payload != nil {
		if err := n.engine.newPayload(ctx, b.payload); err != nil {
			return fmt.Errorf("node %s: block %d: %w", n.name, b.number, err)
		}
	}
	if !head {
		return nil
	}
	if err := n.engine.forkchoice(ctx, b.hash, safe, finalized); err != nil {
		return fmt.Errorf("node %s: block %d: %w", n.name, b.number, err)
	}
	// A node may answer VALID and stay where it was: geth does so below its finalized block.
	if now := n.eth.BlockChain().CurrentBlock(); now.Hash() != b.hash {
		return fmt.Errorf("node %s: told that block %d %s is its head, it stands at block %d %s", n.name, b.number, b.hash, now.Number, now.Hash())
	}
	n.at.Store(b)
	return nil
}

// readBack asks the node for its head. changed is false if it says what it said last time.
func (n *Node) readBack() (h Head, changed bool) {
	chain := n.eth.BlockChain()
	current := chain.CurrentBlock()
	h = Head{Node: n.name, Hash: current.Hash(), Number: current.Number.Uint64()}
	if safe := chain.CurrentSafeBlock(); safe != nil {
		h.Safe = safe.Number.Uint64()
	}
	if finalized := chain.CurrentFinalBlock(); finalized != nil {
		h.Finalized = finalized.Number.Uint64()
	}
	last := n.said.Load()
	return h, last == nil || last.Hash != h.Hash || last.Safe != h.Safe || last.Finalized != h.Finalized
}

func (n *Node) close() error {
	n.closeOnce.Do(func() {
		n.local.Close()
		n.engine.rpc.Close()
		n.closeErr = n.stack.Close()
	})
	return n.closeErr
}

// gate is a mutex whose waiters honour a context.
type gate chan struct{}

func newGate() gate { return make(gate, 1) }

func (g gate) enter(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (g gate) leave() { <-g }
