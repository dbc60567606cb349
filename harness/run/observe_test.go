package run

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
	"blackout/harness/plan"
)

// slowLink is the link of every service: a rule takes a millisecond to put, so that whatever the driver started beside it gets its turn.
type slowLink struct {
	fault.Link
	happened func(string)
}

func (l slowLink) Put(r fault.ConnRule) error {
	l.happened("put " + r.Grip.ID)
	time.Sleep(time.Millisecond)
	return nil
}

func (l slowLink) Drop(id string) {
	l.happened("drop " + id)
	time.Sleep(time.Millisecond)
}

type slowSurface struct {
	fault.Surface
	link slowLink
}

func (s slowSurface) Link(string) (fault.Link, error) { return s.link, nil }

// TestObserversWait holds the driver to making all changes of one moment before it looks at any of them: probes would set the faults of a phase apart.
func TestObserversWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var log []string
		happened := func(what string) {
			mu.Lock()
			defer mu.Unlock()
			log = append(log, what)
		}
		p := &plan.Plan{}
		for _, name := range []string{"a", "b", "c"} {
			p.Effects = append(p.Effects, plan.Effect{
				ID: name, Fault: "connection-reset", Service: name, To: clock.Of(time.Second), Steps: []plan.Step{{Share: 1}},
			})
		}
		c := clock.Start()
		d, err := newDriver(p, &driver{
			clock: c, sink: history.Discard{}, surface: slowSurface{link: slowLink{happened: happened}}, mark: func(plan.Effect) {},
			probe: func(_ context.Context, e plan.Effect, _ fault.Action) fault.Observation {
				happened("probe " + e.ID)
				return fault.Observation{Reset: c.Now() < clock.Of(time.Second)}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.play(t.Context()); err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, line := range log {
			kind, _, _ := strings.Cut(line, " ")
			kinds = append(kinds, kind)
		}
		want := []string{"put", "put", "put", "probe", "probe", "probe", "drop", "drop", "drop", "probe", "probe", "probe"}
		if !slices.Equal(kinds, want) {
			t.Errorf("%q, want all changes of a moment before the first probe", log)
		}
	})
}
