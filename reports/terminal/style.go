// Package terminal is what a person reads while a run goes on and when it has ended: a live board on a terminal, plain lines anywhere else.
package terminal

import (
	"io"
	"strings"

	"github.com/charmbracelet/colorprofile"

	"blackout/reports/verdict"
)

// Width is how many columns everything keeps to.
const Width = 80

// Styled wraps a writer so that colours reach only a terminal that wants them: not a file, not a pipe, not under NO_COLOR.
func Styled(w io.Writer, environ []string) *colorprofile.Writer {
	return colorprofile.NewWriter(w, environ)
}

// Interactive reports whether a styled writer may move the cursor.
func Interactive(w *colorprofile.Writer) bool { return w.Profile > colorprofile.NoTTY }

// ANSI attributes. The colours are those that stay apart for colour-blind readers: blue is good, yellow is degraded, magenta and red with bold are wrong.
const (
	bold    = "\x1b[1m"
	dim     = "\x1b[2m"
	red     = "\x1b[31m"
	yellow  = "\x1b[33m"
	blue    = "\x1b[34m"
	magenta = "\x1b[35m"
	cyan    = "\x1b[36m"
	reset   = "\x1b[0m"
)

func paint(style, text string) string { return style + text + reset }

// classStyle is the attribute of a class.
func classStyle(c verdict.Class) string {
	switch c {
	case verdict.OK:
		return blue
	case verdict.Late, verdict.Degraded:
		return cyan
	case verdict.Declined, verdict.Unavailable:
		return yellow
	case verdict.Wrong:
		return bold + magenta
	case verdict.Harmful:
		return bold + red
	default:
		return dim
	}
}

// wrap breaks text at spaces so that no line is longer than Width. The first line begins at a column, later ones with indent.
func wrap(text, indent string, column int) string {
	var out strings.Builder
	for i, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case i > 0 && column+1+n > Width:
			out.WriteString("\n" + indent)
			column = len(indent)
		case i > 0:
			out.WriteByte(' ')
			column++
		}
		out.WriteString(word)
		column += n
	}
	return out.String()
}

// clip shortens text to n runes.
func clip(text string, n int) string {
	r := []rune(text)
	if len(r) <= n {
		return text
	}
	if n < 1 {
		return ""
	}
	return string(r[:n-1]) + "…"
}
