package terminal

import (
	"io"
	"testing"

	"blackout/reports/compare"
)

// TestCompare holds the text of the comparison that package compare's tests make.
func TestCompare(t *testing.T) {
	var c compare.Comparison
	golden(t, "../compare/testdata/compare.json", &c, "compare.txt", func(w io.Writer) error { return Compare(w, &c) })
}
