// Package badge draws a scorecard's headline as SVG for README pages: a badge of one line, and a small card. They need no font, script or network, and name
// themselves to screen readers.
package badge

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode"

	"blackout/reports/scorecard"
	"blackout/reports/verdict"
)

// fills are the colours behind a letter, on which white text can be read: from blue to red, told apart also without green.
var fills = map[string]string{"A": "#1b5fa8", "B": "#2f7391", "C": "#80660b", "D": "#a84b0c", "F": "#b3202c", "?": "#5b6570"}

// Badge writes a badge as README pages have them: "blackout | B 81 · safe". It stands on its own colours, so it looks the same on light and dark pages.
func Badge(w io.Writer, c *scorecard.Card) error {
	const label, pad = "blackout", 7
	left, right := width(label, 11)+2*pad, width(c.Headline, 11)+2*pad
	what := escape("Blackout scorecard of " + c.App + ": " + c.Headline)
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="20" viewBox="0 0 %d 20" role="img" aria-label="%s">`+"\n<title>%s</title>\n", left+right, left+right, what, what)
	fmt.Fprintf(&out, `<clipPath id="r"><rect width="%d" height="20" rx="3"/></clipPath>`+"\n", left+right)
	fmt.Fprintf(&out, `<g clip-path="url(#r)"><rect width="%d" height="20" fill="#3b434b"/><rect x="%d" width="%d" height="20" fill="%s"/></g>`+"\n", left, left, right, fills[c.Grade])
	out.WriteString(`<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">` + "\n")
	text(&out, pad, 14, left-2*pad, label)
	text(&out, left+pad, 14, right-2*pad, c.Headline)
	out.WriteString("</g>\n</svg>\n")
	_, err := io.WriteString(w, out.String())
	return err
}

// The card's size and the strip of cells in it.
const (
	cardWidth, cardHeight = 480, 200
	margin                = 20
	stripTop, stripHeight = 122, 32
	between               = 8  // scenarios
	least                 = 22 // the least width of a cell that a score is written in
)

// cardStyle has the page's colours of scorecard.css. Cells keep theirs in the dark.
const cardStyle = `<style>
.page { fill: #fff; stroke: #d8dee4 } .ink { fill: #1b1f24 } .soft { fill: #5b6570 } text { font-family: -apple-system, "Segoe UI", "DejaVu Sans", Verdana, sans-serif }
.h-A { fill: #1b5fa8 } .h-B { fill: #9cc4e4 } .h-C { fill: #f6e8b1 } .h-D { fill: #f2a65a } .h-F { fill: #b3202c } .h-none { fill: #8b8f94 }
.t-A, .t-F, .t-none { fill: #fff } .t-B, .t-C, .t-D { fill: #1b1f24 }
@media (prefers-color-scheme: dark) { .page { fill: #14171a; stroke: #343b42 } .ink { fill: #e6e9ec } .soft { fill: #9aa4ae } }
</style>
`

// Card writes a card of 480 × 200: the app, its headline, and a strip of its cells, by scenario and journey, with their scores. Its page is light or dark as its reader's.
func Card(w io.Writer, c *scorecard.Card) error {
	what := escape("Blackout scorecard of " + c.App + ": " + c.Headline)
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="%s">`+"\n<title>%s</title>\n", cardWidth, cardHeight, cardWidth, cardHeight, what, what)
	out.WriteString(cardStyle)
	fmt.Fprintf(&out, `<rect class="page" x=".5" y=".5" width="%d" height="%d" rx="10"/>`+"\n", cardWidth-1, cardHeight-1)
	fmt.Fprintf(&out, `<rect x="%d" y="%d" width="76" height="76" rx="10" fill="%s"/>`+"\n", margin, margin, fills[c.Grade])
	fmt.Fprintf(&out, `<text x="%d" y="76" text-anchor="middle" font-size="48" font-weight="700" fill="#fff">%s</text>`+"\n", margin+38, escape(c.Grade))
	const x = margin + 92
	const room = cardWidth - margin - x
	fit(&out, x, 42, 20, room, "ink", c.App, ` font-weight="700"`)
	fit(&out, x, 66, 15, room, "ink", strings.TrimLeft(strings.TrimPrefix(c.Headline, c.Grade), " ·"), "")
	suite := "blackout scorecard"
	if c.Suite != "" {
		suite += " · " + c.Suite
	}
	fit(&out, x, 88, 12, room, "soft", suite, "")
	strip(&out, c)
	foot := []string{fmt.Sprintf("%.0f %% covered", 100*c.Coverage)}
	if made := c.Made(); made != "" {
		foot = append(foot, made)
	}
	fit(&out, margin, 188, 11, cardWidth-2*margin, "soft", strings.Join(foot, " · "), "")
	out.WriteString("</svg>\n")
	_, err := io.WriteString(w, out.String())
	return err
}

// box is one cell of the strip.
type box struct {
	what  string
	under string // what is written below it, where there is room
	score *int
	worst verdict.Class
}

// strip draws a box for each cell, those of one scenario together under its name. When there are too many for that, a scenario is one box.
func strip(out *strings.Builder, c *scorecard.Card) {
	const room = cardWidth - 2*margin
	groups := make([][]box, 0, len(c.Scenarios))
	boxes := 0
	for i := range c.Scenarios {
		groups = append(groups, cellsOf(&c.Scenarios[i]))
		boxes += len(groups[i])
	}
	if boxes == 0 {
		return
	}
	apart, gap := float64(between), 2.0 // scenarios, and cells
	if boxes*10+len(groups)*between > room {
		if boxes, apart = len(groups), gap; boxes*4 > room {
			apart, gap = 0, 0
		}
		for i := range c.Scenarios {
			s := &c.Scenarios[i]
			groups[i] = []box{{what: s.Name, score: s.Score, worst: s.Worst()}}
		}
	}
	wide := (room - apart*float64(len(groups)-1) - gap*float64(boxes-len(groups))) / float64(boxes)
	x := float64(margin)
	for i, group := range groups {
		start := x
		for _, b := range group {
			band := scorecard.Letter(b.score)
			if band == "?" {
				band = "none"
			}
			fmt.Fprintf(out, `<g><title>%s</title><rect class="h-%s" x="%.1f" y="%d" width="%.1f" height="%d" rx="3"/>`, escape(b.what+": "+told(b)), band, x, stripTop, wide, stripHeight)
			if wide >= least {
				label := number(b.score)
				if wide >= 2*least {
					label += mark(b.worst)
				}
				fmt.Fprintf(out, `<text class="t-%s" x="%.1f" y="%d" font-size="13" font-weight="600" text-anchor="middle">%s</text>`, band, x+wide/2, stripTop+21, label)
			}
			out.WriteString("</g>\n")
			if wide >= 40 && b.under != "" {
				fit(out, x, stripTop+stripHeight+13, 10, wide, "soft", b.under, "")
			}
			x += wide + gap
		}
		x += apart - gap
		if used := x - apart - start; used >= 40 {
			fit(out, start, stripTop-6, 11, used, "soft", c.Scenarios[i].Name, "")
		}
	}
}

func cellsOf(s *scorecard.Scenario) []box {
	boxes := make([]box, 0, len(s.Journeys))
	for _, j := range s.Journeys {
		boxes = append(boxes, box{s.Name + ", " + j.Name, j.Name, j.Score, j.Worst})
	}
	if len(boxes) == 0 {
		boxes = append(boxes, box{what: s.Name})
	}
	return boxes
}

func told(b box) string {
	if b.score == nil {
		return "no score"
	}
	return number(b.score) + ", worst " + string(b.worst)
}

// mark stands beside the score of a cell that misleads or harms.
func mark(worst verdict.Class) string {
	switch worst {
	case verdict.Wrong:
		return " ✗"
	case verdict.Harmful:
		return " ‼"
	}
	return ""
}

func number(score *int) string {
	if score == nil {
		return "–"
	}
	return fmt.Sprint(*score)
}

// fit writes a text that is no wider than its room: it is cut, with an ellipsis.
func fit(out *strings.Builder, x float64, y, size int, room float64, class, of, more string) {
	if width(of, size) > int(room) {
		runes := []rune(of)
		for len(runes) > 0 && width(string(runes)+"…", size) > int(room) {
			runes = runes[:len(runes)-1]
		}
		of = string(runes) + "…"
	}
	fmt.Fprintf(out, `<text class="%s" x="%g" y="%d" font-size="%d"%s>%s</text>`+"\n", class, x, y, size, more, escape(of))
}

// text writes a text stretched to a width, whatever font the reader has.
func text(out *strings.Builder, x, y, wide int, of string) {
	fmt.Fprintf(out, `<text x="%d" y="%d" textLength="%d">%s</text>`+"\n", x, y, wide, escape(of))
}

// width is about how wide a text is in Verdana, in pixels; other fonts are narrower.
func width(of string, size int) int {
	sum := 0.0
	for _, r := range of {
		switch {
		case strings.ContainsRune("ijl|.,:;'!·", r):
			sum += 0.32
		case strings.ContainsRune("ftr ()[]-/", r):
			sum += 0.42
		case strings.ContainsRune("mwMW%@…", r):
			sum += 0.95
		case unicode.IsUpper(r):
			sum += 0.72
		case r < 0x250:
			sum += 0.61
		default: // scripts whose letters are as wide as high
			sum += 1
		}
	}
	return int(sum*float64(size) + 0.5)
}

// escape makes a text safe in SVG, in elements and in attributes. What XML does not allow becomes U+FFFD.
func escape(of string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(of)) // a strings.Builder takes everything
	return out.String()
}
