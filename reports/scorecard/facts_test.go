package scorecard

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/spec"
	"blackout/reports/verdict"
)

// found adds a finding to a run.
func found(v *verdict.Verdict, check, journey string, class verdict.Class, count int, at float64, text string) *verdict.Verdict {
	v.Findings = append(v.Findings, verdict.Finding{Check: check, Journey: journey, Class: class, Count: count, FirstAtS: at, Attempts: []string{journey + "#7"}, Text: text})
	return v
}

func TestFactsAreTheFindingsOfACell(t *testing.T) {
	first, second := ran("w", "a", 1, 1, 80, fine()), ran("w", "a", 2, 2, 80, fine())
	found(first, "hang", "view", verdict.Unavailable, 4, 20, "hung")
	found(first, "zero-balance", "view", verdict.Wrong, 2, 22, "showed 0 at 22")
	found(first, "zero-balance", "view", verdict.Wrong, 1, 21, "showed 0 at 21")
	found(second, "zero-balance", "view", verdict.Wrong, 5, 20, "showed 0 at 20")
	unknown := found(ran("w", "a", 3, 3, -1, nil), "zero-balance", "view", verdict.Wrong, 9, 20, "of a run that shows nothing")
	got := Make([]*verdict.Verdict{second, unknown, first}, nil)[0]
	want := []Fact{
		{Scenario: "a", Journey: "view", Check: "zero-balance", Class: verdict.Wrong, Count: 8, Runs: 2, Of: 2, Text: "showed 0 at 21", Run: "20260001", Attempt: "view#7"},
		{Scenario: "a", Journey: "view", Check: "hang", Class: verdict.Unavailable, Count: 4, Runs: 1, Of: 2, Text: "hung", Run: "20260001", Attempt: "view#7"},
	}
	if diff := cmp.Diff(want, got.Facts); diff != "" {
		t.Error(diff)
	}
}

func TestSumIsTheScore(t *testing.T) {
	suite := &spec.Suite{Name: "s", Scenarios: []spec.SuiteEntry{{Name: "a", Weight: 3}, {Name: "b", Weight: 2}, {Name: "c", Weight: 1}}}
	got := Make([]*verdict.Verdict{ran("w", "a", 1, 1, 85, fine()), ran("w", "b", 1, 2, 76, fine())}, suite)[0]
	if text := got.Sum.String(); text != "(3 × 85 + 2 × 76) ÷ 5 = 81.4" || *got.Score != 81 {
		t.Errorf("%s, score %d", text, *got.Score)
	}
	if text := got.Scenarios[0].Seeds[0].Sum(); text != "(1 × 85) ÷ 1 = 85" {
		t.Error(text)
	}
	if c := Make([]*verdict.Verdict{ran("w", "a", 1, 1, -1, nil)}, suite)[0]; c.Sum != nil || c.Scenarios[0].Seeds[0].Sum() != "" {
		t.Errorf("no score, and the sum is %v", c.Sum)
	}
}

func TestVersionsAndTimesAreOfAllRunsThatCount(t *testing.T) {
	runs := []*verdict.Verdict{ran("w", "a", 1, 1, 80, fine()), ran("w", "a", 2, 2, 80, fine()), ran("w", "a", 3, 3, 80, fine()), ran("w", "left-out", 1, 4, 80, fine())}
	for i, at := range []string{"2026-11-25T10:00:00Z", "2026-11-24T10:00:00Z", "", "2027-01-01T00:00:00Z"} {
		runs[i].Run.StartedAt, runs[i].Run.Version, runs[i].Run.TimeScale = at, "v1", 1
	}
	runs[1].Run.AppVersion, runs[1].Run.Libraries = "3.1", map[string]string{"ethers": "6.13.4", "viem": "2.0.0"}
	runs[2].Run.Libraries, runs[2].Run.TimeScale = map[string]string{"ethers": "6.9.0"}, 0.5
	c := Make(runs, &spec.Suite{Name: "s", Scenarios: []spec.SuiteEntry{{Name: "a", Weight: 1}}})[0]
	want := []string{"blackout v1", "app 3.1", "ethers 6.13.4 and 6.9.0", "viem 2.0.0"}
	if diff := cmp.Diff(want, c.Versions.List()); diff != "" {
		t.Error(diff)
	}
	if got := c.Made(); got != "2026-11-24 to 2026-11-25, time scale 0.5 and 1" {
		t.Error(got)
	}
}

func TestJourneyShares(t *testing.T) {
	c := Make([]*verdict.Verdict{ran("w", "a", 1, 1, 30, map[string]verdict.Class{"view": verdict.Wrong}), ran("w", "a", 2, 2, 90, map[string]verdict.Class{"view": verdict.Late})}, nil)[0]
	if got := c.Scenarios[0].Journey("view").Shares(); got != "wrong 1, late 1 of 12" {
		t.Error(got)
	}
	if got := (&Journey{Attempts: map[verdict.Class]int{verdict.OK: 5}}).Shares(); got != "" {
		t.Errorf("all was ok: %q", got)
	}
}

func TestSince(t *testing.T) {
	suite := &spec.Suite{Name: "s", Version: "1", Scenarios: []spec.SuiteEntry{{Name: "a", Weight: 1}, {Name: "b", Weight: 1}}}
	before := ran("w", "a", 1, 1, 30, map[string]verdict.Class{"view": verdict.Wrong, "pay": verdict.OK})
	found(before, "zero-balance", "view", verdict.Wrong, 2, 22, "showed 0")
	before.Run.StartedAt, before.Run.Version, before.Run.Libraries = "2026-11-24T10:00:00Z", "v1", map[string]string{"ethers": "6.9.0"}
	after := ran("w", "a", 1, 3, 90, map[string]verdict.Class{"view": verdict.Late, "pay": verdict.OK})
	after.Cells[0].Score, after.Cells[1].Score = &[]int{90}[0], &[]int{90}[0]
	found(after, "hang", "view", verdict.Unavailable, 1, 22, "hung")
	after.Run.Version, after.Run.Libraries = "v1", map[string]string{"ethers": "6.13.4"}
	other := found(ran("w", "b", 1, 4, 90, fine()), "hang", "view", verdict.Unavailable, 1, 22, "hung") // the earlier card has no run of b
	earlier, cards := Make([]*verdict.Verdict{before}, suite), Make([]*verdict.Verdict{after, other, ran("new", "a", 1, 5, 90, fine())}, suite)
	Since(cards, earlier)
	var c, fresh *Changed
	for i := range cards {
		if cards[i].App == "w" {
			c = cards[i].Changed
		} else {
			fresh = cards[i].Changed
		}
	}
	want := []string{
		"grade ? → A", "score 30 → 90", "severity misleading → safe", "ethers 6.9.0 → 6.13.4", "newly found: hang in view under a", "gone: zero-balance in view under a",
		"a in view: 30 → 90, worst wrong → late", "a in pay: 30 → 90, worst ok as before", "b in view: not run → 90, worst ok",
	}
	sorted := cmp.Transformer("set", func(of []string) map[string]bool {
		set := map[string]bool{}
		for _, s := range of {
			set[s] = true
		}
		return set
	})
	if diff := cmp.Diff(want, c.Lines(), sorted); diff != "" {
		t.Error(diff)
	}
	if c.Since != "2026-11-24T10:00:00Z" || c.None() {
		t.Errorf("since %q", c.Since)
	}
	if diff := cmp.Diff([]string{"The earlier scorecard does not have this app"}, fresh.Lines()); diff != "" {
		t.Error(diff)
	}
	Since(cards, cards)
	if !cards[0].Changed.None() {
		t.Errorf("the same card: %q", cards[0].Changed.Lines())
	}
}

// TestSinceAnOlderFile holds that a scorecard.json without findings and versions makes none of them new.
func TestSinceAnOlderFile(t *testing.T) {
	earlier, err := Decode([]byte(`[{"schema": "blackout/scorecard/1", "app": "w", "score": 80, "grade": "B", "severity": "safe", "coverage": 1, "headline": "B 80 · safe", "caps": [], "scenarios": [` +
		`{"name": "a", "weight": 1, "score": 80, "severity": "safe", "coverage": 1, "seeds": [], "journeys": [{"name": "view", "kind": "read", "score": 80, "worst": "ok"}]}]}]`))
	if err != nil {
		t.Fatal(err)
	}
	now := found(ran("w", "a", 1, 1, 80, fine()), "hang", "view", verdict.Unavailable, 4, 20, "hung")
	now.Run.Version = "v1"
	cards := Make([]*verdict.Verdict{now}, nil)
	Since(cards, earlier)
	if diff := cmp.Diff([]string{"The earlier scorecard does not list its findings: which are new is not known"}, cards[0].Changed.Lines()); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRefusesOtherFiles(t *testing.T) {
	for _, text := range []string{"", "{}", `[{"schema": "blackout/verdict/1"}]`} {
		if _, err := Decode([]byte(text)); err == nil {
			t.Errorf("%q was read as a scorecard", text)
		}
	}
	cards := Make([]*verdict.Verdict{found(ran("w", "a", 1, 1, 80, fine()), "hang", "view", verdict.Unavailable, 4, 20, "hung")}, nil)
	text, err := Encode(cards)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(cards, again); diff != "" {
		t.Error(diff)
	}
}
