// Package scenarios is the library that ships with the program: worlds, outages, suites and gates, by name. The sample apps under apps/ are code of their own and
// are not embedded.
package scenarios

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"blackout/harness/spec"
)

//go:embed worlds/*.yaml worlds/default outages/*.yaml suites/*.yaml gates/*.yaml
var files embed.FS

// folders says where each kind of file lies.
var folders = map[string]string{
	spec.KindWorld:    "worlds",
	spec.KindScenario: "outages",
	spec.KindSuite:    "suites",
	spec.KindGate:     "gates",
}

// Prefix begins the names that problems show of files of the library.
const Prefix = "scenarios/"

// FS is the library as a file system: worlds/default.yaml, outages/control.yaml and so on, and the folders of files that worlds name.
func FS() fs.FS { return files }

// Names lists the files of a kind of the library, sorted; none for a kind that the library does not hold.
func Names(kind string) []string {
	entries, err := files.ReadDir(folders[kind])
	if err != nil || folders[kind] == "" {
		return nil
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".yaml"); ok {
			names = append(names, name)
		}
	}
	return names
}

// Read gives a file of the library by kind and name. file is the name that problems show. The error of an unknown name says which was meant.
func Read(kind, name string) (data []byte, file string, err error) {
	folder, ok := folders[kind]
	if !ok {
		return nil, "", fmt.Errorf("the library has no files of kind %q", kind)
	}
	for _, known := range Names(kind) {
		if known != name {
			continue
		}
		file = path.Join(folder, name+".yaml")
		data, err = files.ReadFile(file)
		if err != nil {
			return nil, "", fmt.Errorf("read the library's %s %q: %w", kind, name, err)
		}
		return data, path.Join("scenarios", file), nil
	}
	hint := spec.Suggest(name, Names(kind))
	if names := Names(kind); hint == "" && len(names) <= maxNamed {
		hint = "known: " + strings.Join(names, ", ")
	}
	return nil, "", &Unknown{kind, name, hint}
}

// maxNamed is how many names an error lists: more are a wall.
const maxNamed = 12

// Unknown is the error of a name that the library does not have.
type Unknown struct {
	Kind, Name string
	Hint       string // which was meant, or which there are; "" when no name is near and there are too many to list
}

func (u *Unknown) Error() string {
	text := fmt.Sprintf("the library has no %s %q", u.Kind, u.Name)
	if u.Hint != "" {
		text += ": " + u.Hint
	}
	return text
}
