package spec

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"

	"blackout/harness/fault"
)

// KindHistory is the format of history.jsonl: its schema is that of one line.
const KindHistory = "history"

var shapes = map[string]reflect.Type{
	KindWorld:    reflect.TypeFor[worldFile](),
	KindApp:      reflect.TypeFor[appFile](),
	KindScenario: reflect.TypeFor[scenarioFile](),
	KindSuite:    reflect.TypeFor[suiteFile](),
	KindGate:     reflect.TypeFor[gateFile](),
}

// Kinds lists the kinds of file that Schema knows.
func Kinds() []string {
	return []string{KindWorld, KindApp, KindScenario, KindSuite, KindGate, KindHistory}
}

// Schema is the JSON Schema (2020-12) of a kind of file, indented. It holds a file's shape; what files say about each other only the parsers and Check know. Each
// value may be a variable of load time where it is text.
func Schema(kind string) ([]byte, error) {
	if kind == KindHistory {
		return encodeSchema(historySchema())
	}
	shape, ok := shapes[kind]
	if !ok {
		return nil, unknownKind(kind, Kinds())
	}
	s := reflected(shape)
	if kind == KindWorld {
		extendable(s)
	}
	s.Version = jsonschema.Version
	s.Title = "Blackout " + kind
	if p, ok := s.Properties.Get("schema"); ok {
		p.Const = schemaName(kind)
	}
	return encodeSchema(s)
}

func unknownKind(kind string, known []string) error {
	err := fmt.Errorf("unknown kind of file %q", clip(kind))
	if hint := suggestOr(kind, known); hint != "" {
		return fmt.Errorf("%w: %s", err, hint)
	}
	return err
}

func encodeSchema(s *jsonschema.Schema) ([]byte, error) {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the schema %q: %w", s.Title, err)
	}
	return append(data, '\n'), nil
}

// reflected makes a schema without references, so that it can be put anywhere in another.
func reflected(t reflect.Type) *jsonschema.Schema {
	r := jsonschema.Reflector{Anonymous: true, RequiredFromJSONSchemaTags: true, DoNotReference: true, FieldNameTag: "yaml"}
	s := r.ReflectFromType(t)
	s.Version = ""
	return s
}

// extendable makes what a world needs depend on whether it extends another: an overlay names only what it changes, and null takes a key out.
func extendable(s *jsonschema.Schema) {
	whole, overlay := jsonschema.NewProperties(), jsonschema.NewProperties()
	for _, key := range []string{"clouds", "chains", "services"} {
		p, ok := s.Properties.Get(key)
		if !ok {
			continue
		}
		whole.Set(key, p)
		s.Properties.Set(key, &jsonschema.Schema{Type: "object", Description: p.Description})
	}
	loose := reflected(reflect.TypeFor[worldFile]())
	relax(loose)
	for _, key := range []string{"clouds", "chains", "services"} {
		if p, ok := loose.Properties.Get(key); ok {
			overlay.Set(key, p)
		}
	}
	s.If = &jsonschema.Schema{Required: []string{"extends"}}
	s.Then = &jsonschema.Schema{Properties: overlay}
	s.Else = &jsonschema.Schema{Properties: whole, Required: []string{"name"}}
	s.Required = slices.DeleteFunc(s.Required, func(key string) bool { return key == "name" })
}

// relax drops what is required and allows null everywhere but in lists, which an overlay replaces as a whole.
func relax(s *jsonschema.Schema) {
	s.Required = nil
	s.MinProperties = nil
	orNull := func(s *jsonschema.Schema) *jsonschema.Schema {
		relax(s)
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s, {Type: "null"}}, Description: s.Description}
	}
	if s.Properties != nil {
		for p := s.Properties.Oldest(); p != nil; p = p.Next() {
			p.Value = orNull(p.Value)
		}
	}
	if a := s.AdditionalProperties; a != nil && a != jsonschema.FalseSchema && a != jsonschema.TrueSchema {
		s.AdditionalProperties = orNull(a)
	}
}

// JSONSchemaExtend adds the catalogue: the names of faults, and each one's parameters.
func (faultUseFile) JSONSchemaExtend(s *jsonschema.Schema) { withCatalogue(s) }

// JSONSchemaExtend adds the catalogue: the names of faults, and each one's parameters.
func (effectFile) JSONSchemaExtend(s *jsonschema.Schema) { withCatalogue(s) }

// JSONSchemaExtend adds the known dialects.
func (serviceFile) JSONSchemaExtend(s *jsonschema.Schema) {
	enumerate(s, "dialect", slices.Compact(slices.Sorted(slices.Values(slices.Concat(Dialects, StorageDialects)))))
}

// JSONSchemaExtend adds the known metrics, each with its meaning.
func (ruleFile) JSONSchemaExtend(s *jsonschema.Schema) {
	p, ok := s.Properties.Get("metric")
	if !ok {
		return
	}
	for _, m := range Metrics() {
		p.OneOf = append(p.OneOf, &jsonschema.Schema{Const: m.Name, Description: m.Meaning})
	}
}

func enumerate(s *jsonschema.Schema, key string, words []string) {
	p, ok := s.Properties.Get(key)
	if !ok {
		return
	}
	for _, w := range words {
		p.Enum = append(p.Enum, w)
	}
}

func withCatalogue(s *jsonschema.Schema) {
	all := allFaults()
	if len(all) == 0 {
		return
	}
	if p, ok := s.Properties.Get("fault"); ok {
		p.Type = ""
		for _, d := range all {
			p.OneOf = append(p.OneOf, &jsonschema.Schema{Const: d.Name, Description: d.Summary})
		}
	}
	for _, d := range all {
		name, with := jsonschema.NewProperties(), jsonschema.NewProperties()
		name.Set("fault", &jsonschema.Schema{Const: d.Name})
		params := parameters(d)
		with.Set("with", params)
		then := &jsonschema.Schema{Properties: with}
		if len(params.Required) > 0 {
			then.Required = []string{"with"}
		}
		s.AllOf = append(s.AllOf, &jsonschema.Schema{If: &jsonschema.Schema{Properties: name, Required: []string{"fault"}}, Then: then})
	}
}

func parameters(d *fault.Definition) *jsonschema.Schema {
	props := jsonschema.NewProperties()
	s := &jsonschema.Schema{Type: "object", Properties: props, AdditionalProperties: jsonschema.FalseSchema}
	for _, p := range d.Params {
		props.Set(p.Name, parameter(p))
		if p.Required {
			s.Required = append(s.Required, p.Name)
		}
	}
	return s
}

func parameter(p fault.Param) *jsonschema.Schema {
	s := &jsonschema.Schema{}
	switch p.Type {
	case fault.TypeDuration:
		s = durationText("").JSONSchema()
	case fault.TypeRate:
		s = rateText("").JSONSchema()
	case fault.TypePart:
		count := &jsonschema.Schema{Type: "integer", Minimum: jsonNumber("0")}
		if p.Max != nil {
			count.Maximum = jsonNumber(number(*p.Max))
		}
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{shareText("").JSONSchema(), count}, Default: p.Default, Description: p.Doc}
	case fault.TypeChain:
		s = nameText("").JSONSchema()
	case fault.TypeAddress:
		s.Type, s.Format, s.Pattern = "string", "ipv4", `^127\.`
	case fault.TypeStrings:
		s.Type, s.Items = "array", &jsonschema.Schema{Type: "string", Enum: words(p.Enum)}
	default:
		s.Type = string(p.Type)
	}
	if p.Type == fault.TypeString {
		s.Enum = words(p.Enum)
	}
	if p.Min != nil {
		s.Minimum = jsonNumber(number(*p.Min))
	}
	if p.Max != nil {
		s.Maximum = jsonNumber(number(*p.Max))
	}
	s.Default, s.Description = p.Default, p.Doc
	return s
}

func words(list []string) []any {
	var out []any
	for _, w := range list {
		out = append(out, w)
	}
	return out
}

func jsonNumber(text string) json.Number { return json.Number(strings.TrimSpace(text)) }
