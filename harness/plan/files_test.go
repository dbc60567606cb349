package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/spec"
)

const haltFile = `schema: blackout/scenario/1
name: base-halt
phases:
  - name: halted
    for: 20s
    faults:
      - {fault: chain-halt, target: {chain: base}}
`

const awsFile = `schema: blackout/scenario/1
name: aws-us-east-1-down
about: "AWS us-east-1 loses the DNS record of DynamoDB. What depends on it fails; later, load balancers flap."
tags: [aws, dns, region]
incident: {date: "2025-10-20", lasted: 14h32m, sources: [{url: "aws.amazon.com/message/101925", known_from: operator}]}
baseline: 15s
phases:
  - name: name lost
    at: 0s
    for: 15s
    lasted: 2h52m
    faults: [{fault: dns-empty, target: {service: dynamodb-us-east-1}}]
  - name: load balancers flap
    at: 20s
    for: 25s
    lasted: 8h39m
    faults: [{fault: connection-refused, target: {region: aws/us-east-1}, share: 30%, flap: {bad: 2s, good: 1s}}]
  - name: throttled recovery
    at: 45s
    for: 15s
    faults: [{fault: http-status, with: {status: 503}, target: {region: aws/us-east-1}, share: {from: 40%, to: 0%}}]
after: 30s
expect: {read: ok, write: ok}
`

func parse(t *testing.T, name, text string) *spec.Scenario {
	t.Helper()
	s, err := spec.ParseScenario(spec.File{Name: name, Data: []byte(text)}, spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestErrorsSayWhere(t *testing.T) {
	_, err := Build(example(parse(t, "halt.yaml", haltFile)))
	want := `halt.yaml:7:37: chain-halt has no target left that it can act on
        - {fault: chain-halt, target: {chain: base}}
                                      ^
hint: chain base: the app does not use this chain`
	if err == nil || !cmp.Equal(err.Error(), want) {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// TestFileAndValueGiveOnePlan holds the values that these tests are made of against what the parser makes of the file.
func TestFileAndValueGiveOnePlan(t *testing.T) {
	fromFile, err := build(t, example(parse(t, "aws.yaml", awsFile))).Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "aws.plan.json", fromFile)
}

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		90 * time.Second: "90s", 2 * time.Minute: "2m", 10*time.Minute + 30*time.Second: "10m30s", 10*time.Minute + 20*time.Second: "10m20s",
		2*time.Hour + 52*time.Minute: "2h52m", 14 * time.Hour: "14h", 10*time.Hour + 10*time.Second: "10h0m10s", 0: "0s",
	} {
		if got := length(d); got != want {
			t.Errorf("length(%s) = %q, want %q", d, got, want)
		}
	}
	for share, want := range map[float64]string{0.7: "70 %", 0.005: "0.5 %", 1: "100 %", 1.0 / 3: "33.3 %"} {
		if got := percent(share); got != want {
			t.Errorf("percent(%v) = %q, want %q", share, got, want)
		}
	}
	var b page
	b.para("- ", "  ", strings.Repeat("x", 100)+" and 5 % of "+strings.Repeat("word ", 14)+"at 80 s")
	want := "- " + strings.Repeat("x", 78) + "\n  " + strings.Repeat("x", 22) + " and 5 % of word word word word word word word word word\n  word word word word word at 80 s\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestRadiusCombinesWhatOverlaps(t *testing.T) {
	s := oneFault(with(use("", "http-status", spec.Target{Service: "infura", Region: "aws/us-east-1"}), func(u *spec.FaultUse) {
		u.With, u.Share = map[string]any{"status": 500}, spec.Share{From: 0.5, To: 0.5}
	}))
	later := s.Phases[0]
	later.Name, later.At = "later", 10*time.Second
	later.Faults = []spec.FaultUse{with(use("", "rate-limit", spec.Target{Service: "infura"}), func(u *spec.FaultUse) { u.Share = spec.Share{From: 0.5, To: 0.5} })}
	s.Phases = append(s.Phases, later)
	// In us-east-1 a quarter escapes both, in us-west-2 half escapes the one: 0.7 × 0.75 + 0.3 × 0.5.
	want := Radius{Share: 0.675, At: 25e6, Faults: []string{"http-status", "rate-limit"}}
	p := build(t, example(s))
	if diff := cmp.Diff(want, p.Radius("infura")); diff != "" {
		t.Error(diff)
	}
	if r := p.Radius("publicnode"); r.Share != 0 {
		t.Errorf("a healthy service: %v", r)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, text := range []string{``, `[]`, `{"schema":"blackout/plan/9"}`, `{"schema":"blackout/plan/1"} {}`, `{"schema":"blackout/plan/1","effects":1}`} {
		if p, err := Decode([]byte(text)); err == nil {
			t.Errorf("%s gave %v", text, p)
		}
	}
	p, err := Decode([]byte(`{"schema":"blackout/plan/1","new":1,"effects":[{"fault":"of-the-future","with":{"a":1.5}}]}`))
	if err != nil || p.Effects[0].With["a"] != 1.5 {
		t.Errorf("a newer plan: %v %v", p, err)
	}
}
