package spec

import (
	"fmt"
	"slices"
	"strings"
)

// What this version can run. The formats have more: a file that uses it is valid, and is refused before a run with a problem that says so.
var (
	supportedKinds = []string{KindRead, KindWrite, KindEvents, KindContent, KindStatus}
	browserKinds   = []string{KindRead, KindWrite, KindStatus}
)

// Unsupported says what a valid app file uses that this version cannot run yet; none means that the app can run.
func Unsupported(a *App) []Problem {
	var out []Problem
	for _, name := range a.JourneyOrder {
		j := a.Journeys[name]
		path := join("journeys", name)
		if !slices.Contains(supportedKinds, j.Kind) {
			out = append(out, a.Source.Problem(join(path, "kind"), fmt.Sprintf("journeys of kind %q are not supported yet", j.Kind), "this version runs: "+strings.Join(supportedKinds, ", ")))
		}
		if j.Driver == DriverBrowser && !slices.Contains(browserKinds, j.Kind) && slices.Contains(supportedKinds, j.Kind) {
			out = append(out, a.Source.Problem(join(path, "driver"), fmt.Sprintf("the driver browser does not drive %s journey yet", oneOf(j.Kind)), "it drives: "+strings.Join(browserKinds, ", ")))
		}
	}
	return out
}
