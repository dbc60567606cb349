package app

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
)

const (
	lastLines   = 20       // lines that are kept for error messages
	lineShown   = 1 << 10  // bytes of such a line
	lineBuffer  = 64 << 10 // bytes of an unfinished line that are held back before they go to the log
	logCap      = 16 << 20 // bytes of a log file
	logCapLine  = "[blackout: the log ends here, at 16 MiB; the app printed more]\n"
	shownEllips = " …"
)

// output takes what an instance prints: it goes to the log, without the values of the environment, and the last lines are kept. It never blocks the app: when the
// log is full or cannot be written, the rest is read and dropped. It is safe for concurrent use.
type output struct {
	scrub *scrubber

	mu        sync.Mutex
	log       io.Writer
	written   int
	full      bool
	failed    error // the first error of writing the log
	pending   []byte
	continued bool // the head of the line in pending has been emitted already
	ring      [lastLines]string
	lines     int // how many lines the ring has seen
}

// Log keeps what a build or a service prints, at most 16 MiB, after redact and without these values, which have names. Close does not close what it goes to.
func Log(to io.Writer, redact func(string) string, values map[string]string) io.WriteCloser {
	return newOutput(to, newScrubber(redact, values))
}

func newOutput(log io.Writer, scrub *scrubber) *output { return &output{log: log, scrub: scrub} }

// Write never fails, so that the pipe is always read on.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := len(o.pending) // there is no end of line in it
	o.pending = append(o.pending, p...)
	rest := o.pending
	for {
		i := bytes.IndexByte(rest[seen:], '\n')
		if i < 0 {
			break
		}
		o.emit(rest[:seen+i], true)
		rest, seen = rest[seen+i+1:], 0
	}
	for len(rest) > lineBuffer+o.scrub.longest() {
		i := o.scrub.cut(rest, lineBuffer)
		if i == 0 {
			i = lineBuffer // nothing but values: whatever is cut, it is not readable as one of them
		}
		o.emit(rest[:i], false)
		rest = rest[i:]
	}
	if len(rest) < len(o.pending) {
		o.pending = append(o.pending[:0], rest...)
	}
	return len(p), nil
}

// Close ends the last line if the app did not. It does not close the log.
func (o *output) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.pending) > 0 || o.continued {
		o.emit(o.pending, true)
		o.pending = nil
	}
	return o.failed
}

func (o *output) emit(text []byte, ends bool) {
	if !o.continued {
		shown := string(text[:o.scrub.cut(text, lineShown)])
		if len(shown) < len(text) {
			shown += shownEllips
		}
		o.ring[o.lines%lastLines] = shown
		o.lines++
	}
	o.continued = !ends
	if o.full || o.failed != nil {
		return
	}
	line := o.scrub.clean(string(text))
	if ends {
		line += "\n"
	}
	if o.written+len(line) > logCap {
		line, o.full = logCapLine, true
	}
	o.written += len(line)
	if _, err := io.WriteString(o.log, line); err != nil {
		o.failed = fmt.Errorf("log: %w", err)
	}
}

// Last is the last lines that were printed, oldest first, without the values of the environment and without control characters; the unfinished one is among them.
func (o *output) Last() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var raw []string
	for i := max(0, o.lines-lastLines); i < o.lines; i++ {
		raw = append(raw, o.ring[i%lastLines])
	}
	if len(o.pending) > 0 && !o.continued {
		raw = append(raw, string(o.pending[:o.scrub.cut(o.pending, lineShown)]))
		raw = raw[max(0, len(raw)-lastLines):]
	}
	for i, line := range raw {
		raw[i] = o.scrub.clean(printable(o.scrub.clean(line))) // what is dropped in between may have stood in a value
	}
	return raw
}

// printable keeps an app's output from steering a reader's terminal: escape sequences lose their first character.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r):
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// outputTail words the last lines for the end of an error message.
func outputTail(lines []string) string {
	if len(lines) == 0 {
		return "it printed nothing"
	}
	return "its last output:\n    " + strings.Join(lines, "\n    ")
}
