package fault

import (
	"net/http"
	"slices"
)

var _ = register(Definition{
	Name:    "wrong-bytes",
	Layer:   LayerHTTP,
	Summary: "Files come with other bytes than their content id promises.",
	Doc: "The reply is the service's own in status, headers, type and length, Etag and X-Ipfs-Roots included; some digits in the second half of the body are others. A picture " +
		"still draws and JSON still parses: only who hashes the bytes and compares them with the content id finds out. Requests that bring no bytes (HEAD, 304, 404) are left alone.",
	Source: "specs.ipfs.tech/http-gateways/trustless-gateway: a client must verify what a gateway sends. The reply's form is that of boxo v0.43.0 (measured).",
	Incident: "In November 2022 the domain behind the NFTs of FTX US was redirected: what their addresses gave was no longer what had been minted (blockworks, press). With " +
		"bytes of the right type in place of a page the same goes unnoticed for longer.",
	Kinds: []string{KindStorage},

	Meets: func(_ With, called []string) bool { return slices.Contains(called, http.MethodGet) },
	New: func(With) (Action, error) {
		return &replyAction{
			layer: LayerHTTP,
			rule: func(Gateway) ReplyRule {
				return ReplyRule{HTTP: func(r Request) (HTTPReply, bool) {
					if r.Own == nil || r.Method != http.MethodGet {
						return HTTPReply{}, false
					}
					reply := r.Own()
					if reply.Status != http.StatusOK && reply.Status != http.StatusPartialContent || len(reply.Body) == 0 {
						return HTTPReply{}, false
					}
					reply.Body = otherBytes(reply.Body)
					return reply, true
				}}
			},
			seen: func(p Observation) bool {
				return replied(p) && p.Status == http.StatusOK && p.Mismatch && !isHTML(p.ContentType)
			},
		}, nil
	},
})

// otherBytes gives as many bytes that are not the same, and not less well formed: from the middle on a digit from 1 to 8 becomes 9 minus it, so that no number begins with
// a 0 that did not. Where there is no such digit the middle byte changes in its lowest bit.
func otherBytes(body []byte) []byte {
	out, changed := slices.Clone(body), false
	for i := len(out) / 2; i < len(out); i++ {
		if c := out[i]; c >= '1' && c <= '8' {
			out[i], changed = '0'+'9'-c, true
		}
	}
	if !changed {
		out[len(out)/2] ^= 1
	}
	return out
}
