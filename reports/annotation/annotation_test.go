package annotation

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/reports/gate"
)

func failing(points int) *gate.Result {
	r := &gate.Result{Gate: "release", Result: gate.Fail, Rules: []gate.Rule{{ID: "doubt", Expected: "at least 80 %", Result: gate.NotKnown}, {ID: "honest", Expected: "at most 0", Result: gate.Fail}}}
	r.Rules[0].Points = []gate.Point{{App: "wallet", Result: gate.NotKnown, Found: "not known"}}
	for i := range points {
		r.Rules[1].Points = append(r.Rules[1].Points, gate.Point{
			App: "wallet", Scenario: fmt.Sprintf("down-%d", i), Result: gate.Fail, Found: "5",
			Evidence: []gate.Sight{{Run: "r", Text: "100%: a, b\r\n::error::injected"}},
		})
	}
	r.Rules[1].Points = append(r.Rules[1].Points, gate.Point{App: "wallet", Result: gate.Pass}, gate.Point{App: "wallet", Result: gate.Waived}, gate.Point{App: "wallet", Result: gate.Known})
	return r
}

func written(t *testing.T, r *gate.Result) []string {
	t.Helper()
	var out strings.Builder
	if err := Gate(&out, r); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestGate(t *testing.T) {
	want := []string{
		"::error title=gate release, rule honest::wallet under down-0: 5, expected at most 0%0A100%25: a, b%0D%0A::error::injected (r)",
		"::error title=gate release, rule doubt::wallet: not known, expected at least 80 %25",
	}
	want[0] = strings.Replace(want[0], "release, rule", "release%2C rule", 1)
	want[1] = strings.Replace(want[1], "release, rule", "release%2C rule", 1)
	if diff := cmp.Diff(want, written(t, failing(1))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	r := failing(0)
	r.Rules = r.Rules[1:]
	r.Waivers = []gate.Waiver{{Rule: "honest", Until: "2026-01-01", State: gate.Expired}, {Rule: "honest", State: gate.Used}}
	r.Checks = []gate.Found{{App: "wallet", Scenario: "down", Journey: "view", Check: "hang", New: true, Sight: gate.Sight{Text: "no answer"}}, {Check: "old"}}
	want = []string{
		"::error title=waiver of honest::expired on 2026-01-01: mend what it excuses and take it out, or renew it",
		"::error title=new since the baseline%3A hang::hang in view of wallet under down%0Ano answer",
	}
	if diff := cmp.Diff(want, written(t, r)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := written(t, &gate.Result{Result: gate.Pass}); len(got) != 1 || got[0] != "" {
		t.Errorf("a gate that holds: %q", got)
	}
}

func TestAtMostTen(t *testing.T) {
	if got := written(t, failing(9)); len(got) != 10 || !strings.Contains(got[9], "rule doubt") {
		t.Errorf("%q", got)
	}
	got := written(t, failing(30)) // 31 with the doubt
	if len(got) != Most || got[9] != "::error title=Blackout gate release::22 more, see the job's summary" {
		t.Errorf("%q", got)
	}
}
