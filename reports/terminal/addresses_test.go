package terminal

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/clock"
	"blackout/harness/plan"
)

// TestAddresses says where the app can be opened once, where that is asked for and once it is known.
func TestAddresses(t *testing.T) {
	for name, c := range map[string]struct {
		shows bool
		want  string
	}{
		"one run": {true, `calm × wallet · seed 1: starting
calm × wallet · seed 1: open http://127.0.0.1:41234
calm × wallet · seed 1: open http://127.0.0.1:41235
calm × wallet · seed 1: PASS
`},
		"side by side": {false, `calm × wallet · seed 1: starting
calm × wallet · seed 1: PASS
`},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			b := NewBoard(&out, false, clock.Start())
			if c.shows {
				b.ShowAddresses()
			}
			l := b.Add(&plan.Plan{Scenario: "calm", App: "wallet", Seed: 1})
			b.Draw()
			l.Opened("http://127.0.0.1:41234")
			l.Opened("http://127.0.0.1:41235")
			b.Draw()
			b.Draw()
			drawn := plain(t, strings.Join(l.lines(c.shows), "\n"))
			if strings.Contains(drawn, "open http://127.0.0.1:41234 (1 more in environment.json)") != c.shows {
				t.Errorf("on a terminal:\n%s", drawn)
			}
			l.End("PASS")
			b.Draw()
			if diff := cmp.Diff(c.want, out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
