package spec

import (
	"path/filepath"
	"strings"
	"testing"
)

const library = "../../scenarios/"

// shipped lists the files of the library by kind, the sample apps included.
func shipped(t testing.TB) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for kind, pattern := range map[string]string{
		KindWorld: "worlds/*.yaml", KindScenario: "outages/*.yaml", KindSuite: "suites/*.yaml", KindGate: "gates/*.yaml", KindApp: "apps/*/app.yaml",
	} {
		names, err := filepath.Glob(library + pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("no files of kind %s: %v", kind, err)
		}
		out[kind] = names
	}
	return out
}

// fuzzKind feeds a parser with anything: it may refuse, it may not panic, and every problem has a text and a file.
func fuzzKind(f *testing.F, kind string) {
	for _, name := range shipped(f)[kind] {
		f.Add(readFile(f, name), "name=x")
	}
	broken, err := filepath.Glob("testdata/broken/" + kind + "-*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range broken {
		f.Add(readFile(f, name), "phases[0].faults[0].share.from=10%")
	}
	f.Add([]byte("schema: blackout/"+kind+"/1\n"+strings.Repeat("- ", 2000)), "a.b[0]={c: null}")
	f.Add([]byte(strings.Repeat("[", 3000)), "")
	f.Fuzz(func(t *testing.T, data []byte, set string) {
		file := File{Name: "fuzz.yaml", Data: data}
		o := Options{
			Set:      []string{set},
			Overlays: []File{{Name: "overlay.yaml", Data: data}},
			Base:     func(string) (File, error) { return File{Name: "base.yaml", Data: data}, nil },
			Env:      func(name string) (string, bool) { return "$" + name, name != "" },
		}
		err := parseKind(kind, file, o)
		if err == nil {
			return
		}
		problems, ok := err.(Problems)
		if !ok || len(problems) == 0 {
			t.Fatalf("%T %v", err, err)
		}
		for _, p := range problems {
			if p.Text == "" || p.Pos.File == "" {
				t.Fatalf("a problem without text or place: %+v", p)
			}
		}
		_ = err.Error()
	})
}

func FuzzWorld(f *testing.F)    { fuzzKind(f, KindWorld) }
func FuzzApp(f *testing.F)      { fuzzKind(f, KindApp) }
func FuzzScenario(f *testing.F) { fuzzKind(f, KindScenario) }
func FuzzSuite(f *testing.F)    { fuzzKind(f, KindSuite) }
func FuzzGate(f *testing.F)     { fuzzKind(f, KindGate) }

// FuzzExpand holds that Expand and Variables agree: expansion fails only for an unknown variable or a malformed text, and expands what Variables lists.
func FuzzExpand(f *testing.F) {
	for _, text := range []string{"", "$", "$$", "${", "${a}", "a${b.c}d$${e}", "${env.X:-d}", "${a b}", "$${a}$$$", "é${é}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		asked := map[string]bool{}
		out, err := Expand(text, func(name string) (string, bool) { asked[name] = true; return "", true })
		if err != nil {
			return
		}
		names := Variables(text)
		if len(names) != len(asked) {
			t.Fatalf("%q: Variables %q, asked for %v", text, names, asked)
		}
		for _, name := range names {
			if !asked[name] {
				t.Fatalf("%q: %q was not asked for", text, name)
			}
		}
		if !strings.Contains(text, "$") && out != text {
			t.Fatalf("%q became %q", text, out)
		}
	})
}
