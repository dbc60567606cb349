package scorecard

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/invopop/jsonschema"

	"blackout/reports/verdict"
)

// JSONSchema is the JSON Schema of scorecard.json, indented. It allows fields that it does not know: they are added over time, never renamed.
func JSONSchema() ([]byte, error) {
	r := jsonschema.Reflector{AllowAdditionalProperties: true, Anonymous: true, Namer: defined}
	s := r.Reflect([]Card{})
	s.Title = "Scorecards by Blackout"
	s.Description = "scorecard.json, schema " + Schema + ": an array of cards, one an app. Shares are numbers from 0 to 1."
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the schema of %s: %w", Schema, err)
	}
	return append(out, '\n'), nil
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
	set(s, "schema", func(p *jsonschema.Schema) { p.Const = Schema })
	set(s, "score", score)
	set(s, "grade", enum("A", "B", "C", "D", "F", "?"))
	set(s, "severity", enum(severities...))
	set(s, "coverage", share)
	set(s, "sum", orNull)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Scenario) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "score", score)
	set(s, "severity", enum(severities...))
	set(s, "coverage", share)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Seed) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "verdict", enum(verdict.Pass, verdict.Fail, verdict.Inconclusive, verdict.NotApplicable))
	set(s, "score", score)
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (SeedCell) JSONSchemaExtend(s *jsonschema.Schema) { set(s, "score", score) }

// JSONSchemaExtend narrows what the types alone cannot say.
func (Journey) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "score", score)
	set(s, "worst", enum(verdict.Classes()...))
	set(s, "attempts", func(p *jsonschema.Schema) {
		p.PropertyNames = &jsonschema.Schema{}
		enum(verdict.Classes()...)(p.PropertyNames)
		p.AdditionalProperties = &jsonschema.Schema{Type: "integer", Minimum: "1"}
	})
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Fact) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "class", enum(verdict.Unavailable, verdict.Wrong, verdict.Harmful))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Scores) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "before", score)
	set(s, "after", score)
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

func share(p *jsonschema.Schema) { p.Minimum, p.Maximum = "0", "1" }
