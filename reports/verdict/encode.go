package verdict

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Encode gives verdict.json: indented, with a newline at the end, every class in every window, and lists that are empty instead of null. It does not change v.
func (v *Verdict) Encode() ([]byte, error) {
	out := *v
	out.Reasons, out.Windows = orEmpty(v.Reasons), orEmpty(v.Windows)
	out.Findings, out.Warnings, out.Faults = findingList(v.Findings), findingList(v.Warnings), orEmpty(v.Faults)
	out.UnmodelledHosts, out.Providers = orEmpty(v.UnmodelledHosts), orEmpty(v.Providers)
	out.Outside = make([]Outside, len(v.Outside))
	for i, o := range v.Outside {
		out.Outside[i] = o.whole()
	}
	out.Chains, out.SupportingNotes = orEmpty(v.Chains), orEmpty(v.SupportingNotes)
	if v.Control != nil {
		control := *v.Control
		control.Reasons = orEmpty(control.Reasons)
		out.Control = &control
	}
	out.Cells = make([]Cell, len(v.Cells))
	for i, c := range v.Cells {
		out.Cells[i] = c.whole()
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(&out); err != nil {
		return nil, fmt.Errorf("encode the verdict of run %s: %w", v.Run.ID, err)
	}
	return b.Bytes(), nil
}

// whole is the cell with a count for each class and window.
func (c Cell) whole() Cell {
	counts, void := map[string]map[Class]int{}, map[string]int{}
	for _, w := range windowNames() {
		void[w] = c.Void[w]
		counts[w] = map[Class]int{}
		for _, class := range Classes() {
			counts[w][class] = c.Attempts[w][class]
		}
	}
	c.Attempts, c.Void = counts, void
	if c.LatencyS == nil {
		c.LatencyS = map[string]LatencySummary{}
	}
	return c
}

func findingList(from []Finding) []Finding {
	to := append([]Finding{}, from...)
	for i := range to {
		to[i].Attempts = orEmpty(to[i].Attempts)
	}
	return to
}

// orEmpty is from, or an empty list for nil.
func orEmpty[T any](from []T) []T {
	if from == nil {
		return []T{}
	}
	return from
}
