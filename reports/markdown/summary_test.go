package markdown

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/reports/verdict"
)

func TestSummary(t *testing.T) {
	score, cleared := 36, 20.04
	v := &verdict.Verdict{
		Verdict: verdict.Fail, Reasons: []string{"view-balance was wrong 5 times: zero-balance 5"}, Score: &score, Grade: "F", Severity: verdict.Misleading,
		Run: verdict.Run{App: "wallet", Scenario: "a|b", Seed: 1, Runtime: "local", StartedAt: "2026-11-22T11:34:00Z"},
		Cells: []verdict.Cell{{
			Journey: "view-balance", Score: &score, RecoveredAfterS: &cleared,
			Attempts: map[string]map[verdict.Class]int{verdict.Baseline: {verdict.OK: 50}, verdict.Outage: {verdict.Wrong: 5, verdict.OK: 45}},
		}},
		Findings: []verdict.Finding{
			{Check: "zero-balance", Journey: "view-balance", Class: verdict.Wrong, Count: 2, FirstAtS: 12.5, Text: "showed 0 to the second"},
			{Check: "zero-balance", Journey: "view-balance", Class: verdict.Wrong, Count: 3, FirstAtS: 11.5, Text: "showed 0 to the | first"},
			{Check: "hang", Journey: "view-balance", Class: verdict.Unavailable, Count: 1, FirstAtS: 13, Text: "gave no answer"},
		},
		Faults: []verdict.Fault{{Fault: "chain-halt", Chain: "ethereum", ClearedAtS: &cleared, EndedAs: verdict.Exercised, Touched: verdict.Touched{Requests: 7}},
			{Fault: "app-stopped", Instance: "east-0", ClearedAtS: &cleared, EndedAs: verdict.Exercised, Touched: verdict.Touched{Instances: 1}}},
	}
	var out strings.Builder
	if err := Summary(&out, v); err != nil {
		t.Fatal(err)
	}
	want := `## FAIL: wallet under a\|b

**F 36 · misleading** · seed 1 · local · 2026-11-22T11:34:00Z

- view-balance was wrong 5 times: zero-balance 5

| journey | score | baseline | outage | recovery | after | recovered after |
|---|---:|---|---|---|---|---:|
| view-balance | 36 | ok 50 | ok 45, wrong 5 | – | – | 20.0 s |

| finding | class | times | users | first at | the first of them |
|---|---|---:|---:|---:|---|
| zero-balance in view-balance | wrong | 5 | 2 | 11.5 s | showed 0 to the \| first |
| hang in view-balance | unavailable | 1 | 1 | 13.0 s | gave no answer |

| fault | on | confirmed | cleared | touched | ended as |
|---|---|---:|---:|---:|---|
| chain-halt | ethereum | – | 20.0 s | 7 | exercised |
| app-stopped | instance east-0 | – | 20.0 s | 1 | exercised |
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}
