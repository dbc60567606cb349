package fault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"testing"
)

// surface is a Surface that remembers what was done to it.
type surface struct {
	log     []string
	rules   map[string]ConnRule
	replies map[string]ReplyRule
	names   map[string]NameRule
	// certificates are the rules of that layer, by effect.
	certificates map[string]CertRule
	fail         error
}

func newSurface() *surface {
	return &surface{rules: map[string]ConnRule{}, replies: map[string]ReplyRule{}, names: map[string]NameRule{}, certificates: map[string]CertRule{}}
}

func (s *surface) Link(service string) (Link, error)       { return (*link)(s), s.fail }
func (s *surface) Gateway(service string) (Gateway, error) { return (*gateway)(s), s.fail }
func (s *surface) Chain(name string) (Chain, error)        { return (*conductorFake)(s), s.fail }

func (s *surface) App() (App, error) { return (*appFake)(s), s.fail }

type appFake surface

func (a *appFake) Restart(_ context.Context, g *Grip) error { return a.did("restart " + g.Instance) }
func (a *appFake) Kill(_ context.Context, g *Grip) error    { return a.did("kill " + g.Instance) }
func (a *appFake) Pause(_ context.Context, g *Grip) error   { return a.did("pause " + g.Instance) }
func (a *appFake) Refuse(_ context.Context, g *Grip) error  { return a.did("refuse " + g.Instance) }
func (a *appFake) Release(_ context.Context, g *Grip) error { return a.did("release " + g.Instance) }

func (a *appFake) did(what string) error {
	a.log = append(a.log, what)
	return nil
}

func (s *surface) Names(service string) (Names, error) { return (*names)(s), s.fail }

func (s *surface) Certificates(string) (Certificates, error) { return (*certificates)(s), s.fail }

type certificates surface

func (c *certificates) Put(r CertRule) error {
	c.certificates[r.Grip.ID] = r
	c.log = append(c.log, "put "+string(r.Mode)+" "+r.Grip.ID)
	return nil
}

func (c *certificates) Drop(effect string) {
	delete(c.certificates, effect)
	c.log = append(c.log, "drop "+effect)
}

type names surface

func (n *names) Put(r NameRule) error {
	n.names[r.Grip.ID] = r
	n.log = append(n.log, "put "+string(r.Mode)+" "+r.Grip.ID)
	return nil
}

func (n *names) Drop(effect string) {
	delete(n.names, effect)
	n.log = append(n.log, "drop "+effect)
}

func (n *names) Leave(g *Grip) error {
	n.log = append(n.log, "leave "+g.ID)
	if g.Service == "broken" {
		return errHold
	}
	return nil
}

func (n *names) Return(_ context.Context, effect string) error {
	n.log = append(n.log, "return "+effect)
	return nil
}

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

func (dialect) RateLimited(r Request) HTTPReply {
	message := "slow down"
	if r.RetryAfter > 0 {
		message += ", back in " + strconv.Itoa(WholeSeconds(r.RetryAfter)) + " s"
	}
	return HTTPReply{Status: 429, Header: sharedHeader, Body: []byte(`{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"` + message + `"}}`)}
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

func (c *conductorFake) Reorganise(_ context.Context, g *Grip, want Reorg) error {
	c.log = append(c.log, fmt.Sprintf("reorganise %d %v %s %s", want.Depth, want.Forget, want.Every, g.ID))
	return nil
}

func (c *conductorFake) Settle(_ context.Context, effect string) error {
	c.log = append(c.log, "settle "+effect)
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
	g := &Grip{ID: "e", Service: "infura", Chain: "ethereum", Instance: "app-0", Seed: 1}
	g.SetShare(share)
	return g
}
