package verdict

import (
	"bytes"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/reports/schema/schematest"
)

func TestAmounts(t *testing.T) {
	ether4, ether, wei := plan.Amount{Unit: "ether", Decimals: 4}, plan.Amount{Unit: "ether", Decimals: -1}, plan.Amount{Unit: "wei", Decimals: -1}
	const held = "1030450000000003567" // 1.030450000000003567 ether
	for _, c := range []struct {
		text string
		as   plan.Amount
		held string
		want bool
	}{
		{"1.0304", ether4, held, true},  // cut off
		{"1.0305", ether4, held, true},  // half up
		{"1.0306", ether4, held, false}, //
		{"1.03", ether4, held, false},   // digits are missing that are not zero
		{"1.03", ether4, "1030000000000000000", true},
		{"1.0300", ether4, "1030000000000000000", true},
		{"1.03045", ether4, held, true}, // more digits than promised are held to what they say
		{"1.03046", ether4, held, false},
		{"1.030450000000003567", ether4, held, true},
		{"1.030450000000003567", ether, held, true},
		{"1.03045", ether, held, false},
		{"1.0304500000000035671", ether, held, false}, // finer than a wei
		{"1.0304500000000035670", ether, held, true},
		{"103045e-5", ether4, held, true},
		{"1030450000000003567", wei, held, true},
		{"1.030450000000003567e18", wei, held, true},
		{"0xde0b6b3a7640000", wei, "1000000000000000000", true},
		{"0x0", wei, "0", true},
		{"-1.0304", ether4, held, false},
		{"0", ether4, "0", true},
		{"0.0000", ether4, "49999999999999", true},
		{"0.0000", ether4, "50000000000000", true}, // cut off
		{"0.0001", ether4, "50000000000000", true}, // half up
		{"0", ether4, "100000000000000", false},
		{"1", ether4, "999960000000000000", true}, // 0.99996 rounds up across the point
		{"10", plan.Amount{Unit: "ether", Decimals: 0}, "9500000000000000000", true},
		{"9", plan.Amount{Unit: "ether", Decimals: 0}, "9500000000000000000", true},
		{"1030450000", plan.Amount{Unit: "gwei", Decimals: 0}, held, true},
		{"12.34", plan.Amount{Unit: "token", Decimals: 2, PerBlock: "1234567"}, "12345670", true},
		{"12.35", plan.Amount{Unit: "token", Decimals: 2, PerBlock: "1234567"}, "12345670", true}, // half up
		{"12.36", plan.Amount{Unit: "token", Decimals: 2, PerBlock: "1234567"}, "12345670", false},
		{"0xbc614e", plan.Amount{Unit: "token-base-units", Decimals: -1, PerBlock: "1234567"}, "12345678", true},
		{"7", plan.Amount{Unit: "ether", Decimals: 30}, "7000000000000000000", true}, // more digits than the unit has
	} {
		shown, ok := parseAmount(c.text, c.as.Whole())
		if !ok {
			t.Errorf("%s is no number", c.text)
			continue
		}
		key, drop, ok := shown.scaled(c.as)
		if got := ok && (cutOff(c.held, drop) == key || halfUp(c.held, drop) == key); got != c.want {
			t.Errorf("%s %s with %d digits for %s wei: %t, want %t (key %q, drop %d)", c.text, c.as.Unit, c.as.Decimals, c.held, got, c.want, key, drop)
		}
	}
	for _, text := range []string{"", " ", "n/a", "1,5", "1.5 ETH", ".5", "5.", "1e", "1e9999", "--1", "+1", "0x", "0x-1", "0x1_0", "NaN", "1.2.3", strings.Repeat("9", 500)} {
		if a, ok := parseAmount(text, true); ok {
			t.Errorf("%q was read as %+v", text, a)
		}
	}
	if _, ok := parseAmount("0x10", false); ok {
		t.Error("hex was read for a unit that is not wei")
	}
}

// The number that was read is the number that was written, for any text; and no text panics.
func FuzzAmount(f *testing.F) {
	for _, text := range []string{"1.0304", "0x1bc16d674ec80000", "-0.00", "12e-7", "1e18", "0000.100", "0e400", "1e-400"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, ok := parseAmount(text, false)
		if !ok {
			return
		}
		want, ok := new(big.Rat).SetString(strings.TrimSpace(text))
		if !ok {
			t.Fatalf("%q is no number, but was read as %+v", text, a)
		}
		got, _ := new(big.Rat).SetString("0" + a.digits)
		got.Quo(got, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(a.places)), nil)))
		if a.negative {
			got.Neg(got)
		}
		if got.Cmp(want) != 0 {
			t.Fatalf("%q was read as %s", text, got)
		}
		if a.places > 0 && strings.HasSuffix(a.digits, "0") {
			t.Fatalf("%q kept trailing zeros: %+v", text, a)
		}
	})
}

func TestWorstExit(t *testing.T) {
	for _, c := range []struct {
		codes []int
		want  int
	}{
		{nil, 0}, {[]int{0, 0}, 0}, {[]int{0, 3}, 3}, {[]int{3, 4, 0}, 4}, {[]int{4, 1, 3}, 1}, {[]int{1, 130, 4}, 130}, {[]int{130, 2, 1}, 2}, {[]int{2, 99}, 99},
	} {
		if got := WorstExit(c.codes...); got != c.want {
			t.Errorf("WorstExit(%v) = %d, want %d", c.codes, got, c.want)
		}
	}
}

func TestGrade(t *testing.T) {
	at := func(n int) *int { return &n }
	for _, c := range []struct {
		score    *int
		severity string
		want     string
	}{
		{at(100), Safe, "A"}, {at(90), Safe, "A"}, {at(89), Safe, "B"}, {at(75), Safe, "B"}, {at(74), Safe, "C"}, {at(60), Safe, "C"}, {at(59), Safe, "D"}, {at(40), Safe, "D"},
		{at(39), Safe, "F"}, {at(0), Safe, "F"}, {at(95), Misleading, "C"}, {at(60), Misleading, "C"}, {at(59), Misleading, "D"}, {at(39), Misleading, "F"},
		{at(95), Harming, "F"}, {nil, Unknown, "?"},
	} {
		if got := Grade(c.score, c.severity); got != c.want {
			t.Errorf("Grade(%v, %s) = %s, want %s", c.score, c.severity, got, c.want)
		}
	}
}

// The arithmetic of the score, by hand.
func TestScoreCell(t *testing.T) {
	many := func(n int, class, best Class) []mark {
		list := make([]mark, n)
		for i := range list {
			list[i] = mark{class, best}
		}
		return list
	}
	add := func(lists ...[]mark) (all []mark) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	for _, c := range []struct {
		name             string
		outage, recovery []mark
		broken           bool
		want, uncapped   int
		o, r             float64
		caps             []Cap
	}{
		{"all ok", many(10, OK, OK), many(10, OK, OK), false, 100, 100, 1, 1, nil},
		{"floor, not round", many(3, Late, OK), many(1, OK, OK), false, 77, 77, 0.7, 1, nil},
		{"best possible is degraded", many(4, Degraded, Degraded), many(4, OK, OK), false, 100, 100, 1, 1, nil},
		{"better than possible is no more than possible", many(4, OK, Declined), many(4, OK, OK), false, 100, 100, 1, 1, nil},
		{"late where degraded is best", many(4, Late, Degraded), many(4, Late, OK), false, 92, 92, 1, 0.7, nil},
		{"declined where degraded is best", many(4, Declined, Degraded), many(4, OK, OK), false, 75, 75, 0.666667, 1, nil},
		{"nothing was possible", many(4, Unavailable, Unavailable), many(4, OK, OK), false, 100, 100, 1, 1, nil},
		{"no recovery was watched", many(4, Declined, OK), nil, false, 40, 40, 0.4, 0.4, nil},
		{"no outage", nil, many(4, Late, OK), false, 70, 70, 0.7, 0.7, nil},
		{"nothing at all", nil, nil, false, 0, 0, 0, 0, nil},
		{"not recovered", many(4, OK, OK), many(4, OK, OK), true, 59, 100, 1, 1, []Cap{{"not-recovered", 59, 0}}},
		{"not recovered, and lower anyway", many(4, Unavailable, OK), many(4, OK, OK), true, 25, 25, 0, 1, []Cap{{"not-recovered", 59, 0}}},
		{"one of ten wrong", add(many(1, Wrong, OK), many(4, OK, OK)), many(5, OK, OK), false, 35, 85, 0.8, 1, []Cap{{"wrong", 35.1, 0.1}}},
		{"one of ten harmful", add(many(1, Harmful, OK), many(4, OK, OK)), many(5, OK, OK), false, 8, 85, 0.8, 1, []Cap{{"harmful", 8.1, 0.1}}},
		{"wrong and harmful", add(many(1, Wrong, OK), many(1, Harmful, OK), many(3, OK, OK)), many(5, OK, OK), false, 8, 70, 0.6, 1,
			[]Cap{{"wrong", 31.2, 0.2}, {"harmful", 8.1, 0.1}}},
		{"all wrong", many(2, Wrong, OK), many(2, Wrong, OK), false, 0, 0, 0, 0, []Cap{{"wrong", 0, 1}}},
		{"wrong counts after the outage too", many(5, OK, OK), add(many(1, Wrong, OK), many(4, OK, OK)), false, 35, 95, 1, 0.8, []Cap{{"wrong", 35.1, 0.1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, sum := scoreCell(c.outage, c.recovery, c.broken)
			if got != c.want {
				t.Errorf("score %d, want %d", got, c.want)
			}
			want := Sum{O: c.o, R: c.r, Q: sum.Q, Uncapped: c.uncapped, Caps: c.caps}
			if diff := cmp.Diff(want, sum); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestScenarioScoreWeighsPayments(t *testing.T) {
	ninety, thirty := 90, 30
	if got := scenarioScore([]Cell{{Kind: "read", Score: &ninety}, {Kind: "write", Score: &thirty}}); got != 50 {
		t.Errorf("score %d, want 50", got)
	}
}

// The first record of a chain decides nothing that it does not know: a broken plan is the only error.
func TestBrokenPlan(t *testing.T) {
	for _, text := range []string{`{`, `[]`, `{"schema":"blackout/plan/9"}`} {
		h := &history.History{Header: history.Header{Run: "r1"}, Plan: json.RawMessage(text)}
		if _, err := Judge(h); err == nil || !strings.Contains(err.Error(), "r1") {
			t.Errorf("a plan of %s: error %v, want one that names the run", text, err)
		}
	}
	if _, err := Judge(&history.History{}); err != nil {
		t.Errorf("a history without a plan: %v", err)
	}
}

// A word after the drain comes too late to count.
func TestWordsAfterTheDrain(t *testing.T) {
	pending := []string{"pending"}
	h := tell(story{Attempts: []group{{Journey: "send-payment", From: 10 * time.Second, Count: 1, Says: &pending}}})
	drained := h.Pools[0].At
	for after, want := range map[clock.Micros]Class{0: Late, 1: Degraded} {
		said := h.Said
		h.Said = append(slices.Clone(said), history.Said{Intent: "send-payment#20", State: history.StateConfirmed, At: drained + after})
		j, err := Judge(h)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(j.Attempts, func(a Judged) bool { return a.ID == "send-payment#20" })
		if got := j.Attempts[i].Class; got != want {
			t.Errorf("confirmed %d µs after the drain: %s, want %s", after, got, want)
		}
		h.Said = said
	}
}

// Encode fills in what a reader counts on, whoever made the verdict.
func TestEncodeIsWhole(t *testing.T) {
	v := &Verdict{Schema: Schema, Verdict: Pass, Grade: "A", Severity: Safe, Ended: history.EndComplete, Cells: []Cell{{Journey: "view-balance", Kind: "read"}}}
	text, err := v.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte(`"findings": null`)) || v.Findings != nil || v.Cells[0].Attempts != nil {
		t.Errorf("a list is null, or the verdict was changed:\n%s", text)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	schema := schematest.Compile(t, JSONSchema)
	if err := schema.Validate(doc); err != nil {
		t.Error(err)
	}
	for _, window := range windowNames() {
		for _, class := range Classes() {
			counts := doc.(map[string]any)["cells"].([]any)[0].(map[string]any)["attempts"].(map[string]any)[window].(map[string]any)
			if _, ok := counts[string(class)]; !ok {
				t.Errorf("%s is missing in %s", class, window)
			}
		}
	}
	for field, bad := range map[string]any{"verdict": "maybe", "score": 101.0, "grade": "E", "severity": nil, "ended": "", "cells": nil, "recovered_after_s": "1"} {
		broken := map[string]any{}
		for k, val := range doc.(map[string]any) {
			broken[k] = val
		}
		broken[field] = bad
		if schema.Validate(broken) == nil {
			t.Errorf("%s = %v fits the schema", field, bad)
		}
	}
}

func TestChecksAreDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Checks() {
		if seen[c.ID] || c.ID == "" || c.Rule == "" || c.Reason == "" || c.spot == nil {
			t.Errorf("check %q is given twice or lacks something", c.ID)
		}
		seen[c.ID] = true
		if c.Class != Warning && badness(c.Class) < badness(Unavailable) {
			t.Errorf("check %s has class %s", c.ID, c.Class)
		}
	}
}
