package project

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// The bounds of what is read of the sources.
const (
	maxFiles      = 500
	maxEntries    = 20_000
	maxSourceFile = 256 << 10
	maxSource     = 8 << 20
)

// Source is what the source files show. Each thing is listed once, where it was seen first.
type Source struct {
	Files  int
	Cut    bool // there were more than the bounds allow
	Hosts  []Seen
	Env    []Seen // names of variables that are read
	Routes []Route
	Ports  []Seen   // that are compiled in
	Mounts []string // paths under which routers are mounted
	Ether  bool     // balances are made readable somewhere
	Mains  []string // folders of Go programs: ".", "cmd/server"
	Tops   []string // JavaScript files of the folder itself
}

// Seen is a text and where it stands.
type Seen struct {
	Text string
	File string
	Line int
}

// Route is something that the app answers. Path has {name} for what varies.
type Route struct {
	Method  string // "" for any
	Path    string
	File    string
	Line    int
	around  string // the lines from it to the next route
	mounted bool   // on a router and not on the app
}

var (
	skipped = []string{"node_modules", "dist", "build", "out", "vendor", "coverage", "target", "venv", "test", "tests", "__tests__", "__mocks__", "docs", "examples"}
	endings = []string{".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".go", ".py", ".rs", ".rb", ".java", ".kt", ".vue", ".svelte"}
	isTest  = regexp.MustCompile(`(_test\.go|\.(test|spec)\.[a-z]+|\.d\.ts|\.min\.js|\.config\.[a-z]+)$`)
)

var errEnough = errors.New("enough")

// scan reads the sources.
func scan(folder fs.FS) (s Source) {
	s.Files, s.Cut = walk(folder, maxFiles, func(name string, data []byte) { s.file(name, string(data)) })
	return s
}

// walk gives up to most source files to read, in the order of their names, and says how many there were and whether any was left out. A folder that cannot be read is
// passed over.
func walk(folder fs.FS, most int, read func(name string, data []byte)) (count int, cut bool) {
	entries, size := 0, int64(0)
	_ = fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error { // the function's own errors are: skip, and enough
		entries++
		switch {
		case err != nil && d != nil && d.IsDir():
			return fs.SkipDir
		case err != nil:
			return nil //nolint:nilerr // passed over
		case entries > maxEntries:
			cut = true
			return errEnough
		case d.IsDir():
			if base := path.Base(name); name != "." && (strings.HasPrefix(base, ".") || slices.Contains(skipped, base)) {
				return fs.SkipDir
			}
			return nil
		case !slices.Contains(endings, path.Ext(name)) || isTest.MatchString(name) || !d.Type().IsRegular():
			return nil
		}
		if count == most || size >= maxSource {
			cut = true
			return errEnough
		}
		data, err := readBounded(folder, name, maxSourceFile)
		if err != nil {
			cut = true
			return nil //nolint:nilerr // too large, or gone
		}
		count++
		size += int64(len(data))
		read(name, data)
		return nil
	})
	return count, cut
}

var (
	inURL   = regexp.MustCompile("(?i)\\b(?:https?|wss?)://(?:[^/@\\s\"'`]*@)?([a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+)\\b")
	envRead = regexp.MustCompile(`(?:process\.env|import\.meta\.env|Bun\.env)(?:\.|\[["'])([A-Z][A-Z0-9_]*)|(?:os\.(?:Getenv|LookupEnv|getenv|environ\.get)|env::var|System\.getenv|Deno\.env\.get|ENV\.fetch)\(\s*["']([A-Z][A-Z0-9_]*)["']|(?:os\.environ|ENV)\[["']([A-Z][A-Z0-9_]*)["']`)
	envTake = regexp.MustCompile(`\{([^{}]*)\}\s*=\s*process\.env\b`)
	envWord = regexp.MustCompile(`\b([A-Z][A-Z0-9_]*)\b`)
	port    = regexp.MustCompile(`(?i)(?:\.listen\(\s*|\bport\s*(?::=|=|:)\s*|(?:ListenAndServe(?:TLS)?|\.Run)\(\s*"[^"]*:)([1-9][0-9]{1,4})\b`)
	ether   = regexp.MustCompile(`formatEther|formatUnits|fromWei|from_wei|(?i:\b(?:to|in)?ether\()|1e18|params\.Ether`)
	goMain  = regexp.MustCompile(`(?m)^package main\b[\s\S]*^func main\(\)`)
	mount   = regexp.MustCompile("\\.use\\(\\s*[\"'`](/[A-Za-z0-9_/-]+)[\"'`]\\s*,([^\n]*)")
)

func (s *Source) file(name, text string) {
	at := func(offset int) int { return 1 + strings.Count(text[:offset], "\n") }
	for _, m := range inURL.FindAllStringSubmatchIndex(text, -1) {
		once(&s.Hosts, Seen{strings.ToLower(text[m[2]:m[3]]), name, at(m[0])})
	}
	for _, m := range envRead.FindAllStringSubmatchIndex(text, -1) {
		for i := 2; i < len(m); i += 2 {
			if m[i] >= 0 {
				once(&s.Env, Seen{text[m[i]:m[i+1]], name, at(m[0])})
			}
		}
	}
	for _, m := range envTake.FindAllStringSubmatchIndex(text, -1) {
		for _, word := range envWord.FindAllString(text[m[2]:m[3]], -1) {
			once(&s.Env, Seen{word, name, at(m[0])})
		}
	}
	for _, m := range port.FindAllStringSubmatchIndex(text, -1) {
		once(&s.Ports, Seen{text[m[2]:m[3]], name, at(m[0])})
	}
	for _, m := range mount.FindAllStringSubmatch(text, -1) {
		if !strings.Contains(m[2], "static") && !slices.Contains(s.Mounts, m[1]) {
			s.Mounts = append(s.Mounts, m[1])
		}
	}
	s.Ether = s.Ether || ether.MatchString(text)
	if slices.Contains([]string{".js", ".mjs", ".cjs"}, path.Ext(name)) && path.Dir(name) == "." {
		s.Tops = append(s.Tops, name)
	}
	if path.Ext(name) == ".go" && goMain.MatchString(text) && !slices.Contains(s.Mains, path.Dir(name)) {
		s.Mains = append(s.Mains, path.Dir(name))
	}
	s.Routes = append(s.Routes, routes(name, text, at)...)
}

// program is the JavaScript file that starts the app by its name, or by being the only one.
func (s Source) program() string {
	for _, stem := range []string{"server", "app", "index", "main"} {
		for _, name := range s.Tops {
			if strings.TrimSuffix(name, path.Ext(name)) == stem {
				return name
			}
		}
	}
	if len(s.Tops) == 1 {
		return s.Tops[0]
	}
	return ""
}

// once adds what is not listed yet.
func once(list *[]Seen, add Seen) {
	if !slices.ContainsFunc(*list, func(s Seen) bool { return s.Text == add.Text }) {
		*list = append(*list, add)
	}
}
