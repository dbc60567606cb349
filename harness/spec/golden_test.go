package spec

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// parseKind runs the parser of a kind and drops its value.
func parseKind(kind string, f File, o Options) error {
	var err error
	switch kind {
	case KindWorld:
		_, err = ParseWorld(f, o)
	case KindApp:
		_, err = ParseApp(f, o)
	case KindScenario:
		_, err = ParseScenario(f, o)
	case KindSuite:
		_, err = ParseSuite(f, o)
	case KindGate:
		_, err = ParseGate(f, o)
	}
	return err
}

// TestBrokenFiles holds the whole text of each error: it is what a user reads. A file's name begins with its kind.
func TestBrokenFiles(t *testing.T) {
	names, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(names) < 25 {
		t.Fatalf("%d broken files, error %v", len(names), err)
	}
	for _, name := range names {
		base := strings.TrimSuffix(filepath.Base(name), ".yaml")
		t.Run(base, func(t *testing.T) {
			kind, _, _ := strings.Cut(base, "-")
			err := parseKind(kind, File{Name: filepath.Base(name), Data: readFile(t, name)}, Options{})
			if err == nil {
				t.Fatal("no error")
			}
			golden(t, "testdata/broken/"+base+".golden", err.Error()+"\n")
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(readFile(t, name)), got); diff != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", name, diff)
	}
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
