package spec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestExpand(t *testing.T) {
	lookup := func(name string) (string, bool) {
		v, ok := map[string]string{"a": "1", "b.c": "${a}", "empty": ""}[name]
		return v, ok
	}
	for _, c := range []struct{ text, want, err string }{
		{"", "", ""},
		{"plain", "plain", ""},
		{"$", "$", ""},
		{"$1 and $x", "$1 and $x", ""},
		{"$.items[0]", "$.items[0]", ""},
		{"x${a}y${a}", "x1y1", ""},
		{"${b.c}", "${a}", ""}, // a value is not looked at again
		{"[${empty}]", "[]", ""},
		{"$${a}", "${a}", ""},
		{"$$${a}", "$1", ""},
		{"$$$${a}", "$${a}", ""},
		{"${no:-default}", "default", ""},
		{"${a:-default}", "1", ""},
		{"${no} ${nor}", "", "unknown variable \"${no}\"\nunknown variable \"${nor}\""},
		{"${a", "", "no closing brace"},
		{"${}", "", "no variable"},
		{"${a b}", "", "no variable"},
		{"${${a}}", "", "no variable"},
	} {
		got, err := Expand(c.text, lookup)
		if got != c.want || (err == nil) != (c.err == "") || (err != nil && !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%q: %q, %v; want %q, %q", c.text, got, err, c.want, c.err)
		}
	}
	if diff := cmp.Diff([]string{"a.b", "c"}, Variables("${a.b} $${x} ${c} ${a.b} ${open")); diff != "" {
		t.Error(diff)
	}
}

// TestEscapesSurvive holds that a dollar sign from the environment is never taken for a variable, whether the string is expanded once or twice.
func TestEscapesSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[a-z${}.]{0,12}`).Draw(t, "value")
		a, err := ParseApp(File{Name: "app.yaml", Data: []byte(strings.Replace(smallApp, "PORT:", "X: \"<${env.X}>\", PORT:", 1))}, Options{
			Env: func(string) (string, bool) { return value, true },
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Expand(a.Start.Env["X"], func(string) (string, bool) { return "expanded", true })
		if err != nil || got != "<"+value+">" {
			t.Fatalf("%q became %q, %v", value, got, err)
		}
	})
}

func TestEnv(t *testing.T) {
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"SET": "five", "EMPTY": "", "SECONDS": "7"}[name]
		return v, ok
	}
	for _, c := range []struct{ text, want string }{
		{"${env.SET}", "five"}, {"${env.SET:-d}", "five"}, {"${env.NO:-d}", "d"}, {"${env.EMPTY}x", "x"}, {"${env.EMPTY:-d}", "d"}, {"$$${env.SET}", "$five"},
	} {
		s, err := ParseScenario(file("schema: blackout/scenario/1\nname: env\nabout: \"x "+c.text+"\"\nphases: [{name: p, for: \"${env.SECONDS}s\"}]\n"), Options{Env: env})
		if err != nil || s.About != "x "+c.want || s.Phases[0].For.Seconds() != 7 {
			t.Errorf("%q: %+v, %v", c.text, s, err)
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"infura", "alchemy", "quicknode", "connection-blackhole", "connection-cut", "connection-reset", "connection-slow", "names-slow", "ether", "a", "id"}
	for word, want := range map[string]string{
		"infra": `did you mean "infura"?`, "Infura": `did you mean "infura"?`, "alchmey": `did you mean "alchemy"?`, "zzz": "", "e": "", "b": "", "ix": "", "di": `did you mean "id"?`, "co": "",
		"blackhole": `did you mean "connection-blackhole"?`, "slow": `did you mean "connection-slow" or "names-slow"?`, "eth": `did you mean "ether"?`, "": "", strings.Repeat("infura", 50): "",
	} {
		if got := Suggest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
