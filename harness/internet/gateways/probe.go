package gateways

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

// probeHeader marks a probe: <token>;effect=<id>;region=<name>.
const probeHeader = "Blackout-Probe"

// mark says of a probe which effect it looks for, and in which region it shall be served ("": the service's first).
type mark struct{ effect, region string }

// Mark marks a request as a probe for an effect in a region: only that effect is considered, whatever its share, as long as it is above zero; the request takes
// no number, no token and no latency, and touches nothing.
func Mark(h http.Header, token, effect, region string) {
	h.Set(probeHeader, token+";effect="+effect+";region="+region)
}

// probe reads the mark of a request; nil for the app's own, and for one whose token is not the run's.
func (g *Gateway) probe(h http.Header) *mark {
	value := h.Get(probeHeader)
	if value == "" || g.cfg.ProbeToken == "" {
		return nil
	}
	token, rest, _ := strings.Cut(value, ";")
	if subtle.ConstantTimeCompare([]byte(token), []byte(g.cfg.ProbeToken)) != 1 {
		return nil
	}
	m := &mark{region: g.cfg.Regions[0].Name}
	for part := range strings.SplitSeq(rest, ";") {
		switch key, v, _ := strings.Cut(part, "="); {
		case key == "effect":
			m.effect = v
		case key == "region" && v != "":
			m.region = v
		}
	}
	return m
}
