package gateways

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"blackout/harness/content"
	"blackout/harness/fault"
)

// transactions is a gateway of Arweave over files that are the data of one transaction each: GET /TX and /raw/TX.
//
// Its replies are those of github.com/ar-io/ar-io-node, the software behind arweave.net and the gateways that others run: src/routes/data/handlers.ts, setDataHeaders for
// data in its cache that is settled, and sendNotFound. Two things it leaves out: the redirection of /TX to a host name of the transaction's own, which keeps pages apart in
// a browser, and signatures of the gateway. Who holds the transaction's id cannot tell the bytes by it: it is the hash of a signature.
type transactions struct {
	byID map[string]content.File
}

// settledFor is how long data may be kept, in seconds: STABLE_MAX_AGE. missingFor is for what is not found: NOT_FOUND_MAX_AGE.
const (
	settledFor = 60 * 60 * 24 * 30
	missingFor = 60
)

// rawRoot begins the paths of data that no gateway redirects.
const rawRoot = "/raw/"

func newTransactions(all []content.File) *transactions {
	t := &transactions{byID: make(map[string]content.File, len(all))}
	for _, file := range all {
		t.byID[file.TX] = file
	}
	return t
}

func (t *transactions) reply(r *http.Request) fault.HTTPReply {
	w := &page{header: http.Header{"Access-Control-Allow-Origin": {"*"}}}
	t.serve(w, r)
	return fault.HTTPReply{Status: cmp.Or(w.status, http.StatusOK), Header: w.header, Body: w.body.Bytes()}
}

func (t *transactions) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	raw := strings.HasPrefix(r.URL.Path, rawRoot)
	file, ok := t.byID[strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, rawRoot), "/")]
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d, immutable", missingFor))
		h.Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("Not found"))
		return
	}
	h.Set("Accept-Ranges", "bytes")
	h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d, immutable", settledFor))
	h.Set("Content-Type", file.Type)
	h.Set("X-Cache", "HIT")
	if raw {
		h.Del("Access-Control-Allow-Origin") // setRawDataHeaders
		h.Set("Content-Security-Policy", "default-src 'self'; frame-src 'none'; object-src 'none'")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Embedder-Policy", "require-corp")
	}
	get := r
	if r.Method == http.MethodHead { // net/http leaves the body out, and needs its length
		get = r.Clone(r.Context())
		get.Method = http.MethodGet
	}
	http.ServeContent(w, get, "", time.Time{}, bytes.NewReader(file.Bytes))
}
