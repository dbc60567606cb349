package run

import (
	"crypto/sha256"
	"encoding/hex"
	"runtime"
	"runtime/debug"
)

// shown are the modules whose versions a history names: what stood in for the chain and for the connections.
var shown = map[string]string{
	"github.com/ethereum/go-ethereum": "geth",
	"github.com/Shopify/toxiproxy/v2": "toxiproxy",
}

// versions says what took part in a run.
func versions(own string) map[string]string {
	v := map[string]string{"blackout": own, "go": runtime.Version(), "os": runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if name, ok := shown[dep.Path]; ok {
				v[name] = dep.Version
			}
		}
	}
	return v
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
