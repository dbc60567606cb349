package plan

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"blackout/harness/clock"
	"blackout/harness/spec"
)

// classes are the classes that a scenario may expect, best first.
var classes = []string{"ok", "late", "degraded", "declined", "unavailable"}

// app settles who the users are and when they do what.
func (b *builder) app() {
	p, a := b.plan, b.in.App
	p.Accounts = Accounts{Count: a.Accounts.Count, Wei: a.Accounts.Wei}
	p.Sessions = a.Sessions.Count
	p.Instances = Instances(a)
	p.Steady = Steady{OK: a.Steady.OK, P99: clock.Of(a.Steady.P99)}
	p.Amplification = a.Amplification

	names := slices.DeleteFunc(slices.Clone(a.JourneyOrder), func(n string) bool { _, ok := a.Journeys[n]; return !ok })
	for _, name := range sortedKeys(a.Journeys) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	shortest, tabs := clock.Micros(math.MaxInt64), 0
	for _, name := range names {
		every := every(a.Journeys[name].Rate)
		if every <= 0 {
			b.problem(a.Source, "journeys."+name+".rate", "", "journey %s: a rate of %v attempts per second cannot be kept", name, a.Journeys[name].Rate)
			return
		}
		shortest = min(shortest, every)
	}
	for i, name := range names {
		j := b.journey(name, a.Journeys[name])
		// Evenly spread over the shortest of all periods: no two journeys fire together, whatever multiples of it the others are.
		j.Offset = clock.Micros(float64(shortest) * (float64(i) + 0.5) / float64(len(names)))
		j.Attempts = j.due(0, p.End)
		b.pages(&j)
		b.enough(j)
		if tabs += j.Tabs * p.Sessions; j.Tabs > 0 && tabs > maxTabs {
			b.problem(a.Source, "journeys."+name+".rate", "lower the rate, the patience or sessions.count", "journey %s: its browser would need %d tabs; it has at most %d", name, tabs, maxTabs)
		}
		p.Journeys = append(p.Journeys, j)
		p.Drain = max(p.Drain, j.Settle, j.Patience)
	}
}

// every gives the time between attempts, rounded down so that a window has no fewer than its share; 0 for a rate that cannot be kept.
func every(rate float64) clock.Micros {
	if !(rate > 0) || rate < 1e-6 {
		return 0
	}
	return clock.Micros(1e6 / rate)
}

// due counts the attempts that are due in [from, to).
func (j Journey) due(from, to clock.Micros) int {
	before := func(m clock.Micros) int {
		if m <= j.Offset || j.Every <= 0 {
			return 0
		}
		return int((m - j.Offset + j.Every - 1) / j.Every)
	}
	return max(0, before(to)-before(from))
}

func (b *builder) journey(name string, s spec.Journey) Journey {
	j := Journey{
		Name: name, Driver: s.Driver, Kind: s.Kind, Chain: b.chainOf(name, s), Rate: s.Rate, Every: every(s.Rate), Request: asked(s),
		Deadline: clock.Of(s.Deadline), Patience: clock.Of(s.Patience), Follow: s.Follow != nil,
		MaxStale: s.Checks.MaxStale, ConfirmedMeans: s.Checks.ConfirmedMeans, Settle: clock.Of(s.Checks.Settle),
		Best: b.best(s.Kind),
	}
	if balance, ok := s.Answer["balance"]; ok {
		j.Balance = b.amount(j, balance)
	}
	_, j.Stale = s.Answer["stale"]
	_, j.Declined = s.Answer["declined"]
	_, j.Block = s.Answer["block"]
	_, j.Payments = s.Answer["payments"]
	if s.Kind == spec.KindEvents {
		_, j.Events = s.Answer["events"]
		b.transfers(j)
	}
	if s.Follow != nil {
		j.FollowEvery = clock.Of(s.Follow.Every)
	}
	if s.Kind == spec.KindStatus {
		j.States, j.NoticeWithin = s.States, clock.Of(s.Checks.NoticeWithin)
	}
	return j
}

// amount is how a journey shows a balance of its chain's coin or token.
func (b *builder) amount(j Journey, f spec.AnswerField) *Amount {
	a := &Amount{Unit: f.Unit, Decimals: f.Decimals}
	if f.Unit != spec.UnitToken && f.Unit != spec.UnitTokenBase {
		return a
	}
	a.PerBlock = strconv.Itoa(spec.TokenStep)
	if b.in.World.Chains[j.Chain].Token == "" {
		b.problem(b.in.App.Source, "journeys."+j.Name+".answer.balance.unit", "give the chain a `token:` in the world file", "journey %s shows a balance of the token, and chain %s has none", j.Name, j.Chain)
	}
	return a
}

// asked is what a journey asks, in one line, with its variables.
func asked(s spec.Journey) string {
	switch s.Driver {
	case spec.DriverExec:
		return strings.Join(s.Command, " ")
	case spec.DriverJSONRPC:
		return called(s.Method, s.Params)
	case spec.DriverWebSocket:
		return "subscribe at " + s.Connect
	}
	if s.Driver == spec.DriverBrowser {
		return visited(s.Steps)
	}
	return s.Request.Method + " " + s.Request.Path
}

// called is a JSON-RPC request in one line: its method and its parameters as JSON.
func called(method string, params any) string {
	text, err := json.Marshal(params)
	if params == nil || err != nil {
		return method
	}
	return method + " " + string(text)
}

// transfers has the chain of an events journey emit what the journey reads.
func (b *builder) transfers(j Journey) {
	for i := range b.plan.Chains {
		c := &b.plan.Chains[i]
		if c.Name != j.Chain {
			continue
		}
		if c.Token == "" {
			b.problem(b.in.App.Source, "journeys."+j.Name+".kind", "give the chain a `token:` in the world file", "journey %s reads events, and chain %s has no token that makes any",
				j.Name, c.Name)
			return
		}
		c.Transfers = true
	}
}

// best gives the best class over time for a kind of journey. Outside the outage every app can be ok. In it the scenario's word counts, unless phases say
// otherwise: of several at one time the worst.
func (b *builder) best(kind string) []Best {
	p := b.plan
	edges := []clock.Micros{0, p.Baseline, p.OutageEnd}
	for _, phase := range p.Phases {
		edges = append(edges, max(p.Baseline, min(phase.From, p.OutageEnd)), min(phase.To, p.OutageEnd))
	}
	slices.Sort(edges)
	var spans []Best
	for _, at := range slices.Compact(edges) {
		class := classes[0]
		if at >= p.Baseline && at < p.OutageEnd {
			class = b.expected(kind, at)
		}
		if n := len(spans); n == 0 || spans[n-1].Class != class {
			spans = append(spans, Best{From: at, Class: class})
		}
	}
	return spans
}

func (b *builder) expected(kind string, at clock.Micros) string {
	worst := -1
	for _, phase := range b.in.Scenario.Phases {
		if at >= b.at(phase.At) && at < b.at(phase.At+phase.For) {
			worst = max(worst, slices.Index(classes, phase.Expect[kind]))
		}
	}
	if worst < 0 {
		worst = max(0, slices.Index(classes, b.in.Scenario.Expect[kind]))
	}
	return classes[worst]
}

// enough refuses a journey that is too rare to be judged.
func (b *builder) enough(j Journey) {
	need := minAttempts
	if j.Driver == spec.DriverBrowser {
		need = minBrowserAttempts
	}
	b.enoughIn(j, need, "baseline", 0, b.plan.Baseline)
	if len(b.plan.Effects) > 0 {
		first := b.plan.OutageEnd
		for _, e := range b.plan.Effects {
			first = min(first, e.From)
		}
		b.enoughIn(j, need, "outage", first, b.plan.OutageEnd)
	}
}

// enoughIn shows what is wrong at the journey's rate: the scenario is the library's more often than not.
func (b *builder) enoughIn(j Journey, need int, window string, from, to clock.Micros) {
	n := j.due(from, to)
	if n >= need {
		return
	}
	rate := "or make it longer"
	if to > from {
		least := math.Ceil(float64(need)/(to-from).Seconds()*10) / 10
		rate = fmt.Sprintf("raise the journey's rate to %s/s, or make the %s of %s at least %s long", strconv.FormatFloat(least, 'f', -1, 64), window, b.in.Scenario.Name,
			(time.Duration(need)*j.Every.Duration()).Truncate(100*time.Millisecond)+100*time.Millisecond)
	}
	b.problem(b.in.App.Source, "journeys."+j.Name+".rate", rate, "journey %s is due %d times in the %s of %s; to judge it takes %d", j.Name, n, window, seconds(to-from), need)
}
