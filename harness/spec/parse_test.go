package spec

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"blackout/harness/canned"
	"blackout/harness/fault"
)

// ignoreSource leaves out where things stand.
var ignoreSource = cmpopts.IgnoreTypes(&Source{})

func file(text string) File { return File{Name: "test.yaml", Data: []byte(text)} }

func TestParseWorld(t *testing.T) {
	address := func(start string) string { return "0x" + start + "aa000000000000000000000000000000000000" }
	got, err := ParseWorld(file(`
schema: blackout/world/1
name: small
clouds:
  aws: {regions: [us-east-1, us-west-2]}
  operators: {shared_fate: none, regions: [op-1]}
chains:
  ethereum: {id: 1, block_time: 2s, safe: 12 blocks}
  base:
    id: 8453
    block_time: 1s
    settles_on: ethereum
    max_drift: 20s
    token: "0x01aa000000000000000000000000000000000000"
    contracts:
      multicall3: "0x02aa000000000000000000000000000000000000"
      balance_checker: "0x03aa000000000000000000000000000000000000"
      nft: "0x04aa000000000000000000000000000000000000"
      ens_registry: "0x05aa000000000000000000000000000000000000"
      ens_resolver: "0x06aa000000000000000000000000000000000000"
      ens_universal_resolver: "0x07aa000000000000000000000000000000000000"
services:
  infura:
    kind: rpc
    dialect: infura
    hosts: {ethereum: mainnet.infura.io}
    placement: {aws/us-east-1: 66.67%, aws/us-west-2: 33.33%}
    latency: 40ms
    capacity: {headroom: 100%}
    depends_on:
      - service: dynamodb
        for: {region: aws/us-east-1}
        delay: 5s
        effect: {fault: http-status, with: {status: 503}, share: 80%, existing: cut}
  dynamodb: {kind: internal, placement: {aws/us-east-1: 100%}, known_from: operator}
  api: {kind: http, host: api.example.org, placement: {operators/op-1: 100%}, ttl: 30s, capacity: {rate: 30/m}}
`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := &World{
		Name:       "small",
		Clouds:     map[string]Cloud{"aws": {Regions: []string{"us-east-1", "us-west-2"}}, "operators": {Regions: []string{"op-1"}, NoSharedFate: true}},
		ChainOrder: []string{"ethereum", "base"},
		Chains: map[string]Chain{
			"ethereum": {ID: 1, BlockTime: 2 * time.Second, Safe: 12, Finalized: 12},
			"base": {
				ID: 8453, BlockTime: time.Second, Safe: 4, Finalized: 8, SettlesOn: "ethereum", MaxDrift: 20 * time.Second, Token: address("01"),
				Contracts: Contracts{
					Multicall3: address("02"), BalanceChecker: address("03"), NFT: address("04"), ENSRegistry: address("05"), ENSResolver: address("06"),
					ENSUniversalResolver: address("07"),
				},
			},
		},
		Services: map[string]Service{
			"infura": {
				Kind: "rpc", Dialect: "infura", Hosts: map[string]string{"ethereum": "mainnet.infura.io"},
				Placement: map[string]float64{"aws/us-east-1": 0.6667, "aws/us-west-2": 0.3333}, KnownFrom: "assumed", Latency: 40 * time.Millisecond,
				TTL: 5 * time.Second, Capacity: &Capacity{Headroom: 1},
				DependsOn: []Dependency{{
					Service: "dynamodb", For: &Target{Path: "services.infura.depends_on[0].for", Region: "aws/us-east-1"}, Delay: 5 * time.Second,
					Effect: FaultUse{
						Path: "services.infura.depends_on[0].effect", Fault: "http-status", With: map[string]any{"status": int64(503)},
						Share: Share{0.8, 0.8}, Existing: "cut",
					},
				}},
			},
			"dynamodb": {Kind: "internal", Placement: map[string]float64{"aws/us-east-1": 1}, KnownFrom: "operator", TTL: 5 * time.Second},
			"api": {
				Kind: "http", Dialect: "plain", Host: "api.example.org", Placement: map[string]float64{"operators/op-1": 1}, KnownFrom: "assumed", TTL: 30 * time.Second,
				Capacity: &Capacity{Rate: 0.5}, Site: &canned.Site{},
			},
		},
	}
	if diff := cmp.Diff(want, got, ignoreSource, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Error(diff)
	}
}

const smallApp = `schema: blackout/app/1
name: wallet
start: {command: [node, server.js], env: {PORT: "${instance.port}"}}
url: "http://127.0.0.1:${instance.port}"
ready: {request: GET /health}
journeys:
  view: {kind: read, rate: 20/s, deadline: 2s, request: "GET /balance/${account.address}", answer: {balance: {path: "$.balance"}}}
`

func TestAppDefaults(t *testing.T) {
	got, err := ParseApp(File{Name: "apps/wallet/app.yaml", Data: []byte(smallApp)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := &App{
		Dir: "apps/wallet", Name: "wallet",
		Start:    Start{Command: []string{"node", "server.js"}, Env: map[string]string{"PORT": "${instance.port}"}},
		URL:      "http://127.0.0.1:${instance.port}",
		Ready:    Ready{Request: Request{Method: "GET", Path: "/health"}, Within: 20 * time.Second},
		Secrets:  map[string]Secret{},
		Accounts: Accounts{Count: 10, Fund: "100 ether", Wei: "100000000000000000000"},
		Sessions: Sessions{Count: 10}, Steady: Steady{OK: 0.99}, RecoverWithin: 10 * time.Second, Amplification: 3,
		Journeys: map[string]Journey{"view": {
			Name: "view", Driver: "http", Kind: "read", Rate: 20, Deadline: 2 * time.Second, Patience: 6 * time.Second,
			Request: Request{Method: "GET", Path: "/balance/${account.address}"},
			Answer:  map[string]AnswerField{"balance": {Path: "$.balance", Unit: "wei", Decimals: -1}},
			Checks:  Checks{MaxStale: 3, ConfirmedMeans: 1, Settle: 10 * time.Second},
		}},
		JourneyOrder: []string{"view"},
	}
	if diff := cmp.Diff(want, got, ignoreSource); diff != "" {
		t.Error(diff)
	}
}

func TestAppInFull(t *testing.T) {
	got, err := ParseApp(file(`
schema: blackout/app/1
name: exchange
start:
  prepare: [make, build]
  command: [./exchange]
  env: {RPC: "${service.infura.ethereum.url}", PRICE: "$$5", DIR: "${instance.dir}", KEY: "${secret.API_KEY}"}
url: "http://localhost:${instance.port}/api"
ready: {request: GET /health, within: 5s}
instances: {aws/us-east-1: 1, gcp/us-central1: 2}
secrets: {API_KEY: {from_env: EXCHANGE_KEY}}
accounts: {count: 3, fund: 0.25 ether}
sessions:
  count: 5
  login: {request: POST /login, json: {user: "${account.address}", remember: true, list: [1, 2.5, null]}, capture: {token: "$.token"}}
  headers: {Authorization: "Bearer ${session.token}"}
journeys:
  pay:
    kind: write
    rate: 90/m
    deadline: 20s
    request: POST /pay/${session.index}
    json: {to: "${intent.to}", key: "${secret.API_KEY}"}
    answer: {id: {path: "$.id"}, state: {path: "$.state"}, ticket: {path: "$['ticket']"}}
    states: {pending: [sent], confirmed: [done, mined], failed: [failed]}
    follow: {request: "GET /pay/${answer.id}/${answer.ticket}", every: 500ms}
    checks: {payment: {confirmed_means: 2 blocks, settle: 20s}}
`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Sessions{
		Count: 5,
		Login: &Login{
			Request: Request{Method: "POST", Path: "/login", JSON: map[string]any{"user": "${account.address}", "remember": true, "list": []any{int64(1), 2.5, nil}}},
			Capture: map[string]string{"token": "$.token"},
		},
		Headers: map[string]string{"Authorization": "Bearer ${session.token}"},
	}, got.Sessions); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Journey{
		Name: "pay", Driver: "http", Kind: "write", Rate: 1.5, Deadline: 20 * time.Second, Patience: 30 * time.Second,
		Request: Request{Method: "POST", Path: "/pay/${session.index}", JSON: map[string]any{"to": "${intent.to}", "key": "${secret.API_KEY}"}},
		Answer: map[string]AnswerField{
			"id": {Path: "$.id", Decimals: -1}, "state": {Path: "$.state", Decimals: -1}, "ticket": {Path: "$['ticket']", Decimals: -1},
		},
		States: map[string][]string{"pending": {"sent"}, "confirmed": {"done", "mined"}, "failed": {"failed"}},
		Follow: &Follow{Request: Request{Method: "GET", Path: "/pay/${answer.id}/${answer.ticket}"}, Every: 500 * time.Millisecond},
		Checks: Checks{MaxStale: 3, ConfirmedMeans: 2, Settle: 20 * time.Second},
	}, got.Journeys["pay"]); diff != "" {
		t.Error(diff)
	}
	if got.Accounts.Wei != "250000000000000000" || got.Start.Env["PRICE"] != "$$5" || got.Instances["gcp/us-central1"] != 2 || got.Secrets["API_KEY"].FromEnv != "EXCHANGE_KEY" {
		t.Errorf("accounts %+v, env %v, instances %v, secrets %v", got.Accounts, got.Start.Env, got.Instances, got.Secrets)
	}
}

func TestParseScenario(t *testing.T) {
	got, err := ParseScenario(file(`
schema: blackout/scenario/1
name: two
phases:
  - name: first
    for: 10s
    lasted: 2h52m
    faults: [{fault: unreachable, target: [{service: infura}, {region: aws/us-east-1, except: {service: alchemy}}], flap: {bad: 2s, good: 1s}}]
  - name: second
    for: 5s
    expect: {write: degraded}
    faults: [{fault: http-status, with: {status: 503}, target: {chain: base}, share: {from: 40%, to: 0%}}]
`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := &Scenario{
		Name: "two", Tags: nil, Baseline: 15 * time.Second, After: 30 * time.Second,
		Phases: []Phase{
			{Name: "first", For: 10 * time.Second, Lasted: 172 * time.Minute, Faults: []FaultUse{{
				Path: "phases[0].faults[0]", Fault: "unreachable", Share: Share{1, 1}, Flap: &Flap{Bad: 2 * time.Second, Good: time.Second},
				Targets: []Target{
					{Path: "phases[0].faults[0].target[0]", Service: "infura"},
					{Path: "phases[0].faults[0].target[1]", Region: "aws/us-east-1", Except: []Target{{Path: "phases[0].faults[0].target[1].except", Service: "alchemy"}}},
				},
			}}},
			{Name: "second", At: 10 * time.Second, For: 5 * time.Second, Expect: map[string]string{"write": "degraded"}, Faults: []FaultUse{{
				Path: "phases[1].faults[0]", Fault: "http-status", With: map[string]any{"status": int64(503)}, Share: Share{0.4, 0},
				Targets: []Target{{Path: "phases[1].faults[0].target", Chain: "base"}},
			}}},
		},
	}
	if diff := cmp.Diff(want, got, ignoreSource); diff != "" {
		t.Error(diff)
	}
	if at := got.Source.At("phases[1].faults[0].share.to"); at != (Pos{"test.yaml", 12, 102}) {
		t.Errorf("the share's end is at %v", at)
	}
	if at := got.Source.At("phases[1].faults[0].nothing.here"); at != (Pos{"test.yaml", 12, 14}) {
		t.Errorf("the nearest parent is at %v", at)
	}
}

func TestParseSuiteAndGate(t *testing.T) {
	suite, err := ParseSuite(file("schema: blackout/suite/1\nname: s\nversion: \"1\"\nscenarios: [{name: a}, {name: b, weight: 2.5}]\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&Suite{Name: "s", Version: "1", Seeds: []uint64{1}, Scenarios: []SuiteEntry{{"a", 1}, {"b", 2.5}}}, suite, ignoreSource); diff != "" {
		t.Error(diff)
	}
	gate, err := ParseGate(file(`schema: blackout/gate/1
name: g
rules: [{id: covered, metric: coverage, min: 80%, where: {tag: region}}, {id: fast, metric: recovered_after_s, max: 30, across_seeds: median, when_missing: skip}]
waivers: [{rule: fast, where: {scenario: base-sequencer-halt}, reason: no fallback yet, owner: payments, until: "2026-12-31"}]
`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	least, most := 0.8, 30.0
	if diff := cmp.Diff(&Gate{
		Name: "g",
		Rules: []Rule{
			{ID: "covered", Metric: "coverage", Min: &least, Where: map[string]string{"tag": "region"}, AcrossSeeds: "worst", WhenMissing: "fail"},
			{ID: "fast", Metric: "recovered_after_s", Max: &most, AcrossSeeds: "median", WhenMissing: "skip"},
		},
		Waivers: []Waiver{{Rule: "fast", Where: map[string]string{"scenario": "base-sequencer-halt"}, Reason: "no fallback yet", Owner: "payments", Until: "2026-12-31"}},
	}, gate, ignoreSource); diff != "" {
		t.Error(diff)
	}
}

// TestParameters uses a catalogue of its own, with a parameter of each type.
func TestParameters(t *testing.T) {
	lookup := lookupFault
	t.Cleanup(func() { lookupFault = lookup })
	least, most := 1.0, 20.0
	lookupFault = func(name string) (*fault.Definition, bool) {
		return &fault.Definition{Name: name, Params: []fault.Param{
			{Name: "count", Type: fault.TypeInt, Min: &least}, {Name: "factor", Type: fault.TypeNumber}, {Name: "word", Type: fault.TypeString, Enum: []string{"a", "b"}},
			{Name: "flag", Type: fault.TypeBool}, {Name: "delay", Type: fault.TypeDuration}, {Name: "rate", Type: fault.TypeRate}, {Name: "methods", Type: fault.TypeStrings},
			{Name: "keep", Type: fault.TypePart, Max: &most}, {Name: "chain", Type: fault.TypeChain}, {Name: "unset", Type: fault.TypeInt, Default: int64(7)},
		}}, true
	}
	const scenario = "schema: blackout/scenario/1\nname: x\nphases: [{name: p, for: 1s, faults: [{fault: any, target: {app: all}, with: {%}}]}]\n"
	with := func(params string) (map[string]any, error) {
		s, err := ParseScenario(file(replace(scenario, params)), Options{Env: func(string) (string, bool) { return "12", true }})
		if err != nil {
			return nil, err
		}
		return s.Phases[0].Faults[0].With, nil
	}
	got, err := with(`count: "${env.N}", factor: 1.5, word: b, flag: true, delay: 40ms, rate: 5/s, methods: [eth_call, eth_getLogs], keep: 50%, chain: base`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{
		"count": int64(12), "factor": 1.5, "word": "b", "flag": true, "delay": "40ms", "rate": "5/s", "methods": []string{"eth_call", "eth_getLogs"}, "keep": "50%", "chain": "base",
	}, got); diff != "" {
		t.Error(diff)
	}
	if got, err = with(`keep: "${env.N}"`); err != nil || got["keep"] != int64(12) {
		t.Errorf("a count: %v, %v", got, err)
	}
	for _, bad := range []string{"keep: 100%", "keep: 21", "keep: -1", "keep: 0.5", "keep: half", "chain: 1", "count: 0", "count: 1.5", "factor: x", "word: c", "flag: 1", "delay: 40", "rate: 5", "methods: eth_call", "methods: [1]", "count: "} {
		if _, err := with(bad); err == nil || len(err.(Problems)) != 1 || err.(Problems)[0].Pos.Line != 3 {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
