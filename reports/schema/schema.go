// Package schema makes the JSON Schemas of what is published for others to read: out of the Go types, narrowed by what these alone cannot say.
package schema

import (
	"encoding/json"
	"fmt"

	"github.com/invopop/jsonschema"
)

// Of is the JSON Schema of a value's type, indented. It allows fields that it does not know: they are added over time, never renamed. id is the schema that documents name,
// for the error; adjust, unless it is nil, is told the reflector before.
func Of(value any, id, title, description string, adjust func(*jsonschema.Reflector)) ([]byte, error) {
	r := jsonschema.Reflector{AllowAdditionalProperties: true, Anonymous: true}
	if adjust != nil {
		adjust(&r)
	}
	s := r.Reflect(value)
	s.Title, s.Description = title, description
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the schema of %s: %w", id, err)
	}
	return append(out, '\n'), nil
}

// Set changes one property, if the type still has it.
func Set(s *jsonschema.Schema, name string, change func(*jsonschema.Schema)) {
	if p, ok := s.Properties.Get(name); ok {
		change(p)
	}
}

// Enum allows these words alone.
func Enum[W ~string](words ...W) func(*jsonschema.Schema) {
	return func(p *jsonschema.Schema) {
		for _, w := range words {
			p.Enum = append(p.Enum, string(w))
		}
	}
}

// OrNull lets a property be null: a pointer in Go.
func OrNull(p *jsonschema.Schema) {
	whole := *p
	*p = jsonschema.Schema{OneOf: []*jsonschema.Schema{&whole, {Type: "null"}}}
}

// Score is from 0 to 100, or null when there is none.
func Score(p *jsonschema.Schema) {
	p.Minimum, p.Maximum = "0", "100"
	OrNull(p)
}

// Share is from 0 to 1.
func Share(p *jsonschema.Schema) { p.Minimum, p.Maximum = "0", "1" }
