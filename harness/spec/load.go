// Package spec reads the files that users write: worlds, apps, scenarios, suites and gates. It keeps the place of every value, lays overlays and settings over the files, checks
// each against the shape of its kind and against the others, and says what is wrong with file, line, column and a hint. It gives their JSON Schemas too.
//
//	file ─▶ nodes ─▶ extends, overlays, --set ─▶ shape ─▶ values ─▶ Check of world, app and scenario together
package spec

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"blackout/harness/canned"
)

// File is a file that was read, with the name that problems show.
type File struct {
	Name string
	Data []byte
}

// Options say what is laid over a file. What is said later in this list wins: the file that a world extends, the file, the overlays in their order, Set in its order.
type Options struct {
	// Env looks up ${env.X}. Nil means that no variable is set.
	Env func(name string) (string, bool)
	// Base finds the world that `extends:` names. Nil means that there is none.
	Base     func(name string) (File, error)
	Overlays []File
	// Folder reads the files of a folder that a file names, which lies beside it. Nil: folders are not read, and services have no files.
	Folder func(from, folder string) ([]canned.File, error)
	// Set holds assignments "journeys.view-balance.rate=5/s"; the value is YAML, null takes a key out.
	Set []string
}

// maxExtends bounds a chain of worlds that extend each other.
const maxExtends = 8

// load parses a file of the loader's kind, lays everything over it and checks it against the kind's shape. It returns nil when nothing sensible is left to look at.
func (l *loader) load(f File, shape reflect.Type) *node {
	root := l.file(f)
	if l.kind == KindWorld {
		root = l.extend(root)
	}
	for _, o := range l.options.Overlays {
		over := l.file(o)
		if over != nil && root != nil {
			l.overlayExtends(root, over)
			root = merge(root, over)
		}
	}
	for i, assignment := range l.options.Set {
		l.set(root, shape, i, assignment)
	}
	if root == nil {
		return nil
	}
	if l.baseless {
		root.walk(func(n *node) { n.partial = true })
	}
	l.check(root, shape, "", field{})
	if l.baseless {
		return nil
	}
	root.places("", l.source.at)
	return root
}

// finish gives the sorted problems as an error.
func (l *loader) finish() error { return l.problems.sorted(l.files).err() }

// file parses one file and checks its first line.
func (l *loader) file(f File) *node {
	root := l.tree(f)
	if root == nil {
		return nil
	}
	if root.kind != mapNode {
		if !root.bad {
			l.problem(root.pos, fmt.Sprintf("%s file is a map of keys, not %s", article(l.kind), root.kind), l.schemaHint())
		}
		return nil
	}
	return l.schemaLine(root)
}

func article(kind string) string {
	if kind == KindApp {
		return "an " + kind
	}
	return "a " + kind
}

func schemaName(kind string) string { return "blackout/" + kind + "/1" }

func (l *loader) schemaHint() string {
	return "the first line of the file is: schema: " + schemaName(l.kind)
}

// schemaLine checks `schema:`. A file of another kind is not looked at any further: its keys would all be unknown.
func (l *loader) schemaLine(root *node) *node {
	i := root.index("schema")
	switch {
	case i < 0:
		l.problem(root.pos, `the key "schema" is missing`, l.schemaHint())
		return root
	case i > 0:
		l.problem(root.entries[i].pos, `"schema" must be the first key of the file`, "")
	}
	value, want := root.entries[i].value, schemaName(l.kind)
	if value.str() == want || value.bad {
		return root
	}
	at := root.entries[i].at()
	if !value.is(stringNode) {
		l.problem(at, fmt.Sprintf(`"schema" must be text, not %s`, value.kind), fmt.Sprintf("did you mean %q?", want))
		return root
	}
	for _, kind := range Kinds() {
		if kind != l.kind && value.text == schemaName(kind) {
			l.problem(at, fmt.Sprintf("this is %s file; %s file was asked for", article(kind), article(l.kind)), "")
			return nil
		}
	}
	text := fmt.Sprintf("unknown schema %q", clip(value.text))
	if strings.HasPrefix(value.text, "blackout/"+l.kind+"/") {
		text = fmt.Sprintf("unknown version of the format in %q", clip(value.text))
	}
	l.problem(at, text, fmt.Sprintf("did you mean %q?", want))
	return root
}

// extend lays a world over the one that it extends, and that over its own base.
func (l *loader) extend(root *node) *node {
	if root == nil {
		return nil
	}
	layers := []*node{root}
	seen := []string{}
	for {
		top := layers[len(layers)-1]
		name := top.get("extends").str()
		if name == "" {
			break
		}
		at := top.entries[top.index("extends")].at()
		if slices.Contains(seen, name) || len(seen) == maxExtends {
			l.problem(at, fmt.Sprintf("worlds extend each other in a circle or more than %d deep: %s", maxExtends, strings.Join(append(seen, name), " → ")), "")
			break
		}
		seen = append(seen, name)
		base, err := l.base(name)
		if err != nil {
			l.problem(at, fmt.Sprintf("cannot extend %q: %v", clip(name), err), "")
			l.baseless = true
			break
		}
		below := l.file(base)
		if below == nil {
			return nil
		}
		layers = append(layers, below)
	}
	out := layers[len(layers)-1]
	for i := len(layers) - 2; i >= 0; i-- {
		out = merge(out, layers[i])
	}
	return out
}

func (l *loader) base(name string) (File, error) {
	if l.options.Base == nil {
		return File{}, errors.New("there is no library of worlds here")
	}
	return l.options.Base(name)
}

// overlayExtends refuses an overlay that wants another world below it than the one that it is laid over.
func (l *loader) overlayExtends(root, over *node) {
	i := over.index("extends")
	if i < 0 {
		return
	}
	want := over.entries[i].value.str()
	if want != root.get("name").str() && want != root.get("extends").str() {
		l.problem(over.entries[i].at(), fmt.Sprintf("this overlay extends %q, but it is laid over %q", clip(want), root.get("name").str()), "")
	}
	over.entries = slices.Delete(over.entries, i, i+1)
}

// merge lays over on base: maps merge by key, anything else replaces, null takes a key out. Neither input is changed.
func merge(base, over *node) *node {
	if !base.is(mapNode) || !over.is(mapNode) {
		return withoutNulls(over)
	}
	out := base.clone()
	for _, e := range over.entries {
		i := out.index(e.key)
		switch {
		case e.key == "schema" && i >= 0:
		case e.value.kind == nullNode && !e.value.bad:
			if i >= 0 {
				out.entries = slices.Delete(out.entries, i, i+1)
			}
		case i < 0:
			out.entries = append(out.entries, entry{e.key, e.pos, withoutNulls(e.value)})
		default:
			out.entries[i] = entry{e.key, e.pos, merge(out.entries[i].value, e.value)}
			if out.entries[i].value.is(mapNode) {
				out.entries[i].pos = base.entries[base.index(e.key)].pos
				out.entries[i].value.pos, out.entries[i].value.key = base.get(e.key).pos, base.get(e.key).key
				out.entries[i].value.over = e.at()
			}
		}
	}
	return out
}

// withoutNulls copies what an overlay adds anew, where there is nothing that a null could take out.
func withoutNulls(n *node) *node {
	out := n.clone()
	if out.kind == mapNode {
		out.entries = slices.DeleteFunc(out.entries, func(e entry) bool { return e.value.kind == nullNode && !e.value.bad })
		for i := range out.entries {
			out.entries[i].value = withoutNulls(out.entries[i].value)
		}
	}
	return out
}
