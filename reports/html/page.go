// Package html writes a run's report as one page: no script, no network, light and dark, printable. The pictures are SVG drawn here.
package html

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"strings"

	"blackout/harness/history"
	"blackout/reports/verdict"
)

//go:embed report.html.tmpl
var pageText string

//go:embed style.css
var style string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"seconds": seconds, "score": score, "join": strings.Join, "css": func() template.CSS { return template.CSS(style) },
	"windows": func() []string { return windows }, "classes": verdict.Classes, "percent": percent, "on": on, "total": total, "upper": strings.ToUpper,
	"groups": verdict.Group,
}).Parse(pageText))

var windows = []string{verdict.Baseline, verdict.Outage, verdict.Recovery, verdict.After}

// view is what the template reads.
type view struct {
	V        *verdict.Verdict
	About    string
	Versions []string
	Timeline template.HTML
	Journeys []journeyView
	Sums     []string
	Apps     []string
}

type journeyView struct {
	Cell    verdict.Cell
	Request string
	Classes template.HTML // attempts by class over time
	Latency template.HTML
	Screens []screenView
	Sum     string
}

// Write writes the page of one run. folder is the run's, for the pictures that the verdict names; nil: they are only named.
func Write(w io.Writer, j *verdict.Judgement, h *history.History, folder fs.FS) error {
	v := view{V: j.Verdict, Timeline: timeline(j)}
	if j.Plan != nil {
		v.About = j.Plan.About
	}
	for _, name := range sortedKeys(h.Header.Versions) {
		v.Versions = append(v.Versions, name+" "+h.Header.Versions[name])
	}
	if h.Timeline != nil {
		for _, a := range h.Apps {
			if a.At > h.Timeline.At && a.Event == history.AppExited {
				v.Apps = append(v.Apps, fmt.Sprintf("%s ended by itself at %.1f s: %s", a.Instance, (a.At-h.Timeline.At).Seconds(), a.Detail))
			}
		}
	}
	for _, c := range j.Verdict.Cells {
		jv := journeyView{Cell: c, Classes: classPicture(j, c.Journey), Latency: latencyPicture(j, c.Journey), Screens: screensOf(j.Verdict, c.Journey, folder), Sum: arithmetic(c)}
		if j.Plan != nil {
			for _, p := range j.Plan.Journeys {
				if p.Name == c.Journey {
					jv.Request = fmt.Sprintf("%s, %g times a second, deadline %g s", p.Request, p.Rate, p.Deadline.Seconds())
				}
			}
		}
		v.Journeys = append(v.Journeys, jv)
	}
	v.Sums = scoreSum(j.Verdict)
	if err := page.Execute(w, v); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// arithmetic fills the numbers of a cell into the formula.
func arithmetic(c verdict.Cell) string {
	if c.Sum == nil || c.Score == nil {
		return "no score"
	}
	text := fmt.Sprintf("O %.3f × 0.75 + R %.3f × 0.25 = %.3f → %d", c.Sum.O, c.Sum.R, c.Sum.Q, c.Sum.Uncapped)
	for _, k := range c.Sum.Caps {
		text += fmt.Sprintf("; %s: at most %.4g", k.Rule, k.At)
		if k.Share > 0 {
			text += fmt.Sprintf(" (share %.3f)", k.Share)
		}
	}
	return text + fmt.Sprintf(" → %d", *c.Score)
}

// scoreSum writes the weighted mean over the journeys.
func scoreSum(v *verdict.Verdict) []string {
	if v.Score == nil {
		return nil
	}
	var parts []string
	weights := 0
	for _, c := range v.Cells {
		if c.Score == nil {
			continue
		}
		weight := verdict.Weight(c.Kind)
		weights += weight
		parts = append(parts, fmt.Sprintf("%d × %d", weight, *c.Score))
	}
	return []string{fmt.Sprintf("(%s) ÷ %d = %d", strings.Join(parts, " + "), weights, *v.Score)}
}

func on(f verdict.Fault) string { return f.On() }

func total(counts map[verdict.Class]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

func percent(n int, counts map[verdict.Class]int) string {
	all := total(counts)
	if all == 0 || n == 0 {
		return ""
	}
	if p := 100 * float64(n) / float64(all); p < 1 {
		return "<1 %"
	} else if p > 99 && n < all {
		return ">99 %"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(n)/float64(all))
}

func seconds(s *float64) string {
	if s == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f s", *s)
}

func score(s *int) string {
	if s == nil {
		return "–"
	}
	return fmt.Sprint(*s)
}
