package gateways

import (
	"fmt"
	"net/http"
	"strconv"

	"blackout/harness/canned"
	"blackout/harness/fault"
)

// web is the front door of services of kind http: no key, and the words of the standards, with the phrases of the statuses as RFC 9110 has them.
type web struct{ storage }

// webRetryAfter is what a service says of itself when a fault does not, in seconds: a window of one minute is what price feeds and marketplaces mostly count in.
const webRetryAfter = 60

func (web) RateLimited(r fault.Request) fault.HTTPReply {
	after := webRetryAfter
	if r.RetryAfter > 0 {
		after = fault.WholeSeconds(r.RetryAfter)
	}
	reply := textReply(http.StatusTooManyRequests, http.StatusText(http.StatusTooManyRequests))
	reply.Header.Set("Retry-After", strconv.Itoa(after))
	return reply
}

// canned is what a service of kind http says itself. Pages of any origin may read it, as they may read public interfaces.
func (g *Gateway) canned(r *http.Request, body []byte) fault.HTTPReply {
	if len(body) > MaxBody {
		return textReply(http.StatusRequestEntityTooLarge, http.StatusText(http.StatusRequestEntityTooLarge))
	}
	header := http.Header{"Access-Control-Allow-Origin": {"*"}}
	answer, ok := g.cfg.Site.Answer(canned.Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Body: body})
	switch {
	case ok:
		for name, value := range answer.Header {
			header.Set(name, value)
		}
		return fault.HTTPReply{Status: answer.Status, Header: header, Body: answer.Body}
	case r.Method == http.MethodOptions:
		header.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			header.Set("Access-Control-Allow-Headers", asked)
		}
		return fault.HTTPReply{Status: http.StatusNoContent, Header: header}
	}
	g.wanting(r)
	reply := textReply(http.StatusNotFound, fmt.Sprintf("the world has no reply of %s to %s %s", g.cfg.Service, r.Method, r.URL.Path))
	reply.Header.Set("Access-Control-Allow-Origin", "*")
	return reply
}

// maxWanting is how many requests without a reply are noted.
const maxWanting = 20

// wanting notes a request that the world file has no reply to, each path once: to whoever wrote it this is news.
func (g *Gateway) wanting(r *http.Request) {
	what := r.Method + " " + r.URL.Path
	if len(what) > 200 {
		what = what[:200] + "…"
	}
	n := 0
	g.unknown.Range(func(any, any) bool { n++; return n < maxWanting })
	if n >= maxWanting {
		return
	}
	if _, told := g.unknown.LoadOrStore(what, true); !told {
		g.note("the app was answered 404 to %q, since the world has no reply to it: add one to services.%s.replies", what, g.cfg.Service)
	}
}
