package badge_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/reports/badge"
	"blackout/reports/scorecard"
	"blackout/reports/verdict"
)

var update = flag.Bool("update", false, "write the golden files anew")

func number(n int) *int { return &n }

// wallet is a card with cells of every kind.
func wallet() *scorecard.Card {
	return &scorecard.Card{
		App: "wallet", Suite: "standard 2026.1", Score: number(81), Grade: "C", Severity: verdict.Misleading, Headline: "C 81 · misleading in 1 of 4", Coverage: 1,
		OldestRun: "2026-11-24T10:00:00Z", NewestRun: "2026-11-25T10:00:00Z", TimeScales: []float64{1},
		Scenarios: []scorecard.Scenario{
			{Name: "aws-us-east-1-down", Score: number(96), Journeys: []scorecard.Journey{{Name: "view", Score: number(96), Worst: verdict.Late}, {Name: "pay", Score: number(77), Worst: verdict.Unavailable}}},
			{Name: "infura-unreachable", Score: number(60), Journeys: []scorecard.Journey{{Name: "view", Score: number(37), Worst: verdict.Wrong}, {Name: "pay", Score: number(64), Worst: verdict.Declined}}},
			{Name: "not-run"},
		},
	}
}

type draw func(io.Writer, *scorecard.Card) error

var kinds = map[string]draw{"badge": badge.Badge, "card": badge.Card}

func drawn(t *testing.T, d draw, c *scorecard.Card) string {
	t.Helper()
	var out bytes.Buffer
	if err := d(&out, c); err != nil {
		t.Fatal(err)
	}
	for x := xml.NewDecoder(strings.NewReader(out.String())); ; {
		if _, err := x.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not XML: %v\n%s", err, out.String())
		}
	}
	return out.String()
}

func TestGolden(t *testing.T) {
	for name, d := range kinds {
		t.Run(name, func(t *testing.T) {
			got := drawn(t, d, wallet())
			file := filepath.Join("testdata", name+".svg")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestForeignWords holds that an app's and a scenario's words are text, that XML stays legal, and that nothing is fetched.
func TestForeignWords(t *testing.T) {
	const bad = "<script>alert('1')</script>&\"\x00\x1b"
	c := wallet()
	c.App, c.Headline, c.Suite, c.Scenarios[0].Name, c.Scenarios[0].Journeys[0].Name = bad, bad, bad, bad, bad
	for name, d := range kinds {
		got := drawn(t, d, c)
		if strings.Contains(got, "<script") {
			t.Errorf("%s: a name became a script", name)
		}
		if m := regexp.MustCompile(`(?i)href|@import|url\([^#]|<script|<image|<foreignObject`).FindString(got); m != "" {
			t.Errorf("%s has %q", name, m)
		}
	}
}

func TestSaysWhatItIs(t *testing.T) {
	for name, d := range kinds {
		got := drawn(t, d, wallet())
		for _, want := range []string{`role="img"`, "<title>Blackout scorecard of wallet: C 81 · misleading in 1 of 4</title>", `aria-label="Blackout scorecard of wallet: C 81 · misleading in 1 of 4"`} {
			if !strings.Contains(got, want) {
				t.Errorf("%s lacks %s", name, want)
			}
		}
	}
}

// TestFewAndManyCells holds that everything stays inside the card: with no scenario, and with more than there is room for.
func TestFewAndManyCells(t *testing.T) {
	for _, n := range []int{0, 1, 12, 30, 200} {
		c := wallet()
		c.App = strings.Repeat("long-name-", 10)
		c.Scenarios = nil
		for i := range n {
			c.Scenarios = append(c.Scenarios, scorecard.Scenario{Name: fmt.Sprint("scenario-", i), Score: number(i % 101), Journeys: []scorecard.Journey{{Name: "view", Score: number(i % 101), Worst: verdict.OK}, {Name: "pay", Worst: verdict.Harmful}}})
		}
		got := drawn(t, badge.Card, c)
		for _, m := range regexp.MustCompile(`class="h-[^"]*" x="([0-9.]+)" y="\d+" width="([0-9.]+)"`).FindAllStringSubmatch(got, -1) {
			var x, w float64
			fmt.Sscan(m[1], &x)
			fmt.Sscan(m[2], &w)
			if x+w > 480 {
				t.Errorf("%d scenarios: a cell ends at %.1f", n, x+w)
				break
			}
		}
		if !strings.Contains(got, "…</text>") {
			t.Error("a long name is not cut")
		}
	}
}
