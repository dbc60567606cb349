package compose

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"
)

// lines finds the keys of a file, which compose-go forgets.
type lines struct {
	name string
	root *yaml.Node
}

func readLines(src Source) (lines, error) {
	data, err := os.ReadFile(src.Path)
	if err != nil {
		return lines{}, fmt.Errorf("start.compose: %w", err)
	}
	var document yaml.Node
	l := lines{name: src.Name}
	// What is wrong with it compose-go says better.
	if yaml.Unmarshal(data, &document) == nil && len(document.Content) == 1 {
		l.root = document.Content[0]
	}
	return l, nil
}

// of finds a key, or the nearest above it that the file has: others come from included or extended files. Nil: the file has none of them.
func (l lines) of(path []string) (found *yaml.Node) {
	node := l.root
	for _, key := range path {
		if node != nil && node.Kind == yaml.AliasNode {
			node = node.Alias
		}
		if node == nil || node.Kind != yaml.MappingNode {
			break
		}
		i := 0
		for i+1 < len(node.Content) && node.Content[i].Value != key {
			i += 2
		}
		if i+1 >= len(node.Content) {
			break
		}
		found, node = node.Content[i], node.Content[i+1]
	}
	return found
}

// problem is something that a cell cannot do, with where the file asks for it.
type problem struct {
	line int // 0 when it is elsewhere
	text string
}

func (l lines) problem(path []string, text string) problem {
	found := l.of(path)
	if found == nil {
		return problem{0, l.name + ": " + text}
	}
	return problem{found.Line, fmt.Sprintf("%s:%d:%d: %s", l.name, found.Line, found.Column, text)}
}

// all is an error that lists problems in the order of the file; nil without any.
func all(problems []problem) error {
	slices.SortStableFunc(problems, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	var errs []error
	for _, p := range problems {
		errs = append(errs, errors.New(p.text))
	}
	return errors.Join(errs...)
}
