package verdict

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"blackout/reports/schema/schematest"
)

var update = flag.Bool("update", false, "write testdata/*/verdict.json anew")

// stories lists the folders of testdata.
func stories(tb testing.TB) []string {
	tb.Helper()
	paths, err := filepath.Glob("testdata/*/story.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	if len(paths) < 30 {
		tb.Fatalf("%d stories, at least 30 belong here", len(paths))
	}
	return paths
}

func TestStories(t *testing.T) {
	schema := schematest.Compile(t, JSONSchema)
	for _, path := range stories(t) {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			s, err := readStory(path)
			if err != nil {
				t.Fatal(err)
			}
			j, err := Judge(expand(t, s))
			if err != nil {
				t.Fatal(err)
			}
			s.Want.check(t, j.Verdict)
			got, err := j.Verdict.Encode()
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join(dir, "verdict.json")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			kept, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(kept), string(got)); diff != "" {
				t.Errorf("verdict.json (-kept +got), write it anew with -update if the change is meant:\n%s", diff)
			}
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(kept))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(doc); err != nil {
				t.Errorf("verdict.json does not fit its schema: %v", err)
			}
		})
	}
}

// check holds a verdict against what the story's writer worked out.
func (w want) check(t *testing.T, v *Verdict) {
	t.Helper()
	equal := func(what string, want, got any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	equal("verdict", w.Verdict, v.Verdict)
	equal("exit code", w.Exit, ExitCode(v, true))
	unnamed := w.Exit
	if w.InSuite != nil {
		unnamed = *w.InSuite
	}
	equal("exit code in a suite", unnamed, ExitCode(v, false))
	equal("ended", or(w.Ended, "complete"), v.Ended)
	equal("score", w.Score, v.Score)
	equal("grade", w.Grade, v.Grade)
	equal("severity", w.Severity, v.Severity)
	equal("recovered_after_s", w.Recovered, v.RecoveredAfterS)
	equal("unmodelled hosts", append([]string{}, w.Hosts...), v.UnmodelledHosts)
	outside := []string{}
	for _, o := range v.Outside {
		outside = append(outside, o.What()+" ("+o.Often()+", first "+o.First()+")")
	}
	equal("outside", append([]string{}, w.Outside...), outside)
	texts := map[string]string{}
	ids := func(from []Finding) []string {
		list := []string{}
		for _, f := range from {
			list = append(list, f.ID)
			texts[f.ID] = f.Text
		}
		return list
	}
	equal("findings", append([]string{}, w.Findings...), ids(v.Findings))
	equal("warnings", append([]string{}, w.Warnings...), ids(v.Warnings))
	for id, part := range w.Texts {
		if !strings.Contains(texts[id], part) {
			t.Errorf("text of %s: %q does not contain %q", id, texts[id], part)
		}
	}
	if len(w.Reasons) != len(v.Reasons) {
		t.Errorf("%d reasons wanted, got %q", len(w.Reasons), v.Reasons)
	} else {
		for i, part := range w.Reasons {
			if !strings.Contains(v.Reasons[i], part) {
				t.Errorf("reason %d: %q does not contain %q", i, v.Reasons[i], part)
			}
		}
	}
	for _, f := range v.Faults {
		if as, ok := w.EndedAs[f.ID]; ok || len(w.EndedAs) > 0 {
			equal("end of "+f.ID, as, f.EndedAs)
		}
	}
	w.checkCells(t, v, equal)
}

func (w want) checkCells(t *testing.T, v *Verdict, equal func(what string, want, got any)) {
	t.Helper()
	seen := map[string]bool{}
	for _, c := range v.Cells {
		seen[c.Journey] = true
		if score, ok := w.Cells[c.Journey]; ok {
			equal("score of "+c.Journey, &score, c.Score)
		}
		if caps, ok := w.Caps[c.Journey]; ok {
			got := []string{}
			for _, k := range c.Sum.Caps {
				got = append(got, k.Rule)
			}
			equal("caps of "+c.Journey, caps, got)
		}
		for window, classes := range w.Counts[c.Journey] {
			all := map[string]int{}
			for class, n := range c.Attempts[window] {
				if n > 0 {
					all[string(class)] = n
				}
			}
			if n := c.Void[window]; n > 0 {
				all[string(Void)] = n
			}
			equal(c.Journey+" in "+window, classes, all)
		}
	}
	for journey := range w.Counts {
		if !seen[journey] {
			t.Errorf("no cell for %s", journey)
		}
	}
}
