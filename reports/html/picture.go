package html

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"sort"
	"strings"

	"blackout/harness/clock"
	"blackout/reports/verdict"
)

// The pictures share one horizontal scale: the left margin holds names, the rest is time.
const (
	pictureWidth = 1000
	margin       = 120
	right        = 12
	laneHeight   = 18
	letter       = 6.2 // the width of one, on average
)

// span is the time that the pictures show, in seconds from the baseline's start.
type span struct{ end float64 }

func spanOf(j *verdict.Judgement) span {
	end := 1.0
	for _, w := range j.Verdict.Windows {
		end = math.Max(end, w.ToS)
	}
	for _, f := range j.Verdict.Faults {
		end = math.Max(end, f.PlannedToS)
	}
	return span{end}
}

func (s span) x(at float64) float64 {
	at = math.Max(0, math.Min(at, s.end))
	return margin + at/s.end*(pictureWidth-margin-right)
}

func clean(text string) string { return template.HTMLEscapeString(text) }

// axis draws time marks and lines of the windows' borders.
func (s span) axis(out *strings.Builder, j *verdict.Judgement, height float64) {
	step := 5.0
	for _, candidate := range []float64{5, 10, 15, 30, 60, 120, 300, 600} {
		step = candidate
		if s.end/step <= 12 {
			break
		}
	}
	for at := 0.0; at <= s.end; at += step {
		fmt.Fprintf(out, `<line class="grid" x1="%.1f" x2="%.1f" y1="0" y2="%.1f"/><text class="tick" x="%.1f" y="%.1f">%g s</text>`, s.x(at), s.x(at), height, s.x(at), height+12, at)
	}
	for _, w := range j.Verdict.Windows {
		if w.FromS > 0 {
			fmt.Fprintf(out, `<line class="border" x1="%.1f" x2="%.1f" y1="0" y2="%.1f"/>`, s.x(w.FromS), s.x(w.FromS), height)
		}
	}
}

func frame(body string, height float64, label string) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg viewBox="0 0 %d %.0f" role="img" aria-label="%s">%s</svg>`, pictureWidth, height, clean(label), body))
}

// timeline draws the windows, the phases and each fault as lanes: light where it was planned, full between confirmed and cleared.
func timeline(j *verdict.Judgement) template.HTML {
	s := spanOf(j)
	var out strings.Builder
	y := 4.0
	lane := func(name string, draw func(y float64)) {
		fmt.Fprintf(&out, `<text class="name" x="%d" y="%.1f">%s</text>`, margin-8, y+12.5, clean(clip(name, 20)))
		draw(y)
		y += laneHeight + 4
	}
	bar := func(class string, from, to, y float64, label, title string) {
		x, width := s.x(from), math.Max(s.x(to)-s.x(from), 1)
		fmt.Fprintf(&out, `<g><title>%s</title><rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%d" rx="2"/>`, clean(title), class, x, y, width, laneHeight)
		inside, after, before := int(width/letter), int((pictureWidth-right-x-width)/letter), int((x-margin)/letter)
		switch long := len([]rune(label)); {
		case label == "":
		case long <= inside || class == "w-"+label: // a window has its neighbours beside it
			fmt.Fprintf(&out, `<text class="in" x="%.1f" y="%.1f">%s</text>`, x+4, y+12.5, clean(clip(label, inside)))
		case long <= after:
			fmt.Fprintf(&out, `<text x="%.1f" y="%.1f">%s</text>`, x+width+5, y+12.5, clean(label))
		default:
			fmt.Fprintf(&out, `<text class="name" x="%.1f" y="%.1f">%s</text>`, x-5, y+12.5, clean(clip(label, before)))
		}
		out.WriteString(`</g>`)
	}
	lane("windows", func(y float64) {
		for _, w := range j.Verdict.Windows {
			bar("w-"+w.Name, w.FromS, w.ToS, y, w.Name, fmt.Sprintf("%s: %.1f s to %.1f s", w.Name, w.FromS, w.ToS))
		}
	})
	if j.Plan != nil {
		for _, p := range j.Plan.Phases {
			lane("phase", func(y float64) {
				label := p.Name
				if p.Compression > 0 {
					label += fmt.Sprintf(" · %.0f× faster than in truth", p.Compression)
				}
				bar("phase", p.From.Seconds(), p.To.Seconds(), y, label, label)
			})
		}
	}
	for _, f := range j.Verdict.Faults {
		lane(cmp.Or(f.Service, f.Chain, f.Instance), func(y float64) {
			title := fmt.Sprintf("%s: %s", f.ID, f.EndedAs)
			bar("planned", f.PlannedFromS, f.PlannedToS, y, "", title)
			from, to := f.PlannedFromS, f.PlannedToS
			if f.ConfirmedAtS != nil {
				from = *f.ConfirmedAtS
			}
			if f.ClearedAtS != nil {
				to = *f.ClearedAtS
			}
			bar("fault "+f.EndedAs, from, to, y, f.Fault+effectDetail(j, f.ID), title)
		})
	}
	var grid strings.Builder
	s.axis(&grid, j, y)
	return frame(grid.String()+out.String(), y+18, "timeline of windows, phases and faults")
}

// effectDetail adds what tells two effects of one fault apart.
func effectDetail(j *verdict.Judgement, id string) string {
	if j.Plan == nil {
		return ""
	}
	for _, e := range j.Plan.Effects {
		if e.ID != id {
			continue
		}
		text := ""
		if status, ok := e.With["status"]; ok {
			text = fmt.Sprintf(" %v", status)
		}
		if e.Reach < 1 {
			text += fmt.Sprintf(" · up to %.0f %% of %s", 100*e.Reach, e.Unit)
		}
		return text
	}
	return ""
}

// buckets cuts time so that a picture has at most 150 columns, of whole seconds.
func (s span) bucket() float64 { return math.Max(1, math.Ceil(s.end/150)) }

// classPicture stacks the attempts of a journey by class over the time at which they were due.
func classPicture(j *verdict.Judgement, journey string) template.HTML {
	const height = 120.0
	s := spanOf(j)
	width := s.bucket()
	columns := map[int]map[verdict.Class]int{}
	most := 1
	for a := range j.All() {
		if a.Journey != journey {
			continue
		}
		i := int(a.Due.Seconds() / width)
		if columns[i] == nil {
			columns[i] = map[verdict.Class]int{}
		}
		columns[i][a.Class]++
		most = max(most, total(columns[i]))
	}
	var out strings.Builder
	s.axis(&out, j, height)
	for _, i := range sortedInts(columns) {
		from := float64(i) * width
		x, w := s.x(from), s.x(from+width)-s.x(from)
		y := height
		for _, class := range append(verdict.Classes(), verdict.Void) {
			n := columns[i][class]
			if n == 0 {
				continue
			}
			h := float64(n) / float64(most) * (height - 6)
			y -= h
			fmt.Fprintf(&out, `<rect class="c-%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%g s: %d %s</title></rect>`, class, x, y, math.Max(w-0.6, 0.4), h, from, n, class)
		}
	}
	fmt.Fprintf(&out, `<text class="name" x="%d" y="12">%d per %g s</text>`, margin-8, most, width)
	return frame(out.String(), height+18, "attempts of "+journey+" by class over time")
}

// latencyPicture draws the median and the 99th percentile of the latency over time, on a logarithmic scale, counted from due.
func latencyPicture(j *verdict.Judgement, journey string) template.HTML {
	const height = 90.0
	s := spanOf(j)
	width := s.bucket()
	columns := map[int][]float64{}
	low, high := 1e-3, 1.0
	for a := range j.All() {
		if a.Journey != journey || a.Class == verdict.Void {
			continue
		}
		i := int(a.Due.Seconds() / width)
		l := latency(a.Due, a.End)
		columns[i] = append(columns[i], l)
		high = math.Max(high, l)
	}
	y := func(l float64) float64 {
		l = math.Max(low, math.Min(l, high))
		return height - 4 - math.Log(l/low)/math.Log(high/low)*(height-12)
	}
	var out strings.Builder
	s.axis(&out, j, height)
	for _, mark := range []float64{0.001, 0.01, 0.1, 1, 10} {
		if mark >= low && mark <= high {
			fmt.Fprintf(&out, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text class="name" x="%d" y="%.1f">%s</text>`, margin, pictureWidth-right, y(mark), y(mark), margin-8, y(mark)+4, duration(mark))
		}
	}
	var p50, p99 strings.Builder
	for _, i := range sortedInts(columns) {
		of := columns[i]
		sort.Float64s(of)
		x := s.x((float64(i) + 0.5) * width)
		fmt.Fprintf(&p50, "%.1f,%.1f ", x, y(of[(len(of)-1)/2]))
		fmt.Fprintf(&p99, "%.1f,%.1f ", x, y(of[int(math.Ceil(0.99*float64(len(of))))-1]))
	}
	fmt.Fprintf(&out, `<polyline class="p99" points="%s"/><polyline class="p50" points="%s"/>`, p99.String(), p50.String())
	return frame(out.String(), height+18, "latency of "+journey+" over time")
}

func latency(due, end clock.Micros) float64 { return math.Max((end - due).Seconds(), 1e-6) }

func duration(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%g ms", s*1000)
	}
	return fmt.Sprintf("%g s", s)
}

func clip(text string, n int) string {
	r := []rune(text)
	switch {
	case len(r) <= n:
		return text
	case n < 3:
		return ""
	}
	return string(r[:max(n-1, 0)]) + "…"
}

func sortedInts[V any](m map[int]V) []int {
	keys := make([]int, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Ints(keys)
	return keys
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
