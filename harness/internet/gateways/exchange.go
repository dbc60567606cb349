package gateways

import (
	"encoding/json"
	"net/http"
	"sync"

	"blackout/harness/clock"
	"blackout/harness/fault"
	"blackout/harness/history"
)

// exchange is one request, over HTTP or on a socket, on its way through the gateway.
type exchange struct {
	g       *Gateway
	req     fault.Request
	message message
	probe   *mark // nil for a request of the app
	opens   bool  // it asks for a socket
	at      clock.Micros
	sent    []submission
	faults  []string // effects that touched it
	once    sync.Once
}

// arrive counts a request of the app and gives it its number and its region. A region that is not "" is where its socket ended up.
func (g *Gateway) arrive(chain, transport, region string, probe *mark) *exchange {
	x := &exchange{g: g, probe: probe, at: g.cfg.Clock.Now()}
	x.req = fault.Request{
		Service: g.cfg.Service, Region: region, Chain: chain, Transport: transport, At: g.cfg.Clock.Time(x.at), Dialect: g.dialect,
		Probe: probe != nil,
	}
	if probe != nil {
		x.req.N, x.req.Region = g.requests.Load(), probe.region
		return x
	}
	x.req.N = g.requests.Add(1) - 1
	g.meter.count(x.at)
	if region == "" {
		x.req.Region = g.region(x.req.N)
	}
	return x
}

// region places the n-th request, by the regions' shares.
func (g *Gateway) region(n uint64) string {
	left := fault.Fraction(g.cfg.Seed, "placement", g.cfg.Service, n)
	for _, r := range g.cfg.Regions {
		if left -= r.Share; left < 0 {
			return r.Name
		}
	}
	return g.cfg.Regions[len(g.cfg.Regions)-1].Name // shares that sum to a hair less than 1
}

// read takes in what the request says.
func (x *exchange) read(body []byte) {
	x.message = parse(body)
	x.req.Calls, x.req.Batch = x.message.rpcCalls(), x.message.batch
	x.inspect()
}

// takes says whether the effect takes this request. A probe is taken by its own effect for certain, and by no other.
func (x *exchange) takes(g *fault.Grip) bool {
	if x.probe != nil {
		return g.ID == x.probe.effect && g.Share() > 0 && g.Covers(x.req.Region, x.req.Chain)
	}
	return g.Takes(x.req.Region, x.req.Chain, x.req.N)
}

func (x *exchange) touch(g *fault.Grip, layer fault.Layer) {
	if x.probe == nil {
		g.Touch(layer)
	}
	x.faults = append(x.faults, g.ID)
}

// whole asks the http rules. On an open socket there is no status line: replies below 400 cannot be said there, so their rules leave it alone.
func (x *exchange) whole(open bool) (fault.HTTPReply, bool) {
	for _, rule := range x.g.rules.all() {
		if rule.HTTP == nil || !x.takes(rule.Grip) {
			continue
		}
		if reply, ok := rule.HTTP(x.req); ok && (!open || reply.Status >= http.StatusBadRequest) {
			x.touch(rule.Grip, fault.LayerHTTP)
			return reply, true
		}
	}
	return fault.HTTPReply{}, false
}

// split is a request divided between the gateway and the node.
type split struct {
	own    []ownAnswer // by call
	rest   int         // calls that are the node's
	status int         // of the reply when nothing is the node's: the first call's
	grips  []*fault.Grip
}

// divide asks the rpc rules and the signer check for each call. It touches nothing yet, since the capacity may still refuse the whole request.
func (x *exchange) divide() split {
	s := split{own: make([]ownAnswer, len(x.message.calls)), rest: len(x.message.calls), status: http.StatusOK}
	for _, sub := range x.sent {
		if sub.foreign {
			s.take(sub.call, x.message.calls[sub.call].ID, foreignKey)
		}
	}
	for _, rule := range x.g.rules.all() {
		if rule.RPC == nil || !x.takes(rule.Grip) {
			continue
		}
		hit := false
		for i, c := range x.message.calls {
			if s.own[i].taken || c.Method == "" || !answerable(c.ID) {
				continue
			}
			if e, ok := rule.RPC(x.req, c.RPCCall); ok {
				s.take(i, c.ID, e)
				hit = true
			}
		}
		if hit {
			s.grips = append(s.grips, rule.Grip)
		}
	}
	return s
}

func (s *split) take(i int, id []byte, e fault.RPCError) {
	if s.own[i].taken {
		return
	}
	s.own[i].taken = true
	s.rest--
	if i == 0 && e.HTTPStatus != 0 {
		s.status = e.HTTPStatus
	}
	if answerable(id) {
		s.own[i].body = errorReply(id, e)
	}
}

// settled says that nothing is left for the node, of something.
func (s split) settled() bool { return s.rest == 0 && len(s.own) > 0 }

// body is the reply to a settled request; empty when none of its calls gets an answer.
func (s split) body(batch bool) []byte {
	var all []json.RawMessage
	for _, a := range s.own {
		if a.body != nil {
			all = append(all, a.body)
		}
	}
	switch {
	case len(all) == 0:
		return nil
	case batch:
		return joinArray(all)
	default:
		return all[0]
	}
}

// left is what goes to the node: the request's own bytes unless a member was taken out.
func (s split) left(m message, whole []byte) []byte {
	if s.rest == len(s.own) {
		return whole
	}
	var raws []json.RawMessage
	for i, c := range m.calls {
		if !s.own[i].taken {
			raws = append(raws, c.raw)
		}
	}
	return joinArray(raws)
}

func (x *exchange) touchSplit(s split) {
	for _, g := range s.grips {
		x.touch(g, fault.LayerRPC)
	}
}

// limited takes a token of the service's capacity, and gives the provider's words when there is none.
func (x *exchange) limited() (fault.HTTPReply, bool) {
	if x.probe != nil || x.g.capacity.take(x.req.At) {
		return fault.HTTPReply{}, false
	}
	x.faults = append(x.faults, history.CapacityPrefix+x.g.cfg.Service)
	return x.g.dialect.RateLimited(x.req), true
}

// node gives the backend of the request's chain and region, and counts the request for the effects that hold it.
func (x *exchange) node() (Backend, error) {
	node, err := x.g.cfg.Backend(x.req.Chain, x.req.Region)
	if err != nil {
		return nil, err
	}
	x.hold(node)
	return node, nil
}

func (x *exchange) hold(node Backend) {
	for _, g := range node.Grips() {
		if g.Covers(x.req.Region, x.req.Chain) && (x.probe == nil || g.ID == x.probe.effect) {
			x.touch(g, fault.LayerChain)
		}
	}
}

// record writes the call down, once: later words about it are ignored.
func (x *exchange) record(reply string, status, code int) {
	x.once.Do(func() {
		x.g.cfg.Sink.Add(history.Call{
			N: x.req.N, Service: x.req.Service, Region: x.req.Region, Chain: x.req.Chain, Transport: x.req.Transport,
			Method: x.g.redact(x.method()), Reply: reply, Status: status, Code: code, Faults: x.faults, Probe: x.probe != nil,
			At: x.at, End: x.g.cfg.Clock.Now(),
		})
	})
}

// upgradeMethod stands in the record for the request that opens a socket.
const upgradeMethod = "(upgrade)"

func (x *exchange) method() string {
	if x.opens {
		return upgradeMethod
	}
	return x.message.methods()
}

// classify is the class of a reply by its status (0 on a socket) and the first error in its body.
func classify(status int, body []byte) (reply string, code int) {
	code, failed := firstError(body)
	switch {
	case status >= http.StatusBadRequest:
		return history.ReplyHTTP, code
	case failed:
		return history.ReplyRPCError, code
	default:
		return history.ReplyOK, 0
	}
}
