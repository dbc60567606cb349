package repeat

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"blackout/reports/verdict"
)

func TestScore(t *testing.T) {
	tests := []struct {
		name   string
		scores []int
		want   *Score
	}{
		{"none", nil, nil},
		{"one says nothing about others", []int{81}, &Score{N: 1, Median: 81, Worst: 81, Best: 81, Mean: 81}},
		{"two", []int{84, 80}, &Score{N: 2, Median: 80, Worst: 80, Best: 84, Mean: 82, Interval: &Interval{56.59, 100}}},         // 12.706 × 2.8284 / √2 = 25.412, cut off at 100
		{"three", []int{82, 84, 80}, &Score{N: 3, Median: 82, Worst: 80, Best: 84, Mean: 82, Interval: &Interval{77.03, 86.97}}}, // 4.303 × 2 / √3 = 4.969
		{"four", []int{90, 70, 80, 60}, &Score{N: 4, Median: 70, Worst: 60, Best: 90, Mean: 75, Interval: &Interval{54.46, 95.54}}},
		{"all alike", []int{100, 100, 100}, &Score{N: 3, Median: 100, Worst: 100, Best: 100, Mean: 100, Interval: &Interval{100, 100}}},
		{"cut off at nothing", []int{0, 40}, &Score{N: 2, Median: 0, Worst: 0, Best: 40, Mean: 20, Interval: &Interval{0, 100}}},
		{"thirds", []int{0, 0, 100}, &Score{N: 3, Median: 0, Worst: 0, Best: 100, Mean: 33.33, Interval: &Interval{0, 100}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			given := append([]int(nil), tt.scores...)
			if diff := cmp.Diff(tt.want, NewScore(tt.scores)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(given, tt.scores); diff != "" {
				t.Errorf("the argument was changed:\n%s", diff)
			}
		})
	}
}

// TestQuantiles integrates Student's density between ± t: 95 % has to lie there.
func TestQuantiles(t *testing.T) {
	for i, q := range quantiles {
		if i > 0 && (q.freedom <= quantiles[i-1].freedom || q.t >= quantiles[i-1].t) {
			t.Errorf("the table is out of order at %d", q.freedom)
		}
		n := float64(q.freedom)
		a, _ := math.Lgamma((n + 1) / 2)
		b, _ := math.Lgamma(n / 2)
		scale := math.Exp(a-b) / math.Sqrt(n*math.Pi)
		density := func(x float64) float64 { return scale * math.Pow(1+x*x/n, -(n+1)/2) }
		const steps = 20000 // Simpson's rule
		sum, h := density(0)+density(q.t), q.t/steps
		for k := 1; k < steps; k++ {
			sum += float64(2+2*(k%2)) * density(float64(k)*h)
		}
		if within := 2 * sum * h / 3; math.Abs(within-0.95) > 5e-5 {
			t.Errorf("%d degrees of freedom: %.6f lies within ± %v", q.freedom, within, q.t)
		}
	}
	for freedom, want := range map[int]float64{1: 12.706, 9: 2.262, 30: 2.042, 35: 2.042, 40: 2.021, 99: 1.990, 100: 1.984, 100_000: 1.984} {
		if got := t975(freedom); got != want {
			t.Errorf("t(0.975, %d) = %v, want %v", freedom, got, want)
		}
	}
}

func TestScoreIsInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scores := rapid.SliceOfN(rapid.IntRange(0, 100), 1, 150).Draw(t, "scores")
		s := NewScore(scores)
		if s.N != len(scores) || s.Worst > s.Median || s.Median > s.Best || s.Mean < float64(s.Worst) || s.Mean > float64(s.Best) {
			t.Fatalf("%+v of %v", s, scores)
		}
		if i := s.Interval; (i == nil) != (len(scores) == 1) || i != nil && (i.Low < 0 || i.Low > s.Mean || i.High < s.Mean || i.High > 100) {
			t.Fatalf("interval %+v, mean %v", i, s.Mean)
		}
		shuffled := rapid.Permutation(scores).Draw(t, "shuffled")
		if diff := cmp.Diff(s, NewScore(shuffled)); diff != "" {
			t.Fatalf("the order counts:\n%s", diff)
		}
	})
}

func TestAcross(t *testing.T) {
	s := NewScore([]int{80, 82, 84})
	for how, want := range map[string]float64{AcrossWorst: 80, AcrossMedian: 82, AcrossBest: 84, AcrossLower: 77.03} {
		if got, ok := s.Across(how); !ok || got != want {
			t.Errorf("%s: %v %v, want %v", how, got, ok, want)
		}
	}
	if _, ok := s.Across("mean"); ok {
		t.Error("an unknown way gave a number")
	}
	if _, ok := NewScore([]int{80}).Across(AcrossLower); ok {
		t.Error("one run has a lower bound")
	}
	if _, ok := NewScore(nil).Across(AcrossWorst); ok {
		t.Error("no run has a worst score")
	}
}

// run is a verdict with what the spread reads. A negative score is none; cells are view-balance and send-payment.
func run(app, scenario string, seed uint64, as, severity string, score int, cells ...int) *verdict.Verdict {
	point := func(n int) *int {
		if n < 0 {
			return nil
		}
		return &n
	}
	v := &verdict.Verdict{Run: verdict.Run{ID: scenario + "-" + app, App: app, Scenario: scenario, Seed: seed}, Verdict: as, Severity: severity, Score: point(score)}
	for i, c := range cells {
		v.Cells = append(v.Cells, verdict.Cell{Journey: []string{"view-balance", "send-payment"}[i], Kind: []string{"read", "write"}[i], Score: point(c)})
	}
	return v
}

func runs() []*verdict.Verdict {
	control := run("wallet", "outage", 1, verdict.Fail, verdict.Misleading, 10, 10, 10)
	control.Run.Control = true
	return []*verdict.Verdict{
		control,
		run("wallet", "outage", 2, verdict.Fail, verdict.Misleading, 38, 30, 42),
		run("other", "outage", 1, verdict.NotApplicable, verdict.Unknown, -1, -1, -1),
		run("wallet", "outage", 1, verdict.Pass, verdict.Safe, 81, 75, 84),
		run("wallet", "outage", 3, verdict.Inconclusive, verdict.Unknown, -1, -1, -1),
		run("wallet", "control", 1, verdict.Pass, verdict.Safe, 100, 100),
	}
}

func TestOf(t *testing.T) {
	score := func(n int) *int { return &n }
	want := []Spread{
		{
			Schema: Schema, App: "wallet", Scenario: "outage", Asked: 4, Passed: 1, Severity: verdict.Misleading,
			Verdicts: map[string]int{"pass": 1, "fail": 1, "inconclusive": 1, "not-applicable": 0},
			Runs: []Run{
				{"outage-wallet", 1, "pass", score(81), "safe"}, {"outage-wallet", 2, "fail", score(38), "misleading"}, {"outage-wallet", 3, "inconclusive", nil, "unknown"},
			},
			Score:    &Score{N: 2, Median: 38, Worst: 38, Best: 81, Mean: 59.5, Interval: &Interval{0, 100}},
			Journeys: []Journey{{"view-balance", "read", &Score{N: 2, Median: 30, Worst: 30, Best: 75, Mean: 52.5, Interval: &Interval{0, 100}}}, {"send-payment", "write", &Score{N: 2, Median: 42, Worst: 42, Best: 84, Mean: 63, Interval: &Interval{0, 100}}}},
		},
		{
			Schema: Schema, App: "other", Scenario: "outage", Asked: 4, Severity: verdict.Unknown,
			Verdicts: map[string]int{"pass": 0, "fail": 0, "inconclusive": 0, "not-applicable": 1},
			Runs:     []Run{{"outage-other", 1, "not-applicable", nil, "unknown"}},
			Journeys: []Journey{{"view-balance", "read", nil}, {"send-payment", "write", nil}},
		},
		{
			Schema: Schema, App: "wallet", Scenario: "control", Asked: 4, Passed: 1, Severity: verdict.Safe,
			Verdicts: map[string]int{"pass": 1, "fail": 0, "inconclusive": 0, "not-applicable": 0},
			Runs:     []Run{{"control-wallet", 1, "pass", score(100), "safe"}},
			Score:    &Score{N: 1, Median: 100, Worst: 100, Best: 100, Mean: 100},
			Journeys: []Journey{{"view-balance", "read", &Score{N: 1, Median: 100, Worst: 100, Best: 100, Mean: 100}}},
		},
	}
	if diff := cmp.Diff(want, Of(runs(), 4)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := Of(nil, 3); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestEncode(t *testing.T) {
	text, err := Of([]*verdict.Verdict{run("wallet", "outage", 1, verdict.Inconclusive, verdict.Unknown, -1)}, 2)[0].Encode()
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "schema": "blackout/repeat/1",
  "app": "wallet",
  "scenario": "outage",
  "asked": 2,
  "runs": [
    {
      "id": "outage-wallet",
      "seed": 1,
      "verdict": "inconclusive",
      "score": null,
      "severity": "unknown"
    }
  ],
  "verdicts": {
    "fail": 0,
    "inconclusive": 1,
    "not-applicable": 0,
    "pass": 0
  },
  "passed": 0,
  "severity": "unknown",
  "score": null,
  "journeys": []
}
`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	text, err = Of([]*verdict.Verdict{run("w", "o", 1, verdict.Pass, verdict.Safe, 90)}, 1)[0].Encode()
	if err != nil || !strings.Contains(string(text), `"interval_95": null`) {
		t.Errorf("%v\n%s", err, text)
	}
}
