package fault

import "net/http"

var _ = register(Definition{
	Name:    "rpc-error",
	Layer:   LayerRPC,
	Summary: "JSON-RPC calls are answered with an error object.",
	Doc: "The reply is a JSON-RPC error with the call's own id, under HTTP 200 unless `http_status` says otherwise. In a batch only the calls of the named " +
		"methods fail and the others reach the node. Code and message are given word for word, so take them from the provider that is meant.",
	Source: "jsonrpc.org/specification, section 5.1; codes and messages of providers: docs.infura.io, docs.alchemy.com, and proxyd's source for the public " +
		"nodes of Base.",
	Incident: "On 20 November 2023 WalletConnect's RPC failed for 3 and then 22 hours: an upstream's limit came as a JSON-RPC error under HTTP 200, and " +
		"its failover looked at the HTTP status only (status.walletconnect.com, incident wj64kq49ldd7).",
	Kinds: []string{KindRPC},
	Params: []Param{
		{Name: "code", Type: TypeInt, Required: true, Min: bound(-1 << 31), Max: bound(1<<31 - 1), Doc: "The error's code, such as -32603."},
		{Name: "message", Type: TypeString, Required: true, Doc: "The error's message, word for word."},
		{Name: "methods", Type: TypeStrings, Doc: "The methods that fail, such as [eth_sendRawTransaction]; all when absent."},
		{Name: "http_status", Type: TypeInt, Default: int64(http.StatusOK), Min: bound(200), Max: bound(599), Doc: "The HTTP status of the reply, from 200 to 599."},
	},

	Meets: func(w With, called []string) bool { return concerns(w.Strings("methods"), called) },
	New: func(w With) (Action, error) {
		methods := w.Strings("methods")
		want := RPCError{Code: int(w.Int("code")), Message: w.String("message"), HTTPStatus: int(w.Int("http_status"))}
		return &replyAction{
			layer: LayerRPC,
			rule: func(Gateway) ReplyRule {
				return ReplyRule{RPC: func(_ Request, call RPCCall) (RPCError, bool) {
					return want, concerns(methods, []string{call.Method})
				}}
			},
			probe: first(methods),
			seen:  func(p Observation) bool { return replied(p) && p.RPCCode == want.Code && p.RPCMessage == want.Message },
		}, nil
	},
})
