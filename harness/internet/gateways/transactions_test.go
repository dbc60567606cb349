package gateways

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/txpool"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"blackout/harness/fault"
	"blackout/harness/history"
)

func TestTransactions(t *testing.T) {
	mine, theirs := newKey(t), newKey(t)
	_, one, tx1 := payment(t, mine, 1e9, "1")
	raw2, two, tx2 := payment(t, mine, 1e9+1, "2")
	raw1, _, _ := payment(t, mine, 1e9, "1")
	_, foreign, txF := payment(t, theirs, 0, "3")
	const refused = `{"jsonrpc":"2.0","id":3,"error":{"code":-32000,"message":"signed by a key that this run did not make: the transaction was not passed on"}}`
	sync1 := strings.Replace(one, sendRaw, sendRawSync, 1)
	ok := func(id, hash string) string { return `{"jsonrpc":"2.0","id":` + id + `,"result":"` + hash + `"}` }
	sent := func(tx string, nonce uint64) history.Sent {
		return history.Sent{Tx: tx, From: strings.ToLower(crypto.PubkeyToAddress(mine.PublicKey).Hex()), To: "0x00000000000000000000000000000000000000aa",
			Nonce: nonce, ChainID: 1, Intent: "pay#1", Service: "infura"}
	}
	s1, s2 := sent(tx1.Hash().Hex(), 1e9), sent(tx2.Hash().Hex(), 1e9+1)
	sF := s1
	sF.Tx, sF.From, sF.Nonce, sF.Intent, sF.Foreign = txF.Hash().Hex(), strings.ToLower(crypto.PubkeyToAddress(theirs.PublicKey).Hex()), 0, "", true

	for name, tc := range map[string]struct {
		body    string
		nodeErr error
		fault   int
		want    string // the reply's body, "" when it does not matter
		sent    []history.Sent
		carried []string
		node    []string // raws that reached the node
	}{
		"accepted":            {body: one, want: ok("1", tx1.Hash().Hex()), sent: []history.Sent{s1}, carried: []string{raw1}, node: []string{raw1}},
		"refused by the node": {body: one, nodeErr: errors.New("txpool is full"), sent: []history.Sent{s1}, node: []string{raw1}},
		"known already":       {body: one, nodeErr: txpool.ErrAlreadyKnown, sent: []history.Sent{s1}, carried: []string{raw1}, node: []string{raw1}},
		"batch": {
			body: `[` + two + `,` + blockNumber + `]`, want: `[` + ok("2", tx2.Hash().Hex()) + `,` + ok("1", "0x7") + `]`,
			sent: []history.Sent{s2}, carried: []string{raw2}, node: []string{raw2},
		},
		"foreign":          {body: foreign, want: refused, sent: []history.Sent{sF}},
		"foreign in batch": {body: `[` + foreign + `,` + one + `]`, want: `[` + refused + `,` + ok("1", tx1.Hash().Hex()) + `]`, sent: []history.Sent{sF, s1}, carried: []string{raw1}, node: []string{raw1}},
		"faulted":          {body: one, fault: 503, sent: []history.Sent{s1}},
		"not decodable":    {body: `{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x01"]}`, carried: []string{"0x01"}, node: []string{"0x01"}},
		"waits for mining": {body: sync1, sent: []history.Sent{s1}, carried: []string{raw1}},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, func(c *Config) { c.Regions = []fault.Region{{Name: "op-1", Share: 1}} })
			w.known[crypto.PubkeyToAddress(mine.PublicKey)] = "pay#1"
			w.nodes["op-1"].err = tc.nodeErr
			if tc.fault != 0 {
				w.put("c1", 1, nil, fault.LayerHTTP, tc.fault)
			}
			if got := w.post(tc.body); tc.want != "" && got.Body != tc.want {
				t.Errorf("reply (-want +got):\n%s", cmp.Diff(tc.want, got.Body))
			}
			if diff := cmp.Diff(tc.sent, pick[history.Sent](w.sink), cmpopts.IgnoreFields(history.Sent{}, "At")); diff != "" {
				t.Errorf("recorded (-want +got):\n%s", diff)
			}
			var want []carried
			if name != "not decodable" { // the test's node takes it; nobody can say what it is
				for _, raw := range tc.carried {
					want = append(want, carried{"ethereum", "ethereum/op-1", raw})
				}
			}
			if diff := cmp.Diff(want, w.carried); diff != "" {
				t.Errorf("carried (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.node, w.nodes["op-1"].raws); diff != "" {
				t.Errorf("at the node (-want +got):\n%s", diff)
			}
			text := w.sink.written(t)
			for _, raw := range []string{raw1, raw2} {
				if strings.Contains(text, strings.TrimPrefix(raw, "0x")) || strings.Contains(text, raw[len(raw)-64:]) {
					t.Errorf("a raw transaction or its signature was recorded: %s", text)
				}
			}
		})
	}
}

// missed is what geth takes as a raw transaction and the gateway does not see in a body; none is the only right answer. The oracle is geth's own server.
func missed(t *testing.T, server http.Handler, n *node, body []byte) []string {
	t.Helper()
	n.raws = nil
	req := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	server.ServeHTTP(httptest.NewRecorder(), req)
	var seen []string
	for _, c := range parse(body).calls {
		var params []json.RawMessage
		var raw hexutil.Bytes
		if c.Method == sendRaw && json.Unmarshal(c.params, &params) == nil && len(params) > 0 && json.Unmarshal(params[0], &raw) == nil {
			seen = append(seen, raw.String())
		}
	}
	var out []string
	for _, raw := range n.raws {
		if !slices.Contains(seen, raw) {
			out = append(out, raw)
		}
	}
	return out
}

// A transaction cannot reach the node in a form that the signer check does not see.
func FuzzParseSeesWhatGethSees(f *testing.F) {
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x01"]}`,
		`[{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x01"]},null,1,{"id":{}}]`,
		`{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","METHOD":"eth_blockNumber","params":["0x01"],"Params":[]}`,
		`{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","method":"eth_sendRawTransaction","method":5,"params":["0x01"]}`,
		`{"jsonrpc":"2.0","id":1,"\u006dethod":"eth_send\u0052awTransaction","params":["0x\u0030\u0031"]}`,
		" \t\r\n[ {\"jsonrpc\":\"2.0\",\"method\":\"eth_sendRawTransaction\",\"params\":[\"0x01\"]} ] ",
		`{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x01"]} {}`,
		`{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":[]`, `[]`, ``, `null`, `"x"`, `[[{}]]`,
	} {
		f.Add([]byte(body))
	}
	n := &node{}
	server := rpc.NewServer()
	if err := server.RegisterName("eth", ethAPI{n}); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(server.Stop)
	f.Fuzz(func(t *testing.T, body []byte) {
		if raws := missed(t, server, n, body); len(raws) > 0 {
			t.Fatalf("geth took %v, which the gateway did not see in %q", raws, body)
		}
		m := parse(body)
		m.methods()
		x := &exchange{g: &Gateway{}, message: m}
		s := x.divide()
		if got := s.left(m, body); !bytes.Equal(got, body) {
			t.Fatalf("without rules %q went on as %q", body, got)
		}
	})
}

// Whatever a node may answer, merging keeps each of its members and the gateway's own, once.
func FuzzMerge(f *testing.F) {
	f.Add([]byte(`[{"id":1},{"id":2},{"id":3}]`), []byte(`[{"id":3,"result":1},{"id":1}]`), uint(2))
	f.Add([]byte(`[{"id":1},{"id":1}]`), []byte(`[{"id":null,"error":{"code":-32600}}]`), uint(1))
	f.Fuzz(func(t *testing.T, request, response []byte, mask uint) {
		m := parse(request)
		answers, batch, ok := parseAnswers(response)
		if !m.batch || !ok || !batch {
			return
		}
		own, want := make([]ownAnswer, len(m.calls)), len(answers)
		for i := range own {
			if mask>>(i%64)&1 == 1 {
				own[i] = ownAnswer{true, json.RawMessage(`{"own":true}`)}
				want++
			}
		}
		var out []json.RawMessage
		if err := json.Unmarshal(merge(m.calls, own, answers), &out); err != nil {
			t.Fatalf("the merged reply is not JSON: %v", err)
		}
		if len(out) != want {
			t.Fatalf("%d members, want %d", len(out), want)
		}
	})
}
