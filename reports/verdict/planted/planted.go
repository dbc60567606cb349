// Package planted makes histories of any length in which it is known what is wrong, so that judging can be measured and checked on far more attempts than any test could
// play. They look like those of a run: ten users read their balances 500 times a second, and pay 55 times a second, through two providers; the second third of the time is
// an outage of one of them.
package planted

import (
	"cmp"
	"container/heap"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"time"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
)

// The journeys.
const (
	Read  = "view-balance"
	Write = "send-payment"
)

const (
	net   = "ethereum"
	users = 10
	first = 100 // number of the block that is the head when the baseline begins
)

// Times of the timetable and of the chain.
var (
	zero      = us(3 * time.Second) // the baseline begins so late in the history
	readEvery = us(2 * time.Millisecond)
	payEvery  = us(18 * time.Millisecond)
	blockTime = us(2 * time.Second)
	drain     = us(20 * time.Second)
	patience  = us(6 * time.Second)
)

func us(d time.Duration) clock.Micros { return clock.Of(d) }

// Known is what a judgement of the history has to find.
type Known struct {
	Attempts int
	// Classes counts attempts: journey → window → class. Nothing is in the window recovery.
	Classes map[string]map[string]map[string]int
	// Checks counts the attempts in which a check has to speak; backwards, which speaks in what stale-unmarked names already, is left out.
	Checks map[string]int
}

// fates are what becomes of ten attempts of the outage in turn, and their classes and checks; all others of the ten are ok.
var fates = map[string][]struct{ name, class, check string }{
	Read: {
		{"zero", "wrong", "zero-balance"}, {"refused", "declined", ""}, {"reset", "unavailable", ""}, {"stale", "wrong", "stale-unmarked"}, {"marked", "degraded", ""},
		{"hang", "unavailable", "hang"},
	},
	Write: {
		{"twice", "harmful", "repeated-payment"}, {"refused", "declined", ""}, {"quiet", "degraded", ""}, {"lost", "harmful", "lost-payment"},
	},
}

// Make records a whole run of at least so many attempts, up to nine more, all but the seal, and says when it ended and what is planted in it.
func Make(attempts int, sink history.Sink) (Known, clock.Micros) {
	m := &maker{sink: sink, known: Known{Classes: map[string]map[string]map[string]int{}, Checks: map[string]int{}}}
	rounds := clock.Micros((attempts + 9) / 10) // each of nine reads and a payment
	m.end = rounds * payEvery
	m.baseline, m.lifted = m.end/3, 2*m.end/3
	m.header()
	m.chain()
	m.faults()
	for r := range rounds {
		for i := range clock.Micros(9) {
			m.read(int(9*r + i))
		}
		m.pay(int(r))
		m.flush((r + 1) * payEvery)
	}
	m.flush(m.end + drain)
	m.put(m.end+drain, history.Pool{Chain: net, Pending: []history.Payment{}, At: zero + m.end + drain})
	m.flush(m.end + drain + 1)
	return m.known, zero + m.end + drain + us(time.Second)
}

// maker makes one history. Its times count from the start of the baseline.
type maker struct {
	sink                  history.Sink
	known                 Known
	baseline, lifted, end clock.Micros
	blocks                []*history.Block
	calls                 map[string]uint64
	waiting               queue
	order                 int
}

// timed is a record that is written when its time comes.
type timed struct {
	at    clock.Micros
	order int
	what  history.Record
}

// queue is a heap of records by time.
type queue []timed

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[i].at, q[j].at), cmp.Compare(q[i].order, q[j].order)) < 0
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(timed)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

func (m *maker) put(at clock.Micros, r history.Record) {
	m.order++
	heap.Push(&m.waiting, timed{at, m.order, r})
}

// flush writes what happened before a moment. A block is written as it is then: with the payments that were put into it.
func (m *maker) flush(before clock.Micros) {
	for len(m.waiting) > 0 && m.waiting[0].at < before {
		r := heap.Pop(&m.waiting).(timed).what
		if b, ok := r.(*history.Block); ok {
			r = *b
		}
		m.sink.Add(r)
	}
}

func (m *maker) header() {
	j := plan.Journey{Driver: "http", Chain: net, Offset: us(time.Millisecond), MaxStale: 3, Best: []plan.Best{{Class: "ok"}}}
	read, write := j, j
	read.Name, read.Kind, read.Every, read.Rate, read.Deadline, read.Patience = Read, "read", readEvery, 1/readEvery.Seconds(), us(2*time.Second), patience
	read.Balance, read.Stale, read.Declined, read.Block = &plan.Amount{Unit: "ether", Decimals: 4}, true, true, true
	write.Name, write.Kind, write.Every, write.Rate, write.Deadline, write.Patience = Write, "write", payEvery, 1/payEvery.Seconds(), us(10*time.Second), us(15*time.Second)
	write.Follow, write.FollowEvery, write.ConfirmedMeans, write.Settle = true, us(time.Second), 1, us(10*time.Second)
	p := plan.Plan{
		Schema: plan.Schema, Scenario: "planted", App: "wallet", World: "default", Seed: 1, TimeScale: 1,
		Baseline: m.baseline, OutageEnd: m.lifted, End: m.end, Drain: drain,
		Phases: []plan.Phase{{Name: "outage", From: m.baseline, To: m.lifted}},
		Chains: []plan.Chain{{Name: net, ID: 1, BlockTime: blockTime, Safe: 4, Finalized: 8}},
		Nodes: []plan.Node{
			{Name: "ethereum/builder", Chain: net, Role: plan.RoleBuilder},
			{Name: "ethereum/reference", Chain: net, Role: plan.RoleReference},
			{Name: "ethereum/shared", Chain: net, Role: plan.RoleShared},
		},
		Accounts: plan.Accounts{Count: users, Wei: "1000000000000000000"}, Sessions: users,
		Steady: plan.Steady{OK: 0.99, P99: us(2 * time.Second)}, RecoverWithin: us(10 * time.Second), Amplification: 3,
		Journeys: []plan.Journey{read, write}, Effects: m.effects(),
	}
	for _, name := range []string{"alchemy", "infura"} {
		p.Services = append(p.Services, plan.Service{
			Name: name, Kind: "rpc", Hosts: []plan.Host{{Chain: net, Name: "mainnet." + name + ".test"}}, Placement: []plan.Placement{{Region: "aws/us-east-1", Share: 1}},
			Backends: []plan.Backend{{Chain: net, Region: "aws/us-east-1", Node: "ethereum/shared"}},
		})
	}
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // a plan of plain values always encodes
	}
	m.sink.Add(history.Header{
		Schema: history.Schema, Run: "20261122T113400Z-planted-s1-7f3a", App: "wallet", Scenario: "planted", Seed: 1, Runtime: "local",
		Versions: map[string]string{"blackout": "0.1.0"}, BaseUTC: "2026-11-22T11:34:00.000000Z",
	})
	m.sink.Add(history.Plan{Plan: text})
	m.sink.Add(history.Timeline{At: zero})
}

// The effects: infura answers some requests with 503 and some with an error of its own, in five regions each.
func (m *maker) effects() []plan.Effect {
	var list []plan.Effect
	for i, name := range []string{"http-status", "rpc-error"} {
		for k := range 5 {
			id := fmt.Sprintf("c%d/%s/infura", 5*i+k+1, name)
			list = append(list, plan.Effect{
				ID: id, Cause: fmt.Sprintf("c%d", 5*i+k+1), Fault: name, Layer: []string{"http", "rpc"}[i], Unit: "requests", Service: "infura", Chain: net,
				Regions: []string{fmt.Sprintf("aws/us-east-%d", k+1)}, From: m.baseline, To: m.lifted, Steps: []plan.Step{{At: m.baseline, Share: 0.5}}, Reach: 0.1,
			})
		}
	}
	return list
}

func (m *maker) faults() {
	for _, e := range m.effects() {
		for _, s := range []struct {
			state string
			at    clock.Micros
			touch int64
		}{
			{history.FaultInjecting, m.baseline, 0}, {history.FaultConfirmed, m.baseline + us(50*time.Millisecond), 1}, {history.FaultLifting, m.lifted, 1000},
			{history.FaultCleared, m.lifted, 1000},
		} {
			m.put(s.at, history.Fault{ID: e.ID, State: s.state, At: zero + s.at, Touched: history.Touched{Requests: s.touch}})
		}
	}
	for at := clock.Micros(0); at <= m.end; at += us(10 * time.Second) {
		m.put(at, history.Connections{Service: "infura", Opened: int64(at / us(time.Second)), At: zero + at})
	}
}

// chain publishes all blocks, from twenty before the baseline on; each tells three nodes of itself.
func (m *maker) chain() {
	parent := "0x" + fmt.Sprintf("%064x", 0xb10c000)
	at := -20*blockTime + us(500*time.Millisecond)
	for n := uint64(first - 20); at < m.end+drain; n, at = n+1, at+blockTime {
		b := &history.Block{Chain: net, Hash: fmt.Sprintf("0x%064x", 0xb10c000+n), Parent: parent, Number: n, Timestamp: 1_700_000_000 + 2*n, Published: zero + at, Watched: map[string]string{}}
		for u := range users {
			b.Watched[account(u)] = balance(u, n).String()
		}
		m.blocks = append(m.blocks, b)
		m.put(at, b)
		for i, node := range []string{"ethereum/builder", "ethereum/reference", "ethereum/shared"} {
			later := at + us(time.Duration(5*i)*time.Millisecond)
			m.put(later, history.Head{Node: node, Hash: b.Hash, Number: n, Safe: n - 4, Finalized: n - 8, At: zero + later})
		}
		parent = b.Hash
	}
}

func account(user int) string { return fmt.Sprintf("0x%040x", 0xacc0+user) }

// balance is user + 1 ether, and about a thousandth of an ether more with each block.
func balance(user int, number uint64) *big.Int {
	n := new(big.Int).Mul(big.NewInt(int64(user+1)), big.NewInt(1e18))
	return n.Add(n, new(big.Int).Mul(big.NewInt(1_050_000_000_000_123), new(big.Int).SetUint64(number)))
}

// head is the block that every node had at t.
func (m *maker) head(t clock.Micros) int {
	begun := m.blocks[0].Published - zero
	return int((t - us(20*time.Millisecond) - begun) / blockTime)
}

// fate counts an attempt and says what becomes of it: "" for ok.
func (m *maker) fate(journey string, n int, due clock.Micros) string {
	m.known.Attempts++
	window, name, class, check := "baseline", "", "ok", ""
	switch {
	case due >= m.lifted:
		window = "after"
	case due >= m.baseline:
		window = "outage"
		if k := n % 10; k < len(fates[journey]) {
			f := fates[journey][k]
			name, class, check = f.name, f.class, f.check
		}
	}
	if m.known.Classes[journey] == nil {
		m.known.Classes[journey] = map[string]map[string]int{}
	}
	if m.known.Classes[journey][window] == nil {
		m.known.Classes[journey][window] = map[string]int{}
	}
	m.known.Classes[journey][window][class]++
	if check != "" {
		m.known.Checks[check]++
	}
	return name
}

// start is what all attempts have in common. Every third takes a little longer.
func start(journey string, n int, due clock.Micros) history.Attempt {
	at := due + us(200*time.Microsecond)
	return history.Attempt{
		ID: journey + "#" + strconv.Itoa(n), Journey: journey, Session: n % users, Account: account(n % users), Due: zero + due, At: zero + at,
		End: zero + at + us(4*time.Millisecond) + clock.Micros(n%3)*us(7*time.Millisecond), Status: 200,
	}
}

func (m *maker) read(n int) {
	due := us(time.Millisecond) + clock.Micros(n)*readEvery
	fate := m.fate(Read, n, due)
	a := start(Read, n, due)
	block := m.blocks[m.head(due)]
	wei := block.Watched[a.Account]
	switch fate {
	case "zero":
		wei = "0"
	case "stale", "marked":
		block = m.blocks[m.head(due)-8]
		wei = block.Watched[a.Account]
	case "refused":
		a.Status, a.Body = 503, `{"error":"the provider is down"}`
	case "reset":
		a.Status, a.Error, a.Detail = 0, history.ErrReset, "read tcp 127.0.0.1:40312->127.0.0.1:8080: read: connection reset by peer"
	case "hang":
		a.Status, a.Error, a.End = 0, history.ErrTimeout, zero+due+patience
	}
	if a.Status == 200 {
		a.Answer = map[string]string{"balance": ether(wei), "block": strconv.FormatUint(block.Number, 10)}
		if fate == "zero" {
			delete(a.Answer, "block")
		}
		if fate == "marked" {
			a.Answer["stale"] = "true"
		}
	}
	m.put(a.End-zero, a)
	m.call("eth_getBalance", n, a.At-zero+us(time.Millisecond), fate != "")
}

// ether shows wei with four digits, cut off.
func ether(wei string) string {
	wei = fmt.Sprintf("%019s", wei)
	return wei[:len(wei)-18] + "." + wei[len(wei)-18:len(wei)-14]
}

// call records a request to infura, or to alchemy while infura fails. Its region goes round.
func (m *maker) call(method string, n int, at clock.Micros, fails bool) {
	if m.calls == nil {
		m.calls = map[string]uint64{}
	}
	c := history.Call{
		Service: "infura", Region: fmt.Sprintf("aws/us-east-%d", n%5+1), Chain: net, Transport: "http", Method: method, Reply: history.ReplyOK, Status: 200,
		At: zero + at, End: zero + at + us(2*time.Millisecond),
	}
	switch {
	case fails && n%2 == 0:
		c.Reply, c.Status, c.Faults = history.ReplyHTTP, 503, []string{fmt.Sprintf("c%d/http-status/infura", n%5+1)}
	case fails:
		c.Reply, c.Code, c.Faults = history.ReplyRPCError, -32603, []string{fmt.Sprintf("c%d/rpc-error/infura", n%5+6)}
	case at >= m.baseline && at < m.lifted:
		c.Service = "alchemy"
	}
	c.N = m.calls[c.Service]
	m.calls[c.Service]++
	m.put(c.End-zero, c)
}

func (m *maker) pay(n int) {
	due := us(time.Millisecond) + clock.Micros(n)*payEvery
	fate := m.fate(Write, n, due)
	a := start(Write, n, due)
	to, wei := fmt.Sprintf("0x%040x", 0x9a1d0000000+n), strconv.Itoa(100_000_000_000_000+n)
	m.put(a.At-zero, history.Intent{ID: a.ID, Session: a.Session, Chain: net, To: to, Wei: wei, At: a.At})
	m.call("eth_sendRawTransaction", n, a.At-zero+us(time.Millisecond), fate == "refused")
	if fate == "refused" {
		a.Status, a.Body = 503, `{"error":"the provider is down"}`
		m.put(a.End-zero, a)
		return
	}
	tx := func(k int) string { return fmt.Sprintf("0x%060x%04x", 0x9a1d0000000+n, k) }
	m.put(a.At-zero+1, history.Sent{
		Tx: tx(0), From: fmt.Sprintf("0x%040x", 0x9a1e), To: to, Nonce: 1_000_000_000 + uint64(n), ChainID: 1, Intent: a.ID, Service: "infura", At: a.At + us(time.Millisecond),
	})
	a.Answer = map[string]string{"id": fmt.Sprintf("p-%08d", n), "state": "pending", "tx": tx(0)}
	m.put(a.End-zero, a)
	m.put(a.End-zero+1, history.Said{Intent: a.ID, State: history.StatePending, Word: "pending", Tx: tx(0), At: a.End})
	if fate == "lost" {
		return
	}
	in := m.head(a.End-zero+us(100*time.Millisecond)) + 1 // a block that is not written yet
	for k := range 2 {
		if k == 0 || fate == "twice" {
			b := m.blocks[in+k]
			b.Paid = append(b.Paid, history.Payment{Intent: a.ID, Tx: tx(k), Wei: wei})
		}
	}
	mined := m.blocks[in].Published - zero
	m.call("eth_getTransactionReceipt", n, mined+us(200*time.Millisecond), false)
	if fate != "quiet" {
		m.put(mined+us(300*time.Millisecond), history.Said{Intent: a.ID, State: history.StateConfirmed, Word: "confirmed", Tx: tx(0), At: zero + mined + us(300*time.Millisecond)})
	}
}
