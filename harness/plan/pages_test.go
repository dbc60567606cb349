package plan

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/clock"
	"blackout/harness/spec"
)

// paged is the example with a browser journey alone.
func paged(rate float64, patience time.Duration, sessions int, phases ...spec.Phase) Input {
	s := oneFault(use("", "unreachable", spec.Target{Service: "infura"}))
	for i := range phases {
		phases[i].Faults = s.Phases[0].Faults
	}
	s.Phases = phases
	in := example(s)
	in.App.Sessions.Count = sessions
	in.App.Journeys = map[string]spec.Journey{"look": {
		Name: "look", Driver: spec.DriverBrowser, Kind: spec.KindRead, Rate: rate, Deadline: time.Second, Patience: patience,
		Steps: []spec.Step{{Goto: "/"}, {Click: "#go"}, {WaitFor: &spec.Wait{Selector: "#b", Match: "[0-9]"}}},
	}}
	in.App.JourneyOrder = []string{"look"}
	return in
}

func TestPictures(t *testing.T) {
	p := build(t, paged(1, 3*time.Second, 8,
		spec.Phase{Name: "long", At: 0, For: 20 * time.Second}, spec.Phase{Name: "short", At: 20 * time.Second, For: 6 * time.Second}, spec.Phase{Name: "moment", At: 26 * time.Second, For: time.Second}))
	j := p.Journeys[0]
	const ms = clock.Micros(1000)
	want := []Picture{
		{PictureBaseline, 7500 * ms, 15000 * ms}, {"long", 25000 * ms, 35000 * ms}, {"short", 37000 * ms, 41000 * ms}, {"moment", 41000 * ms, 42000 * ms},
		{PictureAfter, j.Offset + clock.Micros(j.Attempts-1)*j.Every, p.End},
	}
	if diff := cmp.Diff(want, j.Pictures); diff != "" {
		t.Error(diff)
	}
	for _, picture := range j.Pictures {
		if j.due(picture.From, picture.To) == 0 {
			t.Errorf("nothing is due for %+v", picture)
		}
	}
	if j.Request != "goto /, click #go, wait for #b [0-9]" {
		t.Errorf("request: %q", j.Request)
	}
}

func TestTabs(t *testing.T) {
	phase := spec.Phase{Name: "a", For: 20 * time.Second}
	for _, tt := range []struct {
		rate     float64
		patience time.Duration
		sessions int
		want     int
	}{{1, 6 * time.Second, 8, 1}, {1, 6 * time.Second, 4, 2}, {0.5, 30 * time.Second, 4, 4}} {
		if got := build(t, paged(tt.rate, tt.patience, tt.sessions, phase)).Journeys[0].Tabs; got != tt.want {
			t.Errorf("%+v: %d tabs of each session", tt, got)
		}
	}
	_, err := Build(paged(20, 30*time.Second, 10, phase))
	var problems spec.Problems
	if !errors.As(err, &problems) || !strings.Contains(err.Error(), "its browser would need 640 tabs; it has at most 32") {
		t.Errorf("too many: %v", err)
	}
}
