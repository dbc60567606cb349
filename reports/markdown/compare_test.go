package markdown

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"blackout/reports/compare"
)

// TestCompare holds that tables stay tables, and that what matters stands in them.
func TestCompare(t *testing.T) {
	text, err := os.ReadFile("../compare/testdata/compare.json")
	if err != nil {
		t.Fatal(err)
	}
	var c compare.Comparison
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	c.Pairs[1].Findings[0].B.Text = "a | b\n<script>`"
	var out strings.Builder
	if err := Compare(&out, &c); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	for _, part := range []string{
		"# wallet-resilient lives through 1 of 1 scenario that wallet-single fails; 1 of 3 pairs cannot be compared; 1 run without a partner\n\n",
		"\n## hang, seed 1: not known\n\n- **Warning:** the run of wallet-resilient is inconclusive, which says nothing about the app: nothing was exercised",
		"\n|  | wallet-single | wallet-resilient |\n|---|---|---|\n| verdict | pass | inconclusive |\n| score | 75 | – |\n",
		"| **send-payment** | 8 | 100 |\n| ok | 95 % | 100 % |\n| harmful | 5 % | 0 % |\n",
		"| new | unavailable-with-path in view-balance | warning | 0 → 10 | a \\| b &lt;script&gt;' (20261122T114400Z-one-provider-s1-0005, view-balance#50) |\n",
		"\nWhy:\n\n- every fault ended alike for both, 1 of 1 exercised\n- library viem: 2.20.0 → 2.21.0\n",
		"\n## Without a partner\n\n| only | scenario | app | seed | verdict | run |\n|---|---|---|---:|---|---|\n| wallet-single | late | wallet-single | 1 | pass | 20261122T113700Z-late-s1-0004 |\n",
		"\nleft out of wallet-single: 1 run that a later one replaces.\n",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("lacks\n%s\nin\n%s", part, got)
		}
	}
}
