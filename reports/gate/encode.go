package gate

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/invopop/jsonschema"

	"blackout/reports/schema"
)

// Encode gives gate.json, with a newline at the end.
func (r *Result) Encode() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the result of gate %s: %w", r.Gate, err)
	}
	return append(text, '\n'), nil
}

// Decode reads a gate.json.
func Decode(text []byte) (*Result, error) {
	var r Result
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("no gate.json: %w", err)
	}
	if r.Schema != Schema {
		return nil, fmt.Errorf("no gate.json: its schema is %q, not %q", r.Schema, Schema)
	}
	if r.Result == "" || r.Gate == "" {
		return nil, errors.New("no gate.json: it has no gate and no result")
	}
	return &r, nil
}

// JSONSchema is the JSON Schema of gate.json, indented. It allows fields that it does not know: they are added over time, never renamed.
func JSONSchema() ([]byte, error) {
	return schema.Of(&Result{}, Schema, "Result of a Blackout gate", "gate.json, schema "+Schema+".", nil)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Result) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "schema", func(p *jsonschema.Schema) { p.Const = Schema })
	schema.Set(s, "result", schema.Enum(Pass, Fail, NotKnown))
	schema.Set(s, "baseline", schema.OrNull)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Rule) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "result", schema.Enum(Pass, Fail, NotKnown, Waived, Known, Skipped))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Point) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "result", schema.Enum(Pass, Fail, NotKnown, Waived, Known))
	schema.Set(s, "value", schema.OrNull)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Waiver) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "state", schema.Enum(Used, Unused, Expired))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Run) JSONSchemaExtend(s *jsonschema.Schema) { schema.Set(s, "score", schema.OrNull) }
