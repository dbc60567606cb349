package trace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"testing"
	"time"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/reports/verdict"
)

const (
	net     = "ethereum"
	zero    = clock.Micros(3_000_000) // the baseline begins three seconds into the history
	account = "0x00000000000000000000000000000000000acc01"
	outage  = 10 * time.Second // from the start of the baseline, as all times that a test gives
	healed  = 20 * time.Second
	end     = 30 * time.Second
)

// hand is a history made by hand: blocks each second, number 20 at 0.5 s, and what a test adds. Account holds 1 ether, and 0.001 ether more with each block.
type hand struct {
	t       *testing.T
	plan    plan.Plan
	records []history.Record
	blocks  []*history.Block
	unseen  bool // no pool was read: the run was cut off
	seal    string
}

// us is a moment of the history.
func us(d time.Duration) clock.Micros { return zero + clock.Of(d) }

func newHand(t *testing.T) *hand {
	h := &hand{t: t, seal: history.EndComplete, plan: plan.Plan{
		Schema: plan.Schema, Scenario: "story", App: "wallet", World: "default", Seed: 1, TimeScale: 1,
		Baseline: clock.Of(outage), OutageEnd: clock.Of(healed), End: clock.Of(end), Drain: clock.Of(10 * time.Second), RecoverWithin: clock.Of(5 * time.Second),
		Chains: []plan.Chain{{Name: net, ID: 1, BlockTime: clock.Of(time.Second), Safe: 4, Finalized: 8}},
		Nodes: []plan.Node{
			{Name: "ethereum/builder", Chain: net, Role: plan.RoleBuilder}, {Name: "ethereum/reference", Chain: net, Role: plan.RoleReference},
			{Name: "ethereum/shared", Chain: net, Role: plan.RoleShared},
		},
		Accounts: plan.Accounts{Count: 1, Wei: "1000000000000000000"}, Sessions: 2, Steady: plan.Steady{OK: 0.99},
		Journeys: []plan.Journey{
			{
				Name: "view-balance", Driver: "http", Kind: "read", Chain: net, Rate: 5, Every: clock.Of(200 * time.Millisecond), Request: "GET /balance/${account.address}",
				Deadline: clock.Of(2 * time.Second), Patience: clock.Of(6 * time.Second), Balance: &plan.Amount{Unit: "ether", Decimals: 4}, MaxStale: 3,
			},
			{
				Name: "send-payment", Driver: "http", Kind: "write", Chain: net, Rate: 2, Every: clock.Of(500 * time.Millisecond), Request: "POST /send",
				Deadline: clock.Of(4 * time.Second), Patience: clock.Of(12 * time.Second), Follow: true, ConfirmedMeans: 2, Settle: clock.Of(10 * time.Second),
			},
		},
	}}
	var parent *history.Block
	for n := uint64(10); n <= 59; n++ {
		parent = h.block(n, parent, time.Duration(n-20)*time.Second+500*time.Millisecond, "")
		h.heads(parent, 0)
	}
	return h
}

// block publishes a block. Blocks of a side branch carry a mark in their hash, and half an ether more.
func (h *hand) block(number uint64, parent *history.Block, at time.Duration, mark string) *history.Block {
	wei := new(big.Int).Add(big.NewInt(1e18), new(big.Int).Mul(big.NewInt(1e15), new(big.Int).SetUint64(number)))
	if mark != "" {
		wei.Add(wei, big.NewInt(5e17))
	}
	b := &history.Block{Chain: net, Hash: fmt.Sprintf("0xb%d%s", number, mark), Number: number, Published: us(at), Watched: map[string]string{account: wei.String()}}
	if parent != nil {
		b.Parent = parent.Hash
	}
	h.blocks = append(h.blocks, b)
	return b
}

// heads tells the reference node and the shared one of a head, a moment after it was published.
func (h *hand) heads(b *history.Block, later time.Duration) {
	for i, node := range []string{"ethereum/reference", "ethereum/shared"} {
		h.add(history.Head{Node: node, Hash: b.Hash, Number: b.Number, At: b.Published + clock.Of(later+time.Duration(5*(i+1))*time.Millisecond)})
	}
}

func (h *hand) named(hash string) *history.Block {
	for _, b := range h.blocks {
		if b.Hash == hash {
			return b
		}
	}
	h.t.Fatalf("there is no block %s", hash)
	return nil
}

func (h *hand) pays(hash, intent, tx string) {
	b := h.named(hash)
	b.Paid = append(b.Paid, history.Payment{Intent: intent, Tx: tx, Wei: "7"})
}

func (h *hand) add(r ...history.Record) { h.records = append(h.records, r...) }

// fault plans an effect of the outage and lets it live: injected, seen to act 40 ms later, seen cleared 4 ms after its end.
func (h *hand) fault(e plan.Effect, from, to time.Duration) {
	e.Cause, e.From, e.To = "c1", clock.Of(from), clock.Of(to)
	h.plan.Causes = []plan.Cause{{ID: "c1", Phase: "outage", Fault: "dns-empty", Target: "service dynamodb", From: e.From, To: e.To, Effects: []string{e.ID}}}
	h.plan.Effects = append(h.plan.Effects, e)
	h.add(history.Fault{ID: e.ID, State: history.FaultInjecting, At: us(from)},
		history.Fault{ID: e.ID, State: history.FaultConfirmed, At: us(from + 40*time.Millisecond)},
		history.Fault{ID: e.ID, State: history.FaultLifting, At: us(to), Touched: history.Touched{Requests: 50}},
		history.Fault{ID: e.ID, State: history.FaultCleared, At: us(to + 4*time.Millisecond), Touched: history.Touched{Requests: 50}})
}

// http503 is an effect that takes part of infura's requests in one region.
func http503(share float64) plan.Effect {
	return plan.Effect{ID: "c1/http-status/infura", Fault: "http-status", Layer: "http", Unit: "requests", Service: "infura", Regions: []string{"aws/us-east-1"},
		Steps: []plan.Step{{At: clock.Of(outage), Share: share}}, Reach: share}
}

// call is a request of the app to infura.
func call(at, took time.Duration, method, reply string, status int, faults ...string) history.Call {
	return history.Call{Service: "infura", Region: "aws/us-east-1", Chain: net, Transport: "http", Method: method, Reply: reply, Status: status, Faults: faults, At: us(at), End: us(at + took)}
}

// read is an attempt of view-balance that was sent a millisecond late.
func read(n int, due, took time.Duration, answer map[string]string) history.Attempt {
	return history.Attempt{ID: fmt.Sprintf("view-balance#%d", n), Journey: "view-balance", Session: 1, Account: account, Due: us(due), At: us(due + time.Millisecond), End: us(due + took),
		Status: 200, Answer: answer}
}

// send is an attempt of send-payment with its intent.
func (h *hand) send(n int, due, took time.Duration, answer map[string]string) string {
	id := fmt.Sprintf("send-payment#%d", n)
	h.add(history.Intent{ID: id, Session: 0, Chain: net, To: "0x00000000000000000000000000000000000000AA", Wei: "7", At: us(due)},
		history.Attempt{ID: id, Journey: "send-payment", Session: 0, Account: account, Due: us(due), At: us(due + time.Millisecond), End: us(due + took), Status: 200, Answer: answer})
	return id
}

// judged makes the history, through the real writer and reader, and judges it.
func (h *hand) judged() (*history.History, *verdict.Judgement) {
	h.t.Helper()
	text, err := json.Marshal(h.plan)
	if err != nil {
		h.t.Fatal(err)
	}
	var out bytes.Buffer
	w := history.NewWriter(&out, history.NewRedactor(), nil)
	w.Add(history.Header{Schema: history.Schema, Run: "20261122T113400Z-story-s1-7f3a", App: "wallet", Scenario: "story", Seed: 1, Runtime: "local",
		Versions: map[string]string{"blackout": "0.1.0"}, BaseUTC: "2026-11-22T11:34:00.000000Z"})
	w.Add(history.Plan{Plan: text})
	w.Add(history.Timeline{At: zero})
	for _, b := range h.blocks {
		w.Add(*b)
	}
	for _, r := range h.records {
		w.Add(r)
	}
	if !h.unseen {
		w.Add(history.Pool{Chain: net, Pending: []history.Payment{}, At: us(end + 10*time.Second)})
	}
	if err := w.Seal(h.seal, "", us(end+10*time.Second)); err != nil {
		h.t.Fatal(err)
	}
	read, err := history.Read(bytes.NewReader(out.Bytes()))
	if err != nil {
		h.t.Fatal(err)
	}
	j, err := verdict.Judge(read)
	if err != nil {
		h.t.Fatal(err)
	}
	return read, j
}
