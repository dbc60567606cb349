package html_test

import (
	"bytes"
	"encoding/xml"
	stdhtml "html"
	"io"
	"regexp"
	"strings"
	"testing"

	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/reports/html"
	"blackout/reports/verdict"
)

// sample is a judged run with something in every part of the page, and with mark-up where an app's own words can stand.
func sample() (*verdict.Judgement, *history.History) {
	score, at, cleared := 12, 15.02, 35.01
	v := &verdict.Verdict{
		Run: verdict.Run{ID: "r1", App: "wallet", Scenario: "down", Seed: 1}, Verdict: verdict.Fail, Reasons: []string{"it was <b>wrong</b>"}, Score: &score, Grade: "F", Severity: verdict.Misleading,
		Windows: []verdict.Window{{Name: verdict.Baseline, ToS: 15}, {Name: verdict.Outage, FromS: 15, ToS: 35}, {Name: verdict.After, FromS: 35, ToS: 65}},
		Cells: []verdict.Cell{{Journey: "view", Kind: "read", Score: &score, Sum: &verdict.Sum{O: 0.5, R: 1, Q: 0.625, Uncapped: 62, Caps: []verdict.Cap{{Rule: "wrong", At: 12.5, Share: 0.68}}},
			Attempts: map[string]map[verdict.Class]int{verdict.Outage: {verdict.OK: 1, verdict.Wrong: 199}}}},
		Findings: []verdict.Finding{
			{ID: "zero-balance/view/acct-00", Check: "zero-balance", Class: verdict.Wrong, Journey: "view", Count: 18, Attempts: []string{"view#211"}, Text: "showed <script>alert(1)</script>"},
			{ID: "zero-balance/view/acct-01", Check: "zero-balance", Class: verdict.Wrong, Journey: "view", Count: 2, Attempts: []string{"view#212"}, Text: "showed 0"},
		},
		SupportingNotes: []string{"a note to the reader"},
		Faults: []verdict.Fault{{ID: "c1/unreachable/infura", Fault: "unreachable", Service: "infura", PlannedFromS: 15, PlannedToS: 35, ConfirmedAtS: &at, ClearedAtS: &cleared, EndedAs: verdict.Exercised},
			{ID: "c2/app-stopped/east-0", Fault: "app-stopped", Instance: "east-0", PlannedFromS: 15, PlannedToS: 35, EndedAs: verdict.Exercised, Touched: verdict.Touched{Instances: 1}}},
		Providers: []verdict.Provider{{Service: "infura", Requests: map[string]verdict.ProviderWindow{verdict.Outage: {Total: 200, Failed: 190}}}},
	}
	j := &verdict.Judgement{
		Verdict: v, Plan: &plan.Plan{Journeys: []plan.Journey{{Name: "view", Request: "GET /balance", Rate: 20, Deadline: 2e6}}, Effects: []plan.Effect{{ID: "c1/unreachable/infura", Reach: 1}}},
		Attempts: []verdict.Judged{{ID: "view#1", Journey: "view", Due: 1e6, At: 1e6, End: 1.1e6, Class: verdict.OK}, {ID: "view#2", Journey: "view", Due: 20e6, At: 20e6, End: 20.1e6, Class: verdict.Wrong}},
	}
	return j, &history.History{Header: history.Header{Versions: map[string]string{"geth": "v1"}}}
}

func write(t *testing.T, of func() (*verdict.Judgement, *history.History)) string {
	t.Helper()
	j, h := of()
	var out bytes.Buffer
	if err := html.Write(&out, j, h, nil); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPageSaysWhatMatters(t *testing.T) {
	page := write(t, sample)
	for _, want := range []string{
		"FAIL", "misleading", "zero-balance", "20 times for 2 users", "view#211", "view#212", "O 0.500 × 0.75 + R 1.000 × 0.25 = 0.625 → 62; wrong: at most 12.5 (share 0.680) → 12", "(1 × 12) ÷ 1 = 12",
		"unreachable", "15.0 s", "exercised", "&gt;99 %", "200 <span class=\"soft\">(190 failed)", "geth v1", "a note to the reader", "instance east-0", ">east-0</text>",
	} {
		if !strings.Contains(page, want) && !strings.Contains(stdhtml.UnescapeString(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// What an app says is shown, never run; and the page asks the network for nothing.
func TestPageIsInert(t *testing.T) {
	page := write(t, sample)
	for _, forbidden := range []string{"<script", "<b>wrong", "src=", "@import", "url(", "<link", "<iframe"} {
		if strings.Contains(page, forbidden) {
			t.Errorf("the page holds %q", forbidden)
		}
	}
	if found := regexp.MustCompile(`(href|action)="[^"#]`).FindString(page); found != "" {
		t.Errorf("the page leads elsewhere: %s", found)
	}
}

// The pictures are well-formed, so that any viewer draws them.
func TestPicturesAreXML(t *testing.T) {
	page := write(t, sample)
	pictures := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page, -1)
	if len(pictures) != 3 {
		t.Fatalf("%d pictures, want the timeline, the classes and the latency", len(pictures))
	}
	for _, p := range pictures {
		for d := xml.NewDecoder(strings.NewReader(p)); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Errorf("%v in %.200s", err, p)
				break
			}
		}
	}
}

// A run that ended before it knew anything still has a page.
func TestEmptyRun(t *testing.T) {
	page := write(t, func() (*verdict.Judgement, *history.History) {
		v := &verdict.Verdict{Verdict: verdict.Inconclusive, Grade: "?", Severity: verdict.Unknown, Reasons: []string{"the run was aborted"}}
		return &verdict.Judgement{Verdict: v}, &history.History{}
	})
	if !strings.Contains(page, "INCONCLUSIVE") || !strings.Contains(page, "the run was aborted") {
		t.Error("the page does not say what happened")
	}
}
