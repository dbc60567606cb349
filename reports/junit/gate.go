package junit

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"blackout/reports/gate"
)

// WriteGate writes a gate's result: a suite is one app under one scenario, a case is one rule there. What is over all scenarios, and the gate's own waivers, is a suite
// of its own. What is not known is an error, because no data is never a pass; what is excused is skipped, with the reason.
func WriteGate(w io.Writer, r *gate.Result) error {
	type place struct{ app, scenario string }
	cases := map[place][]kase{}
	var order []place
	add := func(at place, k kase) {
		if _, ok := cases[at]; !ok {
			order = append(order, at)
		}
		k.Class, k.Time = "gate."+r.Gate, "0"
		cases[at] = append(cases[at], k)
	}
	for i := range r.Rules {
		rule := &r.Rules[i]
		by := map[place][]gate.Point{}
		for _, p := range rule.Points {
			at := place{p.App, p.Scenario}
			by[at] = append(by[at], p)
		}
		if len(by) == 0 {
			add(place{}, kase{Name: rule.ID, Skipped: &skip{Message: strings.Join(rule.Notes, "; ")}})
		}
		for _, at := range inOrder(rule.Points, func(p gate.Point) place { return place{p.App, p.Scenario} }) {
			add(at, ruleCase(rule, by[at]))
		}
	}
	for _, f := range r.Checks {
		if f.New {
			add(place{f.App, f.Scenario}, kase{
				Name:    "new since the baseline: " + f.Check + " in " + f.Journey,
				Failure: &problem{Message: f.Title(), Type: f.Check, Text: f.Sight.String() + "\n"},
			})
		}
	}
	for _, waiver := range r.Waivers {
		if waiver.State == gate.Expired {
			text := fmt.Sprintf("%s (%s) expired on %s: mend what it excuses and take it out, or renew it", waiver.Reason, waiver.Owner, waiver.Until)
			add(place{}, kase{Name: "waiver of " + waiver.Rule, Failure: &problem{Message: "expired on " + waiver.Until, Type: "waiver", Text: text + "\n"}})
		}
	}
	slices.SortStableFunc(order, func(a, b place) int {
		return strings.Compare(a.app+"\x00"+a.scenario, b.app+"\x00"+b.scenario)
	})
	all := suites{Name: "blackout gate " + r.Gate}
	for _, at := range order {
		name := strings.Join(slices.DeleteFunc([]string{at.app, at.scenario}, func(s string) bool { return s == "" }), " × ")
		if name == "" {
			name = "gate " + r.Gate
		}
		all.add(suite{Name: name, Time: "0", Cases: cases[at]})
	}
	return write(w, all)
}

// inOrder lists the keys of a list, each once.
func inOrder[T any, K comparable](list []T, key func(T) K) (keys []K) {
	for _, v := range list {
		if k := key(v); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys
}

// ruleCase is a rule in one suite, by the gravest of its points there, which come first.
func ruleCase(rule *gate.Rule, points []gate.Point) kase {
	k := kase{Name: rule.ID}
	var text strings.Builder
	fmt.Fprintf(&text, "expected: %s\n", rule.About())
	for _, p := range points {
		fmt.Fprintf(&text, "%s: %s: %s\n", p.Result, p.Title(), p.Found)
		for _, s := range p.Evidence {
			fmt.Fprintf(&text, "  %s\n", s)
			if len(s.Findings) > 0 {
				fmt.Fprintf(&text, "  findings: %s\n", strings.Join(s.Findings, ", "))
			}
		}
	}
	first := points[0]
	message := fmt.Sprintf("%s: %s, expected %s", first.Title(), first.Found, rule.Expected)
	switch first.Result {
	case gate.Fail:
		k.Failure = &problem{Message: message, Type: rule.Metric, Text: text.String()}
	case gate.NotKnown:
		k.Error = &problem{Message: message, Type: gate.NotKnown, Text: text.String()}
	case gate.Waived:
		k.Skipped = &skip{Message: "waived: " + first.Waiver}
		k.SystemOut = text.String()
	case gate.Known:
		k.Skipped = &skip{Message: "known from the baseline: " + message}
		k.SystemOut = text.String()
	default:
		k.SystemOut = text.String()
	}
	return k
}
