package fault

import "context"

var _ = register(Definition{
	Name:    "reorg",
	Layer:   LayerChain,
	Summary: "The newest blocks of the chain are replaced by others, and what they had confirmed is undone.",
	Doc: "Every node of the chain, of every provider, changes over to another branch: at the same height there is a block with another hash, balances are other ones, " +
		"and logs of the replaced blocks are gone. The receipt of a transaction that was mined there is null again. With `transactions: return` it is pending again and " +
		"soon mined anew, perhaps at another height; with `forget` no node knows it any more, and later transactions of its sender wait behind the gap until somebody " +
		"sends the same bytes again. Subscribers to newHeads get the new branch's head, and those to logs the lost ones once more with `removed: true`. Blocks at or " +
		"below `finalized` are never replaced. It takes no provider down, so no other provider helps: only waiting for depth does.",
	Source: "Measured on geth 1.17 whose head is moved to another branch through the Engine API. `forget` stands for pools that were emptied, restarted or private: " +
		"geth's own takes a dropped transaction back.",
	Incident: "On 2 September 2025 Starknet reorganised twice, and about an hour and then 20 minutes of transactions that users had seen confirmed were undone " +
		"(starknet.io incident report).",
	Kinds: []string{KindChain},

	Whole:   true,
	Rewinds: func(w With) uint64 { return uint64(max(0, w.Int("depth"))) },
	Params: []Param{
		{Name: "depth", Type: TypeInt, Default: int64(2), Min: bound(1), Max: bound(7), Doc: "How many blocks are replaced, from 1 to 7; fewer than lie between the head and `finalized`."},
		{
			Name: "transactions", Type: TypeString, Default: "return", Enum: []string{"return", "forget"},
			Doc: "What becomes of the transactions of the replaced blocks: they return to the pools, or every pool forgets them.",
		},
		{Name: "every", Type: TypeDuration, Min: bound(1), Doc: "The chain is reorganised again at this interval while the fault holds, at least `1s`; only once when absent."},
	},

	New: func(w With) (Action, error) {
		want := Reorg{Depth: uint64(max(0, w.Int("depth"))), Forget: w.String("transactions") == "forget", Every: w.Duration("every")}
		return &chainAction{
			hold:    func(ctx context.Context, c Chain, g *Grip) error { return c.Reorganise(ctx, g, want) },
			release: func(ctx context.Context, c Chain, effect string) error { return c.Settle(ctx, effect) },
			method:  MethodBlock,
			// What was replaced stays replaced: there is nothing to undo. The fault shows when the service has the new block in the place of the old one; it is over when no
			// further reorganisation comes and the service has the reference node's block there.
			seen: func(p Observation) bool {
				if r := p.Reorganised; r != nil && replied(p) {
					return p.Block == r.Canonical && p.Block != r.Replaced && !r.Settled || p.Block != r.Canonical && r.Settled
				}
				return false
			},
		}, nil
	},
})
