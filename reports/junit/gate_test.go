package junit

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	gojunit "github.com/joshdk/go-junit"

	"blackout/reports/gate"
)

func gateResult() *gate.Result {
	sight := gate.Sight{Run: "2026-down-s1", Text: "showed \x00 \x1b[31m0\x1b[0m \xff \ufffe ]]> <b> & \"quoted\"\nnext", Findings: []string{"zero-balance/view/acct-0"}, Attempts: []string{"view#3"}}
	return &gate.Result{
		Schema: gate.Schema, Gate: "release", Day: "2026-06-15", Result: gate.Fail,
		Rules: []gate.Rule{
			{ID: "honest", Metric: "attempts.wrong", Expected: "at most 0", Across: "worst", Result: gate.Fail, Points: []gate.Point{
				{App: "wallet", Scenario: "down", Journey: "view", Result: gate.Fail, Found: "5", Evidence: []gate.Sight{sight}},
				{App: "wallet", Scenario: "reorg", Journey: "view", Result: gate.NotKnown, Found: "not known: seed 1 is inconclusive", Evidence: []gate.Sight{sight}},
				{App: "wallet", Scenario: "rate-limited", Journey: "view", Result: gate.Waived, Found: "1", Waiver: "no second provider (payments, until 2026-12-31)"},
				{App: "wallet", Scenario: "txpool-full", Journey: "view", Result: gate.Known, Found: "1"},
				{App: "wallet", Scenario: "down", Journey: "pay", Result: gate.Pass, Found: "0"},
			}},
			{ID: "covered", Metric: "coverage", Expected: "at least 80 %", Across: "worst", Result: gate.Pass, Points: []gate.Point{{App: "wallet", Result: gate.Pass, Found: "100 %"}}},
			{ID: "content", Metric: "score", Expected: "at least 90", Across: "worst", Result: gate.Skipped, Notes: []string{"wallet: the app has no journey of kind content"}},
		},
		Waivers: []gate.Waiver{{Rule: "honest", Reason: "old", Owner: "payments", Until: "2026-01-01", State: gate.Expired}},
		Checks:  []gate.Found{{App: "wallet", Scenario: "down", Journey: "pay", Check: "hang", Class: "unavailable", New: true, Sight: sight}},
	}
}

// TestGateIsReadByOthers has the document read by a parser that is not ours.
func TestGateIsReadByOthers(t *testing.T) {
	var out bytes.Buffer
	if err := WriteGate(&out, gateResult()); err != nil {
		t.Fatal(err)
	}
	got, err := gojunit.Ingest(out.Bytes())
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	want := map[string]map[string]gojunit.Status{
		"gate release":          {"content": gojunit.StatusSkipped, "waiver of honest": gojunit.StatusFailed},
		"wallet":                {"covered": gojunit.StatusPassed},
		"wallet × down":         {"honest": gojunit.StatusFailed, "new since the baseline: hang in pay": gojunit.StatusFailed},
		"wallet × rate-limited": {"honest": gojunit.StatusSkipped},
		"wallet × reorg":        {"honest": gojunit.StatusError},
		"wallet × txpool-full":  {"honest": gojunit.StatusSkipped},
	}
	read := map[string]map[string]gojunit.Status{}
	totals := gojunit.Totals{}
	for _, s := range got {
		read[s.Name] = map[string]gojunit.Status{}
		totals.Tests += s.Totals.Tests
		totals.Failed += s.Totals.Failed
		totals.Error += s.Totals.Error
		totals.Skipped += s.Totals.Skipped
		for _, c := range s.Tests {
			read[s.Name][c.Name] = c.Status
			if c.Status == gojunit.StatusFailed && (c.Error == nil || strings.TrimSpace(c.Error.Error()) == "") {
				t.Errorf("%s: the failure has no text in its body", c.Name)
			}
		}
	}
	if diff := cmp.Diff(want, read); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, out.String())
	}
	if totals.Tests != 8 || totals.Failed != 3 || totals.Error != 1 || totals.Skipped != 3 {
		t.Errorf("totals %+v", totals)
	}
	for _, want := range []string{`tests="8" failures="3" errors="1"`, "view#3", "zero-balance/view/acct-0", "expected: attempts.wrong at most 0"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %s\n%s", want, out.String())
		}
	}
	legal(t, out.String())
}

// legal checks that a document has only the characters that XML 1.0 allows (section 2.2).
func legal(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Error("no UTF-8")
	}
	for i, r := range text {
		if r != '\t' && r != '\n' && r != '\r' && (r < 0x20 || r > 0xd7ff && r < 0xe000 || r == 0xfffe || r == 0xffff) {
			t.Errorf("character %U at %d", r, i)
		}
	}
	for _, reference := range []string{"&#x0;", "&#0;", "&#x1b;", "&#x1B;", "&#27;"} {
		if strings.Contains(text, reference) {
			t.Errorf("reference %s", reference)
		}
	}
}

func FuzzGateIsLegal(f *testing.F) {
	f.Add("showed \x00", "a\x1bb")
	f.Add("\xff\xfe", "]]>")
	f.Fuzz(func(t *testing.T, text, name string) {
		r := gateResult()
		r.Gate, r.Rules[0].ID, r.Rules[0].Points[0].Found, r.Rules[0].Points[0].Evidence[0].Text = name, name, text, text
		r.Rules[2].Notes[0], r.Waivers[0].Reason, r.Rules[0].Points[2].Waiver = text, text, text
		var out bytes.Buffer
		if err := WriteGate(&out, r); err != nil {
			t.Fatal(err)
		}
		legal(t, out.String())
		if _, err := gojunit.Ingest(out.Bytes()); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
	})
}
