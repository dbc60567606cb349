package journey

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/harness/spec"
)

// raw serves one connection after the other with a function of the test's.
func raw(t *testing.T, serve func(c *net.TCPConn, req *http.Request)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer func() { _ = c.Close() }()
				if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					serve(c.(*net.TCPConn), req)
				}
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return "http://" + l.Addr().String()
}

func TestTransportErrors(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = refused.Close()
	tests := map[string]struct {
		serve  func(c *net.TCPConn, req *http.Request)
		url    string
		want   string
		status int
		body   string
	}{
		"refused": {url: "http://" + refused.Addr().String(), want: history.ErrRefused},
		"reset":   {serve: func(c *net.TCPConn, _ *http.Request) { _ = c.SetLinger(0) }, want: history.ErrReset},
		"closed":  {serve: func(*net.TCPConn, *http.Request) {}, want: history.ErrEOF},
		"cut in the head": {
			serve: func(c *net.TCPConn, _ *http.Request) { _, _ = io.WriteString(c, head[:12]) }, want: history.ErrEOF,
		},
		"cut in the body": {
			serve: func(c *net.TCPConn, _ *http.Request) { _, _ = io.WriteString(c, head+`{"balance"`) }, want: history.ErrEOF, status: 200, body: `{"balance"`,
		},
		"hangs": {
			serve: func(c *net.TCPConn, _ *http.Request) { _, _ = c.Read(make([]byte, 1)) }, want: history.ErrTimeout,
		},
		"hangs in the body": {
			serve: func(c *net.TCPConn, _ *http.Request) {
				_, _ = io.WriteString(c, head+"half")
				_, _ = c.Read(make([]byte, 1))
			}, want: history.ErrTimeout, status: 200, body: "half",
		},
		"not HTTP": {serve: func(c *net.TCPConn, _ *http.Request) { _, _ = io.WriteString(c, "SSH-2.0-x\r\n\r\n") }, want: history.ErrTransport},
		"broken gzip": {
			serve: func(c *net.TCPConn, _ *http.Request) {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\nnot gzip, no")
			}, want: history.ErrTransport, status: 200,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := tt.url
			if url == "" {
				url = raw(t, tt.serve)
			}
			r := newRig(t, 0, answer(""))
			r.cfg.URL = func(int) string { return url }
			p, j := read()
			p.Patience = clock.Of(300 * time.Millisecond)
			got := r.one(t, t.Context(), p, j)
			want := history.Attempt{ID: "view#0", Journey: "view", Account: "0xaa", Error: tt.want, Status: tt.status, Body: tt.body}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(history.Attempt{}, "Due", "At", "End", "Detail")); diff != "" {
				t.Errorf("attempt (-want +got):\n%s\n%s", diff, got.Detail)
			}
			if got.Detail == "" || strings.Contains(got.Detail, "/balance/") {
				t.Errorf("detail %q", got.Detail)
			}
			if waited := got.End - got.Due; tt.want == history.ErrTimeout && waited < p.Patience {
				t.Errorf("given up after %s", waited.Duration())
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	fields := map[string]string{"balance": "$.items[0].amount", "stale": "$.stale", "declined": "$.error", "note": "$['a b']"}
	tests := map[string]struct {
		status  int
		body    string
		fields  map[string]string
		missing []string
		kept    bool
	}{
		"exact fraction":     {status: 200, body: `{"items":[{"amount":1.10}]}`, fields: map[string]string{"balance": "1.10"}},
		"big number":         {status: 200, body: `{"items":[{"amount":100000000000000000000}]}`, fields: map[string]string{"balance": "100000000000000000000"}},
		"exponent":           {status: 200, body: `{"items":[{"amount":-1.50E+3}]}`, fields: map[string]string{"balance": "-1.50E+3"}},
		"string":             {status: 200, body: `{"items":[{"amount":"0x10"}],"a b":"größe \u4f59"}`, fields: map[string]string{"balance": "0x10", "note": "größe 余"}},
		"octal-like string":  {status: 200, body: `{"items":[{"amount":"010"}],"a b":"yes"}`, fields: map[string]string{"balance": "010", "note": "yes"}},
		"booleans":           {status: 200, body: `{"items":[{"amount":0}],"stale":true,"error":null}`, fields: map[string]string{"balance": "0", "stale": "true"}},
		"no error":           {status: 200, body: `{"items":[{"amount":0}],"stale":false,"error":""}`, fields: map[string]string{"balance": "0", "stale": "false"}},
		"error false":        {status: 200, body: `{"items":[{"amount":0}],"error":false}`, fields: map[string]string{"balance": "0"}},
		"empty error object": {status: 200, body: `{"items":[{"amount":0}],"error":{}}`, fields: map[string]string{"balance": "0"}},
		"declined":           {status: 200, body: `{"error":"try later"}`, fields: map[string]string{"declined": "try later"}},
		"declined by object": {status: 200, body: `{"error":{"code":-5,"why":"a\"b"}}`, fields: map[string]string{"declined": `{"code":-5,"why":"a\"b"}`}},
		"last member counts": {status: 200, body: `{"items":[{"amount":1}],"items":[{"amount":2}]}`, fields: map[string]string{"balance": "2"}},
		"null":               {status: 200, body: `{"items":[{"amount":null}]}`, missing: []string{"balance"}, kept: true},
		"object":             {status: 200, body: `{"items":[{"amount":{"wei":1}}]}`, missing: []string{"balance"}, kept: true},
		"absent":             {status: 200, body: `{"stale":true}`, fields: map[string]string{"stale": "true"}, missing: []string{"balance"}, kept: true},
		"empty":              {status: 200, body: ``, missing: []string{"balance"}},
		"no content":         {status: 204, body: ``, missing: []string{"balance"}},
		"page":               {status: 200, body: `<html>`, missing: []string{"balance"}, kept: true},
		"two texts":          {status: 200, body: `{"items":[{"amount":1}]} {}`, missing: []string{"balance"}, kept: true},
		"too deep":           {status: 200, body: strings.Repeat("[", 3000) + strings.Repeat("]", 3000), missing: []string{"balance"}, kept: true},
		"not found":          {status: 404, body: `{"error":"no such account"}`, fields: map[string]string{"declined": "no such account"}, kept: true},
		"server error":       {status: 503, body: `busy`, kept: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 0, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})
			p, j := read()
			j.Answer = map[string]spec.AnswerField{}
			for name, path := range fields {
				j.Answer[name] = spec.AnswerField{Path: path}
			}
			got := r.one(t, t.Context(), p, j)
			want := history.Attempt{ID: "view#0", Journey: "view", Account: "0xaa", Status: tt.status, Answer: tt.fields, Missing: tt.missing}
			if tt.kept {
				want.Body = tt.body[:min(len(tt.body), bodyKept)]
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(history.Attempt{}, "Due", "At", "End"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("attempt (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLongBody(t *testing.T) {
	r := newRig(t, 0, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"balance":1,"pad":"`+strings.Repeat("余", maxBody/3)+`"}`)
	})
	p, j := read()
	got := r.one(t, t.Context(), p, j)
	if got.Error != "" || got.Detail == "" || len(got.Body) > bodyKept || len(got.Body) < bodyKept-3 || strings.ContainsAny(got.Body, "?\uFFFD") || len(got.Missing) != 1 {
		t.Errorf("error %q, detail %q, missing %q, %d bytes of body", got.Error, got.Detail, got.Missing, len(got.Body))
	}
}

// TestSession logs in, carries the token, the cookie and the secret, and keeps sessions apart.
func TestSession(t *testing.T) {
	var mu sync.Mutex
	logins := map[string]int{}
	r := newRig(t, 80*time.Millisecond, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/login" {
			body, _ := io.ReadAll(req.Body)
			mu.Lock()
			logins[req.Method+" "+req.Header.Get("Content-Type")+" "+string(body)]++
			mu.Unlock()
			user := strings.Split(string(body), `"`)[5]
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: user})
			_, _ = fmt.Fprintf(w, `{"token":"token of %s","n":1.50}`, user)
			return
		}
		account := strings.TrimPrefix(req.URL.Path, "/balance/")
		cookie, err := req.Cookie("sid")
		if err != nil || cookie.Value != account || req.Header.Get("Authorization") != "Bearer token of "+account ||
			req.Header.Get("X-Key") != "s3cret" || req.Header.Get("X-N") != "1.50" || req.URL.Query().Get("q") != "a&b/ü "+account {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, req.URL.String()+fmt.Sprint(req.Header))
			return
		}
		_, _ = io.WriteString(w, `{"balance":1}`)
	})
	r.cfg.Secret = func(name string) (string, bool) { return "s3cret", name == "API_KEY" }
	r.cfg.App.Sessions = spec.Sessions{
		Login: &spec.Login{
			Request: spec.Request{Method: "POST", Path: "/login", JSON: map[string]any{"n": []any{1, true, nil}, "user": "${account.address}"}},
			Capture: map[string]string{"token": "$.token", "n": "$.n"},
		},
		Headers: map[string]string{"authorization": "Bearer ${session.token}", "X-Key": "${secret.API_KEY}", "X-N": "overridden"},
	}
	p, j := read()
	j.Request.Path = "/balance/${account.address}?q=${secret.API_KEY}"
	j.Request.Headers = map[string]string{"x-n": "${session.n}"}
	r.cfg.Secret = func(name string) (string, bool) {
		return map[string]string{"API_KEY": "s3cret", "Q": "a&b/ü "}[name], name == "API_KEY" || name == "Q"
	}
	j.Request.Path = "/balance/${account.address}?q=${secret.Q}${account.address}"
	r.with(p, j)
	r.run(t, 0)
	for _, a := range attempts(r.sink) {
		if a.Status != 200 {
			t.Errorf("%s: %d %s", a.ID, a.Status, a.Body)
		}
	}
	want := map[string]int{
		`POST application/json {"n":[1,true,null],"user":"0xaa"}`: 1,
		`POST application/json {"n":[1,true,null],"user":"0xbb"}`: 1,
	}
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff(want, logins); diff != "" {
		t.Errorf("logins (-want +got):\n%s", diff)
	}
}

func TestLoginFails(t *testing.T) {
	for body, want := range map[string]string{
		`401 no key s3cret`: `login of session 0: POST /login answered 401: "no key ***"`,
		`200 <html>`:        `login of session 0: POST /login: sessions.login.capture needs a JSON answer, not "<html>"`,
		`200 {"token":{}}`:  `login of session 0: POST /login: capture token: $.token matches no string, number or boolean in the answer`,
	} {
		r := newRig(t, 0, func(w http.ResponseWriter, _ *http.Request) {
			status, text, _ := strings.Cut(body, " ")
			w.WriteHeader(map[string]int{"200": 200, "401": 401}[status])
			_, _ = io.WriteString(w, text)
		})
		r.cfg.Plan.Sessions = 1
		r.cfg.Redact = func(s string) string { return strings.ReplaceAll(s, "s3cret", "***") }
		r.cfg.App.Sessions.Login = &spec.Login{Request: spec.Request{Method: "POST", Path: "/login"}, Capture: map[string]string{"token": "$.token"}}
		if err := r.runner(t).Login(t.Context()); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestRedaction(t *testing.T) {
	r := newRig(t, 0, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		// The key lies across the place where the body is cut.
		_, _ = io.WriteString(w, `{"error":"dial https://rpc/v3/s3cret","pad":"`+strings.Repeat("x", bodyKept-48)+`s3cret"}`)
	})
	r.cfg.Redact = func(s string) string { return strings.ReplaceAll(s, "s3cret", "***") }
	p, j := read()
	got := r.one(t, t.Context(), p, j)
	if text := fmt.Sprintf("%+v", got); strings.Contains(text, "s3c") || got.Answer["declined"] != "dial https://rpc/v3/***" || !strings.Contains(got.Body, "***") {
		t.Errorf("attempt: %s", text)
	}
}

func TestRedirects(t *testing.T) {
	var mu sync.Mutex
	asked := 0
	r := newRig(t, 0, func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked++
		switch req.URL.Path {
		case "/away":
			http.Redirect(w, req, "http://192.0.2.1/", http.StatusFound)
		case "/loop":
			http.Redirect(w, req, "/loop", http.StatusFound)
		case "/once":
			http.Redirect(w, req, "/there", http.StatusFound)
		default:
			_, _ = io.WriteString(w, `{"balance":1}`)
		}
	})
	runner := r.runner(t)
	for path, want := range map[string][2]int{"/away": {302, 1}, "/loop": {302, 4}, "/once": {200, 2}} {
		asked = 0
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.cfg.URL(0)+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		status, _, err := exchange(runner.sessions[0].client, req)
		if err != nil || status != want[0] || asked != want[1] {
			t.Errorf("%s: status %d after %d requests, %v", path, status, asked, err)
		}
	}
}

// TestLateAttempt is due in the past, beyond its patience: it is given up at once and says so.
func TestLateAttempt(t *testing.T) {
	r := newRig(t, 0, answer(`{"balance":1}`))
	p, j := read()
	r.with(p, j)
	runner := r.runner(t)
	due := r.cfg.Clock.Now() - p.Patience - 1000
	a, _, _, err := runner.attempt(t.Context(), runner.journeys[0], runner.sessions[1], 0, "view#0", due)
	if err != nil || a.Error != history.ErrTimeout || a.Due != due || a.At <= due {
		t.Errorf("attempt %+v, %v", a, err)
	}
}

func TestNewRefuses(t *testing.T) {
	tests := map[string]struct {
		change func(c *Config, p *plan.Journey, j *spec.Journey)
		want   []string
	}{
		"variable": {func(_ *Config, _ *plan.Journey, j *spec.Journey) { j.Request.Path = "/x/${acount.address}" }, []string{"journey view: request:", "acount.address"}},
		"intent":   {func(_ *Config, _ *plan.Journey, j *spec.Journey) { j.Request.JSON = "${intent.to}" }, []string{"intent.to"}},
		"capture": {func(c *Config, _ *plan.Journey, _ *spec.Journey) {
			c.App.Sessions.Headers = map[string]string{"A": "${session.token}"}
		}, []string{"session.token"}},
		"path": {func(_ *Config, _ *plan.Journey, j *spec.Journey) { j.Request.Path = "@example.org/" }, []string{"does not begin with a slash"}},
		"answer": {func(_ *Config, _ *plan.Journey, j *spec.Journey) {
			j.Answer["balance"] = spec.AnswerField{Path: "$.a["}
		}, []string{"answer.balance: JSONPath", "$['x-y']"}},
		"driver":     {func(_ *Config, p *plan.Journey, _ *spec.Journey) { p.Driver = "telnet" }, []string{`there is no driver "telnet"`}},
		"rate":       {func(_ *Config, p *plan.Journey, _ *spec.Journey) { p.Every = 0 }, []string{"have to be positive"}},
		"name":       {func(_ *Config, p *plan.Journey, _ *spec.Journey) { p.Name = "other" }, []string{"journey other: it is in the plan but not in the app file"}},
		"no intents": {func(c *Config, p *plan.Journey, _ *spec.Journey) { c.Intents, p.Kind = nil, "write" }, []string{"no payment intents"}},
		"accounts":   {func(c *Config, _ *plan.Journey, _ *spec.Journey) { c.Accounts = nil }, []string{"no accounts"}},
		"all problems": {func(c *Config, p *plan.Journey, _ *spec.Journey) {
			c.App.Sessions.Login = &spec.Login{Request: spec.Request{Path: "/x"}, Capture: map[string]string{"t": "token"}}
			p.Driver = "telnet"
		}, []string{"telnet", "sessions.login: capture t"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 0, answer(""))
			p, j := read()
			tt.change(&r.cfg, &p, &j)
			r.cfg.App.Journeys["view"] = j
			r.cfg.Plan.Journeys = append(r.cfg.Plan.Journeys, p)
			_, err := New(r.cfg)
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q", err, want)
				}
			}
		})
	}
}

func TestInterruptedAttempt(t *testing.T) {
	r := newRig(t, 0, func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	p, j := read()
	got := r.one(t, ctx, p, j)
	if got.Error != history.ErrInterrupted || got.End-got.At > clock.Of(time.Second) {
		t.Errorf("attempt: %+v", got)
	}
}

// TestNothingPromised reads the answers of a journey whose app file asks for nothing but a no: one that is no JSON is no answer all the same.
func TestNothingPromised(t *testing.T) {
	r, err := newReader(spec.Journey{Kind: "read", Answer: map[string]spec.AnswerField{fieldDeclined: {Path: "$.error"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		status  int
		body    string
		missing []string
	}{
		{200, `{"done":true}`, nil},
		{200, `{"error":"busy"}`, nil},
		{200, `<html>maintenance`, []string{"answer"}},
		{200, ``, []string{"answer"}},
		{204, ``, nil},
		{503, `busy`, nil},
	} {
		if _, missing := r.read(tt.status, []byte(tt.body)); !slices.Equal(missing, tt.missing) {
			t.Errorf("%d %q: %q is missing, want %q", tt.status, tt.body, missing, tt.missing)
		}
	}
}

// TestNewLogin has an app forget its users: the attempt that is told so stays a 401, and the user has logged in again before the next.
func TestNewLogin(t *testing.T) {
	var logins atomic.Int64
	r := newRig(t, 0, func(w http.ResponseWriter, req *http.Request) {
		switch {
		case req.URL.Path == "/login":
			fmt.Fprintf(w, `{"token":"t%d"}`, logins.Add(1))
		case req.Header.Get("Authorization") != "t2": // it has forgotten the first token
			w.WriteHeader(http.StatusUnauthorized)
		default:
			_, _ = io.WriteString(w, `{"balance":"1"}`)
		}
	})
	p, j := read()
	p.Every = clock.Of(100 * time.Millisecond)
	r.cfg.Plan.Sessions, r.cfg.Plan.End = 1, 3*p.Every
	r.cfg.App.Sessions.Login = &spec.Login{Request: spec.Request{Method: "POST", Path: "/login"}, Capture: map[string]string{"token": "$.token"}}
	r.cfg.App.Sessions.Headers = map[string]string{"Authorization": "${session.token}"}
	r.with(p, j).run(t, 0)
	var statuses []int
	for _, a := range attempts(r.sink) {
		statuses = append(statuses, a.Status)
	}
	if !slices.Equal(statuses, []int{401, 200, 200}) || logins.Load() != 2 {
		t.Errorf("statuses %v after %d logins", statuses, logins.Load())
	}
}
