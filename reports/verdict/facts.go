package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"blackout/harness/clock"
)

// facts fills in all of a verdict that is counted, not judged.
func (e *evidence) facts() *Verdict {
	head := e.h.Header
	v := &Verdict{
		Schema: Schema,
		Run: Run{
			ID: head.Run, App: head.App, Scenario: head.Scenario, Tags: e.plan.Tags, Seed: head.Seed, Runtime: head.Runtime,
			Version: head.Versions["blackout"], StartedAt: head.BaseUTC, TimeScale: e.plan.TimeScale, Control: e.plan.Control,
			AppVersion: head.AppVersion, Libraries: head.Libraries,
		},
		Ended: Truncated, Windows: e.times.windows(), Cells: e.cells(), Faults: e.faults(),
		Providers: e.providers(), Chains: e.chainFacts(), Pictures: e.pictures(), SupportingNotes: e.notes(),
	}
	v.UnmodelledHosts, v.Outside = e.outside()
	if e.h.Seal != nil {
		v.Ended = e.h.Seal.End
	}
	for _, a := range e.attempts {
		switch a.class {
		case Wrong:
			v.WrongAttempts++
		case Harmful:
			v.HarmedIntents++
		}
	}
	slowest, every := 0.0, len(v.Cells) > 0
	for _, c := range v.Cells {
		if c.RecoveredAfterS == nil {
			every = false
			continue
		}
		slowest = max(slowest, *c.RecoveredAfterS)
	}
	if every {
		v.RecoveredAfterS = &slowest
	}
	return v
}

// cells counts each journey's attempts, in the order of the plan.
func (e *evidence) cells() []Cell {
	cells := make([]Cell, 0, len(e.plan.Journeys))
	for i := range e.plan.Journeys {
		j := &e.plan.Journeys[i]
		c := Cell{Journey: j.Name, Kind: j.Kind, Attempts: map[string]map[Class]int{}, Void: map[string]int{}, LatencyS: map[string]LatencySummary{}}
		took := map[string][]clock.Micros{}
		for _, w := range windowNames() {
			c.Void[w] = 0
			c.Attempts[w] = map[Class]int{}
			for _, class := range Classes() {
				c.Attempts[w][class] = 0
			}
		}
		for _, a := range e.attempts {
			w := e.window(a)
			switch {
			case a.journey != j:
			case a.class == Void:
				c.Void[w]++
			default:
				c.Attempts[w][a.class]++
				if a.answered {
					took[w] = append(took[w], a.took)
				}
			}
		}
		for w, list := range took {
			slices.Sort(list)
			c.LatencyS[w] = LatencySummary{
				P50: quantile(list, 0.5).Seconds(), P95: quantile(list, 0.95).Seconds(), P99: quantile(list, 0.99).Seconds(), Max: list[len(list)-1].Seconds(),
			}
		}
		if r := e.recovered[j.Name]; r.found {
			after := (r.at - e.times.lifted).Seconds()
			c.RecoveredAfterS = &after
		}
		cells = append(cells, c)
	}
	return cells
}

// providers counts the app's requests to each service by window: the plan's services first, in its order. Requests of the drain belong to no window.
func (e *evidence) providers() []Provider {
	list := make([]Provider, 0, len(e.plan.Services))
	at := map[string]int{}
	add := func(name string) {
		at[name] = len(list)
		p := Provider{Service: name, Requests: map[string]ProviderWindow{}}
		for _, w := range windowNames() {
			p.Requests[w] = ProviderWindow{}
		}
		list = append(list, p)
	}
	for _, s := range e.plan.Services {
		add(s.Name)
	}
	planned := len(list)
	for c := range e.requests.all() {
		t := c.at - e.zero
		if c.Probe || t < 0 || t >= e.times.end {
			continue
		}
		if _, ok := at[c.Service]; !ok {
			add(c.Service)
		}
		w := list[at[c.Service]].Requests
		n := w[e.times.window(t)]
		n.Total++
		if failedAt(c.Call) {
			n.Failed++
		}
		w[e.times.window(t)] = n
	}
	slices.SortFunc(list[planned:], func(a, b Provider) int { return cmp.Compare(a.Service, b.Service) })
	return list
}

// chainFacts says what the reference node showed of each chain of the plan.
func (e *evidence) chainFacts() []ChainFact {
	list := make([]ChainFact, 0, len(e.plan.Chains))
	for _, c := range e.plan.Chains {
		f := ChainFact{Chain: c.Name}
		if shown := e.chains[c.Name].shown; len(shown) > 0 {
			f.Blocks, f.First, f.Last = len(shown), shown[0].Number, shown[len(shown)-1].Number
		}
		list = append(list, f)
	}
	return list
}

// notes are the run's own, and what the judgement left out.
func (e *evidence) notes() []string {
	list := []string{}
	for _, n := range e.h.Notes {
		list = append(list, n.Text)
	}
	if e.h.Truncated {
		list = append(list, "the last line of the history was not whole and is left out")
	}
	if e.h.Unknown > 0 {
		list = append(list, fmt.Sprintf("%d records are of types that this version does not know", e.h.Unknown))
	}
	if e.strays > 0 {
		list = append(list, fmt.Sprintf("%s belong to no journey of the plan", times(e.strays, "attempt")))
	}
	return append(list, e.unheld()...)
}

// unheld lists journeys of which nothing in the baseline could be held to the truth, because the app says it in words that nobody knows here.
func (e *evidence) unheld() []string {
	var list []string
	for i := range e.plan.Journeys {
		j := &e.plan.Journeys[i]
		baseline := within(e.of(j.Name), 0, e.times.outage)
		first := func(word func(*attempt) string) string {
			for _, a := range baseline {
				if text := word(a); text != "" {
					return shortened(text)
				}
			}
			return ""
		}
		switch {
		case j.Kind == kindStatus && !slices.ContainsFunc(baseline, func(a *attempt) bool { return stateOf(j, statusWord(a)) != "" }):
			if word := first(statusWord); word != "" {
				list = append(list, fmt.Sprintf("nothing that %s said was held to the truth: states has none of its words, such as %q", j.Name, word))
			}
		case j.Kind == kindEvents && !e.mannerOf(j.Name).known:
			if word := first(firstEntry); word != "" {
				list = append(list, fmt.Sprintf("what %s listed was not held to the chain: an entry has to be a transaction's hash, or hash:index, and not %q", j.Name, word))
			}
		}
	}
	return list
}

func statusWord(a *attempt) string { return strings.TrimSpace(a.field("status")) }

// firstEntry is what the first of the events in an answer is called, or "".
func firstEntry(a *attempt) string {
	if list, ok := entriesOf(a); ok && len(list) > 0 {
		return list[0].text
	}
	return ""
}
