package compare

import (
	"path/filepath"
	"strings"
	"testing"

	"blackout/reports/schema/schematest"
	"blackout/reports/verdict"
)

// fits checks a document against the schema that the program prints.
func fits(t *testing.T, document []byte) error {
	t.Helper()
	return schematest.Fits(t, JSONSchema, document)
}

// every compares each verdict that the judge gives in its tests with the next, and has one run without a partner.
func every(t *testing.T) *Comparison {
	t.Helper()
	files, err := filepath.Glob("../verdict/testdata/*/verdict.json")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d verdicts: %v", len(files), err)
	}
	var a, b []*verdict.Verdict
	for i, file := range files {
		name, next := filepath.Base(filepath.Dir(file)), filepath.Base(filepath.Dir(files[(i+1)%len(files)]))
		a, b = append(a, story(t, name, "1-"+name, "old", name)), append(b, story(t, next, "2-"+name, "new", name))
	}
	c := make2(t, append(a, run("1-alone", "old", "alone", 1, 75)), b)
	if len(c.Pairs) != len(files) || len(c.Alone) != 1 {
		t.Fatalf("%d pairs of %d, %d alone", len(c.Pairs), len(files), len(c.Alone))
	}
	return c
}

func encoded(t *testing.T, c *Comparison) []byte {
	t.Helper()
	text, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestSchema holds that what is written fits the schema, also of sides that have nothing in common.
func TestSchema(t *testing.T) {
	apart, _ := Make(Input{"old", []*verdict.Verdict{run("1", "x", "s", 1, 90)}}, Input{"new", []*verdict.Verdict{run("2", "x", "r", 1, 90)}})
	for name, c := range map[string]*Comparison{"every verdict": every(t), "nothing in common": apart} {
		if err := fits(t, encoded(t, c)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaRefuses holds that a document with one thing wrong does not fit.
func TestSchemaRefuses(t *testing.T) {
	right := string(encoded(t, every(t)))
	if err := fits(t, []byte(right)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][2]string{
		"another version":               {`"schema": "blackout/compare/1"`, `"schema": "blackout/compare/2"`},
		"a renamed field":               {`"headline": `, `"title": `},
		"changes without a word":        {`"mixed": `, `"both": `},
		"a change that there is not":    {`"change": "better"`, `"change": "good"`},
		"a journey that is mixed":       {`"kind": "read",` + "\n" + `          "change": "better"`, `"kind": "read", "change": "mixed"`},
		"a score that is text":          {`"score": 100`, `"score": "100"`},
		"a score below 0":               {`"score": 0`, `"score": -1`},
		"a severity that there is not":  {`"severity": "safe"`, `"severity": "good"`},
		"a share in percent":            {`"ok": 1`, `"ok": 100`},
		"a share of no class":           {`"ok": 1`, `"fine": 1`},
		"a state that there is not":     {`"state": "gone"`, `"state": "lost"`},
		"a finding without a side":      {`"state": "gone",`, `"states": "gone",`},
		"a verdict that there is not":   {`"verdict": "inconclusive"`, `"verdict": "unknown"`},
		"a provider's share in percent": {`"share": 1`, `"share": 100`},
		"a side that there is not":      {`"side": "a"`, `"side": "left"`},
		"an end that there is not":      {`"a": "exercised"`, `"a": "used"`},
		"a list that is null":           {`"versions": []`, `"versions": null`},
	} {
		broken := strings.Replace(right, c[0], c[1], 1)
		if broken == right {
			t.Errorf("%s: %s is not in it", name, c[0])
		} else if fits(t, []byte(broken)) == nil {
			t.Errorf("%s fits the schema", name)
		}
	}
}
