package main

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"blackout/harness/history"
	"blackout/reports/verdict"
)

// twoProviders is a world with a second provider, beta. The app knows no address of it unless it is told.
var twoProviders = []string{"--world", "testdata/tiny/two-providers.yaml"}

// sharedNetwork lets what strikes from outside reach the run's ports.
var sharedNetwork = []string{"--network", "shared"}

// faultSet replaces the fault of the scenario alpha-down.
func faultSet(fault string) string { return "scenario.phases[0].faults=[" + fault + "]" }

// TestDoubts brings about each reason for which a run that was played to its end says nothing about the app, or that the outage was not the app's, by what really
// happens to a run. Reasons are patterns: each is among the run's reasons, and the run has no other. The reasons of runs that were cut off, interrupted or aborted are
// with the bad days (badday_linux_test.go), those of controls with the rounds.
func TestDoubts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, scenario, misbehave string
		set, more                 []string
		strike                    func(p *program) // comes from outside while the run goes on
		verdict                   string
		reasons                   []string
	}{
		{
			name: "slow in the baseline", scenario: "alpha-down", misbehave: "slow=2500ms", set: []string{"steady_state.p99=2s"}, verdict: verdict.Inconclusive,
			reasons: []string{`^view-balance was not steady in the baseline: p99 \d(\.\d+)? s, at most 2 s is asked$`},
		},
		{
			name: "declines in the baseline", scenario: "alpha-down", misbehave: "declines=4", verdict: verdict.Inconclusive,
			reasons: []string{`^view-balance was not steady in the baseline: 7\d(\.\d)? % ok, 90 % are asked$`},
		},
		{
			name: "a check speaks in the baseline", scenario: "alpha-down", misbehave: "zeros=12", verdict: verdict.Inconclusive,
			reasons: []string{`^zero-balance spoke in the baseline of view-balance: [12] attempts?$`},
		},
		{ // A call without an id gets no reply, so that an error in its reply never reaches the app.
			name: "missed", scenario: "alpha-down", misbehave: "notifies", verdict: verdict.Inconclusive,
			more: twoProviders, set: []string{
				`start.env.SECOND_URL="${service.beta.ethereum.url}"`,
				faultSet("{fault: rpc-error, with: {code: -32000, message: too busy}, target: {service: beta}}"),
			},
			reasons: []string{`^rpc-error on beta( \(ethereum\))? was missed: the app used it anew and the fault touched nothing$`},
		},
		{ // One socket for all that the app asks: it is open when new connections begin to be swallowed.
			name: "nothing but spared", scenario: "alpha-down", verdict: verdict.Inconclusive,
			set: []string{
				`start.env.RPC_URL="${service.alpha.ethereum.ws}"`, faultSet("{fault: connection-blackhole, target: {service: alpha}}"),
			},
			reasons: []string{`^nothing was exercised: the app was spared by connection-blackhole on alpha( \(ethereum\))?$`},
		},
		{
			name: "nothing but not used", scenario: "alpha-down", verdict: verdict.NotApplicable,
			more: twoProviders, set: []string{faultSet("{fault: unreachable, target: {service: beta}}")},
			reasons: []string{`^the app used nothing that failed: unreachable on beta( \(ethereum\))?$`},
		},
		{ // For a second nothing of the harness runs: what is due in the first half of it is too late by more than 5 % of its deadline of 10 s.
			name: "too many void", scenario: "alpha-down", set: []string{"scenario.phases[0].for=6s"}, verdict: verdict.Inconclusive,
			strike:  func(p *program) { p.starve(alphaHit, time.Second) },
			reasons: []string{`^\d+(\.\d)? % of the attempts in the outage are void: the harness was late itself, or knew no truth; 2 % are allowed$`},
		},
		{ // What is void does not count: of 24 attempts of each journey in 3 s there are too few left.
			name: "too few attempts", scenario: "alpha-down", verdict: verdict.Inconclusive,
			strike: func(p *program) { p.starve(alphaHit, 1500*time.Millisecond) },
			reasons: []string{
				`^only 1\d attempts of view-balance in the outage, 20 are needed$`, `^only 1\d attempts of send-payment in the outage, 20 are needed$`,
				`% of the attempts in the outage are void`,
			},
		},
		{ // Somebody else listens at the provider's address while the fault keeps it closed, so that it cannot be opened again.
			name: "clean-up unverified", scenario: "alpha-down", verdict: verdict.Inconclusive,
			more:   sharedNetwork,
			set:    []string{faultSet("{fault: connection-refused, target: {service: alpha}, existing: cut}")},
			strike: takePort,
			reasons: []string{
				`^connection-refused on alpha( \(ethereum\))? failed: .* was lifted, and its service was out of reach for 5s: .*another program took the port`,
				`^clean-up unverified: connection-refused on alpha( \(ethereum\))? was never seen cleared$`,
			},
		},
		{
			name: "a node that does not answer", scenario: "good-day", verdict: verdict.Inconclusive,
			more: sharedNetwork, strike: shutNodes,
			reasons: []string{`^trouble of our own that the app could feel: alpha: the node \S+ does not answer: `},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			more := slices.Clone(c.more)
			for _, set := range c.set {
				more = append(more, "--set", set)
			}
			p := start(t, []string{"MISBEHAVE=" + c.misbehave}, tinyRun(c.scenario, more...)...)
			if c.strike != nil {
				c.strike(p)
			}
			p.exits(verdict.ExitInconclusive, whole)
			p.leavesNothing()
			v := p.ended(history.EndComplete, c.verdict)
			checkReasons(t, v, c.reasons...)
			if c.verdict == verdict.NotApplicable && verdict.ExitCode(v, false) != verdict.ExitPass {
				t.Error("a scenario of a suite that does not apply to the app is held against it")
			}
		})
	}
}

// checkReasons checks why a run says nothing: each pattern matches one of its reasons, and each reason is matched.
func checkReasons(t *testing.T, v *verdict.Verdict, patterns ...string) {
	t.Helper()
	meant := make([]bool, len(v.Reasons))
	for _, pattern := range patterns {
		i := slices.IndexFunc(v.Reasons, regexp.MustCompile(pattern).MatchString)
		if i < 0 {
			t.Errorf("no reason is like %s: %q", pattern, v.Reasons)
			continue
		}
		meant[i] = true
	}
	for i, reason := range v.Reasons {
		if !meant[i] {
			t.Errorf("another reason: %s", reason)
		}
	}
}
