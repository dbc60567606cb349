//go:build verify

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/reports"
	"blackout/reports/audit"
)

// TestVerifyAudit finds what each of two wallets depends on. wallet-single has all in one hand, and nothing that it does lives without it; wallet-resilient asks three
// providers, and lives without any of them.
func TestVerifyAudit(t *testing.T) {
	r := newRig(t)
	t.Run(single, func(t *testing.T) {
		a := r.beside(t).audit(single)
		if len(a.Dependencies) != 1 || a.Dependencies[0].Service != "infura" || a.Dependencies[0].Share != 1 {
			t.Errorf("dependencies: %+v", a.Dependencies)
		}
		want := audit.Concentration{Provider: &audit.Holder{Name: "infura", Requests: a.Requests, Share: 1}, Cloud: &audit.Holder{Name: "aws", Requests: a.Requests, Share: 1}, Region: a.Concentration.Region}
		if diff := cmp.Diff(want, a.Concentration); diff != "" || a.Concentration.Region == nil || a.Concentration.Region.Name != "aws/us-east-1" {
			t.Errorf("concentration (-want +got):\n%s%+v", diff, a.Concentration.Region)
		}
		i := slices.IndexFunc(a.SinglePoints, func(s audit.SinglePoint) bool {
			return s.Taken == audit.Taken{Kind: audit.TakenService, Name: "infura"}
		})
		if i < 0 || len(a.SinglePoints[i].Journeys) != 2 {
			t.Errorf("single points: %+v", a.SinglePoints)
		}
		if _, regions, _ := a.Counts(); regions != 2 {
			t.Errorf("%d regions were taken away, not the 2 that infura stands in", regions)
		}
	})
	t.Run(resilient, func(t *testing.T) {
		a := r.beside(t).audit(resilient, "--take", "infura", "--take", "quicknode", "--take", "publicnode")
		var asked []string
		for _, d := range a.Dependencies {
			if d.Requests > 0 {
				asked = append(asked, d.Service)
			}
		}
		slices.Sort(asked)
		if diff := cmp.Diff([]string{"infura", "publicnode", "quicknode"}, asked); diff != "" {
			t.Errorf("services (-want +got):\n%s", diff)
		}
		if len(a.SinglePoints) > 0 {
			t.Errorf("single points: %+v", a.SinglePoints)
		}
		for _, x := range a.Experiments {
			for _, o := range x.Journeys {
				if o.Fate != audit.Survives && o.Fate != audit.Degrades {
					t.Errorf("without %s %s %s: %s", x.Taken, o.Journey, o.Fate, o.Why)
				}
			}
		}
		if services, _, _ := a.Counts(); services != 3 {
			t.Errorf("%d services were taken away, not 3", services)
		}
	})
}

// audit makes an audit of a sample app as a user does. Payments are more frequent and have less time than by the app's file, so that the runs are shorter.
func (r *rig) audit(app string, more ...string) *audit.Audit {
	t := r.t
	t.Helper()
	out := t.ArtifactDir()
	args := append([]string{"audit", "--app", "scenarios/apps/" + app, "--parallel", "3", "--out", out, "--set", hastier, "--set", "journeys.send-payment.deadline=6s", "--json"}, more...)
	began := time.Now()
	a := r.audited(0, args...)
	t.Logf("%s: %d runs in %.0f s, single points %+v", app, len(a.Runs), time.Since(began).Seconds(), a.SinglePoints)
	for _, x := range a.Experiments {
		for _, o := range x.Journeys {
			t.Logf("  without %s %s %s: %s", x.Taken, o.Journey, o.Fate, o.Why)
		}
	}
	for _, j := range a.Journeys {
		if j.Run == "" || j.Requests == 0 {
			t.Errorf("%s was not played alone: %+v", j.Journey, j)
		}
	}
	pages, err := filepath.Glob(filepath.Join(out, app, "*", reports.AuditHTMLName))
	if err != nil || len(pages) != 1 {
		t.Fatalf("pages: %q, %v", pages, err)
	}
	runs, err := filepath.Glob(filepath.Join(filepath.Dir(pages[0]), "runs", app, "*"))
	if err != nil || len(runs) != len(a.Runs) {
		t.Fatalf("%d runs lie there, and %d are in the audit: %v", len(runs), len(a.Runs), err)
	}
	if diff := cmp.Diff(a, r.audited(0, append([]string{"audit", "--json"}, runs...)...)); diff != "" {
		t.Errorf("made again of the same runs it says something else (-first +again):\n%s", diff)
	}
	return a
}

// audited runs the program and reads what it prints.
func (r *rig) audited(status int, args ...string) *audit.Audit {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), longest)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.binary, args...)
	cmd.Dir = r.root
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	var told, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &told, &said
	if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != status {
		r.t.Fatalf("%v: %v, want status %d\n%s", args, err, status, said.String())
	}
	var a audit.Audit
	if err := json.Unmarshal(told.Bytes(), &a); err != nil {
		r.t.Fatalf("%v: %v\n%s", args, err, told.String())
	}
	return &a
}
