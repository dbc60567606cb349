package scorecard

import (
	"reflect"

	"github.com/invopop/jsonschema"

	"blackout/reports/schema"
	"blackout/reports/verdict"
)

// JSONSchema is the JSON Schema of scorecard.json, indented. It allows fields that it does not know: they are added over time, never renamed.
func JSONSchema() ([]byte, error) {
	return schema.Of([]Card{}, Schema, "Scorecards by Blackout", "scorecard.json, schema "+Schema+": an array of cards, one an app. Shares are numbers from 0 to 1.", func(r *jsonschema.Reflector) { r.Namer = defined })
}

// defined names a type among the definitions: a verdict has a Sum too.
func defined(t reflect.Type) string {
	if t.PkgPath() == reflect.TypeFor[verdict.Sum]().PkgPath() {
		return "Verdict" + t.Name()
	}
	return t.Name()
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Card) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "schema", func(p *jsonschema.Schema) { p.Const = Schema })
	schema.Set(s, "score", schema.Score)
	schema.Set(s, "grade", schema.Enum("A", "B", "C", "D", "F", "?"))
	schema.Set(s, "severity", schema.Enum(severities...))
	schema.Set(s, "coverage", schema.Share)
	schema.Set(s, "sum", schema.OrNull)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Scenario) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "score", schema.Score)
	schema.Set(s, "severity", schema.Enum(severities...))
	schema.Set(s, "coverage", schema.Share)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Seed) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "verdict", schema.Enum(verdict.Pass, verdict.Fail, verdict.Inconclusive, verdict.NotApplicable))
	schema.Set(s, "score", schema.Score)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (SeedCell) JSONSchemaExtend(s *jsonschema.Schema) { schema.Set(s, "score", schema.Score) }

// JSONSchemaExtend narrows what the types alone cannot say.
func (Journey) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "score", schema.Score)
	schema.Set(s, "worst", schema.Enum(verdict.Classes()...))
	schema.Set(s, "attempts", func(p *jsonschema.Schema) {
		p.PropertyNames = &jsonschema.Schema{}
		schema.Enum(verdict.Classes()...)(p.PropertyNames)
		p.AdditionalProperties = &jsonschema.Schema{Type: "integer", Minimum: "1"}
	})
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Fact) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "class", schema.Enum(verdict.Unavailable, verdict.Wrong, verdict.Harmful))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Scores) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "before", schema.Score)
	schema.Set(s, "after", schema.Score)
}
