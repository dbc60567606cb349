package gate

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"blackout/harness/spec"
	"blackout/reports/schema/schematest"
	"blackout/reports/verdict"
)

const today = "2026-06-15"

func ptr[T any](v T) *T { return &v }

// outage is a run of the wallet under the scenario down with one bad outage, which the table changes.
func outage(seed uint64, change ...func(*verdict.Verdict)) *verdict.Verdict {
	attempts := func(ok, wrong, unavailable int) map[string]map[verdict.Class]int {
		return map[string]map[verdict.Class]int{
			verdict.Baseline: {verdict.OK: 100}, verdict.Outage: {verdict.OK: ok, verdict.Wrong: wrong, verdict.Unavailable: unavailable}, verdict.Recovery: {verdict.Late: 2}, verdict.After: {verdict.OK: 10},
		}
	}
	v := &verdict.Verdict{
		Schema: verdict.Schema, Verdict: verdict.Fail, Severity: verdict.Misleading, Ended: "complete", Score: ptr(60), Grade: "C", Reasons: []string{"view was wrong 5 times"},
		Run: verdict.Run{ID: "2026-down-s" + string(rune('0'+seed)), App: "wallet", Scenario: "down", Tags: []string{"region", "dns"}, Seed: seed},
		Cells: []verdict.Cell{
			{
				Journey: "view", Kind: "read", Score: ptr(40), RecoveredAfterS: ptr(1.5), Attempts: attempts(70, 5, 25),
				LatencyS: map[string]verdict.LatencySummary{verdict.Outage: {P50: 0.1, P99: 0.9, Max: 1.2}, verdict.After: {P50: 0.2, P99: 0.3, Max: 0.4}},
			},
			{Journey: "pay", Kind: "write", Score: ptr(70), Attempts: attempts(20, 0, 0), LatencyS: map[string]verdict.LatencySummary{}},
		},
		Findings: []verdict.Finding{
			{ID: "zero-balance/view/acct-0", Check: "zero-balance", Class: verdict.Wrong, Journey: "view", Count: 3, Attempts: []string{"view#101", "view#102", "view#103", "view#104"}, Text: "showed 0"},
			{ID: "zero-balance/view/acct-1", Check: "zero-balance", Class: verdict.Wrong, Journey: "view", Count: 2, Attempts: []string{"view#105"}, Text: "showed 0 too"},
			{ID: "hang/view/acct-0", Check: "hang", Class: verdict.Unavailable, Journey: "view", Count: 25, Attempts: []string{"view#110"}, Text: "no answer within 6 s"},
		},
		Warnings:        []verdict.Finding{{ID: "amplification/all/infura", Check: "amplification", Class: verdict.Warning, Journey: "all", Text: "asked 5 times as often"}},
		Faults:          []verdict.Fault{{Fault: "unreachable", Service: "infura", EndedAs: verdict.Exercised}},
		UnmodelledHosts: []string{"a.example", "b.example"},
	}
	for _, c := range change {
		c(v)
	}
	return v
}

func doubtful(v *verdict.Verdict) {
	v.Verdict, v.Severity, v.Score, v.Reasons = verdict.Inconclusive, verdict.Unknown, nil, []string{"the baseline was not steady"}
}

func notApplicable(v *verdict.Verdict) {
	v.Verdict, v.Severity, v.Score, v.Reasons = verdict.NotApplicable, verdict.Unknown, nil, []string{"the app used nothing that failed"}
}

func scored(n int) func(*verdict.Verdict) { return func(v *verdict.Verdict) { v.Score = ptr(n) } }

func named(app, scenario string) func(*verdict.Verdict) {
	return func(v *verdict.Verdict) {
		v.Run.App, v.Run.Scenario, v.Run.Tags, v.Run.ID = app, scenario, nil, "2026-"+app+"-"+scenario
	}
}

func parsed(t *testing.T, text string) *spec.Gate {
	t.Helper()
	g, err := spec.ParseGate(spec.File{Name: "gate.yaml", Data: []byte("schema: blackout/gate/1\nname: g\n" + text)}, spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func ruled(t *testing.T, rule string) *spec.Gate {
	return parsed(t, "rules: [{id: r, "+rule+"}]\n")
}

// lines are the points of a rule, for comparing: result, what it is of, what was found.
func lines(r Rule) (list []string) {
	for _, p := range r.Points {
		list = append(list, p.Result+" "+p.Title()+": "+p.Found)
	}
	for _, n := range r.Notes {
		list = append(list, "note "+n)
	}
	return list
}

// TestMetrics holds each metric on both sides of its bound.
func TestMetrics(t *testing.T) {
	held := map[string]bool{}
	for _, tt := range []struct {
		holds, fails string // rules
		found        []string
	}{
		{"metric: score, min: 60", "metric: score, min: 61", []string{"fail wallet under down: 60"}},
		{"metric: score, min: 40, where: {kind: read}", "metric: score, min: 41, where: {kind: read}", []string{"fail view of wallet under down: 40"}},
		{"metric: score, min: 70, where: {journey: pay}", "metric: score, max: 69, where: {journey: pay}", []string{"fail pay of wallet under down: 70"}},
		{"metric: verdict, equals: fail", "metric: verdict, equals: pass", []string{"fail wallet under down: fail"}},
		{"metric: severity, equals: misleading", "metric: severity, equals: safe", []string{"fail wallet under down: misleading"}},
		{"metric: coverage, min: 100%", "metric: coverage, max: 99%", []string{"fail wallet: 100 %"}},
		{"metric: recovered_after_s, max: 1.5, where: {journey: view}", "metric: recovered_after_s, max: 1.4, where: {journey: view}", []string{"fail view of wallet under down: 1.5 s"}},
		{"metric: recovered_after_s, min: 1, where: {journey: pay}", "metric: recovered_after_s, max: 1000, where: {journey: pay}", []string{"fail pay of wallet under down: never"}},
		{"metric: findings, max: 3", "metric: findings, equals: 0", []string{"fail view of wallet under down: 3", "pass pay of wallet under down: 0"}},
		{"metric: findings, max: 2, where: {check: zero-balance, kind: read}", "metric: findings, max: 1, where: {check: zero-balance, kind: read}", []string{"fail view of wallet under down: 2"}},
		{"metric: findings, max: 0, where: {check: lost-payment}", "metric: findings, max: 0, where: {check: hang, journey: view}", []string{"fail view of wallet under down: 1"}},
		{"metric: warnings, max: 1", "metric: warnings, max: 0", []string{"fail all of wallet under down: 1", "pass view of wallet under down: 0", "pass pay of wallet under down: 0"}},
		{"metric: warnings, max: 0, where: {kind: read}", "metric: warnings, max: 0, where: {check: amplification}", []string{"fail all of wallet under down: 1", "pass view of wallet under down: 0", "pass pay of wallet under down: 0"}},
		{"metric: harmed_intents, max: 0", "metric: harmed_intents, min: 1", []string{"fail wallet under down: 0"}},
		{"metric: unmodelled_hosts, max: 2", "metric: unmodelled_hosts, max: 1", []string{"fail wallet under down: 2"}},
		{"metric: attempts.wrong, max: 5", "metric: attempts.wrong, max: 4", []string{"fail view of wallet under down: 5", "pass pay of wallet under down: 0"}},
		{"metric: attempts.ok, min: 80, where: {kind: read}", "metric: attempts.ok, min: 71, where: {kind: read, window: outage}", []string{"fail view of wallet under down: 70"}},
		{"metric: attempts.late, max: 2", "metric: attempts.late, max: 1, where: {journey: pay, window: recovery}", []string{"fail pay of wallet under down: 2"}},
		{"metric: attempts.harmful, max: 0", "metric: attempts.harmful, min: 1, where: {kind: write}", []string{"fail pay of wallet under down: 0"}},
		{"metric: attempts.declined, max: 0", "metric: attempts.degraded, min: 1, where: {kind: write}", []string{"fail pay of wallet under down: 0"}},
		{"metric: attempts.degraded, max: 0", "metric: attempts.unavailable, max: 24", []string{"fail view of wallet under down: 25", "pass pay of wallet under down: 0"}},
		{"metric: share.unavailable, max: 25%, where: {window: outage}", "metric: share.unavailable, max: 0.249, where: {window: outage, kind: read}", []string{"fail view of wallet under down: 25 %"}},
		{"metric: share.ok, min: 70%, where: {kind: read}", "metric: share.ok, min: 75%, where: {kind: read}", []string{"fail view of wallet under down: 71.43 %"}},
		{"metric: share.wrong, max: 5%", "metric: share.wrong, max: 4%", []string{"fail view of wallet under down: 4.46 %", "pass pay of wallet under down: 0 %"}},
		{"metric: share.harmful, max: 0%", "metric: share.late, max: 0, where: {window: recovery, journey: view}", []string{"fail view of wallet under down: 100 %"}},
		{"metric: share.degraded, max: 0", "metric: share.declined, min: 1%, where: {kind: write}", []string{"fail pay of wallet under down: 0 %"}},
		{"metric: latency_s.p99, max: 0.9, where: {kind: read}", "metric: latency_s.p99, max: 0.8, where: {kind: read}", []string{"fail view of wallet under down: 0.9 s"}},
		{"metric: latency_s.p50, max: 0.2, where: {kind: read}", "metric: latency_s.p50, max: 0.19, where: {kind: read}", []string{"fail view of wallet under down: 0.2 s"}},
		{"metric: latency_s.p95, max: 0, where: {kind: read}", "metric: latency_s.p95, min: 1, where: {kind: read}", []string{"fail view of wallet under down: 0 s"}},
		{"metric: latency_s.max, max: 1.2, where: {kind: read}", "metric: latency_s.max, max: 0.3, where: {kind: read, window: after}", []string{"fail view of wallet under down: 0.4 s"}},
	} {
		runs := []*verdict.Verdict{outage(1)}
		if r := Judge(Input{Gate: ruled(t, tt.holds), Runs: runs, Today: today}); r.Result != Pass || r.Exit() != 0 {
			t.Errorf("%s: %s %v", tt.holds, r.Result, lines(r.Rules[0]))
		}
		r := Judge(Input{Gate: ruled(t, tt.fails), Runs: runs, Today: today})
		if diff := cmp.Diff(tt.found, lines(r.Rules[0])); diff != "" || r.Result != Fail || r.Exit() != 1 {
			t.Errorf("%s: %s (-want +got)\n%s", tt.fails, r.Result, diff)
		}
		if e := r.Rules[0].Points[0].Evidence; len(e) == 0 && !strings.HasPrefix(tt.fails, "metric: coverage") {
			t.Errorf("%s: no evidence", tt.fails)
		}
		held[r.Rules[0].Metric] = true
	}
	// A class is counted and shared out by the same code: one of the two has to have failed.
	for _, m := range spec.Metrics() {
		class := strings.TrimPrefix(strings.TrimPrefix(m.Name, spec.MetricAttempts), spec.MetricShare)
		if !held[m.Name] && !held[spec.MetricAttempts+class] && !held[spec.MetricShare+class] {
			t.Errorf("nothing fails by %s", m.Name)
		}
	}
}

// TestReasons holds why a rule that has something odd to hold says what it says.
func TestReasons(t *testing.T) {
	control := func(v *verdict.Verdict) { v.Run.Control, v.Run.ID = true, v.Run.ID+"-control" }
	noFaults := func(v *verdict.Verdict) {
		v.Faults = nil
		for i := range v.Cells {
			v.Cells[i].RecoveredAfterS = nil
		}
	}
	noCells := func(v *verdict.Verdict) { doubtful(v); v.Cells = nil }
	for name, tt := range map[string]struct {
		rule string
		runs []*verdict.Verdict
		want string // result of the gate
		says []string
	}{
		"an inconclusive run": {"metric: score, min: 50", []*verdict.Verdict{outage(1, doubtful)}, NotKnown, []string{"not-known wallet under down: not known: seed 1 is inconclusive"}},
		"an inconclusive run that ended early": {
			"metric: attempts.harmful, max: 0, where: {kind: write}", []*verdict.Verdict{outage(1, noCells)}, NotKnown, []string{"not-known wallet under down: not known: seed 1 is inconclusive"},
		},
		"a doubt about another scenario": {"metric: score, min: 50, where: {scenario: down}", []*verdict.Verdict{outage(1), outage(1, named("wallet", "other"), doubtful)}, Pass, []string{"pass wallet under down: 60"}},
		"a failure beside a doubt": {
			"metric: score, min: 61", []*verdict.Verdict{outage(1), outage(2, doubtful)}, Fail, []string{"fail wallet under down: 60 with seed 1; seed 2 is inconclusive"},
		},
		"a value beside a doubt": {
			"metric: score, min: 60", []*verdict.Verdict{outage(1), outage(2, doubtful)}, NotKnown, []string{"not-known wallet under down: 60 with seed 1; not known: seed 2 is inconclusive"},
		},
		"the worst of seeds": {"metric: score, min: 60", []*verdict.Verdict{outage(1), outage(2, scored(55)), outage(3, scored(70))}, Fail, []string{"fail wallet under down: 55 with seed 2"}},
		"the best of seeds":  {"metric: score, min: 65, across_seeds: best", []*verdict.Verdict{outage(1), outage(2, scored(55)), outage(3, scored(70))}, Pass, []string{"pass wallet under down: 70 with seed 3"}},
		"no best of seeds":   {"metric: score, min: 71, across_seeds: best", []*verdict.Verdict{outage(1), outage(2, scored(55)), outage(3, scored(70))}, Fail, []string{"fail wallet under down: 70 with seed 3"}},
		"the median of seeds": {
			"metric: score, min: 60, across_seeds: median", []*verdict.Verdict{outage(1), outage(2, scored(55)), outage(3, scored(70))}, Pass, []string{"pass wallet under down: 60 with seed 1"},
		},
		"the worse middle of two": {"metric: score, min: 60, across_seeds: median", []*verdict.Verdict{outage(1), outage(2, scored(55))}, Fail, []string{"fail wallet under down: 55 with seed 2"}},
		"a median in spite of a doubt": {
			"metric: score, min: 60, across_seeds: median", []*verdict.Verdict{outage(1), outage(2, scored(65)), outage(3, doubtful)}, Pass, []string{"pass wallet under down: 60 with seed 1; seed 3 is inconclusive"},
		},
		"a failed median in spite of a doubt": {
			"metric: score, min: 80, across_seeds: median", []*verdict.Verdict{outage(1), outage(2, scored(65)), outage(3, doubtful)}, Fail, []string{"fail wallet under down: 65 with seed 2; seed 3 is inconclusive"},
		},
		"a best in spite of a doubt": {"metric: score, min: 60, across_seeds: best", []*verdict.Verdict{outage(1), outage(2, doubtful)}, Pass, []string{"pass wallet under down: 60 with seed 1; seed 2 is inconclusive"}},
		"the lower bound": {
			"metric: score, min: 77, across_seeds: lower", []*verdict.Verdict{outage(1, scored(80)), outage(2, scored(82)), outage(3, scored(84))}, Pass, []string{"pass wallet under down: 77.03"},
		},
		"a lower bound that is too low": {
			"metric: score, min: 78, across_seeds: lower", []*verdict.Verdict{outage(1, scored(80)), outage(2, scored(82)), outage(3, scored(84))}, Fail, []string{"fail wallet under down: 77.03"},
		},
		"a lower bound with a doubt":    {"metric: score, min: 1, across_seeds: lower", []*verdict.Verdict{outage(1), outage(2), outage(3, doubtful)}, NotKnown, []string{"not-known wallet under down: not known: seed 3 is inconclusive"}},
		"a lower bound of a single run": {"metric: score, min: 1, across_seeds: lower", []*verdict.Verdict{outage(1)}, Fail, []string{"fail wallet: nothing: one run has no confidence interval; take more seeds"}},
		"nothing to hold":               {"metric: score, min: 1, where: {tag: storage}", []*verdict.Verdict{outage(1)}, Fail, []string{"fail wallet: nothing: no run of a scenario tagged storage"}},
		"nothing to hold, but known":    {"metric: score, min: 1, where: {tag: chain}", []*verdict.Verdict{outage(1)}, Fail, []string{"fail wallet: nothing: no run of a scenario tagged chain, such as reorg"}},
		"nothing to hold, and let pass": {"metric: score, min: 1, where: {tag: storage}, when_missing: skip", []*verdict.Verdict{outage(1)}, Pass, []string{"note wallet: nothing: no run of a scenario tagged storage"}},
		"a kind that the app has not":   {"metric: score, min: 99, where: {kind: content}", []*verdict.Verdict{outage(1)}, Pass, []string{"note wallet: the app has no journey of kind content"}},
		"a kind that only one app has": {
			"metric: score, min: 41, where: {kind: read}", []*verdict.Verdict{outage(1), outage(1, named("payer", "down"), func(v *verdict.Verdict) { v.Cells = v.Cells[1:] })}, Fail,
			[]string{"fail view of wallet under down: 40", "note payer: the app has no journey of kind read"},
		},
		"an app without runs of the scenario": {
			"metric: score, min: 10, where: {scenario: down}", []*verdict.Verdict{outage(1), outage(1, named("payer", "other"))}, Fail,
			[]string{"fail payer under down: nothing: no run of scenario down", "pass wallet under down: 60"},
		},
		"not applicable":                      {"metric: score, min: 10", []*verdict.Verdict{outage(1, notApplicable)}, Fail, []string{"fail wallet: nothing: the app used nothing that failed"}},
		"not applicable beside what is":       {"metric: score, min: 10", []*verdict.Verdict{outage(1), outage(1, named("wallet", "other"), notApplicable)}, Pass, []string{"pass wallet under down: 60"}},
		"nothing to recover from":             {"metric: recovered_after_s, max: 30", []*verdict.Verdict{outage(1, noFaults)}, Fail, []string{"fail wallet: nothing: no fault was cleared, so there was nothing to recover from"}},
		"no answers to measure":               {"metric: latency_s.p99, max: 30, where: {kind: write}", []*verdict.Verdict{outage(1)}, Fail, []string{"fail wallet: nothing: no attempt was answered"}},
		"controls are no runs":                {"metric: score, min: 60", []*verdict.Verdict{outage(1), outage(2, scored(1), control)}, Pass, []string{"pass wallet under down: 60"}},
		"a run that was made again":           {"metric: score, min: 60", []*verdict.Verdict{outage(1, doubtful), outage(1, func(v *verdict.Verdict) { v.Run.ID = "2027-again" })}, Pass, []string{"pass wallet under down: 60"}},
		"coverage counts what is in doubt":    {"metric: coverage, min: 80%", []*verdict.Verdict{outage(1), outage(2, doubtful)}, Fail, []string{"fail wallet: 50 %"}},
		"coverage of nothing but the control": {"metric: coverage, min: 80%", []*verdict.Verdict{outage(1, named("wallet", "control"))}, Fail, []string{"fail wallet: nothing: no outage was run of the app"}},
		"tags of old verdicts":                {"metric: score, min: 61, where: {tag: chain}", []*verdict.Verdict{outage(1, named("wallet", "reorg"))}, Fail, []string{"fail wallet under reorg: 60"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := Judge(Input{Gate: ruled(t, tt.rule), Runs: tt.runs, Today: today, Tags: map[string][]string{"reorg": {"chain"}}})
			if diff := cmp.Diff(tt.says, lines(r.Rules[0])); diff != "" || r.Result != tt.want {
				t.Errorf("%s, want %s (-want +got)\n%s", r.Result, tt.want, diff)
			}
		})
	}
}

func TestCoverageOfASuite(t *testing.T) {
	suite := &spec.Suite{Name: "s", Version: "1", Seeds: []uint64{1, 2}, Scenarios: []spec.SuiteEntry{{Name: "down", Weight: 3}, {Name: "reorg", Weight: 1}}}
	in := Input{Gate: ruled(t, "metric: coverage, min: 80%"), Runs: []*verdict.Verdict{outage(1), outage(2, doubtful)}, Suite: suite, Today: today}
	r := Judge(in)
	p := r.Rules[0].Points[0]
	if p.Found != "37.5 %" || p.Result != Fail {
		t.Errorf("%+v", p)
	}
	want := []Sight{
		{Run: "2026-down-s2", Text: "down with seed 2 is inconclusive: the baseline was not steady", Findings: []string{}, Attempts: []string{}},
		{Text: "reorg: 0 of 2 seeds were run", Findings: []string{}, Attempts: []string{}},
	}
	if diff := cmp.Diff(want, p.Evidence); diff != "" {
		t.Error(diff)
	}
	in.Gate, in.Tags = ruled(t, "metric: coverage, min: 50%, where: {tag: region}"), map[string][]string{"reorg": {"chain"}}
	if r := Judge(in); r.Result != Pass {
		t.Errorf("coverage by tag: %v", lines(r.Rules[0]))
	}
}

func TestEvidence(t *testing.T) {
	r := Judge(Input{Gate: ruled(t, "metric: attempts.wrong, max: 0"), Runs: []*verdict.Verdict{outage(1), outage(2, doubtful)}, Today: today})
	want := []Sight{
		{Run: "2026-down-s1", Text: "zero-balance: showed 0", Findings: []string{"zero-balance/view/acct-0", "zero-balance/view/acct-1"}, Attempts: []string{"view#101", "view#102", "view#103"}},
		{Run: "2026-down-s2", Text: "inconclusive: the baseline was not steady", Findings: []string{}, Attempts: []string{}},
	}
	if diff := cmp.Diff(want, r.Rules[0].Points[0].Evidence); diff != "" {
		t.Error(diff)
	}
	r = Judge(Input{Gate: ruled(t, "metric: share.declined, min: 50%, where: {kind: read}"), Runs: []*verdict.Verdict{outage(1)}, Today: today})
	if e := r.Rules[0].Points[0].Evidence[0]; e.Text != "0 of 112 attempts were declined" {
		t.Errorf("%+v", e)
	}
}

func TestWaivers(t *testing.T) {
	const rule = "rules: [{id: r, metric: attempts.wrong, max: 0}]\n"
	waiver := func(where, until string) string {
		return rule + `waivers: [{rule: r, ` + where + `reason: no second provider, owner: payments, until: "` + until + "\"}]\n"
	}
	for name, tt := range map[string]struct {
		gate        string
		want, state string
		point       string
	}{
		"on its last day":     {waiver("", today), Pass, Used, Waived},
		"expired":             {waiver("", "2026-06-14"), Fail, Expired, Fail},
		"of the journey":      {waiver("where: {journey: view, kind: read, tag: dns, app: wallet, scenario: down}, ", "2026-12-31"), Pass, Used, Waived},
		"of another journey":  {waiver("where: {journey: pay}, ", "2026-12-31"), Fail, Unused, Fail},
		"of another scenario": {waiver("where: {scenario: other}, ", "2026-12-31"), Fail, Unused, Fail},
		"of another tag":      {waiver("where: {tag: chain}, ", "2026-12-31"), Fail, Unused, Fail},
		"of another app":      {waiver("where: {app: payer}, ", "2026-12-31"), Fail, Unused, Fail},
	} {
		r := Judge(Input{Gate: parsed(t, tt.gate), Runs: []*verdict.Verdict{outage(1)}, Today: today})
		if p := r.Rules[0].Points[0]; r.Result != tt.want || r.Waivers[0].State != tt.state || p.Result != tt.point {
			t.Errorf("%s: %s, waiver %s, point %s", name, r.Result, r.Waivers[0].State, p.Result)
		} else if tt.point == Waived && p.Waiver != "no second provider (payments, until "+r.Waivers[0].Until+")" {
			t.Errorf("%s: %s", name, p.Waiver)
		}
	}
	// An expired waiver fails although its rule holds.
	r := Judge(Input{Gate: parsed(t, "rules: [{id: r, metric: score, min: 1}]\nwaivers: [{rule: r, reason: x, owner: me, until: \"2026-01-01\"}]\n"), Runs: []*verdict.Verdict{outage(1)}, Today: today})
	if r.Result != Fail || r.Rules[0].Result != Pass {
		t.Errorf("%s, rule %s", r.Result, r.Rules[0].Result)
	}
	// What is in doubt is excused as well.
	r = Judge(Input{Gate: parsed(t, waiver("", "2026-12-31")), Runs: []*verdict.Verdict{outage(1, doubtful)}, Today: today})
	if r.Result != Pass || r.Rules[0].Result != Waived {
		t.Errorf("%s, rule %s", r.Result, r.Rules[0].Result)
	}
}

func TestBaseline(t *testing.T) {
	rule := ruled(t, "metric: share.wrong, max: 0%")
	before := Judge(Input{Gate: rule, Runs: []*verdict.Verdict{outage(1)}, Today: "2026-01-01"})
	against := func(base *Result, runs ...*verdict.Verdict) *Result {
		return Judge(Input{Gate: rule, Runs: runs, Today: today, Baseline: base})
	}
	worse := func(v *verdict.Verdict) {
		v.Cells[0].Attempts[verdict.Outage][verdict.Wrong] = 60
		v.Cells[0].LatencyS[verdict.Outage] = verdict.LatencySummary{P99: 30}
		v.Findings[0].Count = 50
	}
	payWrong := func(v *verdict.Verdict) {
		v.Cells[1].Attempts[verdict.Outage][verdict.Wrong] = 1
		v.Findings = append(v.Findings, verdict.Finding{ID: "false-failure/pay/acct-0", Check: "false-failure", Class: verdict.Wrong, Journey: "pay", Text: "said failed"})
	}
	newHang := func(v *verdict.Verdict) {
		v.Findings = append(v.Findings, verdict.Finding{ID: "hang/pay/acct-0", Check: "hang", Class: verdict.Unavailable, Journey: "pay", Text: "no answer"})
	}
	for name, tt := range map[string]struct {
		got   *Result
		want  string
		says  []string
		fresh []string
	}{
		"the same":                  {against(before, outage(1)), Pass, []string{"known view of wallet under down: 4.46 %", "pass pay of wallet under down: 0 %"}, nil},
		"worse by numbers only":     {against(before, outage(1, worse)), Pass, []string{"known view of wallet under down: 35.93 %", "pass pay of wallet under down: 0 %"}, nil},
		"another seed":              {against(before, outage(2)), Pass, []string{"known view of wallet under down: 4.46 %", "pass pay of wallet under down: 0 %"}, nil},
		"a rule fails newly":        {against(before, outage(1, payWrong)), Fail, []string{"fail pay of wallet under down: 3.03 %", "known view of wallet under down: 4.46 %"}, []string{"false-failure in pay of wallet under down"}},
		"a check speaks newly":      {against(before, outage(1, newHang)), Fail, []string{"known view of wallet under down: 4.46 %", "pass pay of wallet under down: 0 %"}, []string{"hang in pay of wallet under down"}},
		"a scenario that is new":    {against(before, outage(1, named("wallet", "other"))), Fail, []string{"fail view of wallet under other: 4.46 %", "pass pay of wallet under other: 0 %"}, nil},
		"a baseline in doubt":       {against(Judge(Input{Gate: rule, Runs: []*verdict.Verdict{outage(1, doubtful)}, Today: today}), outage(1, newHang)), Fail, []string{"fail view of wallet under down: 4.46 %", "pass pay of wallet under down: 0 %"}, nil},
		"known stays known":         {against(against(before, outage(1)), outage(1)), Pass, []string{"known view of wallet under down: 4.46 %", "pass pay of wallet under down: 0 %"}, nil},
		"what checks see in doubts": {against(before, outage(1, newHang, doubtful)), NotKnown, []string{"not-known view of wallet under down: not known: seed 1 is inconclusive", "not-known pay of wallet under down: not known: seed 1 is inconclusive"}, nil},
	} {
		var fresh []string
		for _, c := range tt.got.Checks {
			if c.New {
				fresh = append(fresh, c.Title())
			}
		}
		if diff := cmp.Diff(tt.says, lines(tt.got.Rules[0])) + cmp.Diff(tt.fresh, fresh); diff != "" || tt.got.Result != tt.want {
			t.Errorf("%s: %s, want %s (-want +got)\n%s", name, tt.got.Result, tt.want, diff)
		}
	}
}

func TestCheck(t *testing.T) {
	g := parsed(t, `rules:
  - {id: a, metric: findings, max: 0, where: {check: zero-balancs}}
  - {id: b, metric: score, min: 75, where: {tag: regoin, scenario: dwon}}
  - {id: c, metric: score, min: 75, where: {journey: veiw, app: walet}}
  - {id: d, metric: findings, max: 0, where: {check: hang, tag: region, scenario: down, journey: view, app: wallet}}
waivers:
  - {rule: d, where: {scenario: nowhere-near}, reason: x, owner: me, until: "2026-12-31"}
`)
	all := Exist{Apps: []string{"wallet"}, Scenarios: []string{"down"}, Tags: []string{"region"}, Journeys: []string{"view", "pay"}}
	err := Check(g, all)
	if err == nil {
		t.Fatal("no problem")
	}
	for _, want := range []string{
		`gate.yaml:4:54: there is no check "zero-balancs"`, `did you mean "zero-balance"?`,
		`gate.yaml:5:50: there is no tag "regoin"`, `did you mean "region"?`,
		`gate.yaml:5:68: there is no scenario "dwon"`,
		`gate.yaml:6:54: there is no journey "veiw"`,
		`gate.yaml:6:65: there is no app "walet"`, `did you mean "wallet"?`,
		`gate.yaml:9:33: there is no scenario "nowhere-near"`, `"blackout list" shows what there is`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not said: %s in\n%v", want, err)
		}
	}
	if n := len(err.(spec.Problems)); n != 6 {
		t.Errorf("%d problems", n)
	}
	// What cannot be known here is not asked.
	err = Check(g, Exist{Scenarios: all.Scenarios, Tags: all.Tags})
	if strings.Contains(err.Error(), "journey") || strings.Contains(err.Error(), "no app") {
		t.Error(err)
	}
	if err := Check(ruled(t, "metric: score, min: 1"), Exist{}); err != nil {
		t.Error(err)
	}
}

func TestEncode(t *testing.T) {
	schema := schematest.Compile(t, JSONSchema)
	gates := []string{
		"rules: [{id: r, metric: attempts.wrong, max: 0}, {id: s, metric: recovered_after_s, max: 1}, {id: t, metric: score, min: 1, where: {kind: content}}]\nwaivers: [{rule: r, reason: x, owner: me, until: \"2026-12-31\"}]\n",
		"rules: [{id: r, metric: severity, equals: safe}, {id: c, metric: coverage, min: 100%}]\n",
	}
	var before *Result
	for _, g := range gates {
		for _, runs := range [][]*verdict.Verdict{{outage(1)}, {outage(1, doubtful), outage(2)}, {outage(1, notApplicable)}} {
			r := Judge(Input{Gate: parsed(t, g), Runs: runs, Today: today, Baseline: before})
			text, err := r.Encode()
			if err != nil {
				t.Fatal(err)
			}
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(doc); err != nil {
				t.Errorf("%v\n%s", err, text)
			}
			if before, err = Decode(text); err != nil {
				t.Fatal(err)
			}
			again, err := before.Encode()
			if err != nil || !bytes.Equal(text, again) {
				t.Errorf("decoded and encoded again: %v\n%s\n%s", err, text, again)
			}
		}
	}
	for _, bad := range []string{"", "[]", "{}", `{"schema": "blackout/verdict/1"}`, `{"schema": "blackout/gate-result/1"}`, `{"schema": "blackout/gate-result/1", "rules": 3}`} {
		if _, err := Decode([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// FuzzDecode feeds the decoder of baselines with anything: what it takes can be held against.
func FuzzDecode(f *testing.F) {
	g, err := spec.ParseGate(spec.File{Name: "g", Data: []byte("schema: blackout/gate/1\nname: g\nrules: [{id: r, metric: attempts.wrong, max: 0}]\n")}, spec.Options{})
	if err != nil {
		f.Fatal(err)
	}
	in := Input{Gate: g, Runs: []*verdict.Verdict{outage(1)}, Today: today}
	text, err := Judge(in).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"schema": "blackout/gate-result/1", "gate": "g", "result": "pass", "rules": [null, {"id": "r", "points": null}], "checks": [{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		before, err := Decode(text)
		if err != nil {
			return
		}
		with := in
		with.Baseline = before
		r := Judge(with)
		if r.Result != Pass && r.Result != Fail || r.Baseline == nil {
			t.Fatalf("%+v", r)
		}
	})
}
