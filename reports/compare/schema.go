package compare

import (
	"github.com/invopop/jsonschema"

	"blackout/reports/schema"
	"blackout/reports/verdict"
)

// JSONSchema is the JSON Schema of a comparison, indented. It allows fields that it does not know: they are added over time, never renamed.
func JSONSchema() ([]byte, error) {
	return schema.Of(&Comparison{}, Schema, "Comparison of runs by Blackout", "What blackout compare --format json writes, schema "+Schema+". Shares are numbers from 0 to 1.", nil)
}

var (
	pairChanges = []string{Better, Worse, Mixed, Same, NotKnown}
	cellChanges = []string{Better, Worse, Same, NotKnown} // a journey is held by its score alone
	// ends are those of a fault; "" where the plan has none.
	ends = []string{"", verdict.Exercised, verdict.NotUsed, verdict.Spared, verdict.Missed, verdict.Failed, verdict.NotReached}
)

// JSONSchemaExtend narrows what the types alone cannot say.
func (Comparison) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "schema", func(p *jsonschema.Schema) { p.Const = Schema })
	schema.Set(s, "changes", func(p *jsonschema.Schema) {
		p.Required = pairChanges
		p.AdditionalProperties = &jsonschema.Schema{Type: "integer", Minimum: "0"}
	})
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Alone) JSONSchemaExtend(s *jsonschema.Schema) { schema.Set(s, "side", schema.Enum("a", "b")) }

// JSONSchemaExtend narrows what the types alone cannot say.
func (Pair) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "change", schema.Enum(pairChanges...))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Run) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "verdict", schema.Enum(verdict.Pass, verdict.Fail, verdict.Inconclusive, verdict.NotApplicable))
	schema.Set(s, "score", schema.Score)
	schema.Set(s, "grade", schema.Enum("A", "B", "C", "D", "F", "?"))
	schema.Set(s, "severity", schema.Enum(verdict.Safe, verdict.Misleading, verdict.Harming, verdict.Unknown))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Cell) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "change", schema.Enum(cellChanges...))
	schema.Set(s, "a", schema.OrNull)
	schema.Set(s, "b", schema.OrNull)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (CellSide) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "score", schema.Score)
	schema.Set(s, "shares", func(p *jsonschema.Schema) {
		p.PropertyNames = &jsonschema.Schema{}
		schema.Enum(verdict.Classes()...)(p.PropertyNames)
		p.AdditionalProperties = &jsonschema.Schema{Type: "number", Minimum: "0", Maximum: "1"}
	})
	schema.Set(s, "recovered_after_s", schema.OrNull)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Finding) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "class", schema.Enum(verdict.Warning, verdict.Unavailable, verdict.Wrong, verdict.Harmful))
	schema.Set(s, "state", schema.Enum(states...))
	schema.Set(s, "a", schema.OrNull)
	schema.Set(s, "b", schema.OrNull)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Fault) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "a", schema.Enum(ends...))
	schema.Set(s, "b", schema.Enum(ends...))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (ProviderSide) JSONSchemaExtend(s *jsonschema.Schema) {
	schema.Set(s, "share", func(p *jsonschema.Schema) {
		p.Minimum, p.Maximum = "0", "1"
		schema.OrNull(p)
	})
}
