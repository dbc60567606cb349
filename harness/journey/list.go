package journey

import (
	"encoding/json"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxList bounds in bytes what is kept of a list. Of a longer one nothing is kept, as an empty text: half a list would say that the other half is missing.
const maxList = 64 << 10

// compileList gives the path up to its first wildcard: "$.payments" of "$.payments[*].id". The list is there, if empty, when that names an array. It is nil for a
// path without one, which names the array itself.
func compileList(text string) (*path, error) {
	before, _, wild := strings.Cut(text, "[*]")
	if dotted, _, ok := strings.Cut(text, ".*"); ok && (!wild || len(dotted) < len(before)) {
		before, wild = dotted, true
	}
	if !wild || before == "" || strings.Contains(before, "..") {
		return nil, nil
	}
	p, err := compilePath(before)
	return &p, err
}

// listText is a list as JSON: all strings, numbers and booleans that the path finds, or that lie in an array that it finds. A body that has no such list has none;
// an empty list is one, and where the path finds nothing, an empty array at before says so.
func listText(root *yaml.Node, entries path, before *path) (string, bool) {
	list, there := []string{}, false
	for _, n := range entries.all(root) {
		if n.Kind == yaml.SequenceNode {
			there = true
			for _, item := range n.Content {
				if text, ok := scalarText(item); ok {
					list = append(list, text)
				}
			}
			continue
		}
		if text, ok := scalarText(n); ok {
			list, there = append(list, text), true
		}
	}
	if !there && before != nil {
		n := before.first(root)
		there = n != nil && n.Kind == yaml.SequenceNode && len(n.Content) == 0
	}
	if !there {
		return "", false
	}
	out, err := json.Marshal(list)
	if err != nil || len(out) > maxList {
		return "", true
	}
	return string(out), true
}
