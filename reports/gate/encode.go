package gate

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/invopop/jsonschema"
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
	r := jsonschema.Reflector{AllowAdditionalProperties: true, Anonymous: true}
	s := r.Reflect(&Result{})
	s.Title = "Result of a Blackout gate"
	s.Description = "gate.json, schema " + Schema + "."
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the schema of %s: %w", Schema, err)
	}
	return append(out, '\n'), nil
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Result) JSONSchemaExtend(s *jsonschema.Schema) {
	narrow(s, "schema", func(p *jsonschema.Schema) { p.Const = Schema })
	narrow(s, "result", enum(Pass, Fail, NotKnown))
	narrow(s, "baseline", orNull)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Rule) JSONSchemaExtend(s *jsonschema.Schema) {
	narrow(s, "result", enum(Pass, Fail, NotKnown, Waived, Known, Skipped))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Point) JSONSchemaExtend(s *jsonschema.Schema) {
	narrow(s, "result", enum(Pass, Fail, NotKnown, Waived, Known))
	narrow(s, "value", orNull)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Waiver) JSONSchemaExtend(s *jsonschema.Schema) {
	narrow(s, "state", enum(Used, Unused, Expired))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Run) JSONSchemaExtend(s *jsonschema.Schema) { narrow(s, "score", orNull) }

func narrow(s *jsonschema.Schema, name string, how func(*jsonschema.Schema)) {
	if p, ok := s.Properties.Get(name); ok {
		how(p)
	}
}

func enum(words ...string) func(*jsonschema.Schema) {
	return func(p *jsonschema.Schema) {
		for _, w := range words {
			p.Enum = append(p.Enum, w)
		}
	}
}

func orNull(p *jsonschema.Schema) {
	whole := *p
	*p = jsonschema.Schema{AnyOf: []*jsonschema.Schema{&whole, {Type: "null"}}}
}
