package spec

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// setFile is the name that problems show for --set; its lines are the assignments, in their order.
const setFile = "--set"

// step is one part of a dotted path: a key, or an index when it is not negative.
type step struct {
	key   string
	index int
	at    int // where it begins in the path, in characters from 0
}

var pathPart = regexp.MustCompile(`^([^.\[\]]+)((?:\[[0-9]{1,6}\])*)$`)

func (l *loader) set(root *node, shape reflect.Type, i int, assignment string) {
	if !slices.Contains(l.files, setFile) {
		l.files = append(l.files, setFile)
	}
	lines := l.source.lines
	if lines[setFile] == nil {
		for _, a := range l.options.Set {
			lines[setFile] = append(lines[setFile], firstLine(a))
		}
	}
	at := Pos{File: setFile, Line: i + 1, Column: 1}
	path, text, ok := strings.Cut(assignment, "=")
	if !ok || path == "" {
		l.problem(at, "--set takes path=value", `for example --set journeys.view-balance.rate=5/s`)
		return
	}
	steps, ok := l.steps(at, path)
	if !ok {
		return
	}
	value := l.setValue(at, len([]rune(path))+1, text)
	if value == nil || root == nil {
		return
	}
	l.assign(root, shape, steps, value, at)
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func (l *loader) steps(at Pos, path string) ([]step, bool) {
	var out []step
	offset := 0
	for _, part := range strings.Split(path, ".") {
		m := pathPart.FindStringSubmatch(part)
		if m == nil {
			at.Column += offset
			l.problem(at, fmt.Sprintf("bad path %q", clip(path)), `for example phases[0].for`)
			return nil, false
		}
		out = append(out, step{m[1], -1, offset})
		for _, index := range strings.FieldsFunc(m[2], func(r rune) bool { return r == '[' || r == ']' }) {
			n, _ := strconv.Atoi(index)
			out = append(out, step{"", n, offset + len([]rune(m[1]))})
		}
		offset += len([]rune(part)) + 1
	}
	return out, true
}

// setValue parses the value of an assignment and moves its places behind the path.
func (l *loader) setValue(at Pos, column int, text string) *node {
	scratch := newLoader(l.kind, setFile, l.options)
	var value *node
	if strings.TrimSpace(text) == "" {
		scratch.problem(Pos{File: setFile, Line: 1, Column: 1}, "the value is missing", "null takes a key out")
	} else {
		value = scratch.tree(File{Name: setFile, Data: []byte(text)})
	}
	move := func(p Pos) Pos {
		if p.Line <= 1 {
			p.Column = max(p.Column, 1) + column
		}
		return Pos{File: setFile, Line: at.Line, Column: p.Column}
	}
	for _, p := range scratch.problems {
		l.problem(move(p.Pos), p.Text, p.Hint)
	}
	value.walk(func(n *node) {
		n.pos = move(n.pos)
		for i := range n.entries {
			n.entries[i].pos = move(n.entries[i].pos)
		}
	})
	return value
}

// walk visits a tree, parents first.
func (n *node) walk(visit func(*node)) {
	if n == nil {
		return
	}
	visit(n)
	for _, e := range n.entries {
		e.value.walk(visit)
	}
	for _, item := range n.items {
		item.walk(visit)
	}
}

// assign walks down the file and its shape together: the shape knows which keys may be made, the file which names exist.
func (l *loader) assign(n *node, shape reflect.Type, steps []step, value *node, at Pos) {
	s, last := steps[0], len(steps) == 1
	place := at
	place.Column += s.at
	if s.index >= 0 {
		if !n.is(listNode) || s.index >= len(n.items) {
			l.problem(place, fmt.Sprintf("unknown path: there is no [%d] here", s.index), fmt.Sprintf("the list has %d entries, counted from 0", len(n.items)))
			return
		}
		if last {
			n.items[s.index] = value
			return
		}
		l.assign(n.items[s.index], elemOf(shape), steps[1:], value, at)
		return
	}
	if !n.is(mapNode) {
		l.problem(place, fmt.Sprintf("unknown path: %q would be a key, but here is %s", s.key, n.kind), "")
		return
	}
	inner, known, names := below(shape, s.key)
	i := n.index(s.key)
	if !known || (i < 0 && named(shape)) {
		if known {
			names = n.keys()
		}
		hint := suggestOr(s.key, names)
		if _, near := nearest(s.key, names); !near && s.at == 0 {
			hint = cmp.Or(l.otherFile(s.key, at), hint)
		}
		l.problem(place, fmt.Sprintf("unknown path: there is no %q here", s.key), hint)
		return
	}
	n.over = place
	switch {
	case last && value.kind == nullNode && !value.bad:
		if i >= 0 {
			n.entries = slices.Delete(n.entries, i, i+1)
		}
	case last && i >= 0:
		n.entries[i] = entry{s.key, place, value}
	case last:
		n.entries = append(n.entries, entry{s.key, place, value})
	default:
		if i < 0 {
			n.entries = append(n.entries, entry{s.key, place, &node{kind: mapNode, pos: place}})
			i = len(n.entries) - 1
		}
		l.assign(n.entries[i].value, inner, steps[1:], value, at)
	}
}

// otherFile says how a path is written that is one of another file: those of an app stand alone.
func (l *loader) otherFile(key string, at Pos) string {
	path, _, _ := strings.Cut(l.options.Set[at.Line-1], "=")
	for _, of := range []struct {
		kind, prefix string
		shape        reflect.Type
	}{
		{KindApp, "", reflect.TypeFor[appFile]()},
		{KindScenario, KindScenario + ".", reflect.TypeFor[scenarioFile]()},
		{KindWorld, KindWorld + ".", reflect.TypeFor[worldFile]()},
	} {
		if _, known, _ := below(of.shape, key); known && of.kind != l.kind {
			return fmt.Sprintf("did you mean %q?", clip(of.prefix+path))
		}
	}
	return ""
}

// below gives the shape of a key's value, whether the shape allows the key, and the keys that it allows.
func below(shape reflect.Type, key string) (reflect.Type, bool, []string) {
	switch {
	case shape == nil || shape.Implements(reflect.TypeFor[shaped]()):
		return nil, true, nil
	case shape.Kind() == reflect.Struct:
		var names []string
		for _, f := range fieldsOf(shape) {
			if f.name == key {
				return f.shape, true, nil
			}
			names = append(names, f.name)
		}
		return nil, false, names
	case shape.Kind() == reflect.Map:
		return shape.Elem(), true, nil
	}
	return nil, true, nil
}

// elemOf gives the shape of a list's elements; nil, which allows anything, where the shape check decides by the value.
func elemOf(shape reflect.Type) reflect.Type {
	if shape != nil && shape.Kind() == reflect.Slice {
		return shape.Elem()
	}
	return nil
}

// named reports a map whose keys are names of things with keys of their own: --set changes such a thing but makes none.
func named(shape reflect.Type) bool {
	return shape != nil && shape.Kind() == reflect.Map && shape.Elem().Kind() == reflect.Struct
}
