package journey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"blackout/harness/spec"
)

// call is a JSON-RPC 2.0 request with variables, over HTTP.
type call struct {
	*template
	method string
	params any
	asked  atomic.Int64 // requests so far: each has an id of its own
}

// compileCall checks that known knows each variable of a request.
func compileCall(req spec.Request, method string, params any, session map[string]string, known func(name string) bool) (*call, error) {
	if method == "" {
		return nil, errors.New("the method is empty")
	}
	if params == nil {
		params = []any{}
	}
	if req.Path == "" {
		req.Method, req.Path = http.MethodPost, "/"
	}
	c := &call{method: method, params: params}
	req.JSON = c.message(1)
	var err error
	c.template, err = compileRequest(req, session, known)
	return c, err
}

// message is a request as the specification of JSON-RPC 2.0 has it.
func (c *call) message(id int64) map[string]any {
	return map[string]any{"jsonrpc": "2.0", "id": id, "method": c.method, "params": c.params}
}

// prepare makes a request ready to be sent.
func (c *call) prepare(ctx context.Context, r *Runner, s *session, vars lookup) (func() (reply, error), error) {
	id := c.asked.Add(1)
	one := *c.template
	one.json = c.message(id)
	send, err := one.prepare(ctx, r, s, vars)
	if err != nil {
		return nil, err
	}
	return func() (reply, error) {
		rep, err := send()
		if err == nil && rep.status >= 200 && rep.status <= 299 {
			rep.declined, rep.garbled = ofCall(rep.body, id)
		}
		return rep, err
	}, nil
}

// ofCall holds a body against the request with an id. An error object is the app's no, whatever the HTTP status below 400, in its own words. A body that is no response of
// JSON-RPC 2.0 to this request is garbled: of another id, without a result or an error, or with both. A client that took such a thing would show one user what
// another asked for.
func ofCall(body []byte, id int64) (declined, garbled string) {
	var response struct {
		Version string           `json:"jsonrpc"`
		ID      json.RawMessage  `json:"id"`
		Result  json.RawMessage  `json:"result"` // null too is one, and then it has a text
		Error   *json.RawMessage `json:"error"`  // nil for null, which some servers send beside a result
	}
	if err := json.Unmarshal(body, &response); err != nil {
		return "", "the answer is no JSON-RPC response"
	}
	failed := response.Error != nil
	noID := string(response.ID) == "null"
	resulted := response.Result != nil && (!failed || string(response.Result) != "null")
	var object map[string]json.RawMessage
	switch {
	case response.Version != "2.0":
		return "", `the answer is no JSON-RPC response: it lacks "jsonrpc": "2.0"`
	// An error about a request that could not be read has no id to give.
	case string(response.ID) != fmt.Sprint(id) && (!failed || !noID):
		return "", fmt.Sprintf("the answer has the id %s; the request had %d", clip(string(response.ID), 40), id)
	case failed == resulted:
		return "", "the answer is no JSON-RPC response: it needs a result or an error, and not both"
	case failed && json.Unmarshal(*response.Error, &object) != nil:
		return "", "the answer is no JSON-RPC response: its error is no object"
	case failed:
		var text bytes.Buffer
		if json.Compact(&text, *response.Error) != nil {
			return "", "the answer is no JSON-RPC response"
		}
		return clip(strings.TrimSpace(text.String()), maxDeclined), ""
	}
	return "", ""
}
