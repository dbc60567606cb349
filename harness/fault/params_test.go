package fault

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDecode(t *testing.T) {
	d := &Definition{Name: "sample", Params: []Param{
		{Name: "status", Type: TypeInt, Required: true, Min: bound(400), Max: bound(599), Doc: "The status."},
		{Name: "ratio", Type: TypeNumber, Min: bound(0)},
		{Name: "mode", Type: TypeString, Enum: []string{"hard", "soft"}, Default: "soft"},
		{Name: "loud", Type: TypeBool},
		{Name: "latency", Type: TypeDuration, Max: bound(60)},
		{Name: "rate", Type: TypeRate, Max: bound(100)},
		{Name: "methods", Type: TypeStrings, Enum: []string{"a", "b"}},
		{Name: "keep", Type: TypePart, Max: bound(9)},
		{Name: "chain", Type: TypeChain},
		{Name: "to", Type: TypeAddress},
	}}
	tests := []struct {
		name     string
		raw      map[string]any
		want     With
		problems []ParamProblem
	}{
		{"all", map[string]any{"status": uint64(503), "ratio": 2, "mode": "hard", "loud": true, "latency": "40ms", "rate": "5/s", "methods": []any{"a"},
			"keep": "12.5%", "chain": "base", "to": "127.0.0.9"},
			With{"status": int64(503), "ratio": 2.0, "mode": "hard", "loud": true, "latency": "40ms", "rate": "5/s", "methods": []string{"a"}, "keep": "12.5%", "chain": "base", "to": "127.0.0.9"}, nil},
		{"a part as a count", map[string]any{"status": 400, "keep": 3.0}, With{"status": int64(400), "mode": "soft", "keep": int64(3)}, nil},
		{"defaults", map[string]any{"status": int64(400)}, With{"status": int64(400), "mode": "soft"}, nil},
		{"from JSON", map[string]any{"status": 599.0}, With{"status": int64(599), "mode": "soft"}, nil},
		{"missing and unknown", map[string]any{"statsu": 503, "zzzzzzzz": 1}, With{"mode": "soft"}, []ParamProblem{
			{Param: "statsu", Text: `sample has no parameter "statsu"`, Hint: `did you mean "status"?`},
			{Param: "zzzzzzzz", Text: `sample has no parameter "zzzzzzzz"`, Hint: "it takes status, ratio, mode, loud, latency, rate, methods, keep, chain, to"},
			{Param: "status", Missing: true, Text: `sample needs the parameter "status"`, Hint: "The status."},
		}},
		{"types", map[string]any{"status": "503", "ratio": math.NaN(), "mode": 3, "loud": "yes", "latency": 2, "rate": "5", "methods": "a", "keep": "half", "chain": 1, "to": "localhost"}, With{}, []ParamProblem{
			{Param: "status", Text: `status must be a whole number, not "503"`},
			{Param: "ratio", Text: "ratio must be a number, not NaN"},
			{Param: "mode", Text: "mode must be text, not 3"},
			{Param: "loud", Text: `loud must be true or false, not "yes"`},
			{Param: "latency", Text: `latency must be a duration such as "40ms" or "2s", not 2`},
			{Param: "rate", Text: `rate must be a rate such as "5/s", not "5"`},
			{Param: "methods", Text: `methods must be a list of texts such as ["a", "b"], not "a"`},
			{Param: "keep", Text: `keep must be a share below 100% such as "50%", or a whole number, not "half"`},
			{Param: "chain", Text: "chain must be text, not 1"},
			{Param: "to", Text: `to must be an IPv4 address such as "127.0.0.9", not "localhost"`},
		}},
		{"bounds", map[string]any{"status": 600, "ratio": -0.5, "mode": "loud", "latency": "2m", "rate": "101/s", "methods": []any{"c"}, "keep": 10, "to": "8.8.8.8"}, With{}, []ParamProblem{
			{Param: "status", Text: "status must be from 400 to 599, not 600"},
			{Param: "ratio", Text: "ratio must be at least 0, not -0.5"},
			{Param: "mode", Text: `mode must be one of hard, soft, not "loud"`},
			{Param: "latency", Text: "latency must be at most 1m0s, not 2m0s"},
			{Param: "rate", Text: "rate must be at most 100/s, not 101/s"},
			{Param: "methods", Text: `methods must be one of a, b, not "c"`},
			{Param: "keep", Text: "keep must be at most 9, not 10"},
			{Param: "to", Text: `to must be an address of this machine (127.0.0.0/8), not "8.8.8.8": nothing may leave it`},
		}},
		{"null and odd values", map[string]any{"status": nil, "ratio": math.Inf(1), "latency": "-1s", "methods": []any{1}, "keep": "100%"}, With{"mode": "soft"}, []ParamProblem{
			{Param: "status", Text: "status must be a whole number, not nothing"},
			{Param: "ratio", Text: "ratio must be a number, not +Inf"},
			{Param: "latency", Text: `latency must be a duration such as "40ms" or "2s", not "-1s"`},
			{Param: "methods", Text: `methods must be a list of texts such as ["a", "b"], not a list`},
			{Param: "keep", Text: `keep must be a share below 100% such as "50%", or a whole number, not "100%"`},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, problems := d.Decode(tt.raw)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.problems, problems); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGettersSurviveJSON(t *testing.T) {
	with := With{"i": int64(-32005), "f": 0.5, "s": "x", "b": true, "d": "1500ms", "r": "30/m", "l": []string{"a", "b"}}
	text, err := json.Marshal(with)
	if err != nil {
		t.Fatal(err)
	}
	var read With
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	for _, w := range []With{with, read} {
		if w.Int("i") != -32005 || w.Number("f") != 0.5 || w.String("s") != "x" || !w.Bool("b") || w.Duration("d") != 1500*time.Millisecond || w.Rate("r") != 0.5 ||
			!cmp.Equal(w.Strings("l"), []string{"a", "b"}) || !w.Has("i") || w.Has("absent") || w.Int("absent") != 0 {
			t.Errorf("%v", w)
		}
	}
}

func TestParts(t *testing.T) {
	for _, tt := range []struct {
		part any
		of   int
		want int
	}{
		{"50%", 0, 0}, {"50%", 1, 0}, {"50%", 5, 2}, {"29%", 100, 29}, {"99.9%", 10, 9}, {"0%", 10, 0},
		{int64(3), 2, 2}, {int64(3), 5, 3}, {int64(0), 5, 0}, {3.0, 5, 3}, {nil, 5, 0},
	} {
		if got := (With{"p": tt.part}).Part("p", tt.of); got != tt.want {
			t.Errorf("%v of %d is %d, want %d", tt.part, tt.of, got, tt.want)
		}
	}
}

// FuzzDecode feeds values of every type to every fault: no panic, and what was accepted makes an action.
func FuzzDecode(f *testing.F) {
	f.Add(`{"status": 503, "retry_after": "2s"}`)
	f.Add(`{"code": -32005, "message": "x", "methods": ["eth_call"], "http_status": 429}`)
	f.Add(`{"latency": "40ms", "rate": "5/s", "blocks": 1e9}`)
	f.Fuzz(func(t *testing.T, text string) {
		var raw map[string]any
		if json.Unmarshal([]byte(text), &raw) != nil {
			return
		}
		for _, d := range All() {
			with, problems := d.Decode(raw)
			if len(problems) > 0 || d.New == nil {
				continue
			}
			if _, err := New(d.Name, with); err != nil {
				t.Errorf("%s %v: %v", d.Name, with, err)
			}
		}
	})
}

func TestAvailability(t *testing.T) {
	for name, want := range map[string]bool{
		"unreachable": true, "connection-refused": true, "connection-blackhole": true, "connection-reset": true, "dns-empty": true,
		"dns-nxdomain": true, "dns-servfail": true, "dns-silent": true, "dns-wrong-address": true, "address-replaced": true, "dns-slow": false,
		"connection-latency": false, "rpc-error": false, "rate-limit": false, "head-lag": false, "chain-halt": false,
	} {
		if d, ok := Lookup(name); !ok || d.Unavailable(With{}) != want {
			t.Errorf("%s: found %v, want %v", name, ok, want)
		}
	}
	d, _ := Lookup("http-status")
	for status, want := range map[int64]bool{429: false, 499: false, 500: true, 503: true} {
		if got := d.Unavailable(With{"status": status}); got != want {
			t.Errorf("http-status %d: %v", status, got)
		}
	}
}

func TestNewNamesTheFault(t *testing.T) {
	catalogue["a-cause"] = &Definition{Name: "a-cause", Kinds: []string{KindInternal}}
	defer delete(catalogue, "a-cause")
	for name, want := range map[string]string{"a-cause": "depends_on", "nonsense": `"nonsense"`, "http-status": "http-status: status 0"} {
		if _, err := New(name, With{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
