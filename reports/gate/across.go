package gate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"blackout/harness/spec"
	"blackout/reports/repeat"
)

// held is what a rule makes of the samples of one point.
type held struct {
	result  string
	missing string // why there is no value
	shown   *sample
	number  float64 // instead of shown, where the value is no single run's
}

// slack is for what floating point adds to shares.
const slack = 1e-9

// badness is how far a value is beyond the bounds: above 0 it does not hold.
func badness(rule spec.Rule, s *sample) float64 {
	if rule.Equals != "" {
		if s.word == rule.Equals {
			return 0
		}
		return 1
	}
	bad := math.Inf(-1)
	if rule.Min != nil {
		bad = max(bad, *rule.Min-s.value)
	}
	if rule.Max != nil {
		bad = max(bad, s.value-*rule.Max)
	}
	if math.Abs(bad) <= slack {
		return 0
	}
	return bad
}

// hold makes one result of several seeds. A seed whose run is inconclusive might have shown anything: the result is known only if it would be the same with the best and
// with the worst of values in its place.
func hold(rule spec.Rule, samples []sample) held {
	var known []*sample
	unknown := 0
	for i := range samples {
		s := &samples[i]
		if s.unknown {
			unknown++
			continue
		}
		s.bad = badness(rule, s)
		known = append(known, s)
	}
	slices.SortStableFunc(known, func(a, b *sample) int {
		switch {
		case a.bad < b.bad:
			return -1
		case a.bad > b.bad:
			return 1
		}
		return 0
	})
	if rule.AcrossSeeds == spec.AcrossLower {
		return lower(rule, known, unknown)
	}
	n := len(known) + unknown
	at := n - 1 // the worst
	switch rule.AcrossSeeds {
	case spec.AcrossBest:
		at = 0
	case spec.AcrossMedian:
		at = n / 2 // of an even number the worse middle
	}
	holds := func(i int) bool { // of the known ones in their order, with what lies before and beyond them as good or bad as can be
		return i < 0 || i < len(known) && known[i].bad <= 0
	}
	atBest, atWorst := holds(at-unknown), holds(at)
	h := held{result: NotKnown}
	switch {
	case atBest && atWorst:
		h.result = Pass
	case !atBest && !atWorst:
		h.result = Fail
	}
	if len(known) > 0 {
		h.shown = known[min(at, len(known)-1)]
		if h.result == Fail {
			h.shown = known[at-unknown]
		}
	}
	return h
}

// lower holds the lower bound of the mean score.
func lower(rule spec.Rule, known []*sample, unknown int) held {
	if unknown > 0 {
		return held{result: NotKnown}
	}
	scores := make([]int, len(known))
	for i, s := range known {
		scores[i] = int(s.value)
	}
	v, ok := repeat.NewScore(scores).Across(repeat.AcrossLower)
	if !ok {
		return held{missing: "one run has no confidence interval; take more seeds"}
	}
	h := held{result: Pass, number: v}
	if badness(rule, &sample{value: v}) > 0 {
		h.result = Fail
	}
	return h
}

// value is the number that was found; nil for words and what never came to be.
func (h held) value() *float64 {
	v := h.number
	if h.shown != nil {
		v = h.shown.value
		if h.shown.word != "" {
			return nil
		}
	} else if h.result == NotKnown {
		return nil
	}
	if math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// text says what was found: "62 with seed 3", "not known: seed 2 is inconclusive".
func (h held) text(m spec.Metric, samples []sample) string {
	var doubts []string
	for _, s := range samples {
		if s.unknown {
			doubts = append(doubts, fmt.Sprintf("seed %d is inconclusive", s.run.Run.Seed))
		}
	}
	found := ""
	switch {
	case h.shown != nil:
		found = h.shown.text(m)
		if len(samples) > 1 {
			found += fmt.Sprintf(" with seed %d", h.shown.run.Run.Seed)
		}
	case len(doubts) == 0:
		found = m.Format(h.number)
	}
	if len(doubts) == 0 {
		return found
	}
	if h.result == NotKnown {
		doubts[0] = "not known: " + doubts[0]
	}
	if found == "" {
		return strings.Join(doubts, ", ")
	}
	return found + "; " + strings.Join(doubts, ", ")
}
