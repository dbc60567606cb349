package app

import (
	"bytes"
	"slices"
	"strings"
)

// shortest is the length in bytes from which a value of the environment is taken out of what the app printed. Below it are flags and the like, whose removal would
// garble every line and hide nothing.
const shortest = 4

// port is the most digits that a port has: a number no longer than that is taken for one, and an app's log says where it listens.
const port = 5

// scrubber takes the values of an instance's environment out of what the instance printed, because keys and secrets are among them.
type scrubber struct {
	values  []string // longest first
	replace *strings.Replacer
	redact  func(string) string // the run's own redaction; may be nil
}

// newScrubber replaces each value by "${NAME}", which says more than a row of asterisks. A name may be declared several times, with a value each.
func newScrubber(redact func(string) string, declared ...map[string]string) *scrubber {
	s := &scrubber{redact: redact}
	names := map[string]string{}
	for _, values := range declared {
		for name, value := range values {
			// Output is looked at line by line, and a PEM key is printed as several.
			for line := range strings.Lines(value) {
				line = strings.TrimRight(line, "\r\n")
				if hides(line) {
					if first, ok := names[line]; !ok || name < first {
						names[line] = name
					}
				}
			}
		}
	}
	for value := range names {
		s.values = append(s.values, value)
	}
	slices.SortFunc(s.values, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	pairs := make([]string, 0, 2*len(s.values))
	for _, value := range s.values {
		pairs = append(pairs, value, "${"+names[value]+"}")
	}
	s.replace = strings.NewReplacer(pairs...)
	return s
}

// hides reports whether taking a line out hides anything.
func hides(line string) bool {
	return len(line) >= shortest && line != "true" && line != "false" && (len(line) > port || strings.Trim(line, "0123456789") != "")
}

func (s *scrubber) clean(text string) string {
	text = s.replace.Replace(text)
	if s.redact != nil {
		text = s.redact(text)
	}
	return text
}

// longest is the length in bytes of the longest value.
func (s *scrubber) longest() int {
	if len(s.values) == 0 {
		return 0
	}
	return len(s.values[0])
}

// cut gives a place at or before want where text can be cut without cutting a value in two: half a key would not be recognised afterwards. text has to reach
// longest() beyond want, or end before. 0 means that there is none.
func (s *scrubber) cut(text []byte, want int) int {
	want = min(want, len(text))
	for moved := true; moved && want > 0; {
		moved = false
		for _, value := range s.values {
			from := max(0, want-len(value)+1)
			to := min(len(text), want+len(value)-1)
			if from < want && to > want {
				if i := bytes.Index(text[from:to], []byte(value)); i >= 0 {
					want, moved = from+i, true
				}
			}
		}
	}
	return want
}
