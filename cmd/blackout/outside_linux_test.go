package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/history"
	"blackout/reports"
	"blackout/reports/verdict"
)

// TestOutside has an app ask for a host and for addresses that the world does not have. It gets none of them, the run goes on as if it had not asked, and everything
// that tells of the run says so.
func TestOutside(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"MISBEHAVE=asks-outside"}, tinyRun("good-day", "--network", "private")...)
	p.exits(verdict.ExitPass, whole)
	v := p.ended(history.EndComplete, verdict.Pass)
	var told []string
	for _, o := range v.Outside {
		told = append(told, o.Kind+" "+o.What())
		if o.Count < 1 {
			t.Errorf("%s: %s", o.What(), o.Often())
		}
	}
	want := []string{"name api.unknown.example", "tcp 203.0.113.7:8545", "tcp rpc.unknown.example at 203.0.113.7:8546", "udp 203.0.113.8:443"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("outside (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"api.unknown.example"}, v.UnmodelledHosts); diff != "" {
		t.Errorf("unmodelled hosts (-want +got):\n%s", diff)
	}
	p.mentions("asked for 4 hosts that this world does not have: api.unknown.example (", "203.0.113.7:8545 (")
	for _, name := range []string{reports.HTMLName, reports.SummaryName} {
		text, err := os.ReadFile(filepath.Join(p.folder(), name))
		if err != nil {
			t.Fatal(err)
		}
		for _, what := range []string{"api.unknown.example", "203.0.113.7:8545", "rpc.unknown.example at 203.0.113.7:8546", "203.0.113.8:443"} {
			if !strings.Contains(string(text), what) {
				t.Errorf("%s does not tell of %s", name, what)
			}
		}
	}
	log, err := os.ReadFile(filepath.Join(p.folder(), "logs", "app-0.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{"no such host", "connection reset by peer", "a datagram: <nil>"} {
		if !strings.Contains(string(log), said) {
			t.Errorf("the app did not meet %q:\n%s", said, log)
		}
	}
	p.leavesNothing()
}
