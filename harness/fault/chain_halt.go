package fault

import "context"

var _ = register(Definition{
	Name:    "chain-halt",
	Layer:   LayerChain,
	Summary: "The chain makes no blocks.",
	Doc: "Every node of the chain, of every provider, stays at one block number and answers under HTTP 200. A transaction that is sent gets its hash; the " +
		"receipt stays null until blocks come again. No other provider helps: an app can only say so.",
	Source: "Measured on a real OP stack: while it is halted sends still return a hash and the unsafe head is frozen; the same on geth 1.17 that is given " +
		"no blocks.",
	Incident: "On 5 August 2025 Base made no blocks for 33 minutes after the sequencer's leadership went to an instance still being set up " +
		"(base-l2.statuspage.io, kdq3t8s13gfs).",
	Kinds: []string{KindChain},

	Whole: true,
	New: func(With) (Action, error) {
		return &chainAction{
			hold:    func(ctx context.Context, c Chain, g *Grip) error { return c.Halt(ctx, g) },
			release: func(ctx context.Context, c Chain, effect string) error { return c.Resume(ctx, effect) },
			seen:    func(p Observation) bool { return replied(p) && p.Head > 0 && p.Reference <= p.Head && stoodStill(p) },
		}, nil
	},
})
