package compare

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/reports/verdict"
)

var update = flag.Bool("update", false, "write the golden files anew")

// run is a verdict of an app with a score: from 60 it passes.
func run(id, app, scenario string, seed uint64, score int, edits ...func(*verdict.Verdict)) *verdict.Verdict {
	v := &verdict.Verdict{
		Schema: verdict.Schema, Verdict: verdict.Pass, Score: &score, Grade: verdict.Grade(&score, verdict.Safe), Severity: verdict.Safe, Reasons: []string{"a reason"},
		Run: verdict.Run{ID: id, App: app, Scenario: scenario, Seed: seed, Runtime: "local", Version: "v1", TimeScale: 1},
		Cells: []verdict.Cell{{Journey: "view-balance", Kind: "read", Score: &score, Attempts: map[string]map[verdict.Class]int{
			verdict.Outage: {verdict.OK: score, verdict.Declined: 100 - score, verdict.Wrong: 0},
		}}},
	}
	if score < 60 {
		v.Verdict, v.Severity = verdict.Fail, verdict.Misleading
	}
	for _, edit := range edits {
		edit(v)
	}
	return v
}

func inconclusive(v *verdict.Verdict) {
	v.Verdict, v.Score, v.Severity = verdict.Inconclusive, nil, verdict.Unknown
}

func make2(t *testing.T, a, b []*verdict.Verdict) *Comparison {
	t.Helper()
	c, err := Make(Input{"old", a}, Input{"new", b})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPairs(t *testing.T) {
	type runs = []*verdict.Verdict
	cases := []struct {
		name  string
		a, b  runs
		pairs []string // id of A, id of B, change
		alone []string // side, id
	}{
		{"apps differ", runs{run("1", "x", "s", 1, 40)}, runs{run("2", "y", "s", 1, 90)}, []string{"1 2 better"}, nil},
		{"the latest counts", runs{run("1", "x", "s", 1, 40), run("3", "x", "s", 1, 90)}, runs{run("2", "x", "s", 1, 90)}, []string{"3 2 same"}, nil},
		{"by app where a side has two", runs{run("1", "x", "s", 1, 40), run("2", "y", "s", 1, 90)}, runs{run("3", "y", "s", 1, 80)}, []string{"2 3 worse"}, []string{"a 1"}},
		{"by seed and scenario", runs{run("1", "x", "s", 1, 90), run("2", "x", "s", 2, 90)}, runs{run("3", "x", "s", 1, 90), run("4", "x", "r", 2, 90)}, []string{"1 3 same"}, []string{"a 2", "b 4"}},
		{"controls are left out", runs{run("1", "x", "s", 1, 90), run("9", "x", "s", 1, 10, func(v *verdict.Verdict) { v.Run.Control = true })}, runs{run("3", "x", "s", 1, 80)}, []string{"1 3 worse"}, nil},
		{"no data is no improvement", runs{run("1", "x", "s", 1, 10)}, runs{run("2", "x", "s", 1, 100, inconclusive)}, []string{"1 2 not-known"}, nil},
		{"and no harm", runs{run("1", "x", "s", 1, 100, inconclusive)}, runs{run("2", "x", "s", 1, 10)}, []string{"1 2 not-known"}, nil},
		{"a higher score with a worse lie", runs{run("1", "x", "s", 1, 60)}, runs{run("2", "x", "s", 1, 90, func(v *verdict.Verdict) { v.Severity = verdict.Harming })}, []string{"1 2 mixed"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := make2(t, c.a, c.b)
			var pairs, alone []string
			for _, p := range got.Pairs {
				pairs = append(pairs, p.A.ID+" "+p.B.ID+" "+p.Change)
			}
			for _, a := range got.Alone {
				alone = append(alone, a.Side+" "+a.Run.ID)
			}
			if diff := cmp.Diff(c.pairs, pairs); diff != "" {
				t.Errorf("pairs: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(c.alone, alone); diff != "" {
				t.Errorf("alone: -want +got\n%s", diff)
			}
			for _, side := range []struct {
				Side
				given int
			}{{got.A, len(c.a)}, {got.B, len(c.b)}} {
				if n := side.Runs + side.Older + side.Controls; n != side.given {
					t.Errorf("%d runs of %s are accounted for, of %d", n, side.Name, side.given)
				}
			}
		})
	}
}

func TestNoPair(t *testing.T) {
	c, err := Make(Input{"old", []*verdict.Verdict{run("1", "x", "s", 1, 90)}}, Input{"new", []*verdict.Verdict{run("2", "x", "r", 1, 90)}})
	if !errors.Is(err, ErrNoPair) || len(c.Alone) != 2 {
		t.Errorf("%v, %d alone", err, len(c.Alone))
	}
	if c, err := Make(Input{}, Input{}); !errors.Is(err, ErrNoPair) || len(c.Pairs) != 0 {
		t.Errorf("nothing at all: %v", err)
	}
}

func TestUnlike(t *testing.T) {
	cases := map[string]struct {
		edit func(*verdict.Verdict)
		want string // "" when the runs can be compared
	}{
		"alike":           {func(*verdict.Verdict) {}, ""},
		"time scale":      {func(v *verdict.Verdict) { v.Run.TimeScale = 0.5 }, "the time scale differs: 1 of x, 0.5 of y"},
		"runtime":         {func(v *verdict.Verdict) { v.Run.Runtime = "docker" }, "the runtime differs: local of x, docker of y"},
		"Blackout":        {func(v *verdict.Verdict) { v.Run.Version = "v2" }, "the version of Blackout differs: v1 of x, v2 of y"},
		"world":           {func(v *verdict.Verdict) { v.Providers = append(v.Providers, verdict.Provider{Service: "ours"}) }, "the world (services that only one has) differs: none of x, ours of y"},
		"timeline":        {func(v *verdict.Verdict) { v.Faults[0].PlannedToS = 40 }, "the timeline (faults that only one has) differs: c1/down/infura from 20 to 30 s of x, c1/down/infura from 20 to 40 s of y"},
		"inconclusive":    {inconclusive, "the run of y is inconclusive, which says nothing about the app: a reason"},
		"placement":       {func(v *verdict.Verdict) { v.Faults[1].ID, v.Faults[1].Instance = "c2/ended/app-2", "app-2" }, ""},
		"how faults end":  {func(v *verdict.Verdict) { v.Faults[0].EndedAs = verdict.NotUsed }, ""},
		"the app's state": {func(v *verdict.Verdict) { v.Run.AppVersion = "2"; v.Run.Libraries = map[string]string{"viem": "2.1"} }, ""},
	}
	planned := func(v *verdict.Verdict) {
		v.Providers = []verdict.Provider{{Service: "infura"}}
		v.Faults = []verdict.Fault{
			{ID: "c1/down/infura", Fault: "down", Service: "infura", PlannedFromS: 20, PlannedToS: 30, EndedAs: verdict.Exercised},
			{ID: "c2/ended/app-1", Fault: "ended", Instance: "app-1", PlannedFromS: 20, PlannedToS: 30, EndedAs: verdict.Exercised},
		}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := make2(t, []*verdict.Verdict{run("1", "x", "s", 1, 40, planned)}, []*verdict.Verdict{run("2", "y", "s", 1, 90, planned, c.edit)}).Pairs[0]
			want, change := []string{}, Better
			if c.want != "" {
				want, change = []string{c.want}, NotKnown
			}
			if diff := cmp.Diff(want, p.Warnings); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if p.Change != change || p.Cells[0].Change != change {
				t.Errorf("the change is %s, of the journey %s; want %s", p.Change, p.Cells[0].Change, change)
			}
		})
	}
}

// TestWhy: what differs is the reason of a change, or of what is not known. Where nothing changed it is no reason of anything, and stands in the lists alone.
func TestWhy(t *testing.T) {
	made := func(version, end string) func(*verdict.Verdict) {
		return func(v *verdict.Verdict) {
			v.Run.AppVersion = version
			v.Providers = []verdict.Provider{{Service: "infura"}}
			v.Faults = []verdict.Fault{{ID: "c1/down/infura", Fault: "down", Service: "infura", EndedAs: end}}
		}
	}
	why := []string{"down on infura: exercised for x 1, spared for x 2", "version of the app: 1 → 2"}
	for change, want := range map[string][]string{Better: why, Worse: why, NotKnown: why, Same: {}} {
		score := map[string]int{Better: 95, Worse: 85, NotKnown: 90, Same: 90}[change]
		edits := []func(*verdict.Verdict){made("2", verdict.Spared)}
		if change == NotKnown {
			edits = append(edits, inconclusive)
		}
		p := make2(t, []*verdict.Verdict{run("1", "x", "s", 1, 90, made("1", verdict.Exercised))}, []*verdict.Verdict{run("2", "x", "s", 1, score, edits...)}).Pairs[0]
		if diff := cmp.Diff(want, p.Why); diff != "" || p.Change != change {
			t.Errorf("%s, want %s: -want +got\n%s", p.Change, change, diff)
		}
		if len(p.Faults) != 1 || len(p.Versions) != 1 {
			t.Errorf("%s: faults %v, versions %v", change, p.Faults, p.Versions)
		}
	}
}

func TestFindings(t *testing.T) {
	said := func(check, journey, user string, class verdict.Class, count int) func(*verdict.Verdict) {
		return func(v *verdict.Verdict) {
			f := verdict.Finding{Check: check, Journey: journey, Class: class, Count: count, Text: "was so for " + user, Attempts: []string{journey + "#" + user, "another"}}
			if class == verdict.Warning {
				v.Warnings = append(v.Warnings, f)
			} else {
				v.Findings = append(v.Findings, f)
			}
		}
	}
	journey := func(v *verdict.Verdict) {
		v.Cells = append(v.Cells, verdict.Cell{Journey: "send-payment", Kind: "write"})
	}
	a := []func(*verdict.Verdict){
		journey, said("zero-balance", "view-balance", "1", verdict.Wrong, 5), said("zero-balance", "view-balance", "2", verdict.Wrong, 7), said("hang", "view-balance", "1", verdict.Unavailable, 3),
		said("lost-payment", "send-payment", "1", verdict.Harmful, 1), said("amplification", "all", "infura", verdict.Warning, 0),
	}
	b := []func(*verdict.Verdict){said("hang", "view-balance", "4", verdict.Unavailable, 4), said("never-true", "view-balance", "9", verdict.Wrong, 2)}
	states := func(bEdits ...func(*verdict.Verdict)) (list []string) {
		p := make2(t, []*verdict.Verdict{run("1", "x", "s", 1, 40, a...)}, []*verdict.Verdict{run("2", "y", "s", 1, 90, append(slices.Clone(b), bEdits...)...)}).Pairs[0]
		for _, f := range p.Findings {
			list = append(list, strings.Join([]string{f.State, f.Title(), f.Counts(), string(f.Class), f.Sight().Text, f.Sight().Where()}, " | "))
			if f.Why == "" {
				t.Errorf("%s has no why", f.Check)
			}
		}
		return list
	}
	if diff := cmp.Diff([]string{
		"new | never-true in view-balance | 0 → 2 | wrong | was so for 9 | 2, view-balance#9",
		"gone | zero-balance in view-balance | 12 → 0 | wrong | was so for 1 | 1, view-balance#1",
		"gone | amplification | 1 → 0 | warning | was so for infura | 1, all#infura",
		"kept | hang in view-balance | 3 → 4 | unavailable | was so for 4 | 2, view-balance#4",
		"not-known | lost-payment in send-payment | 1 → ? | harmful | was so for 1 | 1, send-payment#1", // B has no such journey
	}, states()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, line := range states(inconclusive) {
		if strings.HasPrefix(line, Gone) || strings.HasPrefix(line, New) {
			t.Errorf("without a verdict: %s", line)
		}
	}
	if line := states(journey)[1]; !strings.HasPrefix(line, "gone | lost-payment in send-payment | 1 → 0") {
		t.Errorf("with the journey: %s", line)
	}
}

func TestHeadline(t *testing.T) {
	type runs = []*verdict.Verdict
	cases := []struct {
		a, b runs
		want string
	}{
		{runs{run("1", "x", "r", 1, 40), run("2", "x", "s", 1, 40)}, runs{run("3", "y", "r", 1, 90), run("4", "y", "s", 1, 50)}, "y lives through 1 of 2 scenarios that x fails"},
		{runs{run("1", "x", "r", 1, 40), run("2", "x", "s", 1, 90)}, runs{run("3", "y", "r", 1, 90), run("4", "y", "s", 1, 50)}, "y lives through 1 of 1 scenario that x fails, and fails 1 of 1 that it lives through"},
		{runs{run("1", "x", "s", 1, 90), run("2", "x", "s", 2, 90)}, runs{run("3", "y", "s", 1, 40), run("4", "y", "s", 2, 90)}, "y fails 1 of 2 runs that x lives through"},
		{runs{run("1", "x", "r", 1, 80), run("2", "x", "s", 1, 90)}, runs{run("3", "x", "r", 1, 90), run("4", "x", "s", 1, 80)}, "old and new both live through all 2 scenarios; new is better in 1, worse in 1"},
		{runs{run("1", "x", "r", 1, 40)}, runs{run("3", "x", "r", 1, 40)}, "old and new both fail the one scenario"},
		{runs{run("1", "x", "r", 1, 40), run("2", "x", "s", 1, 90)}, runs{run("3", "x", "r", 1, 40), run("4", "x", "s", 1, 90)}, "old and new both live through 1 of 2 scenarios, and both fail the others"},
		{
			runs{run("1", "x", "r", 1, 40), run("2", "x", "s", 1, 40), run("5", "x", "t", 1, 40)}, runs{run("3", "y", "r", 1, 90), run("4", "y", "s", 1, 90, inconclusive)},
			"y lives through 1 of 1 scenario that x fails; 1 of 2 pairs cannot be compared; 1 run without a partner",
		},
		{runs{run("1", "x", "r", 1, 40)}, runs{run("3", "y", "r", 1, 90, inconclusive)}, "whether y is better than x is not known: none of 1 pair can be compared"},
		{
			runs{run("1", "x", "r", 1, 90, func(v *verdict.Verdict) { v.Run.AppVersion = "1.4" })}, runs{run("3", "x", "r", 1, 90, func(v *verdict.Verdict) { v.Run.AppVersion = "1.5" })},
			"x 1.4 and x 1.5 both live through the one scenario",
		},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, make2(t, c.a, c.b).Headline); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
}

// TestNames: a side is called by what a person knows it by.
func TestNames(t *testing.T) {
	version := func(v string) func(*verdict.Verdict) { return func(of *verdict.Verdict) { of.Run.AppVersion = v } }
	cases := map[string]struct {
		a, b Input
		want string
	}{
		"apps":     {Input{"runs", []*verdict.Verdict{run("1", "x", "r", 1, 90)}}, Input{"runs", []*verdict.Verdict{run("2", "y", "r", 1, 90)}}, "x, y"},
		"versions": {Input{"old", []*verdict.Verdict{run("1", "x", "r", 1, 90, version("1"))}}, Input{"new", []*verdict.Verdict{run("2", "x", "r", 1, 90, version("2"))}}, "x 1, x 2"},
		"several versions on a side": {
			Input{"old", []*verdict.Verdict{run("1", "x", "r", 1, 90, version("1")), run("3", "x", "s", 1, 90, version("2"))}}, Input{"new", []*verdict.Verdict{run("2", "x", "r", 1, 90, version("2"))}}, "old, new",
		},
		"folders":         {Input{"old", []*verdict.Verdict{run("1", "x", "r", 1, 90)}}, Input{"new", []*verdict.Verdict{run("2", "x", "r", 1, 90)}}, "old, new"},
		"folders of runs": {Input{"1", []*verdict.Verdict{run("1", "x", "r", 1, 90)}}, Input{"2", []*verdict.Verdict{run("2", "x", "r", 1, 90)}}, "A, B"},
		"one name":        {Input{"runs", []*verdict.Verdict{run("1", "x", "r", 1, 90)}}, Input{"runs", []*verdict.Verdict{run("2", "x", "r", 1, 90)}}, "A, B"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Make(c.a, c.b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got.A.Name+", "+got.B.Name); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// story reads a verdict of the judge's own tests, as the run of an app.
func story(t *testing.T, name, id, app, scenario string, edits ...func(*verdict.Verdict)) *verdict.Verdict {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../verdict/testdata", name, "verdict.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v verdict.Verdict
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	v.Run.ID, v.Run.App, v.Run.Scenario = id, app, scenario
	for _, edit := range edits {
		edit(&v)
	}
	return &v
}

// TestGolden holds the whole JSON, over verdicts that the judge gave. The terminal's test reads it.
func TestGolden(t *testing.T) {
	libraries := func(version string) func(*verdict.Verdict) {
		return func(v *verdict.Verdict) { v.Run.Libraries = map[string]string{"viem": version} }
	}
	c, err := Make(
		Input{"old", []*verdict.Verdict{
			story(t, "no-failover", "20261122T113400Z-one-provider-s1-0001", "wallet-single", "one-provider", libraries("2.20.0")),
			story(t, "payment-failed-mined", "20261122T113500Z-swallowed-s1-0002", "wallet-single", "swallowed", libraries("2.20.0")),
			story(t, "hang", "20261122T113600Z-hang-s1-0003", "wallet-single", "hang", libraries("2.20.0")),
			story(t, "hang", "20261121T113600Z-hang-s1-0009", "wallet-single", "hang"),
			story(t, "late", "20261122T113700Z-late-s1-0004", "wallet-single", "late"),
		}},
		Input{"new", []*verdict.Verdict{
			story(t, "failover", "20261122T114400Z-one-provider-s1-0005", "wallet-resilient", "one-provider", libraries("2.21.0")),
			story(t, "all-good", "20261122T114500Z-swallowed-s1-0006", "wallet-resilient", "swallowed", libraries("2.21.0")),
			story(t, "all-spared", "20261122T114600Z-hang-s1-0007", "wallet-resilient", "hang", libraries("2.20.0")),
		}},
	)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "compare.json")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("-stands +now:\n%s", diff)
	}
}
