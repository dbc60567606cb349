package scenarios_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/google/go-cmp/cmp"

	"blackout/harness/plan"
	"blackout/harness/spec"
	"blackout/scenarios"
)

var update = flag.Bool("update", false, "write the page's table of metrics anew")

func base(name string) (spec.File, error) {
	data, file, err := scenarios.Read(spec.KindWorld, name)
	return spec.File{Name: file, Data: data}, err
}

// parse runs the parser that a file's schema line asks for.
func parse(f spec.File) (any, error) {
	o := spec.Options{Base: base}
	kind := strings.Split(string(f.Data), "/")[1]
	switch kind {
	case spec.KindWorld:
		return spec.ParseWorld(f, o)
	case spec.KindApp:
		return spec.ParseApp(f, o)
	case spec.KindScenario:
		return spec.ParseScenario(f, o)
	case spec.KindSuite:
		return spec.ParseSuite(f, o)
	default:
		return spec.ParseGate(f, o)
	}
}

func TestNames(t *testing.T) {
	for kind, want := range map[string][]string{
		spec.KindWorld: {"default"},
		spec.KindScenario: {
			"addresses-replaced",
			"app-frozen",
			"app-killed",
			"arweave-gateway-unreachable",
			"aws-us-east-1-down",
			"certificate-expired",
			"cold-start",
			"connections-cut",
			"control",
			"dns-outage",
			"error-in-200",
			"every-provider-unreachable",
			"fallback-fails-next",
			"html-for-content",
			"infura-unreachable",
			"ipfs-gateway-unreachable",
			"logs-truncated",
			"provider-503",
			"provider-stands-still",
			"rate-limited",
			"reorg",
			"reply-lost",
			"transactions-swallowed",
			"txpool-full",
			"wrong-bytes",
			"wrong-chain",
		},
		spec.KindSuite: {"standard"},
		spec.KindGate:  {"no-harm", "release", "strict"},
		spec.KindApp:   nil,
		"":             nil,
	} {
		if diff := cmp.Diff(want, scenarios.Names(kind)); diff != "" {
			t.Errorf("%s: %s", kind, diff)
		}
	}
}

// TestLibrary holds that each file parses and is named as its file, that scenarios say what they are about, and that a suite names scenarios that are there.
func TestLibrary(t *testing.T) {
	for _, kind := range []string{spec.KindWorld, spec.KindScenario, spec.KindSuite, spec.KindGate} {
		for _, name := range scenarios.Names(kind) {
			data, file, err := scenarios.Read(kind, name)
			if err != nil {
				t.Fatal(err)
			}
			if inFS, err := fs.ReadFile(scenarios.FS(), strings.TrimPrefix(file, "scenarios/")); err != nil || string(inFS) != string(data) {
				t.Errorf("%s: FS and Read differ: %v", file, err)
			}
			v, err := parse(spec.File{Name: file, Data: data})
			if err != nil {
				t.Error(err)
				continue
			}
			var inside, about string
			switch v := v.(type) {
			case *spec.World:
				inside, about = v.Name, v.About
			case *spec.Scenario:
				inside, about = v.Name, v.About
			case *spec.Gate:
				inside, about = v.Name, v.About
			case *spec.Suite:
				inside, about = v.Name, v.About
				for _, entry := range v.Scenarios {
					if _, _, err := scenarios.Read(spec.KindScenario, entry.Name); err != nil {
						t.Error(err)
					}
				}
			}
			if inside != name || about == "" {
				t.Errorf("%s: its name is %q, it is about %q", file, inside, about)
			}
		}
	}
}

// TestAddresses holds that no address in the library has a slip of the keyboard: each is written with its checksum (ERC-55).
func TestAddresses(t *testing.T) {
	found := 0
	for name, data := range files(t) {
		for _, address := range regexp.MustCompile(`\b0x[0-9a-fA-F]{40}\b`).FindAllString(data, -1) {
			if found++; common.HexToAddress(address).Hex() != address {
				t.Errorf("%s: %s would be %s", name, address, common.HexToAddress(address))
			}
		}
	}
	if found < 10 {
		t.Errorf("%d addresses", found)
	}
}

func files(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := fs.WalkDir(scenarios.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(scenarios.FS(), name)
		all[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	all["README.md"] = string(page)
	return all
}

func TestReadUnknown(t *testing.T) {
	for _, c := range []struct{ kind, name, want string }{
		{spec.KindScenario, "aws-us-east-1-donw", `the library has no scenario "aws-us-east-1-donw": did you mean "aws-us-east-1-down"?`},
		{spec.KindScenario, "zzz", `the library has no scenario "zzz"`},
		{spec.KindGate, "zzz", `the library has no gate "zzz": known: no-harm, release, strict`},
		{spec.KindScenario, "../worlds/default", `the library has no scenario`},
		{"poem", "x", `the library has no files of kind "poem"`},
	} {
		if _, _, err := scenarios.Read(c.kind, c.name); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v", c.kind, c.name, err)
		}
	}
}

// TestReadme parses each YAML block of the reference page, checks its scenario against its world's likes in the library, and plans a control of its app, as lint does.
func TestReadme(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) < 6 {
		t.Fatalf("%d blocks", len(blocks))
	}
	file, err := base("default")
	if err != nil {
		t.Fatal(err)
	}
	world, err := spec.ParseWorld(file, spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	text, name, err := scenarios.Read(spec.KindScenario, "control")
	if err != nil {
		t.Fatal(err)
	}
	control, err := spec.ParseScenario(spec.File{Name: name, Data: text}, spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, b := range blocks {
		v, err := parse(spec.File{Name: "README.md", Data: b[1]})
		if err != nil {
			t.Errorf("%v\nin\n%s", err, b[1])
			continue
		}
		switch v := v.(type) {
		case *spec.World:
			kinds[spec.KindWorld] = true
		case *spec.App:
			kinds[spec.KindApp] = true
			if err := spec.Check(world, v, nil); err != nil {
				t.Error(err)
			}
			if _, err := plan.Build(plan.Input{World: world, App: v, Scenario: control, Seed: 1}); err != nil {
				t.Errorf("app %s: %v", v.Name, err)
			}
		case *spec.Scenario:
			kinds[spec.KindScenario] = true
			if err := spec.Check(world, nil, v); err != nil {
				t.Error(err)
			}
		case *spec.Suite:
			kinds[spec.KindSuite] = true
		case *spec.Gate:
			kinds[spec.KindGate] = true
		}
	}
	if len(kinds) != 5 {
		t.Errorf("blocks of these kinds only: %v", kinds)
	}
}

// The page's table of metrics is made from the code.
func TestReadmeListsTheMetrics(t *testing.T) {
	const page, from, to = "README.md", "-update -->\n", "<!-- end of metrics -->"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), from)
	_, after, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatal("the page has no place for the metrics")
	}
	var table strings.Builder
	table.WriteString("| metric | one value for each | unit | meaning |\n|---|---|---|---|\n")
	for _, m := range spec.Metrics() {
		unit := m.Unit
		if len(m.Words) > 0 {
			unit = strings.Join(m.Words, ", ")
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", m.Name, m.Each, unit, m.Meaning)
	}
	want := before + from + table.String() + to + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(text) != want {
		t.Error("the table of metrics is not what the code says: write it anew with -update")
	}
}
