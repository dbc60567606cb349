package verdict

import (
	"github.com/invopop/jsonschema"

	"blackout/reports/schema"
)

// JSONSchema is the JSON Schema of verdict.json, indented. It allows fields that it does not know: they are added over time, never renamed.
func JSONSchema() ([]byte, error) {
	return schema.Of(&Verdict{}, Schema, "Verdict of a Blackout run", "verdict.json, schema "+Schema+". Seconds are numbers and count from the start of the baseline.", nil)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Verdict) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "schema", func(p *jsonschema.Schema) { p.Const = Schema })
	schema.Set(s, "verdict", schema.Enum(Pass, Fail, Inconclusive, NotApplicable))
	schema.Set(s, "score", schema.Score)
	schema.Set(s, "grade", schema.Enum("A", "B", "C", "D", "F", "?"))
	schema.Set(s, "severity", schema.Enum(Safe, Misleading, Harming, Unknown))
	schema.Set(s, "ended", schema.Enum("complete", "interrupted", "aborted", Truncated))
	schema.Set(s, "recovered_after_s", schema.OrNull)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Control) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "verdict", schema.Enum(Pass, Fail, Inconclusive, NotApplicable))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Picture) JSONSchemaExtend(s *jsonschema.Schema) {
	words := []string{string(Void)}
	for _, c := range Classes() {
		words = append(words, string(c))
	}
	schema.Set(s, "class", schema.Enum(words...))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Window) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "name", schema.Enum(Baseline, Outage, Recovery, After))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Cell) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "score", schema.Score)
	schema.Set(s, "recovered_after_s", schema.OrNull)
	classes := make([]string, 0, len(Classes()))
	for _, c := range Classes() {
		classes = append(classes, string(c))
	}
	schema.Set(s, "attempts", func(p *jsonschema.Schema) {
		p.Required = windowNames()
		p.AdditionalProperties = &jsonschema.Schema{
			Type: "object", Required: classes, AdditionalProperties: &jsonschema.Schema{Type: "integer", Minimum: "0"},
		}
	})
	schema.Set(s, "void", func(p *jsonschema.Schema) { p.Required = windowNames() })
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Cap) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "rule", schema.Enum("not-recovered", "wrong", "harmful"))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Finding) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "class", schema.Enum(string(Wrong), string(Harmful), string(Unavailable), string(Warning)))
	schema.Set(s, "attempts", func(p *jsonschema.Schema) { most := uint64(mostAttempts); p.MaxItems = &most })
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Fault) JSONSchemaExtend(s *jsonschema.Schema) {
	for _, name := range []string{"injected_at_s", "confirmed_at_s", "cleared_at_s"} {
		schema.Set(s, name, schema.OrNull)
	}
	schema.Set(s, "ended_as", schema.Enum(Exercised, NotUsed, Spared, Missed, Failed, NotReached))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Outside) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "kind", schema.Enum(OutsideName, OutsideTCP, OutsideUDP))
	schema.Set(s, "windows", func(p *jsonschema.Schema) { p.Required = windowNames() })
}
