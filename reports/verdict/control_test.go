package verdict

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"blackout/harness/plan"
	"blackout/reports/schema/schematest"
)

// controlOf judges a story as the control of an ordinary run: no faults, and a plan that says so.
func controlOf(t *testing.T, s story) *Verdict {
	t.Helper()
	s.Faults = &[]storyFault{}
	h := tell(s)
	var p plan.Plan
	if err := json.Unmarshal(h.Plan, &p); err != nil {
		t.Fatal(err)
	}
	p.Control = true
	h.Plan = planJSON(p)
	h.Header.Run += "-control"
	j, err := Judge(h)
	if err != nil {
		t.Fatal(err)
	}
	if !j.Verdict.Run.Control {
		t.Fatal("its verdict does not say that it is a control")
	}
	return j.Verdict
}

func judged(t *testing.T, s story) *Verdict {
	t.Helper()
	j, err := Judge(tell(s))
	if err != nil {
		t.Fatal(err)
	}
	return j.Verdict
}

const controlID = "20261122T113400Z-story-s1-7f3a-control"

func TestWithControl(t *testing.T) {
	zero := func(from, to time.Duration, count int) group {
		return group{Journey: "view-balance", From: from, To: to, Count: count, Answer: "zero"}
	}
	good, bad := story{}, story{Attempts: []group{zero(12*time.Second, 0, 3)}}
	tests := []struct {
		name         string
		run, control story
		change       func(*Verdict) // of the control
		verdict      string
		reasons      []string // of the control record; nil: none
		also         int      // reasons that the run has besides
	}{
		{name: "all well", run: good, control: story{}, verdict: Pass},
		{name: "a flaw that only the outage shows", run: bad, control: story{}, verdict: Fail},
		{
			name: "a wrong answer", run: good, control: story{Attempts: []group{zero(12*time.Second, 0, 1)}}, verdict: Inconclusive,
			reasons: []string{"the control, without faults, had zero-balance in view-balance, in 1 attempt, the first at 12.1 s: " +
				"showed 0 while the account held 1032550000000003813 wei at block 31"},
		},
		{
			name: "the same flaw in both", run: bad, control: story{Attempts: []group{zero(12*time.Second, 0, 1)}}, verdict: Inconclusive,
			reasons: []string{"the control, without faults, had zero-balance in view-balance, in 1 attempt, the first at 12.1 s: " +
				"showed 0 while the account held 1032550000000003813 wei at block 31"},
		},
		{
			name: "one that hangs passes by itself", run: good, verdict: Inconclusive,
			control: story{Attempts: []group{{Journey: "view-balance", From: 12 * time.Second, Count: 2, Error: "timeout"}}},
			reasons: []string{"the control, without faults, had hang in view-balance, in 2 attempts, the first at 12.1 s: gave no whole answer within 6 s"},
		},
		{
			name: "one whose app goes away has no finding", run: good, verdict: Inconclusive,
			control: story{Attempts: []group{{Journey: "view-balance", From: 12 * time.Second, Error: "refused"}}},
			reasons: []string{
				"the control, without faults, was inconclusive: view-balance was not steady after the baseline, without any fault: 5 % ok, 99 % are asked",
				"the control, without faults, was unavailable in view-balance, in 190 attempts",
			},
		},
		{
			name: "a harmed payment", run: good, verdict: Inconclusive,
			control: story{Attempts: []group{{Journey: "send-payment", From: 12 * time.Second, Count: 1, Mined: new(int)}}},
			reasons: []string{"the control, without faults, had lost-payment in send-payment, in 1 attempt, the first at 12.2 s: " +
				"said confirmed, but it was neither mined nor pending (confirmed at 12.37 s; the pools were read at 65.00 s)"},
		},
		{
			name: "a baseline that is not steady", run: good, verdict: Inconclusive,
			control: story{Attempts: []group{{Journey: "view-balance", To: 10 * time.Second, Each: 10, Count: 5, Status: 503, Body: "busy"}}},
			reasons: []string{"the control, without faults, was inconclusive: view-balance was not steady in the baseline: 90 % ok, 99 % are asked"},
		},
		{
			name: "what is inconclusive keeps its own reasons", run: story{Attempts: []group{{Journey: "view-balance", To: 10 * time.Second, Each: 10, Count: 5, Status: 503, Body: "busy"}}},
			control: story{Attempts: []group{zero(12*time.Second, 0, 1)}}, verdict: Inconclusive, also: 1,
			reasons: []string{"the control, without faults, had zero-balance in view-balance, in 1 attempt, the first at 12.1 s: " +
				"showed 0 while the account held 1032550000000003813 wei at block 31"},
		},
		{
			name: "not applicable, and in doubt", run: story{Faults: &[]storyFault{{Fault: "http-status", Service: "alchemy"}}}, verdict: Inconclusive,
			control: story{Attempts: []group{zero(12*time.Second, 0, 1)}},
			reasons: []string{"the control, without faults, had zero-balance in view-balance, in 1 attempt, the first at 12.1 s: " +
				"showed 0 while the account held 1032550000000003813 wei at block 31"},
		},
		{
			name: "interrupted", run: good, verdict: Inconclusive, control: good,
			change: func(v *Verdict) {
				v.Verdict, v.Reasons, v.Ended = Inconclusive, []string{"the run was interrupted"}, "interrupted"
			},
			reasons: []string{"the control, without faults, was inconclusive: the run was interrupted"},
		},
		{
			name: "of another seed", run: good, verdict: Inconclusive, change: func(v *Verdict) { v.Run.Seed = 2 },
			reasons: []string{"run " + controlID + " is no control of this one: it differs in more than the faults"},
		},
		{
			name: "no control at all", run: good, verdict: Inconclusive, change: func(v *Verdict) { v.Run.Control = false },
			reasons: []string{"run " + controlID + " is no control of this one: it differs in more than the faults"},
		},
	}
	schema := schematest.Compile(t, JSONSchema)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, control := judged(t, tt.run), controlOf(t, tt.control)
			if tt.change != nil {
				tt.change(control)
			}
			before, of := encoded(t, v), encoded(t, control)
			held := WithControl(v, control)
			if held.Verdict != tt.verdict {
				t.Errorf("verdict %s, not %s", held.Verdict, tt.verdict)
			}
			want := &Control{Run: controlID, Verdict: control.Verdict, Reasons: append([]string{}, tt.reasons...)}
			if diff := cmp.Diff(want, held.Control); diff != "" {
				t.Errorf("control (-want +got):\n%s", diff)
			}
			if len(tt.reasons) == 0 {
				held.Control = nil
				if diff := cmp.Diff(v, held); diff != "" {
					t.Errorf("it changed what it has nothing against (-before +after):\n%s", diff)
				}
				return
			}
			if diff := cmp.Diff(append(append([]string{}, v.Reasons[:tt.also]...), tt.reasons...), held.Reasons); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
			if held.Score != nil || held.Grade != "?" || held.Severity != Unknown || ExitCode(held, true) != ExitInconclusive {
				t.Errorf("score %v, grade %s, severity %s, exit %d", held.Score, held.Grade, held.Severity, ExitCode(held, true))
			}
			for _, c := range held.Cells {
				if c.Score != nil || c.Sum != nil {
					t.Errorf("%s keeps its score", c.Journey)
				}
			}
			if !bytes.Equal(before, encoded(t, v)) || !bytes.Equal(of, encoded(t, control)) {
				t.Error("an argument was changed")
			}
			text := encoded(t, held)
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(doc); err != nil {
				t.Error(err)
			}
			// What is recorded is enough to hold the run against its control again.
			var kept Verdict
			if err := json.Unmarshal(text, &kept); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(held, WithRecorded(v, *kept.Control)); diff != "" {
				t.Errorf("from the record (-first +again):\n%s", diff)
			}
		})
	}
}

func TestWithoutControl(t *testing.T) {
	v := judged(t, story{})
	if WithControl(v, nil) != v {
		t.Error("no control changed something")
	}
	if bytes.Contains(encoded(t, v), []byte("control")) {
		t.Error("a verdict without a control names one")
	}
}

func encoded(t *testing.T, v *Verdict) []byte {
	t.Helper()
	text, err := v.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}
