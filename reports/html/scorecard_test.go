package html_test

import (
	"bytes"
	stdhtml "html"
	"regexp"
	"strings"
	"testing"

	"blackout/harness/spec"
	"blackout/reports/html"
	"blackout/reports/scorecard"
	"blackout/reports/verdict"
)

// carded is a run with one journey, of 100 attempts in the outage of which n were of a class.
func carded(app, scenario, id string, score, n int, class verdict.Class) *verdict.Verdict {
	v := &verdict.Verdict{
		Schema: verdict.Schema, Verdict: verdict.Pass, Score: &score, Severity: verdict.Safe,
		Run: verdict.Run{ID: id, App: app, Scenario: scenario, Seed: 1, Version: "v1.2.3", StartedAt: "2026-11-2" + id + "T10:00:00Z", TimeScale: 1, AppVersion: "3.1", Libraries: map[string]string{"ethers": "6.13.4"}},
		Cells: []verdict.Cell{{Journey: "view", Kind: "read", Score: &score, Sum: &verdict.Sum{O: 0.5, R: 1, Q: 0.625, Uncapped: 62},
			Attempts: map[string]map[verdict.Class]int{verdict.Outage: {verdict.OK: 100 - n, class: n}}}},
	}
	if class == verdict.Wrong {
		v.Severity = verdict.Misleading
		v.Cells[0].Sum.Caps = []verdict.Cap{{Rule: "wrong", At: 34.3, Share: 0.12}}
		v.Findings = []verdict.Finding{{Check: "zero-balance", Class: class, Journey: "view", Count: n, Attempts: []string{"view#7"}, Text: "showed 0 while the account held 5 wei"}}
	}
	return v
}

func cardsPage(t *testing.T, cards []scorecard.Card) string {
	t.Helper()
	var out bytes.Buffer
	if err := html.Scorecard(&out, cards); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestScorecardSaysWhatMadeIt(t *testing.T) {
	suite := &spec.Suite{Name: "standard", Version: "2026.1", Scenarios: []spec.SuiteEntry{{Name: "down", Weight: 3}, {Name: "unreachable", Weight: 2}, {Name: "later", Weight: 1}}}
	earlier := scorecard.Make([]*verdict.Verdict{carded("wallet", "down", "1", 96, 1, verdict.Late), carded("wallet", "unreachable", "2", 80, 1, verdict.Late)}, suite)
	cards := scorecard.Make([]*verdict.Verdict{
		carded("wallet", "down", "3", 92, 5, verdict.Unavailable), carded("wallet", "unreachable", "4", 34, 12, verdict.Wrong), carded("better", "down", "5", 100, 0, verdict.Late),
	}, suite)
	scorecard.Since(cards, earlier)
	page := stdhtml.UnescapeString(cardsPage(t, cards))
	for _, want := range []string{
		"Suite standard 2026.1", `<a href="#app-1">wallet</a>`, "C 68 · misleading in 1 of 2", // headline
		`<td class="h-F"><b>34</b>✗ wrong<small>wrong 12 of 100</small></td>`, `<td class="h-A"><b>92</b>unavailable<small>unavailable 5 of 100</small></td>`, // heat
		"✗ zero-balance", "showed 0 while the account held 5 wei", "4 view#7", "1 of 1", // facts
		"(3 × 92 + 2 × 34) ÷ 5 = 68.8, rounded down: 68", "Without a score, and so counted in the coverage alone: later.", "(1 × 34) ÷ 1 = 34", // sums
		"O 0.500 × 0.75 + R 1.000 × 0.25 = 0.625 → 62; wrong: at most 34.3 (share 0.120) → 34",
		"no letter: 50 % of the suite has a result, 80 % are needed", // cap, of the other app
		"blackout v1.2.3", "app 3.1", "ethers 6.13.4", "2026-11-23 to 2026-11-24, time scale 1",
		"What changed since 2026-11-22", "grade B → C", "newly found: zero-balance in view under unreachable", "unreachable in view: 80 → 34, worst late → wrong", "The earlier scorecard does not have this app",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestScorecardEscapes holds that names are text, and that the page is one file that needs no network and runs no script.
func TestScorecardEscapes(t *testing.T) {
	const bad = `<script src="x">alert(1)</script>`
	v := carded(bad, bad, "1", 34, 12, verdict.Wrong)
	v.Run.Libraries, v.Run.AppVersion = map[string]string{bad: bad}, bad
	v.Cells[0].Journey, v.Findings[0].Journey, v.Findings[0].Check, v.Findings[0].Text = bad, bad, bad, bad
	cards := scorecard.Make([]*verdict.Verdict{v}, nil)
	scorecard.Since(cards, nil)
	page := cardsPage(t, cards)
	if m := regexp.MustCompile(`(?i)<script|src="|@import|url\(|href="[^#]`).FindString(page); m != "" {
		t.Errorf("the page has %q", m)
	}
	if !strings.Contains(page, "prefers-color-scheme: dark") || !strings.Contains(page, "@media print") {
		t.Error("the page is not light, dark and for paper")
	}
}

func TestScorecardWithoutAnyScore(t *testing.T) {
	v := carded("wallet", "down", "1", 0, 0, verdict.Late)
	v.Score, v.Verdict, v.Reasons, v.Cells = nil, verdict.Inconclusive, []string{"we were late"}, nil
	page := cardsPage(t, scorecard.Make([]*verdict.Verdict{v}, nil))
	for _, want := range []string{"? · no result", "No run has a score.", "we were late"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
