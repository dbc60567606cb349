package repeat

import (
	"math"
	"slices"
)

// Score is how the scores of several runs lie.
type Score struct {
	N      int     `json:"n"`      // runs with a score
	Median int     `json:"median"` // of an even number the lower middle, so that it is a score that a run had
	Worst  int     `json:"worst"`
	Best   int     `json:"best"`
	Mean   float64 `json:"mean"`
	// Interval is where the mean of many more such runs would lie, with 95 % confidence; null for a single run, which says nothing about others.
	Interval *Interval `json:"interval_95"`
}

// Interval is a confidence interval, in points of the score.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// NewScore takes the spread of scores in [0, 100]; nil without any.
//
// The interval is Student's t interval of the mean, x̄ ± t(0.975, n − 1) · s / √n, with s the sample's standard deviation (NIST/SEMATECH e-Handbook of Statistical
// Methods, section 1.3.5.2), cut off where no score can be. It takes seeds as independent draws and their mean as about normal. Of runs that all scored the same it
// is a point: they agree, which is not to say that all others would.
func NewScore(scores []int) *Score {
	if len(scores) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(scores))
	n := len(sorted)
	s := &Score{N: n, Median: sorted[(n-1)/2], Worst: sorted[0], Best: sorted[n-1]}
	sum := 0.0
	for _, x := range sorted {
		sum += float64(x)
	}
	mean := sum / float64(n)
	s.Mean = hundredths(mean)
	if n < 2 {
		return s
	}
	squares := 0.0
	for _, x := range sorted {
		squares += (float64(x) - mean) * (float64(x) - mean)
	}
	half := t975(n-1) * math.Sqrt(squares/float64(n-1)) / math.Sqrt(float64(n))
	s.Interval = &Interval{Low: hundredths(max(0, mean-half)), High: hundredths(min(100, mean+half))}
	return s
}

// The ways to make one number of several seeds' scores.
const (
	AcrossWorst  = "worst"
	AcrossMedian = "median"
	AcrossBest   = "best"
	AcrossLower  = "lower" // the lower bound of the mean's confidence interval
)

// Across gives the one number that a gate asks for. It is false for a way that is none of the above, and for the lower bound of a single run.
func (s *Score) Across(how string) (float64, bool) {
	if s == nil {
		return 0, false
	}
	switch how {
	case AcrossWorst:
		return float64(s.Worst), true
	case AcrossMedian:
		return float64(s.Median), true
	case AcrossBest:
		return float64(s.Best), true
	case AcrossLower:
		if s.Interval != nil {
			return s.Interval.Low, true
		}
	}
	return 0, false
}

// quantile is the 0.975 quantile of Student's t for so many degrees of freedom.
type quantile struct {
	freedom int
	t       float64
}

// quantiles are those of NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.6.7.2, by degrees of freedom.
var quantiles = []quantile{
	{1, 12.706}, {2, 4.303}, {3, 3.182}, {4, 2.776}, {5, 2.571}, {6, 2.447}, {7, 2.365}, {8, 2.306}, {9, 2.262}, {10, 2.228},
	{11, 2.201}, {12, 2.179}, {13, 2.160}, {14, 2.145}, {15, 2.131}, {16, 2.120}, {17, 2.110}, {18, 2.101}, {19, 2.093}, {20, 2.086},
	{21, 2.080}, {22, 2.074}, {23, 2.069}, {24, 2.064}, {25, 2.060}, {26, 2.056}, {27, 2.052}, {28, 2.048}, {29, 2.045}, {30, 2.042},
	{40, 2.021}, {50, 2.009}, {60, 2.000}, {80, 1.990}, {100, 1.984},
}

// t975 is the two-sided 95 % factor. Between two entries the one of fewer degrees of freedom holds: an interval a little too wide, never too narrow.
func t975(freedom int) float64 {
	t := quantiles[0].t
	for _, q := range quantiles {
		if q.freedom > freedom {
			break
		}
		t = q.t
	}
	return t
}

// hundredths is enough for people, and the same bytes on every machine.
func hundredths(x float64) float64 { return math.Round(100*x) / 100 }
