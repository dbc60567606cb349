//go:build verify

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"blackout/harness/journey/browser"
	"blackout/reports"
	"blackout/reports/verdict"
)

// needBrowser finds Chromium. In CI its absence is a failure.
func needBrowser(t *testing.T) {
	t.Helper()
	if _, err := browser.Find(os.Getenv(browser.Variable)); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%v: %s", err, browser.Hint)
		}
		t.Skipf("%v: %s", err, browser.Hint)
	}
}

// TestVerifyBrowser has people look at wallet-single's page while its provider refuses and then falls silent, in both networks: they see the balance, a zero, nothing, and the
// balance again. Nothing of the browser is left afterwards, and nothing that it does by itself is taken for the app's.
func TestVerifyBrowser(t *testing.T) {
	needBrowser(t)
	r := newRig(t)
	for _, network := range []string{networkPrivate, networkShared} {
		t.Run(network, func(t *testing.T) {
			scratch := t.TempDir()
			t.Setenv("TMPDIR", scratch)
			d := r.beside(t).run(order{
				scenarios: []string{"cmd/blackout/testdata/verify/page-two-ways.yaml"}, apps: []string{single}, overlay: "scenarios/apps/wallet-single/browser.yaml",
				network: network, seed: 1, parallel: 1,
			})[0]
			if d.Verdict.Verdict != verdict.Fail || d.Severity != verdict.Misleading {
				t.Errorf("%s, %s: %q", d.Verdict.Verdict, d.Severity, d.Reasons)
			}
			for _, check := range []string{"zero-balance", "hang"} {
				if !slices.ContainsFunc(d.Findings, func(f verdict.Finding) bool { return f.Check == check }) {
					t.Errorf("no %s: %s", check, findingsText(d))
				}
			}
			base := d.Cells[0].Attempts[verdict.Baseline]
			if base[verdict.OK] < 7 {
				t.Errorf("the baseline was %v", base)
			}
			if len(d.Outside) > 0 {
				t.Errorf("the browser asked for what no page did: %+v", d.Outside)
			}
			holdPictures(t, d)
			if left := browsers(t, scratch); left != "" {
				t.Errorf("left behind:\n%s", left)
			}
		})
	}
}

// holdPictures holds that each phase has its picture, of an attempt of the right class, no two the same, and that the report shows all.
func holdPictures(t *testing.T, d done) {
	t.Helper()
	want := []struct {
		phase string
		class verdict.Class
	}{{"baseline", verdict.OK}, {"infura refuses", verdict.Wrong}, {"infura is silent", verdict.Unavailable}, {"after", verdict.OK}}
	var files [][]byte
	for i, p := range d.Pictures {
		if i < len(want) && (p.Phase != want[i].phase || p.Class != want[i].class) {
			t.Errorf("picture %d is %+v, want %+v", i, p, want[i])
		}
		data, err := os.ReadFile(filepath.Join(d.dir, filepath.FromSlash(p.File)))
		if err != nil {
			t.Error(err)
		}
		if slices.ContainsFunc(files, func(other []byte) bool { return bytes.Equal(other, data) }) {
			t.Errorf("%s shows what another shows", p.File)
		}
		files = append(files, data)
	}
	if len(files) != len(want) {
		t.Errorf("%d pictures, want %d", len(files), len(want))
	}
	page, err := os.ReadFile(filepath.Join(d.dir, reports.HTMLName))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(page, []byte(`<img src="data:image/`)); n != len(want) || len(page) > 1<<20 {
		t.Errorf("the report of %d bytes shows %d pictures", len(page), n)
	}
}

// TestVerifyBrowserKilled kills the program outright while its browser looks at a page: nothing of either is left.
func TestVerifyBrowserKilled(t *testing.T) {
	needBrowser(t)
	r := newRig(t)
	for _, network := range []string{networkPrivate, networkShared} {
		t.Run(network, func(t *testing.T) {
			scratch := t.TempDir()
			t.Setenv("TMPDIR", scratch)
			o := order{scenarios: []string{"control"}, apps: []string{single}, overlay: "scenarios/apps/wallet-single/browser.yaml", network: network, seed: 1, parallel: 1}
			cmd := exec.CommandContext(t.Context(), r.binary, o.args(t.TempDir())...)
			cmd.Dir = r.root
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			comesTrue(t, "no page was rendered", func() bool { return strings.Contains(browsers(t, scratch), "--type=renderer") })
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // it was killed
			comesTrue(t, "the browser outlived the program", func() bool { return browsers(t, scratch) == "" })
		})
	}
}

// comesTrue fails the test when something does not come true in a minute.
func comesTrue(t *testing.T, otherwise string, so func() bool) {
	t.Helper()
	for until := time.Now().Add(time.Minute); !so(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal(otherwise)
		}
	}
}

// browsers lists the processes that live and whose profile lies in a folder.
func browsers(t *testing.T, folder string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ps", "axww", "-o", "pid=,stat=,args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "--user-data-dir="+folder) && !strings.Contains(line, "<defunct>") {
			left = append(left, line)
		}
	}
	return strings.Join(left, "")
}
