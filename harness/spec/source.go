package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a file. Line and Column count from 1, columns in characters; Line 0 is the file as a whole.
type Pos struct {
	File         string
	Line, Column int
}

// String gives "file:line:column", or the file's name alone for the file as a whole.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Source remembers where each value of a decoded file was written. After overlays and --set, values come from several files, and each keeps its own place.
// A path is written as in --set: "phases[0].faults[1]", "services.infura.placement.aws/us-east-1".
type Source struct {
	Name  string              // of the file that was asked for
	lines map[string][]string // by file name
	at    map[string]Pos
	uses  []variableUse
}

// At is where the value at a path stands. For a path that the file does not have it is the nearest parent, and the file as a whole when there is none.
func (s *Source) At(path string) Pos {
	if s == nil {
		return Pos{}
	}
	for path != "" {
		if p, ok := s.at[path]; ok {
			return p
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return Pos{File: s.Name}
}

// Problem is a problem with the value at a path.
func (s *Source) Problem(path, text, hint string) Problem {
	return s.problemAt(s.At(path), text, hint)
}

func (s *Source) problemAt(p Pos, text, hint string) Problem {
	return Problem{Pos: p, Text: text, Hint: hint, Line: s.line(p)}
}

func (s *Source) line(p Pos) string {
	if s == nil {
		return ""
	}
	if lines := s.lines[p.File]; p.Line >= 1 && p.Line <= len(lines) {
		return lines[p.Line-1]
	}
	return ""
}

// Problem is one thing wrong with a file, in words for its author: where, what, and what to do.
type Problem struct {
	Pos  Pos
	Text string // "unknown key \"phasez\""
	Hint string // "did you mean \"phases\"?", or ""
	Line string // the source line, for the caret; "" when there is none
}

// shownWidth is how much of a long source line is shown around the caret, in characters.
const shownWidth = 160

// Error gives the problem in up to four lines: where and what, the source line, a caret under the column, the hint.
func (p Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", p.Pos, p.Text)
	if p.Line != "" && p.Pos.Column >= 1 {
		line, column := excerpt([]rune(p.Line), p.Pos.Column)
		fmt.Fprintf(&b, "\n  %s\n  %s^", line, blank(line, column-1))
	}
	if p.Hint != "" {
		fmt.Fprintf(&b, "\nhint: %s", p.Hint)
	}
	return b.String()
}

// excerpt cuts a long line around a column and gives the column in what is left.
func excerpt(line []rune, column int) (string, int) {
	column = min(column, len(line)+1)
	if len(line) <= shownWidth {
		return string(line), column
	}
	from := min(max(column-shownWidth/2, 0), len(line)-shownWidth)
	return string(line[from : from+shownWidth]), column - from
}

// blank gives n characters that are as wide as the first n of the line: tabs stay tabs.
func blank(line string, n int) string {
	var b strings.Builder
	for i, r := range []rune(line) {
		if i >= n {
			break
		}
		if r == '\t' {
			b.WriteRune('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// Problems are all problems of the files that were read, sorted by place; it is an error.
type Problems []Problem

// shownProblems bounds the text of an error: a file that is no YAML of ours at all can have a problem on each line.
const shownProblems = 100

// Error lists the problems with an empty line between them.
func (ps Problems) Error() string {
	shown := ps[:min(len(ps), shownProblems)]
	texts := make([]string, 0, len(shown)+1)
	for _, p := range shown {
		texts = append(texts, p.Error())
	}
	if n := len(ps) - len(shown); n > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(texts, "\n\n")
}

// sorted orders problems by file (in the order in which the files were read), then by place, and drops repetitions.
func (ps Problems) sorted(files []string) Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(slices.Index(files, a.Pos.File), slices.Index(files, b.Pos.File)),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Column, b.Pos.Column),
		)
	})
	return slices.Compact(ps)
}

// err is nil when there is no problem, so that no empty Problems travels as a non-nil error.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}
