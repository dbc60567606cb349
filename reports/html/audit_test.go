package html_test

import (
	"bytes"
	"encoding/json"
	stdhtml "html"
	"os"
	"regexp"
	"strings"
	"testing"

	"blackout/reports/audit"
	"blackout/reports/html"
)

// audited is the page of the audit that package audit's tests make, with some of it changed.
func audited(t *testing.T, change ...func(*audit.Audit)) string {
	t.Helper()
	text, err := os.ReadFile("../audit/testdata/audit.json")
	if err != nil {
		t.Fatal(err)
	}
	var a audit.Audit
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(&a)
	}
	var out bytes.Buffer
	if err := html.Audit(&out, &a); err != nil {
		t.Fatal(err)
	}
	return stdhtml.UnescapeString(out.String())
}

func TestAuditSaysWhatMatters(t *testing.T) {
	page := audited(t)
	for _, want := range []string{
		"<b>✗ service infura</b> (80 % of the requests): view misleads, pay dies", "? Not known: region operators/op-1", "✗ misleads", "12 answers were wrong (zero-balance)", "nothing in the app can help",
		"operators: independent operators", `<rect class="node lost"`, `<rect class="node idle"`, "✗ takes down 2 of 2 journeys", "asked only without service infura", "api.unknown.example", "The largest cloud is aws: 80 %",
		"the app × 1", "under 50 % of what they were before",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestAuditMarksOnlyWhatIsLost holds the marks to the experiments: what was survived has no heavy border, and what was never taken away says nothing.
func TestAuditMarksOnlyWhatIsLost(t *testing.T) {
	page := audited(t, func(a *audit.Audit) { a.Experiments, a.SinglePoints = nil, nil })
	for _, no := range []string{"node lost", "band lost", "✗ takes down", "survives without it", "SINGLE POINTS"} {
		if strings.Contains(page, no) {
			t.Errorf("nothing was taken away, and the page has %q", no)
		}
	}
	page = audited(t, func(a *audit.Audit) {
		a.SinglePoints = nil
		for i := range a.Experiments {
			for j := range a.Experiments[i].Journeys {
				a.Experiments[i].Journeys[j].Fate = audit.Survives
			}
		}
	})
	if n := strings.Count(page, "node lost"); n > 0 || !strings.Contains(page, "✓ every journey survives without it") || !strings.Contains(page, "every journey lives through each") {
		t.Errorf("everything is survived, and %d boxes are lost", n)
	}
}

// TestAuditAsksForNothing holds that the page is one file that needs no network and runs no script.
func TestAuditAsksForNothing(t *testing.T) {
	page := audited(t, func(a *audit.Audit) { a.App = "<script>alert(1)</script>" })
	if m := regexp.MustCompile(`(?i)(src|href|@import|url\()`).FindString(page); m != "" {
		t.Errorf("the page has %q", m)
	}
}

// TestAuditEscapes holds that names of a world or an app are text.
func TestAuditEscapes(t *testing.T) {
	text, err := os.ReadFile("../audit/testdata/audit.json")
	if err != nil {
		t.Fatal(err)
	}
	var a audit.Audit
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	const bad = "<script>alert(1)</script>"
	a.App, a.World, a.Dependencies[0].Service, a.Dependencies[0].Hosts, a.Journeys[0].Journey = bad, bad, bad, []string{bad}, bad
	var out bytes.Buffer
	if err := html.Audit(&out, &a); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "<script") {
		t.Error("a name became a script")
	}
}
