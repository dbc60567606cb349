package terminal

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"blackout/reports/gate"
)

func TestGate(t *testing.T) {
	sight := gate.Sight{Run: "20261122T113400Z-aws-us-east-1-down-s1-7f3a", Text: "zero-balance: showed 0 while the account held 1000000000000000123 wei", Attempts: []string{"view-balance#211", "view-balance#215"}}
	bad := gate.Point{App: "wallet-single", Scenario: "aws-us-east-1-down", Journey: "view-balance", Result: gate.Fail, Found: "35 with seed 2", Evidence: []gate.Sight{sight, sight, sight}}
	known, waived := bad, bad
	known.Result, waived.Result, waived.Waiver = gate.Known, gate.Waived, "no second provider yet (payments, until 2026-12-31)"
	r := &gate.Result{
		Gate: "release", Result: gate.Fail,
		Rules: []gate.Rule{
			{ID: "no-harm", Metric: "attempts.harmful", Expected: "at most 0", Across: "worst", Result: gate.Pass, Points: []gate.Point{{Result: gate.Pass}, {Result: gate.Pass}}},
			{ID: "serves", Metric: "score", Expected: "at least 75", Across: "median", Where: map[string]string{"tag": "region", "kind": "read"}, Result: gate.Fail, Points: []gate.Point{bad, bad, bad, bad, bad, bad, known}},
			{ID: "waived", Metric: "score", Expected: "at least 75", Across: "worst", Result: gate.Waived, Points: []gate.Point{waived, known}},
			{ID: "content", Metric: "score", Expected: "at least 75", Across: "worst", Result: gate.Skipped, Notes: []string{"wallet-single: the app has no journey of kind content"}},
		},
		Waivers: []gate.Waiver{
			{Rule: "waived", Owner: "payments", State: gate.Used}, {Rule: "serves", Owner: "payments", State: gate.Unused}, {Rule: "serves", Owner: "payments", Until: "2026-01-01", State: gate.Expired},
		},
		Checks:   []gate.Found{{App: "wallet-single", Scenario: "aws-us-east-1-down", Journey: "send-payment", Check: "lost-payment", New: true, Sight: sight}, {Check: "old"}},
		Baseline: &gate.Baseline{Gate: "release", Day: "2026-05-01", Result: gate.Pass},
	}
	var out strings.Builder
	if err := Gate(&out, r); err != nil {
		t.Fatal(err)
	}
	text := plain(t, out.String())
	want := `
FAIL  gate release (1 of 4 rules hold)
  ✓ no-harm: attempts.harmful at most 0 (2 of 2)
  ✗ serves: score at least 75 in the median of the seeds, kind read, tag region
    view-balance of wallet-single under aws-us-east-1-down: 35 with seed 2
      zero-balance: showed 0 while the account held 1000000000000000123 wei
        (20261122T113400Z-aws-us-east-1-down-s1-7f3a, view-balance#211,
        view-balance#215)
`
	if !strings.HasPrefix(text, want) {
		t.Errorf("begins otherwise:\n%s", cmp.Diff(want, text))
	}
	for _, part := range []string{
		"      and 1 more in gate.json\n", "    2 more in gate.json\n",
		"  ~ waived: score at least 75\n    view-balance of wallet-single under aws-us-east-1-down: 35 with seed 2;\n      waived: no second provider yet (payments, until 2026-12-31)\n",
		"35 with seed 2;\n      known from the baseline\n",
		"    left out: wallet-single: the app has no journey of kind content\n",
		"  ✗ new since the baseline: lost-payment in send-payment of wallet-single under\n    aws-us-east-1-down\n",
		"  waiver of serves (payments): unused, take it out\n",
		"  ✗ waiver of serves (payments): expired on 2026-01-01; mend what it excuses and\n    take it out, or renew it\n",
		"  held against the baseline of 2026-05-01 (gate release: pass): = failed there\n    too\n",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("lacks\n%s\nin\n%s", part, text)
		}
	}
	if strings.Contains(text, "waiver of waived") {
		t.Error("a waiver that is in use is told of twice")
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > Width {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}
