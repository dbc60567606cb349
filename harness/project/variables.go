package project

import (
	"slices"
	"strings"

	"blackout/harness/spec"
)

// variable is one that the app reads, and the value that a run gives it.
type variable struct {
	name  string
	value string
	why   string
}

// names lists the variables of the app: those that sources read, then those of .env files, of the image and of the compose file.
func (p *Project) names() (list []string) {
	add := func(names ...string) {
		for _, name := range names {
			if !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	for _, seen := range p.Source.Env {
		add(seen.Text)
	}
	for _, file := range p.Env {
		add(file.Names...)
	}
	if p.Image != nil {
		add(p.Image.Env...)
	}
	if p.Compose != nil {
		for _, s := range p.Compose.Services {
			add(s.Env...)
		}
	}
	return list
}

// The words of a variable's name that say what it is.
var (
	addressWords = []string{"URL", "URLS", "URI", "ENDPOINT", "ENDPOINTS", "NODE", "PROVIDER", "HTTP", "HTTPS", "WS", "WSS", "HOST"}
	otherWords   = []string{"PORT", "TIMEOUT", "MS", "RETRIES", "RETRY", "USER", "PASSWORD", "COUNT", "LIMIT", "ENV", "VERSION", "NETWORK", "CHAIN", "NAME", "INTERVAL"}
	keyWords     = []string{"KEY", "TOKEN", "ID", "SECRET", "APIKEY", "PROJECT"}
	chainWords   = map[string]string{"ETH": "ethereum", "ETHEREUM": "ethereum", "MAINNET": "ethereum", "L1": "ethereum", "BASE": "base", "WEB3": "", "EVM": ""}
	// chains that a world would have to add
	furtherChains = []string{"POLYGON", "MATIC", "ARBITRUM", "ARB", "OPTIMISM", "OP", "SEPOLIA", "GOERLI", "HOLESKY", "HOODI", "BSC", "BNB", "AVALANCHE", "AVAX", "SOLANA", "GNOSIS", "ZKSYNC", "LINEA", "SCROLL", "TESTNET"}
	payerNames    = []string{"PRIVATE_KEY", "HOT_KEY", "WALLET_KEY", "SIGNER_KEY", "DEPLOYER_KEY", "HOT_WALLET_KEY", "WALLET_PRIVATE_KEY"}
	portNames     = []string{"PORT", "HTTP_PORT", "SERVER_PORT", "APP_PORT", "LISTEN_PORT", "API_PORT"}
	preferred     = []string{"infura", "alchemy", "quicknode", "publicnode"}
)

// assigned are the variables that a run has values for, and those names of a chain or gateway that it has none for.
func (p *Project) assigned(w *spec.World) (list []variable, without []string) {
	next := 0
	for _, name := range p.names() {
		words := strings.Split(name, "_")
		if slices.Contains(payerNames, name) || strings.HasSuffix(name, "_PRIVATE_KEY") {
			list = append(list, variable{name, "${payer.key}", "a funded key of the run: your own is not needed"})
			continue
		}
		if slices.ContainsFunc(words, in(otherWords)) {
			continue
		}
		service := named(w, words)
		switch {
		case service != "" && slices.ContainsFunc(words, in(keyWords)):
			list = append(list, variable{name, "any-key-will-do-in-a-run", "the run's " + service + " takes any key"})
			continue
		case !slices.Contains(words, "RPC") && !slices.Contains(words, "RPCS") && !rpcLike(words, service):
			if gateway := gatewayFor(w, words); gateway != "" {
				list = append(list, variable{name, "${service." + gateway + ".url}", "the run's " + gateway})
			}
			continue
		case slices.ContainsFunc(words, in(keyWords)):
			continue
		case slices.ContainsFunc(words, in(furtherChains)):
			without = append(without, name)
			continue
		}
		chain := chainOf(w, words)
		if service == "" {
			spare := spareProviders(w, chain)
			if len(spare) == 0 {
				without = append(without, name)
				continue
			}
			if slices.Contains(words, "FALLBACK") || slices.Contains(words, "BACKUP") || slices.Contains(words, "SECONDARY") || strings.HasSuffix(name, "2") {
				next++
			}
			service = spare[next%len(spare)]
			if slices.Contains(words, "URLS") || slices.Contains(words, "RPCS") || slices.Contains(words, "ENDPOINTS") {
				value := address(w, service, chain, words)
				if len(spare) > 1 {
					value += "," + address(w, spare[(next+1)%len(spare)], chain, words)
				}
				list = append(list, variable{name, value, "the run's providers, between commas"})
				continue
			}
		}
		if value := address(w, service, chain, words); value != "" {
			list = append(list, variable{name, value, "the run's " + service + ", where the app had its provider"})
		} else {
			without = append(without, name)
		}
	}
	return list, without
}

func in(words []string) func(string) bool {
	return func(s string) bool { return slices.Contains(words, s) }
}

// rpcLike reports whether a name without the word RPC is one of a provider's address: INFURA_URL, ETH_NODE, WEB3_PROVIDER.
func rpcLike(words []string, service string) bool {
	if !slices.ContainsFunc(words, in(addressWords)) {
		return false
	}
	return service != "" || slices.ContainsFunc(words, func(s string) bool { _, ok := chainWords[s]; return ok && s != "BASE" })
}

// named is the service of kind rpc whose name a variable holds.
func named(w *spec.World, words []string) string {
	for _, service := range sorted(w.Services) {
		if w.Services[service].Kind == "rpc" && slices.Contains(words, strings.ToUpper(strings.ReplaceAll(service, "-", "_"))) {
			return service
		}
	}
	return ""
}

func chainOf(w *spec.World, words []string) string {
	for _, word := range words {
		if chain := chainWords[word]; slices.Contains(w.ChainOrder, chain) {
			return chain
		}
	}
	return w.ChainOrder[0]
}

// spareProviders are the services that can stand for a provider without a name, the usual ones first.
func spareProviders(w *spec.World, chain string) (list []string) {
	for _, service := range append(slices.Clone(preferred), sorted(w.Services)...) {
		if s, ok := w.Services[service]; ok && s.Hosts[chain] != "" && !slices.Contains(list, service) {
			list = append(list, service)
		}
	}
	return list
}

// address is the variable of a service's address, or "" when the service does not have the chain.
func address(w *spec.World, service, chain string, words []string) string {
	s := w.Services[service]
	if s.Hosts[chain] == "" {
		return ""
	}
	what := "url"
	if slices.Contains(words, "WS") || slices.Contains(words, "WSS") || slices.Contains(words, "WEBSOCKET") {
		what = "ws"
	}
	if len(s.Hosts) == 1 {
		return "${service." + service + "." + what + "}"
	}
	return "${service." + service + "." + chain + "." + what + "}"
}

// gatewayFor is the storage service for a variable such as IPFS_GATEWAY.
func gatewayFor(w *spec.World, words []string) string {
	if !slices.Contains(words, "GATEWAY") && !slices.ContainsFunc(words, in(addressWords)) {
		return ""
	}
	arweave := slices.Contains(words, "ARWEAVE")
	if !arweave && !slices.Contains(words, "IPFS") {
		return ""
	}
	for _, service := range append([]string{"ipfs-io"}, sorted(w.Services)...) {
		if s, ok := w.Services[service]; ok && s.Kind == "storage" && (s.Dialect == "arweave") == arweave {
			return service
		}
	}
	return ""
}

// portName is the variable of the port, or "".
func (p *Project) portName() string {
	names := p.names()
	for _, name := range portNames {
		if slices.Contains(names, name) {
			return name
		}
	}
	return ""
}
