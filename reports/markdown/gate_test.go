package markdown

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"blackout/reports/gate"
)

func gateResult() *gate.Result {
	sight := gate.Sight{Run: "2026-down-s1", Text: "zero-balance: showed | 0\n<script>", Attempts: []string{"view#3", "view#4"}}
	return &gate.Result{
		Schema: gate.Schema, Gate: "release", Day: "2026-06-15", Result: gate.Fail, Runs: make([]gate.Run, 2),
		Rules: []gate.Rule{
			{ID: "serves", Metric: "score", Expected: "at least 75", Across: "worst", Result: gate.Pass, Points: []gate.Point{{App: "wallet", Scenario: "down", Result: gate.Pass, Found: "80"}}},
			{ID: "honest", Metric: "attempts.wrong", Expected: "at most 0", Across: "worst", Where: map[string]string{"kind": "read"}, Result: gate.Fail, Points: []gate.Point{
				{App: "wallet", Scenario: "down", Journey: "view", Result: gate.Fail, Found: "5", Evidence: []gate.Sight{sight}},
				{App: "wallet", Scenario: "reorg", Journey: "view", Result: gate.Waived, Found: "1", Waiver: "known (payments, until 2026-12-31)"},
			}},
			{ID: "content", Metric: "score", Expected: "at least 90", Across: "worst", Result: gate.Skipped, Notes: []string{"wallet: the app has no journey of kind content"}},
		},
		Waivers: []gate.Waiver{{Rule: "serves", Owner: "payments", Until: "2026-01-01", State: gate.Expired}},
		Checks:  []gate.Found{{App: "wallet", Scenario: "down", Journey: "pay", Check: "hang", New: true, Sight: sight}},
	}
}

func TestGateComment(t *testing.T) {
	var out strings.Builder
	if err := GateComment(&out, gateResult()); err != nil {
		t.Fatal(err)
	}
	want := `<!-- blackout-gate: release -->
## FAIL: gate release

3 rules over 2 runs: 1 failed, 1 held, 1 skipped.

| | rule | expected | found |
|---|---|---|---|
| ✅ | serves | score at least 75 | all 1 hold |
| ❌ | honest | attempts.wrong at most 0, kind read | 5, view of wallet under down |
| ➖ | content | score at least 90 | wallet: the app has no journey of kind content |

- **waiver of serves** expired on 2026-01-01 (payments): mend what it excuses and take it out, or renew it

- **new since the baseline**: hang in pay of wallet under down
  - zero-balance: showed \| 0 &lt;script&gt; (2026-down-s1, view#3, view#4)

- ❌ **honest**, view of wallet under down: 5, expected at most 0
  - zero-balance: showed \| 0 &lt;script&gt; (2026-down-s1, view#3, view#4)

- 🟡 waived **honest**, view of wallet under reorg: 1, expected at most 0
  - waived: known (payments, until 2026-12-31)

Every point is in gate.json. ` + "`blackout trace RUN ATTEMPT`" + ` tells the whole story of an attempt.
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestGateFitsItsPlaces fills a result beyond what GitHub takes: what is left out is counted, and what failed is not left out for what is excused.
func TestGateFitsItsPlaces(t *testing.T) {
	for _, points := range []int{1, 150, 400, 6000} {
		r := gateResult()
		first := r.Rules[1].Points[0]
		r.Rules[1].Points = nil
		for i := range points {
			p := first
			p.Found = strings.Repeat("𝄞", 20)
			p.Scenario = fmt.Sprintf("scenario-%d", i)
			r.Rules[1].Points = append(r.Rules[1].Points, p)
		}
		var summary, comment strings.Builder
		if err := GateSummary(&summary, r); err != nil {
			t.Fatal(err)
		}
		if err := GateComment(&comment, r); err != nil {
			t.Fatal(err)
		}
		if n := summary.Len(); n > SummaryBytes {
			t.Errorf("%d points: a summary of %d bytes", points, n)
		}
		if n := len(utf16.Encode([]rune(comment.String()))); n > CommentCharacters {
			t.Errorf("%d points: a comment of %d characters", points, n)
		}
		for name, text := range map[string]string{"summary": summary.String(), "comment": comment.String()} {
			shown := strings.Count(text, "**honest**, view of wallet")
			var more int
			if _, rest, cut := strings.Cut(text, "\n\n"); cut {
				if i := strings.Index(rest, " more are in gate.json."); i >= 0 {
					if _, err := fmt.Sscanf(rest[strings.LastIndexByte(rest[:i], '\n')+1:], "%d more", &more); err != nil {
						t.Fatal(err)
					}
				}
			}
			if shown+more != points || shown == 0 {
				t.Errorf("%s of %d points: %d shown, %d more", name, points, shown, more)
			}
			if !strings.HasSuffix(text, "of an attempt.\n") {
				t.Errorf("%s has no end", name)
			}
		}
	}
	r := gateResult()
	for i := range 5000 {
		rule := r.Rules[0]
		rule.ID = fmt.Sprintf("rule-%d", i)
		r.Rules = append(r.Rules, rule)
	}
	var comment strings.Builder
	if err := GateComment(&comment, r); err != nil || comment.Len() > CommentCharacters || !strings.HasPrefix(comment.String(), Marker("release")+"\n") {
		t.Errorf("%v, %d bytes", err, comment.Len())
	}
}
