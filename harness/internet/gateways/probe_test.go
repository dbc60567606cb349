package gateways

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
)

func TestProbes(t *testing.T) {
	w := open(t, func(c *Config) { c.Latency = time.Hour })
	grip := w.put("c1/http-status/infura", 0.0001, []string{"aws/us-west-2"}, fault.LayerHTTP, 503)
	var marked []bool
	asked := fault.ReplyRule{Grip: grip, Layer: fault.LayerHTTP, HTTP: func(r fault.Request) (fault.HTTPReply, bool) {
		marked = append(marked, r.Probe)
		return fault.HTTPReply{Status: 503}, true
	}}
	if err := w.gw.Put(asked); err != nil {
		t.Fatal(err)
	}
	w.put("a/other", 1, nil, fault.LayerHTTP, 500)
	w.gw.Limit(0.001)
	probe := func(token, effect, region string) reply {
		h := http.Header{}
		Mark(h, token, effect, region)
		return w.post(blockNumber, probeHeader, h.Get(probeHeader))
	}
	for range 3 {
		if got := probe(testToken, grip.ID, "aws/us-west-2"); got.Status != 503 {
			t.Errorf("a probe for the effect: %+v", got)
		}
	}
	if diff := cmp.Diff([]bool{true, true, true}, marked); diff != "" {
		t.Errorf("what the rule was told (-want +got):\n%s", diff)
	}
	if got := probe(testToken, grip.ID, "aws/us-east-1"); got.Status != 200 {
		t.Errorf("in a region that the effect does not reach: %+v", got)
	}
	grip.SetShare(0)
	if got := probe(testToken, grip.ID, "aws/us-west-2"); got.Status != 200 {
		t.Errorf("without a share: %+v", got)
	}
	if _, _, n := grip.Counts(); n != 0 || w.gw.Requests() != 0 || w.gw.Opened() != 0 {
		t.Errorf("probes left a trace: %d touched, %d requests, %d connections", n, w.gw.Requests(), w.gw.Opened())
	}
	for _, c := range w.sink.calls() {
		if !c.Probe {
			t.Errorf("not marked as a probe: %+v", c)
		}
	}
	// A wrong token makes it a request like any other: with latency, which is cut here by closing the gateway.
	h := http.Header{}
	Mark(h, "guess", grip.ID, "aws/us-west-2")
	done := make(chan struct{})
	go func() {
		defer close(done)
		req := httptest.NewRequest(http.MethodPost, "/v3/"+testKey, strings.NewReader(blockNumber))
		req.Header = h
		defer func() { _ = recover() }() // http.ErrAbortHandler
		w.gw.Handler("ethereum").ServeHTTP(httptest.NewRecorder(), req)
	}()
	for w.gw.Requests() == 0 {
		if err := clock.Sleep(t.Context(), time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.gw.Close(t.Context()); err != nil {
		t.Error(err)
	}
	<-done
	calls := w.sink.calls()
	if last := calls[len(calls)-1]; last.Probe || last.Reply != history.ReplyAborted || last.Faults[0] != "a/other" {
		t.Errorf("record of the wrong token: %+v", last)
	}
}

// No record contains the app's key, wherever the app puts it.
func TestRedaction(t *testing.T) {
	w := open(t, func(c *Config) { c.Regions = []fault.Region{{Name: "op-1", Share: 1}} })
	w.post(`{"jsonrpc":"2.0","id":"` + testKey + `","method":"eth_` + testKey + `","params":["` + testKey + `"]}`)
	w.send("http://"+w.addr+"/v3/"+testKey+"/x", http.MethodPost, blockNumber)
	w.send("http://"+w.addr+"/"+testKey, http.MethodGet, "")
	c := w.socket()
	write(t, c, `{"jsonrpc":"2.0","id":1,"method":"`+testKey+`"}`)
	read(t, c)
	w.nodes["op-1"].server.Close()
	w.post(blockNumber)
	w.gw.note("%s", "http://host/v3/"+testKey)
	w.sink.awaitCalls(t, 6)
	if text := w.sink.written(t); strings.Contains(text, testKey) || strings.Contains(text, testToken) {
		t.Errorf("a secret was recorded: %s", text)
	}
	_, err := w.gw.Open(t.Context(), "ethereum", w.addr)
	if err == nil || strings.Contains(err.Error(), testKey) {
		t.Errorf("error of a taken port: %v", err)
	}
}
