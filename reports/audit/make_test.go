package audit

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/plan"
	"blackout/reports/schema/schematest"
	"blackout/reports/verdict"
)

var update = flag.Bool("update", false, "write the golden files anew")

// asked is what the app of the rig asks in the calm of a run, and beside it what does not count.
func asked() []call {
	const infura, node = "infura", "publicnode"
	return []call{
		{60, infura, "aws/us-east-1", "ethereum", second, false}, {20, infura, "aws/us-west-2", "ethereum", second, false},
		{15, node, "operators/op-1", "ethereum", second, false}, {5, node, "operators/op-2", "ethereum", second, false},
		{7, infura, "aws/us-east-1", "ethereum", -second, false}, {7, infura, "aws/us-east-1", "ethereum", end + second, false}, // before the baseline, in the drain
		{7, infura, "aws/us-east-1", "base", second, true}, // ours
	}
}

// runs are those of a whole audit: the control, one of two journeys alone, and four experiments.
func runs(t *testing.T) []*Evidence {
	t.Helper()
	only := world()
	only.Scenario, only.Journeys = "alone-view", only.Journeys[:1]
	here := func(p *plan.Plan) { p.Instances = []plan.Instance{{Name: "aws-us-east-1-0", Region: "aws/us-east-1"}} }
	control := world()
	here(control)
	pass := []string{"no wrong answer"}
	outside := []verdict.Outside{{Kind: verdict.OutsideName, Host: "api.unknown.example", Count: 3}}
	stories := []story{
		{id: "r1-control", plan: control, verdict: verdict.Pass, reasons: pass, calls: asked(), lookups: []string{"publicnode.example"}, outside: outside},
		{id: "r2-alone", plan: only, verdict: verdict.Pass, reasons: pass, calls: []call{{9, "infura", "aws/us-east-1", "ethereum", second, false}, {1, "publicnode", "operators/op-1", "ethereum", second, false}}},
		{
			id: "r3-infura", plan: without("service infura", here), verdict: verdict.Fail, reasons: []string{"view was wrong 12 times"}, baseline: calm(),
			outage:   map[string][]ended{"view": {{12, verdict.Wrong, second}, {28, verdict.OK, second}}, "pay": {{20, verdict.Late, 40 * second}}},
			findings: []verdict.Finding{{Check: "zero-balance", Class: verdict.Wrong, Journey: "view"}},
			calls:    append(asked(), call{5, "quicknode", "gcp/us-central1", "ethereum", taken + second, false}),
		},
		{id: "r4-publicnode", plan: without("service publicnode", here), verdict: verdict.Pass, reasons: pass, baseline: calm(), outage: map[string][]ended{"view": {{40, verdict.OK, second}}, "pay": {{20, verdict.Late, 11 * second}}}, calls: asked()},
		{
			id: "r5-region", verdict: verdict.Pass, reasons: pass, baseline: calm(), outage: map[string][]ended{"view": {{40, verdict.Unavailable, second}}, "pay": {{20, verdict.Unavailable, second}}}, calls: asked(),
			plan: without("region aws/us-east-1", here, func(p *plan.Plan) {
				for i := range p.Journeys {
					p.Journeys[i].Best = []plan.Best{{From: 0, Class: "ok"}, {From: taken, Class: "unavailable"}, {From: returned, Class: "ok"}}
				}
			}),
		},
		{id: "r6-operator", plan: without("region operators/op-1", here), verdict: verdict.Inconclusive, reasons: []string{"the harness was late itself"}, baseline: calm(), outage: map[string][]ended{"view": fine, "pay": fine}, calls: asked()},
	}
	list := make([]*Evidence, len(stories))
	for i, s := range stories {
		list[i] = s.evidence(t)
	}
	return list
}

// TestMap holds audit.json of a whole audit, which the renderings' tests read too.
func TestMap(t *testing.T) {
	a, err := Make(runs(t))
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "audit.json")
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
	fits(t, got)
}

// fits checks a document against the schema that the program prints.
func fits(t *testing.T, document []byte) {
	t.Helper()
	if err := schematest.Fits(t, JSONSchema, document); err != nil {
		t.Error(err)
	}
}

// TestIndependentOperatorsAreNoCloud holds concentration: two operators with 45 % each are two hands, and a cloud with 50 % is the largest.
func TestIndependentOperatorsAreNoCloud(t *testing.T) {
	calls := []call{
		{10, "infura", "aws/us-east-1", "ethereum", second, false}, {10, "infura", "aws/us-west-2", "ethereum", second, false},
		{15, "publicnode", "operators/op-1", "ethereum", second, false}, {15, "publicnode", "operators/op-2", "ethereum", second, false},
	}
	apart, together := world(), world()
	together.Independent = nil
	for name, c := range map[string]struct {
		plan  *plan.Plan
		cloud Holder
	}{"independent": {apart, Holder{"aws", 20, 0.4}}, "one cloud": {together, Holder{"operators", 30, 0.6}}} {
		a, err := Make([]*Evidence{story{id: "r1", plan: c.plan, verdict: verdict.Pass, calls: calls}.evidence(t)})
		if err != nil {
			t.Fatal(err)
		}
		want := Concentration{&Holder{"publicnode", 30, 0.6}, &c.cloud, &Holder{"operators/op-1", 15, 0.3}}
		if diff := cmp.Diff(want, a.Concentration); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestMapOfBaselines has no run without faults: what came before the faults has to do, and no journey's requests are known.
func TestMapOfBaselines(t *testing.T) {
	late := call{50, "quicknode", "gcp/us-central1", "ethereum", taken, false}
	a, err := Make([]*Evidence{story{id: "r1", plan: without("service infura"), verdict: verdict.Pass, baseline: calm(), outage: calm(), calls: append(asked(), late)}.evidence(t)})
	if err != nil {
		t.Fatal(err)
	}
	if a.Basis != BasisBaselines || a.Requests != 100 || a.Seconds != taken.Seconds() {
		t.Errorf("basis %s, %d requests in %g s", a.Basis, a.Requests, a.Seconds)
	}
	for _, j := range a.Journeys {
		if j.Run != "" {
			t.Errorf("%s is said to be alone in %s", j.Journey, j.Run)
		}
	}
	if text := strings.Join(a.Remarks(), " "); !strings.Contains(text, "made for view, pay is not known") {
		t.Errorf("remarks: %s", text)
	}
	var names []string
	for _, s := range a.Suspects() {
		names = append(names, s.String())
	}
	if got, want := strings.Join(names, ", "), "service infura, service publicnode, region aws/us-east-1, region aws/us-west-2, region operators/op-1, region operators/op-2"; got != want {
		t.Errorf("suspects: %s, want %s", got, want)
	}
}

// TestMakeRefuses holds that runs of two apps, or of two worlds, are no audit.
func TestMakeRefuses(t *testing.T) {
	other, elsewhere, none := world(), world(), &plan.Plan{}
	other.App, elsewhere.World = "bank", "large"
	for want, plans := range map[string][]*plan.Plan{
		"an audit needs a run": nil,
		"run r1 is of bank in the world small, and r0 of wallet":      {world(), other},
		"run r1 is of wallet in the world large":                      {world(), elsewhere},
		"run r1 ended before it had a plan: the app file is at fault": {world(), none},
	} {
		var list []*Evidence
		for i, p := range plans {
			list = append(list, story{id: "r" + string(rune('0'+i)), plan: p, verdict: verdict.Pass, reasons: []string{"the app file is at fault"}}.evidence(t))
		}
		if _, err := Make(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestDoubt holds when an audit rests on nothing.
func TestDoubt(t *testing.T) {
	run := func(id, word string) *Evidence {
		return story{id: id, plan: world(), verdict: word, reasons: []string{"why " + word}, calls: asked()}.evidence(t)
	}
	for want, list := range map[string][]*Evidence{
		"": {run("r1", verdict.Inconclusive), run("r2", verdict.Pass)},
		"without faults the run was inconclusive: why inconclusive": {run("r1", verdict.Inconclusive)},
		"without faults the run was fail: why fail":                 {run("r1", verdict.Fail)},
		"there is no run without faults that has every journey, and no other tells anything": {
			story{id: "r1", plan: without("service infura"), verdict: verdict.Inconclusive, calls: asked(), baseline: calm(), outage: calm()}.evidence(t)},
	} {
		a, err := Make(list)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Doubt(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if a.Requests != 100 {
			t.Errorf("%d requests: a run that passed no judgement counts beside one that did", a.Requests)
		}
	}
}

// TestNothingAsked holds that an app without a request has no hand to be in.
func TestNothingAsked(t *testing.T) {
	a, err := Make([]*Evidence{story{id: "r1", plan: world(), verdict: verdict.Pass}.evidence(t)})
	if err != nil {
		t.Fatal(err)
	}
	if a.Concentration != (Concentration{}) || len(a.Suspects()) > 0 {
		t.Errorf("%+v, suspects %v", a.Concentration, a.Suspects())
	}
	text, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	fits(t, text)
	if !json.Valid(text) || bytes.Contains(text, []byte("null,\n  \"")) {
		t.Errorf("a list is null:\n%s", text)
	}
}
