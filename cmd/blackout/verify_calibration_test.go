//go:build verify || calibrate

package main

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"blackout/harness/spec"
	"blackout/reports/verdict"
	"blackout/scenarios"
)

// Where the table stands, between its two marks, and the picture of it.
const (
	calibrationPage  = "../../reports/README.md"
	calibrationImage = "../../reports/images/calibration.svg"
)

// Flags of the test binary.
var update = flag.Bool("update", false, "write the measured table into the page")

// seeds is how many seeds the unflawed wallet lives through each scenario with.
var seeds = flag.Int("seeds", 1, "seeds of each scenario for the wallet without a flaw")

// spoken is which checks spoke in a run, warnings too, and how often.
type spoken map[string]int

func spokenIn(d done) spoken {
	counts := spoken{}
	for _, f := range slices.Concat(d.Findings, d.Warnings) {
		counts[f.Check] += max(1, f.Count)
	}
	return counts
}

func (s spoken) String() string {
	var parts []string
	for _, check := range slices.Sorted(maps.Keys(s)) {
		parts = append(parts, fmt.Sprintf("%s %d", check, s[check]))
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing")
}

// TestVerifyCalibration takes each defence away from a wallet that has them all, and holds what the judge says: the checks that must speak do, no other does, and of
// the wallet with all its defences none does, under any scenario.
func TestVerifyCalibration(t *testing.T) {
	r := newRig(t)
	var (
		mu   sync.Mutex
		said = map[string]spoken{} // by flaw
	)
	file := readCalibration(t)
	t.Run("runs", func(t *testing.T) { // ends when all runs have
		for _, name := range scenarios.Names(spec.KindScenario) {
			for seed := 1; seed <= *seeds; seed++ {
				t.Run("unflawed/"+name+"/"+strconv.Itoa(seed), func(t *testing.T) {
					t.Parallel()
					d := r.beside(t).calibrate("", name, uint64(seed))
					heard := spokenIn(d)
					for _, check := range file.Unavoidable[name] {
						delete(heard, check)
					}
					want := verdict.Pass
					if slices.Contains(file.Untouched, name) {
						want = verdict.NotApplicable
					}
					if d.Verdict.Verdict != want || len(heard) > 0 {
						t.Errorf("the wallet with all its defences, under %s, seed %d: %s %q, want %s; %s spoke: %s", name, seed, d.Verdict.Verdict, d.Reasons, want, heard, findingsText(d))
					}
				})
			}
		}
		for _, row := range calibrationRows(t) {
			t.Run(row.Flaw, func(t *testing.T) {
				t.Parallel()
				d := r.beside(t).calibrate(row.Flaw, row.Under, 1)
				heard := spokenIn(d)
				mu.Lock()
				said[row.Flaw] = heard
				mu.Unlock()
				for _, check := range row.Must {
					if heard[check] == 0 {
						t.Errorf("without the defence %s, under %s: %s did not speak; %s did", row.Flaw, row.Under, check, heard)
					}
				}
				for check := range heard {
					if !slices.Contains(row.Must, check) && !slices.Contains(row.May, check) {
						t.Errorf("without the defence %s, under %s: %s spoke, which has no reason to: %s", row.Flaw, row.Under, check, findingsText(d))
					}
				}
			})
		}
	})
	table := calibrationTable(calibrationRows(t), said)
	if err := os.WriteFile(filepath.Join(r.out, "calibration.md"), []byte(table), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("the table:\n%s", table)
	picture := calibrationPicture(calibrationRows(t), said)
	if err := os.WriteFile(filepath.Join(r.out, "calibration.svg"), []byte(picture), 0o644); err != nil {
		t.Fatal(err)
	}
	if *update && !t.Failed() {
		writeCalibration(t, table)
		if err := os.WriteFile(calibrationImage, []byte(picture), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// calibrate runs the wallet without one of its defences.
func (r *rig) calibrate(flaw, scenario string, seed uint64) done {
	o := order{scenarios: []string{scenario}, apps: []string{calibration}, seed: seed, parallel: 1}
	if flaw != "" {
		o.set = append(o.set, "start.env.FLAWS="+flaw)
	}
	return r.run(o)[0]
}

// calibrationTable is what each flaw made the judge say: in bold what it must say.
func calibrationTable(rows []flawRow, said map[string]spoken) string {
	var b strings.Builder
	b.WriteString("| without the defence | under | the judge says |\n|---|---|---|\n")
	for _, row := range rows {
		heard := maps.Clone(said[row.Flaw])
		var parts []string
		for _, check := range row.Must {
			parts = append(parts, fmt.Sprintf("**%s** %d", check, heard[check]))
			delete(heard, check)
		}
		if len(heard) > 0 {
			parts = append(parts, heard.String())
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", row.Flaw, row.Under, strings.Join(parts, ", "))
	}
	return b.String()
}

// Marks of the table in the page.
const tableFrom, tableTo = "<!-- calibration: written by make calibrate -->\n", "<!-- end of calibration -->"

func writeCalibration(t *testing.T, table string) {
	t.Helper()
	text, err := os.ReadFile(calibrationPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), tableFrom)
	_, after, ok2 := strings.Cut(rest, tableTo)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", calibrationPage)
	}
	if err := os.WriteFile(calibrationPage, []byte(before+tableFrom+table+tableTo+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
