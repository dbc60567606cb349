package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
)

// records are the lines of the story's history. What would have happened after its end is left out.
func (x *expander) records() []history.Record {
	header := history.Header{
		Schema: history.Schema, Run: "20261122T113400Z-story-s1-7f3a", App: "wallet", Scenario: "story", Seed: 1, Runtime: "local",
		Versions: map[string]string{"blackout": "0.1.0"}, BaseUTC: or(x.story.BaseUTC, "2026-11-22T11:34:00.000000Z"),
	}
	if x.story.End.NoRun {
		return []history.Record{header}
	}
	list := []history.Record{header, history.Plan{Plan: planJSON(x.plan)}, history.Timeline{At: storyZero}}
	end := x.last()
	add := func(at clock.Micros, r history.Record) {
		if at <= end {
			list = append(list, r)
		}
	}
	for _, j := range x.plan.Journeys {
		for n, g := range x.groupsOf(j) {
			x.attempt(j, n, g, add)
		}
	}
	for _, b := range slices.Concat(x.blocks, x.second) { // after the attempts, which add payments
		at := b.Published
		r := *b
		r.Published += storyZero
		add(at, r)
	}
	for _, h := range x.heads {
		at := h.At
		h.At += storyZero
		add(at, h)
	}
	x.faults(add)
	x.traffic(add)
	for _, a := range x.story.App {
		add(us(a.At), history.App{Instance: a.Instance, Event: a.Event, Detail: a.Detail, At: us(a.At) + storyZero})
	}
	for _, text := range x.story.Troubles {
		add(0, history.Trouble{Text: text, At: storyZero})
	}
	for _, text := range x.story.Notes {
		add(0, history.Note{Text: text, At: storyZero})
	}
	if x.story.End.Seal == "" {
		add(end, history.Pool{Chain: storyNet, Pending: x.pool, At: end + storyZero})
		if x.story.Chain.Second {
			add(end, history.Pool{Chain: secondNet, Pending: x.secondPool, At: end + storyZero})
		}
	}
	if x.story.Disorder {
		slices.Reverse(list[3:]) // the header, the plan and the timeline stay first
	}
	return list
}

// groupsOf gives, for each attempt of a journey, the last group that it falls into.
func (x *expander) groupsOf(j plan.Journey) []group {
	found := make([]group, j.Attempts)
	for _, g := range x.story.Attempts {
		if g.Journey != j.Name {
			continue
		}
		place := 0 // among the attempts that its times and session allow
		for n := range found {
			due := j.Offset + clock.Micros(n)*j.Every
			if due < us(g.From) || (g.To > 0 && due >= us(g.To)) || (g.Session != nil && *g.Session != n%x.plan.Sessions) {
				continue
			}
			if each := max(g.Each, 1); place%each == 0 && (g.Count == 0 || place < g.Count*each) {
				found[n] = g
			}
			place++
		}
	}
	return found
}

func (x *expander) attempt(j plan.Journey, n int, g group, add func(clock.Micros, history.Record)) {
	due := j.Offset + clock.Micros(n)*j.Every
	end := x.last()
	if due >= min(end, x.plan.End) {
		return
	}
	a := history.Attempt{ID: fmt.Sprintf("%s#%d", j.Name, n), Journey: j.Name, Session: n % x.plan.Sessions, Account: storyAccount(n % x.plan.Sessions), Due: due + storyZero}
	at := due + us(or(g.Sent, time.Millisecond))
	done := at + us(or(g.Took, 20*time.Millisecond))
	a.Status, a.Error, a.Body = g.Status, g.Error, g.Body
	if a.Error == "" {
		a.Status = or(a.Status, 200)
	}
	if g.Error == history.ErrTimeout && g.Took == 0 {
		done = due + j.Patience
	}
	a.At, a.End = at+storyZero, done+storyZero
	if done > end {
		a.End, a.Status, a.Error = end+storyZero, 0, history.ErrInterrupted
	}
	if a.Status == 200 {
		a.Answer = map[string]string{}
		if g.Declined != "" {
			a.Answer["declined"] = g.Declined
		}
	}
	switch j.Kind {
	case kindWrite:
		x.payment(&a, j, g, done, add)
	case kindContent:
		x.file(&a, n, g)
	default:
		x.reply(&a, j, g, at)
		x.replyOfChecks(&a, j, g, at)
	}
	add(due, a)
}

// reply fills in what a read shows.
func (x *expander) reply(a *history.Attempt, j plan.Journey, g group, at clock.Micros) {
	if a.Status != 200 || j.Balance == nil {
		if g.Answer == "nothing" {
			a.Missing = []string{"status"}
		}
		return
	}
	switch name, n := call(or(g.Answer, "truth")); name {
	case "truth", "stale", "next", "orphan":
		b := x.pick(g.Answer, at)
		a.Answer["balance"] = show(held(a.Account, j.Balance, b), *j.Balance, g.HalfUp)
	case "zero":
		a.Answer["balance"] = show("0", *j.Balance, false)
	case secondNet:
		a.Answer["balance"] = show(held(a.Account, j.Balance, x.secondAt(at)), *j.Balance, g.HalfUp)
	case "account":
		a.Answer["balance"] = show(held(storyAccount(n), j.Balance, x.pick("truth", at)), *j.Balance, g.HalfUp)
	case "nothing":
		a.Missing = []string{"balance"}
	default:
		a.Answer["balance"] = strings.TrimPrefix(g.Answer, "=")
	}
	if g.Block != "" {
		a.Answer["block"] = g.Block
		if strings.Contains(g.Block, "(") {
			a.Answer["block"] = fmt.Sprint(x.pick(g.Block, at).Number)
		}
	}
	if g.Marked != "" {
		a.Answer["stale"] = g.Marked
	}
}

// payment fills in what a write says, and what becomes of it.
func (x *expander) payment(a *history.Attempt, j plan.Journey, g group, done clock.Micros, add func(clock.Micros, history.Record)) {
	add(done, history.Intent{ID: a.ID, Session: a.Session, Chain: storyNet, To: "0xto" + a.ID, Wei: "1000", At: a.At})
	good := a.Status == 200
	times := 0
	if good {
		times = 1
	}
	if g.Base != "" {
		times = 0
		x.onSecond(a, g.Base, done, add)
	}
	if g.Mined != nil {
		times = *g.Mined
	}
	if g.Pending {
		times = 0
		x.pool = append(x.pool, history.Payment{Intent: a.ID, Tx: "tx-" + a.ID, Wei: "1000"})
	}
	mined := clock.Micros(-1)
	line := x.tips[len(x.tips)-1].line
	for i := range times {
		from := max(done, us(g.MinedAt))
		k := slices.IndexFunc(line, func(b *history.Block) bool { return b.Published >= from })
		if k < 0 || k+i >= len(line) {
			x.pool = append(x.pool, history.Payment{Intent: a.ID, Tx: "tx-" + a.ID, Wei: "1000"})
			break
		}
		b := line[k+i]
		b.Paid = append(b.Paid, history.Payment{Intent: a.ID, Tx: fmt.Sprintf("tx-%s-%d", a.ID, i), Wei: or(g.Wei, "1000")})
		if mined < 0 {
			mined = b.Published
		}
	}
	if x.story.Nonces && !g.Unsent {
		add(done, x.signed(a, done))
	}
	says := []string{}
	if g.Says != nil {
		says = *g.Says
	} else if good {
		says = []string{history.StatePending, history.StateConfirmed}
		if !j.Follow {
			says = nil
		}
	}
	for i, state := range says {
		at := done
		if i > 0 || (state == history.StateConfirmed && j.Follow) {
			at = max(done, mined) + us(100*time.Millisecond)
			if g.Confirmed > 0 {
				at = a.Due - storyZero + us(g.Confirmed)
			}
		}
		add(at, history.Said{Intent: a.ID, State: state, Word: state, Tx: "tx-" + a.ID, At: at + storyZero})
	}
}

// faults writes the lives of the effects. An interrupt heals.
func (x *expander) faults(add func(clock.Micros, history.Record)) {
	for i, f := range storyFaults(x.story) {
		if f.Never {
			continue
		}
		e := x.plan.Effects[i]
		step := func(at clock.Micros, state string, touched int64, detail string) {
			r := history.Fault{ID: e.ID, State: state, At: at + storyZero, Detail: detail, Unseen: f.Unseen}
			switch e.Layer {
			case "names":
				r.Touched.Lookups = touched
			case "connection":
				r.Touched.Connections = touched
			case "process":
				r.Touched.Instances = touched
			default:
				r.Touched.Requests = touched
			}
			add(at, r)
		}
		step(e.From, history.FaultInjecting, 0, "")
		if f.Failed != "" {
			step(e.From+us(time.Second), history.FaultFailed, f.Touched, f.Failed)
			continue
		}
		if !f.Unconfirmed {
			step(e.From+us(50*time.Millisecond), history.FaultConfirmed, min(f.Touched, 1), "")
		}
		lift, clear := e.To, e.To+us(20*time.Millisecond)
		if end := x.last(); x.story.End.Seal == history.EndInterrupted && end < clear && end > e.From {
			lift, clear = end, end
		}
		step(lift, history.FaultLifting, f.Touched, "")
		if !f.Uncleared {
			step(clear, history.FaultCleared, f.Touched, "")
		}
	}
}

// traffic writes calls, connections and look-ups.
func (x *expander) traffic(add func(clock.Micros, history.Record)) {
	calls := []storyCalls{{Service: "infura"}}
	if x.story.Calls != nil {
		calls = *x.story.Calls
	}
	counts := map[string]uint64{}
	for _, c := range calls {
		to := us(c.To)
		if c.To == 0 {
			to = x.plan.End
		}
		for at := us(c.From); at < to; at += us(or(c.Every, 200*time.Millisecond)) {
			chain, method := x.callOf(c)
			add(at, history.Call{
				N: counts[c.Service], Service: c.Service, Region: or(c.Region, "aws/us-east-1"), Chain: chain, Transport: or(c.Transport, "http"), Method: method,
				Reply: or(c.Reply, history.ReplyOK), Served: c.Served, RetryAfterS: c.RetryAfter.Seconds(), Faults: c.Faults, Probe: c.Probe,
				At: at + storyZero, End: at + storyZero + 1000,
			})
			counts[c.Service]++
		}
	}
	for _, c := range x.story.Connections {
		add(us(c.At), history.Connections{Service: c.Service, Opened: c.Opened, Handshakes: c.Handshakes, At: us(c.At) + storyZero})
	}
	for _, s := range x.story.Strays {
		add(us(s.At), history.Stray{Kind: s.Kind, Address: s.Address, Port: s.Port, Host: s.Host, Count: s.Count, At: us(s.At) + storyZero})
	}
	for _, l := range x.story.Lookups {
		add(us(l.At), history.Lookup{Host: l.Host, Kind: l.Kind, Answer: l.Answer, Faults: l.Faults, At: us(l.At) + storyZero})
	}
}
