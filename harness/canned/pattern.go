package canned

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Pattern is the requests that a reply is for, as written: "GET /v2/prices/{pair}/spot?currency=USD". A {name} stands for one part of the path, or for a value of the
// query; {name...} at the end for all that remains of the path. A request may have more in its query than the pattern names.
type Pattern struct {
	Method string
	parts  []string
	rest   string // the name of {name...}, or ""
	query  map[string]string
	text   string
	named  bool
}

var (
	form  = regexp.MustCompile(`^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/\S*)$`)
	blank = regexp.MustCompile(`^\{([A-Za-z0-9_-]+)\}$`)
	tail  = regexp.MustCompile(`^\{([A-Za-z0-9_-]+)\.\.\.\}$`)
)

// Parse reads a pattern. The error says what is wrong with it.
func Parse(text string) (Pattern, error) {
	m := form.FindStringSubmatch(text)
	if m == nil {
		return Pattern{}, fmt.Errorf("it is not a method and a path")
	}
	p := Pattern{Method: m[1], text: text}
	at, query, _ := strings.Cut(m[2], "?")
	seen := map[string]bool{}
	name := func(n string) error {
		if seen[n] {
			return fmt.Errorf("{%s} is there twice", n)
		}
		seen[n], p.named = true, true
		return nil
	}
	p.parts = split(at)
	for i, part := range p.parts {
		last := i == len(p.parts)-1
		switch b, t := blank.FindStringSubmatch(part), tail.FindStringSubmatch(part); {
		case b != nil:
			if err := name(b[1]); err != nil {
				return Pattern{}, err
			}
		case t != nil && last:
			if err := name(t[1]); err != nil {
				return Pattern{}, err
			}
			p.rest = t[1]
		case t != nil:
			return Pattern{}, fmt.Errorf("%s can only be the last part of the path", part)
		case strings.ContainsAny(part, "{}"):
			return Pattern{}, fmt.Errorf("a {name} is a whole part of the path, not %q", part)
		}
	}
	if p.rest != "" {
		p.parts = p.parts[:len(p.parts)-1]
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return Pattern{}, fmt.Errorf("its query cannot be read: %w", err)
	}
	p.query = map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		p.query[key] = values.Get(key)
		if b := blank.FindStringSubmatch(p.query[key]); b != nil {
			if err := name(b[1]); err != nil {
				return Pattern{}, err
			}
		}
	}
	return p, nil
}

// String is the pattern as it was written.
func (p Pattern) String() string { return p.text }

// Names are the names in the pattern, sorted.
func (p Pattern) Names() []string {
	var names []string
	for _, part := range append(slices.Clone(p.parts), slices.Collect(maps.Values(p.query))...) {
		if b := blank.FindStringSubmatch(part); b != nil {
			names = append(names, b[1])
		}
	}
	if p.rest != "" {
		names = append(names, p.rest)
	}
	slices.Sort(names)
	return names
}

// split takes a path apart. A slash at the end says nothing.
func split(at string) []string {
	at = strings.Trim(at, "/")
	if at == "" {
		return nil
	}
	return strings.Split(at, "/")
}

// match reports whether a request's path and query fit, and what its names stand for. The method is the caller's to look at.
func (p Pattern) match(r Request) (names map[string]string, ok bool) {
	names = map[string]string{}
	fits := func(want, got string) bool {
		b := blank.FindStringSubmatch(want)
		if b == nil {
			return want == got
		}
		names[b[1]] = got
		return got != ""
	}
	parts := split(r.Path)
	if len(parts) < len(p.parts) || len(parts) > len(p.parts) && p.rest == "" {
		return nil, false
	}
	for i, want := range p.parts {
		if !fits(want, parts[i]) {
			return nil, false
		}
	}
	for key, want := range p.query {
		if !r.Query.Has(key) || !fits(want, r.Query.Get(key)) {
			return nil, false
		}
	}
	if p.rest != "" {
		names[p.rest] = strings.Join(parts[len(p.parts):], "/")
	}
	return names, true
}
