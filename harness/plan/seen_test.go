package plan

import (
	"testing"
	"time"

	"blackout/harness/clock"
	"blackout/harness/fault"
)

func TestSeenWithin(t *testing.T) {
	p := &Plan{Chains: []Chain{
		{Name: "ethereum", BlockTime: clock.Of(12 * time.Second)},
		{Name: "base", BlockTime: clock.Of(2 * time.Second)},
	}}
	for name, tt := range map[string]struct {
		effect Effect
		want   time.Duration
	}{
		"a service's layer":         {Effect{Layer: string(fault.LayerHTTP), Chain: "ethereum"}, 5 * time.Second},
		"a chain of quick blocks":   {Effect{Layer: string(fault.LayerChain), Chain: "base"}, 5 * time.Second},
		"a chain of slow blocks":    {Effect{Layer: string(fault.LayerChain), Chain: "ethereum"}, 24 * time.Second},
		"no chain: the slowest one": {Effect{Layer: string(fault.LayerChain)}, 24 * time.Second},
	} {
		if got := p.SeenWithin(&tt.effect); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}
