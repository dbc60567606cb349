package audit

import (
	"encoding/json"
	"fmt"

	"github.com/invopop/jsonschema"

	"blackout/reports/verdict"
)

// JSONSchema is the JSON Schema of audit.json, indented. It allows fields that it does not know: they are added over time, never renamed.
func JSONSchema() ([]byte, error) {
	r := jsonschema.Reflector{AllowAdditionalProperties: true, Anonymous: true}
	s := r.Reflect(&Audit{})
	s.Title = "Audit of an app by Blackout"
	s.Description = "audit.json, schema " + Schema + ". Shares are numbers from 0 to 1."
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the schema of %s: %w", Schema, err)
	}
	return append(out, '\n'), nil
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Audit) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "schema", func(p *jsonschema.Schema) { p.Const = Schema })
	set(s, "basis", enum(BasisControl, BasisBaselines))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Run) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "role", enum(RoleControl, RoleAlone, RoleExperiment))
	set(s, "verdict", enum(verdict.Pass, verdict.Fail, verdict.Inconclusive, verdict.NotApplicable))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Concentration) JSONSchemaExtend(s *jsonschema.Schema) {
	for _, name := range []string{"provider", "cloud", "region"} {
		set(s, name, func(p *jsonschema.Schema) {
			*p = jsonschema.Schema{OneOf: []*jsonschema.Schema{{Ref: p.Ref}, {Type: "null"}}}
		})
	}
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Taken) JSONSchemaExtend(s *jsonschema.Schema) {
	set(s, "kind", enum(TakenService, TakenRegion, TakenScenario))
}

// JSONSchemaExtend narrows what the types alone cannot say.
func (Outcome) JSONSchemaExtend(s *jsonschema.Schema) { set(s, "fate", enum(fateWords()...)) }

// JSONSchemaExtend narrows what the types alone cannot say.
func (Loss) JSONSchemaExtend(s *jsonschema.Schema) { set(s, "fate", enum(fateWords()...)) }

func fateWords() []string {
	var words []string
	for _, f := range Fates() {
		words = append(words, string(f))
	}
	return words
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
