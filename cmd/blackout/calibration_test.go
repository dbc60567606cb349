package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"blackout/harness/spec"
	"blackout/reports/verdict"
	"blackout/scenarios"
)

// flawRow is one row of the calibration: a defence that is taken away, and what the judge has to say.
type flawRow struct {
	Flaw  string   `yaml:"flaw"`
	Under string   `yaml:"under"`
	Must  []string `yaml:"must"`
	May   []string `yaml:"may"`
}

func calibrationRows(t *testing.T) []flawRow {
	t.Helper()
	return readCalibration(t).Rows
}

// calibrationFile is the whole list: the rows, the scenarios that take nothing from the wallet, and what speaks of any app under a scenario.
type calibrationFile struct {
	Rows        []flawRow           `yaml:"rows"`
	Untouched   []string            `yaml:"untouched"`
	Unavoidable map[string][]string `yaml:"unavoidable"`
}

func readCalibration(t *testing.T) calibrationFile {
	t.Helper()
	text, err := os.ReadFile("testdata/calibration.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file calibrationFile
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		t.Fatal(yaml.FormatError(err, false, true))
	}
	return file
}

// TestCalibrationIsWhole holds the list itself: every scenario and check exists, no flaw stands twice, and nothing that is asked for may also be left out. What the
// runs say is held by TestVerifyCalibration.
func TestCalibrationIsWhole(t *testing.T) {
	var checks []string
	for _, c := range verdict.Checks() {
		checks = append(checks, c.ID)
	}
	rows := calibrationRows(t)
	if len(rows) < 23 {
		t.Errorf("only %d flaws are listed", len(rows))
	}
	for _, name := range readCalibration(t).Untouched {
		if !slices.Contains(scenarios.Names(spec.KindScenario), name) || slices.ContainsFunc(rows, func(row flawRow) bool { return row.Under == name }) {
			t.Errorf("untouched: there is no scenario %q, or a flaw is shown under it", name)
		}
	}
	seen := map[string]bool{}
	for _, row := range rows {
		if seen[row.Flaw] {
			t.Errorf("%s stands twice", row.Flaw)
		}
		seen[row.Flaw] = true
		if !slices.Contains(scenarios.Names(spec.KindScenario), row.Under) {
			t.Errorf("%s: there is no scenario %q", row.Flaw, row.Under)
		}
		if len(row.Must) == 0 {
			t.Errorf("%s: no check is asked to speak", row.Flaw)
		}
		for _, check := range append(slices.Clone(row.Must), row.May...) {
			if !slices.Contains(checks, check) {
				t.Errorf("%s: there is no check %q", row.Flaw, check)
			}
		}
		for _, check := range row.May {
			if slices.Contains(row.Must, check) {
				t.Errorf("%s: %s both must and may speak", row.Flaw, check)
			}
		}
	}
}

// TestCalibrationPage holds that the page shows each flaw that is listed, and each check that must speak as one that did: the table is the last one that was measured.
func TestCalibrationPage(t *testing.T) {
	text, err := os.ReadFile("../../reports/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range calibrationRows(t) {
		from := fmt.Sprintf("| %s | %s | ", row.Flaw, row.Under)
		_, line, ok := strings.Cut(string(text), from)
		if !ok {
			t.Errorf("the page has no row %q: make calibrate", from)
			continue
		}
		line, _, _ = strings.Cut(line, "\n")
		for _, check := range row.Must {
			if !regexp.MustCompile(`\*\*` + check + `\*\* [1-9]`).MatchString(line) {
				t.Errorf("%s: the page does not show that %s spoke: %s", row.Flaw, check, line)
			}
		}
	}
}
