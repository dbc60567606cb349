// Package project looks at the folder of an app: how it starts, what it is built on, which variables it reads and whom it calls. It proposes an app file from that.
// It only reads. Of .env files it takes names and never values: nothing that this package returns holds one.
package project

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// maxManifest bounds each file that is read whole.
const maxManifest = 1 << 20

// Project is what was found in a folder.
type Project struct {
	Name    string   // of package.json, of the module, or of the folder; fit for the name of an app file
	Package *Package // nil: there is no package.json
	Module  *Module  // nil: there is no go.mod
	Image   *Image   // nil: there is no Dockerfile
	Compose *Compose // nil: there is no compose file
	Env     []EnvFile
	Source  Source
	Notes   []string // what is there and could not be read
}

// Package is package.json.
type Package struct {
	Name         string
	Main         string
	Start, Build string // the scripts
	Installer    []string
	Dependencies []Dependency
	Installed    bool // each dependency lies in a node_modules
}

// Dependency is a library that the project names itself.
type Dependency struct {
	Name    string
	Version string // the installed one; without one the range that is asked for, and "" for a place from where it is fetched
	Exact   bool   // Version is installed, or required exactly
}

// Module is go.mod.
type Module struct {
	Path     string
	Requires []Dependency // direct ones
}

// Image is a Dockerfile's last stage.
type Image struct {
	File   string
	CMD    []string
	Expose []string
	Env    []string // names
}

// Compose is a compose file.
type Compose struct {
	File     string
	Services []ComposeService
}

// ComposeService is one service of a compose file.
type ComposeService struct {
	Name  string
	Ports []string
	Env   []string // names
}

// EnvFile is a file of variables.
type EnvFile struct {
	File  string
	Names []string
}

// Look reads a folder. name is the folder's own, for a project that has no other; parents are the folders above it, the nearest first, where a library may be installed.
func Look(name string, folder fs.FS, parents ...fs.FS) *Project {
	p := &Project{}
	p.Package = p.packageJSON(folder, parents)
	p.Module = p.goMod(folder)
	p.Image = p.dockerfile(folder)
	p.Compose = p.compose(folder)
	for _, file := range []string{".env", ".env.example", ".env.sample", ".env.local"} {
		if data, ok := p.read(folder, file); ok {
			p.Env = append(p.Env, EnvFile{file, envNames(string(data))})
		}
	}
	p.Source = scan(folder)
	switch {
	case p.Package != nil && p.Package.Name != "":
		name = path.Base(p.Package.Name)
	case p.Module != nil && p.Module.Path != "":
		name = path.Base(p.Module.Path)
	}
	p.Name = cmp.Or(strings.Trim(unfit.ReplaceAllString(name, "-"), "-"), "my-app")
	return p
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// read gives a file of bounded size. What is there and cannot be read is noted, without a word of what it holds.
func (p *Project) read(folder fs.FS, name string) ([]byte, bool) {
	data, err := readBounded(folder, name, maxManifest)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.note(name, err)
	}
	return data, err == nil
}

func (p *Project) note(name string, err error) {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	p.Notes = append(p.Notes, fmt.Sprintf("%s: %v", name, err))
}

func readBounded(folder fs.FS, name string, limit int64) ([]byte, error) {
	info, err := fs.Stat(folder, name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no ordinary file")
	case info.Size() > limit:
		return nil, fmt.Errorf("it is larger than %d KiB", limit>>10)
	}
	return fs.ReadFile(folder, name)
}

// plainRange is a range of versions, and no address, which may carry a key.
var plainRange = regexp.MustCompile(`^[A-Za-z0-9.^~<>=|*+ -]{1,60}$`)

type manifest struct {
	Name         string            `json:"name"`
	Version      string            `json:"version"`
	Main         string            `json:"main"`
	Scripts      map[string]string `json:"scripts"`
	Dependencies map[string]string `json:"dependencies"`
}

// installers are the package managers that a lock file stands for, and the command that installs what it says.
var installers = []struct {
	lock    string
	command []string
}{
	{"pnpm-lock.yaml", []string{"pnpm", "install", "--frozen-lockfile"}},
	{"yarn.lock", []string{"yarn", "install", "--frozen-lockfile"}},
	{"package-lock.json", []string{"npm", "ci"}},
}

func (p *Project) packageJSON(folder fs.FS, parents []fs.FS) *Package {
	data, ok := p.read(folder, "package.json")
	if !ok {
		return nil
	}
	var m manifest
	if json.Unmarshal(data, &m) != nil {
		p.Notes = append(p.Notes, "package.json: it is no JSON of the usual form")
		return nil
	}
	out := &Package{Name: m.Name, Main: m.Main, Start: m.Scripts["start"], Build: m.Scripts["build"], Installer: []string{"npm", "install"}, Installed: true}
	for _, i := range installers {
		if _, err := fs.Stat(folder, i.lock); err == nil {
			out.Installer = i.command
			break
		}
	}
	for name, asked := range m.Dependencies {
		d := Dependency{Name: name}
		if plainRange.MatchString(asked) {
			d.Version = asked
		}
		if installed := installedVersion(append([]fs.FS{folder}, parents...), name); installed != "" {
			d.Version, d.Exact = installed, true
		}
		out.Installed = out.Installed && d.Exact
		out.Dependencies = append(out.Dependencies, d)
	}
	sortByName(out.Dependencies)
	return out
}

// installedVersion looks where Node looks: in node_modules of the folder, then of each folder above it.
func installedVersion(folders []fs.FS, name string) string {
	file := path.Join("node_modules", name, "package.json")
	if !fs.ValidPath(file) || !strings.HasPrefix(file, "node_modules/") {
		return ""
	}
	for _, folder := range folders {
		data, err := readBounded(folder, file, maxManifest)
		if err != nil {
			continue
		}
		var m manifest
		if json.Unmarshal(data, &m) == nil {
			return m.Version
		}
	}
	return ""
}

func sortByName(list []Dependency) {
	slices.SortFunc(list, func(a, b Dependency) int { return strings.Compare(a.Name, b.Name) })
}

var (
	goModule  = regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)`)
	goRequire = regexp.MustCompile(`(?m)^(?:require)?\s+([^\s"()]+\.[^\s"()]+)\s+(v[0-9][^\s]*)[ \t]*(//.*)?$`)
)

func (p *Project) goMod(folder fs.FS) *Module {
	data, ok := p.read(folder, "go.mod")
	if !ok {
		return nil
	}
	out := &Module{}
	if m := goModule.FindSubmatch(data); m != nil {
		out.Path = string(m[1])
	}
	for _, m := range goRequire.FindAllStringSubmatch(string(data), -1) {
		if !strings.Contains(m[3], "indirect") {
			out.Requires = append(out.Requires, Dependency{m[1], m[2], true})
		}
	}
	sortByName(out.Requires)
	return out
}

// dockerfile reads what the last stage says. Of ENV it takes the names.
func (p *Project) dockerfile(folder fs.FS) *Image {
	data, ok := p.read(folder, "Dockerfile")
	if !ok {
		return nil
	}
	out := &Image{File: "Dockerfile"}
	for _, line := range strings.Split(continued.ReplaceAllString(string(data), " "), "\n") {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimSpace(rest)
		switch strings.ToUpper(word) {
		case "FROM":
			out = &Image{File: out.File}
		case "CMD":
			out.CMD = nil
			if json.Unmarshal([]byte(rest), &out.CMD) != nil {
				out.CMD = []string{"sh", "-c", rest}
			}
			if strings.Contains(rest, "=") {
				out.CMD = nil // it may carry a value of a variable
			}
		case "EXPOSE":
			for _, port := range strings.Fields(rest) {
				if plainPort.MatchString(port) {
					out.Expose = append(out.Expose, port)
				}
			}
		case "ENV":
			out.Env = append(out.Env, dockerEnv(rest)...)
		}
	}
	return out
}

var (
	continued = regexp.MustCompile(`\\[ \t]*\r?\n`)
	plainPort = regexp.MustCompile(`^[0-9.:/a-z-]{1,40}$`)
	dockerSet = regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_]*)=("(?:\\.|[^"\\])*"|'[^']*'|(?:\\.|[^\s\\])*)(?:\s+|$)`)
)

// dockerEnv gives the names of ENV A=1 B="2 3", and of the older ENV A the rest.
func dockerEnv(rest string) (names []string) {
	for rest != "" {
		m := dockerSet.FindStringSubmatchIndex(rest)
		if m == nil || m[0] != 0 {
			break
		}
		names, rest = append(names, rest[m[2]:m[3]]), rest[m[1]:]
	}
	if name, _, _ := strings.Cut(rest, " "); len(names) == 0 {
		names = []string{name}
	}
	return slices.DeleteFunc(names, func(name string) bool { return !envName.MatchString(name) })
}

func (p *Project) compose(folder fs.FS) *Compose {
	for _, file := range []string{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"} {
		data, ok := p.read(folder, file)
		if !ok {
			continue
		}
		services, ok := composeServices(data)
		if !ok {
			p.Notes = append(p.Notes, file+": it is no YAML of the usual form")
			return nil
		}
		return &Compose{file, services}
	}
	return nil
}

func composeServices(data []byte) (list []ComposeService, ok bool) {
	defer func() {
		if recover() != nil { // the parser panics on odd input
			list, ok = nil, false
		}
	}()
	var file struct {
		Services yaml.MapSlice `yaml:"services"`
	}
	if yaml.UnmarshalWithOptions(data, &file, yaml.UseOrderedMap()) != nil {
		return nil, false
	}
	for _, item := range file.Services {
		s := ComposeService{Name: fmt.Sprint(item.Key)}
		keys, _ := item.Value.(yaml.MapSlice)
		for _, key := range keys {
			switch key.Key {
			case "ports":
				entries, _ := key.Value.([]any)
				for _, entry := range entries {
					s.Ports = append(s.Ports, composePort(entry)...)
				}
			case "environment":
				s.Env = composeEnv(key.Value)
			}
		}
		list = append(list, s)
	}
	return list, true
}

func composePort(entry any) []string {
	if long, ok := entry.(yaml.MapSlice); ok {
		for _, item := range long {
			if item.Key == "target" {
				return composePort(item.Value)
			}
		}
		return nil
	}
	if port := fmt.Sprint(entry); plainPort.MatchString(port) {
		return []string{port}
	}
	return nil
}

func composeEnv(value any) (names []string) {
	add := func(name any) {
		if text := fmt.Sprint(name); envName.MatchString(text) {
			names = append(names, text)
		}
	}
	switch value := value.(type) {
	case yaml.MapSlice:
		for _, item := range value {
			add(item.Key)
		}
	case []any:
		for _, entry := range value {
			name, _, _ := strings.Cut(fmt.Sprint(entry), "=")
			add(name)
		}
	}
	return names
}

// envName is what counts as a name: what is written otherwise may be a part of a value of several lines.
var (
	envName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)
	envLine = regexp.MustCompile(`^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$`)
)

// envNames reads the names of a .env file and skips the values, those of several lines in quotes too.
func envNames(text string) (names []string) {
	quote := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if quote != "" {
			if strings.Contains(line, quote) {
				quote = ""
			}
			continue
		}
		m := envLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if envName.MatchString(m[1]) && !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
		for _, q := range []string{`"`, "'", "`"} {
			if rest, ok := strings.CutPrefix(m[2], q); ok && !strings.Contains(rest, q) {
				quote = q
			}
		}
	}
	return names
}
