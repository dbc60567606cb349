package plan

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/content"
	"blackout/harness/spec"
)

// withStores is the example with two storage services, and with a gallery that asks for content if it shall.
func withStores(s *spec.Scenario, gallery bool) Input {
	in := example(s)
	in.World.Services["ipfs-io"] = spec.Service{Kind: "storage", Dialect: "plain", Host: "ipfs.io", Placement: map[string]float64{"aws/us-east-1": 1}, KnownFrom: "assumed"}
	in.World.Services["dweb-link"] = spec.Service{Kind: "storage", Dialect: "plain", Host: "dweb.link", Placement: map[string]float64{"gcp/us-central1": 1}, KnownFrom: "assumed"}
	if gallery {
		in.App.JourneyOrder = append(in.App.JourneyOrder, "picture")
		in.App.Journeys["picture"] = spec.Journey{
			Name: "picture", Driver: "http", Kind: "content", Rate: 5, Deadline: 2 * time.Second, Patience: 6 * time.Second,
			Request: spec.Request{Method: "GET", Path: "/picture/${content.cid}"}, Answer: map[string]spec.AnswerField{"declined": {Path: "$.error"}},
		}
	}
	return in
}

// TestStorageIsServedToWhoUsesIt holds which storage services a run serves: all for an app that uses storage, else those that a fault is for.
func TestStorageIsServedToWhoUsesIt(t *testing.T) {
	of503 := func(target spec.Target) spec.FaultUse {
		return with(use("", "http-status", target), func(u *spec.FaultUse) { u.With = map[string]any{"status": int64(503)} })
	}
	unused := Skip{"c1", "service ipfs-io", "the app uses no storage"}
	for _, tt := range []struct {
		name     string
		target   spec.Target
		gallery  bool
		given    bool // the app is given an address
		served   []string
		effects  []string
		skipping bool
	}{
		{"a journey", spec.Target{Region: "aws/us-east-1"}, true, false, []string{"dweb-link", "ipfs-io"}, []string{"infura", "ipfs-io"}, false},
		{"an address", spec.Target{Region: "aws/us-east-1"}, false, true, []string{"dweb-link", "ipfs-io"}, []string{"infura", "ipfs-io"}, false},
		{"nobody, in a region", spec.Target{Region: "aws/us-east-1"}, false, false, nil, []string{"infura"}, true},
		{"nobody, by name", spec.Target{Service: "ipfs-io"}, false, false, []string{"ipfs-io"}, []string{"ipfs-io"}, false},
		{"nobody, by host", spec.Target{Host: "ipfs.io"}, false, false, []string{"ipfs-io"}, []string{"ipfs-io"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := withStores(oneFault(of503(tt.target)), tt.gallery)
			if tt.given {
				in.App.Start.Env["GATEWAYS"] = "${service.dweb-link.url}"
			}
			p := build(t, in)
			var served, effects []string
			for _, s := range p.Services {
				if s.Kind == "storage" {
					served = append(served, s.Name)
					if len(s.Hosts) != 1 || s.Hosts[0].Chain != "" || s.Backends != nil {
						t.Errorf("%s: hosts %v, backends %v", s.Name, s.Hosts, s.Backends)
					}
				}
			}
			for _, e := range p.Effects {
				effects = append(effects, e.Service)
				idle := slices.Contains(e.Why, "by its file the app uses no storage, and then there is nothing to touch")
				if want := e.Service == "ipfs-io" && !tt.gallery && !tt.given; idle != want {
					t.Errorf("%s: %q", e.ID, e.Why)
				}
			}
			if diff := cmp.Diff(tt.served, served); diff != "" {
				t.Errorf("served (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.effects, effects); diff != "" {
				t.Errorf("effects (-want +got):\n%s", diff)
			}
			if slices.Contains(p.Skipped, unused) != tt.skipping {
				t.Errorf("skipped %q", p.Skipped)
			}
			if (len(p.Content) > 0) != (len(served) > 0) {
				t.Errorf("%d files for %v", len(p.Content), served)
			}
		})
	}
}

// TestContentIsInThePlan holds that a verdict finds every file's digest in the plan, and that content is on no chain.
func TestContentIsInThePlan(t *testing.T) {
	in := withStores(oneFault(use("", "unreachable", spec.Target{Service: "ipfs-io"})), true)
	p := build(t, in)
	files := content.Files(in.Seed)
	if len(p.Content) != len(files) {
		t.Fatalf("%d files, want %d", len(p.Content), len(files))
	}
	for i, f := range files {
		want := Content{ID: f.ID, TX: f.TX, Token: f.Token, Name: f.Name, Type: f.Type, Bytes: len(f.Bytes), SHA256: f.SHA256}
		if diff := cmp.Diff(want, p.Content[i]); diff != "" {
			t.Error(diff)
		}
	}
	if j := p.Journeys[2]; j.Name != "picture" || j.Chain != "" || !j.Declined || j.Balance != nil {
		t.Errorf("%+v", j)
	}
	text, err := json.Marshal(p)
	if err != nil || !strings.Contains(string(text), `"content":[{"id":"bafkrei`) {
		t.Errorf("%v in %s", err, text)
	}
	// Another chain of the app's changes nothing about that.
	in.App.Start.Env["BASE_URL"] = "${service.infura.base.url}"
	if p = build(t, in); p.Journeys[2].Chain != "" {
		t.Errorf("it is about %s", p.Journeys[2].Chain)
	}
}
