package chain

import (
	"bytes"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/google/go-cmp/cmp"
)

// Emulated failures copy what geth says. These are the originals, so that a new version of geth that says something else is noticed.
func TestWire(t *testing.T) {
	w := start(t, ethereum(1))
	payer, user := Key(seed, "payer 0"), Key(seed, "user 0")
	to := common.HexToAddress("0x1234")
	if err := w.Hold(t.Context(), grip("lag", "infura"), 2, false); err != nil {
		t.Fatal(err)
	}
	mined := transfer(t, payer, 1, FirstNonce, to)
	w.send(t, "shared", mined)
	w.steps(t, 2)
	waiting := transfer(t, payer, 1, FirstNonce+1, to)
	w.send(t, "shared", waiting)

	contract := common.HexToAddress("0xc0de")
	reverts := map[string]any{"to": contract, "data": "0x"}
	// PUSH1 0 PUSH1 0 REVERT
	override := map[string]any{contract.Hex(): map[string]string{"code": "0x60006000fd"}}
	cheap := func(d *types.DynamicFeeTx) { d.GasFeeCap, d.GasTipCap = big.NewInt(1), big.NewInt(1) }
	head := w.Reference().Head()

	tests := []struct {
		name, node, method string
		args               []any
		want               string // "<code> <message>", a result as JSON, or "ok" for any result but null
	}{
		{"state at a block that a lagging node lacks", "infura@aws/0", "eth_getBalance", []any{to, "0x12"}, "-32000 header not found"},
		{"block that a lagging node lacks", "infura@aws/0", "eth_getBlockByNumber", []any{"0x12", false}, "null"},
		{"block by an unknown hash", "shared", "eth_getBlockByHash", []any{common.Hash{1}, false}, "null"},
		{"receipt of an unknown transaction", "shared", "eth_getTransactionReceipt", []any{common.Hash{1}}, "null"},
		{"receipt of a pending transaction", "shared", "eth_getTransactionReceipt", []any{waiting.Hash()}, "null"},
		{"receipt on a lagging node", "infura@aws/0", "eth_getTransactionReceipt", []any{mined.Hash()}, "null"},
		{"unknown transaction", "shared", "eth_getTransactionByHash", []any{common.Hash{1}}, "null"},
		{"a lagging node says that it is not syncing", "infura@aws/0", "eth_syncing", nil, "false"},
		{"filter of another node", "shared", "eth_getFilterChanges", []any{"0x1"}, "-32000 filter not found"},
		{"logs beyond the head", "infura@aws/0", "eth_getLogs", []any{map[string]string{"fromBlock": "0x10", "toBlock": "0x12"}},
			"-32602 block range extends beyond current head block"},
		{"logs of a range the wrong way round", "shared", "eth_getLogs", []any{map[string]string{"fromBlock": "0x5", "toBlock": "0x4"}},
			"-32602 invalid block range params"},
		{"logs of an unknown block", "shared", "eth_getLogs", []any{map[string]any{"blockHash": common.Hash{1}}}, "-32000 unknown block"},
		{"logs", "shared", "eth_getLogs", []any{map[string]any{"fromBlock": "0x1", "toBlock": "latest"}}, "[]"},
		{"logs of a block by hash", "shared", "eth_getLogs", []any{map[string]any{"blockHash": head.Hash}}, "[]"},
		{"unknown method", "shared", "eth_nonsense", nil, "-32601 the method eth_nonsense does not exist/is not available"},
		{"subscription over HTTP", "shared", "eth_subscribe", []any{"newHeads"}, "-32601 notifications not supported"},
		{"revert", "shared", "eth_call", []any{reverts, "latest", override}, "3 execution reverted"},
		{"same transaction, pending", "shared", "eth_sendRawTransaction", []any{raw(t, waiting)}, "-32000 already known"},
		{"same transaction, mined", "shared", "eth_sendRawTransaction", []any{raw(t, mined)}, "-32000 nonce too low: next nonce 1000000001, tx nonce 1000000000"},
		{"another transaction with a used nonce", "shared", "eth_sendRawTransaction", []any{raw(t, transfer(t, payer, 1, FirstNonce, common.Address{1}))},
			"-32000 nonce too low: next nonce 1000000001, tx nonce 1000000000"},
		{"replacement that pays too little", "shared", "eth_sendRawTransaction", []any{raw(t, transfer(t, payer, 1, FirstNonce+1, common.Address{1}))},
			"-32000 replacement transaction underpriced"},
		{"nonce gap", "shared", "eth_sendRawTransaction", []any{raw(t, transfer(t, payer, 1, FirstNonce+9, to))}, "ok"},
		{"fee below the base fee", "shared", "eth_sendRawTransaction", []any{raw(t, transfer(t, user, 1, FirstNonce, to, cheap))}, "ok"},
		{"insufficient funds", "shared", "eth_sendRawTransaction", []any{raw(t, transfer(t, Key(seed, "poor"), 1, FirstNonce, to))},
			"-32000 insufficient funds for gas * price + value: balance 0, tx cost 210000000000001, overshot 210000000000001"},
		{"wrong chain id", "shared", "eth_sendRawTransaction", []any{raw(t, transfer(t, payer, 8453, FirstNonce, to))},
			"-32000 invalid sender: invalid chain id for signer: have 8453 want 1"},
		{"a lagging node accepts transactions", "infura@aws/0", "eth_sendRawTransaction", []any{raw(t, transfer(t, Key(seed, "user 1"), 1, FirstNonce, to))}, "ok"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": test.method, "params": test.args})
			if err != nil {
				t.Fatal(err)
			}
			status, reply := post(t, w, test.node, body)
			if status != http.StatusOK {
				t.Errorf("HTTP status %d", status)
			}
			if diff := cmp.Diff(test.want, outcome(t, reply, test.want == "ok")); diff != "" {
				t.Error(diff)
			}
		})
	}

	// Neither a nonce gap nor a fee below the base fee is ever mined, though both were answered with a hash.
	w.steps(t, 2)
	for _, b := range w.rec.all()[DefaultEarly+3:] {
		for _, tx := range b.Txs {
			if tx.Hash() != waiting.Hash() {
				t.Errorf("block %d contains nonce %d", b.Number, tx.Nonce())
			}
		}
	}
}

func TestWireOfRequests(t *testing.T) {
	w := start(t, ethereum(0))
	batch := "[" + strings.Repeat(`{"jsonrpc":"2.0","id":1,"method":"eth_chainId"},`, 1000) + `{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}]`
	tests := []struct {
		name, body string
		status     int
		want       string
	}{
		{"no JSON", `{"jsonrpc`, 200, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}`},
		{"empty batch", `[]`, 200, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"empty batch"}}`},
		{"batch of 1001", batch, 200, `[{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"batch too large"}}]`},
		{"body above 5 MiB", strings.Repeat(" ", 5<<20+1), 413, "content length too large (5242881>5242880)"},
		{"chain id", `{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}`, 200, `{"jsonrpc":"2.0","id":1,"result":"0x1"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, reply := post(t, w, "shared", []byte(test.body))
			if status != test.status || strings.TrimSpace(string(reply)) != test.want {
				t.Errorf("%d %s", status, reply)
			}
		})
	}
}

func post(t *testing.T, w *world, node string, body []byte) (int, []byte) {
	t.Helper()
	reply, err := w.http.Post(w.node(t, node).URL(), "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	got, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, got
}

// outcome is a reply in short: "<code> <message>", or the result as JSON, or "ok" for any result when that will do.
func outcome(t *testing.T, reply []byte, anyResult bool) string {
	t.Helper()
	var r struct {
		Result json.RawMessage
		Error  *struct {
			Code    json.Number
			Message string
		}
	}
	if err := json.Unmarshal(reply, &r); err != nil {
		t.Fatalf("%s: %v", reply, err)
	}
	switch {
	case r.Error != nil:
		return r.Error.Code.String() + " " + r.Error.Message
	case anyResult && len(r.Result) > len("null"):
		return "ok"
	default:
		return string(r.Result)
	}
}
