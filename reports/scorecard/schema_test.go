package scorecard

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackout/harness/spec"
	"blackout/reports/schema/schematest"
	"blackout/reports/verdict"
)

// fits checks a document against the schema that the program prints.
func fits(t *testing.T, document []byte) error {
	t.Helper()
	return schematest.Fits(t, JSONSchema, document)
}

// told reads all verdicts of the judge's own tests, each as a run of one app under a scenario of its own.
func told(t *testing.T) (runs []*verdict.Verdict) {
	t.Helper()
	files, err := filepath.Glob("../verdict/testdata/*/verdict.json")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d verdicts: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v verdict.Verdict
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		v.Run.App, v.Run.Scenario = "wallet", filepath.Base(filepath.Dir(file))
		runs = append(runs, &v)
	}
	return runs
}

func encoded(t *testing.T, cards []Card) []byte {
	t.Helper()
	text, err := Encode(cards)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestSchema holds that what is written fits the schema: every verdict that the judge gives in its tests, cards without a score, and all that may have changed.
func TestSchema(t *testing.T) {
	suite := &spec.Suite{Name: "s", Version: "1", Seeds: []uint64{1}, Scenarios: []spec.SuiteEntry{{Name: "all-good", Weight: 2}, {Name: "hang", Weight: 1}, {Name: "never-run", Weight: 1}}}
	all := told(t)
	before, after := Make([]*verdict.Verdict{ran("wallet", "all-good", 1, 1, 30, map[string]verdict.Class{"view": verdict.Wrong})}, nil), Make(all, suite)
	Since(after, before)
	fresh := Make([]*verdict.Verdict{ran("new", "a", 1, 1, -1, nil)}, nil)
	Since(fresh, before)
	for name, cards := range map[string][]Card{"every verdict": Make(all, nil), "a suite, and what changed": after, "no score, and no card before": fresh, "no card": {}} {
		if err := fits(t, encoded(t, cards)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaRefuses holds that a document with one thing wrong does not fit.
func TestSchemaRefuses(t *testing.T) {
	v := found(ran("w", "a", 1, 1, 80, map[string]verdict.Class{"view": verdict.Unavailable}), "hang", "view", verdict.Unavailable, 4, 20, "hung")
	v.Cells[0].Sum = &verdict.Sum{O: 0.8, R: 0.8, Q: 0.8, Uncapped: 80, Caps: []verdict.Cap{{Rule: "not-recovered", At: 59}}}
	cards := Make([]*verdict.Verdict{v}, nil)
	Since(cards, Make([]*verdict.Verdict{ran("w", "a", 1, 1, 70, fine())}, nil))
	right := string(encoded(t, cards))
	if err := fits(t, []byte(right)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][2]string{
		"another version":              {`"schema": "blackout/scorecard/1"`, `"schema": "blackout/scorecard/2"`},
		"a renamed field":              {`"headline": `, `"title": `},
		"a score above 100":            {`"score": 80`, `"score": 101`},
		"a grade that there is not":    {`"grade": "B"`, `"grade": "E"`},
		"a severity that there is not": {`"severity": "safe"`, `"severity": "bad"`},
		"a coverage in percent":        {`"coverage": 1,`, `"coverage": 100,`},
		"a class that there is not":    {`"worst": "unavailable"`, `"worst": "broken"`},
		"attempts by another class":    {`"unavailable": 1`, `"broken": 1`},
		"a fact that is a warning":     {`"class": "unavailable"`, `"class": "warning"`},
		"a verdict that there is not":  {`"verdict": "pass"`, `"verdict": "passed"`},
		"a verdict's sum as a card's":  {`"uncapped": 80`, `"weight": 80`},
		"a cap that there is not":      {`"rule": "not-recovered"`, `"rule": "late"`},
		"a list that is null":          {`"reasons": []`, `"reasons": null`},
		"a score before that is text":  {`"before": 70`, `"before": "70"`},
	} {
		broken := strings.Replace(right, c[0], c[1], 1)
		if broken == right {
			t.Errorf("%s: %s is not in\n%s", name, c[0], right)
		} else if fits(t, []byte(broken)) == nil {
			t.Errorf("%s fits the schema", name)
		}
	}
	if fits(t, []byte(strings.Trim(right, "[]\n"))) == nil {
		t.Error("a card that is in no array fits the schema")
	}
}
