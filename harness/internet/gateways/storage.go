package gateways

import (
	"fmt"
	"net/http"
	"strconv"

	"blackout/harness/content"
	"blackout/harness/fault"
)

// The dialects of services of kind storage: gateways of IPFS, and of Arweave.
const (
	dialectIPFS    = "plain"
	dialectArweave = "arweave"
)

// newStorage makes the front door of a service of kind storage, and what it says itself.
func newStorage(dialect string, held []content.File) (Dialect, func(*http.Request, []byte) fault.HTTPReply, error) {
	switch dialect {
	case "", dialectIPFS:
		f, err := newFiles(held)
		if err != nil {
			return nil, nil, err
		}
		return storage{}, func(r *http.Request, _ []byte) fault.HTTPReply { return f.reply(r) }, nil
	case dialectArweave:
		t := newTransactions(held)
		return web{}, func(r *http.Request, _ []byte) fault.HTTPReply { return t.reply(r) }, nil
	}
	return nil, nil, fmt.Errorf("no storage service speaks %q; there are %s and %s", dialect, dialectArweave, dialectIPFS)
}

// At is the path of a file on a storage service of a dialect.
func At(dialect string, f content.File) string {
	if dialect == dialectArweave {
		return rawRoot + f.TX
	}
	return f.Path()
}

// storage is the front door of public gateways of IPFS: no key, files below the address, and the words of boxo v0.43.0.
//
//   - Too many requests: gateway/middleware_ratelimit.go, HTTP 429 with Retry-After: 60, "industry standard minimum".
//   - 500 and above: gateway/errors.go answers with the error's text as plain text; here it is the phrase of the status.
type storage struct{}

// storageRetryAfter is boxo's, in seconds.
const storageRetryAfter = 60

func (storage) Name() string         { return "plain" }
func (storage) Path(string) string   { return "" }
func (storage) WSPath(string) string { return "" }

func (storage) Admit(string, bool) (fault.HTTPReply, bool) { return fault.HTTPReply{}, true }
func (storage) KeyIn(string, bool) (string, bool)          { return "", true }

func (storage) RateLimited(r fault.Request) fault.HTTPReply {
	after := strconv.Itoa(storageRetryAfter)
	if r.RetryAfter > 0 {
		after = strconv.Itoa(fault.WholeSeconds(r.RetryAfter))
	}
	reply := textReply(http.StatusTooManyRequests, "Too many requests. Please retry after "+after+" seconds.")
	reply.Header.Set("Cache-Control", "no-store")
	reply.Header.Set("Retry-After", after)
	return reply
}

func (storage) Unavailable(_ fault.Request, status int) fault.HTTPReply {
	return textReply(status, http.StatusText(status))
}
