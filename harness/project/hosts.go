package project

import (
	"slices"
	"strings"

	"blackout/harness/spec"
)

// Hosts are the names of URLs in the sources, sorted by what a world knows of them.
type Hosts struct {
	Modelled   []HostOf
	Unmodelled []Seen // of providers and gateways, by their names, that the world does not have
	Other      []Seen
}

// HostOf is a host of a service.
type HostOf struct {
	Seen
	Service, Kind, Chain string
}

// providers are the domains under which RPC providers, gateways and the interfaces around them are found; a host below one of them belongs to it.
var providers = strings.Fields(`
	infura.io alchemy.com alchemyapi.io quiknode.pro quicknode.com ankr.com publicnode.com llamarpc.com drpc.org cloudflare-eth.com 1rpc.io blastapi.io chainstack.com
	getblock.io nodereal.io pokt.network grove.city blockpi.network merkle.io flashbots.net mevblocker.io tenderly.co thirdweb.com base.org optimism.io arbitrum.io
	polygon-rpc.com polygon.technology linea.build scroll.io zksync.io bnbchain.org binance.org avax.network gnosischain.com solana.com helius-rpc.com glif.io
	ipfs.io dweb.link w3s.link web3.storage nftstorage.link nft.storage pinata.cloud cloudflare-ipfs.com 4everland.io filebase.io lighthouse.storage fleek.co
	arweave.net ar-io.dev ar-io.net permagate.io g8way.io irys.xyz
	etherscan.io basescan.org opensea.io coingecko.com coinbase.com thegraph.com walletconnect.com walletconnect.org`)

// elsewhere are hosts that URLs in sources name without anything being asked of them.
var elsewhere = strings.Fields(`
	w3.org schema.org json-schema.org github.com githubusercontent.com npmjs.com npmjs.org nodejs.org golang.org go.dev mozilla.org example.com example.org example.net
	creativecommons.org opensource.org apache.org ietf.org rfc-editor.org ethereum.org eips.ethereum.org wikipedia.org stackoverflow.com readthedocs.io localhost`)

// Hosts sorts what the sources name. Of a host that is both, the world decides.
func (p *Project) Hosts(w *spec.World) (h Hosts) {
	for _, seen := range p.Source.Hosts {
		switch of, ok := owner(w, seen.Text); {
		case ok:
			of.Seen = seen
			h.Modelled = append(h.Modelled, of)
		case below(seen.Text, elsewhere) || local(seen.Text):
		case below(seen.Text, providers) || speaks(seen.Text):
			h.Unmodelled = append(h.Unmodelled, seen)
		default:
			h.Other = append(h.Other, seen)
		}
	}
	return h
}

// owner finds the service that a host belongs to.
func owner(w *spec.World, host string) (HostOf, bool) {
	for _, name := range sorted(w.Services) {
		s := w.Services[name]
		if s.Host == host || slices.Contains(s.Further[""], host) {
			return HostOf{Service: name, Kind: s.Kind}, true
		}
		for _, chain := range sorted(s.Hosts) {
			if s.Hosts[chain] == host || slices.Contains(s.Further[chain], host) {
				return HostOf{Service: name, Kind: s.Kind, Chain: chain}, true
			}
		}
	}
	return HostOf{}, false
}

func below(host string, domains []string) bool {
	return slices.ContainsFunc(domains, func(d string) bool { return host == d || strings.HasSuffix(host, "."+d) })
}

// speaks reports whether a name's own labels say that a provider or a gateway stands there.
func speaks(host string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(host, func(r rune) bool { return r == '.' || r == '-' }), func(label string) bool {
		return slices.Contains([]string{"rpc", "ipfs", "arweave", "jsonrpc"}, label)
	})
}

// local reports whether a name is an address, or one of a private network.
func local(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	return strings.Trim(last, "0123456789") == "" || slices.Contains([]string{"local", "internal", "test", "invalid", "localhost", "lan"}, last)
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
