package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The ways to make one value of several seeds' values.
const (
	AcrossWorst  = "worst"
	AcrossMedian = "median"
	AcrossBest   = "best"
	AcrossLower  = "lower" // the lower bound of the mean's confidence interval, which only scores have
)

// What a rule says when there is nothing to hold.
const (
	MissingFail = "fail" // no data is never a pass
	MissingSkip = "skip"
)

// The keys of where.
const (
	WhereApp      = "app"
	WhereScenario = "scenario"
	WhereTag      = "tag"
	WhereKind     = "kind"
	WhereJourney  = "journey"
	WhereCheck    = "check"
	WhereWindow   = "window"
)

// whereAll lists them. Waivers have the first five only; any other key is unknown, and said to be by the shape check.
var whereAll = []string{WhereApp, WhereScenario, WhereTag, WhereKind, WhereJourney, WhereCheck, WhereWindow}

const whereOfWaivers = 5

func (l *loader) gate(n *node) *Gate {
	g := &Gate{Source: l.source, Name: n.get("name").word(), About: n.get("about").word()}
	rules := n.get("rules")
	seen := map[string]Pos{}
	byID := map[string]Rule{}
	var ids []string
	if rules.is(listNode) {
		if len(rules.items) == 0 {
			l.problem(rules.at(), "the gate has no rule: it would let anything through", "")
		}
		for _, item := range rules.items {
			if !item.is(mapNode) {
				continue
			}
			r := l.rule(item)
			if id := item.get("id"); r.ID != "" {
				l.unique("rule", seen, r.ID, id.pos)
				ids = append(ids, r.ID)
				byID[r.ID] = r
			}
			g.Rules = append(g.Rules, r)
		}
	}
	waivers := n.get("waivers")
	if !waivers.is(listNode) {
		return g
	}
	for _, item := range waivers.items {
		w := Waiver{
			Rule: item.get("rule").word(), Where: item.get("where").strMap(), Reason: item.get("reason").word(),
			Owner: item.get("owner").word(), Until: item.get("until").word(),
		}
		of, ok := byID[w.Rule]
		if w.Rule != "" && !ok {
			l.problem(item.get("rule").pos, fmt.Sprintf("unknown rule %q", clip(w.Rule)), suggestOr(w.Rule, ids))
		}
		if m, known := MetricNamed(of.Metric); ok && known {
			l.waivable(item.get("where"), of, m)
		}
		g.Waivers = append(g.Waivers, w)
	}
	return g
}

func (l *loader) rule(n *node) Rule {
	r := Rule{
		ID: n.get("id").word(), Metric: n.get("metric").word(), Min: limit(n.get("min")), Max: limit(n.get("max")), Equals: n.get("equals").word(),
		Where: n.get("where").strMap(), AcrossSeeds: n.get("across_seeds").word(), WhenMissing: n.get("when_missing").word(),
	}
	if r.AcrossSeeds == "" {
		r.AcrossSeeds = AcrossWorst
	}
	if r.WhenMissing == "" {
		r.WhenMissing = MissingFail
	}
	if !n.has("min", "max", "equals") {
		l.problem(n.at(), `the rule has neither "min" nor "max" nor "equals": it would let anything through`, "")
	}
	m, known := MetricNamed(r.Metric)
	if metric := n.get("metric"); !known {
		if metric.word() != "" {
			l.oneOf(metric, metricNames(), "unknown metric")
		}
		return r
	}
	l.across(n.get("across_seeds"), r, m)
	l.bounds(n, &r, m)
	l.selects(n.get("where"), r, m)
	return r
}

// across holds what a rule makes of several seeds against what its metric has of them.
func (l *loader) across(n *node, r Rule, m Metric) {
	switch {
	case n == nil || n.bad:
	case m.Each == EachApp:
		l.problem(n.pos, fmt.Sprintf("%q is over all seeds already", m.Name), "take it out")
	case r.AcrossSeeds == AcrossLower && m.Name != MetricScore:
		l.problem(n.pos, fmt.Sprintf("%q is for the score, and the metric is %q", AcrossLower, m.Name), "one of: best, median, worst")
	case r.AcrossSeeds == AcrossMedian && m.Unit == UnitWord:
		l.problem(n.pos, fmt.Sprintf("%q is no number: it has no median", m.Name), "one of: best, worst")
	}
}

// bounds holds a rule's limits against the unit of its metric.
func (l *loader) bounds(n *node, r *Rule, m Metric) {
	equals := n.get("equals")
	if m.Unit == UnitWord {
		for _, key := range []string{"min", "max"} {
			if b := n.get(key); b != nil {
				l.problem(b.at(), fmt.Sprintf("%q is no number: it takes \"equals\"", m.Name), "equals: one of "+strings.Join(m.Words, ", "))
			}
		}
		if equals != nil && !equals.bad {
			l.oneOf(equals, m.Words, fmt.Sprintf("%q cannot be", m.Name))
		}
		return
	}
	for _, key := range []string{"min", "max", "equals"} {
		if b := n.get(key); b != nil && !b.bad {
			l.bound(b, m)
		}
	}
	if equals != nil {
		r.Equals = ""
		if n.has("min", "max") {
			l.problem(equals.at(), `"equals" stands beside "min" or "max"`, "one of the two")
			return
		}
		if v := limit(equals); v != nil {
			r.Min, r.Max = v, v
		}
	}
	if r.Min != nil && r.Max != nil && *r.Min > *r.Max {
		l.problem(n.get("max").pos, `"max" is less than "min": nothing can pass`, "")
	}
}

// bound holds one limit against its metric's unit.
func (l *loader) bound(n *node, m Metric) {
	v, what, hint := parseLimit(n.text)
	percentage := strings.HasSuffix(n.text, "%")
	switch {
	case what != "":
		l.problem(n.pos, what, hint)
		n.bad = true
	case v < 0:
		l.problem(n.pos, fmt.Sprintf("%q is never below 0", m.Name), "")
	case m.Unit == UnitShare && v > 1:
		hint := ""
		if !percentage && v <= 100 {
			hint = fmt.Sprintf("did you mean %s%%?", n.text)
		}
		l.problem(n.pos, fmt.Sprintf("%q is a share, and never above 100%%", m.Name), hint)
	case m.Unit != UnitShare && percentage:
		hint := fmt.Sprintf("a number of %s", m.Unit)
		if class, ok := strings.CutPrefix(m.Name, MetricAttempts); ok {
			hint = fmt.Sprintf("did you mean %q?", MetricShare+class)
		} else if m.Unit == UnitCount {
			hint = "a whole number"
		}
		l.problem(n.pos, fmt.Sprintf("%q is no share", m.Name), hint)
	case m.Unit == UnitPoints && v > 100:
		l.problem(n.pos, fmt.Sprintf("%q is never above 100", m.Name), "")
	}
}

// selects holds the keys of a rule's where against what its metric tells apart.
func (l *loader) selects(n *node, r Rule, m Metric) {
	for _, e := range whereKeys(n) {
		takes := []string{WhereApp, WhereScenario, WhereTag}
		if m.Each == EachJourney || m.Name == MetricScore {
			takes = append(takes, WhereKind, WhereJourney)
		}
		if m.Name == MetricFindings || m.Name == MetricWarnings {
			takes = append(takes, WhereCheck)
		}
		if m.windowed() {
			takes = append(takes, WhereWindow)
		}
		if slices.Contains(whereAll, e.key) && !slices.Contains(takes, e.key) {
			l.problem(e.pos, fmt.Sprintf("the metric %q is not told apart by %s", r.Metric, e.key), "one of: "+strings.Join(takes, ", "))
		}
	}
}

// waivable holds the keys of a waiver's where against what can fail of its rule.
func (l *loader) waivable(n *node, r Rule, m Metric) {
	takes := []string{WhereApp}
	if m.Each != EachApp {
		takes = append(takes, WhereScenario, WhereTag)
	}
	if r.PerJourney() {
		takes = append(takes, WhereKind, WhereJourney)
	}
	for _, e := range whereKeys(n) {
		if slices.Contains(whereAll[:whereOfWaivers], e.key) && !slices.Contains(takes, e.key) {
			l.problem(e.pos, fmt.Sprintf("what fails of rule %q is not told apart by %s", clip(r.ID), e.key), "one of: "+strings.Join(takes, ", "))
		}
	}
}

// windowed reports whether the metric is of one window after the other.
func (m Metric) windowed() bool {
	return strings.HasPrefix(m.Name, MetricAttempts) || strings.HasPrefix(m.Name, MetricShare) || strings.HasPrefix(m.Name, MetricLatency)
}

// PerJourney reports whether a rule holds one value of each journey, not of each run or app.
func (r Rule) PerJourney() bool {
	m, _ := MetricNamed(r.Metric)
	return m.Each == EachJourney || m.Name == MetricScore && (r.Where[WhereKind] != "" || r.Where[WhereJourney] != "")
}

// Expects says the bounds of a rule in words: "at least 75", "at most 5 %", "safe".
func (r Rule) Expects() string {
	m, _ := MetricNamed(r.Metric)
	switch {
	case r.Equals != "":
		return r.Equals
	case r.Min != nil && r.Max != nil && *r.Min == *r.Max:
		return "exactly " + m.Format(*r.Min)
	case r.Min != nil && r.Max != nil:
		return m.Format(*r.Min) + " to " + m.Format(*r.Max)
	case r.Min != nil:
		return "at least " + m.Format(*r.Min)
	case r.Max != nil:
		return "at most " + m.Format(*r.Max)
	}
	return ""
}

// Format writes a value of the metric with its unit, without digits that do not matter.
func (m Metric) Format(v float64) string {
	switch m.Unit {
	case UnitShare:
		return short(100*v, 2) + " %"
	case UnitSeconds:
		return short(v, 3) + " s"
	}
	return short(v, 2)
}

// short writes a number with at most so many digits after the point.
func short(v float64, digits int) string {
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.ContainsRune(text, '.') {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// whereKeys are the entries of a where that is there.
func whereKeys(n *node) []entry {
	if !n.is(mapNode) {
		return nil
	}
	return n.entries
}

func limit(n *node) *float64 {
	if n == nil || n.bad {
		return nil
	}
	v, what, _ := parseLimit(n.text)
	if what != "" {
		return nil
	}
	return &v
}
