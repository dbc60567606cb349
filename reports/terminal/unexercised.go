package terminal

import (
	"fmt"
	"slices"
	"strings"

	"blackout/reports/verdict"
)

// unexercised says which faults did not act on the app, and why, service by service.
func unexercised(out *strings.Builder, v *verdict.Verdict) {
	words := map[string]string{
		verdict.NotUsed:    "not used by the app",
		verdict.Spared:     "spared, nothing that the app did met it",
		verdict.Missed:     "MISSED, the app used it and the fault touched nothing",
		verdict.Failed:     "FAILED, the fault could not be injected or cleared",
		verdict.NotReached: "not reached, the run ended before",
	}
	var order []string
	by := map[string][]string{}
	for _, f := range v.Faults {
		word, ok := words[f.EndedAs]
		if !ok {
			continue
		}
		on := f.On()
		if f.EndedAs != verdict.NotUsed || f.Instance != "" {
			on = f.Fault + " on " + on
		}
		if by[word] == nil {
			order = append(order, word)
		}
		if !slices.Contains(by[word], on) {
			by[word] = append(by[word], on)
		}
	}
	for _, word := range order {
		fmt.Fprintf(out, "  %s\n", paint(dim, wrap(word+": "+strings.Join(by[word], ", "), "    ", 2)))
	}
}
