package journey

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/speakeasy-api/jsonpath/pkg/jsonpath"
	"gopkg.in/yaml.v3"
)

// maxDepth bounds the nesting of an answer; what is deeper counts as unreadable.
const maxDepth = 500

// path is a compiled JSONPath (RFC 9535). It is safe for concurrent use.
type path struct{ query *jsonpath.JSONPath }

// compilePath checks a path. The library is stricter than the RFC with names that are also words of its own; the error says how to write those.
func compilePath(text string) (p path, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("JSONPath %q cannot be read", text)
		}
	}()
	query, err := jsonpath.NewPath(text)
	if err != nil {
		return path{}, fmt.Errorf("JSONPath %q: %s (names with other characters than letters, digits and _, and names such as true, null and count, "+
			"stand in brackets: $['x-y'])", text, strings.Join(strings.Fields(err.Error()), " "))
	}
	return path{query}, nil
}

// first is the first match in document order, or nil.
func (p path) first(root *yaml.Node) *yaml.Node {
	if nodes := p.all(root); len(nodes) > 0 {
		return nodes[0]
	}
	return nil
}

// all lists the matches in document order.
func (p path) all(root *yaml.Node) (found []*yaml.Node) {
	// The library panics on some calls of functions in filters; what cannot be evaluated matches nothing.
	defer func() {
		if recover() != nil {
			found = nil
		}
	}()
	return p.query.Query(root)
}

// parseJSON reads one JSON text into the nodes that the library works on. It is not YAML's reader: numbers keep the text that the app wrote, "1.10" and
// "100000000000000000000" too, and strings are never taken for anything else. Of members with the same name the last one counts, as in JavaScript.
func parseJSON(text []byte) (*yaml.Node, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	root, err := parseValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON text")
	}
	return root, nil
}

func parseValue(d *json.Decoder, depth int) (*yaml.Node, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return parseObject(d, depth)
		}
		return parseArray(d, depth)
	case string:
		return scalar("!!str", v), nil
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return scalar("!!float", v.String()), nil
		}
		return scalar("!!int", v.String()), nil
	case bool:
		return scalar("!!bool", fmt.Sprint(v)), nil
	default:
		return scalar("!!null", "null"), nil
	}
}

func parseObject(d *json.Decoder, depth int) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	places := map[string]int{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := key.(string) // the decoder allows nothing else here
		value, err := parseValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		if i, ok := places[name]; ok {
			n.Content[i] = value
			continue
		}
		n.Content = append(n.Content, scalar("!!str", name), value)
		places[name] = len(n.Content) - 1
	}
	_, err := d.Token()
	return n, err
}

func parseArray(d *json.Decoder, depth int) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for d.More() {
		value, err := parseValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, value)
	}
	_, err := d.Token()
	return n, err
}

func scalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

// scalarText is the text of a string, number or boolean, as the app wrote it. Null, objects and arrays have none.
func scalarText(n *yaml.Node) (string, bool) {
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return "", false
	}
	return n.Value, true
}

// compact writes a node as JSON.
func compact(b *strings.Builder, n *yaml.Node) {
	switch {
	case n.Kind == yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteByte(',')
			}
			compact(b, n.Content[i])
			b.WriteByte(':')
			compact(b, n.Content[i+1])
		}
		b.WriteByte('}')
	case n.Kind == yaml.SequenceNode:
		b.WriteByte('[')
		for i, child := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			compact(b, child)
		}
		b.WriteByte(']')
	case n.Tag == "!!str":
		text, _ := json.Marshal(n.Value) // a string always has a JSON text
		b.Write(text)
	default:
		b.WriteString(n.Value)
	}
}
