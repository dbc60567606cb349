package journey

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"blackout/harness/spec"
)

// The names of answer fields that mean something here; the app file may have others, which are read and kept alike.
const (
	fieldBalance  = "balance"
	fieldDeclined = "declined"
	fieldEvents   = "events"
	fieldID       = "id"
	fieldPayments = "payments"
	fieldStatus   = "status"
	fieldState    = "state"
	fieldTx       = "tx"
)

// maxDeclined bounds in bytes what is kept of a whole object that an app says no with.
const maxDeclined = 1 << 10

// reader reads the fields of a journey's answers.
type reader struct {
	names    []string // sorted
	paths    map[string]path
	patterns map[string]*regexp.Regexp // the fields that have one instead of a path
	lists    map[string]*path          // the fields that are lists: what has to be there for an answer without an entry to be an empty list; nil: nothing else has to
	required []string                  // sorted; what a 2xx answer must have
	promised []string                  // sorted; what is missing when an answer cannot be read at all
}

func newReader(j spec.Journey) (*reader, error) {
	r := &reader{paths: map[string]path{}, patterns: map[string]*regexp.Regexp{}, lists: map[string]*path{}}
	for name, field := range j.Answer {
		r.names = append(r.names, name)
		var err error
		switch {
		case field.CSS != "": // the browser has looked already
			r.paths[name], err = compilePath("$['" + name + "']")
		case field.Match != "":
			r.patterns[name], err = regexp.Compile(field.Match)
		default:
			r.paths[name], err = compilePath(field.Path)
		}
		if err != nil {
			return nil, fmt.Errorf("answer.%s: %w", name, err)
		}
		switch {
		case name == fieldPayments, name == fieldEvents && j.Kind == spec.KindEvents:
			r.lists[name], err = compileList(field.Path)
			if err != nil {
				return nil, fmt.Errorf("answer.%s: %w", name, err)
			}
			r.required = append(r.required, name)
			r.promised = append(r.promised, name)
		case name == fieldBalance, name == fieldID && j.Follow != nil, name == fieldStatus && j.Kind == spec.KindStatus:
			r.required = append(r.required, name)
			r.promised = append(r.promised, name)
		case name == fieldID, name == fieldTx, name == fieldState:
			r.promised = append(r.promised, name)
		}
	}
	slices.Sort(r.names)
	slices.Sort(r.required)
	slices.Sort(r.promised)
	return r, nil
}

// read gives the fields that the body has: strings without their quotes, numbers as they were written, true or false. A field that is null or has no match is absent,
// and so is an object or an array, except for declined. missing is what a 2xx answer should have had; an app that declines owes nothing else.
func (r *reader) read(status int, body []byte) (fields map[string]string, missing []string) {
	if len(r.names) == 0 {
		return nil, nil
	}
	ok := status >= 200 && status < 300
	root, err := parseJSON(body)
	if err != nil && len(r.patterns) == 0 {
		switch {
		case status == http.StatusNoContent:
			missing = slices.Clone(r.promised)
		case ok:
			missing = r.owed()
		}
		return nil, missing
	}
	fields = map[string]string{}
	for _, name := range r.names {
		if pattern := r.patterns[name]; pattern != nil {
			if text := matched(pattern, body); text != "" {
				fields[name] = text
			}
			continue
		}
		if root == nil {
			continue // it is no JSON
		}
		node := r.paths[name].first(root)
		text, found := scalarText(node)
		if before, list := r.lists[name]; list {
			text, found = listText(root, r.paths[name], before)
		} else if name == fieldDeclined {
			text, found = declinedText(node)
		}
		if found {
			fields[name] = text
		}
	}
	if _, declined := fields[fieldDeclined]; ok && !declined {
		for _, name := range r.required {
			if _, found := fields[name]; !found {
				missing = append(missing, name)
			}
		}
	}
	return fields, missing
}

// owed is what is missing of an answer that is none: what the app file promises, or "answer" where that promises nothing.
func (r *reader) owed() []string {
	if len(r.promised) == 0 {
		return []string{"answer"}
	}
	return slices.Clone(r.promised)
}

// matched is the first group of a pattern, or all of it when it has none, where it matches first: without white space around it, and "" when there is no match.
func matched(pattern *regexp.Regexp, body []byte) string {
	groups := pattern.FindSubmatch(body)
	if groups == nil {
		return ""
	}
	return clip(string(bytes.TrimSpace(groups[min(1, len(groups)-1)])), maxDeclined)
}

// declinedText says whether an app says no: by anything but null, false, an empty string, an empty object or an empty list, which many APIs send with every good answer.
func declinedText(n *yaml.Node) (string, bool) {
	if n == nil {
		return "", false
	}
	if n.Kind != yaml.ScalarNode {
		if len(n.Content) == 0 {
			return "", false
		}
		var b strings.Builder
		compact(&b, n)
		return clip(b.String(), maxDeclined), true
	}
	text, found := scalarText(n)
	if !found || text == "" || n.Tag == "!!bool" && text == "false" {
		return "", false
	}
	return text, true
}

// clip cuts a text to a number of bytes, at the end of a character, and makes it valid UTF-8: bytes that are none become a question mark.
func clip(text string, limit int) string {
	if len(text) > limit {
		cut := limit
		for cut > 0 && limit-cut < utf8.UTFMax && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut]
	}
	return strings.ToValidUTF8(text, "?")
}
