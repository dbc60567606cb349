package spec

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The shape check holds a tree against the file-shaped structs of files.go: unknown and missing keys, wrong types, values whose text does not parse, variables.
// What it lets through, the converters of the kinds read without asking again; what it reports, they read as absent. The JSON Schemas are made from the same
// structs, so the two cannot drift apart.

// scalar is implemented by the types of files.go that are written as one word or number and parsed further. Problem says what is wrong with a text, and how it
// would be right; both are "" when nothing is.
type scalar interface {
	problem(text string) (what, hint string)
}

// shaped is implemented by the types of files.go that have more than one form.
type shaped interface {
	check(l *loader, n *node, path string, f field)
}

// field is one key of a file-shaped struct, from its tags:
//
//	yaml:"name"  jsonschema:"required,enum=a,enum=b,minimum=0"  vars:"start"
type field struct {
	name     string
	shape    reflect.Type
	required bool
	enum     []string
	minimum  *float64
	place    string // the place whose variables may stand in it and in all below; "" is load time
}

// plainWords are words that need no quotes in a list.
var plainWords = regexp.MustCompile(`^[A-Za-z./_-][A-Za-z0-9./_-]*( [A-Za-z./_-][A-Za-z0-9./_-]*)*$`)

var fieldCache sync.Map // reflect.Type → []field

func fieldsOf(t reflect.Type) []field {
	if cached, ok := fieldCache.Load(t); ok {
		return cached.([]field)
	}
	fields := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		sf := t.Field(i)
		f := field{name: sf.Tag.Get("yaml"), shape: sf.Type, place: sf.Tag.Get("vars")}
		for _, part := range strings.Split(sf.Tag.Get("jsonschema"), ",") {
			key, value, _ := strings.Cut(part, "=")
			switch key {
			case "required":
				f.required = true
			case "enum":
				f.enum = append(f.enum, value)
			case "minimum":
				if v, err := strconv.ParseFloat(value, 64); err == nil {
					f.minimum = &v
				}
			}
		}
		fields = append(fields, f)
	}
	fieldCache.Store(t, fields)
	return fields
}

// check holds one value against its shape. f is the field that the value, or the list or map around it, belongs to.
func (l *loader) check(n *node, t reflect.Type, path string, f field) {
	if n.bad {
		return
	}
	if n.kind == stringNode {
		l.expandAtLoad(n, path, f.place)
		if n.bad {
			return
		}
	}
	switch v := reflect.Zero(t).Interface().(type) {
	case shaped:
		v.check(l, n, path, f)
		return
	case scalar:
		l.checkScalar(v, n, path)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		if l.want(n, mapNode, path) {
			l.checkStruct(n, t, path, f)
		}
	case reflect.Map:
		if l.want(n, mapNode, path) {
			l.checkMap(n, t, path, f)
		}
	case reflect.Slice:
		if l.want(n, listNode, path) {
			for i, item := range n.items {
				l.check(item, t.Elem(), elem(path, i), f)
			}
		}
	case reflect.Interface:
		l.checkFree(n, path, f)
	case reflect.String:
		if l.want(n, stringNode, path) && len(f.enum) > 0 {
			l.oneOf(n, f.enum, fmt.Sprintf("%q cannot be", label(path)))
		}
	case reflect.Int, reflect.Float64:
		l.checkNumber(n, t.Kind() == reflect.Int, path, f)
	}
}

func (l *loader) checkStruct(n *node, t reflect.Type, path string, outer field) {
	fields := fieldsOf(t)
	names := make([]string, 0, len(fields))
	for _, f := range fields {
		names = append(names, f.name)
	}
	free := without(names, n.keys())
	for at, e := range n.entries {
		i := indexField(fields, e.key)
		if i < 0 {
			l.problem(e.pos, fmt.Sprintf("unknown key %q", clip(e.key)), suggestOr(e.key, free))
			name, ok := nearest(e.key, free)
			if !ok || n.index(name) >= 0 {
				continue
			}
			// What lies below is read as if it were spelt right, so that one run shows all there is to mend, and nothing that is not.
			n.entries[at].key, e.key = name, name
			i = indexField(fields, name)
		}
		f := fields[i]
		if f.place == "" {
			f.place = outer.place
		}
		l.check(e.value, f.shape, join(path, e.key), f)
	}
	for _, f := range fields {
		if f.required && !n.partial && f.name != "schema" && n.get(f.name) == nil {
			l.problem(n.at(), fmt.Sprintf("%s needs the key %q", subject(path), f.name), "")
		}
	}
}

func (l *loader) checkMap(n *node, t reflect.Type, path string, f field) {
	keys, _ := reflect.Zero(t.Key()).Interface().(scalar)
	for _, e := range n.entries {
		if keys != nil {
			if text, hint := keys.problem(e.key); text != "" {
				l.problem(e.pos, text, hint)
			}
		}
		l.check(e.value, t.Elem(), join(path, e.key), f)
	}
}

func (l *loader) checkScalar(s scalar, n *node, path string) {
	if !n.scalar() || n.kind == boolNode {
		l.want(n, stringNode, path)
		return
	}
	if n.kind == stringNode && strings.TrimSpace(n.text) == "" {
		l.problem(n.pos, fmt.Sprintf("%q is empty", label(path)), "")
		n.bad = true
		return
	}
	if text, hint := s.problem(n.text); text != "" {
		l.problem(n.pos, text, hint)
		n.bad = true
		return
	}
	switch s.(type) {
	case limitText, equalText: // numbers too
	default:
		l.want(n, stringNode, path)
	}
}

func (l *loader) checkNumber(n *node, whole bool, path string, f field) {
	retype(n)
	if n.kind != intNode && (whole || n.kind != floatNode) {
		what := "a number"
		if whole {
			what = "a whole number"
		}
		hint := ""
		if n.is(stringNode) && plainInt.MatchString(n.text) {
			hint = "did you mean " + n.text + " without quotes?"
		}
		l.problem(n.pos, fmt.Sprintf("%q must be %s, not %s", label(path), what, describe(n)), hint)
		n.bad = true
		return
	}
	v := n.float(0)
	if f.minimum != nil && v < *f.minimum {
		l.problem(n.pos, fmt.Sprintf("%q must be at least %s", label(path), number(*f.minimum)), "")
	} else if v > 1<<53 || (n.kind == intNode && n.int(-1) < 0 && v >= 0) {
		l.problem(n.pos, fmt.Sprintf("%q is too large", label(path)), "")
	}
}

// checkFree takes any value, for JSON bodies: only the variables in its strings matter.
func (l *loader) checkFree(n *node, path string, f field) {
	for _, e := range n.entries {
		l.check(e.value, anyType, join(path, e.key), f)
	}
	for i, item := range n.items {
		l.check(item, anyType, elem(path, i), f)
	}
}

var anyType = reflect.TypeFor[any]()

// want reports a value of another kind. It marks it, so that nothing more is said about it.
func (l *loader) want(n *node, kind nodeKind, path string) bool {
	if n.kind == kind {
		return true
	}
	n.bad = true
	if n.kind == nullNode {
		l.problem(n.pos, fmt.Sprintf("%q has no value", label(path)), "")
		return false
	}
	hint := ""
	switch {
	case kind == stringNode && (n.kind == listNode || n.kind == mapNode):
		hint = "a text that begins with [ or { must be in quotes"
	case kind == stringNode:
		hint = fmt.Sprintf("put it in quotes: %q", n.text)
	case kind == listNode && n.kind == stringNode && plainWords.MatchString(n.text):
		hint = fmt.Sprintf("%s: [%s]", label(path), strings.Join(strings.Fields(n.text), ", "))
	case kind == listNode && n.scalar():
		hint = fmt.Sprintf("a list is in brackets: %s: [%q]", label(path), clip(n.text))
	}
	l.problem(n.pos, fmt.Sprintf("%q must be %s, not %s", label(path), kind, n.kind), hint)
	return false
}

// oneOf reports a word that is none of the known ones. what begins the sentence that ends with the word.
func (l *loader) oneOf(n *node, known []string, what string) {
	if slices.Contains(known, n.text) {
		return
	}
	l.problem(n.pos, fmt.Sprintf("%s %q", what, clip(n.text)), suggestOr(n.text, known))
	n.bad = true
}

// retype gives the text of a quoted string that held a variable of load time its plain kind: count: "${env.N:-10}" is a number.
func retype(n *node) {
	if n.kind != stringNode || !n.expanded {
		return
	}
	switch {
	case plainInt.MatchString(n.text):
		n.kind = intNode
	case plainFloat.MatchString(n.text):
		n.kind = floatNode
	}
}

func describe(n *node) string {
	if n.scalar() {
		return fmt.Sprintf("%q", clip(n.text))
	}
	return n.kind.String()
}

func indexField(fields []field, name string) int {
	return slices.IndexFunc(fields, func(f field) bool { return f.name == name })
}

// without drops the keys that a map has already: the one that was meant is a missing one.
func without(names, have []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(have, name) })
}

// label is the last part of a path, as a sentence names it.
func label(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// subject names a map in a sentence that begins with it.
func subject(path string) string {
	if path == "" {
		return "the file"
	}
	return fmt.Sprintf("%q", label(path))
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
