package fault

import (
	"net/http"
	"strings"
)

var _ = register(Definition{
	Name:    "html-page",
	Layer:   LayerHTTP,
	Summary: "Requests are answered with HTTP 200 and a page of HTML.",
	Doc: "The whole reply, for a batch too, is HTTP 200 with `Content-Type: text/html` and a page that has nothing to do with what was asked. By its status it is a good " +
		"answer: only who looks at the type or at the bytes finds out. A client of JSON-RPC fails to parse it (\"Unexpected token '<'\"), one that shows pictures or metadata " +
		"may show it. The handshake of a websocket is answered with the page too, so no socket opens; on an open one there is no status line, and messages pass.",
	Source: "The incident, by press reports; RFC 9110, section 15.3.1 on what a client may conclude from a 200.",
	Incident: "In November 2022 the domain behind the NFTs of FTX US was redirected after the bankruptcy: their metadata addresses answered HTTP 200 with a page about the " +
		"proceedings, not 404 (blockworks, press).",
	Kinds: []string{KindRPC, KindHTTP, KindStorage},
	Params: []Param{
		{Name: "body", Type: TypeString, Doc: "The page, word for word; a short one that says the service has moved when absent."},
	},

	Availability: true,
	NoSockets:    true,
	New: func(w With) (Action, error) {
		body := movedPage
		if w.Has("body") {
			body = w.String("body")
		}
		return &replyAction{
			layer: LayerHTTP,
			rule: func(Gateway) ReplyRule {
				return ReplyRule{HTTP: func(Request) (HTTPReply, bool) {
					return HTTPReply{Status: http.StatusOK, Header: http.Header{"Content-Type": {textHTML}}, Body: []byte(body)}, true
				}}
			},
			// The probe of an rpc service calls such a reply unreadable, so there is an error beside its status.
			seen: func(p Observation) bool {
				return p.DialError == nil && !p.TimedOut && p.Status == http.StatusOK && isHTML(p.ContentType)
			},
		}, nil
	},
})

const textHTML = "text/html; charset=utf-8"

const movedPage = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>We have moved</title></head>
<body>
<h1>We have moved</h1>
<p>This service is no longer offered at this address.</p>
</body>
</html>
`

func isHTML(contentType string) bool { return strings.HasPrefix(contentType, "text/html") }
