package spec

import (
	"strings"
	"testing"
)

// TestLimits holds that no file takes long or takes the process down, however it is nested; each of these once did one or the other to a parser of YAML.
func TestLimits(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"large":        {strings.Repeat("# \n", maxBytes), "1 MiB"},
		"brackets":     {"a: " + strings.Repeat("[", 100_000), "nested deeper than 64 levels"},
		"braces":       {"a: " + strings.Repeat("{a: ", 9_000), "nested deeper than 64 levels"},
		"dashes":       {strings.Repeat("- ", 100_000), "nested deeper than 64 levels"},
		"questions":    {strings.Repeat("? ", 100_000), "nested deeper than 64 levels"},
		"indentation":  {indented(1000), "nested deeper than 64 levels"},
		"anchors":      {strings.Repeat("&a ", 100_000), "nested deeper than 64 levels"},
		"keys":         {strings.Repeat("a: 1\n", 19_000), "19000 values"},
		"lines":        {strings.Repeat("- a\n", 100_000), "lines"},
		"not UTF-8":    {"schema: \xff\xfe", "not UTF-8"},
		"laughs":       {"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n", "anchors (&) are not allowed"},
		"byte order":   {"\ufeffschema: blackout/scenario/1\nname: \ufeffx\n", "U+FEFF"},
		"long line":    {"schema: " + strings.Repeat("x", 100_000), "unknown schema"},
		"return alone": {"schema: a\rname: b", "U+000D"},
	} {
		t.Run(name, func(t *testing.T) {
			err := parseKind(KindScenario, file(c.text), Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("want %q, got %.300v", c.want, err)
			}
			if n := len(err.Error()); n > 64<<10 {
				t.Errorf("the error has %d bytes", n)
			}
		})
	}
}

func indented(lines int) string {
	var b strings.Builder
	for i := range lines {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// TestLineEnds holds that the places of problems do not depend on how lines end, nor on letters outside ASCII before them.
func TestLineEnds(t *testing.T) {
	for _, text := range []string{"schema: blackout/scenario/1\r\nname: a\r\nphases: [{name: é, for: 1}]\r\n", "\ufeffschema: blackout/scenario/1\nname: a\nphases: [{name: é, for: 1}]"} {
		err := parseKind(KindScenario, file(text), Options{})
		want := "test.yaml:3:25: bad duration \"1\"\n  phases: [{name: é, for: 1}]\n                          ^\nhint: did you mean \"1s\"?"
		if err == nil || err.Error() != want {
			t.Errorf("%v", err)
		}
	}
}

func TestExcerpt(t *testing.T) {
	err := parseKind(KindScenario, file("schema: blackout/scenario/1\nname: a\nphases: [{name: "+strings.Repeat("x", 1000)+", for: 1}]\n"), Options{})
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if caret := strings.IndexByte(lines[2], '^'); len(lines[1]) > shownWidth+2 || lines[1][caret] != '1' {
		t.Errorf("the caret stands under %q:\n%s\n%s", lines[1][caret], lines[1], lines[2])
	}
}
