//go:build verify

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestVerifyNode runs the sample apps in Node, whose addresses are those of production, under a day on which nothing fails and one on which their first provider is silent.
// What the libraries make of that day is theirs and is logged. That their requests come to the run's own services, over TLS and by name, and to the second one on that day, is held here, and that
// control finds nothing.
func TestVerifyNode(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal("the sample apps in Node need Node 18.18 or newer: on Debian, apt install nodejs npm; then make apps")
	}
	r := newRig(t)
	if _, err := os.Stat(filepath.Join(r.root, "scenarios/apps/node_modules")); err != nil {
		t.Fatalf("the sample apps in Node are not installed: run make apps (%v)", err)
	}
	for _, tt := range []struct {
		apps          []string
		outage        string
		lasts         string
		first, second string
	}{
		{[]string{"viem-wallet", "ethers-wallet", "ethers-default"}, "infura-unreachable", "20s", "infura", "alchemy"},
		{[]string{"metamask"}, "infura-unreachable", "30s", "infura", "quicknode"}, // it fails over after twelve failures, of 10 s each
		{[]string{"nft-viewer"}, "ipfs-gateway-unreachable", "10s", "ipfs-io", "dweb-link"},
		{[]string{"arweave-reader"}, "arweave-gateway-unreachable", "10s", "arweave", "permagate"},
	} {
		set := []string{"scenario.baseline=7s", "scenario.phases[0].for=" + tt.lasts, "scenario.after=20s"}
		if tt.first == "infura" {
			set = append(set, hastier)
		}
		for _, d := range r.run(order{scenarios: []string{"control", tt.outage}, apps: tt.apps, network: "private", seed: 1, parallel: 2, set: set}) {
			asked := map[string]int{}
			for _, c := range r.history(d).Calls {
				asked[c.Service]++
			}
			t.Logf("%s under %s: asked %v; findings %s", d.Run.App, d.Run.Scenario, asked, findingsText(d))
			if asked[tt.first] == 0 || asked[tt.second] == 0 && d.Run.Scenario == tt.outage {
				t.Errorf("%s under %s asked %v", d.Run.App, d.Run.Scenario, asked)
			}
			if d.Run.Scenario == "control" && !harmedItself(t, d) {
				clean(t, d)
			}
		}
	}
}

// harmedItself reports whether an app on ethers lost a nonce on a day on which nothing fails, as ethers 6.17.0 may: while payments spread, three nodes can count three
// different numbers of pending ones. FallbackProvider, of which two have to agree, then says "quorum not met", and NonceManager has counted the nonce of that payment
// already: all later ones wait behind the gap. The app's log has to say so, and nothing else may be found.
func harmedItself(t *testing.T, d done) bool {
	t.Helper()
	if d.Run.App != "ethers-wallet" && d.Run.App != "ethers-default" || len(d.Findings) == 0 {
		return false
	}
	said, err := os.ReadFile(filepath.Join(d.dir, "logs", "app-0.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(said, []byte("POST /send: quorum not met")) {
		return false
	}
	for _, f := range d.Findings {
		if f.Check != "stuck-nonce" && f.Check != "lost-payment" {
			return false
		}
	}
	t.Logf("%s under %s lost a nonce by itself: %s", d.Run.App, d.Run.Scenario, findingsText(d))
	return true
}
