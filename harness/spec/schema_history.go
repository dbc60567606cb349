package spec

import (
	"reflect"

	"github.com/invopop/jsonschema"

	"blackout/harness/history"
)

// records are the types of the lines of a history.
var records = []history.Record{
	history.Header{}, history.Plan{}, history.Timeline{}, history.Block{}, history.Head{}, history.Intent{}, history.Attempt{}, history.Stream{}, history.Said{}, history.Sent{},
	history.Call{}, history.Lookup{}, history.Stray{}, history.Fault{}, history.Connections{}, history.App{}, history.Pool{}, history.Note{}, history.Picture{}, history.Seal{},
}

// historySchema is the schema of one line: one of the records, told apart by "record". Fields may be added to records, so unknown ones are allowed.
func historySchema() *jsonschema.Schema {
	out := &jsonschema.Schema{Version: jsonschema.Version, Title: "Blackout history, one line"}
	for _, r := range records {
		reflector := jsonschema.Reflector{Anonymous: true, DoNotReference: true, AllowAdditionalProperties: true}
		s := reflector.ReflectFromType(reflect.TypeOf(r))
		s.Version, s.Title = "", r.Type()
		props := jsonschema.NewProperties()
		props.Set("record", &jsonschema.Schema{Const: r.Type()})
		for p := s.Properties.Oldest(); p != nil; p = p.Next() {
			props.Set(p.Key, p.Value)
		}
		s.Properties = props
		s.Required = append([]string{"record"}, s.Required...)
		out.OneOf = append(out.OneOf, s)
	}
	return out
}
