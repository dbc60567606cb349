package journey

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"blackout/harness/spec"
)

// A listing is read as a whole or not at all, and an empty one is told from a body without one.
func TestLists(t *testing.T) {
	long := `{"payments":[{"id":"` + strings.Repeat("x", maxList) + `"}]}`
	for _, c := range []struct {
		name, path, body, want string
		missing                []string
	}{
		{name: "objects", path: "$.payments[*].id", body: `{"payments":[{"id":"a"},{"id":7},{"id":"c,\"d"}]}`, want: `["a","7","c,\"d"]`},
		{name: "empty", path: "$.payments[*].id", body: `{"payments":[]}`, want: `[]`},
		{name: "empty, by another notation", path: "$.payments.*.id", body: `{"payments":[]}`, want: `[]`},
		{name: "an array of texts", path: "$.ids", body: `{"ids":["a","b"]}`, want: `["a","b"]`},
		{name: "an empty array of texts", path: "$.ids", body: `{"ids":[]}`, want: `[]`},
		{name: "the body itself", path: "$[*].id", body: `[{"id":"a"}]`, want: `["a"]`},
		{name: "the body itself, empty", path: "$[*].id", body: `[]`, want: `[]`},
		{name: "none", path: "$.payments[*].id", body: `{"status":"busy"}`, missing: []string{"payments"}},
		{name: "null", path: "$.payments[*].id", body: `{"payments":null}`, missing: []string{"payments"}},
		{name: "of other things", path: "$.payments[*].id", body: `{"payments":[{"hash":"a"}]}`, missing: []string{"payments"}},
		{name: "anywhere: an empty one cannot be told from none", path: "$..id", body: `{"payments":[]}`, missing: []string{"payments"}},
		{name: "no JSON", path: "$.payments[*].id", body: `<html>`, missing: []string{"payments"}},
		{name: "too long", path: "$.payments[*].id", body: long},
	} {
		t.Run(c.name, func(t *testing.T) {
			for field, kind := range map[string]string{"payments": spec.KindRead, "events": spec.KindEvents} {
				r, err := newReader(spec.Journey{Kind: kind, Answer: map[string]spec.AnswerField{field: {Path: c.path}}})
				if err != nil {
					t.Fatal(err)
				}
				fields, missing := r.read(200, []byte(c.body))
				var want []string
				if c.missing != nil {
					want = []string{field}
				}
				if diff := cmp.Diff(want, missing, cmpopts.EquateEmpty()); diff != "" || fields[field] != c.want {
					t.Errorf("%s: read %q, want %q; missing (-want +got):\n%s", field, fields[field], c.want, diff)
				}
			}
		})
	}
	// Elsewhere the name means nothing.
	r, err := newReader(spec.Journey{Kind: spec.KindWrite, Answer: map[string]spec.AnswerField{"events": {Path: "$.n"}}})
	if err != nil {
		t.Fatal(err)
	}
	if fields, _ := r.read(200, []byte(`{"n":3}`)); fields["events"] != "3" {
		t.Errorf("the events of a write are %q", fields["events"])
	}
}

// The word of a status page is read whatever its HTTP status: 503 with "down" is an honest answer. A 2xx without it misses it.
func TestStatusWords(t *testing.T) {
	r, err := newReader(spec.Journey{Kind: spec.KindStatus, Answer: map[string]spec.AnswerField{"status": {Path: "$.status"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range []int{200, 503} {
		if fields, missing := r.read(status, []byte(`{"status":"down"}`)); fields["status"] != "down" || missing != nil {
			t.Errorf("HTTP %d: %v, missing %v", status, fields, missing)
		}
	}
	if _, missing := r.read(200, []byte(`{}`)); !cmp.Equal(missing, []string{"status"}) {
		t.Errorf("missing %v", missing)
	}
}
