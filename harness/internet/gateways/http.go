package gateways

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gorilla/websocket"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
)

// The transports of requests. One that asks for a socket is on "ws" already.
const (
	transportHTTP = "http"
	transportWS   = "ws"
	transportTCP  = "tcp"
)

// submitTimeout bounds a request with transactions, which outlives its app: above the longest wait of eth_sendRawTransactionSync, a minute in geth.
const submitTimeout = 2 * time.Minute

func (g *Gateway) serve(chain string, w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(g.ctx, cancel)() // a handler that is mounted elsewhere ends with the gateway, too
	probe := g.probe(r.Header)
	g.seen(ctx, probe)
	if g.own == nil && websocket.IsWebSocketUpgrade(r) {
		g.upgrade(ctx, chain, probe, w, r)
		return
	}
	x := g.arrive(chain, transportHTTP, "", probe)
	body, err := readAll(r.Body, r.ContentLength, MaxBody)
	if err != nil {
		x.record(history.ReplyAborted, 0, 0)
		panic(http.ErrAbortHandler)
	}
	if g.own != nil {
		x.ask(r, body)
		g.reply(ctx, w, x, x.owned)
		return
	}
	x.read(body)
	g.reply(ctx, w, x, func() fault.HTTPReply { return g.answer(ctx, r, x, body) })
}

// reply writes an answer after its delay and the service's latency. When the app goes away before, or the gateway closes, the connection is cut.
func (g *Gateway) reply(ctx context.Context, w http.ResponseWriter, x *exchange, answer func() fault.HTTPReply) {
	reply := answer()
	if x.probe == nil {
		reply.Delay += g.cfg.Latency
	}
	if err := clock.Sleep(ctx, reply.Delay); err != nil {
		x.record(history.ReplyAborted, 0, 0)
		panic(http.ErrAbortHandler) // net/http's way to cut a connection; it is not logged
	}
	if x.lost != "" {
		g.lose(ctx, w, x)
		return
	}
	if reply.Status == 0 {
		reply.Status = http.StatusOK
	}
	x.after = retryAfter(reply.Header, reply.Body, g.cfg.Clock.Time(g.cfg.Clock.Now()))
	h := w.Header()
	for name, values := range reply.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	if reply.Status != http.StatusNotModified { // there it would be the length of what is left out (RFC 9110, section 8.6)
		h.Set("Content-Length", strconv.Itoa(len(reply.Body)))
	}
	w.WriteHeader(reply.Status)
	if _, err := w.Write(reply.Body); err != nil {
		x.record(history.ReplyAborted, reply.Status, 0)
		return
	}
	said := reply.Body
	if g.own != nil {
		said = nil // an "error" in it is no error of JSON-RPC
	}
	class, code := classify(reply.Status, said)
	x.record(class, reply.Status, code)
}

// answer finds the reply to an HTTP request.
func (g *Gateway) answer(ctx context.Context, r *http.Request, x *exchange, body []byte) fault.HTTPReply {
	if reply, ok := x.whole(false); ok {
		return reply
	}
	if reply, ok := g.admit(r.URL.Path, false); !ok {
		return reply
	}
	if size := max(int64(len(body)), r.ContentLength); size > MaxBody {
		return textReply(http.StatusRequestEntityTooLarge, fmt.Sprintf("content length too large (%d>%d)", size, MaxBody)) // geth's words, rpc/http.go
	}
	parts := x.divide()
	if parts.settled() {
		x.touchSplit(parts)
		return jsonReply(parts.status, parts.body(x.message.batch))
	}
	if reply, ok := x.limited(); ok {
		return reply
	}
	x.touchSplit(parts)
	x.lead(parts)
	node, err := x.node()
	if err != nil {
		return g.unreachable(x, "of "+x.chain(), err)
	}
	if len(x.sent) > 0 {
		// The node may accept a transaction of an app that has hung up; the other nodes must hear of it all the same.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(g.ctx, submitTimeout)
		defer cancel()
		x.carryWaiting(parts, node)
	}
	reply, err := g.forward(ctx, r, node, parts.left(x.message, body))
	if err != nil {
		if ctx.Err() != nil {
			return fault.HTTPReply{} // nobody waits for it any more
		}
		return g.unreachable(x, node.Name(), err)
	}
	if reply.Status == http.StatusOK {
		reply.Body = x.finish(parts, node, reply.Body)
	}
	if parts.loser == nil {
		return reply
	}
	x.touch(parts.loser, fault.LayerRPC)
	if parts.loss.Mode == fault.LossStatus {
		return g.dialect.Unavailable(x.req, parts.loss.Status)
	}
	x.lost = parts.loss.Mode
	return fault.HTTPReply{}
}

// lose keeps the reply back: the app waits until it gives up, or its connection is reset.
func (g *Gateway) lose(ctx context.Context, w http.ResponseWriter, x *exchange) {
	if x.lost == fault.LossHang {
		<-ctx.Done()
	}
	x.record(history.ReplyLost, 0, 0)
	if x.lost == fault.LossReset {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			reset(conn)
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// reset closes a connection with RST instead of FIN.
func reset(conn net.Conn) {
	inner := conn
	for {
		wrapped, ok := inner.(interface{ NetConn() net.Conn }) // of TLS
		if !ok {
			break
		}
		inner = wrapped.NetConn()
	}
	if tcp, ok := inner.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = inner.Close() // not conn: TLS would say goodbye first
}

// unreachable is the reply when a node does not answer: that is the harness's own trouble and not the app's, so it is recorded as such, once a node.
func (g *Gateway) unreachable(x *exchange, node string, err error) fault.HTTPReply {
	if _, told := g.sick.LoadOrStore(node, true); !told {
		g.cfg.Sink.Add(history.Trouble{Text: fmt.Sprintf("%s: the node %s does not answer: %v", g.cfg.Service, node, err), At: g.cfg.Clock.Now()})
	}
	return g.dialect.Unavailable(x.req, http.StatusBadGateway)
}

// hopByHop are the headers that concern one connection (RFC 9110, section 7.6.1), and those that the gateway sets or keeps to itself. Accept-Encoding is one: the
// reply must be readable for the record.
var hopByHop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true, "Proxy-Connection": true, "Te": true, "Trailer": true,
	"Transfer-Encoding": true, "Upgrade": true, "Accept-Encoding": true, "Content-Length": true, probeHeader: true,
}

func copyHeader(to, from http.Header) {
	for name, values := range from {
		if !hopByHop[name] {
			to[name] = values
		}
	}
}

// forward hands a request to a node over a kept connection and reads the whole reply.
func (g *Gateway) forward(ctx context.Context, r *http.Request, node Backend, body []byte) (fault.HTTPReply, error) {
	to, err := url.Parse(node.URL())
	if err != nil {
		return fault.HTTPReply{}, fmt.Errorf("address of node %s: %w", node.Name(), err)
	}
	to.RawQuery = r.URL.RawQuery
	req, err := http.NewRequestWithContext(ctx, r.Method, to.String(), bytes.NewReader(body))
	if err != nil {
		return fault.HTTPReply{}, fmt.Errorf("request to node %s: %w", node.Name(), err)
	}
	copyHeader(req.Header, r.Header)
	if r.UserAgent() == "" {
		req.Header.Set("User-Agent", "") // net/http would name itself
	}
	resp, err := g.transport.RoundTrip(req)
	if err != nil {
		return fault.HTTPReply{}, err
	}
	defer resp.Body.Close()
	out, err := readAll(resp.Body, resp.ContentLength, 0)
	if err != nil {
		return fault.HTTPReply{}, err
	}
	reply := fault.HTTPReply{Status: resp.StatusCode, Header: make(http.Header, len(resp.Header)), Body: out}
	copyHeader(reply.Header, resp.Header)
	return reply, nil
}

// readAll reads to the end, and with a limit above 0 to one byte beyond it. size is a hint, -1 if unknown.
func readAll(r io.Reader, size, limit int64) ([]byte, error) {
	if limit > 0 {
		r = io.LimitReader(r, limit+1)
		size = min(size, limit)
	}
	var buf bytes.Buffer
	if size > 0 {
		buf.Grow(int(min(size, MaxBody)) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(r); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
