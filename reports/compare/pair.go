package compare

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"blackout/reports/verdict"
)

// told is the least change of a provider's share that is worth a line.
const told = 0.05

// pair compares two runs.
func pair(c *Comparison, a, b *verdict.Verdict) Pair {
	p := Pair{
		Scenario: a.Run.Scenario, Seed: a.Run.Seed, A: runOf(a), B: runOf(b), Warnings: warnings(c, a, b), Why: []string{},
		Faults: faults(a, b), Providers: providers(a, b), Versions: versions(a, b),
	}
	known := len(p.Warnings) == 0
	p.Cells = cells(a, b, known)
	p.Findings = findings(a, b, known)
	p.Change = NotKnown
	if known {
		p.Change = change(
			-cmp.Compare(verdictRank(a), verdictRank(b)),
			-cmp.Compare(severityRank(b.Severity), severityRank(a.Severity)),
			-cmp.Compare(*a.Score, *b.Score),
		)
	}
	if p.Change != Same { // of what did not change there is no reason to give
		p.Why = why(c, &p, alike(a, b))
	}
	return p
}

// change sums up comparisons, of which each is 1 for better, 0 for the same and -1 for worse.
func change(steps ...int) string {
	better, worse := slices.Contains(steps, 1), slices.Contains(steps, -1)
	switch {
	case better && worse:
		return Mixed
	case better:
		return Better
	case worse:
		return Worse
	}
	return Same
}

func verdictRank(v *verdict.Verdict) int {
	return slices.Index([]string{verdict.Fail, verdict.Pass}, v.Verdict)
}

func severityRank(s string) int {
	return slices.Index([]string{verdict.Safe, verdict.Misleading, verdict.Harming}, s)
}

// decided reports whether a run says anything about its app.
func decided(v *verdict.Verdict) bool {
	return (v.Verdict == verdict.Pass || v.Verdict == verdict.Fail) && v.Score != nil
}

// warnings say why two runs cannot be compared.
func warnings(c *Comparison, a, b *verdict.Verdict) []string {
	list := []string{}
	for _, s := range []struct {
		name string
		v    *verdict.Verdict
	}{{c.A.Name, a}, {c.B.Name, b}} {
		if decided(s.v) {
			continue
		}
		text := fmt.Sprintf("the run of %s is %s, which says nothing about the app", s.name, s.v.Verdict)
		if len(s.v.Reasons) > 0 {
			text += ": " + s.v.Reasons[0]
		}
		list = append(list, text)
	}
	unlike := func(what, x, y string) {
		if x != y {
			list = append(list, fmt.Sprintf("%s differs: %s of %s, %s of %s", what, cmp.Or(x, "none"), c.A.Name, cmp.Or(y, "none"), c.B.Name))
		}
	}
	unlike("the time scale", fmt.Sprint(a.Run.TimeScale), fmt.Sprint(b.Run.TimeScale))
	unlike("the runtime", a.Run.Runtime, b.Run.Runtime)
	unlike("the version of Blackout", a.Run.Version, b.Run.Version)
	if !decided(a) || !decided(b) {
		return list // a run that was cut off early has not come to know its world
	}
	if x, y := apart(services(a), services(b)); x+y != "" {
		unlike("the world (services that only one has)", x, y)
	}
	if x, y := apart(timeline(a), timeline(b)); x+y != "" {
		unlike("the timeline (faults that only one has)", x, y)
	}
	return list
}

func services(v *verdict.Verdict) (names []string) {
	for _, p := range v.Providers {
		names = append(names, p.Service)
	}
	return names
}

// timeline is the faults on the world. Those on instances of the app follow from where it is placed, which may be what is compared.
func timeline(v *verdict.Verdict) (list []string) {
	for _, f := range v.Faults {
		if f.Instance == "" {
			list = append(list, fmt.Sprintf("%s from %g to %g s", f.ID, f.PlannedFromS, f.PlannedToS))
		}
	}
	return list
}

// apart is what only one of two lists has, each as a text of at most three.
func apart(a, b []string) (onlyA, onlyB string) {
	only := func(of, without []string) string {
		list := slices.DeleteFunc(slices.Clone(of), func(s string) bool { return slices.Contains(without, s) })
		if len(list) > 3 {
			list = append(list[:3:3], fmt.Sprintf("and %d more", len(list)-3))
		}
		return strings.Join(list, ", ")
	}
	return only(a, b), only(b, a)
}

// cells are the journeys of both, in the order of A and then of B.
func cells(a, b *verdict.Verdict, known bool) []Cell {
	list := []Cell{}
	find := func(v *verdict.Verdict, journey string) *CellSide {
		i := slices.IndexFunc(v.Cells, func(c verdict.Cell) bool { return c.Journey == journey })
		if i < 0 {
			return nil
		}
		return cellSide(&v.Cells[i])
	}
	for _, of := range slices.Concat(a.Cells, b.Cells) {
		if slices.ContainsFunc(list, func(c Cell) bool { return c.Journey == of.Journey }) {
			continue
		}
		c := Cell{Journey: of.Journey, Kind: of.Kind, Change: NotKnown, A: find(a, of.Journey), B: find(b, of.Journey)}
		if known && c.A != nil && c.B != nil && c.A.Score != nil && c.B.Score != nil {
			c.Change = change(cmp.Compare(*c.B.Score, *c.A.Score))
		}
		list = append(list, c)
	}
	return list
}

func cellSide(c *verdict.Cell) *CellSide {
	s := &CellSide{Score: c.Score, Shares: map[verdict.Class]float64{}, RecoveredAfterS: c.RecoveredAfterS}
	counts := c.Attempts[verdict.Outage]
	for _, n := range counts {
		s.Attempts += n
	}
	for class, n := range counts {
		if n > 0 {
			s.Shares[class] = rounded(float64(n) / float64(s.Attempts))
		}
	}
	return s
}

// rounded keeps four digits after the point, enough for one attempt in ten thousand.
func rounded(x float64) float64 { return math.Round(1e4*x) / 1e4 }

var states = []string{New, Gone, Kept, Uncertain}

// findings puts what the checks said side by side, by check and journey.
func findings(a, b *verdict.Verdict, known bool) []Finding {
	list := []Finding{}
	reasons := map[string]string{}
	for _, c := range verdict.Checks() {
		reasons[c.ID] = c.Reason
	}
	add := func(v *verdict.Verdict, of func(*Finding) **Sight) {
		for _, f := range slices.Concat(v.Findings, v.Warnings) {
			i := slices.IndexFunc(list, func(g Finding) bool { return g.Check == f.Check && g.Journey == f.Journey })
			if i < 0 {
				i = len(list)
				list = append(list, Finding{Check: f.Check, Journey: f.Journey, Class: f.Class, Why: reasons[f.Check]})
			}
			if badness(f.Class) > badness(list[i].Class) {
				list[i].Class = f.Class
			}
			see(of(&list[i]), v, f)
		}
	}
	add(a, func(f *Finding) **Sight { return &f.A })
	add(b, func(f *Finding) **Sight { return &f.B })
	for i := range list {
		list[i].State = state(&list[i], a, b, known)
	}
	slices.SortStableFunc(list, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(states, x.State), slices.Index(states, y.State)), cmp.Compare(badness(y.Class), badness(x.Class)))
	})
	return list
}

// see adds a finding about one user to what was seen of its check and journey. A verdict's findings come with the worst and earliest first.
func see(at **Sight, v *verdict.Verdict, f verdict.Finding) {
	if *at == nil {
		*at = &Sight{Run: v.Run.ID, Text: f.Text}
		if len(f.Attempts) > 0 {
			(*at).Attempt = f.Attempts[0]
		}
	}
	(*at).Count += max(f.Count, 1)
}

// badness orders the classes of findings; a warning is the mildest.
func badness(c verdict.Class) int { return slices.Index(verdict.Classes(), c) }

// state says what became of a finding. What a run saw, it saw, whatever its verdict. What it did not see it can only vouch for where the runs can be compared and it
// has the journey too. Some findings are of no one journey.
func state(f *Finding, a, b *verdict.Verdict, known bool) string {
	has := func(v *verdict.Verdict) bool {
		return slices.ContainsFunc(v.Cells, func(c verdict.Cell) bool { return c.Journey == f.Journey })
	}
	vouched := known && has(a) == has(b)
	switch {
	case f.A != nil && f.B != nil:
		return Kept
	case f.A != nil && vouched:
		return Gone
	case f.B != nil && vouched:
		return New
	}
	return Uncertain
}

// faults are those that ended otherwise.
func faults(a, b *verdict.Verdict) []Fault {
	list := []Fault{}
	for _, f := range a.Faults {
		list = append(list, Fault{ID: f.ID, Fault: f.Fault, On: f.On(), A: f.EndedAs})
	}
	for _, f := range b.Faults {
		i := slices.IndexFunc(list, func(g Fault) bool { return g.ID == f.ID })
		if i < 0 {
			i = len(list)
			list = append(list, Fault{ID: f.ID, Fault: f.Fault, On: f.On()})
		}
		list[i].B = f.EndedAs
	}
	return slices.DeleteFunc(list, func(f Fault) bool { return f.A == f.B })
}

// alike says how the faults ended that ended the same on both sides, if they all did: it was not the outage that differed. "" otherwise, and without faults.
func alike(a, b *verdict.Verdict) string {
	if len(a.Faults) == 0 || len(faults(a, b)) > 0 {
		return ""
	}
	n := 0
	for _, f := range a.Faults {
		if f.EndedAs == verdict.Exercised {
			n++
		}
	}
	return fmt.Sprintf("every fault ended alike for both, %d of %d exercised", n, len(a.Faults))
}

// providers are those whose share of the answers in the outage changed.
func providers(a, b *verdict.Verdict) []Provider {
	list := []Provider{}
	x, y := answers(a), answers(b)
	names := slices.Sorted(maps.Keys(x))
	for name := range y {
		if _, ok := x[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		p := Provider{Service: name, A: x[name], B: y[name]}
		if (p.A.Share == nil) != (p.B.Share == nil) && p.A.Requests+p.B.Requests > 0 || math.Abs(share(p.A)-share(p.B)) >= told {
			list = append(list, p)
		}
	}
	return list
}

func share(p ProviderSide) float64 {
	if p.Share == nil {
		return 0
	}
	return *p.Share
}

// answers is what each service did in the outage.
func answers(v *verdict.Verdict) map[string]ProviderSide {
	all := 0
	for _, p := range v.Providers {
		w := p.Requests[verdict.Outage]
		all += w.Total - w.Failed
	}
	sides := map[string]ProviderSide{}
	for _, p := range v.Providers {
		w := p.Requests[verdict.Outage]
		s := ProviderSide{Requests: w.Total, Failed: w.Failed}
		if all > 0 {
			part := rounded(float64(w.Total-w.Failed) / float64(all))
			s.Share = &part
		}
		sides[p.Service] = s
	}
	return sides
}

// versions are those that differ.
func versions(a, b *verdict.Verdict) []Version {
	list := []Version{}
	add := func(of, x, y string) {
		if x != y {
			list = append(list, Version{Of: of, A: x, B: y})
		}
	}
	add("app", a.Run.AppVersion, b.Run.AppVersion)
	add("blackout", a.Run.Version, b.Run.Version)
	libraries := map[string]bool{}
	for _, v := range []*verdict.Verdict{a, b} {
		for name := range v.Run.Libraries {
			libraries[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(libraries)) {
		add(name, a.Run.Libraries[name], b.Run.Libraries[name])
	}
	return list
}
