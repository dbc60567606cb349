package compare

import (
	"encoding/json"
	"fmt"

	"github.com/invopop/jsonschema"

	"blackout/reports/verdict"
)

// JSONSchema is the JSON Schema of a comparison, indented. It allows fields that it does not know: they are added over time, never renamed.
func JSONSchema() ([]byte, error) {
	r := jsonschema.Reflector{AllowAdditionalProperties: true, Anonymous: true}
	s := r.Reflect(&Comparison{})
	s.Title = "Comparison of runs by Blackout"
	s.Description = "What blackout compare --format json writes, schema " + Schema + ". Shares are numbers from 0 to 1."
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the schema of %s: %w", Schema, err)
	}
	return append(out, '\n'), nil
}

var (
	pairChanges = []string{Better, Worse, Mixed, Same, NotKnown}
	cellChanges = []string{Better, Worse, Same, NotKnown} // a journey is held by its score alone
	// ends are those of a fault; "" where the plan has none.
	ends = []string{"", verdict.Exercised, verdict.NotUsed, verdict.Spared, verdict.Missed, verdict.Failed, verdict.NotReached}
)

// JSONSchemaExtend narrows what the types alone cannot say.
func (Comparison) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "schema", func(p *jsonschema.Schema) { p.Const = Schema })
	set(s, "changes", func(p *jsonschema.Schema) {
		p.Required = pairChanges
		p.AdditionalProperties = &jsonschema.Schema{Type: "integer", Minimum: "0"}
	})
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Alone) JSONSchemaExtend(s *jsonschema.Schema) { set(s, "side", enum("a", "b")) }

// JSONSchemaExtend narrows what the types alone cannot say.
func (Pair) JSONSchemaExtend(s *jsonschema.Schema) { set(s, "change", enum(pairChanges...)) }

// JSONSchemaExtend narrows what the types alone cannot say.
func (Run) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "verdict", enum(verdict.Pass, verdict.Fail, verdict.Inconclusive, verdict.NotApplicable))
	set(s, "score", score)
	set(s, "grade", enum("A", "B", "C", "D", "F", "?"))
	set(s, "severity", enum(verdict.Safe, verdict.Misleading, verdict.Harming, verdict.Unknown))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Cell) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "change", enum(cellChanges...))
	set(s, "a", orNull)
	set(s, "b", orNull)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (CellSide) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "score", score)
	set(s, "shares", func(p *jsonschema.Schema) {
		p.PropertyNames = &jsonschema.Schema{}
		enum(verdict.Classes()...)(p.PropertyNames)
		p.AdditionalProperties = &jsonschema.Schema{Type: "number", Minimum: "0", Maximum: "1"}
	})
	set(s, "recovered_after_s", orNull)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Finding) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "class", enum(verdict.Warning, verdict.Unavailable, verdict.Wrong, verdict.Harmful))
	set(s, "state", enum(states...))
	set(s, "a", orNull)
	set(s, "b", orNull)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Fault) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "a", enum(ends...))
	set(s, "b", enum(ends...))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (ProviderSide) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "share", func(p *jsonschema.Schema) {
		p.Minimum, p.Maximum = "0", "1"
		orNull(p)
	})
}

// set changes one property, if the type still has it.
func set(s *jsonschema.Schema, name string, change func(*jsonschema.Schema)) {
	if p, ok := s.Properties.Get(name); ok {
		change(p)
	}
}

func enum[W ~string](words ...W) func(*jsonschema.Schema) {
	return func(p *jsonschema.Schema) {
		for _, w := range words {
			p.Enum = append(p.Enum, string(w))
		}
	}
}

// orNull lets a property be null: a pointer in Go.
func orNull(p *jsonschema.Schema) {
	whole := *p
	*p = jsonschema.Schema{OneOf: []*jsonschema.Schema{&whole, {Type: "null"}}}
}

// score is from 0 to 100, or null when there is none.
func score(p *jsonschema.Schema) {
	p.Minimum, p.Maximum = "0", "100"
	orNull(p)
}
