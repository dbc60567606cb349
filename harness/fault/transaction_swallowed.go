package fault

var _ = register(Definition{
	Name:    "transaction-swallowed",
	Layer:   LayerRPC,
	Summary: "Transactions are answered with their hash and go nowhere.",
	Doc: "eth_sendRawTransaction returns the transaction's hash at once, and nobody hears of it: no node, no pool, no builder of blocks. Its receipt and eth_getTransactionByHash " +
		"stay null, at this provider as at every other, until the app hands it to one that works. Nothing is checked, so one that could never be mined gets its hash too; " +
		"what cannot be read as a transaction is left to the node, which refuses it. eth_sendRawTransactionSync, which waits for the block, is left alone.",
	Source: "A replica of an OP-stack chain hands a transaction on to the sequencer, answers with the hash, and by default keeps nothing itself (op-geth v1.101200.1, " +
		"release notes); that a halted chain's hash comes back and the receipt stays null was measured on a real OP stack.",
	Incident: "On 31 January 2026 a change to how Base passes transactions on left the builder fetching some that it could not execute, again and again: blocks went on, a " +
		"hash came back, and transactions were mined hours later or never (press reports).",
	Kinds: []string{KindRPC},

	Meets: func(_ With, called []string) bool { return concerns([]string{methodSend}, called) },
	New: func(With) (Action, error) {
		return &replyAction{
			layer: LayerRPC,
			rule: func(Gateway) ReplyRule {
				return ReplyRule{RPC: func(r Request, call RPCCall) (RPCError, bool) {
					hash := call.Tx
					if r.Probe {
						hash = noTransaction
					}
					return RPCError{Result: []byte(`"` + hash + `"`)}, call.Method == methodSend && hash != ""
				}}
			},
			probe: methodSend,
			seen:  func(p Observation) bool { return replied(p) && string(p.Result) == `"`+noTransaction+`"` },
		}, nil
	},
})

const methodSend = "eth_sendRawTransaction"

// noTransaction answers a probe, which hands over none: a node has only an error for it.
const noTransaction = "0x0000000000000000000000000000000000000000000000000000000000000000"
