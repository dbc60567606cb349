package spec

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	yamlerrors "github.com/goccy/go-yaml"
)

// The limits of a file. Depth bounds what the parser recurses into: a stack that overflows cannot be recovered from. It also recurses from key to key of a map, in
// time that grows with the square of their number, so keys and lines are bounded too: 10,000 keys take a second. A large world has some hundred.
const (
	maxBytes = 1 << 20
	maxDepth = 64
	maxKeys  = 10_000
	maxLines = 20_000
)

// loader decodes one file and all that is laid over it, and collects what is wrong with any of them.
type loader struct {
	kind     string
	options  Options
	source   *Source
	files    []string // in the order in which they were read
	problems Problems
	baseless bool // the world that a file extends is not there: what the file lacks, that may have
}

func newLoader(kind, name string, o Options) *loader {
	return &loader{kind: kind, options: o, source: &Source{Name: name, lines: map[string][]string{}, at: map[string]Pos{}}}
}

func (l *loader) problem(p Pos, text, hint string) {
	l.problems = append(l.problems, l.source.problemAt(p, text, hint))
}

// tree parses one YAML document into nodes. It returns nil when the text cannot be understood; the problems say why.
func (l *loader) tree(f File) *node {
	l.files = append(l.files, f.Name)
	text, ok := l.text(f)
	if !ok {
		return nil
	}
	file, err := parse(text)
	if err != nil {
		l.syntax(f.Name, err)
		return nil
	}
	return l.document(f.Name, file)
}

// parse calls the library, whose panics on odd input become errors.
func parse(text string) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the YAML parser gave up: %v", r)
		}
	}()
	return parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
}

// text checks what must hold before a parser may see the bytes, and keeps the lines.
func (l *loader) text(f File) (string, bool) {
	whole := Pos{File: f.Name}
	if len(f.Data) > maxBytes {
		l.problem(whole, fmt.Sprintf("the file has %d bytes; at most %d (1 MiB) are read", len(f.Data), maxBytes), "")
		return "", false
	}
	text := strings.TrimPrefix(string(f.Data), "\ufeff")
	if !utf8.ValidString(text) {
		l.problem(whole, "the file is not UTF-8 text", "")
		return "", false
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	lines := strings.Split(text, "\n")
	l.source.lines[f.Name] = lines
	before := len(l.problems)
	for i, line := range lines {
		l.line(Pos{File: f.Name, Line: i + 1}, line)
	}
	if len(l.problems) > before {
		return "", false
	}
	if at := tooDeep(text); at > 0 {
		l.problem(Pos{File: f.Name, Line: at, Column: 1}, fmt.Sprintf("nested deeper than %d levels", maxDepth), "")
		return "", false
	}
	if len(lines) > maxLines {
		l.problem(whole, fmt.Sprintf("the file is too large: it has %d lines, and at most %d are read", len(lines), maxLines), "")
		return "", false
	}
	if n := strings.Count(text, ":") + strings.Count(text, ","); n > maxKeys {
		l.problem(whole, fmt.Sprintf("the file is too large: it has about %d values, and at most %d are read", n, maxKeys), "")
		return "", false
	}
	return text, true
}

func (l *loader) line(p Pos, line string) {
	for column, r := range []rune(line) {
		p.Column = column + 1
		if (r < ' ' && r != '\t') || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == '\ufeff' {
			l.problem(p, fmt.Sprintf("control character %U", r), "")
			return
		}
	}
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	if i := strings.IndexByte(indent, '\t'); i >= 0 {
		p.Column = i + 1
		l.problem(p, "a tab indents this line; YAML indents with spaces", "")
	}
}

// tooDeep gives the first line that opens more levels than maxDepth, or 0. It counts brackets everywhere, quoted ones too: no honest text comes near the limit.
func tooDeep(text string) int {
	depth := 0
	var indents []int
	for i, line := range strings.Split(text, "\n") {
		inner := strings.TrimLeft(line, " ")
		if inner == "" {
			continue
		}
		indent, marks := len(line)-len(inner), 0
		for strings.HasPrefix(inner, "- ") || strings.HasPrefix(inner, "? ") || strings.HasPrefix(inner, ": ") {
			inner = strings.TrimLeft(inner[2:], " ")
			marks++
		}
		for len(indents) > 0 && indents[len(indents)-1] >= indent {
			indents = indents[:len(indents)-1]
		}
		indents = append(indents, indent)
		properties := strings.Count(inner, "&") + strings.Count(inner, "!")
		for _, r := range inner {
			switch r {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(depth-1, 0)
			}
			if depth > maxDepth {
				return i + 1
			}
		}
		if len(indents)+marks > maxDepth || properties > 4*maxDepth {
			return i + 1
		}
	}
	return 0
}

// syntax reports an error of the parser. Most come from a value that had to be quoted, which the parser cannot know.
func (l *loader) syntax(file string, err error) {
	p := Pos{File: file}
	var text string
	var at yamlerrors.Error
	if errors.As(err, &at) {
		text = at.GetMessage() // its Error prints the source, slowly
		if tk := at.GetToken(); tk != nil && tk.Position != nil {
			p.Line, p.Column = tk.Position.Line, tk.Position.Column
		}
	} else {
		text = err.Error()
	}
	hint := ""
	if unquotedDollar.MatchString(l.source.line(p)) {
		hint = `quote a value that contains "${" or begins with [ { , $`
	}
	l.problem(p, "not valid YAML: "+text, hint)
}

// unquotedDollar finds a variable or a JSONPath in a line before any quote. It serves a hint only.
var unquotedDollar = regexp.MustCompile(`^[^"']*\$`)

func (l *loader) document(file string, f *ast.File) *node {
	if len(f.Docs) > 1 {
		p := Pos{File: file}
		if start := f.Docs[1].Start; start != nil && start.Position != nil {
			p.Line, p.Column = start.Position.Line, start.Position.Column
		}
		l.problem(p, "the file holds more than one document", "put each in a file of its own")
	}
	if len(f.Docs) == 0 || f.Docs[0].Body == nil {
		l.problem(Pos{File: file}, "the file is empty", l.schemaHint())
		return nil
	}
	return l.convert(file, f.Docs[0].Body, Pos{File: file, Line: 1, Column: 1})
}

// convert turns the library's nodes into ours. key is where the value's key stands, for values that have no place of their own.
func (l *loader) convert(file string, n ast.Node, key Pos) *node {
	p := place(file, n, key)
	switch v := n.(type) {
	case *ast.MappingNode:
		return l.convertMap(file, v.Values, p, v.IsFlowStyle)
	case *ast.MappingValueNode:
		return l.convertMap(file, []*ast.MappingValueNode{v}, p, false)
	case *ast.SequenceNode:
		out := &node{kind: listNode, pos: p}
		for _, item := range v.Values {
			out.items = append(out.items, l.convert(file, item, p))
		}
		return out
	case *ast.LiteralNode:
		text := ""
		if v.Value != nil {
			text = v.Value.Value
		}
		return &node{kind: stringNode, pos: p, text: text, quoted: true}
	case *ast.StringNode:
		if tk := v.GetToken(); tk != nil && (tk.Type == token.SingleQuoteType || tk.Type == token.DoubleQuoteType) {
			return &node{kind: stringNode, pos: p, text: v.Value, quoted: true}
		}
		return l.plain(v.Value, p, true)
	case *ast.NullNode:
		return &node{kind: nullNode, pos: p}
	case ast.ScalarNode:
		if _, refused := refusals[fmt.Sprintf("%T", n)]; !refused && v.GetToken() != nil {
			return l.plain(v.GetToken().Value, p, true)
		}
	}
	what, ok := refusals[fmt.Sprintf("%T", n)]
	if !ok {
		what = "this kind of YAML value is"
	}
	l.problem(p, what+" not allowed here", "write the value out")
	return &node{kind: nullNode, pos: p, bad: true}
}

// refusals are the features of YAML that a file may not use: they hide where a value comes from, and aliases can blow a small file up.
var refusals = map[string]string{
	"*ast.AnchorNode":     "anchors (&) are",
	"*ast.AliasNode":      "aliases (*) are",
	"*ast.TagNode":        "tags (!) are",
	"*ast.MergeKeyNode":   "merge keys (<<) are",
	"*ast.MappingKeyNode": "explicit keys (?) are",
	"*ast.DirectiveNode":  "directives (%) are",
}

func (l *loader) convertMap(file string, values []*ast.MappingValueNode, p Pos, flow bool) *node {
	out := &node{kind: mapNode, pos: p}
	first := map[string]Pos{}
	for i, v := range values {
		kp := place(file, v.Key, p)
		if i == 0 && !flow {
			out.pos = kp
		}
		key, ok := l.key(v.Key, kp)
		value := l.convert(file, v.Value, kp)
		value.key = kp
		if !ok {
			out.partial = true
			continue
		}
		if before, twice := first[key]; twice {
			l.problem(kp, fmt.Sprintf("duplicate key %q", key), fmt.Sprintf("it is already on line %d", before.Line))
			continue
		}
		first[key] = kp
		out.entries = append(out.entries, entry{key: key, pos: kp, value: value})
	}
	return out
}

func (l *loader) key(n ast.MapKeyNode, p Pos) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		if tk := v.GetToken(); tk != nil && (tk.Type == token.SingleQuoteType || tk.Type == token.DoubleQuoteType) {
			return v.Value, true
		}
		k := l.plain(v.Value, p, false)
		if strings.Contains(v.Value, "${") {
			l.problem(p, "variables are not expanded in keys", "")
		}
		return v.Value, k.kind != nullNode && !k.bad
	case *ast.MergeKeyNode, *ast.MappingKeyNode:
		l.problem(p, refusals[fmt.Sprintf("%T", n)]+" not allowed here", "write the keys out")
	default:
		text := ""
		if tk := n.GetToken(); tk != nil {
			text = tk.Value
		}
		l.problem(p, fmt.Sprintf("the key %s is not text", text), "put it in quotes")
	}
	return "", false
}

// place is where a node begins.
func place(file string, n ast.Node, fallback Pos) Pos {
	switch v := n.(type) {
	case nil:
		return fallback
	case *ast.NullNode:
		if tk := v.GetToken(); tk != nil && tk.Type == token.ImplicitNullType {
			return fallback
		}
	case *ast.MappingNode:
		if !v.IsFlowStyle && len(v.Values) > 0 {
			return place(file, v.Values[0].Key, fallback)
		}
	case *ast.MappingValueNode:
		return place(file, v.Key, fallback)
	}
	if tk := n.GetToken(); tk != nil && tk.Position != nil && tk.Position.Line > 0 {
		return Pos{File: file, Line: tk.Position.Line, Column: max(tk.Position.Column, 1)}
	}
	return fallback
}
