package gate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"blackout/harness/spec"
	"blackout/reports/verdict"
)

// sample is one metric's value of one run, or of one journey of it.
type sample struct {
	run           *verdict.Verdict
	journey, kind string
	value         float64 // +Inf: never
	word          string  // of a metric that is no number
	unknown       bool    // the run is inconclusive
	detail        string  // "12 of 400 attempts"
	bad           float64 // how far it is beyond the bounds, once it was held
}

// samples are the values that a run gives a rule: none if it is not applicable, or has none.
func samples(rule spec.Rule, m spec.Metric, v *verdict.Verdict) []sample {
	if v.Verdict == verdict.NotApplicable {
		return nil
	}
	unknown := v.Verdict != verdict.Pass && v.Verdict != verdict.Fail
	if !rule.PerJourney() {
		s := sample{run: v, unknown: unknown}
		ofRun(&s, m)
		return []sample{s}
	}
	var list []sample
	for i := range v.Cells {
		c := &v.Cells[i]
		if kind, journey := rule.Where[spec.WhereKind], rule.Where[spec.WhereJourney]; kind != "" && c.Kind != kind || journey != "" && c.Journey != journey {
			continue
		}
		s := sample{run: v, journey: c.Journey, kind: c.Kind, unknown: unknown}
		if unknown || ofCell(&s, rule, c) {
			list = append(list, s)
		}
	}
	list = append(list, strays(rule, v, unknown)...)
	if len(v.Cells) == 0 && unknown { // it ended before it knew its journeys
		return []sample{{run: v, unknown: true, journey: rule.Where[spec.WhereJourney], kind: rule.Where[spec.WhereKind]}}
	}
	return list
}

// strays are the counts of findings that are about no one journey, such as those of amplification, which is about all.
func strays(rule spec.Rule, v *verdict.Verdict, unknown bool) (list []sample) {
	if rule.Metric != spec.MetricFindings && rule.Metric != spec.MetricWarnings || rule.Where[spec.WhereKind] != "" || rule.Where[spec.WhereJourney] != "" {
		return nil
	}
	whole := sample{run: v}
	for _, f := range whole.findings(rule) {
		if slices.ContainsFunc(v.Cells, func(c verdict.Cell) bool { return c.Journey == f.Journey }) || slices.ContainsFunc(list, func(s sample) bool { return s.journey == f.Journey }) {
			continue
		}
		s := sample{run: v, journey: f.Journey, unknown: unknown}
		s.value = float64(len(s.findings(rule)))
		list = append(list, s)
	}
	return list
}

// ofRun fills in a metric of whole runs.
func ofRun(s *sample, m spec.Metric) {
	v := s.run
	switch m.Name {
	case spec.MetricScore:
		if v.Score != nil {
			s.value = float64(*v.Score)
		}
	case spec.MetricVerdict:
		s.word = v.Verdict
	case spec.MetricSeverity:
		s.word = v.Severity
	case spec.MetricHarmedIntents:
		s.value = float64(v.HarmedIntents)
	case spec.MetricUnmodelled:
		s.value = float64(len(v.UnmodelledHosts))
		s.detail = strings.Join(v.UnmodelledHosts[:min(3, len(v.UnmodelledHosts))], ", ")
	}
}

// ofCell fills in a metric of one journey. It is false where there is no value.
func ofCell(s *sample, rule spec.Rule, c *verdict.Cell) bool {
	windows := []string{verdict.Outage, verdict.Recovery, verdict.After}
	if w := rule.Where[spec.WhereWindow]; w != "" {
		windows = []string{w}
	}
	switch name := rule.Metric; {
	case name == spec.MetricScore:
		if c.Score == nil {
			return false
		}
		s.value = float64(*c.Score)
	case name == spec.MetricRecoveredAfter:
		switch {
		case c.RecoveredAfterS != nil:
			s.value = *c.RecoveredAfterS
		case len(s.run.Faults) == 0:
			return false
		default:
			s.value = math.Inf(1)
		}
	case name == spec.MetricFindings || name == spec.MetricWarnings:
		s.value = float64(len(s.findings(rule)))
	case strings.HasPrefix(name, spec.MetricLatency):
		return latency(s, strings.TrimPrefix(name, spec.MetricLatency), c, windows)
	default:
		return counts(s, name, c, windows)
	}
	return true
}

// counts fills in how many attempts have a class, or their share.
func counts(s *sample, metric string, c *verdict.Cell, windows []string) bool {
	family, class, _ := strings.Cut(metric, ".")
	n, total := 0, 0
	for _, w := range windows {
		for of, k := range c.Attempts[w] {
			if of == verdict.Void {
				continue
			}
			total += k
			if of == verdict.Class(class) {
				n += k
			}
		}
	}
	s.detail = fmt.Sprintf("%d of %d attempts were %s", n, total, class)
	if family+"." == spec.MetricAttempts {
		s.value = float64(n)
		return true
	}
	if total == 0 {
		return false
	}
	s.value = float64(n) / float64(total)
	return true
}

// latency fills in the worst of the windows' quantiles.
func latency(s *sample, quantile string, c *verdict.Cell, windows []string) bool {
	found := false
	for _, w := range windows {
		q, ok := c.LatencyS[w]
		if !ok {
			continue
		}
		v := map[string]float64{"p50": q.P50, "p95": q.P95, "p99": q.P99, "max": q.Max}[quantile]
		if !found || v > s.value {
			s.value, s.detail = v, fmt.Sprintf("%s of %s in the window %s", quantile, s.journey, w)
		}
		found = true
	}
	return found
}

// text is the value in words.
func (s *sample) text(m spec.Metric) string {
	switch {
	case s.word != "":
		return s.word
	case math.IsInf(s.value, 1):
		return "never"
	}
	return m.Format(s.value)
}

// findings are those of the run and journey that a rule's metric is about, the gravest class first.
func (s *sample) findings(rule spec.Rule) []verdict.Finding {
	list := s.run.Findings
	if rule.Metric == spec.MetricWarnings {
		list = s.run.Warnings
	}
	check, class := rule.Where[spec.WhereCheck], ""
	for _, family := range []string{spec.MetricAttempts, spec.MetricShare} {
		if c, ok := strings.CutPrefix(rule.Metric, family); ok {
			class = c
		}
	}
	switch {
	case rule.Metric == spec.MetricRecoveredAfter:
		check = "not-recovered"
	case rule.Metric == spec.MetricHarmedIntents:
		class = string(verdict.Harmful)
	case strings.HasPrefix(rule.Metric, spec.MetricLatency) || rule.Metric == spec.MetricUnmodelled:
		return nil
	}
	list = slices.DeleteFunc(slices.Clone(list), func(f verdict.Finding) bool {
		return s.journey != "" && f.Journey != s.journey || check != "" && f.Check != check || class != "" && string(f.Class) != class
	})
	slices.SortStableFunc(list, func(a, b verdict.Finding) int { return -cmp.Compare(classRank(a.Class), classRank(b.Class)) })
	return list
}

func classRank(c verdict.Class) int { return slices.Index(verdict.Classes(), c) }

// What of a run is named as evidence; the rest is counted.
const (
	mostFindings = 3
	mostAttempts = 3
)

// sight is where a sample can be seen.
func (s *sample) sight(rule spec.Rule, m spec.Metric) Sight {
	out := Sight{Run: s.run.Run.ID, Findings: []string{}, Attempts: []string{}}
	if s.unknown {
		out.Text = "inconclusive"
		if len(s.run.Reasons) > 0 {
			out.Text += ": " + s.run.Reasons[0]
		}
		return out
	}
	findings := s.findings(rule)
	switch {
	case s.detail != "" && len(findings) == 0:
		out.Text = s.detail
	case len(findings) == 0:
		out.Text = s.text(m)
		if len(s.run.Reasons) > 0 {
			out.Text += "; " + s.run.Reasons[0]
		}
	default:
		out.Text = findings[0].Check + ": " + findings[0].Text
		if n := len(findings) - min(mostFindings, len(findings)); n > 0 {
			out.Text += fmt.Sprintf(" (and %d findings more)", n)
		}
	}
	for _, f := range findings[:min(mostFindings, len(findings))] {
		out.Findings = append(out.Findings, f.ID)
		out.Attempts = append(out.Attempts, f.Attempts[:min(mostAttempts, len(f.Attempts))]...)
	}
	out.Attempts = out.Attempts[:min(mostAttempts, len(out.Attempts))]
	return out
}
