//go:build verify || calibrate

package main

import (
	"fmt"
	"html"
	"slices"
	"strings"

	"blackout/reports/verdict"
)

// Measures of the picture, in pixels.
const (
	cellSize   = 22
	leftColumn = 360 // of the flaws and their scenarios
	topRow     = 150 // of the slanted names of the checks
	legendRow  = 44
)

// calibrationPicture draws the table: a row a flaw, a column a check, a square where the check must speak and did, a ring where it also spoke as it may, a cross where it
// should have spoken or should not have. Shape tells as much as colour.
func calibrationPicture(rows []flawRow, said map[string]spoken) string {
	var columns []string
	for _, c := range verdict.Checks() {
		if slices.ContainsFunc(rows, func(r flawRow) bool { return slices.Contains(r.Must, c.ID) || said[r.Flaw][c.ID] > 0 }) {
			columns = append(columns, c.ID)
		}
	}
	width, height := leftColumn+cellSize*len(columns)+120, topRow+cellSize*len(rows)+legendRow
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="system-ui, sans-serif" font-size="12">`+"\n", width, height, width, height)
	b.WriteString("<title>Each defence taken away, and the checks that spoke</title>\n")
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	for i, check := range columns {
		x := leftColumn + i*cellSize + cellSize/2
		fmt.Fprintf(&b, `<text transform="translate(%d %d) rotate(-45)" fill="#1b1f24">%s</text>`+"\n", x+4, topRow-8, html.EscapeString(check))
	}
	for n, row := range rows {
		y := topRow + n*cellSize
		if n%2 == 0 {
			fmt.Fprintf(&b, `<rect x="8" y="%d" width="%d" height="%d" fill="#f4f6f8"/>`+"\n", y, leftColumn+cellSize*len(columns)-8, cellSize)
		}
		fmt.Fprintf(&b, `<text x="14" y="%d" fill="#1b1f24">%s <tspan fill="#59636e">under %s</tspan></text>`+"\n", y+15, html.EscapeString(row.Flaw), html.EscapeString(row.Under))
		for i, check := range columns {
			b.WriteString(calibrationMark(leftColumn+i*cellSize+cellSize/2, y+cellSize/2, slices.Contains(row.Must, check), slices.Contains(row.May, check), said[row.Flaw][check] > 0))
		}
	}
	y := height - legendRow/2
	for i, word := range []struct {
		must, may, spoke bool
		text             string
	}{{true, false, true, "must speak, and did"}, {false, true, true, "may speak, and did"}, {true, false, false, "wrong: silent or out of turn"}, {false, false, false, "silent, as it should"}} {
		x := 24 + i*205
		b.WriteString(calibrationMark(x, y, word.must, word.may, word.spoke))
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="#1b1f24">%s</text>`+"\n", x+14, y+4, word.text)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func calibrationMark(x, y int, must, may, spoke bool) string {
	switch {
	case must && spoke:
		return fmt.Sprintf(`<rect x="%d" y="%d" width="12" height="12" rx="2" fill="#0b5394"/>`+"\n", x-6, y-6)
	case may && spoke:
		return fmt.Sprintf(`<circle cx="%d" cy="%d" r="5" fill="none" stroke="#0b5394" stroke-width="2"/>`+"\n", x, y)
	case must || spoke:
		return fmt.Sprintf(`<path d="M%d %dl10 10m0 -10l-10 10" stroke="#c0392b" stroke-width="3"/>`+"\n", x-5, y-5)
	default:
		return fmt.Sprintf(`<circle cx="%d" cy="%d" r="1.5" fill="#b8c0c8"/>`+"\n", x, y)
	}
}
