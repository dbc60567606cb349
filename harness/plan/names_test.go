package plan

import (
	"strings"
	"testing"
	"time"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/spec"
)

// TestNames holds what a plan says of names: whether the app is given the resolver, whether services are reached through links, how long caches go on, and that the page
// tells an app without a resolver that it has nothing to fear.
func TestNames(t *testing.T) {
	const warning = "the app is given no resolver"
	for _, tt := range []struct {
		name  string
		use   spec.FaultUse
		given func(*spec.App)
		names bool
		link  bool
		after time.Duration // from the lift on: the afterglow
	}{
		{"by address", use("", "dns-servfail", spec.Target{Service: "infura"}), func(*spec.App) {}, false, false, 0},
		{"by name", use("", "dns-servfail", spec.Target{Service: "infura"}), func(a *spec.App) { a.Start.Env["DNS"] = "x${dns.address}" }, true, false, 0},
		{"by an argument", use("", "address-replaced", spec.Target{Service: "infura"}), func(a *spec.App) { a.Start.Command = append(a.Start.Command, "${dns.address}") }, true, true, 0},
		{"with a tail", with(use("", "dns-nxdomain", spec.Target{Service: "infura"}), func(u *spec.FaultUse) { u.With = map[string]any{"tail": "4s"} }), func(*spec.App) {}, false, false, 4 * time.Second},
		{"with a tail, in a hurry", with(use("", "address-replaced", spec.Target{Service: "infura"}), func(u *spec.FaultUse) { u.With = map[string]any{"tail": "4s"} }), func(*spec.App) {}, false, true, 4 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := example(oneFault(tt.use))
			tt.given(in.App)
			in.World.Services["infura"] = withoutNeeds(in.World.Services["infura"])
			if strings.HasSuffix(tt.name, "hurry") {
				in.TimeScale = 0.5
				in.Scenario.Phases[0].For *= 2
			}
			p := build(t, in)
			if len(p.Effects) != 1 || p.Names != tt.names {
				t.Fatalf("effects %v, names %v", briefs(p), p.Names)
			}
			e := &p.Effects[0]
			if got := p.OutageEnd - e.To; got != clock.Of(tt.after) {
				t.Errorf("the outage ends %s after the lift", got.Duration())
			}
			if seen, gone := p.SeenWithin(e), p.GoneWithin(e); seen != 5*time.Second || gone != seen+tt.after {
				t.Errorf("seen within %s, gone within %s", seen, gone)
			}
			for _, s := range p.Services {
				if s.Name == "infura" && (s.Link != tt.link || s.TTL != clock.Of(in.World.Services["infura"].TTL)) {
					t.Errorf("link %v, ttl %s", s.Link, s.TTL.Duration())
				}
			}
			var page strings.Builder
			if err := p.Explain(&page); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(strings.Join(strings.Fields(page.String()), " "), warning); got == tt.names {
				t.Errorf("the page warns: %v\n%s", got, page.String())
			}
		})
	}
	unknown := &Effect{Fault: "gremlins", Layer: string(fault.LayerNames)}
	if got := (&Plan{}).GoneWithin(unknown); got != 5*time.Second {
		t.Errorf("a fault of another version lingers for %s", got)
	}
}
