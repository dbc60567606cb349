package plan

import (
	"fmt"
	"strings"
	"time"

	"blackout/harness/clock"
	"blackout/harness/spec"
)

const (
	maxTabs = 32              // of one run's browser: each is a process of 50 MB and more
	tabRest = 2 * time.Second // for a picture of a tab and for leaving its page, after an attempt
)

// The names of the pictures that belong to no phase.
const (
	PictureBaseline = "baseline"
	PictureAfter    = "after"
)

// pages plans what a browser journey needs beside its timetable.
func (b *builder) pages(j *Journey) {
	if j.Driver != spec.DriverBrowser {
		return
	}
	between := j.Every * clock.Micros(max(1, b.plan.Sessions)) // two attempts of a session
	j.Tabs = int((j.Patience + clock.Of(tabRest) + between - 1) / between)
	if j.Follow {
		j.Tabs++
	}
	j.Pictures = b.pictures(*j)
}

// pictures are one of the baseline, one of each phase, and the last attempt of all. In the middle of a phase its faults have come to act: those that follow others after a
// delay, and those that caches hide at first. An attempt that would outlast the phase shows how it ended, so a short phase has an earlier one.
func (b *builder) pictures(j Journey) []Picture {
	p := b.plan
	var out []Picture
	take := func(phase string, from, to clock.Micros) {
		middle := from + min((to-from)/2, max(0, to-from-j.Patience-j.Every))
		switch n := j.due(0, to); {
		case j.due(middle, to) > 0:
			out = append(out, Picture{phase, middle, to})
		case j.due(from, to) > 0:
			out = append(out, Picture{phase, j.Offset + clock.Micros(n-1)*j.Every, to})
		}
	}
	take(PictureBaseline, 0, p.Baseline)
	for _, phase := range p.Phases {
		take(phase.Name, phase.From, phase.To)
	}
	if n := j.due(0, p.End); n > 0 && j.due(p.OutageEnd, p.End) > 0 {
		out = append(out, Picture{PictureAfter, j.Offset + clock.Micros(n-1)*j.Every, p.End})
	}
	return out
}

// visited is what a person does in a browser, in one line, with its variables.
func visited(steps []spec.Step) string {
	var words []string
	for _, s := range steps {
		switch {
		case s.Goto != "":
			words = append(words, "goto "+s.Goto)
		case s.Click != "":
			words = append(words, "click "+s.Click)
		case s.Type != nil:
			words = append(words, fmt.Sprintf("type %s into %s", s.Type.Text, s.Type.Into))
		case s.Select != nil:
			words = append(words, fmt.Sprintf("select %s from %s", s.Select.Option, s.Select.From))
		case s.WaitFor != nil && s.WaitFor.Gone != "":
			words = append(words, "wait until "+s.WaitFor.Gone+" is gone")
		case s.WaitFor != nil:
			words = append(words, strings.Join(strings.Fields("wait for "+s.WaitFor.Selector+" "+s.WaitFor.Text+" "+s.WaitFor.Match), " "))
		}
	}
	return strings.Join(words, ", ")
}
