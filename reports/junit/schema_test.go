package junit

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	gojunit "github.com/joshdk/go-junit"

	"blackout/reports/gate"
	"blackout/reports/verdict"
)

// nasty is text that XML, or a reader of it, could take amiss.
const nasty = "0\x00 \x01\x08\x0b\x1b[31mred\x1b[0m\x7f \xff\xc0\x80 \ufffe\uffff ]]> <![CDATA[ <!-- & &#0; &amp; \"quoted\" 'too' \r\n\ttab 💥 \u2028 \u202e"

// schema checks documents against testdata/junit.xsd by xmllint. CI has it; where it is missing, the test is skipped.
func schema(t *testing.T) func(document string) error {
	t.Helper()
	program, err := exec.LookPath("xmllint")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v: install libxml2-utils", err)
		}
		t.Skipf("%v: the documents are not held against the schema (on Debian, apt install libxml2-utils)", err)
	}
	return func(document string) error {
		cmd := exec.CommandContext(t.Context(), program, "--noout", "--nonet", "--schema", "testdata/junit.xsd", "-")
		cmd.Stdin = strings.NewReader(document)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Log(string(out))
		}
		return err
	}
}

// written are documents of every kind that the package writes, by what they are of.
func written() map[string]func(io.Writer) error {
	runs := func(list ...*verdict.Verdict) func(io.Writer) error {
		return func(w io.Writer) error { return Write(w, list...) }
	}
	held := func(r *gate.Result) func(io.Writer) error {
		return func(w io.Writer) error { return WriteGate(w, r) }
	}
	spoilt := judged(verdict.Fail, verdict.Finding{ID: nasty, Check: nasty, Class: verdict.Wrong, Journey: nasty, Count: 2, Attempts: []string{nasty}, Text: nasty})
	spoilt.Run.App, spoilt.Run.Scenario, spoilt.Reasons = nasty, nasty, []string{nasty}
	spoilt.Cells[0].Journey = nasty
	cutOff := judged(verdict.Inconclusive)
	cutOff.Cells, cutOff.Windows, cutOff.Run.StartedAt, cutOff.Reasons = nil, nil, "", []string{nasty}
	lasting := judged(verdict.Pass)
	lasting.Windows = []verdict.Window{{ToS: 75.25}}

	told := gateResult()
	told.Gate, told.Rules[0].ID, told.Rules[0].Metric, told.Rules[2].Notes[0] = nasty, nasty, nasty, nasty
	for i := range told.Rules[0].Points {
		p := &told.Rules[0].Points[i]
		p.App, p.Scenario, p.Journey, p.Found, p.Waiver = nasty, nasty, nasty, nasty, nasty
	}
	told.Waivers[0].Reason, told.Waivers[0].Owner, told.Checks[0].Check = nasty, nasty, nasty

	return map[string]func(io.Writer) error{
		"no runs":                runs(),
		"one of each":            runs(judged(verdict.Pass), judged(verdict.Fail, verdict.Finding{Journey: "view", Check: "not-recovered"}), judged(verdict.NotApplicable), lasting),
		"a run that was cut off": runs(cutOff),
		"nasty runs":             runs(spoilt),
		"a gate":                 held(gateResult()),
		"an empty gate":          held(&gate.Result{Gate: "empty"}),
		"a nasty gate":           held(told),
	}
}

// TestSchema holds what is written against a schema of what CI systems read, and has its sums compared by a parser that is not ours.
func TestSchema(t *testing.T) {
	check := schema(t)
	for name, write := range written() {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := write(&out); err != nil {
				t.Fatal(err)
			}
			if err := check(out.String()); err != nil {
				t.Errorf("%v\n%s", err, out.String())
			}
			legal(t, out.String())
			var said suites
			if err := xml.Unmarshal(out.Bytes(), &said); err != nil {
				t.Fatal(err)
			}
			got, err := gojunit.Ingest(out.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			var tests, failures, errors int
			for _, s := range got {
				for _, c := range s.Tests {
					tests++
					switch c.Status {
					case gojunit.StatusFailed:
						failures++
					case gojunit.StatusError:
						errors++
					}
				}
			}
			if tests != said.Tests || failures != said.Failures || errors != said.Errors {
				t.Errorf("the document says %d tests, %d failures, %d errors; another parser counts %d, %d, %d", said.Tests, said.Failures, said.Errors, tests, failures, errors)
			}
		})
	}
}

// TestSchemaRefuses shows that the schema can say no: each document but the first has one thing wrong.
func TestSchemaRefuses(t *testing.T) {
	check := schema(t)
	const sound = `<testsuites tests="1" failures="1" errors="0"><testsuite name="s" tests="1" failures="1" errors="0" skipped="0" time="0"><testcase name="n" classname="c" time="0.5">` +
		`<failure message="m" type="t">text</failure><system-out>out</system-out></testcase></testsuite></testsuites>`
	if err := check(sound); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []struct{ name, from, to string }{
		{"a case without a name", `testcase name="n"`, `testcase`},
		{"a case with an empty name", `testcase name="n"`, `testcase name=""`},
		{"a failure without a message", ` message="m"`, ``},
		{"two outcomes", `<system-out>`, `<skipped/><system-out>`},
		{"output before the outcome", `<failure`, `<system-out/><failure`},
		{"a suite without cases", `tests="1" failures="1" errors="0" skipped="0"`, `tests="0" failures="0" errors="0" skipped="0"`},
		{"a time with a comma", `time="0.5"`, `time="0,5"`},
		{"an attribute that nobody knows", `skipped="0"`, `skipped="0" skips="0"`},
		{"an element that nobody knows", `<system-out>out</system-out>`, `<output>out</output>`},
		{"a character that XML cannot carry", `text<`, "\x1b<"},
		{"a reference to one", `text<`, "&#27;<"},
	} {
		document := strings.Replace(sound, wrong.from, wrong.to, 1)
		if document == sound {
			t.Fatalf("%s: nothing was changed", wrong.name)
		}
		if err := check(document); err == nil {
			t.Errorf("%s passes\n%s", wrong.name, document)
		}
	}
}
