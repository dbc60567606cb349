package journey

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/harness/spec"
)

// balanceCall is a read journey that asks for a balance as clients of a node do.
func balanceCall() (plan.Journey, spec.Journey) {
	p, j := read()
	p.Driver, j.Driver = spec.DriverJSONRPC, spec.DriverJSONRPC
	j.Request, j.Method, j.Params = spec.Request{}, "eth_getBalance", []any{"${account.address}", "latest"}
	j.Answer = map[string]spec.AnswerField{"balance": {Path: "$.result"}}
	return p, j
}

// rpcRequest is what arrives.
type rpcRequest struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

// rpcServer answers with a text in which ID stands for the request's.
func rpcServer(t *testing.T, status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var req rpcRequest
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			t.Error(err)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.ReplaceAll(text, "ID", string(req.ID)))
	}
}

func TestCallRequest(t *testing.T) {
	var got []rpcRequest
	var where, kind string
	r := newRig(t, time.Second, func(w http.ResponseWriter, req *http.Request) {
		var one rpcRequest
		if err := json.NewDecoder(req.Body).Decode(&one); err != nil {
			t.Error(err)
		}
		got, where, kind = append(got, one), req.Method+" "+req.URL.Path, req.Header.Get("Content-Type")
		_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":`+string(one.ID)+`,"result":"0x10"}`)
	})
	p, j := balanceCall()
	j.Request = spec.Request{Method: "POST", Path: "/v3/key"}
	a := r.one(t, t.Context(), p, j)
	if diff := cmp.Diff([]rpcRequest{{Version: "2.0", ID: json.RawMessage("1"), Method: "eth_getBalance", Params: json.RawMessage(`["0xaa","latest"]`)}}, got); diff != "" {
		t.Error(diff)
	}
	if where != "POST /v3/key" || kind != "application/json" || a.Answer["balance"] != "0x10" || a.Status != 200 {
		t.Errorf("%s, %s: %+v", where, kind, a)
	}
}

func TestCallAnswers(t *testing.T) {
	missing, declined := []string{"balance"}, func(text string) map[string]string { return map[string]string{"declined": text} }
	const notOne = "the answer is no JSON-RPC response"
	for name, tt := range map[string]struct {
		status int
		body   string
		want   history.Attempt
	}{
		"result":              {200, `{"jsonrpc":"2.0","id":ID,"result":"0x1bc16d674ec80000"}`, history.Attempt{Status: 200, Answer: map[string]string{"balance": "0x1bc16d674ec80000"}}},
		"null error beside":   {200, `{"jsonrpc":"2.0","id":ID,"result":"0x0","error":null}`, history.Attempt{Status: 200, Answer: map[string]string{"balance": "0x0"}}},
		"error":               {200, `{"jsonrpc":"2.0","id":ID,"error":{"code": -32000, "message":"no"}}`, history.Attempt{Status: 200, Answer: declined(`{"code":-32000,"message":"no"}`)}},
		"error, null result":  {200, `{"jsonrpc":"2.0","id":ID,"error":{"code":1},"result":null}`, history.Attempt{Status: 200, Answer: declined(`{"code":1}`)}},
		"error without an id": {200, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700}}`, history.Attempt{Status: 200, Answer: declined(`{"code":-32700}`)}},
		"null result":         {200, `{"jsonrpc":"2.0","id":ID,"result":null}`, history.Attempt{Status: 200, Missing: missing, Body: `{"jsonrpc":"2.0","id":ID,"result":null}`}},
		"another's":           {200, `{"jsonrpc":"2.0","id":7,"result":"0x1"}`, history.Attempt{Status: 200, Missing: missing, Detail: "the answer has the id 7; the request had 1"}},
		"id as a text":        {200, `{"jsonrpc":"2.0","id":"ID","result":"0x1"}`, history.Attempt{Status: 200, Missing: missing, Detail: `the answer has the id "1"; the request had 1`}},
		"neither":             {200, `{"jsonrpc":"2.0","id":ID}`, history.Attempt{Status: 200, Missing: missing, Detail: notOne + ": it needs a result or an error, and not both"}},
		"both":                {200, `{"jsonrpc":"2.0","id":ID,"result":"0x1","error":{}}`, history.Attempt{Status: 200, Missing: missing, Detail: notOne + ": it needs a result or an error, and not both"}},
		"error in words":      {200, `{"jsonrpc":"2.0","id":ID,"error":"no"}`, history.Attempt{Status: 200, Missing: missing, Detail: notOne + ": its error is no object"}},
		"no version":          {200, `{"id":ID,"result":"0x1"}`, history.Attempt{Status: 200, Missing: missing, Detail: notOne + `: it lacks "jsonrpc": "2.0"`}},
		"batch":               {200, `[{"jsonrpc":"2.0","id":ID,"result":"0x1"}]`, history.Attempt{Status: 200, Missing: missing, Detail: notOne}},
		"page":                {200, `<html>`, history.Attempt{Status: 200, Missing: missing, Detail: notOne}},
		"503":                 {503, `{"jsonrpc":"2.0","id":ID,"error":{"code":1}}`, history.Attempt{Status: 503, Body: `{"jsonrpc":"2.0","id":ID,"error":{"code":1}}`}},
	} {
		t.Run(name, func(t *testing.T) {
			p, j := balanceCall()
			a := newRig(t, time.Second, rpcServer(t, tt.status, tt.body)).one(t, t.Context(), p, j)
			if tt.want.Detail != "" {
				tt.want.Body = tt.body
			}
			tt.want.Body = strings.ReplaceAll(tt.want.Body, "ID", "1")
			got := history.Attempt{Status: a.Status, Answer: a.Answer, Missing: a.Missing, Detail: a.Detail, Body: a.Body}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The app's own field for its no comes before the whole error.
func TestCallDeclinedInItsWords(t *testing.T) {
	p, j := balanceCall()
	j.Answer["declined"] = spec.AnswerField{Path: "$.error.message"}
	a := newRig(t, time.Second, rpcServer(t, 200, `{"jsonrpc":"2.0","id":ID,"error":{"code":1,"message":"no provider"}}`)).one(t, t.Context(), p, j)
	if a.Answer["declined"] != "no provider" || len(a.Missing) > 0 {
		t.Errorf("%+v", a)
	}
}

// A payment is followed by another method until its receipt is there.
func TestCallFollow(t *testing.T) {
	asked := 0
	r := newRig(t, 20*time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
		var req rpcRequest
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			t.Error(err)
		}
		result := `"0xfeed"`
		if req.Method == "eth_getTransactionReceipt" {
			asked++
			if string(req.Params) != `["0xfeed"]` {
				t.Errorf("asked about %s", req.Params)
			}
			switch asked {
			case 1:
				result = "null"
			case 2: // another's answer says nothing about this payment
				req.ID, result = json.RawMessage("99"), `{"status":"0x0"}`
			default:
				result = `{"status":"0x1"}`
			}
		}
		_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":`+string(req.ID)+`,"result":`+result+`}`)
	})
	p, j := write()
	p.Driver, j.Driver, j.Request = spec.DriverJSONRPC, spec.DriverJSONRPC, spec.Request{}
	j.Method, j.Params = "wallet_send", []any{"${intent.to}", "${intent.wei}"}
	j.Answer = map[string]spec.AnswerField{"id": {Path: "$.result"}, "tx": {Path: "$.result"}, "state": {Path: "$.result.status"}}
	j.States = map[string][]string{"confirmed": {"0x1"}, "failed": {"0x0"}}
	j.Follow = &spec.Follow{Method: "eth_getTransactionReceipt", Params: []any{"${answer.id}"}, Every: 10 * time.Millisecond}
	r.with(p, j).run(t, time.Second)
	said := of[history.Said](r.sink)
	if len(said) != 1 || said[0].State != history.StateConfirmed || asked != 3 {
		t.Errorf("asked %d times: %+v", asked, said)
	}
}

func TestCallProblems(t *testing.T) {
	for want, change := range map[string]func(*spec.Journey){
		"method is empty": func(j *spec.Journey) { j.Method = "" },
		"session.token":   func(j *spec.Journey) { j.Params = []any{"${session.token}"} },
	} {
		r := newRig(t, time.Second, answer(""))
		p, j := balanceCall()
		change(&j)
		if _, err := New(r.with(p, j).cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// Whatever a body is, it is a result, a no or garbled, and only one of them.
func FuzzOfCall(f *testing.F) {
	for _, body := range []string{`{"jsonrpc":"2.0","id":1,"result":"0x1"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":1}}`, `{"jsonrpc":"2.0","id":null,"error":{}}`, `[]`, `null`, `{"error":null}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		declined, garbled := ofCall(body, 1)
		if declined != "" && garbled != "" {
			t.Errorf("%q and %q", declined, garbled)
		}
		if len(declined) > maxDeclined {
			t.Errorf("%d bytes", len(declined))
		}
		if declined != "" && !strings.HasPrefix(declined, "{") {
			t.Errorf("%q is no object", declined)
		}
		if garbled == "" && !json.Valid(body) {
			t.Errorf("%q is no JSON", body)
		}
	})
}
