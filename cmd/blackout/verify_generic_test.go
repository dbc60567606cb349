//go:build verify

package main

import (
	"bufio"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"blackout/harness/history"
	"blackout/reports/verdict"
)

// shop is an app of these tests, by its folder: it asks an interface of prices and a database, and no chain.
const shop = "cmd/blackout/testdata/shop"

// database answers each line with a number of pieces, and gives its address.
func database(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer conn.Close()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					fmt.Fprintln(conn, "7 pieces")
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); open.Wait() })
	return l.Addr().String()
}

// TestVerifyGenericServices breaks an interface of prices and a database under an app that needs both, as root and as an ordinary user: every fault comes, touches what it
// should, and goes.
func TestVerifyGenericServices(t *testing.T) {
	at := database(t)
	for _, uid := range users() {
		t.Run(fmt.Sprintf("uid %d", uid), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			d := soldAs(t, r, uid, at)
			if r.tooBusy(d) {
				t.Logf("the machine was too busy: once more (%q)", d.Reasons)
				d = soldAs(t, r, uid, at)
			}
			checkSold(t, r, d)
		})
	}
}

// soldAs runs the shop, whose database is at an address, as a user.
func soldAs(t *testing.T, r *rig, uid int, at string) done {
	t.Helper()
	s := newStage(t, r)
	app := s.app(shop, nil)
	scenario := filepath.Join(s.folder, "every-generic-fault.yaml")
	s.copy(filepath.Join(r.root, "cmd/blackout/testdata/verify/every-generic-fault.yaml"), scenario)
	cmd, out := s.command(uid, "run", scenario, "--app", app, "--world", filepath.Join(app, "world.yaml"))
	cmd.Env = append(cmd.Env, "SHOP_DATABASE="+at)
	said, err := cmd.CombinedOutput()
	runs := r.read(out)
	if len(runs) != 1 {
		t.Fatalf("%d runs: %v\n%s", len(runs), err, said)
	}
	return runs[0]
}

func checkSold(t *testing.T, r *rig, d done) {
	t.Helper()
	if d.Verdict.Verdict != verdict.Pass || d.Severity != verdict.Safe {
		t.Errorf("%s, %s: %q, %s", d.Verdict.Verdict, d.Severity, d.Reasons, findingsText(d))
	}
	if outage := d.Cells[0].Attempts[verdict.Outage]; outage[verdict.Declined] < 200 || outage[verdict.OK] < 100 {
		t.Errorf("the outage was %v", outage)
	}
	h := r.history(d)
	lived := lives(r.plan(d), h)
	for _, f := range d.Faults {
		want := []string{history.FaultInjecting, history.FaultConfirmed, history.FaultLifting, history.FaultCleared}
		if diff := gocmp.Diff(want, lived[f.ID]); diff != "" || f.EndedAs != verdict.Exercised || f.Touched == (verdict.Touched{}) {
			t.Errorf("%s ended as %s and touched %v: %s", f.ID, f.EndedAs, f.Touched, diff)
		}
	}
	for _, service := range []string{"coinbase", "pieces"} {
		if !slices.ContainsFunc(h.Calls, func(c history.Call) bool { return c.Service == service && c.Reply == history.ReplyOK && !c.Probe }) {
			t.Errorf("no request to %s was answered", service)
		}
	}
}
