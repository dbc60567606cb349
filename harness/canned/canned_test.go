package canned

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func pattern(t testing.TB, text string) Pattern {
	t.Helper()
	p, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

// market is a service with replies of every sort, and files that some of them stand before.
func market(t testing.TB) *Site {
	say := func(text string) []Part { return []Part{{Text: text}} }
	return &Site{
		Replies: []Reply{
			{Request: pattern(t, "GET /{any...}"), Status: 404, Answer: []Part{{Text: "nothing at "}, {Name: "any"}}, Type: TypeText},
			{Request: pattern(t, "GET /prices/{pair}/spot"), Answer: []Part{{Text: `{"pair":"`}, {Name: "pair"}, {Text: `"}`}}, Escape: true, Type: TypeJSON},
			{Request: pattern(t, "GET /simple/price?ids=ethereum"), Answer: say("one"), Type: TypeText},
			{Request: pattern(t, "GET /simple/price?ids={ids}"), Answer: []Part{{Name: "ids"}}, Type: TypeText},
			{Request: pattern(t, "POST /orders"), JSON: map[string]any{"side": "buy", "of": map[string]any{"id": 7.0}}, Status: 201, Answer: say("bought"), Type: TypeText},
			{Request: pattern(t, "POST /orders"), Body: "sell", Header: map[string]string{"content-type": "text/x", "X-Id": "9"}, Answer: say("sold"), Type: TypeText},
			{Request: pattern(t, "GET /rates"), Answer: say("a reply"), Type: TypeText},
			{Request: pattern(t, "DELETE /orders/{id}"), Status: 204},
		},
		Files: []File{
			{"rates.json", []byte(`{"a file":1}`)}, {"list.json", []byte(`[1]`)}, {"docs/index.html", []byte("<p>")}, {"api/index.json", []byte("{}")},
			{"prices/ETH/spot", []byte("2000")}, {"blob", []byte{0xff, 0}}, {"plain", []byte("text, not JSON")},
		},
	}
}

func TestAnswer(t *testing.T) {
	s := market(t)
	for _, tt := range []struct {
		request, body string // "GET /path?query"
		status        int
		kind, want    string
	}{
		{"GET /rates", "", 200, TypeText, "a reply"}, // a reply without a name goes before a file
		{"GET /rates/", "", 200, TypeText, "a reply"},
		{"HEAD /rates", "", 200, TypeText, "a reply"},
		{"GET /list", "", 200, TypeJSON, "[1]"},
		{"GET /list.json?x=1", "", 200, TypeJSON, "[1]"},
		{"GET /docs/", "", 200, "text/html; charset=utf-8", "<p>"},
		{"GET /api", "", 200, TypeJSON, "{}"},
		{"GET /blob", "", 200, "application/octet-stream", "\xff\x00"},
		{"GET /plain", "", 200, TypeText, "text, not JSON"},
		{"GET /prices/ETH/spot", "", 200, TypeJSON, "2000"}, // a file goes before a reply with a name
		{"GET /prices/B%22TC/spot", "", 404, TypeText, `nothing at prices/B"TC/spot`},
		{"GET /simple/price?ids=ethereum&vs=usd", "", 200, TypeText, "one"},
		{"GET /simple/price?ids=bitcoin", "", 404, TypeText, "nothing at simple/price"}, // the order of the file
		{"POST /orders", `{"side":"buy","of":{"id":7,"x":1}}`, 201, TypeText, "bought"},
		{"POST /orders", `{"side":"sell","of":{"id":7}}`, 200, "text/x", "sold"},
		{"POST /orders", `{"side":"buy","of":7}`, 0, "", ""},
		{"POST /orders", `buy`, 0, "", ""},
		{"DELETE /orders/7", "", 204, "", ""},
		{"DELETE /orders", "", 0, "", ""},
		{"PUT /list", "", 0, "", ""},
		{"GET /", "", 404, TypeText, "nothing at "},
	} {
		method, address, _ := strings.Cut(tt.request, " ")
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		a, ok := s.Answer(Request{Method: method, Path: u.Path, Query: u.Query(), Body: []byte(tt.body)})
		if ok != (tt.status != 0) || a.Status != tt.status || string(a.Body) != tt.want {
			t.Errorf("%s %s: %d %q %v", tt.request, tt.body, a.Status, a.Body, ok)
		}
		kind := ""
		for name, value := range a.Header {
			if strings.EqualFold(name, "Content-Type") {
				kind += value
			}
		}
		if kind != tt.kind {
			t.Errorf("%s: it is %q", tt.request, kind)
		}
	}
	// Without the reply that takes all, the others with names have their turn. What stands for a name is put as JSON has it.
	s.Replies = s.Replies[1:]
	for address, want := range map[string]string{"/simple/price?ids=bitcoin": "bitcoin", `/prices/B%22TC/spot`: `{"pair":"B\"TC"}`, "/simple/price?ids=": "", "/none": ""} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if a, ok := s.Answer(Request{Method: "GET", Path: u.Path, Query: u.Query()}); string(a.Body) != want || ok != (want != "") {
			t.Errorf("%s: %q %v", address, a.Body, ok)
		}
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"GET":               "it is not a method and a path",
		"get /a":            "it is not a method and a path",
		"GET a":             "it is not a method and a path",
		"GET /{a}/{a}":      "{a} is there twice",
		"GET /{a}?b={a}":    "{a} is there twice",
		"GET /{a...}/b":     "{a...} can only be the last part of the path",
		"GET /x{a}":         `a {name} is a whole part of the path, not "x{a}"`,
		"GET /{}":           `a {name} is a whole part of the path, not "{}"`,
		"GET /a?%":          "its query cannot be read",
		"GET /{a}/{a...}":   "{a} is there twice",
		"GET /a?b={c}&d={c": "",
	} {
		_, err := Parse(text)
		if want == "" && err == nil {
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) || want == "" {
			t.Errorf("%s: %v", text, err)
		}
	}
	p := pattern(t, "GET /{b}/c/{rest...}?a={a}&x=1")
	if diff := cmp.Diff([]string{"a", "b", "rest"}, p.Names()); diff != "" || p.String() != "GET /{b}/c/{rest...}?a={a}&x=1" {
		t.Errorf("%s: %s", p, diff)
	}
}

func TestDigest(t *testing.T) {
	whole := market(t)
	if whole.Digest() != market(t).Digest() || len(whole.Digest()) != 64 {
		t.Errorf("digest %q", whole.Digest())
	}
	for name, change := range map[string]func(*Site){
		"a file": func(s *Site) { s.Files[0].Bytes = []byte("x") }, "a name": func(s *Site) { s.Files[0].Name = "x" }, "a status": func(s *Site) { s.Replies[2].Status = 500 },
		"an answer": func(s *Site) { s.Replies[2].Answer[0].Text = "x" }, "a request": func(s *Site) { s.Replies[2].Request = pattern(t, "GET /y") },
		"a header": func(s *Site) { s.Replies[5].Header["X-Id"] = "8" }, "one less": func(s *Site) { s.Replies = s.Replies[1:] },
	} {
		other := market(t)
		change(other)
		if other.Digest() == whole.Digest() {
			t.Errorf("%s changes nothing", name)
		}
	}
}

// FuzzAnswer asks with any pattern and any request: what matches has a value for each name.
func FuzzAnswer(f *testing.F) {
	f.Add("GET /prices/{pair}/spot?c={c}", "GET", "/prices/ETH-USD/spot", "c=USD", "")
	f.Add("POST /{rest...}", "POST", "//a//b", "%", `{"a":1}`)
	f.Fuzz(func(t *testing.T, text, method, at, query, body string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		s := &Site{Replies: []Reply{{Request: p, JSON: map[string]any{}}, {Request: p, Answer: []Part{{Name: "x"}}}}, Files: []File{{"a/b", []byte("x")}}}
		values, _ := url.ParseQuery(query)
		r := Request{Method: method, Path: at, Query: values, Body: []byte(body)}
		names, ok := p.match(r)
		if ok && len(names) != len(p.Names()) {
			t.Errorf("%s for %s?%s: %v, it has %v", text, at, query, names, p.Names())
		}
		if a, found := s.Answer(r); ok && p.Method == method && !found || found && a.Status != 200 {
			t.Errorf("%s for %s %s?%s: %d %v", text, method, at, query, a.Status, found)
		}
	})
}
