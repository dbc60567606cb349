//go:build verify

package main

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the module's path, and the first part of each of its packages'.
const module = "blackout"

// goPackage is what go list tells of a package.
type goPackage struct {
	Dir, ImportPath string
	GoFiles         []string
	Imports         []string // of its own files
	Deps            []string // and of all that these import
}

// ranks is the order in which the rooms of the harness may know one another: each knows those of lower ranks, and what lies in itself.
var ranks = map[string]int{
	"clock": 0, "ports": 0, "canned": 0,
	"fault": 1, "history": 1, "runtime": 1,
	"spec": 2, "content": 2,
	"plan": 3, "project": 3,
	"chain": 4, "internet": 4, "app": 4, "journey": 4,
	"truth": 5,
	"run":   6, "doctor": 6,
}

// TestVerifyRuntimeRules holds the direction in which packages may know one another, tests left out. The linter looks at direct imports only.
func TestVerifyRuntimeRules(t *testing.T) {
	packages := listPackages(t)
	for _, p := range packages {
		path, ours := strings.CutPrefix(p.ImportPath, module+"/")
		if !ours {
			continue
		}
		known := slices.DeleteFunc(slices.Clone(p.Deps), func(dep string) bool { return !strings.HasPrefix(dep, module+"/") })
		switch {
		case within(path, "harness"):
			forbid(t, path, known, "reports", "cmd", "scenarios")
			rank(t, path, p.Imports)
		case within(path, "reports"):
			forbid(t, path, known, "cmd", "harness/run", "harness/chain", "harness/internet", "harness/journey", "harness/app", "harness/truth", "harness/doctor")
		case within(path, "scenarios/apps"):
			forbid(t, path, known, "")
		}
		if slices.Contains([]string{"harness/spec", "harness/plan", "harness/history", "reports/verdict"}, path) {
			pure(t, path, p)
		}
	}
}

func listPackages(t *testing.T) (list []goPackage) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-json=Dir,ImportPath,GoFiles,Imports,Deps", "./...")
	command.Dir = "../.."
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		list = append(list, p)
	}
	if len(list) < 20 {
		t.Fatalf("go list names %d packages only: %v", len(list), list)
	}
	return list
}

// within reports whether a package lies in a folder, or is it.
func within(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

// forbid checks that a package knows nothing, directly or through others, of what lies in some folders; "" is every folder.
func forbid(t *testing.T, path string, known []string, folders ...string) {
	t.Helper()
	for _, dep := range known {
		for _, folder := range folders {
			if dep := strings.TrimPrefix(dep, module+"/"); folder == "" || within(dep, folder) {
				t.Errorf("%s knows %s", path, dep)
			}
		}
	}
}

// rank checks that a package of the harness imports only from rooms of lower ranks, or its own.
func rank(t *testing.T, path string, imports []string) {
	t.Helper()
	room := roomOf(path)
	own, ok := ranks[room]
	if !ok {
		t.Errorf("%s: the room %q has no rank; give it one", path, room)
	}
	for _, dep := range imports {
		if dep, ours := strings.CutPrefix(dep, module+"/harness/"); ours {
			if other := roomOf("harness/" + dep); other != room && ranks[other] >= own {
				t.Errorf("%s imports harness/%s, which does not come before it", path, dep)
			}
		}
	}
}

// roomOf is the folder of the harness that a package lies in.
func roomOf(path string) string {
	room, _, _ := strings.Cut(strings.TrimPrefix(path, "harness/"), "/")
	return room
}

// pure checks that a package takes everything from readers and writers that it is given: no network, no processes, no files. The folder of a run has one place.
func pure(t *testing.T, path string, p goPackage) {
	t.Helper()
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			dep, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if dep == "os" && path == "harness/history" && name == "folder.go" {
				continue
			}
			if slices.Contains([]string{"net", "net/http", "os", "os/exec", "os/signal", "syscall"}, dep) {
				t.Errorf("%s/%s imports %s", path, name, dep)
			}
		}
	}
}
