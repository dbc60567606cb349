package gateways

import (
	"net/http"
	"strings"

	"blackout/harness/fault"
)

// ask takes in a request to a service that has no nodes behind it.
func (x *exchange) ask(r *http.Request, body []byte) {
	verb := strings.ToValidUTF8(r.Method, "?")
	x.verb = verb[:min(len(verb), maxMethodLen)]
	x.req.Method = r.Method
	x.req.Own = func() fault.HTTPReply { return x.g.own(r, body) }
	if x.probe != nil && x.g.cfg.Kind == fault.KindHTTP {
		x.req.Own = func() fault.HTTPReply { return textReply(http.StatusOK, "here") } // it asks for nothing that a world file would have to list
	}
}

// owned finds the reply to such a request.
func (x *exchange) owned() fault.HTTPReply {
	if reply, ok := x.whole(false); ok {
		return reply
	}
	if reply, ok := x.limited(); ok {
		return reply
	}
	return x.req.Own()
}
