package fault

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

var _ = register(Definition{
	Name:    "http-status",
	Layer:   LayerHTTP,
	Summary: "Requests are answered with an HTTP status in the service's stead.",
	Doc: "The whole reply has the status, for a batch too. A websocket is refused at the handshake; an open one is closed at the next message. " +
		"Without a body of its own a status of 500 and above carries the words of the provider's dialect, any other status the standard text. " +
		"`retry_after` adds that header in whole seconds.",
	Source: "RFC 9110, sections 15.5, 15.6 and 10.2.3; the providers' words and where they are known from stand at each dialect.",
	Incident: "On 18 November 2025 Cloudflare's edge answered with HTML of status 5xx from 11:20 to 14:30 UTC; explorers and exchange pages were down " +
		"while the chains were fine (blog.cloudflare.com).",
	Kinds: []string{KindRPC, KindHTTP, KindStorage},
	Params: []Param{
		{Name: "status", Type: TypeInt, Required: true, Min: bound(400), Max: bound(599), Doc: "The HTTP status, from 400 to 599."},
		{Name: "body", Type: TypeString, Doc: "The body, word for word; its content type is guessed from how it begins."},
		{Name: "retry_after", Type: TypeDuration, Min: bound(1), Max: bound(86400), Doc: "The Retry-After header, from 1s to 24h, rounded up to whole seconds."},
	},

	AvailabilityOf: func(w With) bool { return w.Int("status") >= http.StatusInternalServerError },
	New: func(w With) (Action, error) {
		status := int(w.Int("status"))
		if status < 400 || status > 599 {
			return nil, fmt.Errorf("status %d is outside 400–599", status)
		}
		return &replyAction{
			layer: LayerHTTP,
			rule: func(g Gateway) ReplyRule {
				return ReplyRule{HTTP: func(r Request) (HTTPReply, bool) { return statusReply(g.Dialect(), r, status, w), true }}
			},
			seen: func(p Observation) bool { return replied(p) && p.Status == status },
		}, nil
	},
})

func statusReply(d Dialect, r Request, status int, w With) HTTPReply {
	var reply HTTPReply
	switch {
	case w.Has("body"):
		body := w.String("body")
		reply.Body, reply.Header = []byte(body), http.Header{"Content-Type": {contentType(body)}}
	case status >= http.StatusInternalServerError:
		reply = d.Unavailable(r, status)
	default:
		reply.Body, reply.Header = []byte(http.StatusText(status)+"\n"), http.Header{"Content-Type": {textPlain}}
	}
	reply.Status = status
	return withRetryAfter(reply, w.Duration("retry_after"))
}

// withRetryAfter adds the header that says when to come back, in whole seconds; nothing for a length of 0.
func withRetryAfter(reply HTTPReply, after time.Duration) HTTPReply {
	if after <= 0 {
		return reply
	}
	reply.Header = reply.Header.Clone() // a dialect may hand out the same header each time
	if reply.Header == nil {
		reply.Header = http.Header{}
	}
	reply.Header.Set("Retry-After", strconv.Itoa(WholeSeconds(after)))
	return reply
}

// WholeSeconds rounds a length up, as replies that name seconds must.
func WholeSeconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

const textPlain = "text/plain; charset=utf-8"

func contentType(body string) string {
	switch trimmed := strings.TrimSpace(body); {
	case strings.HasPrefix(trimmed, "<"):
		return textHTML
	case json.Valid([]byte(trimmed)) && strings.ContainsAny(trimmed[:1], "{["):
		return "application/json"
	default:
		return textPlain
	}
}
