package run

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"blackout/harness/app"
	"blackout/harness/chain"
	"blackout/harness/clock"
	"blackout/harness/content"
	"blackout/harness/fault"
	"blackout/harness/history"
	"blackout/harness/internet"
	"blackout/harness/internet/gateways"
	"blackout/harness/internet/strays"
	"blackout/harness/journey"
	"blackout/harness/plan"
	"blackout/harness/project"
	"blackout/harness/runtime/private"
	"blackout/harness/truth"
)

// cell is the state of one run. Its fields are set stage by stage, each before the stage that reads it.
type cell struct {
	cfg    Config
	plan   *plan.Plan
	clock  clock.Clock
	sink   *history.Writer
	redact *history.Redactor
	stage  string
	undo   []undoing
	fatal  context.CancelCauseFunc

	ledger   *truth.Ledger
	recorder *truth.Recorder
	users    []journey.Account
	payer    payer
	chains   *chain.Network
	net      *internet.Internet
	app      *app.App
	runner   *journey.Runner
	start    clock.Micros // of the plan's zero

	payments payments
}

// payer is the hot key that a custodial app pays from.
type payer struct {
	address common.Address
	key     string
}

// payments counts what gateways saw of the app's transactions.
type payments struct {
	carried atomic.Int64 // transactions that were passed on to the other nodes
	mu      sync.Mutex
	seen    map[string]bool // intent ids
	foreign bool
}

// open writes the first records and works out the accounts.
func (c *cell) open() error {
	header := history.Header{
		Schema: history.Schema, Run: c.cfg.ID, App: c.plan.App, Scenario: c.plan.Scenario, Seed: c.plan.Seed, Runtime: c.runtime(),
		Versions: versions(c.cfg.Version), PlanSHA256: digest(c.cfg.PlanBytes), BaseUTC: c.clock.Base().Format("2006-01-02T15:04:05.000000Z07:00"),
	}
	if a := c.cfg.App; a != nil {
		header.AppVersion, header.Libraries = a.Version, project.Libraries(a.Dir)
	}
	c.sink.Add(header)
	c.sink.Add(history.Plan{Plan: c.cfg.PlanBytes})
	for _, secret := range c.cfg.Secrets {
		c.redact.Hide(secret)
	}
	for i := range c.plan.Accounts.Count {
		key := chain.Key(c.plan.Seed, "account/"+strconv.Itoa(i))
		text := hexutil.Encode(crypto.FromECDSA(key))
		c.redact.Hide(text)
		c.users = append(c.users, journey.Account{Address: truth.Address(crypto.PubkeyToAddress(key.PublicKey)), Key: text})
	}
	key := chain.Key(c.plan.Seed, "payer")
	c.payer = payer{crypto.PubkeyToAddress(key.PublicKey), hexutil.Encode(crypto.FromECDSA(key))}
	c.redact.Hide(c.payer.key)

	reference := map[string]string{}
	for _, n := range c.plan.Nodes {
		if n.Role == plan.RoleReference {
			reference[n.Chain] = n.Name
		}
	}
	c.ledger = truth.NewLedger(c.plan.Seed, c.clock, c.sink)
	c.recorder = truth.NewRecorder(c.sink, c.ledger, reference)
	c.payments.seen = map[string]bool{}
	return nil
}

// bootChain starts the nodes. The app's build goes on beside it, in the parent's process.
func (c *cell) bootChain(ctx context.Context) (err error) {
	defer roomToBoot()()
	fund, ok := new(big.Int).SetString(c.plan.Accounts.Wei, 10)
	if !ok {
		return fmt.Errorf("plan: accounts hold %q wei, which is not a number", c.plan.Accounts.Wei)
	}
	dir := filepath.Join(c.cfg.Scratch, "chain")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	cfg := chain.Config{
		Chains: c.plan.Chains, Nodes: c.plan.Nodes, Seed: c.plan.Seed, WatchedWei: fund, Payers: []common.Address{c.payer.address},
		Dir: dir, Clock: c.clock, Observer: c.recorder,
	}
	for _, u := range c.users {
		cfg.Watched = append(cfg.Watched, common.HexToAddress(u.Address))
	}
	c.chains, err = chain.Start(ctx, cfg)
	if c.chains != nil {
		c.later("stop the chain", c.chains.Stop)
	}
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := c.chains.Run(running); err != nil && running.Err() == nil {
			c.fatal(&EnvironmentError{"chain", err})
		}
	}()
	c.later("stop building blocks", func(ctx context.Context) error {
		stop()
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return nil
}

// openInternet opens links and gateways for every service of the plan.
func (c *cell) openInternet(ctx context.Context) (err error) {
	secret := make([]byte, 16)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	var files []content.File
	if len(c.plan.Content) > 0 {
		files = content.Files(c.plan.Seed)
	}
	cfg := internet.Config{
		Services: c.plan.Services, Seed: c.plan.Seed, Secret: hex.EncodeToString(secret), Listen: "127.0.0.1:0", Addresses: ownAddresses(ctx),
		Node:  func(name string) (gateways.Backend, error) { return c.chains.Node(name) },
		Chain: func(name string) (fault.Chain, error) { return c.chains.Chain(name) },
		App:   func() (fault.App, error) { return c.app, nil },
		Carry: func(ctx context.Context, chain, node string, raw []byte) {
			if err := c.chains.Broadcast(ctx, chain, node, raw); err != nil && ctx.Err() == nil {
				c.note("a transaction did not reach every node: %v", err)
			}
			c.payments.carried.Add(1)
		},
		Judge: c.judge, Files: files, Sites: c.cfg.Sites, Upstreams: c.cfg.Upstreams, Sink: c.sink, Clock: c.clock,
	}
	if c.cfg.Authority != nil {
		cfg.Authority, cfg.Foreign = c.cfg.Authority, c.foreign
		cfg.Addresses, cfg.Resolver = private.Hosts, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), private.ResolverPort).String()
	}
	if in := c.cfg.Contained; in != nil {
		// What containers send to the port of resolvers arrives at whichever address of ours.
		cfg.Neighbours = in.neighbours()
		cfg.Listen, cfg.Resolver = netip.AddrPortFrom(in.Gateway, 0).String(), netip.AddrPortFrom(netip.IPv4Unspecified(), private.ResolverPort).String()
	}
	c.net, err = internet.Open(ctx, cfg)
	if c.net != nil {
		c.later("close the internet", c.net.Close)
		c.redact.Hide(c.net.Keys()...)
	}
	if err == nil && (c.cfg.As != nil || c.cfg.Contained != nil) {
		c.takeStrays(ctx)
	}
	return err
}

// takeStrays records what the app sends to addresses that no service has. Without it such connections are refused, which is no reason to end the run.
func (c *cell) takeStrays(ctx context.Context) {
	at := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if c.cfg.Contained != nil {
		at = netip.IPv4Unspecified()
	}
	door, err := strays.Open(ctx, strays.Config{
		Listen: netip.AddrPortFrom(at, private.CatchAllPort).String(),
		Meant:  private.OriginalDestination, Senders: private.Datagrams, Sink: c.sink, Clock: c.clock,
	})
	if err != nil {
		c.note("what the app sends to addresses of nobody is not recorded: %v", err)
		return
	}
	c.later("stop taking strays", func(context.Context) error { return door.Close() })
}

// ownAddresses is where each host name of a service gets an address of its own: any part of 127.0.0.0/8 will do on Linux, where all of it answers. Elsewhere only
// 127.0.0.1 does, and the services share it.
func ownAddresses(ctx context.Context) netip.Prefix {
	own := netip.MustParsePrefix("127.18.0.0/16")
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", netip.AddrPortFrom(own.Addr().Next(), 0).String())
	if err != nil {
		return netip.Prefix{}
	}
	_ = l.Close() // it was open for the trial only
	return own
}

func (c *cell) note(format string, args ...any) {
	c.sink.Add(history.Note{Text: fmt.Sprintf(format, args...), At: c.clock.Now()})
}

func lookup(environ []string) map[string]string {
	m := make(map[string]string, len(environ))
	for _, kv := range environ {
		if k, v, ok := strings.Cut(kv, "="); ok {
			m[k] = v
		}
	}
	return m
}
