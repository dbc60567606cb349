package terminal

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/plan"
	"blackout/reports/verdict"
)

// TestFaultsAreNamed by what they act on, on the lines of a run that goes on and of one that is over.
func TestFaultsAreNamed(t *testing.T) {
	for want, e := range map[string]plan.Effect{
		"http-status 503 on infura, up to 56 % of requests": {Fault: "http-status", With: map[string]any{"status": 503}, Service: "infura", Reach: 0.56, Unit: "requests"},
		"head-lag on infura":            {Fault: "head-lag", Service: "infura", Chain: "ethereum", Reach: 1},
		"chain-halt on ethereum":        {Fault: "chain-halt", Chain: "ethereum", Reach: 1},
		"app-stopped on instance app-0": {Fault: "app-stopped", Instance: "app-0", Reach: 1},
	} {
		if got := Describe(e); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	v := &verdict.Verdict{Faults: []verdict.Fault{
		{Fault: "start-refused", Instance: "app-0", EndedAs: verdict.NotUsed},
		{Fault: "unreachable", Service: "infura", EndedAs: verdict.NotUsed},
		{Fault: "app-stopped", Instance: "app-0", EndedAs: verdict.Exercised},
		{Fault: "chain-halt", Chain: "ethereum", EndedAs: verdict.Spared},
	}}
	var out strings.Builder
	unexercised(&out, v)
	want := `  not used by the app: start-refused on instance app-0, infura
  spared, nothing that the app did met it: chain-halt on ethereum
`
	if diff := cmp.Diff(want, plain(t, out.String())); diff != "" {
		t.Error(diff)
	}
}
