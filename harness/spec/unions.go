package spec

import (
	"fmt"
	"reflect"

	"github.com/invopop/jsonschema"
)

// The types of the file-shaped structs that have more than one form.
type (
	targetsFile      []targetFile      // a map, or a list of maps
	plainTargetsFile []plainTargetFile // the same within except
	hostsFile        struct{}          // a host, or a list of hosts
	shareFile        struct{}          // "30%", or {from, to}
	countFile        int               // a whole number, at least 1
	seedFile         int               // a whole number, at least 0
)

func (targetsFile) check(l *loader, n *node, path string, f field) {
	checkTargets(l, n, reflect.TypeFor[targetFile](), path, f)
}

func (plainTargetsFile) check(l *loader, n *node, path string, f field) {
	checkTargets(l, n, reflect.TypeFor[plainTargetFile](), path, f)
}

func checkTargets(l *loader, n *node, one reflect.Type, path string, f field) {
	if n.scalar() {
		l.problem(n.pos, fmt.Sprintf("%q must be a map or a list of maps, not %s", label(path), n.kind), "for example {service: infura}")
		n.bad = true
		return
	}
	if n.kind != listNode {
		l.check(n, one, path, f)
		return
	}
	for i, item := range n.items {
		l.check(item, one, elem(path, i), f)
	}
}

func (hostsFile) check(l *loader, n *node, path string, f field) {
	if n.kind != listNode {
		l.checkScalar(hostText(""), n, path)
		return
	}
	if len(n.items) == 0 {
		l.problem(n.pos, fmt.Sprintf("%q is empty", label(path)), "")
		n.bad = true
	}
	for i, item := range n.items {
		l.check(item, reflect.TypeFor[hostText](), elem(path, i), f)
	}
}

func (shareFile) check(l *loader, n *node, path string, f field) {
	if n.kind == mapNode {
		l.checkStruct(n, reflect.TypeFor[rampFile](), path, f)
		return
	}
	if n.kind == listNode {
		l.problem(n.pos, fmt.Sprintf("%q must be a share or a map, not a list", label(path)), "30%, or {from: 40%, to: 0%}")
		n.bad = true
		return
	}
	l.checkScalar(shareText(""), n, path)
}

func (countFile) check(l *loader, n *node, path string, f field) {
	least := 1.0
	f.minimum = &least
	l.checkNumber(n, true, path, f)
}

func (seedFile) check(l *loader, n *node, path string, f field) {
	least := 0.0
	f.minimum = &least
	l.checkNumber(n, true, path, f)
}

// JSONSchema puts the forms for editors.
func (targetsFile) JSONSchema() *jsonschema.Schema { return oneOrList(reflect.TypeFor[targetFile]()) }
func (plainTargetsFile) JSONSchema() *jsonschema.Schema {
	return oneOrList(reflect.TypeFor[plainTargetFile]())
}

func (hostsFile) JSONSchema() *jsonschema.Schema {
	minItems := uint64(1)
	one := hostText("").JSONSchema()
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{one, {Type: "array", Items: one, MinItems: &minItems}}}
}

func (shareFile) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{shareText("").JSONSchema(), reflected(reflect.TypeFor[rampFile]())}}
}

func (countFile) JSONSchema() *jsonschema.Schema { return wholeNumber("1") }
func (seedFile) JSONSchema() *jsonschema.Schema  { return wholeNumber("0") }

func wholeNumber(least string) *jsonschema.Schema {
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "integer", Minimum: jsonNumber(least)}, {Type: "string", Pattern: envPattern}}}
}

func oneOrList(one reflect.Type) *jsonschema.Schema {
	target, minItems := reflected(one), uint64(1)
	target.MinProperties = &minItems
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{target, {Type: "array", Items: target, MinItems: &minItems}}}
}
