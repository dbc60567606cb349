package fault

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write README.md anew")

func TestReferenceIsCurrent(t *testing.T) {
	var page bytes.Buffer
	if err := WriteReference(&page); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("README.md", page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stands, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(stands), page.String()); diff != "" {
		t.Errorf("README.md is not what the catalogue says; run go test ./harness/fault -update\n%s", diff)
	}
}

func TestCatalogueIsDocumented(t *testing.T) {
	known := map[string]bool{KindRPC: true, KindHTTP: true, KindStorage: true, KindTCP: true, KindInternal: true, KindChain: true, KindApp: true}
	for _, d := range All() {
		if d.Summary == "" || d.Doc == "" || d.Source == "" || len(d.Kinds) == 0 || d.Layer.Depth() < 0 {
			t.Errorf("%s lacks summary, doc, source, kinds or layer", d.Name)
		}
		for _, kind := range d.Kinds {
			if !known[kind] {
				t.Errorf("%s acts on the unknown kind %q", d.Name, kind)
			}
		}
		if causeOnly := len(d.Kinds) == 1 && d.Kinds[0] == KindInternal; causeOnly != (d.New == nil) {
			t.Errorf("%s: New must be nil for a fault that is only ever a cause, and for no other", d.Name)
		}
		for _, p := range d.Params {
			if p.Doc == "" {
				t.Errorf("%s.%s is not documented", d.Name, p.Name)
			}
			if p.Required && p.Default != nil {
				t.Errorf("%s.%s is required and has a default", d.Name, p.Name)
			}
		}
	}
}
