// Package chain runs real geth nodes in this process and conducts them: it builds the blocks, and tells each node its head, safe and finalized block through the
// Engine API, as a consensus client would. So a node that lags, a chain that halts and a reorg are real states of real nodes, and what they say is geth's own.
//
//	            testing_buildBlockV1          engine_newPayloadV4, engine_forkchoiceUpdatedV3 (HTTP, JWT)
//	conductor ───────────────────────▶ builder ─────────────────────────────────────────────▶ reference, shared and own nodes
//	    ▲                                 │ balances after the block                                      │
//	    └─────────────────────────────────┘◀──────────────────── the head, read back ────────────────────┘
//
// Nodes have no peers: nothing reaches one but what its conductor tells it and what Broadcast carries to it. Blocks are built on a builder node that has no
// address for apps. All state is in memory; the only files are the Engine API's secret and an empty key store, in a folder that Stop removes.
//
// Every watched account is credited in every block by a withdrawal, in the way of EIP-4895: no transaction, no gas. The amount is hashed from the seed, the account,
// the block's parent and how many blocks were built on that parent before, so a balance that an app shows belongs to one block of one branch, or to none.
//
// A chain may have contracts from its genesis on (package contracts). Where one is a token there may be, in every block, a transaction of the harness's own that makes it
// emit a Transfer to each watched account.
package chain

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/log"
	"github.com/ethereum/go-ethereum/rpc"
	"golang.org/x/sync/errgroup"

	"blackout/harness/clock"
	"blackout/harness/plan"
)

// DefaultEarly is how many blocks exist before a run begins, unless Config says otherwise.
const DefaultEarly = 16

// idle is how long a connection to a node may rest: well below the ReadTimeout after which the node ends one that brought no request yet, and resets what meets this end.
var idle = rpc.DefaultHTTPTimeouts.ReadTimeout / 3

// Config says which chains and nodes to run.
type Config struct {
	// Chains and Nodes are the plan's. Each chain needs exactly one builder and one reference node.
	Chains []plan.Chain
	Nodes  []plan.Node
	Seed   uint64
	// Watched accounts are credited in every block of every chain; WatchedWei is what each holds in genesis, nothing when nil.
	Watched    []common.Address
	WatchedWei *big.Int
	// Payers are funded with a million ether each.
	Payers []common.Address
	// Early is how many blocks are built before Start returns; 0 means DefaultEarly.
	Early int
	// Dir is an existing folder for scratch files.
	Dir      string
	Clock    clock.Clock
	Observer Observer // nil: nobody
	// Logger takes geth's log, which is global to the process. Nil leaves it as it is: silent, unless something else has set it.
	Logger *slog.Logger
}

// Observer is told what the conductors do. Its methods are called from several goroutines at once and must not block.
type Observer interface {
	// Block is called before any node that an app can reach knows the block.
	Block(Block)
	// Head is called when what a node says its head, safe or finalized block is has changed.
	Head(Head)
}

// Block is a block that was published, on the branch that was canonical then. The genesis block is one too.
type Block struct {
	Chain        string
	Hash, Parent common.Hash
	Number       uint64
	Timestamp    uint64       // of the header, Unix seconds
	Published    clock.Micros // just before the first node is told
	// Watched is each watched account's balance after this block, in wei, read from the builder's state.
	Watched map[common.Address]*big.Int
	Txs     types.Transactions
	// Logs are the transfers of the chain's token to watched accounts, in the order of the block.
	Logs []Log
}

// Head is what a node says, read back after it was told. Safe and Finalized are 0 as long as there is none, which a node answers with an error.
type Head struct {
	Node            string
	Hash            common.Hash
	Number          uint64
	Safe, Finalized uint64
	At              clock.Micros
}

// Network is the running nodes and their conductors.
type Network struct {
	cfg        Config
	dir        string
	http       *http.Client
	nodes      []*Node
	conductors []*Conductor
}

// Start boots all nodes in parallel and builds the early blocks of each chain; when it returns, every node has them. The network is returned on an error too, so
// that it can be stopped; only Stop may then be called.
func Start(ctx context.Context, cfg Config) (*Network, error) {
	if cfg.Early == 0 {
		cfg.Early = DefaultEarly
	}
	if cfg.Observer == nil {
		cfg.Observer = nobody{}
	}
	if cfg.Logger != nil {
		log.SetDefault(log.NewLogger(cfg.Logger.Handler()))
	}
	n := &Network{cfg: cfg, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: idle, DisableCompression: true}}}
	if err := cfg.validate(); err != nil {
		return n, err
	}
	if err := n.boot(ctx); err != nil {
		return n, err
	}
	var g errgroup.Group
	for _, c := range n.conductors {
		g.Go(func() error {
			if err := c.begin(ctx, cfg.Early); err != nil {
				return fmt.Errorf("chain %s: build the early blocks: %w", c.name, err)
			}
			return nil
		})
	}
	return n, g.Wait()
}

func (cfg *Config) validate() error {
	if cfg.Early < 0 {
		return fmt.Errorf("early blocks: %d is negative", cfg.Early)
	}
	if cfg.Dir == "" {
		return errors.New("no folder for the nodes' files is given")
	}
	seen := map[string]bool{}
	for _, c := range cfg.Chains {
		roles := map[string]int{}
		for _, n := range cfg.Nodes {
			if n.Chain == c.Name {
				roles[n.Role]++
			}
		}
		switch {
		case c.Name == "" || seen["chain "+c.Name]:
			return fmt.Errorf("chain %q is listed twice or has no name", c.Name)
		case c.ID == 0:
			return fmt.Errorf("chain %s has no id", c.Name)
		case c.BlockTime < clock.Of(time.Second):
			return fmt.Errorf("chain %s: block time %s is below 1s, and a header's time must grow by whole seconds", c.Name, c.BlockTime.Duration())
		case c.Token != "" && !common.IsHexAddress(c.Token):
			return fmt.Errorf("chain %s: the token's address %q is none", c.Name, c.Token)
		case c.Transfers && c.Token == "":
			return fmt.Errorf("chain %s has transfers of a token, but no token", c.Name)
		case c.Finalized < c.Safe:
			return fmt.Errorf("chain %s: finalized, %d blocks behind, is ahead of safe, %d blocks behind", c.Name, c.Finalized, c.Safe)
		case roles[plan.RoleBuilder] != 1 || roles[plan.RoleReference] != 1:
			return fmt.Errorf("chain %s has %d builder and %d reference nodes instead of one of each", c.Name, roles[plan.RoleBuilder], roles[plan.RoleReference])
		}
		seen["chain "+c.Name] = true
	}
	for _, n := range cfg.Nodes {
		switch {
		case n.Name == "" || seen["node "+n.Name]:
			return fmt.Errorf("node %q is listed twice or has no name", n.Name)
		case !seen["chain "+n.Chain]:
			return fmt.Errorf("node %s is of chain %q, which is not listed", n.Name, n.Chain)
		case !slices.Contains([]string{plan.RoleBuilder, plan.RoleReference, plan.RoleShared, plan.RoleOwn}, n.Role):
			return fmt.Errorf("node %s has the unknown role %q", n.Name, n.Role)
		}
		seen["node "+n.Name] = true
	}
	return nil
}

// boot starts the nodes and makes a conductor for each chain. What was started stays in n.nodes, whatever happens.
func (n *Network) boot(ctx context.Context) error {
	var err error
	if n.dir, err = os.MkdirTemp(n.cfg.Dir, "geth-"); err != nil {
		return fmt.Errorf("make the nodes' folder: %w", err)
	}
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return fmt.Errorf("make the Engine API's secret: %w", err)
	}
	secretFile := filepath.Join(n.dir, "jwt.hex")
	if err := os.WriteFile(secretFile, []byte(hex.EncodeToString(secret[:])), 0o600); err != nil {
		return fmt.Errorf("write the Engine API's secret: %w", err)
	}
	schedules := map[string]schedule{}
	for _, c := range n.cfg.Chains {
		schedules[c.Name] = newSchedule(n.cfg.Clock, c.BlockTime, n.cfg.Early)
	}

	started := make([]*Node, len(n.cfg.Nodes))
	var g errgroup.Group
	for i, spec := range n.cfg.Nodes {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("start node %s: %w", spec.Name, err)
			}
			chain := n.cfg.Chains[slices.IndexFunc(n.cfg.Chains, func(c plan.Chain) bool { return c.Name == spec.Chain })]
			first, err := genesis(&n.cfg, chain, schedules[chain.Name].genesis)
			if err != nil {
				return fmt.Errorf("start node %s: %w", spec.Name, err)
			}
			node, err := bootNode(ctx, spec, first, bootOptions{
				keyStore: filepath.Join(n.dir, "keystore"), secretFile: secretFile, secret: secret, http: n.http,
			})
			if err != nil {
				return fmt.Errorf("start node %s: %w", spec.Name, err)
			}
			started[i] = node
			return nil
		})
	}
	err = g.Wait()
	n.nodes = slices.DeleteFunc(started, func(node *Node) bool { return node == nil })
	if err != nil {
		return err
	}
	for _, spec := range n.cfg.Chains {
		c, err := newConductor(&n.cfg, spec, schedules[spec.Name], n.nodes)
		if err != nil {
			return fmt.Errorf("chain %s: %w", spec.Name, err)
		}
		n.conductors = append(n.conductors, c)
	}
	return nil
}

// Run builds and publishes a block per block time on every chain until ctx ends, which is no error. A node that does not answer, or does not do as it was told, ends
// it with an error that names the node. A block that is under way when ctx ends is still told to every node.
func (n *Network) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, c := range n.conductors {
		g.Go(func() error {
			if err := c.run(ctx); err != nil {
				return fmt.Errorf("chain %s: %w", c.name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// Stop closes all nodes and removes their folder. Run must have returned. It may be called on a network that did not start whole, and more than once. If ctx ends
// first, Stop returns and names the nodes that were still closing.
func (n *Network) Stop(ctx context.Context) error {
	var (
		mu   sync.Mutex
		errs []error
		wg   sync.WaitGroup
	)
	open := map[string]bool{}
	for _, node := range n.nodes {
		open[node.name] = true
	}
	for _, node := range n.nodes {
		wg.Go(func() {
			err := node.close()
			mu.Lock()
			defer mu.Unlock()
			delete(open, node.name)
			if err != nil {
				errs = append(errs, fmt.Errorf("stop node %s: %w", node.name, err))
			}
		})
	}
	closed := make(chan struct{})
	go func() { wg.Wait(); close(closed) }()
	select {
	case <-closed:
	case <-ctx.Done():
	}
	n.http.CloseIdleConnections()

	mu.Lock()
	defer mu.Unlock()
	for name := range open {
		errs = append(errs, fmt.Errorf("stop node %s: %w", name, ctx.Err()))
	}
	if n.dir != "" {
		if err := os.RemoveAll(n.dir); err != nil {
			errs = append(errs, fmt.Errorf("remove the nodes' folder: %w", err))
		}
	}
	n.nodes, n.conductors = nil, nil
	return errors.Join(errs...)
}

// Chain is the conductor of a chain.
func (n *Network) Chain(name string) (*Conductor, error) {
	for _, c := range n.conductors {
		if c.name == name {
			return c, nil
		}
	}
	return nil, fmt.Errorf("no chain %q runs here", name)
}

// Node is the node that the plan calls so.
func (n *Network) Node(name string) (*Node, error) {
	for _, node := range n.nodes {
		if node.name == name {
			return node, nil
		}
	}
	return nil, fmt.Errorf("no node %q runs here", name)
}

type nobody struct{}

func (nobody) Block(Block) {}
func (nobody) Head(Head)   {}
