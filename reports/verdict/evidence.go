package verdict

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
)

// attempt is one attempt with all that judging needs of it. A run may have a million of them: what is alike is shared.
type attempt struct {
	journey      *plan.Journey
	answer       *answer // shared by attempts that showed the same; nil when no field could be read
	Account      string
	Session      int32
	Status       int32
	place        int32        // in the journey's timetable; -1 when the id does not say
	due, at, end clock.Micros // from the start of the baseline
	answered     bool         // a whole answer came, whatever it says
	took         clock.Micros // latency: from due to the end, or to the first "confirmed" of a payment that is followed
	meant        []*block     // the published blocks that a read's answer is true at; nil when it is true at none or was not held against the chain
	*oddity
	*ruling // nil until it is decided
}

// id is the attempt's.
func (a *attempt) id() string {
	if a.place < 0 {
		return a.oddity.id
	}
	return a.journey.Name + "#" + strconv.Itoa(int(a.place))
}

// reply is the status of an attempt's answer: HTTP's, or the exit status of a program, which its record keeps in the detail when it is not 0.
func (a *attempt) reply() string {
	switch {
	case a.journey.Driver != driverExec:
		return fmt.Sprintf("HTTP %d", a.Status)
	case a.Status < 300:
		return "exit status 0"
	}
	return cmp.Or(a.Detail, "an exit status other than 0")
}

// replied is reply as the end of a sentence about the app.
func (a *attempt) replied() string {
	if a.journey.Driver == driverExec {
		return "ended with " + a.reply()
	}
	return "answered " + a.reply()
}

// answer is what an attempt showed: the fields of the app file's answer that could be read.
type answer struct{ fields []field }

type field struct{ name, text string }

// find gives a field's text, if the answer has it.
func (a *answer) find(name string) (string, bool) {
	if a == nil {
		return "", false
	}
	for _, f := range a.fields {
		if f.name == name {
			return f.text, true
		}
	}
	return "", false
}

// field is a field's text, or "" when the answer does not have it.
func (a *attempt) field(name string) string {
	text, _ := a.answer.find(name)
	return text
}

// oddity is what few attempts have beside an answer; it is shared by all that have the same.
type oddity struct {
	id                                   string // of an attempt whose id is not made of its journey and place
	Error, Detail, Body, Content, SHA256 string
	missing                              string       // fields, with NUL between them
	since                                clock.Micros // in the history's time; 0 for an answer that is no subscription's
}

// Missing lists the fields of the answer that could not be read.
func (o *oddity) Missing() []string {
	if o.missing == "" {
		return nil
	}
	return strings.Split(o.missing, "\x00")
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
	until     clock.Micros // attempts were due up to here: the plan's end, or where the run ended before it
	requests  *pages[request]
	attempts  []*attempt            // by due, then id
	counted   map[string][]*attempt // journey → its attempts that are not void
	chains    map[string]*chain
	rulings   map[ruling]*ruling        // one copy of each that was made lately
	words     map[string][]history.Said // intent → what the app said, by time
	effects   []effect                  // as in the plan
	times     timeline
	recovered map[string]recovery // journey → when it was steady again; empty when no fault was cleared
	strays    int                 // attempts of journeys that the plan does not have

	wei        map[string]string          // intent → wei; read when it is asked for
	stuck      map[string]string          // intent that waits behind a nonce that was never used → the sentence about it
	taken      map[string]bool            // intent whose block a reorganisation of the outage took away; filled when it is asked for
	unsteadyAt map[string][]span          // journey → when it was not steady; filled as it is asked for
	listing    *listings                  // what listings of payments showed
	manners    map[string]manner          // journey → how it lists events; read when it is asked for
	lines      map[line][]clock.Micros    // when each sort of request was sent; read when it is asked for
	strange    map[[2]string]answers      // chain asked about, chain that answered → the replies; read when it is asked for
	elsewhere  map[string][]*history.Sent // see misaddressed; read when it is asked for
	held       map[string][]span          // see heldSpans
}

// newEvidence indexes a history, whose attempts and requests g has. The only error is a plan that cannot be read.
func newEvidence(h *history.History, g *Gatherer) (*evidence, error) {
	e := &evidence{h: h, plan: &plan.Plan{}, chains: map[string]*chain{}, words: map[string][]history.Said{},
		unsteadyAt: map[string][]span{}, rulings: map[ruling]*ruling{}, requests: &g.requests}
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
		e.readAttempts(g)
	}
	e.readWords(g.said)
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
	e.stuck = e.findStuck()
	e.effects = readEffects(h, e.plan, e.zero)
	e.times = newTimeline(e.plan, e.effects, e.until)
	return e, nil
}

// readWords sorts what the app said by payment and time.
func (e *evidence) readWords(all []history.Said) {
	slices.SortStableFunc(all, func(a, b history.Said) int { return cmp.Or(cmp.Compare(a.Intent, b.Intent), cmp.Compare(a.At, b.At)) })
	for from := 0; from < len(all); {
		to := from
		for to < len(all) && all[to].Intent == all[from].Intent {
			all[to].At -= e.zero
			to++
		}
		e.words[all[from].Intent] = all[from:to:to]
		from = to
	}
}

// readAttempts takes the attempts that say something about the app. An attempt that the end of the run cut off says nothing, nor does one with neither a status
// nor an error; and what was tried before the baseline began belongs to no window.
func (e *evidence) readAttempts(g *Gatherer) {
	journeys := map[string]*plan.Journey{}
	for i := range e.plan.Journeys {
		journeys[e.plan.Journeys[i].Name] = &e.plan.Journeys[i]
	}
	e.attempts = make([]*attempt, 0, g.attempts.len())
	for a := range g.attempts.all() {
		a.due, a.at, a.end = a.due-e.zero, a.at-e.zero, a.end-e.zero
		if a.Error == history.ErrInterrupted || (a.Error == "" && a.Status == 0) || a.due < 0 || ofPreflight(cmp.Or(a.oddity.id, a.journey.Name)) {
			continue
		}
		j := journeys[a.journey.Name]
		if j == nil {
			e.strays++
			continue
		}
		a.journey = j
		e.attempts = append(e.attempts, a)
		e.until = max(e.until, a.due)
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
func byDue(a, b *attempt) int {
	if n := cmp.Compare(a.due, b.due); n != 0 {
		return n
	}
	return cmp.Compare(a.id(), b.id())
}

// who names an attempt's user for finding ids: the account where the journey has one, else the session. Sessions take the accounts in turn.
func (e *evidence) who(a *attempt) string {
	if a.Account == "" || e.plan.Accounts.Count <= 0 {
		return fmt.Sprintf("session-%02d", a.Session)
	}
	return fmt.Sprintf("acct-%02d", int(a.Session)%e.plan.Accounts.Count)
}

// within lists the attempts due in [from, to).
func within(list []*attempt, from, to clock.Micros) []*attempt {
	lo, _ := slices.BinarySearchFunc(list, from, func(a *attempt, t clock.Micros) int { return cmp.Compare(a.due, t) })
	hi, _ := slices.BinarySearchFunc(list, to, func(a *attempt, t clock.Micros) int { return cmp.Compare(a.due, t) })
	return list[lo:max(lo, hi)]
}
