package plan

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// columns is the width that every line of a page keeps to.
const columns = 80

// page is text for a terminal.
type page struct{ strings.Builder }

// glue stands between a number and its unit, which no line break may part.
const glue = "\x00"

var numberUnit = regexp.MustCompile(`(\d) (%|s\b)`)

// para writes text in lines of at most 80 columns, the first after one lead, the others after another. A word that is too long for a line is cut.
func (b *page) para(first, rest, text string) {
	line, empty := first, true
	for _, word := range strings.Fields(numberUnit.ReplaceAllString(text, "${1}"+glue+"${2}")) {
		if !empty && width(line)+1+width(word) > columns {
			b.line(line)
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		for r := []rune(word); ; {
			room := max(1, columns-width(line))
			line, empty = line+string(r[:min(room, len(r))]), false
			if len(r) <= room {
				break
			}
			b.line(line)
			r, line = r[room:], rest
		}
	}
	b.line(line)
}

func (b *page) line(text string) {
	b.WriteString(strings.ReplaceAll(strings.TrimRight(text, " "), glue, " "))
	b.WriteByte('\n')
}

func (b *page) title(text string) {
	b.line("")
	b.para("", "", text)
}

func width(s string) int { return utf8.RuneCountInString(s) }
