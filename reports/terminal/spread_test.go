package terminal

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"blackout/reports/repeat"
	"blackout/reports/verdict"
)

var attributes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// plain is a text without its colours, checked to fit a terminal.
func plain(t *testing.T, text string) string {
	t.Helper()
	text = attributes.ReplaceAllString(text, "")
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > Width {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	return text
}

func TestSpread(t *testing.T) {
	verdicts := func(pass, fail, inconclusive int) map[string]int {
		return map[string]int{verdict.Pass: pass, verdict.Fail: fail, verdict.Inconclusive: inconclusive, verdict.NotApplicable: 0}
	}
	cells := []Repeated{
		{
			repeat.Spread{
				App: "wallet-single", Scenario: "aws-us-east-1-down", Asked: 4, Runs: make([]repeat.Run, 4), Passed: 1, Verdicts: verdicts(1, 2, 1), Severity: verdict.Misleading,
				Score: repeat.NewScore([]int{80, 82, 84}),
				Journeys: []repeat.Journey{
					{Journey: "view-balance", Score: repeat.NewScore([]int{100, 100, 100})}, {Journey: "a-journey-with-a-long-name"},
				},
			}, "runs/wallet-single/x/repeat.json",
		},
		{repeat.Spread{App: "other", Scenario: "control", Asked: 2, Runs: make([]repeat.Run, 1), Passed: 1, Verdicts: verdicts(1, 0, 0), Severity: verdict.Safe, Score: repeat.NewScore([]int{9})}, ""},
		{repeat.Spread{App: "none", Scenario: "control", Asked: 1, Runs: make([]repeat.Run, 1), Verdicts: verdicts(0, 0, 1), Severity: verdict.Unknown}, ""},
	}
	var out bytes.Buffer
	if err := Spread(&out, cells); err != nil {
		t.Fatal(err)
	}
	want := `
wallet-single under aws-us-east-1-down over 4 seeds
  1 of 4 passed, 2 failed, 1 inconclusive; worst severity misleading
                       median  worst   best   mean   95 % interval of the mean
  score                    82     80     84   82.0   77.0 – 87.0
  view-balance            100    100    100  100.0   100.0 – 100.0
  a-journey-with-a-lo…      –
  runs/wallet-single/x/repeat.json

other under control over 1 of 2 seeds
  1 of 1 passed; worst severity safe
                       median  worst   best   mean   95 % interval of the mean
  score                     9      9      9    9.0   – of one run

none under control over 1 seed
  0 of 1 passed, 1 inconclusive; no run has a score
`
	if diff := cmp.Diff(want, plain(t, out.String())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSummaryNamesControls(t *testing.T) {
	control := &verdict.Verdict{Run: verdict.Run{ID: "20261122T113400Z-aws-us-east-1-down-s1-7f3a-control", App: "wallet", Scenario: "aws-us-east-1-down", Seed: 1, Control: true},
		Verdict: verdict.Fail, Severity: verdict.Misleading, Reasons: []string{"view-balance was wrong 1 time: zero-balance 1"}}
	held := verdict.WithRecorded(&verdict.Verdict{Run: verdict.Run{App: "wallet", Scenario: "aws-us-east-1-down", Seed: 1}, Verdict: verdict.Pass, Severity: verdict.Safe},
		verdict.Control{Run: control.Run.ID, Verdict: control.Verdict, Reasons: []string{"the control, without faults, had zero-balance in view-balance, in 1 attempt"}})
	var out bytes.Buffer
	if err := Summary(&out, []Result{{Verdict: held}}); err != nil {
		t.Fatal(err)
	}
	want := `
INCONCLUSIVE  wallet under aws-us-east-1-down (seed 1)
  the control, without faults, had zero-balance in view-balance, in 1 attempt
  control, without faults: fail
    (20261122T113400Z-aws-us-east-1-down-s1-7f3a-control)
`
	if diff := cmp.Diff(want, plain(t, out.String())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	out.Reset()
	if err := Summary(&out, []Result{{Verdict: control}}); err != nil {
		t.Fatal(err)
	}
	if text := plain(t, out.String()); !strings.Contains(text, "wallet under aws-us-east-1-down (seed 1, control)") {
		t.Error(text)
	}
}
