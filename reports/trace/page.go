package trace

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// columns is the width that every line keeps to.
const columns = 80

// page is text for a terminal.
type page struct{ strings.Builder }

// para writes text in lines of at most 80 columns: the first after one lead, the others after as many spaces as rest says. A word that is too long for a line of its
// own is cut.
func (p *page) para(lead string, rest int, text string) {
	line, fresh := lead, true
	flush := func() {
		p.line(line)
		line, fresh = strings.Repeat(" ", rest), true
	}
	for _, word := range strings.Fields(plain(text)) {
		if !fresh && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > columns {
			flush()
		}
		if !fresh {
			line += " "
		}
		for r := []rune(word); ; {
			room := max(1, columns-utf8.RuneCountInString(line))
			line, fresh = line+string(r[:min(room, len(r))]), false
			if len(r) <= room {
				break
			}
			r = r[room:]
			flush()
		}
	}
	p.line(line)
}

func (p *page) line(text string) {
	p.WriteString(strings.TrimRight(plain(text), " "))
	p.WriteByte('\n')
}

// title begins a part.
func (p *page) title(text string) {
	p.line("")
	p.para("", 0, text)
}

// plain keeps what an app or a provider wrote from moving the cursor, or from turning the line round.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// clip shortens text to n runes.
func clip(text string, n int) string {
	r := []rune(text)
	if len(r) <= n {
		return text
	}
	return string(r[:n-1]) + "…"
}

// short is a hash or an address that is still told apart by eye: 0x8d068755…0459a39.
func short(hex string) string {
	if len(hex) < 24 || !strings.HasPrefix(hex, "0x") {
		return clip(hex, 40)
	}
	return hex[:10] + "…" + hex[len(hex)-6:]
}
