package verdict

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
)

// attempt is one attempt with everything that is known of it.
type attempt struct {
	*history.Attempt
	journey      *plan.Journey
	due, at, end clock.Micros // from the start of the baseline
	window       string
	answered     bool         // a whole answer came, whatever it says
	took         clock.Micros // latency: from due to the end, or to the first "confirmed" of a payment that is followed
	meant        []*block     // the published blocks that a read's answer is true at; nil when it is true at none or was not held against the chain
	ruling
}

// ruling is what was decided about one attempt, and why.
type ruling struct {
	class   Class
	check   string // the check that speaks in it, "" for none
	warning string // the check that warns beside it, "" for none
	why     string
}

// evidence is a history, indexed for the checks.
type evidence struct {
	h         *history.History
	plan      *plan.Plan
	zero      clock.Micros // the start of the baseline in the history's time
	complete  bool
	until     clock.Micros          // attempts were due up to here: the plan's end, or where the run ended before it
	attempts  []*attempt            // by due, then id
	counted   map[string][]*attempt // journey → its attempts that are not void
	chains    map[string]*chain
	words     map[string][]history.Said // intent → what the app said, by time
	effects   []effect                  // as in the plan
	times     timeline
	recovered map[string]recovery // journey → when it was steady again; empty when no fault was cleared
	strays    int                 // attempts of journeys that the plan does not have

	amounts    map[string]string       // intent → wei
	stuck      map[string]string       // intent that waits behind a nonce that was never used → the sentence about it
	unsteadyAt map[string][]span       // journey → when it was not steady; filled as it is asked for
	listing    *listings               // what listings of payments showed
	lines      map[line][]clock.Micros // when each sort of request was sent; read when it is asked for
}

// newEvidence indexes a history. The only error is a plan that cannot be read.
func newEvidence(h *history.History) (*evidence, error) {
	e := &evidence{h: h, plan: &plan.Plan{}, chains: map[string]*chain{}, words: map[string][]history.Said{}, amounts: map[string]string{},
		unsteadyAt: map[string][]span{}}
	if len(h.Plan) > 0 {
		if err := json.Unmarshal(h.Plan, e.plan); err != nil {
			return nil, fmt.Errorf("the plan in the history of run %s: %w", h.Header.Run, err)
		}
		if e.plan.Schema != plan.Schema {
			return nil, fmt.Errorf("the plan in the history of run %s: schema %q is not %q, which this version reads", h.Header.Run, e.plan.Schema, plan.Schema)
		}
	}
	e.complete = h.Seal != nil && h.Seal.End == history.EndComplete
	if h.Timeline != nil {
		e.zero = h.Timeline.At
		e.readAttempts()
	}
	for _, s := range h.Said {
		s.At -= e.zero
		e.words[s.Intent] = append(e.words[s.Intent], s)
	}
	for _, words := range e.words {
		slices.SortStableFunc(words, func(a, b history.Said) int { return cmp.Compare(a.At, b.At) })
	}
	for i := range e.plan.Journeys {
		if name := e.plan.Journeys[i].Chain; name != "" && e.chains[name] == nil {
			e.chains[name] = newChain(h, e.plan, name, e.zero)
		}
	}
	for _, c := range e.plan.Chains {
		if e.chains[c.Name] == nil {
			e.chains[c.Name] = newChain(h, e.plan, c.Name, e.zero)
		}
	}
	for i := range h.Intents {
		e.amounts[h.Intents[i].ID] = h.Intents[i].Wei
	}
	e.stuck = e.findStuck()
	e.effects = readEffects(h, e.plan, e.zero)
	e.times = newTimeline(e.plan, e.effects, e.until)
	for _, a := range e.attempts {
		a.window = e.times.window(a.due)
	}
	return e, nil
}

// readAttempts takes the attempts that say something about the app. An attempt that the end of the run cut off says nothing, nor does one with neither a status
// nor an error; and what was tried before the baseline began belongs to no window.
func (e *evidence) readAttempts() {
	journeys := map[string]*plan.Journey{}
	for i := range e.plan.Journeys {
		journeys[e.plan.Journeys[i].Name] = &e.plan.Journeys[i]
	}
	all := make([]attempt, 0, len(e.h.Attempts))
	for i := range e.h.Attempts {
		r := &e.h.Attempts[i]
		due := r.Due - e.zero
		if r.Error == history.ErrInterrupted || (r.Error == "" && r.Status == 0) || due < 0 || ofPreflight(r.ID) {
			continue
		}
		j := journeys[r.Journey]
		if j == nil {
			e.strays++
			continue
		}
		all = append(all, attempt{Attempt: r, journey: j, due: due, at: r.At - e.zero, end: r.End - e.zero})
	}
	e.attempts = make([]*attempt, len(all))
	for i := range all {
		e.attempts[i] = &all[i]
		e.until = max(e.until, all[i].due)
	}
	slices.SortStableFunc(e.attempts, byDue)
	switch {
	case e.complete:
		e.until = e.plan.End
	case e.h.Seal != nil:
		e.until = min(e.plan.End, e.h.Seal.At-e.zero)
	}
}

// ofPreflight reports whether an attempt or intent is the preflight's, by which the harness finds out before the baseline whether the app can be measured at all.
// It is about no user, so no check speaks of it; but its transactions are as real as any.
func ofPreflight(id string) bool { return strings.HasPrefix(id, "preflight/") }

// of lists a journey's attempts by due, those that are void left out. It is there once they are classified; the list is shared.
func (e *evidence) of(journey string) []*attempt { return e.counted[journey] }

// byDue orders attempts.
func byDue(a, b *attempt) int { return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.ID, b.ID)) }

// who names an attempt's user for finding ids: the account where the journey has one, else the session. Sessions take the accounts in turn.
func (e *evidence) who(a *attempt) string {
	if a.Account == "" || e.plan.Accounts.Count <= 0 {
		return fmt.Sprintf("session-%02d", a.Session)
	}
	return fmt.Sprintf("acct-%02d", a.Session%e.plan.Accounts.Count)
}

// within lists the attempts due in [from, to).
func within(list []*attempt, from, to clock.Micros) []*attempt {
	lo, _ := slices.BinarySearchFunc(list, from, func(a *attempt, t clock.Micros) int { return cmp.Compare(a.due, t) })
	hi, _ := slices.BinarySearchFunc(list, to, func(a *attempt, t clock.Micros) int { return cmp.Compare(a.due, t) })
	return list[lo:max(lo, hi)]
}
