// Package schematest holds documents against the schemas that the program prints.
package schematest

import (
	"bytes"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Fits checks a document against a schema, and says why it does not fit.
func Fits(t *testing.T, made func() ([]byte, error), document []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	return Compile(t, made).Validate(doc)
}

// Compile makes a schema ready for several documents.
func Compile(t *testing.T, made func() ([]byte, error)) *jsonschema.Schema {
	t.Helper()
	text, err := made()
	if err != nil {
		t.Fatal(err)
	}
	of, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	const name = "document.json"
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, of); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
