// Package junit writes verdicts as JUnit XML, which CI systems show as test results: a suite is one run, a case is one journey.
package junit

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"blackout/reports/verdict"
)

type suites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Suites   []suite  `xml:"testsuite"`
}

type suite struct {
	Name      string `xml:"name,attr"`
	Tests     int    `xml:"tests,attr"`
	Failures  int    `xml:"failures,attr"`
	Errors    int    `xml:"errors,attr"`
	Skipped   int    `xml:"skipped,attr"`
	Time      string `xml:"time,attr"`
	Timestamp string `xml:"timestamp,attr,omitempty"`
	Cases     []kase `xml:"testcase"`
}

type kase struct {
	Name      string   `xml:"name,attr"`
	Class     string   `xml:"classname,attr"`
	Time      string   `xml:"time,attr"`
	Skipped   *skip    `xml:"skipped,omitempty"`
	Failure   *problem `xml:"failure,omitempty"`
	Error     *problem `xml:"error,omitempty"`
	SystemOut string   `xml:"system-out,omitempty"`
}

type skip struct {
	Message string `xml:"message,attr"`
}

type problem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// Write writes the runs as one document. A journey fails when it has a finding that fails the verdict; every journey of an inconclusive run is an error, because no data
// is never a pass. Characters that XML cannot carry are replaced.
func Write(w io.Writer, runs ...*verdict.Verdict) error {
	all := suites{Name: "blackout"}
	for _, v := range runs {
		all.add(runSuite(v))
	}
	return write(w, all)
}

// add counts the cases of a suite and takes it in.
func (all *suites) add(s suite) {
	for _, k := range s.Cases {
		s.Tests++
		switch {
		case k.Failure != nil:
			s.Failures++
		case k.Error != nil:
			s.Errors++
		case k.Skipped != nil:
			s.Skipped++
		}
	}
	all.Tests += s.Tests
	all.Failures += s.Failures
	all.Errors += s.Errors
	all.Suites = append(all.Suites, s)
}

func write(w io.Writer, all suites) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return fmt.Errorf("write junit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func runSuite(v *verdict.Verdict) suite {
	took := 0.0
	for _, win := range v.Windows {
		took = max(took, win.ToS)
	}
	s := suite{Name: fmt.Sprintf("%s × %s (seed %d)", v.Run.App, v.Run.Scenario, v.Run.Seed), Time: fmt.Sprintf("%.3f", took), Timestamp: strings.TrimSuffix(v.Run.StartedAt, "Z")}
	for _, cell := range v.Cells {
		k := kase{Name: cell.Journey, Class: v.Run.App + "." + v.Run.Scenario, Time: fmt.Sprintf("%.3f", took), SystemOut: out(cell)}
		switch failing := failing(v, cell.Journey); {
		case v.Verdict == verdict.Inconclusive || v.Verdict == verdict.NotApplicable:
			k.Error = &problem{Message: v.Verdict, Type: v.Verdict, Text: strings.Join(v.Reasons, "\n")}
		case len(failing) > 0:
			var text strings.Builder
			for _, f := range failing {
				fmt.Fprintf(&text, "%s (%s), %d times from %.1f s: %s\n  attempts: %s\n", f.ID, f.Class, f.Count, f.FirstAtS, f.Text, strings.Join(f.Attempts, ", "))
			}
			k.Failure = &problem{Message: fmt.Sprintf("%s: %s", failing[0].Check, failing[0].Text), Type: failing[0].Check, Text: text.String()}
		}
		s.Cases = append(s.Cases, k)
	}
	if len(s.Cases) == 0 { // a run that ended before it knew its journeys still has to show
		s.Cases = []kase{{Name: v.Run.Scenario, Class: v.Run.App, Time: "0", Error: &problem{Message: v.Verdict, Type: v.Verdict, Text: strings.Join(v.Reasons, "\n")}}}
	}
	return s
}

// failing gives the findings of a journey that fail a verdict.
func failing(v *verdict.Verdict, journey string) (list []verdict.Finding) {
	if v.Verdict != verdict.Fail {
		return nil
	}
	for _, f := range v.Findings {
		if f.Journey == journey && (f.Class == verdict.Wrong || f.Class == verdict.Harmful || f.Check == "not-recovered") {
			list = append(list, f)
		}
	}
	return list
}

func out(c verdict.Cell) string {
	var text strings.Builder
	if c.Score != nil {
		fmt.Fprintf(&text, "score %d\n", *c.Score)
	}
	for _, window := range []string{verdict.Baseline, verdict.Outage, verdict.Recovery, verdict.After} {
		var parts []string
		for _, class := range verdict.Classes() {
			if n := c.Attempts[window][class]; n > 0 {
				parts = append(parts, fmt.Sprintf("%s %d", class, n))
			}
		}
		if len(parts) > 0 {
			fmt.Fprintf(&text, "%s: %s\n", window, strings.Join(parts, ", "))
		}
	}
	return text.String()
}
