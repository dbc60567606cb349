package fault

import "context"

var _ = register(Definition{
	Name:    "head-lag",
	Layer:   LayerChain,
	Summary: "The service's nodes are behind the chain, or stand still.",
	Doc: "With `blocks` the nodes behind the service stand still until they are that many blocks behind the head, and then follow at that distance. " +
		"Without it they stay at the head that they had when the fault began. They answer quickly, under HTTP 200, with balances and nonces of old blocks; " +
		"they take transactions, and eth_syncing stays false. A block that they do not have gives `header not found`.",
	Source: "Measured on geth 1.17 held back through the Engine API; `header not found` from Infura's lagging nodes: " +
		"github.com/MetaMask/metamask-extension issue 7234.",
	Incident: "On 30 July 2025 a consensus bug left some providers of Polygon PoS stuck at one block for two to three hours while the chain went on: one " +
		"provider said N, another N+1000 (press reports).",
	Kinds: []string{KindRPC},
	Params: []Param{{
		// One block is what ordinary propagation shows; geth keeps state for 128 blocks.
		Name: "blocks", Type: TypeInt, Min: bound(2), Max: bound(120), Doc: "How many blocks behind the head, from 2 to 120; the nodes stand still when absent.",
	}},

	New: func(w With) (Action, error) {
		blocks, frozen := uint64(max(0, w.Int("blocks"))), !w.Has("blocks")
		return &chainAction{
			hold:    func(ctx context.Context, c Chain, g *Grip) error { return c.Hold(ctx, g, blocks, frozen) },
			release: func(ctx context.Context, c Chain, effect string) error { return c.Release(ctx, effect) },
			renew:   true,
			seen: func(p Observation) bool {
				if !replied(p) || p.Head == 0 || p.Reference <= p.Head {
					return false
				}
				// On its way to a lag of so many blocks a node stands still.
				return stoodStill(p) || !frozen && p.Reference-p.Head >= blocks
			},
		}, nil
	},
})

// stoodStill reports whether the head is older than the time of one block and a half: more than lateness explains.
func stoodStill(p Observation) bool {
	return p.BlockTime > 0 && p.HeadAge >= p.BlockTime+p.BlockTime/2
}
