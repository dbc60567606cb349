package planted_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/history"
	"blackout/reports/verdict"
	"blackout/reports/verdict/planted"
)

// A judgement of twenty thousand attempts finds what was planted in them, no more and no less.
func TestPlantedIsFound(t *testing.T) {
	dir := t.TempDir()
	known, err := planted.Folder(dir, 20_000)
	if err != nil {
		t.Fatal(err)
	}
	h, err := history.ReadFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	j, err := verdict.Judge(h)
	if err != nil {
		t.Fatal(err)
	}
	v := j.Verdict
	sameAsGathered(t, dir, j)
	if len(j.Attempts) != known.Attempts || v.Verdict != verdict.Fail || v.Severity != verdict.Harming {
		t.Errorf("%d of %d attempts judged: %s, %s; %q", len(j.Attempts), known.Attempts, v.Verdict, v.Severity, v.Reasons)
	}
	classes := map[string]map[string]map[string]int{}
	for _, c := range v.Cells {
		classes[c.Journey] = map[string]map[string]int{}
		for window, counts := range c.Attempts {
			for class, n := range counts {
				if n == 0 {
					continue
				}
				if classes[c.Journey][window] == nil {
					classes[c.Journey][window] = map[string]int{}
				}
				classes[c.Journey][window][string(class)] = n
			}
		}
	}
	if diff := cmp.Diff(known.Classes, classes); diff != "" {
		t.Errorf("classes (-planted +found):\n%s", diff)
	}
	checks := map[string]int{}
	for _, f := range v.Findings {
		checks[f.Check] += f.Count
	}
	delete(checks, "backwards")
	if diff := cmp.Diff(known.Checks, checks); diff != "" {
		t.Errorf("checks (-planted +found):\n%s", diff)
	}
	for _, f := range v.Faults {
		if f.EndedAs != verdict.Exercised {
			t.Errorf("%s ended as %s", f.ID, f.EndedAs)
		}
	}
}

// sameAsGathered judges the folder again, without ever having all of its history in memory.
func sameAsGathered(t *testing.T, dir string, want *verdict.Judgement) {
	t.Helper()
	g := verdict.NewGatherer()
	h, err := history.ReadFolderTo(dir, g.Takers())
	if err != nil {
		t.Fatal(err)
	}
	got, err := g.Judge(h)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Verdict, got.Verdict); diff != "" {
		t.Errorf("verdict (-whole +gathered):\n%s", diff)
	}
	if got.Attempts != nil || !slices.Equal(want.Attempts, slices.Collect(got.All())) {
		t.Error("the attempts of the two judgements differ")
	}
}
