package reports

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/reports/scorecard"
	"blackout/reports/verdict"
)

const runID = "20261122T113400Z-outage-s1-7f3a"

// record writes a run's folder as it is before its reports: 30 attempts of a read, one each second, of which those in hangs get no answer. The outage is from 10 s to 20 s,
// a fault for a run and nothing for a control.
func record(t *testing.T, dir, id string, control bool, hangs ...int) *history.History {
	t.Helper()
	const zero = clock.Micros(1_000_000)
	us := func(s float64) clock.Micros { return zero + clock.Of(time.Duration(s*float64(time.Second))) }
	journey := plan.Journey{
		Name: "view-page", Kind: "read", Driver: "browser", Rate: 1, Every: 1_000_000, Deadline: 500_000, Patience: 900_000, Best: []plan.Best{{Class: "ok"}},
	}
	p := plan.Plan{
		Schema: plan.Schema, Scenario: "outage", App: "wallet", Seed: 1, TimeScale: 1, Control: control, Baseline: 10_000_000, OutageEnd: 20_000_000, End: 30_000_000,
		RecoverWithin: 5_000_000, Steady: plan.Steady{OK: 0.9}, Journeys: []plan.Journey{journey}, Sessions: 1,
	}
	h := &history.History{
		Header:   history.Header{Schema: history.Schema, Run: id, App: "wallet", Scenario: "outage", Seed: 1, Runtime: "local"},
		Timeline: &history.Timeline{At: zero},
	}
	if !control {
		p.Services = []plan.Service{{Name: "infura", Kind: "rpc"}}
		p.Effects = []plan.Effect{{
			ID: "c1/http-status/infura", Fault: "http-status", Layer: "http", Unit: "requests", Service: "infura", From: 10_000_000, To: 20_000_000,
			Steps: []plan.Step{{At: 10_000_000, Share: 1}}, Reach: 1,
		}}
		for state, at := range map[string]float64{history.FaultInjecting: 10, history.FaultConfirmed: 10.1, history.FaultLifting: 20, history.FaultCleared: 20.1} {
			h.Faults = append(h.Faults, history.Fault{ID: "c1/http-status/infura", State: state, At: us(at), Touched: history.Touched{Requests: 9}})
		}
	}
	for n := range 30 {
		at := us(float64(n) + 0.5)
		a := history.Attempt{ID: fmt.Sprintf("view-page#%d", n), Journey: "view-page", Due: at, At: at, End: at + 20_000, Status: 200}
		for _, k := range hangs {
			if k == n {
				a.Status, a.Error, a.End = 0, history.ErrTimeout, at+900_000
			}
		}
		h.Attempts = append(h.Attempts, a)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	h.Plan = text

	folder := filepath.Join(dir, id)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(folder, history.PlainName))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := history.NewWriter(file, history.NewRedactor(), nil)
	w.Add(h.Header)
	w.Add(history.Plan{Plan: h.Plan})
	w.Add(*h.Timeline)
	for _, a := range h.Attempts {
		w.Add(a)
	}
	for _, f := range h.Faults {
		w.Add(f)
	}
	if err := w.Seal(history.EndComplete, "", us(31)); err != nil {
		t.Fatal(err)
	}
	read, err := history.ReadFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func write(t *testing.T, dir, id string, h *history.History) *verdict.Verdict {
	t.Helper()
	v, err := Write(filepath.Join(dir, id), h)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWriteHoldsARunAgainstItsControl(t *testing.T) {
	const spoke = "the control, without faults, had hang in view-page, in 1 attempt, the first at 12.5 s: gave no whole answer within 0.9 s"
	t.Run("none", func(t *testing.T) {
		dir := t.TempDir()
		v := write(t, dir, runID, record(t, dir, runID, false))
		if v.Verdict != verdict.Pass || v.Control != nil {
			t.Errorf("%s %v, control %+v", v.Verdict, v.Reasons, v.Control)
		}
	})
	t.Run("a good one", func(t *testing.T) {
		dir := t.TempDir()
		control := write(t, dir, runID+ControlSuffix, record(t, dir, runID+ControlSuffix, true))
		if control.Verdict != verdict.Pass || !control.Run.Control || control.Control != nil {
			t.Errorf("the control: %s %v", control.Verdict, control.Reasons)
		}
		v := write(t, dir, runID, record(t, dir, runID, false))
		want := &verdict.Control{Run: runID + ControlSuffix, Verdict: verdict.Pass, Reasons: []string{}}
		if diff := cmp.Diff(want, v.Control); diff != "" || v.Verdict != verdict.Pass {
			t.Errorf("%s, control %s", v.Verdict, diff)
		}
	})
	t.Run("one in which a check spoke", func(t *testing.T) {
		dir := t.TempDir()
		control := write(t, dir, runID+ControlSuffix, record(t, dir, runID+ControlSuffix, true, 12))
		if control.Verdict != verdict.Pass {
			t.Errorf("the control: %s %v", control.Verdict, control.Reasons)
		}
		h := record(t, dir, runID, false)
		for round := range 2 { // as it is run, and when it is judged again
			v := write(t, dir, runID, h)
			if diff := cmp.Diff([]string{spoke}, v.Reasons); diff != "" || v.Verdict != verdict.Inconclusive || v.Score != nil {
				t.Errorf("round %d: %s, score %v, %s", round, v.Verdict, v.Score, diff)
			}
		}
		for _, name := range []string{VerdictName, HTMLName, SummaryName, JUnitName} {
			text, err := os.ReadFile(filepath.Join(dir, runID, name))
			if err != nil || !strings.Contains(string(text), "the control, without faults, had hang in view-page") {
				t.Errorf("%s does not say so: %v", name, err)
			}
		}

		// Of the two only the run's folder was kept.
		if err := os.RemoveAll(filepath.Join(dir, runID+ControlSuffix)); err != nil {
			t.Fatal(err)
		}
		if v := write(t, dir, runID, h); !cmp.Equal([]string{spoke}, v.Reasons) || v.Control.Verdict != verdict.Pass {
			t.Errorf("without the control's folder: %s %v", v.Verdict, v.Reasons)
		}
		// Another run's verdict.json in the folder, or a broken one, is not listened to.
		file := filepath.Join(dir, runID, VerdictName)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range []string{strings.Replace(string(text), `"`+runID+`"`, `"another"`, 1), "{"} {
			if err := os.WriteFile(file, []byte(other), 0o644); err != nil {
				t.Fatal(err)
			}
			if v := write(t, dir, runID, h); v.Control != nil || v.Verdict != verdict.Pass {
				t.Errorf("%.40s…: %s, control %+v", other, v.Verdict, v.Control)
			}
		}
	})
	t.Run("one that cannot be read", func(t *testing.T) {
		dir := t.TempDir()
		record(t, dir, runID+ControlSuffix, true)
		if err := os.WriteFile(filepath.Join(dir, runID+ControlSuffix, history.PlainName), []byte("nothing\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		v := write(t, dir, runID, record(t, dir, runID, false))
		if v.Verdict != verdict.Inconclusive || len(v.Reasons) != 1 || !strings.HasPrefix(v.Reasons[0], "the control, without faults, cannot be read: ") {
			t.Errorf("%s %v", v.Verdict, v.Reasons)
		}
	})
}

// A control is no run of the scenario: it must not stand in for one in a scorecard, whichever came last.
func TestScorecardLeavesControlsOut(t *testing.T) {
	dir := t.TempDir()
	runs := []*verdict.Verdict{
		write(t, dir, runID, record(t, dir, runID, false, 11, 12, 13, 14, 15)),
		write(t, dir, runID+ControlSuffix, record(t, dir, runID+ControlSuffix, true)),
	}
	cards := scorecard.Make(runs, nil)
	if len(cards) != 1 || len(cards[0].Scenarios) != 1 || len(cards[0].Scenarios[0].Seeds) != 1 {
		t.Fatalf("%+v", cards)
	}
	if seed := cards[0].Scenarios[0].Seeds[0]; seed.Run != runID || *cards[0].Score >= 100 {
		t.Errorf("it counts %s, score %d", seed.Run, *cards[0].Score)
	}
	if cards := scorecard.Make(runs[1:], nil); len(cards) != 0 {
		t.Errorf("a card of a control alone: %+v", cards)
	}
}
