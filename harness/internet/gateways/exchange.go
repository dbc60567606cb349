package gateways

import (
	"cmp"
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
	probe   *mark  // nil for a request of the app
	opens   bool   // it asks for a socket
	verb    string // of a request to a service without nodes: its HTTP method
	at      clock.Micros
	sent    []submission
	faults  []string // effects that touched it
	served  string   // the chain that it was led to; "" is its own
	after   float64  // when its reply tells the app to come back, in seconds; 0 when it does not say
	lost    fault.LossMode
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
		x.req.Region = fault.Place(g.cfg.Seed, g.cfg.Service, g.cfg.Regions, x.req.N)
	}
	return x
}

// read takes in what the request says.
func (x *exchange) read(body []byte) {
	x.message = parse(body)
	x.inspect()
	x.req.Calls, x.req.Batch = x.message.rpcCalls(), x.message.batch
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

	// What becomes of the part that goes on to a node.
	chain  string      // that it is led to; "" is its own
	leader *fault.Grip // of the effect that leads it
	alters []fault.ReplyRule
	loss   fault.Loss
	loser  *fault.Grip // of the effect that loses the reply; nil when it is not lost
}

// divide asks the rpc rules and the signer check. It touches nothing yet, since the capacity may still refuse the whole request.
func (x *exchange) divide() split {
	s := split{own: make([]ownAnswer, len(x.message.calls)), rest: len(x.message.calls), status: http.StatusOK}
	for _, sub := range x.sent {
		if sub.foreign {
			s.take(sub.call, x.message.calls[sub.call].ID, foreignKey)
		}
	}
	for _, rule := range x.g.rules.all() {
		if rule.Layer != fault.LayerRPC || !x.takes(rule.Grip) {
			continue
		}
		switch {
		case rule.RPC != nil:
			s.ask(x, rule)
		case rule.Alter != nil:
			s.alters = append(s.alters, rule)
		case rule.Lead != nil && s.leader == nil:
			if chain, ok := rule.Lead(x.req); ok && chain != x.req.Chain {
				s.chain, s.leader = chain, rule.Grip
			}
		case rule.Lose != nil && s.loser == nil:
			if loss, ok := rule.Lose(x.req); ok {
				s.loss, s.loser = loss, rule.Grip
			}
		}
	}
	return s
}

// ask has a rule answer what it takes of the calls that are still the node's.
func (s *split) ask(x *exchange, rule fault.ReplyRule) {
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

func (s *split) take(i int, id []byte, e fault.RPCError) {
	if s.own[i].taken {
		return
	}
	s.own[i].taken = true
	s.rest--
	if i == 0 && e.HTTPStatus != 0 {
		s.status = e.HTTPStatus
	}
	switch {
	case !answerable(id):
	case e.Result != nil:
		s.own[i].body = resultReply(id, e.Result)
	default:
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

// lead counts the request for the effect that leads it to another chain.
func (x *exchange) lead(s split) {
	if s.leader != nil {
		x.served = s.chain
		x.touch(s.leader, fault.LayerRPC)
	}
}

// chain is the one whose node answers.
func (x *exchange) chain() string { return cmp.Or(x.served, x.req.Chain) }

// node gives the backend of the chain that answers, in the request's region, and counts the request for the effects that hold it.
func (x *exchange) node() (Backend, error) {
	node, err := x.g.cfg.Backend(x.chain(), x.req.Region)
	if err != nil {
		return nil, err
	}
	x.hold(node)
	return node, nil
}

func (x *exchange) hold(node Backend) {
	for _, g := range node.Grips() {
		if g.Covers(x.req.Region, x.chain()) && (x.probe == nil || g.ID == x.probe.effect) {
			x.touch(g, fault.LayerChain)
		}
	}
}

// finish does what remains once the node has answered: accepted transactions go to the other nodes, rules alter single answers, and what the gateway says itself
// joins them. It gives the reply's body.
func (x *exchange) finish(parts split, node Backend, body []byte) []byte {
	merging := parts.rest < len(parts.own)
	if len(x.sent) == 0 && !merging && len(parts.alters) == 0 {
		return body
	}
	answers, batch, ok := parseAnswers(body)
	x.carryAccepted(parts, node, answers)
	altered := x.alter(parts, answers)
	switch {
	case merging && (ok && batch || len(body) == 0):
		return merge(x.message.calls, parts.own, answers)
	case altered && batch:
		raws := make([]json.RawMessage, len(answers))
		for i, a := range answers {
			raws[i] = a.raw
		}
		return joinArray(raws)
	case altered:
		return answers[0].raw
	default:
		return body
	}
}

// alter has the rules that take the request change the node's answers in place.
func (x *exchange) alter(parts split, answers []answer) (altered bool) {
	if len(parts.alters) == 0 {
		return false
	}
	places := pair(x.message.calls, parts.own, answers)
	for _, rule := range parts.alters {
		hit := false
		for i, c := range x.message.calls {
			if places[i] < 0 || c.Method == "" || !answerable(c.ID) {
				continue
			}
			a := &answers[places[i]]
			if a.result == nil && x.probe == nil {
				continue
			}
			if result, ok := rule.Alter(x.req, c.RPCCall, a.result); ok {
				*a = answer{id: a.id, raw: resultReply(a.id, result), result: result}
				hit = true
			}
		}
		if hit {
			x.touch(rule.Grip, fault.LayerRPC)
			altered = true
		}
	}
	return altered
}

// record writes the call down, once: later words about it are ignored.
func (x *exchange) record(reply string, status, code int) {
	x.once.Do(func() {
		x.g.cfg.Sink.Add(history.Call{
			N: x.req.N, Service: x.req.Service, Region: x.req.Region, Chain: x.req.Chain, Transport: x.req.Transport,
			Method: x.g.redact(x.method()), Reply: reply, Status: status, Code: code, Served: x.served, RetryAfterS: x.after, Faults: x.faults,
			Probe: x.probe != nil, At: x.at, End: x.g.cfg.Clock.Now(),
		})
	})
}

func (x *exchange) method() string {
	switch {
	case x.opens:
		return history.MethodUpgrade
	case x.verb != "":
		return x.verb
	default:
		return x.message.methods()
	}
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
