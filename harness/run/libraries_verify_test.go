//go:build verify

package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"

	"blackout/harness/chain"
	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/journey"
	"blackout/harness/plan"
	"blackout/harness/spec"
)

const (
	libraryChain = "ethereum"
	// libraryToken is where the chain has its token contract, for reads by eth_call.
	libraryToken = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
	// libraryLag is by how many blocks the reference node has passed the head that lags before anything is read: no balance can be taken for another then.
	libraryLag = 3
	// libraryBound is for what has to come at all, on a busy machine too.
	libraryBound = 2 * time.Minute
)

// TestVerifyLibraries has viem and ethers read balances and make payments while the first of two providers fails, and holds what becomes of each. Chain, services, faults
// and probes are those of a run, set up by its own stages; the libraries run in Node. Everything goes on side by side, each client with two providers of its own.
func TestVerifyLibraries(t *testing.T) {
	if _, err := os.Stat("../../scenarios/apps/node_modules"); err != nil {
		t.Fatalf("viem and ethers are not installed: run make apps (%v)", err)
	}
	c, dir := libraryCell(t)
	confirmed := &confirmations{sink: c.sink, missing: len(c.plan.Effects), all: make(chan struct{})}
	d, err := newDriver(c.plan, &driver{clock: c.clock, sink: confirmed, surface: c.net, probe: c.probe, mark: c.markConnections})
	if err != nil {
		t.Fatal(err)
	}
	d.start = c.clock.Now()
	holding, heal := context.WithCancel(t.Context())
	played := make(chan error, 1)
	go func() { played <- d.play(holding) }()
	select {
	case <-confirmed.all:
	case err := <-played:
		t.Fatalf("the faults ended: %v", err)
	case <-time.After(libraryBound):
		t.Fatal("not all faults were confirmed")
	}
	c.awaitBlocks(t, libraryLag)
	m := &libraryMeasure{t: t, head: c.recorder.Reference(libraryChain).Number}
	m.answers = c.libraries(t)
	used := c.libraryNonces(t)
	heal()
	if err := <-played; err != nil {
		t.Errorf("the faults did not go: %v", err)
	}
	if err := errors.Join(c.stop(), c.sink.Seal(history.EndComplete, "", c.clock.Now())); err != nil {
		t.Fatal(err)
	}
	if m.history, err = history.ReadFolder(dir); err != nil {
		t.Fatal(err)
	}
	m.count(c.users[0].Address)
	for _, r := range libraryRows() {
		for i := range r.setups() {
			m.hold(r, i)
		}
	}
	t.Logf("the table:\n%s", libraryTable(m.cell))
	for _, how := range libraryLosses {
		for _, setup := range libraryPayers {
			m.holdPayment(how, setup, used[payment(how, setup)])
		}
	}
}

// service names a pair of providers: a row's with a set-up, the one after the last for the read by eth_call.
func (r libraryRow) service(setup int) string { return fmt.Sprintf("%s-%d", r.id, setup) }

func (r libraryRow) setups() int {
	if r.call != nil {
		return len(librarySetups) + 1
	}
	return len(librarySetups)
}

// payment names a pair of providers of a payment whose reply is lost.
func payment(how, setup string) string {
	return fmt.Sprintf("lost-%s-%d", how, slices.Index(libraryPayers, setup))
}

// confirmations passes records on, and tells when every fault was seen to act.
type confirmations struct {
	sink history.Sink

	mu      sync.Mutex
	missing int
	all     chan struct{}
}

// libraryCell is a cell with chain and services, as far as a run has come when it starts the app, and the folder of its history.
func libraryCell(t *testing.T) (*cell, string) {
	t.Helper()
	p := libraryPlan(t)
	encoded, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.ArtifactDir()
	file, err := os.Create(filepath.Join(dir, history.PlainName))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	c := &cell{cfg: Config{ID: "libraries", Version: "test", PlanBytes: encoded, Scratch: t.TempDir()}, plan: p, clock: clock.Start(), redact: history.NewRedactor(), fatal: cancel}
	c.sink = history.NewWriter(file, c.redact, nil)
	t.Cleanup(func() {
		if err := errors.Join(c.stop(), file.Close()); err != nil {
			t.Error(err)
		}
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
			t.Error(cause)
		}
		cancel(nil)
	})
	for _, step := range []func() error{c.open, func() error { return c.bootChain(ctx) }, func() error { return c.openInternet(ctx) }} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	return c, dir
}

// libraryPlan is the plan of a world in which each client has two providers, and of a scenario in which the first of each fails.
func libraryPlan(t *testing.T) *plan.Plan {
	t.Helper()
	var services, faults strings.Builder
	pair := func(id, fault string) {
		for _, which := range []string{"first", "second"} {
			fmt.Fprintf(&services, "  %s-%s: {kind: rpc, dialect: plain, hosts: {%s: %s.%s.example}, placement: {aws/us-east-1: 100%%}, known_from: assumed}\n", id, which, libraryChain, which, id)
		}
		fmt.Fprintf(&faults, "  - {%s, target: {service: %s-first}}\n", fault, id)
	}
	for _, r := range libraryRows() {
		for i := range r.setups() {
			pair(r.service(i), r.fault)
		}
	}
	for _, how := range libraryLosses {
		for _, setup := range libraryPayers {
			pair(payment(how, setup), "fault: reply-lost, with: {how: "+how+", methods: [eth_sendRawTransaction]}")
		}
	}
	file := func(name, text string) spec.File { return spec.File{Name: name, Data: []byte(text)} }
	world, err := spec.ParseWorld(file("world.yaml", `schema: blackout/world/1
name: libraries
clouds: {aws: {regions: [us-east-1]}}
chains: {`+libraryChain+`: {id: 1, block_time: 1s, safe: 2 blocks, finalized: 4 blocks, token: "`+libraryToken+`"}}
services:
`+services.String()), spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	scenario, err := spec.ParseScenario(file("scenario.yaml", `schema: blackout/scenario/1
name: libraries
baseline: 1s
phases:
- name: the first of two providers fails
  at: 0s
  for: 10m # the test ends it
  faults:
`+faults.String()), spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	app, err := spec.ParseApp(file("app.yaml", `schema: blackout/app/1
name: libraries
start: {command: [node, libraries.mjs]}
url: "http://127.0.0.1:${instance.port}"
ready: {request: GET /health}
accounts: {count: `+strconv.Itoa(1+len(libraryLosses)*len(libraryPayers))+`, fund: 100 ether}
journeys:
  view-balance:
    kind: read
    rate: 30/s
    deadline: 2s
    request: GET /balance/${account.address}
    answer: {balance: {path: "$.balance", unit: wei}}
`), spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Build(plan.Input{World: world, App: app, Scenario: scenario, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (c *confirmations) Add(r history.Record) {
	c.sink.Add(r)
	if f, ok := r.(history.Fault); ok && f.State == history.FaultConfirmed {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.missing--; c.missing == 0 {
			close(c.all)
		}
	}
}

// libraryOrder is what the Node program is to do.
type libraryOrder struct {
	Watch int           `json:"watch"` // s
	Reads []libraryRead `json:"reads"`
}

type libraryRead struct {
	ID    string   `json:"id"`
	Setup string   `json:"setup"`
	URLs  []string `json:"urls"`
	What  string   `json:"what"` // balance | call | pay
	Args  []string `json:"args"`
	Times int      `json:"times,omitempty"` // one after the other; 0 is once
}

// libraryAnswer is what the program says of one read.
type libraryAnswer struct {
	Outcome string  `json:"outcome"`
	Value   string  `json:"value"`
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Seconds float64 `json:"seconds"`
}

// libraries runs the Node program and gives its answers by id.
func (c *cell) libraries(t *testing.T) map[string][]libraryAnswer {
	t.Helper()
	order := libraryOrder{Watch: libraryWatch}
	add := func(id, setup, what string, times int, args ...string) {
		var urls []string
		for _, which := range []string{"first", "second"} {
			address, _, err := c.net.URL(id+"-"+which, libraryChain)
			if err != nil {
				t.Fatal(err)
			}
			urls = append(urls, address)
		}
		order.Reads = append(order.Reads, libraryRead{ID: id, Setup: setup, URLs: urls, What: what, Args: args, Times: times})
	}
	of := c.users[0].Address
	for _, r := range libraryRows() {
		for i, setup := range librarySetups {
			add(r.service(i), setup, "balance", r.wants[i].times, of)
		}
		if r.call != nil {
			balanceOf := "0x70a08231" + strings.Repeat("0", 24) + strings.TrimPrefix(of, "0x")
			add(r.service(len(librarySetups)), librarySetups[2], "call", 0, libraryToken, balanceOf)
		}
	}
	for n, how := range libraryLosses {
		for i, setup := range libraryPayers {
			add(payment(how, setup), setup, "pay", 0, c.libraryPayer(n, i).Key, "0x00000000000000000000000000000000000000aa", "1")
		}
	}
	in, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), libraryBound)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "testdata/libraries.mjs")
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, said.String())
	}
	answers := map[string][]libraryAnswer{}
	for lines := json.NewDecoder(bytes.NewReader(out)); ; {
		var line struct {
			ID      string          `json:"id"`
			Answers []libraryAnswer `json:"answers"`
		}
		switch err := lines.Decode(&line); {
		case errors.Is(err, io.EOF):
			return answers
		case err != nil:
			t.Fatalf("%v in:\n%s", err, out)
		}
		answers[line.ID] = line.Answers
	}
}

// libraryPayer is the account of one payment: the first user's balance is read.
func (c *cell) libraryPayer(how, setup int) journey.Account {
	return c.users[1+how*len(libraryPayers)+setup]
}

// awaitBlocks waits until the reference node has seen so many more blocks.
func (c *cell) awaitBlocks(t *testing.T, n uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), libraryBound)
	defer cancel()
	for to := c.recorder.Reference(libraryChain).Number + n; c.recorder.Reference(libraryChain).Number < to; {
		if err := clock.Sleep(ctx, 50*time.Millisecond); err != nil {
			t.Fatalf("the chain stands still: %v", err)
		}
	}
}

// libraryNonces is how many nonces each paying account has used by what is mined.
func (c *cell) libraryNonces(t *testing.T) map[string]uint64 {
	t.Helper()
	node, err := c.chains.Node(libraryChain + "/" + plan.RoleReference)
	if err != nil {
		t.Fatal(err)
	}
	client, err := ethclient.DialContext(t.Context(), node.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	used := map[string]uint64{}
	for n, how := range libraryLosses {
		for i, setup := range libraryPayers {
			nonce, err := client.NonceAt(t.Context(), common.HexToAddress(c.libraryPayer(n, i).Address), nil)
			if err != nil {
				t.Fatal(err)
			}
			used[payment(how, setup)] = nonce - chain.FirstNonce
		}
	}
	return used
}
