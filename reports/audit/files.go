package audit

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"blackout/harness/clock"
	"blackout/harness/plan"
	"blackout/harness/spec"
)

// File is a file that a run of an audit is made by, so that a reader can make it again.
type File struct {
	Scenario string // the name in it
	Name     string // of the file
	Text     []byte
	Lasts    time.Duration // of a run by it, about; 0 for a file that is no scenario
}

// spare is how many attempts more than the least a window is made to hold: a few may be void.
const spare = 2

// The parts of a run that no scenario sets.
const (
	after  = 20 * time.Second // what a plan asks for at least after the outage
	around = 20 * time.Second // booting the chain, starting the app, and payments that settle
)

// pace is how fast the journeys of an app go.
type pace []stride

type stride struct {
	attempts        int // that a window takes
	every, deadline time.Duration
}

// paceOf is the pace of planned journeys.
func paceOf(journeys []plan.Journey) pace {
	list := make(pace, len(journeys))
	for i, j := range journeys {
		list[i] = stride{least(j.Driver) + spare, j.Every.Duration(), j.Deadline.Duration()}
	}
	return list
}

// paceOfApp is the pace of an app's journeys, or of one of them.
func paceOfApp(a *spec.App, only string) pace {
	var list pace
	for name, j := range a.Journeys {
		if (only == "" || name == only) && j.Rate > 0 {
			list = append(list, stride{least(j.Driver) + spare, clock.Micros(1e6 / j.Rate).Duration(), j.Deadline})
		}
	}
	return list
}

// baseline is the least that has enough attempts of each journey.
func (p pace) baseline() time.Duration {
	longest := time.Second
	for _, s := range p {
		longest = max(longest, time.Duration(s.attempts)*s.every)
	}
	return wholeSeconds(longest)
}

// outage is the least in which the deadline of enough attempts of each journey passes.
func (p pace) outage() time.Duration {
	longest := time.Second
	for _, s := range p {
		longest = max(longest, time.Duration(s.attempts)*s.every+s.deadline)
	}
	return wholeSeconds(longest)
}

// wholeSeconds rounds up to a second.
func wholeSeconds(d time.Duration) time.Duration {
	return time.Duration(math.Ceil(d.Seconds())) * time.Second
}

// Control is the scenario in which nothing is taken away.
func Control(a *spec.App) File {
	length := paceOfApp(a, "").baseline()
	return scenario("control", "Nothing is taken away: who does the app ask?", "nothing fails", length, length, nil, "")
}

// Alone gives the files of a run that has one journey of an app alone: its scenario, and what is laid over the app's file to take the others out.
func Alone(a *spec.App, journey string) (of, overlay File) {
	length := paceOfApp(a, journey).baseline()
	of = scenario("alone-"+slug(journey), fmt.Sprintf("Nothing is taken away, and users do nothing but %s: who does the app ask for that?", journey), "nothing fails", length, length, nil, "")
	var away []string
	for _, name := range others(a, journey) {
		away = append(away, quoted(name)+": null")
	}
	text := fmt.Sprintf("schema: blackout/app/1\njourneys: {%s}\n", strings.Join(away, ", "))
	return of, File{Name: "only-" + slug(journey) + ".yaml", Text: []byte(text)}
}

func scenario(name, about, phase string, baseline, outage time.Duration, faults []string, expect string) File {
	var out strings.Builder
	fmt.Fprintf(&out, "schema: blackout/scenario/1\nname: %s\nabout: >-\n  %s\ntags: [audit]\nbaseline: %s\nphases:\n  - name: %s\n    at: 0s\n    for: %s\n",
		name, about, seconds(baseline), phase, seconds(outage))
	if len(faults) > 0 {
		out.WriteString("    faults:\n")
	}
	for _, f := range faults {
		fmt.Fprintf(&out, "      - %s\n", f)
	}
	fmt.Fprintf(&out, "after: %s\n%s", seconds(after), expect)
	return File{Scenario: name, Name: name + ".yaml", Text: []byte(out.String()), Lasts: baseline + outage + after + around}
}

// expectNothing says that no app can do anything for any journey.
func expectNothing(journeys []plan.Journey) string {
	var kinds []string
	for _, j := range journeys {
		if entry := j.Kind + ": unavailable"; !slices.Contains(kinds, entry) {
			kinds = append(kinds, entry)
		}
	}
	slices.Sort(kinds)
	return fmt.Sprintf("expect: {%s}\n", strings.Join(kinds, ", "))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%ds", int(d.Seconds())) }

// quoted is a name as YAML takes it, whatever is in it.
func quoted(name string) string { return fmt.Sprintf("%q", name) }

// others are the journeys of an app but one, by name.
func others(a *spec.App, but string) []string {
	var names []string
	for name := range a.Journeys {
		if name != but {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// SetsOf leaves out of --set's assignments those to journeys that a run of one journey alone does not have: they would bring these back.
func SetsOf(sets []string, journey string) []string {
	return slices.DeleteFunc(slices.Clone(sets), func(set string) bool {
		rest, of := strings.CutPrefix(strings.TrimPrefix(set, "app."), "journeys.")
		return of && !strings.HasPrefix(rest, journey+".")
	})
}
