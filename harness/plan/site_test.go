package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/canned"
	"blackout/harness/spec"
)

// withMore is the example with a second name for the prices, which have something to say, a second name for a provider, and a database.
func withMore(s *spec.Scenario) Input {
	in := example(s)
	prices := in.World.Services["prices"]
	prices.Further = map[string][]string{"": {"old.prices.example"}}
	prices.Site = &canned.Site{Files: []canned.File{{Name: "spot.json", Bytes: []byte("{}")}}, Replies: []canned.Reply{{Status: 204}, {Status: 410}}}
	infura := in.World.Services["infura"]
	infura.Further = map[string][]string{"ethereum": {"eth.infura.example"}}
	in.World.Services["prices"], in.World.Services["infura"] = prices, infura
	in.World.Services["db"] = spec.Service{Kind: "tcp", Host: "db.example", Placement: map[string]float64{"aws/us-east-1": 1}, KnownFrom: "assumed", Upstream: "127.0.0.1:5432"}
	return in
}

// TestGenericServices holds what a plan says of services that are no chain's: all their names, what they have to say as a digest, and that a program of the machine is
// always reached through a link. They are served whether the app's file names them or not, and add no node.
func TestGenericServices(t *testing.T) {
	in := withMore(oneFault(use("", "connection-refused", spec.Target{Region: "aws/us-east-1"})))
	p := build(t, in)
	got := map[string]Service{}
	for _, s := range p.Services {
		got[s.Name] = s
	}
	prices := got["prices"]
	if diff := cmp.Diff([]Host{{Name: "api.prices.example"}, {Name: "old.prices.example"}}, prices.Hosts); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&Site{Replies: 2, Files: 1, SHA256: in.World.Services["prices"].Site.Digest()}, prices.Site); diff != "" || prices.Link || prices.Backends != nil {
		t.Errorf("%+v %s", prices, diff)
	}
	if diff := cmp.Diff([]Host{{Chain: "ethereum", Name: "mainnet.infura.io"}, {Chain: "ethereum", Name: "eth.infura.example"}}, got["infura"].Hosts); diff != "" {
		t.Error(diff)
	}
	if db := got["db"]; db.Upstream != "127.0.0.1:5432" || !db.Link || db.Site != nil {
		t.Errorf("%+v", db)
	}
	if !slices.ContainsFunc(p.Effects, func(e Effect) bool { return e.Service == "db" }) {
		t.Errorf("no effect on the database: %v", briefs(p))
	}
	if diff := cmp.Diff(build(t, example(in.Scenario)).Nodes, p.Nodes); diff != "" {
		t.Errorf("nodes: %s", diff)
	}
	// Files that change make another plan, so that a run never mixes two versions of them.
	before, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	in.World.Services["prices"].Site.Files[0].Bytes = []byte("[]")
	after, err := build(t, in).Encode()
	if err != nil || string(after) == string(before) {
		t.Errorf("other files, and the same plan: %v", err)
	}
}

// TestFurtherHosts holds that a target may name any host of a service, and what cannot act on a program of the machine.
func TestFurtherHosts(t *testing.T) {
	for host, service := range map[string]string{"old.prices.example": "prices", "api.prices.example": "prices", "eth.infura.example": "infura", "db.example": "db"} {
		p := build(t, withMore(oneFault(use("", "connection-reset", spec.Target{Host: host}))))
		if len(p.Effects) != 1 || p.Effects[0].Service != service {
			t.Errorf("%s: %v", host, briefs(p))
		}
	}
	_, err := Build(withMore(oneFault(with(use("", "http-status", spec.Target{Service: "db"}), func(u *spec.FaultUse) { u.With = map[string]any{"status": int64(503)} }))))
	if err == nil || !strings.Contains(err.Error(), "http-status cannot act on a service of kind tcp") {
		t.Errorf("a status of a database: %v", err)
	}
}
