package fault

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rule injects a fault on a fake gateway and gives what it does to a request.
func rule(t *testing.T, name string, with map[string]any) func(Request) (HTTPReply, bool) {
	t.Helper()
	s := newSurface()
	if err := action(t, name, with).Inject(t.Context(), s, grip(1)); err != nil {
		t.Fatal(err)
	}
	return s.replies["e"].HTTP
}

func TestHTMLPageReply(t *testing.T) {
	for body, with := range map[string]map[string]any{movedPage: nil, "<p>restructuring</p>": {"body": "<p>restructuring</p>"}, "": {"body": ""}} {
		reply, ok := rule(t, "html-page", with)(Request{Batch: true})
		want := HTTPReply{Status: 200, Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, Body: []byte(body)}
		if diff := cmp.Diff(want, reply); !ok || diff != "" {
			t.Errorf("%v: taken %v (-want +got):\n%s", with, ok, diff)
		}
	}
}

func TestWrongBytesReply(t *testing.T) {
	take := rule(t, "wrong-bytes", nil)
	header := http.Header{"Content-Type": {"image/svg+xml"}, "Etag": {`"bafkrei"`}}
	own := func(status int, body string) func() HTTPReply {
		return func() HTTPReply { return HTTPReply{Status: status, Header: header, Body: []byte(body)} }
	}
	for _, tt := range []struct {
		name   string
		method string
		status int
		body   string
		want   string // "" for a request that is left alone
	}{
		{"digits", "GET", 200, `<svg width="18"><rect x="18" y="90"/></svg>`, `<svg width="18"><rect x="81" y="90"/></svg>`},
		{"no digits", "GET", 200, "aaaa", "aa`a"},
		{"one byte", "GET", 200, "7", "2"},
		{"a part", "GET", 206, "x=4", "x=5"},
		{"no bytes", "GET", 200, "", ""},
		{"not changed", "GET", 304, "", ""},
		{"not there", "GET", 404, "no such file 404", ""},
		{"the head of it", "HEAD", 200, "18", ""},
	} {
		reply, ok := take(Request{Method: tt.method, Own: own(tt.status, tt.body)})
		if ok != (tt.want != "") {
			t.Errorf("%s: taken %v", tt.name, ok)
		}
		if want := (HTTPReply{Status: tt.status, Header: header, Body: []byte(tt.want)}); ok && !cmp.Equal(want, reply) {
			t.Errorf("%s (-want +got):\n%s", tt.name, cmp.Diff(want, reply))
		}
	}
	if _, ok := take(Request{Method: "GET"}); ok {
		t.Error("a request whose reply takes a node was taken")
	}
	d, _ := Lookup("wrong-bytes")
	if !d.Meets(nil, []string{"GET"}) || d.Meets(nil, []string{"HEAD"}) {
		t.Error("it meets what brings bytes, and no more")
	}
}

// Other bytes are as many, are not the same, and are as well formed.
func TestOtherBytes(t *testing.T) {
	for _, text := range []string{`{"a": 12, "b": [10, 100.5, 0.25, -8e10], "c": "2022-11-20"}`, `<svg xmlns="http://www.w3.org/2000/svg" width="192"><rect x="4" fill="hsl(120 80% 60%)"/></svg>`} {
		got := otherBytes([]byte(text))
		if len(got) != len(text) || string(got) == text {
			t.Errorf("%s became %s", text, got)
		}
		if text[0] == '{' && !json.Valid(got) {
			t.Errorf("%s is no JSON any more: %s", text, got)
		}
		if text[0] == '<' && (xml.Unmarshal(got, new(struct{})) != nil || !strings.Contains(string(got), "http://www.w3.org/2000/svg")) {
			t.Errorf("%s is no picture any more: %s", text, got)
		}
	}
}

func FuzzOtherBytes(f *testing.F) {
	f.Add([]byte("a"))
	f.Add([]byte("x9"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) == 0 {
			return
		}
		if got := otherBytes(body); len(got) != len(body) || string(got) == string(body) {
			t.Errorf("%q became %q", body, got)
		}
	})
}
