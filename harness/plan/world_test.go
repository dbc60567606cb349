package plan

import (
	"testing"
	"time"

	"blackout/harness/spec"
)

// The example world: three providers, one of them mostly in the region that goes down, and the database that it needs there.
func exampleWorld() *spec.World {
	return &spec.World{
		Name: "default",
		Clouds: map[string]spec.Cloud{
			"aws":       {Regions: []string{"us-east-1", "us-west-2"}},
			"gcp":       {Regions: []string{"us-central1"}},
			"operators": {Regions: []string{"op-1", "op-2"}, NoSharedFate: true},
		},
		Chains: map[string]spec.Chain{
			"ethereum": {ID: 1, BlockTime: 2 * time.Second, Safe: 4, Finalized: 8},
			"base":     {ID: 8453, BlockTime: time.Second, Safe: 4, Finalized: 8, SettlesOn: "ethereum", MaxDrift: 20 * time.Second},
		},
		Services: map[string]spec.Service{
			"infura": {
				Kind: "rpc", Dialect: "infura", Hosts: map[string]string{"ethereum": "mainnet.infura.io", "base": "base-mainnet.infura.io"},
				Placement: map[string]float64{"aws/us-east-1": 0.7, "aws/us-west-2": 0.3}, KnownFrom: "assumed", Latency: 40 * time.Millisecond,
				Capacity: &spec.Capacity{Headroom: 1},
				DependsOn: []spec.Dependency{{
					Service: "dynamodb-us-east-1", For: &spec.Target{Region: "aws/us-east-1"}, Delay: 5 * time.Second,
					Effect: spec.FaultUse{Path: "services.infura.depends_on[0].effect", Fault: "http-status", With: map[string]any{"status": int64(503)}, Share: spec.Share{From: 0.8, To: 0.8}},
				}},
			},
			"publicnode": {
				Kind: "rpc", Dialect: "plain", Hosts: map[string]string{"ethereum": "ethereum-rpc.publicnode.com"}, Placement: map[string]float64{"gcp/us-central1": 1}, KnownFrom: "assumed",
			},
			"base-public": {
				Kind: "rpc", Dialect: "plain", Hosts: map[string]string{"base": "mainnet.base.org"}, Placement: map[string]float64{"aws/us-east-1": 1}, KnownFrom: "press",
			},
			"prices":             {Kind: "http", Host: "api.prices.example", Placement: map[string]float64{"operators/op-1": 0.5, "operators/op-2": 0.5}, KnownFrom: "assumed"},
			"dynamodb-us-east-1": {Kind: "internal", Placement: map[string]float64{"aws/us-east-1": 1}, KnownFrom: "operator"},
		},
	}
}

func exampleApp() *spec.App {
	return &spec.App{
		Name:     "wallet",
		Start:    spec.Start{Command: []string{"./wallet"}, Env: map[string]string{"RPC_URL": "${service.infura.ethereum.url}"}},
		Accounts: spec.Accounts{Count: 10, Fund: "100 ether", Wei: "100000000000000000000"}, Sessions: spec.Sessions{Count: 10},
		Steady: spec.Steady{OK: 0.99, P99: 2 * time.Second}, RecoverWithin: 10 * time.Second,
		JourneyOrder: []string{"view-balance", "send-payment"},
		Journeys: map[string]spec.Journey{
			"view-balance": {
				Name: "view-balance", Driver: "http", Kind: "read", Rate: 20, Deadline: 2 * time.Second, Patience: 6 * time.Second, Chain: "ethereum",
				Request: spec.Request{Method: "GET", Path: "/balance/${account.address}"},
				Answer: map[string]spec.AnswerField{
					"balance": {Path: "$.amount", Unit: "ether", Decimals: 4}, "block": {Path: "$.block"}, "stale": {Path: "$.stale"}, "declined": {Path: "$.error"},
				},
				Checks: spec.Checks{MaxStale: 3},
			},
			"send-payment": {
				Name: "send-payment", Driver: "http", Kind: "write", Rate: 2, Deadline: 10 * time.Second, Patience: 30 * time.Second, Chain: "ethereum",
				Request: spec.Request{Method: "POST", Path: "/send"}, Answer: map[string]spec.AnswerField{"id": {Path: "$.id"}},
				Follow: &spec.Follow{Every: time.Second}, Checks: spec.Checks{ConfirmedMeans: 1, Settle: 10 * time.Second},
			},
		},
	}
}

// awsScenario is the outage of 20 October 2025, without the phase that needs faults of the app's own hosting.
func awsScenario() *spec.Scenario {
	return &spec.Scenario{
		Name: "aws-us-east-1-down", About: "AWS us-east-1 loses the DNS record of DynamoDB. What depends on it fails; later, load balancers flap.", Tags: []string{"aws", "dns", "region"},
		Incident: &spec.Incident{
			Date: "2025-10-20", Lasted: 14*time.Hour + 32*time.Minute, Sources: []spec.IncidentSource{{URL: "aws.amazon.com/message/101925", KnownFrom: "operator"}},
		},
		Baseline: 15 * time.Second, After: 30 * time.Second, Expect: map[string]string{"read": "ok", "write": "ok"},
		Phases: []spec.Phase{
			{Name: "name lost", At: 0, For: 15 * time.Second, Lasted: 2*time.Hour + 52*time.Minute, Faults: []spec.FaultUse{
				use("phases[0].faults[0]", "dns-empty", spec.Target{Service: "dynamodb-us-east-1"}),
			}},
			{Name: "load balancers flap", At: 20 * time.Second, For: 25 * time.Second, Lasted: 8*time.Hour + 39*time.Minute, Faults: []spec.FaultUse{
				with(use("phases[1].faults[0]", "connection-refused", spec.Target{Region: "aws/us-east-1"}), func(u *spec.FaultUse) {
					u.Share, u.Flap = spec.Share{From: 0.3, To: 0.3}, &spec.Flap{Bad: 2 * time.Second, Good: time.Second}
				}),
			}},
			{Name: "throttled recovery", At: 45 * time.Second, For: 15 * time.Second, Faults: []spec.FaultUse{
				with(use("phases[2].faults[0]", "http-status", spec.Target{Region: "aws/us-east-1"}), func(u *spec.FaultUse) {
					u.With, u.Share = map[string]any{"status": uint64(503)}, spec.Share{From: 0.4, To: 0}
				}),
			}},
		},
	}
}

// use names a fault for all of some targets.
func use(path, name string, targets ...spec.Target) spec.FaultUse {
	return spec.FaultUse{Path: path, Fault: name, Targets: targets, Share: spec.Share{From: 1, To: 1}}
}

func with(u spec.FaultUse, change func(*spec.FaultUse)) spec.FaultUse {
	change(&u)
	return u
}

// oneFault is a scenario of one phase of 20 s.
func oneFault(u spec.FaultUse) *spec.Scenario {
	u.Path = "phases[0].faults[0]"
	return &spec.Scenario{
		Name: "one", Baseline: 15 * time.Second, After: 30 * time.Second, Phases: []spec.Phase{{Name: "down", For: 20 * time.Second, Faults: []spec.FaultUse{u}}},
	}
}

func build(t testing.TB, in Input) *Plan {
	t.Helper()
	p, err := Build(in)
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	return p
}

func example(s *spec.Scenario) Input {
	return Input{World: exampleWorld(), App: exampleApp(), Scenario: s, Seed: 1}
}
