package run

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
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
	"blackout/harness/runtime/control"
	"blackout/harness/runtime/private"
	"blackout/harness/spec"
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

// shortestKey is how many characters a part of an address has that is taken for a key. What providers give out has 32 and more; hiding a shorter part, such as the name of a
// chain, would take that word out of the whole history.
const shortestKey = 20

// foreign takes a key that the app brought out of everything that is kept.
func (c *cell) foreign(key string) {
	for part := range strings.SplitSeq(key, "/") {
		if len(part) >= shortestKey {
			c.redact.Hide(part)
		}
	}
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

// judge says whose payment a transaction is, and ends the run when it was signed by a key that the run did not make: a key that is worth something elsewhere has no
// business here.
func (c *cell) judge(tx *types.Transaction, from common.Address) (intent string, foreign bool) {
	if tx.To() != nil {
		intent = c.ledger.Of(*tx.To())
	}
	foreign = from != c.payer.address
	for _, u := range c.users {
		if truth.Address(from) == u.Address {
			foreign = false
		}
	}
	c.payments.mu.Lock()
	defer c.payments.mu.Unlock()
	if foreign && !c.payments.foreign {
		c.payments.foreign = true
		c.fatal(&EnvironmentError{"foreign key", fmt.Errorf("the app signed a transaction as %s, an account that this run did not make; it was not passed on. "+
			"Give the app the run's key: ${payer.key} or ${account.key} in the app file", truth.Address(from))})
	}
	if intent != "" && !foreign {
		c.payments.seen[intent] = true
	}
	return intent, foreign
}

// startApp waits for the build and starts the instances.
func (c *cell) startApp(ctx context.Context) error {
	if c.cfg.Built != nil {
		select {
		case err := <-c.cfg.Built:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	instances, err := app.Plan(c.cfg.App, filepath.Join(c.cfg.Scratch, "app"), c.cfg.Contained != nil)
	if err != nil {
		return err
	}
	services := c.net.Variables()
	value := func(i app.Instance, name string) (string, bool) { return c.variable(services, i, name) }
	trust, err := c.trust()
	if err != nil {
		return err
	}
	var environ map[string]string // an image has its own
	var machine app.Machine
	var hidden map[string]string
	company := func(context.Context, string) error { return nil }
	if in := c.cfg.Contained; in != nil {
		there := in.machine(c.clock, c.authorityPEM())
		machine, hidden = there, in.Hidden
		company = func(ctx context.Context, when string) error {
			if err := there.startServices(ctx, when, trust); err != nil {
				return errors.New(c.redact.String(err.Error()))
			}
			return nil
		}
	} else {
		environ = lookup(c.cfg.Environ)
	}
	if err := company(ctx, control.Before); err != nil {
		return err
	}
	c.app, err = app.Start(ctx, app.Config{
		App: c.cfg.App, Instances: instances, Lookup: value, LogDir: filepath.Join(c.cfg.Dir, "logs"), ScratchDir: c.cfg.Scratch,
		Env: func(i app.Instance) (map[string]string, error) {
			env := maps.Clone(trust)
			for name, text := range c.cfg.App.Start.Env {
				expanded, err := spec.Expand(text, func(v string) (string, bool) { return value(i, v) })
				if err != nil {
					return nil, fmt.Errorf("start.env.%s: %w", name, err)
				}
				env[name] = expanded
			}
			return env, nil
		},
		Clock: c.clock, Sink: c.sink, Redact: c.redact.String, Path: environ["PATH"], Home: environ["HOME"], Lang: environ["LANG"],
		As: c.cfg.As, Machine: machine, Hidden: hidden,
	})
	if c.app != nil {
		c.later("stop the app", c.app.Stop)
	}
	if err != nil {
		return err
	}
	c.publish(ctx)
	return company(ctx, control.After)
}

// publish opens the app to the machine outside of its private network: to the user's browser, whose requests are no attempts.
func (c *cell) publish(ctx context.Context) {
	for i, address := range c.app.Addresses() {
		if i == len(c.cfg.Published) {
			break
		}
		published := private.Publish(ctx, c.cfg.Published[i], "tcp", address)
		c.later("close the app to the outside", func(context.Context) error { return published.Close() })
	}
}

// authorityPEM is what the app shall trust; nil for nothing.
func (c *cell) authorityPEM() []byte {
	if c.cfg.Authority == nil {
		return nil
	}
	return c.cfg.Authority.PEM()
}

// runtime is the word for where the run happens.
func (c *cell) runtime() string {
	if c.cfg.Contained != nil {
		return RuntimeDocker
	}
	return RuntimeLocal
}

// Where a run happens.
const (
	RuntimeLocal  = "local"
	RuntimeDocker = "docker"
)

// trust writes the file of the authority that the app shall trust, and gives the variables that name it; without an authority there are none.
func (c *cell) trust() (map[string]string, error) {
	env := map[string]string{}
	if c.cfg.Authority == nil {
		return env, nil
	}
	path := filepath.Join(c.cfg.Scratch, "authority.pem")
	if c.cfg.Contained != nil {
		path = private.TrustBundles[0] // which each container finds covered
	} else if err := os.WriteFile(path, c.cfg.Authority.PEM(), 0o644); err != nil {
		return nil, err
	}
	for _, name := range private.TrustVariables {
		env[name] = path
	}
	return env, nil
}

// variable gives the value of one variable that an app file may use where an instance starts.
func (c *cell) variable(services map[string]string, i app.Instance, name string) (string, bool) {
	if v, ok := services[name]; ok {
		return v, true
	}
	if secret, ok := strings.CutPrefix(name, "secret."); ok {
		v, ok := c.cfg.Secrets[secret]
		return v, ok
	}
	switch name {
	case "payer.key":
		return c.payer.key, true
	case "payer.address":
		return truth.Address(c.payer.address), true
	}
	return i.Variable(name)
}

// logIn makes the users and logs each of them in once.
func (c *cell) logIn(ctx context.Context) (err error) {
	services := c.net.Variables()
	screen, err := c.startBrowser(ctx)
	if err != nil {
		return err
	}
	c.runner, err = journey.New(journey.Config{
		Plan: c.plan, App: c.cfg.App, URL: c.app.URL, Accounts: c.users, Intents: c.ledger, Clock: c.clock, Sink: c.sink, Redact: c.redact.String,
		Secret:   func(name string) (string, bool) { v, ok := c.cfg.Secrets[name]; return v, ok },
		Commands: c.app, Services: func(name string) (string, bool) { v, ok := services[name]; return v, ok },
		Browser: screen, Picture: c.keepPicture,
	})
	if err != nil {
		return err
	}
	c.later("close the users' connections", func(context.Context) error { c.runner.Close(); return nil })
	return c.runner.Login(ctx)
}

// preflight proves that the app's reads and its first payment reach us, so that no run says anything about an app that talks to someone else.
func (c *cell) preflight(ctx context.Context) error {
	before := c.requests()
	hurrying, stop := context.WithCancel(ctx)
	hurried := make(chan struct{})
	go func() { defer close(hurried); c.hurry(hurrying) }()
	attempts, err := c.runner.Preflight(ctx)
	stop()
	<-hurried
	if err != nil {
		return err
	}
	for _, a := range attempts {
		switch {
		case a.Error != "":
			return fmt.Errorf("%s got no answer from the app: %s %s", a.Journey, a.Error, a.Detail)
		case a.Status < 200 || a.Status > 299:
			return fmt.Errorf("%s was answered with %s before anything was broken: %s", a.Journey, cmp.Or(a.Detail, fmt.Sprintf("HTTP %d", a.Status)), strings.TrimSpace(a.Body))
		case len(a.Missing) > 0:
			return fmt.Errorf("%s: the answer has no %s where the app file says: %s", a.Journey, strings.Join(a.Missing, ", no "), strings.TrimSpace(a.Body))
		}
	}
	if c.requests() == before {
		return errors.New("the app answered, but asked none of the services of this world: does it read their addresses from its environment (${service.NAME.CHAIN.url})?")
	}
	for _, j := range c.plan.Journeys {
		if j.Kind != "write" {
			continue
		}
		if !c.paid("preflight/" + j.Name) {
			return fmt.Errorf("%s was accepted, but no transaction to its recipient reached a provider of this world", j.Name)
		}
	}
	return nil
}

// hurry publishes the next block as soon as the payment of each preflight is with every node, so that no one waits for its turn.
func (c *cell) hurry(ctx context.Context) {
	carried := int64(0)
	for _, j := range c.plan.Journeys {
		if j.Kind != "write" {
			continue
		}
		conductor, err := c.chains.Chain(j.Chain)
		if err != nil {
			return
		}
		carried++
		for !c.paid("preflight/"+j.Name) || c.payments.carried.Load() < carried {
			if clock.Sleep(ctx, 5*time.Millisecond) != nil {
				return
			}
		}
		if err := conductor.Step(ctx); err != nil && ctx.Err() == nil {
			c.note("no block could be built for the preflight of %s: %v", j.Name, err)
		}
	}
}

// paid reports whether a gateway has seen the payment of an intent.
func (c *cell) paid(intent string) bool {
	c.payments.mu.Lock()
	defer c.payments.mu.Unlock()
	return c.payments.seen[intent]
}

func (c *cell) requests() int64 {
	var n int64
	for _, s := range c.plan.Services {
		n += c.net.Requests(s.Name)
	}
	return n
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
