package journey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"blackout/harness/spec"
)

// lookup gives the value of a variable: "account.address".
type lookup = func(name string) (string, bool)

// template is a request with variables.
type template struct {
	method      string
	path, query string // with variables; query without its question mark
	headers     map[string]string
	json        any
	uses        map[string]bool // the variables in it
}

// compileRequest checks a request: its path, and that known knows each of its variables. Session headers come before the request's own, which win.
func compileRequest(req spec.Request, session map[string]string, known func(name string) bool) (*template, error) {
	t := &template{method: req.Method, headers: map[string]string{}, json: req.JSON, uses: map[string]bool{}}
	if t.method == "" {
		t.method = http.MethodGet
	}
	t.path, t.query, _ = strings.Cut(req.Path, "?")
	if !strings.HasPrefix(t.path, "/") && !strings.HasPrefix(t.path, "${") {
		return nil, fmt.Errorf("request: the path %q does not begin with a slash", req.Path)
	}
	for name, value := range session {
		t.headers[http.CanonicalHeaderKey(name)] = value
	}
	for name, value := range req.Headers {
		t.headers[http.CanonicalHeaderKey(name)] = value
	}
	note := func(name string) (string, bool) {
		t.uses[name] = true
		return "1", known(name)
	}
	// A path that is all variable gets its slash at run time.
	dry := *t
	if !strings.HasPrefix(dry.path, "/") {
		dry.path = "/" + dry.path
	}
	if _, err := dry.build(context.Background(), "http://127.0.0.1", note); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	return t, nil
}

// build makes the request for one attempt. Values are escaped for the place that they stand in: in the path all but slashes, in the query all.
func (t *template) build(ctx context.Context, base string, vars lookup) (*http.Request, error) {
	path, err := spec.Expand(t.path, escaped(vars, inPath))
	if err != nil {
		return nil, err
	}
	// Without the slash, what follows would become a part of the host.
	if !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("the path %q does not begin with a slash", path)
	}
	query, err := spec.Expand(t.query, escaped(vars, url.QueryEscape))
	if err != nil {
		return nil, err
	}
	if query != "" {
		path += "?" + query
	}
	var body []byte
	if t.json != nil {
		if body, err = t.body(vars); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, t.method, strings.TrimRight(base, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body == nil {
		req.Body, req.GetBody = http.NoBody, nil
	} else {
		req.Header.Set("Content-Type", "application/json")
		// Without GetBody the transport cannot send the body a second time: one attempt is one request, also on a kept connection that breaks. A payment sent twice
		// by the harness would be held against the app.
		req.GetBody = nil
	}
	req.Header.Set("User-Agent", "blackout")
	for name, value := range t.headers {
		if value, err = spec.Expand(value, vars); err != nil {
			return nil, fmt.Errorf("header %s: %w", name, err)
		}
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
	return req, nil
}

// inPath escapes a value for a path: all but slashes.
func inPath(v string) string { return strings.ReplaceAll(url.PathEscape(v), "%2F", "/") }

func escaped(vars lookup, escape func(string) string) lookup {
	return func(name string) (string, bool) {
		value, ok := vars(name)
		return escape(value), ok
	}
}

func (t *template) body(vars lookup) ([]byte, error) {
	expanded, err := expandJSON(t.json, vars)
	if err != nil {
		return nil, fmt.Errorf("json: %w", err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(expanded); err != nil {
		return nil, fmt.Errorf("json: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// expandJSON copies a decoded JSON value with the variables in its strings replaced. Names of members are left as they are.
func expandJSON(v any, vars lookup) (any, error) {
	switch v := v.(type) {
	case string:
		return spec.Expand(v, vars)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			var err error
			if out[i], err = expandJSON(item, vars); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, item := range v {
			var err error
			if out[name], err = expandJSON(item, vars); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[any]any:
		out := make(map[string]any, len(v))
		for name, item := range v {
			text, ok := name.(string)
			if !ok {
				return nil, errors.New("the name of a member is not a string")
			}
			out[text] = item
		}
		return expandJSON(out, vars)
	default:
		return v, nil
	}
}

// needs reports whether the template uses a variable for which have is false.
func (t *template) needs(have func(name string) bool) bool {
	for name := range maps.Keys(t.uses) {
		if !have(name) {
			return true
		}
	}
	return false
}
