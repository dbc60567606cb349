package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// fake is a provider that answers with a text in which ID stands for the request's id; without one with 503.
type fake struct {
	text  atomic.Value
	asked atomic.Int32
}

func newFake(t *testing.T, text string) (*fake, *provider) {
	t.Helper()
	f := new(fake)
	f.text.Store(text)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.asked.Add(1)
		var m message
		text := f.text.Load().(string)
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil || text == "" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, strings.ReplaceAll(text, "ID", string(m.ID)))
	}))
	t.Cleanup(server.Close)
	p, err := newProvider(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return f, p
}

func TestForward(t *testing.T) {
	const good, revert = `{"jsonrpc":"2.0","id":ID,"result":"0x2"}`, `{"jsonrpc":"2.0","id":ID,"error":{"code":3,"message":"execution reverted"}}`
	for name, tt := range map[string]struct {
		first, second string
		status        int
		want          string
		asked         int32 // of the second
	}{
		"first":         {`{"jsonrpc":"2.0","id":ID,"result":"0x1"}`, good, 200, `"result":"0x1"`, 0},
		"503":           {"", good, 200, `"result":"0x2"`, 1},
		"page":          {"<html>", good, 200, `"result":"0x2"`, 1},
		"another's":     {`{"jsonrpc":"2.0","id":99,"result":"0x1"}`, good, 200, `"result":"0x2"`, 1},
		"no result":     {`{"jsonrpc":"2.0","id":ID}`, good, 200, `"result":"0x2"`, 1},
		"limit":         {`{"jsonrpc":"2.0","id":ID,"error":{"code":-32005,"message":"later"}}`, good, 200, `"result":"0x2"`, 1},
		"a node's word": {revert, good, 200, "execution reverted", 0},
		"nobody":        {"", "", 503, "no provider answers", 1},
	} {
		t.Run(name, func(t *testing.T) {
			_, a := newFake(t, tt.first)
			second, b := newFake(t, tt.second)
			p := &proxy{providers: []*provider{a, b}}
			w := httptest.NewRecorder()
			p.handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"jsonrpc":"2.0","id":7,"method":"eth_getBalance","params":[]}`)))
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) || !strings.Contains(w.Body.String(), `"id":7`) || second.asked.Load() != tt.asked {
				t.Errorf("%d %s, the second was asked %d times", w.Code, w.Body, second.asked.Load())
			}
			if want := tt.second == ""; p.serves() == want {
				t.Errorf("serves: %v", p.serves())
			}
		})
	}
}

func TestSocketAddress(t *testing.T) {
	for address, want := range map[string]string{"https://mainnet.infura.io/v3/k": "wss://mainnet.infura.io/ws/v3/k", "http://127.0.0.1:8545": "ws://127.0.0.1:8545", "https://a.example/v2/k": "wss://a.example/v2/k"} {
		if p, err := newProvider(address); err != nil || p.socket != want {
			t.Errorf("%s: %+v, %v", address, p, err)
		}
	}
	if _, err := newProvider("ftp://a.example/secret"); err == nil || strings.Contains(fmt.Sprint(err), "secret") {
		t.Errorf("%v", err)
	}
}
