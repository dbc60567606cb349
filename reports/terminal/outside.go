package terminal

import (
	"fmt"
	"strings"

	"blackout/reports/verdict"
)

// mostOutside are named; the rest are in the report.
const mostOutside = 3

// outside says what the app asked for and the world does not have.
func outside(out *strings.Builder, v *verdict.Verdict) {
	if len(v.Outside) == 0 {
		return
	}
	what := "1 host"
	if n := len(v.Outside); n > 1 {
		what = fmt.Sprintf("%d hosts", n)
	}
	var parts []string
	for _, o := range v.Outside[:min(mostOutside, len(v.Outside))] {
		parts = append(parts, fmt.Sprintf("%s (%s, first %s)", o.What(), o.Often(), o.First()))
	}
	if more := len(v.Outside) - mostOutside; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more in the report", more))
	}
	text := fmt.Sprintf("asked for %s that this world does not have: %s: add what matters to a world file", what, strings.Join(parts, ", "))
	fmt.Fprintf(out, "  %s\n", paint(dim, wrap(text, "    ", 2)))
}
