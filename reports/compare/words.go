package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"blackout/reports/verdict"
)

// headline sums the comparison up in one sentence. Only pairs whose change is known count in it; how many do not stands at its end.
func headline(c *Comparison) string {
	var known, failA, passA, gained, lost, unknown int
	scenarios := map[string]bool{}
	for _, p := range c.Pairs {
		scenarios[p.Scenario] = true
		if p.Change == NotKnown {
			unknown++
			continue
		}
		known++
		fell, falls := p.A.Verdict == verdict.Fail, p.B.Verdict == verdict.Fail
		switch {
		case fell && !falls:
			gained++
		case !fell && falls:
			lost++
		}
		if fell {
			failA++
		} else {
			passA++
		}
	}
	what := "scenario"
	if len(scenarios) < len(c.Pairs) { // several seeds, or several apps
		what = "run"
	}
	if len(c.Pairs) == 0 {
		return fmt.Sprintf("nothing of %s and %s can be compared: no run has a partner", c.A.Name, c.B.Name)
	}
	if known == 0 {
		return fmt.Sprintf("whether %s is better than %s is not known: none of %s can be compared", c.B.Name, c.A.Name, counted(len(c.Pairs), "pair"))
	}
	var text string
	switch {
	case gained > 0 && lost > 0:
		text = fmt.Sprintf("%s lives through %d of %s that %s fails, and fails %d of %d that it lives through", c.B.Name, gained, counted(failA, what), c.A.Name, lost, passA)
	case gained > 0:
		text = fmt.Sprintf("%s lives through %d of %s that %s fails", c.B.Name, gained, counted(failA, what), c.A.Name)
	case lost > 0:
		text = fmt.Sprintf("%s fails %d of %s that %s lives through", c.B.Name, lost, counted(passA, what), c.A.Name)
	case passA == 0:
		text = fmt.Sprintf("%s and %s both fail %s", c.A.Name, c.B.Name, all(failA, what))
	case failA == 0:
		text = fmt.Sprintf("%s and %s both live through %s", c.A.Name, c.B.Name, all(passA, what))
	default:
		text = fmt.Sprintf("%s and %s both live through %d of %s, and both fail the others", c.A.Name, c.B.Name, passA, counted(known, what))
	}
	if gained+lost == 0 {
		var parts []string
		for _, change := range []string{Better, Worse, Mixed} {
			if n := c.Changes[change]; n > 0 {
				parts = append(parts, fmt.Sprintf("%s in %d", change, n))
			}
		}
		if len(parts) > 0 {
			text += fmt.Sprintf("; %s is %s", c.B.Name, strings.Join(parts, ", "))
		}
	}
	if unknown > 0 {
		text += fmt.Sprintf("; %d of %s cannot be compared", unknown, counted(len(c.Pairs), "pair"))
	}
	if n := len(c.Alone); n > 0 {
		text += fmt.Sprintf("; %s without a partner", counted(n, "run"))
	}
	return text
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func all(n int, what string) string {
	if n == 1 {
		return "the one " + what
	}
	return fmt.Sprintf("all %d %ss", n, what)
}

// why lists what the runs show of the reasons, the strongest first: what the outage reached, who answered instead, and what else was not the same.
func why(c *Comparison, p *Pair, alike string) []string {
	list := []string{}
	if alike != "" {
		list = append(list, alike)
	}
	type ends struct{ a, b string }
	by := map[ends][]string{}
	var order []ends
	for _, f := range p.Faults {
		e := ends{f.A, f.B}
		if by[e] == nil {
			order = append(order, e)
		}
		by[e] = append(by[e], f.Fault+" on "+f.On)
	}
	for _, e := range order {
		on := slices.Compact(by[e])
		text := strings.Join(on[:min(3, len(on))], ", ")
		if more := len(on) - 3; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		list = append(list, fmt.Sprintf("%s: %s for %s, %s for %s", text, cmp.Or(e.a, "not planned"), c.A.Name, cmp.Or(e.b, "not planned"), c.B.Name))
	}
	var shares []string
	for _, s := range p.Providers {
		shares = append(shares, fmt.Sprintf("%s %s → %s", s.Service, s.A.Text(), s.B.Text()))
	}
	if len(shares) > 0 {
		list = append(list, "who gave the answers in the outage: "+strings.Join(shares, ", "))
	}
	for _, v := range p.Versions {
		list = append(list, fmt.Sprintf("%s: %s → %s", cmp.Or(map[string]string{"app": "version of the app", "blackout": "version of Blackout"}[v.Of], "library "+v.Of), cmp.Or(v.A, "none"), cmp.Or(v.B, "none")))
	}
	return list
}

// Text is the share in words: "41 %", or "none" where there was no answer at all.
func (p ProviderSide) Text() string {
	if p.Share == nil {
		return "none"
	}
	return Percent(*p.Share)
}

// Percent never rounds something to nothing, nor almost all to all.
func Percent(share float64) string {
	switch p := 100 * share; {
	case share > 0 && p < 1:
		return "<1 %"
	case share < 1 && p > 99:
		return ">99 %"
	default:
		return fmt.Sprintf("%.0f %%", p)
	}
}

// Title is what a finding is about: "zero-balance in view-balance".
func (f *Finding) Title() string {
	if f.Journey == "all" { // of the app as a whole
		return f.Check
	}
	return f.Check + " in " + f.Journey
}

// Counts is how often the check spoke on each side: "565 → 0". A side without data has a question mark.
func (f *Finding) Counts() string {
	count := func(s *Sight) string {
		switch {
		case s != nil:
			return fmt.Sprint(s.Count)
		case f.State == Uncertain:
			return "?"
		}
		return "0"
	}
	return count(f.A) + " → " + count(f.B)
}

// Sight is the evidence to show: B's, or A's when B has none.
func (f *Finding) Sight() *Sight {
	if f.B != nil {
		return f.B
	}
	return f.A
}

// Where is the run and the first attempt.
func (s *Sight) Where() string {
	if s.Attempt == "" {
		return s.Run
	}
	return s.Run + ", " + s.Attempt
}

// Title is what a pair is of: "aws-us-east-1-down, seed 1", and the app where the sides have more than one.
func (p *Pair) Title(c *Comparison) string {
	text := fmt.Sprintf("%s, seed %d", p.Scenario, p.Seed)
	if len(c.A.Apps) > 1 || len(c.B.Apps) > 1 {
		text = p.A.App + ": " + text
	}
	return text
}

// LeftOut says which of a side's runs do not count; "" when all do.
func (s *Side) LeftOut() string {
	var parts []string
	if s.Older > 0 {
		parts = append(parts, counted(s.Older, "run")+" that a later one replaces")
	}
	if s.Controls > 0 {
		parts = append(parts, counted(s.Controls, "control"))
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("left out of %s: %s", s.Name, strings.Join(parts, ", "))
}

// none is what stands where there is no value.
const none = "–"

// Score is a score, or a dash.
func Score(s *int) string {
	if s == nil {
		return none
	}
	return fmt.Sprint(*s)
}

// Rating is the journey's score. The side may be nil.
func (s *CellSide) Rating() string {
	if s == nil {
		return "no such journey"
	}
	return Score(s.Score)
}

// Has reports whether a class occurred. The side may be nil.
func (s *CellSide) Has(class verdict.Class) bool { return s != nil && s.Shares[class] > 0 }

// Part is a class's share of the attempts in the outage. The side may be nil.
func (s *CellSide) Part(class verdict.Class) string {
	if s == nil || s.Attempts == 0 {
		return none
	}
	return Percent(s.Shares[class])
}

// Recovered is how long after the last fault the journey was steady again. The side may be nil.
func (s *CellSide) Recovered() string {
	if s == nil || s.RecoveredAfterS == nil {
		return none
	}
	return fmt.Sprintf("%.1f s", *s.RecoveredAfterS)
}
