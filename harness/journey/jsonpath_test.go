package journey

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPaths(t *testing.T) {
	doc := `{"a":{"b c":[1,2,{"d":3}]},"true":4,"count":{"x":5},"l":[{"k":"p","v":6},{"k":"q","v":7.0}],"größe":8,"e":[]}`
	root, err := parseJSON([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"$.a['b c'][0]":          "1",
		"$.a['b c'][-1].d":       "3",
		"$['true']":              "4",
		"$['count'].x":           "5",
		"$.l[?@.k == 'q'].v":     "7.0",
		"$.l[?@.v == 7].k":       "q",
		"$.l[?@.v > 1].k":        "p",
		"$..v":                   "6",
		"$['größe']":             "8",
		"$.e[0]":                 "",
		"$.none":                 "",
		"$.l[?length(@.k)==1].k": "p",
	} {
		p, err := compilePath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if got, _ := scalarText(p.first(root)); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for _, bad := range []string{"", "a", "$.", "$[", "$.a b", "$.x ", "$[?", "$.a-b"} {
		if _, err := compilePath(bad); err == nil {
			t.Errorf("%q is taken for a JSONPath", bad)
		} else if strings.ContainsAny(err.Error(), "\n") {
			t.Errorf("%q: an error of several lines: %v", bad, err)
		}
	}
}

// FuzzAnswer holds the reader of answers against encoding/json: both take the same texts, up to the depth, and see the same value; no path panics.
func FuzzAnswer(f *testing.F) {
	f.Add(`{"a":[1.10,"x",null,true,{"b":1e400}]}`, "$.a[4].b")
	f.Add(`{"a":1,"a":2}`, "$..a")
	f.Add(`[`, "$[?length()]")
	f.Add(`"\ud800"`, "$")
	f.Fuzz(func(t *testing.T, text, expression string) {
		root, err := parseJSON([]byte(text))
		if valid := json.Valid([]byte(text)); err == nil && !valid {
			t.Fatalf("%q is taken for JSON", text)
		} else if err != nil && valid && !strings.Contains(err.Error(), "deeper") {
			t.Fatalf("%q is JSON: %v", text, err)
		}
		if err != nil {
			return
		}
		var b strings.Builder
		compact(&b, root)
		if got, want := decoded(t, b.String()), decoded(t, text); !cmp.Equal(got, want) {
			t.Fatalf("%q became %q", text, b.String())
		}
		if p, err := compilePath(expression); err == nil {
			scalarText(p.first(root))
			declinedText(p.first(root))
		}
	})
}

func decoded(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestClip(t *testing.T) {
	for _, tt := range []struct {
		text  string
		limit int
		want  string
	}{{"abc", 5, "abc"}, {"abcdef", 3, "abc"}, {"余额", 4, "余"}, {"余额", 6, "余额"}, {"a\xffb", 9, "a?b"}, {"", 0, ""}, {"\xff\xff\xff\xff", 2, "?"}} {
		if got := clip(tt.text, tt.limit); got != tt.want {
			t.Errorf("%q to %d: %q, want %q", tt.text, tt.limit, got, tt.want)
		}
	}
}
