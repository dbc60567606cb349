package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"blackout/harness/fault"
)

// Encode gives plan.json: indented, the same bytes for the same plan, with a newline at the end.
func (p *Plan) Encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(p); err != nil {
		return nil, fmt.Errorf("encode the plan: %w", err)
	}
	return b.Bytes(), nil
}

// Decode reads plan.json. Fields that this version does not know are ignored; another schema is an error.
func Decode(text []byte) (*Plan, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	var p Plan
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("decode the plan: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("decode the plan: something follows it")
	}
	if p.Schema != Schema {
		return nil, fmt.Errorf("decode the plan: its schema is %q, this version reads %q", p.Schema, Schema)
	}
	for i, c := range p.Causes {
		p.Causes[i].With = typed(c.Fault, c.With)
	}
	for i, e := range p.Effects {
		p.Effects[i].With = typed(e.Fault, e.With)
	}
	return &p, nil
}

// typed gives parameters the types back that JSON has no words for. A fault that the catalogue does not know, or no longer takes so, is left as it is: a report about
// an old run must still be possible.
func typed(name string, with map[string]any) map[string]any {
	if d, ok := fault.Lookup(name); ok {
		if decoded, problems := d.Decode(with); len(problems) == 0 && len(decoded) > 0 {
			return decoded
		}
	}
	return with
}
