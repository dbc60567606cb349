package spec

import "fmt"

// Metrics are what a gate's rules hold against their bounds.
var Metrics = []string{
	"score", "coverage", "recovered_after_s", "findings", "warnings", "harmed_intents",
	"attempts.ok", "attempts.late", "attempts.degraded", "attempts.declined", "attempts.unavailable", "attempts.wrong", "attempts.harmful",
}

// The defaults of a rule.
const (
	defaultAcrossSeeds = "worst"
	defaultWhenMissing = "fail" // no data is never a pass
)

// acrossLower asks for the lower bound of the mean's confidence interval, which only scores have.
const acrossLower = "lower"

func (l *loader) gate(n *node) *Gate {
	g := &Gate{Source: l.source, Name: n.get("name").word(), About: n.get("about").word()}
	rules := n.get("rules")
	seen := map[string]Pos{}
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
		if _, ok := seen[w.Rule]; w.Rule != "" && !ok {
			l.problem(item.get("rule").pos, fmt.Sprintf("unknown rule %q", clip(w.Rule)), suggestOr(w.Rule, ids))
		}
		g.Waivers = append(g.Waivers, w)
	}
	return g
}

func (l *loader) rule(n *node) Rule {
	r := Rule{
		ID: n.get("id").word(), Metric: n.get("metric").word(), Min: limit(n.get("min")), Max: limit(n.get("max")),
		Where: n.get("where").strMap(), AcrossSeeds: n.get("across_seeds").word(), WhenMissing: n.get("when_missing").word(),
	}
	if m := n.get("metric"); m.word() != "" {
		l.oneOf(m, Metrics, "unknown metric")
	}
	if r.AcrossSeeds == "" {
		r.AcrossSeeds = defaultAcrossSeeds
	}
	if r.WhenMissing == "" {
		r.WhenMissing = defaultWhenMissing
	}
	if r.AcrossSeeds == acrossLower && r.Metric != "score" && r.Metric != "" {
		l.problem(n.get("across_seeds").pos, fmt.Sprintf("%q is for the score, and the metric is %q", acrossLower, clip(r.Metric)), "one of: best, median, worst")
	}
	switch {
	case !n.has("min", "max"):
		l.problem(n.at(), `the rule has neither "min" nor "max": it would let anything through`, "")
	case r.Min != nil && r.Max != nil && *r.Min > *r.Max:
		l.problem(n.get("max").pos, `"max" is less than "min": nothing can pass`, "")
	}
	return r
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
