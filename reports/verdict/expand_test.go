package verdict

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
)

const (
	storyNet    = "ethereum"
	storyZero   = clock.Micros(3_000_000) // the baseline begins three seconds into the history
	storyBlocks = 20                      // the number of the first block of the baseline
	secondNet   = "base"
	secondID    = 8453
)

// expand makes the history that a story tells, through the real writer and reader.
func expand(tb testing.TB, s story) *history.History {
	tb.Helper()
	h, err := history.Read(bytes.NewReader(written(tb, s)))
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// written is the file of the history that a story tells.
func written(tb testing.TB, s story) []byte {
	tb.Helper()
	x := newExpander(s)
	out := new(bytes.Buffer)
	w := history.NewWriter(out, history.NewRedactor(), nil)
	for _, r := range x.records() {
		w.Add(r)
	}
	end := s.End.Seal
	if end == "" || end == "none" {
		end = history.EndComplete
	}
	if err := w.Seal(end, s.End.Reason, x.last()+storyZero); err != nil {
		tb.Fatal(err)
	}
	text := out.Bytes()
	if s.End.Seal == "none" {
		text = text[:bytes.LastIndexByte(text[:len(text)-1], '\n')+1]
	}
	return text
}

// tell is expand without the file: much faster, for the properties, which need many histories.
func tell(s story) *history.History {
	x := newExpander(s)
	h := &history.History{Seal: &history.Seal{End: history.EndComplete, At: x.last() + storyZero}}
	for _, r := range x.records() {
		switch r := r.(type) {
		case history.Header:
			h.Header = r
		case history.Plan:
			h.Plan = r.Plan
		case history.Timeline:
			h.Timeline = &r
		case history.Block:
			h.Blocks = append(h.Blocks, r)
		case history.Head:
			h.Heads = append(h.Heads, r)
		case history.Intent:
			h.Intents = append(h.Intents, r)
		case history.Attempt:
			h.Attempts = append(h.Attempts, r)
		case history.Said:
			h.Said = append(h.Said, r)
		case history.Sent:
			h.Sent = append(h.Sent, r)
		case history.Call:
			h.Calls = append(h.Calls, r)
		case history.Fault:
			h.Faults = append(h.Faults, r)
		case history.App:
			h.Apps = append(h.Apps, r)
		case history.Pool:
			h.Pools = append(h.Pools, r)
		}
	}
	return h
}

// expander holds the world that a story's attempts are answered from. Its times count from the baseline.
type expander struct {
	story  story
	plan   plan.Plan
	blocks []*history.Block // published ones; Published counts from the baseline
	second []*history.Block // of base, by number
	heads  []history.Head
	tips   []tip // the shared node's canonical head over time
	pool   []history.Payment
	// secondPool is the pool of base.
	secondPool []history.Payment
}

type tip struct {
	at   clock.Micros
	line []*history.Block // oldest first
}

func newExpander(s story) *expander {
	x := &expander{story: s, plan: storyPlanOf(s)}
	x.build()
	if s.Chain.Second {
		x.buildSecond()
	}
	x.withEvents()
	return x
}

func us(d time.Duration) clock.Micros { return clock.Of(d) }

func or[T comparable](v, fallback T) T {
	var none T
	if v == none {
		return fallback
	}
	return v
}

// storyPlanOf is the plan of an ordinary run with the story's changes.
func storyPlanOf(s story) plan.Plan {
	best := []plan.Best{{From: 0, Class: "ok"}}
	for _, b := range s.Plan.Best {
		best = append(best, plan.Best{From: us(b.From), Class: b.Class})
	}
	decimals, stale := 4, uint64(3)
	if s.Plan.Decimals != nil {
		decimals = *s.Plan.Decimals
	}
	if s.Plan.MaxStale != nil {
		stale = *s.Plan.MaxStale
	}
	p := plan.Plan{
		Schema: plan.Schema, Scenario: "story", App: "wallet", World: "default", Seed: 1, TimeScale: 1,
		Baseline: us(or(s.Plan.Baseline, 10*time.Second)), OutageEnd: us(or(s.Plan.OutageEnd, 20*time.Second)), End: us(or(s.Plan.End, 50*time.Second)),
		Drain:    us(15 * time.Second),
		Chains:   []plan.Chain{{Name: storyNet, ID: 1, BlockTime: us(time.Second), Safe: 4, Finalized: 8}},
		Accounts: plan.Accounts{Count: 2, Wei: "1000000000000000000"}, Sessions: 2,
		Steady: plan.Steady{OK: 0.99, P99: us(2 * time.Second)}, RecoverWithin: us(or(s.Plan.RecoverWithin, 10*time.Second)),
		Amplification: s.Plan.Amplification,
		Nodes: []plan.Node{
			{Name: "ethereum/builder", Chain: storyNet, Role: plan.RoleBuilder},
			{Name: "ethereum/reference", Chain: storyNet, Role: plan.RoleReference},
			{Name: "ethereum/shared", Chain: storyNet, Role: plan.RoleShared},
		},
	}
	if s.Chain.Second {
		p.Chains = append(p.Chains, plan.Chain{Name: secondNet, ID: secondID, BlockTime: us(time.Second), Safe: 4, Finalized: 8})
		p.Nodes = append(p.Nodes, plan.Node{Name: "base/reference", Chain: secondNet, Role: plan.RoleReference})
	}
	if s.Chain.Behind > 0 {
		p.Nodes = append(p.Nodes, plan.Node{Name: "ethereum/held", Chain: storyNet, Role: plan.RoleOwn, Service: "infura", Touched: true})
	}
	for _, name := range []string{"alchemy", "infura"} {
		p.Services = append(p.Services, plan.Service{
			Name: name, Kind: "rpc", Hosts: []plan.Host{{Chain: storyNet, Name: "mainnet." + name + ".test"}},
			Placement: []plan.Placement{{Region: "aws/us-east-1", Share: 1}},
			Backends:  []plan.Backend{{Chain: storyNet, Region: "aws/us-east-1", Node: "ethereum/shared"}},
		})
	}
	journeys := map[string]plan.Journey{
		"view-balance": {
			Kind: "read", Offset: us(100 * time.Millisecond), Every: us(200 * time.Millisecond), Deadline: us(2 * time.Second), Patience: us(6 * time.Second),
			Balance: storyAmount(or(s.Plan.Unit, "ether"), decimals), Stale: true, Declined: true, Block: true, MaxStale: stale,
		},
		"send-payment": {
			Kind: "write", Offset: us(250 * time.Millisecond), Every: us(500 * time.Millisecond), Deadline: us(10 * time.Second), Patience: us(15 * time.Second),
			Follow: !s.Plan.NoFollow, ConfirmedMeans: or(s.Plan.ConfirmedMeans, 1), Settle: us(10 * time.Second),
		},
		"list-payments": {
			Kind: "read", Offset: us(150 * time.Millisecond), Every: us(500 * time.Millisecond), Deadline: us(2 * time.Second), Patience: us(6 * time.Second),
			Payments: true, Stale: true, MaxStale: stale,
		},
		"deposits": {
			Kind: "events", Offset: us(120 * time.Millisecond), Every: us(500 * time.Millisecond), Deadline: us(2 * time.Second), Patience: us(6 * time.Second),
			Events: true, Stale: true, Block: true, MaxStale: stale,
		},
		"picture": {
			Kind: "content", Offset: us(70 * time.Millisecond), Every: us(200 * time.Millisecond), Deadline: us(2 * time.Second), Patience: us(6 * time.Second), Declined: true,
		},
		"status": {Kind: "status", Offset: us(50 * time.Millisecond), Every: us(500 * time.Millisecond), Deadline: us(2 * time.Second), Patience: us(6 * time.Second)},
	}
	names := s.Plan.Journeys
	if len(names) == 0 {
		names = []string{"view-balance", "send-payment"}
	}
	for _, name := range names {
		j := journeys[name]
		j.Name, j.Driver, j.Chain, j.Best = name, or(s.Plan.Driver, "http"), storyNet, best
		j.Rate = 1 / j.Every.Seconds()
		j.Attempts = int((p.End-j.Offset-1)/j.Every) + 1
		p.Journeys = append(p.Journeys, ofChecks(j, s.Plan))
	}
	for _, name := range s.Plan.Instances {
		p.Instances = append(p.Instances, plan.Instance{Name: name})
	}
	withFiles(&p)
	p.Phases = []plan.Phase{{Name: "outage", From: p.Baseline, To: p.OutageEnd}}
	for i, f := range storyFaults(s) {
		target := or(or(f.Service, f.Chain), f.Instance)
		cause := fmt.Sprintf("c%d", i+1)
		id := cause + "/" + f.Fault + "/" + target
		from, to := us(or(f.From, 10*time.Second)), us(or(f.To, 20*time.Second))
		p.Causes = append(p.Causes, plan.Cause{ID: cause, Phase: "outage", Fault: f.Fault, Target: "service " + target, From: from, To: to, Effects: []string{id}})
		p.Effects = append(p.Effects, plan.Effect{
			ID: id, Cause: cause, Fault: f.Fault, Layer: or(f.Layer, "http"), Unit: "requests", With: f.With, Service: f.Service, Chain: f.Chain, Instance: f.Instance, From: from, To: to,
			Steps: flapping(from, to, us(f.Bad), or(f.Share, 1)), Reach: or(f.Reach, or(f.Share, 1)),
		})
	}
	return p
}

// storyFaults are the story's faults; one that answers 503 for infura when it does not say.
func storyFaults(s story) []storyFault {
	if s.Faults != nil {
		return *s.Faults
	}
	return []storyFault{{Fault: "http-status", Service: "infura", Touched: 50}}
}

// build makes the blocks and heads.
func (x *expander) build() {
	var line []*history.Block
	branch := 0
	reorgs := slices.Clone(x.story.Chain.Reorgs)
	end := x.plan.End + x.plan.Drain
	for at := us(500*time.Millisecond - (storyBlocks-1)*time.Second); at <= end; at += us(time.Second) {
		for len(reorgs) > 0 && us(reorgs[0].At) < at {
			branch++
			depth := reorgs[0].Depth
			keep := line[:len(line)-depth]
			line = slices.Clone(keep)
			for range depth {
				line = append(line, x.block(line, branch, us(reorgs[0].At)))
			}
			x.announce(line, us(reorgs[0].At))
			reorgs = reorgs[1:]
		}
		if slices.ContainsFunc(x.story.Chain.Halts, func(h storySpan) bool { return at >= us(h.From) && at < us(h.To) }) {
			continue
		}
		line = append(slices.Clip(line), x.block(line, branch, at))
		x.announce(line, at)
	}
}

// block publishes the next block of a line.
func (x *expander) block(line []*history.Block, branch int, at clock.Micros) *history.Block {
	b := &history.Block{Chain: storyNet, Number: uint64(len(line) + 1), Parent: "genesis", Published: at, Watched: map[string]string{}}
	if len(line) > 0 {
		b.Parent = line[len(line)-1].Hash
	}
	b.Hash = fmt.Sprintf("block-%d-%d", b.Number, branch)
	if x.story.Chain.Equal {
		branch = 0
	}
	b.Timestamp = 1_700_000_000 + b.Number
	if j := x.story.Jump; j != nil && at >= us(j.At) {
		b.Timestamp += uint64(j.By / time.Second)
	}
	for i := range x.plan.Accounts.Count {
		b.Watched[storyAccount(i)] = storyBalance(i, b.Number, branch).String()
	}
	x.blocks = append(x.blocks, b)
	return b
}

// announce tells every node of a new head.
func (x *expander) announce(line []*history.Block, at clock.Micros) {
	head := func(node string, b *history.Block, at clock.Micros) {
		x.heads = append(x.heads, history.Head{Node: node, Hash: b.Hash, Number: b.Number, Safe: b.Number - min(b.Number, 4), Finalized: b.Number - min(b.Number, 8), At: at})
	}
	tipBlock := line[len(line)-1]
	late := us(or(x.story.Chain.Late, 10*time.Millisecond))
	head("ethereum/builder", tipBlock, at)
	head("ethereum/reference", tipBlock, at+us(5*time.Millisecond))
	head("ethereum/shared", tipBlock, at+us(5*time.Millisecond)+late)
	if n := int(x.story.Chain.Behind); n > 0 && len(line) > n {
		head("ethereum/held", line[len(line)-1-n], at)
	}
	x.tips = append(x.tips, tip{at + us(5*time.Millisecond) + late, line})
}

// storyToken is what each account holds more of the token with each block, in base units.
const storyToken = 1_234_567

func storyAmount(unit string, decimals int) *plan.Amount {
	a := &plan.Amount{Unit: unit, Decimals: decimals}
	if strings.HasPrefix(unit, "token") {
		a.PerBlock = strconv.Itoa(storyToken)
	}
	return a
}

// held is what a story's account holds after a block of what a journey shows, in the smallest unit.
func held(account string, as *plan.Amount, b *history.Block) string {
	if as.OfToken() {
		return strconv.FormatUint(b.Number*storyToken, 10)
	}
	return b.Watched[account]
}

func storyAccount(i int) string { return fmt.Sprintf("0x%040x", 0xacc0+i) }

// storyBalance is i + 1 ether, and 0.00105 ether and 123 wei more with each block; half a thousandth of an ether more on a later branch.
func storyBalance(i int, number uint64, branch int) *big.Int {
	n := new(big.Int).Mul(big.NewInt(int64(i+1)), big.NewInt(1e18))
	n.Add(n, new(big.Int).Mul(big.NewInt(1_050_000_000_000_123), new(big.Int).SetUint64(number)))
	return n.Add(n, big.NewInt(int64(branch)*5e14))
}

// lineAt is the chain that an app could see at t.
func (x *expander) lineAt(t clock.Micros) []*history.Block {
	line := x.tips[0].line
	for _, tp := range x.tips {
		if tp.at <= t {
			line = tp.line
		}
	}
	return line
}

// pick finds the block that a word such as stale(3) means at t. orphan(3) is one that lost its place, 3 below the head.
func (x *expander) pick(word string, t clock.Micros) *history.Block {
	name, n := call(word)
	line := x.lineAt(t)
	switch name {
	case "stale":
		return line[len(line)-1-n]
	case "next":
		return x.tips[len(x.tips)-1].line[len(line)-1+n]
	case "orphan":
		for _, b := range x.blocks {
			if b.Number == line[len(line)-1-n].Number && b != line[len(line)-1-n] {
				return b
			}
		}
		panic("the story has no orphan of block " + strconv.Itoa(len(line)))
	default:
		return line[len(line)-1]
	}
}

// call takes "stale(3)" apart.
func call(word string) (name string, n int) {
	name, rest, ok := strings.Cut(word, "(")
	if !ok {
		return word, 0
	}
	n, err := strconv.Atoi(strings.TrimSuffix(rest, ")"))
	if err != nil {
		panic("a story says " + word)
	}
	return name, n
}

// show writes wei as the app does.
func show(wei string, as plan.Amount, up bool) string {
	unit := as.Digits()
	digits := as.Decimals
	if digits < 0 || digits > unit {
		digits = unit
	}
	scaled := cutOff(wei, unit-digits)
	if up {
		scaled = halfUp(wei, unit-digits)
	}
	if digits == 0 {
		return scaled
	}
	scaled = fmt.Sprintf("%0*s", digits+1, scaled)
	return scaled[:len(scaled)-digits] + "." + scaled[len(scaled)-digits:]
}

// last is when the run ended, from the baseline.
func (x *expander) last() clock.Micros {
	if x.story.End.At > 0 {
		return us(x.story.End.At)
	}
	return x.plan.End + x.plan.Drain
}

func planJSON(p plan.Plan) json.RawMessage {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // a plan of plain values always encodes
	}
	return text
}

// flapping is the timetable of a share that comes and goes; without a length it stays.
func flapping(from, to, bad clock.Micros, share float64) []plan.Step {
	steps := []plan.Step{{At: from, Share: share}}
	for at, on := from+bad, false; bad > 0 && at < to; at, on = at+bad, !on {
		step := plan.Step{At: at}
		if on {
			step.Share = share
		}
		steps = append(steps, step)
	}
	return steps
}
