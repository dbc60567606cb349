package markdown_test

import (
	"bytes"
	"strings"
	"testing"

	"blackout/reports/markdown"
	"blackout/reports/scorecard"
	"blackout/reports/verdict"
)

func TestScorecardSaysWhatMadeIt(t *testing.T) {
	score := 34
	v := &verdict.Verdict{
		Run:   verdict.Run{ID: "r1", App: "a|b", Scenario: "down", Seed: 1, Version: "v1", StartedAt: "2026-11-24T10:00:00Z", Libraries: map[string]string{"ethers": "6.13.4"}},
		Score: &score, Verdict: verdict.Fail, Severity: verdict.Misleading,
		Findings: []verdict.Finding{{Check: "zero-balance", Class: verdict.Wrong, Journey: "view", Count: 12, Text: "showed 0 | <b>"}},
	}
	cards := scorecard.Make([]*verdict.Verdict{v}, nil)
	write := func() string {
		var out bytes.Buffer
		if err := markdown.Scorecard(&out, cards); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	text := write()
	for _, want := range []string{
		"- score: (1 × 34) ÷ 1 = 34, rounded down 34\n", "- versions: blackout v1, ethers 6.13.4\n", "- runs: 2026-11-24, time scale 1\n",
		`| zero-balance in view | wrong | down | 12 | 1 of 1 | showed 0 \| `, "(r1) |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "changed") {
		t.Error("nothing earlier was given, and changes are told")
	}
	scorecard.Since(cards, cards)
	if !strings.Contains(write(), "Nothing changed since 2026-11-24.") {
		t.Error("the same card has no word on it")
	}
}
