package spec

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// nodeKind is the kind of a value of a file.
type nodeKind int

const (
	nullNode nodeKind = iota
	boolNode
	intNode
	floatNode
	stringNode
	mapNode
	listNode
)

// String names the kind in a sentence: "must be a list, not text".
func (k nodeKind) String() string {
	return [...]string{"nothing", "true or false", "a number", "a number", "text", "a map", "a list"}[k]
}

// node is a value of a file with its place. It is what remains of YAML: no anchors, tags or styles. A nil node is an absent value, and its methods say so.
type node struct {
	kind nodeKind
	pos  Pos
	// text is a scalar as written, without its quotes; of a string, variables of load time are expanded in it by the shape check.
	text   string
	quoted bool
	key    Pos // where the value's own key stands; the zero Pos at the top and in lists
	over   Pos // of a map that something was laid over: where the last of that stands
	// expanded says that a variable of load time stood in the text.
	expanded bool
	// partial says that the map had keys that were reported and left out: nothing is said about missing ones.
	partial bool
	bad     bool    // already reported: nothing further is said about it
	entries []entry // of a map, in the order of the file
	items   []*node // of a list
}

// entry is one key of a map.
type entry struct {
	key   string
	pos   Pos
	value *node
}

func (n *node) is(k nodeKind) bool { return n != nil && n.kind == k }

func (n *node) scalar() bool {
	return n != nil && n.kind != mapNode && n.kind != listNode && n.kind != nullNode
}

// index finds a key of a map; -1 when n is no map or lacks it.
func (n *node) index(key string) int {
	if !n.is(mapNode) {
		return -1
	}
	return slices.IndexFunc(n.entries, func(e entry) bool { return e.key == key })
}

// get is the value at a key, or nil.
func (n *node) get(key string) *node {
	if i := n.index(key); i >= 0 {
		return n.entries[i].value
	}
	return nil
}

// has reports whether any of the keys is there.
func (n *node) has(keys ...string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { return n.get(k) != nil })
}

// keys lists the keys of a map in the order of the file.
func (n *node) keys() []string {
	if !n.is(mapNode) {
		return nil
	}
	keys := make([]string, 0, len(n.entries))
	for _, e := range n.entries {
		keys = append(keys, e.key)
	}
	return keys
}

// str is the text of a string, or "".
func (n *node) str() string {
	if n.is(stringNode) {
		return n.text
	}
	return ""
}

// int is a whole number, or or when the node is absent or is none; the shape check has reported the latter.
func (n *node) int(or int64) int64 {
	if n.is(intNode) {
		if v, err := strconv.ParseInt(n.text, 10, 64); err == nil {
			return v
		}
	}
	return or
}

// float is a number, or or when the node is absent or is none.
func (n *node) float(or float64) float64 {
	if n.is(intNode) || n.is(floatNode) {
		if v, err := strconv.ParseFloat(n.text, 64); err == nil {
			return v
		}
	}
	return or
}

// strs is a list of strings.
func (n *node) strs() []string {
	if !n.is(listNode) {
		return nil
	}
	out := make([]string, 0, len(n.items))
	for _, item := range n.items {
		out = append(out, item.str())
	}
	return out
}

// strMap is a map of strings, nil when absent.
func (n *node) strMap() map[string]string {
	if !n.is(mapNode) {
		return nil
	}
	out := make(map[string]string, len(n.entries))
	for _, e := range n.entries {
		out[e.key] = e.value.str()
	}
	return out
}

// value is the node as encoding/json would decode it, but for numbers: whole ones are int64, others float64.
func (n *node) value() any {
	if n == nil {
		return nil
	}
	switch n.kind {
	case boolNode:
		return n.text == "true"
	case intNode:
		if v, err := strconv.ParseInt(n.text, 10, 64); err == nil {
			return v
		}
		return n.float(0)
	case floatNode:
		return n.float(0)
	case stringNode:
		return n.text
	case mapNode:
		out := make(map[string]any, len(n.entries))
		for _, e := range n.entries {
			out[e.key] = e.value.value()
		}
		return out
	case listNode:
		out := make([]any, 0, len(n.items))
		for _, item := range n.items {
			out = append(out, item.value())
		}
		return out
	default:
		return nil
	}
}

// at is where a problem with the value as a whole is shown: a block map at its own key, since it begins lines below, anything else where it begins.
func (n *node) at() Pos {
	if n.key.Line > 0 && n.key.Line != n.pos.Line {
		return n.key
	}
	return n.pos
}

// blame is where a problem with how the parts of a map fit together is shown: what was laid over it last, since the map below was sound.
func (n *node) blame() Pos {
	if n.over.File != "" {
		return n.over
	}
	return n.at()
}

// clone copies a tree, so that merging never changes the file that a value came from.
func (n *node) clone() *node {
	if n == nil {
		return nil
	}
	c := *n
	c.entries, c.items = slices.Clone(n.entries), slices.Clone(n.items)
	for i := range c.entries {
		c.entries[i].value = c.entries[i].value.clone()
	}
	for i := range c.items {
		c.items[i] = c.items[i].clone()
	}
	return &c
}

// places fills in where each path stands: scalars and flow collections where they begin, a block collection at its key.
func (n *node) places(path string, at map[string]Pos) {
	switch n.kind {
	case mapNode:
		for _, e := range n.entries {
			sub := join(path, e.key)
			at[sub] = e.at()
			e.value.places(sub, at)
		}
	case listNode:
		for i, item := range n.items {
			sub := elem(path, i)
			at[sub] = item.pos
			item.places(sub, at)
		}
	}
}

// at is where a problem with the entry's value is shown.
func (e entry) at() Pos {
	if e.value.kind == nullNode {
		return e.pos
	}
	return e.value.at()
}

// join and elem build paths.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func elem(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// sortedKeys lists the keys of any map in the alphabet's order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
