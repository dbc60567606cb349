package fault

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"
)

// surface is a Surface that remembers what was done to it.
type surface struct {
	log     []string
	rules   map[string]ConnRule
	replies map[string]ReplyRule
	fail    error
}

func newSurface() *surface {
	return &surface{rules: map[string]ConnRule{}, replies: map[string]ReplyRule{}}
}

func (s *surface) Link(service string) (Link, error)       { return (*link)(s), s.fail }
func (s *surface) Gateway(service string) (Gateway, error) { return (*gateway)(s), s.fail }
func (s *surface) Chain(name string) (Chain, error)        { return (*conductorFake)(s), s.fail }

type link surface

func (l *link) Put(r ConnRule) error {
	l.rules[r.Grip.ID] = r
	l.log = append(l.log, "put "+string(r.Mode)+" "+r.Grip.ID)
	return nil
}

func (l *link) Drop(effect string) {
	delete(l.rules, effect)
	l.log = append(l.log, "drop "+effect)
}

func (l *link) Sync() error {
	l.log = append(l.log, "sync")
	return nil
}

type gateway surface

func (g *gateway) Put(r ReplyRule) error {
	g.replies[r.Grip.ID] = r
	g.log = append(g.log, "put "+string(r.Layer)+" "+r.Grip.ID)
	return nil
}

func (g *gateway) Drop(effect string) {
	delete(g.replies, effect)
	g.log = append(g.log, "drop "+effect)
}

func (g *gateway) Dialect() Dialect { return dialect{} }

// dialect hands out one header each time, as a careless implementation may.
type dialect struct{}

var sharedHeader = http.Header{"Content-Type": {"application/json"}}

func (dialect) Name() string { return "fake" }

func (dialect) RateLimited(Request) HTTPReply {
	return HTTPReply{Status: 429, Header: sharedHeader, Body: []byte(`{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"slow down"}}`)}
}

func (dialect) Unavailable(_ Request, status int) HTTPReply {
	return HTTPReply{Status: status, Header: sharedHeader, Body: []byte(`unavailable ` + strconv.Itoa(status))}
}

type conductorFake surface

func (c *conductorFake) Halt(_ context.Context, g *Grip) error {
	c.log = append(c.log, "halt "+g.ID)
	return nil
}

func (c *conductorFake) Resume(_ context.Context, effect string) error {
	c.log = append(c.log, "resume "+effect)
	return nil
}

var errHold = errors.New("the node is gone")

func (c *conductorFake) Hold(_ context.Context, g *Grip, blocks uint64, frozen bool) error {
	what := strconv.FormatUint(blocks, 10)
	if frozen {
		what = "frozen"
	}
	c.log = append(c.log, "hold "+what+" "+g.ID)
	if g.Service == "broken" {
		return errHold
	}
	return nil
}

func (c *conductorFake) Release(_ context.Context, effect string) error {
	c.log = append(c.log, "release "+effect)
	return nil
}

// action makes the action of a fault from what a user writes.
func action(t *testing.T, name string, raw map[string]any) Action {
	t.Helper()
	d, ok := Lookup(name)
	if !ok {
		t.Fatalf("no fault is called %s", name)
	}
	with, problems := d.Decode(raw)
	if len(problems) > 0 {
		t.Fatalf("decode %s: %v", name, problems)
	}
	a, err := New(name, with)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func grip(share float64) *Grip {
	g := &Grip{ID: "e", Service: "infura", Chain: "ethereum", Seed: 1}
	g.SetShare(share)
	return g
}
