package fault

var _ = register(Definition{
	Name:    "wrong-chain",
	Layer:   LayerRPC,
	Summary: "The service answers for another chain.",
	Doc: "Requests go to a node of `chain`, and what comes back is that chain's truth: its eth_chainId, its balances and nonces, its blocks. Nothing is an error. A " +
		"transaction signed for the right chain is refused there in geth's words (`invalid chain id for signer`); one that the app signs for the chain that the provider " +
		"now names is mined there. On an open websocket single requests are led astray; one on which the app subscribed there is cut when the fault ends.",
	Source: "Answers are those of real geth nodes of the other chain. EIP-695 and EIP-155: eth_chainId, and what it guards.",
	Incident: "On 11 November 2020, while Infura followed a minority fork, wallets showed the balance of the network that had been selected before, or 0 " +
		"(blog.infura.io, post-mortem).",
	Kinds:  []string{KindRPC},
	Params: []Param{{Name: "chain", Type: TypeChain, Required: true, Doc: "The chain of the world whose nodes answer."}},

	New: func(w With) (Action, error) {
		chain := w.String("chain")
		return &replyAction{
			layer: LayerRPC,
			rule:  func(Gateway) ReplyRule { return ReplyRule{Lead: func(Request) (string, bool) { return chain, true }} },
			probe: "eth_chainId",
			seen:  func(p Observation) bool { return replied(p) && p.ChainNamed == chain },
		}, nil
	},
})
