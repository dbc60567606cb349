package spec

import (
	"strings"
	"testing"
)

func parseRule(t *testing.T, rule string) (Rule, error) {
	t.Helper()
	g, err := ParseGate(File{Name: "gate.yaml", Data: []byte("schema: blackout/gate/1\nname: g\nrules:\n  - {id: a, " + rule + "}\n")}, Options{})
	if err != nil {
		return Rule{}, err
	}
	return g.Rules[0], nil
}

func TestRules(t *testing.T) {
	for _, tt := range []struct {
		rule, expects string // "" is a rule that is refused
		problem       string
		perJourney    bool
	}{
		{rule: "metric: score, min: 75, across_seeds: lower", expects: "at least 75"},
		{rule: "metric: score, min: 75, where: {kind: read}", expects: "at least 75", perJourney: true},
		{rule: "metric: score, min: 75, where: {tag: region}", expects: "at least 75"},
		{rule: "metric: coverage, min: 80%", expects: "at least 80 %"},
		{rule: "metric: coverage, min: 0.995", expects: "at least 99.5 %"},
		{rule: "metric: verdict, equals: pass", expects: "pass"},
		{rule: "metric: severity, equals: safe, across_seeds: best", expects: "safe"},
		{rule: "metric: findings, equals: 0", expects: "exactly 0", perJourney: true},
		{rule: "metric: findings, max: 3, where: {check: hang}", expects: "at most 3", perJourney: true},
		{rule: "metric: recovered_after_s, max: 2.50", expects: "at most 2.5 s", perJourney: true},
		{rule: "metric: share.ok, min: 10%, max: 90%", expects: "10 % to 90 %", perJourney: true},
		{rule: "metric: latency_s.p99, max: 2, where: {window: outage}", expects: "at most 2 s", perJourney: true},
		{rule: "metric: harmed_intents, max: 0", expects: "at most 0"},

		{rule: "metric: coverage, min: 0.5, across_seeds: lower", problem: `"coverage" is over all seeds already`},
		{rule: "metric: findings, max: 0, across_seeds: lower", problem: `"lower" is for the score, and the metric is "findings"`},
		{rule: "metric: score, min: 80%", problem: `"score" is no share`},
		{rule: "metric: attempts.wrong, max: 5%", problem: `did you mean "share.wrong"?`},
		{rule: "metric: share.wrong, max: 5", problem: `did you mean 5%?`},
		{rule: "metric: verdict, equals: good", problem: `"verdict" cannot be "good"`},
		{rule: "metric: verdict, max: 0", problem: `"verdict" is no number`},
		{rule: "metric: harmed_intents, max: 0, where: {kind: write}", problem: `the metric "harmed_intents" is not told apart by kind`},
		{rule: "metric: score, min: 80, where: {check: hang}", problem: `the metric "score" is not told apart by check`},
		{rule: "metric: findings, max: 0, where: {window: after}", problem: `the metric "findings" is not told apart by window`},
		{rule: "metric: share.ok, min: 50%, where: {window: baseline}", problem: `"window" cannot be "baseline"`},
		{rule: "metric: findings", problem: `neither "min" nor "max" nor "equals"`},
		{rule: "metric: findings, equals: 0, min: 0", problem: `"equals" stands beside "min" or "max"`},
	} {
		r, err := parseRule(t, tt.rule)
		switch {
		case tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem) || !strings.HasPrefix(err.Error(), "gate.yaml:4:")):
			t.Errorf("%s: %v, want %s", tt.rule, err, tt.problem)
		case tt.problem == "" && err != nil:
			t.Errorf("%s: %v", tt.rule, err)
		case r.Expects() != tt.expects || r.PerJourney() != tt.perJourney:
			t.Errorf("%s: expects %q, per journey %v", tt.rule, r.Expects(), r.PerJourney())
		}
	}
}

func TestMetricsAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Metrics() {
		if seen[m.Name] || m.Unit == "" || m.Each == "" || m.Meaning == "" || (m.Unit == UnitWord) != (len(m.Words) > 0) {
			t.Errorf("%+v", m)
		}
		seen[m.Name] = true
	}
	if _, ok := MetricNamed("scor"); ok {
		t.Error("an unknown metric is known")
	}
}
