package audit

import (
	"github.com/invopop/jsonschema"

	"blackout/reports/schema"
	"blackout/reports/verdict"
)

// JSONSchema is the JSON Schema of audit.json, indented. It allows fields that it does not know: they are added over time, never renamed.
func JSONSchema() ([]byte, error) {
	return schema.Of(&Audit{}, Schema, "Audit of an app by Blackout", "audit.json, schema "+Schema+". Shares are numbers from 0 to 1.", nil)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Audit) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "schema", func(p *jsonschema.Schema) { p.Const = Schema })
	schema.Set(s, "basis", schema.Enum(BasisControl, BasisBaselines))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Run) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "role", schema.Enum(RoleControl, RoleAlone, RoleExperiment))
	schema.Set(s, "verdict", schema.Enum(verdict.Pass, verdict.Fail, verdict.Inconclusive, verdict.NotApplicable))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Concentration) JSONSchemaExtend(s *jsonschema.Schema) {
	for _, name := range []string{"provider", "cloud", "region"} {
		schema.Set(s, name, func(p *jsonschema.Schema) {
			*p = jsonschema.Schema{OneOf: []*jsonschema.Schema{{Ref: p.Ref}, {Type: "null"}}}
		})
	}
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Taken) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "kind", schema.Enum(TakenService, TakenRegion, TakenScenario))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Outcome) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "fate", schema.Enum(fateWords()...))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Loss) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "fate", schema.Enum(fateWords()...))
}

func fateWords() []string {
	var words []string
	for _, f := range Fates() {
		words = append(words, string(f))
	}
	return words
}
