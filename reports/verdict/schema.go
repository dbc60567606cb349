package verdict

import (
	"encoding/json"
	"fmt"

	"github.com/invopop/jsonschema"
)

// JSONSchema is the JSON Schema of verdict.json, indented. It allows fields that it does not know: they are added over time, never renamed.
func JSONSchema() ([]byte, error) {
	r := jsonschema.Reflector{AllowAdditionalProperties: true, Anonymous: true}
	s := r.Reflect(&Verdict{})
	s.Title = "Verdict of a Blackout run"
	s.Description = "verdict.json, schema " + Schema + ". Seconds are numbers and count from the start of the baseline."
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the schema of %s: %w", Schema, err)
	}
	return append(out, '\n'), nil
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Verdict) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "schema", func(p *jsonschema.Schema) { p.Const = Schema })
	set(s, "verdict", enum(Pass, Fail, Inconclusive, NotApplicable))
	set(s, "score", percent)
	set(s, "grade", enum("A", "B", "C", "D", "F", "?"))
	set(s, "severity", enum(Safe, Misleading, Harming, Unknown))
	set(s, "ended", enum("complete", "interrupted", "aborted", Truncated))
	set(s, "recovered_after_s", orNull)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Control) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "verdict", enum(Pass, Fail, Inconclusive, NotApplicable))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Picture) JSONSchemaExtend(s *jsonschema.Schema) {
	words := []string{string(Void)}
	for _, c := range Classes() {
		words = append(words, string(c))
	}
	set(s, "class", enum(words...))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Window) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "name", enum(Baseline, Outage, Recovery, After))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Cell) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "score", percent)
	set(s, "recovered_after_s", orNull)
	classes := make([]string, 0, len(Classes()))
	for _, c := range Classes() {
		classes = append(classes, string(c))
	}
	set(s, "attempts", func(p *jsonschema.Schema) {
		p.Required = windowNames()
		p.AdditionalProperties = &jsonschema.Schema{
			Type: "object", Required: classes, AdditionalProperties: &jsonschema.Schema{Type: "integer", Minimum: "0"},
		}
	})
	set(s, "void", func(p *jsonschema.Schema) { p.Required = windowNames() })
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Cap) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "rule", enum("not-recovered", "wrong", "harmful"))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Finding) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "class", enum(string(Wrong), string(Harmful), string(Unavailable), string(Warning)))
	set(s, "attempts", func(p *jsonschema.Schema) { most := uint64(mostAttempts); p.MaxItems = &most })
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Fault) JSONSchemaExtend(s *jsonschema.Schema) {
	for _, name := range []string{"injected_at_s", "confirmed_at_s", "cleared_at_s"} {
		set(s, name, orNull)
	}
	set(s, "ended_as", enum(Exercised, NotUsed, Spared, Missed, Failed, NotReached))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Outside) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "kind", enum(OutsideName, OutsideTCP, OutsideUDP))
	set(s, "windows", func(p *jsonschema.Schema) { p.Required = windowNames() })
}

// set changes one property, if the type still has it.
func set(s *jsonschema.Schema, name string, change func(*jsonschema.Schema)) {
	if p, ok := s.Properties.Get(name); ok {
		change(p)
	}
}

func enum(values ...string) func(*jsonschema.Schema) {
	return func(p *jsonschema.Schema) {
		for _, v := range values {
			p.Enum = append(p.Enum, v)
		}
	}
}

// orNull lets a property be null: a pointer in Go.
func orNull(p *jsonschema.Schema) {
	value := &jsonschema.Schema{Type: p.Type, Minimum: p.Minimum, Maximum: p.Maximum}
	*p = jsonschema.Schema{OneOf: []*jsonschema.Schema{value, {Type: "null"}}}
}

// percent is a score, or null when there is none.
func percent(p *jsonschema.Schema) {
	p.Minimum, p.Maximum = "0", "100"
	orNull(p)
}
