package verdict

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
)

func TestGapsOfNonces(t *testing.T) {
	const first = 1_000_000_000
	sent := func(n uint64, intent string) history.Sent {
		return history.Sent{Tx: fmt.Sprintf("tx%d%s", n, intent), From: "0xa", Nonce: first + n, Intent: intent, Service: "infura"}
	}
	foreign := sent(2, "")
	foreign.Foreign = true
	for _, c := range []struct {
		name           string
		sent           []history.Sent
		mined, pending []int // places in sent
		want           []string
	}{
		{"nothing waits", []history.Sent{sent(0, "i0"), sent(2, "i2")}, []int{0}, nil, nil},
		{"in a row", []history.Sent{sent(0, "i0"), sent(1, "i1"), sent(2, "i2")}, []int{0}, []int{1, 2}, nil},
		{"a hole", []history.Sent{sent(0, "i0"), sent(1, "i1"), sent(3, "i3"), sent(4, "i4")}, []int{0}, []int{1, 2, 3}, []string{"i3", "i4"}},
		{"a hole that was sent and lost", []history.Sent{sent(0, "i0"), sent(1, "i1"), sent(2, "i2")}, []int{0}, []int{2}, []string{"i2"}},
		{"the preflight's nonce counts as used", []history.Sent{sent(0, "preflight/pay"), sent(1, "i1")}, []int{0}, []int{1}, nil},
		{"what pays no intent may have been mined", []history.Sent{sent(0, "i0"), sent(1, ""), sent(2, "i2")}, []int{0}, []int{2}, nil},
		{"a foreign one never was", []history.Sent{sent(0, "i0"), sent(1, "i1"), foreign, sent(3, "i3")}, []int{0, 1}, []int{3}, []string{"i3"}},
		{"a later one that was mined closes all before it", []history.Sent{sent(0, "i0"), sent(5, "i5"), sent(6, "i6")}, []int{0, 1}, []int{2}, nil},
		{"replaced, and pending somewhere all the same", []history.Sent{sent(0, "i0"), sent(1, "i1"), sent(1, "i2")}, []int{0, 1}, []int{2}, nil},
		{"signed twice, once before the hole", []history.Sent{sent(0, "i0"), sent(1, "i1"), sent(3, "i1")}, []int{0}, []int{1, 2}, nil},
		{"nothing was mined", []history.Sent{sent(4, "i4"), sent(6, "i6")}, nil, []int{0, 1}, []string{"i6"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &evidence{h: &history.History{Sent: c.sent}, chains: map[string]*chain{}}
			ch := &chain{payments: map[string][]paid{}}
			e.chains[storyNet] = ch
			for _, s := range c.sent {
				e.h.Intents = append(e.h.Intents, history.Intent{ID: s.Intent, Chain: storyNet})
			}
			for _, i := range c.mined {
				ch.payments[c.sent[i].Intent] = append(ch.payments[c.sent[i].Intent], paid{tx: c.sent[i].Tx, number: 30})
			}
			for _, i := range c.pending {
				ch.waiting = append(ch.waiting, history.Payment{Intent: c.sent[i].Intent, Tx: c.sent[i].Tx})
			}
			if diff := cmp.Diff(c.want, slices.Sorted(maps.Keys(e.findStuck()))); diff != "" {
				t.Errorf("stuck (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhatAnAppCouldKnow has payments that were taken and came to nothing: a status page is held to that from the first one's deadline on, or from a refusal.
func TestWhatAnAppCouldKnow(t *testing.T) {
	second := us(time.Second)
	payment := func(due int, class Class) *attempt {
		return &attempt{journey: &plan.Journey{Kind: kindWrite, Deadline: 4 * second}, due: clock.Micros(due) * second, ruling: &ruling{class: class}}
	}
	whole := []span{{10 * second, 20 * second}}
	for _, c := range []struct {
		name string
		list []*attempt
		want []span
	}{
		{"taken", []*attempt{payment(10, OK), payment(11, Degraded), payment(12, Late)}, []span{{15 * second, 20 * second}}},
		{"one refused", []*attempt{payment(10, Degraded), payment(13, Declined)}, []span{{13 * second, 20 * second}}},
		{"taken too late to show", []*attempt{payment(17, Degraded)}, nil},
	} {
		if diff := cmp.Diff(c.want, manifest(whole, c.list, 0), cmp.AllowUnexported(span{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestWhenAJourneyIsNotSteady(t *testing.T) {
	second := us(time.Second)
	want := plan.Steady{OK: 0.99, P99: us(2 * time.Second)}
	run := func(n int, change func(i int, a *attempt)) []*attempt {
		var list []*attempt
		for i := range n {
			a := &attempt{journey: &plan.Journey{Kind: "read", Deadline: 3 * second}, due: clock.Micros(i) * second, end: clock.Micros(i)*second + 1000, answered: true, ruling: &ruling{class: OK}}
			change(i, a)
			list = append(list, a)
		}
		return list
	}
	for _, c := range []struct {
		name   string
		list   []*attempt
		length clock.Micros
		want   [][2]int // seconds, the last one included
	}{
		{"nothing", nil, 5, nil},
		{"steady", run(30, func(int, *attempt) {}), 5, nil},
		{"one failure", run(30, func(i int, a *attempt) {
			if i == 10 {
				a.class = Unavailable
			}
		}), 5, [][2]int{{10, 10}}},
		{"ten seconds", run(30, func(i int, a *attempt) {
			if i >= 10 && i < 20 {
				a.class = Declined
			}
		}), 5, [][2]int{{10, 19}}},
		{"a good one now and then", run(30, func(i int, a *attempt) {
			if i >= 10 && i < 20 && i%3 > 0 {
				a.class = Declined
			}
		}), 5, [][2]int{{10, 19}}},
		{"slow", run(30, func(i int, a *attempt) {
			if i >= 10 && i < 20 {
				a.end = a.due + 3*second
			}
		}), 5, [][2]int{{10, 19}}},
		{"to the end, where the last stretch is too short to tell", run(30, func(i int, a *attempt) {
			if i >= 20 {
				a.class = Wrong
			}
		}), 5, [][2]int{{20, 27}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got [][2]int
			for _, s := range unsteadyIn(c.list, c.length*second, want) {
				got = append(got, [2]int{int(s.from / second), int((s.to - 1) / second)})
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("unsteady (-want +got):\n%s", diff)
			}
		})
	}
}

// A status is not blamed for what nobody can tell: words that the file does not list, and journeys that are none.
func TestStatusWords(t *testing.T) {
	notice := storyPlan{Journeys: []string{"view-balance", "status"}, Notice: 5 * time.Second}
	for word, want := range map[string]Class{"ok": Wrong, "maintenance": OK, "down": OK} {
		v := judgedStory(t, story{Plan: notice, Attempts: []group{
			{Journey: "view-balance", From: 10 * time.Second, To: 30 * time.Second, Error: history.ErrReset},
			{Journey: "status", From: 10 * time.Second, To: 30 * time.Second, Answer: word},
		}})
		if got := classOf(t, v, "status#40"); got != want {
			t.Errorf("%q at 20 s: %s, want %s", word, got, want)
		}
	}
	careful := judgedStory(t, story{Plan: notice, Attempts: []group{{Journey: "status", From: 10 * time.Second, To: 20 * time.Second, Answer: "down"}}})
	if got := classOf(t, careful, "status#25"); got != OK {
		t.Errorf("trouble during a fault that users did not feel: %s", got)
	}
	alone := judgedStory(t, story{Plan: storyPlan{Journeys: []string{"status"}, Notice: 5 * time.Second}, Attempts: []group{{Journey: "status", Answer: "down"}}})
	if got := classOf(t, alone, "status#4"); got != OK {
		t.Errorf("a status with nothing to hold it against: %s", got)
	}
}

func TestBlame(t *testing.T) {
	for _, c := range []struct {
		name   string
		group  group
		change func(*history.History)
		want   Class
	}{
		{"funds", group{Status: 503, Body: "INSUFFICIENT FUNDS for transfer"}, nil, Wrong},
		{"no words", group{Status: 503, Body: "upstream is down"}, nil, Declined},
		{"an account that is empty", group{Status: 503, Body: "insufficient funds"}, func(h *history.History) {
			for i := range h.Blocks {
				for account := range h.Blocks[i].Watched {
					h.Blocks[i].Watched[account] = "5000"
				}
			}
		}, Declined},
		{"an account that nobody watches", group{Status: 503, Body: "insufficient funds"}, func(h *history.History) {
			for i := range h.Blocks {
				h.Blocks[i].Watched = nil
			}
		}, Declined},
		{"nonce", group{Status: 500, Body: `{"error":{"code":-32000,"message":"nonce too low: next nonce 5, tx nonce 4"}}`}, nil, Wrong},
		{"refused by the user", group{Status: 500, Body: "User rejected the request."}, nil, Wrong},
		{"paid all the same", group{Status: 503, Body: "insufficient funds", Mined: oneTime()}, nil, Harmful},
		{"may be paid yet", group{Status: 503, Body: "insufficient funds", Pending: true}, nil, Wrong},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.group.Journey, c.group.From, c.group.Count = "send-payment", 12*time.Second, 1
			h := tell(story{Attempts: []group{c.group}})
			if c.change != nil {
				c.change(h)
			}
			j, err := Judge(h)
			if err != nil {
				t.Fatal(err)
			}
			if got := classOf(t, j, "send-payment#24"); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// A provider that a fault leaves alone does not fail when its node answers that it has a transaction already.
func TestWhatAProviderFailed(t *testing.T) {
	const send = "eth_sendRawTransaction"
	for _, c := range []struct {
		call history.Call
		want bool
	}{
		{history.Call{Method: send, Reply: history.ReplyOK}, false},
		{history.Call{Method: send, Reply: history.ReplyRPCError, Code: -32000}, false},
		{history.Call{Method: send + "," + send, Reply: history.ReplyRPCError, Code: -32000}, false},
		{history.Call{Method: send + ",eth_blockNumber", Reply: history.ReplyRPCError, Code: -32000}, true},
		{history.Call{Method: "eth_call", Reply: history.ReplyRPCError, Code: -32000}, true},
		{history.Call{Method: send, Reply: history.ReplyRPCError, Code: -32000, Faults: []string{"c1/rpc-error/infura"}}, true},
		{history.Call{Method: send, Reply: history.ReplyRPCError, Code: -32005, Faults: []string{"capacity/infura"}}, true},
		{history.Call{Method: send, Reply: history.ReplyHTTP, Status: 503}, true},
		{history.Call{Method: send, Reply: history.ReplyAborted}, true},
	} {
		if got := failedAt(&c.call); got != c.want {
			t.Errorf("%+v: failed %t, want %t", c.call, got, c.want)
		}
	}
}

// The preflight's attempts and payments are in no finding, whatever became of them.
func TestPreflightIsNobody(t *testing.T) {
	s := story{Plan: storyPlan{Journeys: []string{"send-payment", "list-payments"}}, Nonces: true}
	want, err := Judge(tell(s))
	if err != nil {
		t.Fatal(err)
	}
	h := tell(s)
	id := "preflight/send-payment"
	h.Intents = append(h.Intents, history.Intent{ID: id, Chain: storyNet, To: "0xpre", Wei: "1000", At: 1})
	h.Attempts = append(h.Attempts, history.Attempt{ID: id, Journey: "send-payment", Due: storyZero + 1, At: storyZero + 1, End: storyZero + 2, Status: 200})
	h.Said = append(h.Said, history.Said{Intent: id, State: history.StateConfirmed, At: 2})
	h.Blocks[3].Paid = append(h.Blocks[3].Paid, history.Payment{Intent: id, Tx: "tx-pre", Wei: "1000"})
	h.Pools[0].Pending = append(h.Pools[0].Pending, history.Payment{Intent: id, Tx: "tx-pre-2", Wei: "1000"})
	h.Sent = append(h.Sent, history.Sent{Tx: "tx-pre-2", From: "0xpayer", Nonce: 1_000_009_000, Intent: id})
	got, err := Judge(h)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Verdict, got.Verdict); diff != "" {
		t.Errorf("the preflight changed the verdict (-without +with):\n%s", diff)
	}
}

// Wall clocks that jump, the chain's and ours, change nothing: only the run's one monotonic base counts.
func TestClocksMayJump(t *testing.T) {
	s := story{Attempts: []group{{Journey: "view-balance", From: 10 * time.Second, To: 12 * time.Second, Answer: "stale(8)"}}}
	want, err := Judge(tell(s))
	if err != nil {
		t.Fatal(err)
	}
	for _, jump := range []int64{3600, -3600} {
		h := tell(s)
		for i := range h.Blocks {
			if i > 30 {
				h.Blocks[i].Timestamp = uint64(int64(h.Blocks[i].Timestamp) + jump)
			}
		}
		got, err := Judge(h)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Verdict, got.Verdict); diff != "" {
			t.Errorf("a jump of %d s changed the verdict:\n%s", jump, diff)
		}
	}
	// A machine that sleeps for two seconds sends everything late: that is ours, and void.
	asleep := story{Attempts: []group{{Journey: "view-balance", From: 12 * time.Second, To: 14 * time.Second, Sent: 2 * time.Second}}}
	v := judgedStory(t, asleep).Verdict
	if v.Verdict != Inconclusive || len(v.Findings) > 0 || v.Cells[0].Void[Outage] != 10 {
		t.Errorf("after a sleep: %s, %d findings, %d void", v.Verdict, len(v.Findings), v.Cells[0].Void[Outage])
	}
}

// A payment that the app took back, or had not confirmed when it listed, is not held against a listing.
func TestListingsAndWhatWasSaid(t *testing.T) {
	base := story{
		Plan:     storyPlan{Journeys: []string{"send-payment", "list-payments"}},
		Attempts: []group{{Journey: "list-payments", From: 18 * time.Second, Count: 1, Listed: "nothing"}},
		Chain:    storyChain{Reorgs: []storyReorg{{At: 15 * time.Second, Depth: 2}}},
	}
	// paidIn leaves one block in which every payment was made.
	paidIn := func(hash string) func(*history.History) {
		return func(h *history.History) {
			for i := range h.Blocks {
				h.Blocks[i].Paid = nil
				if h.Blocks[i].Hash != hash {
					continue
				}
				for _, in := range h.Intents {
					h.Blocks[i].Paid = append(h.Blocks[i].Paid, history.Payment{Intent: in.ID, Tx: "tx-" + in.ID, Wei: in.Wei})
				}
			}
		}
	}
	for name, c := range map[string]struct {
		change func(h *history.History)
		want   Class
	}{
		"as it is": {func(*history.History) {}, Wrong},
		"taken back": {func(h *history.History) {
			for i := range h.Said {
				if s := h.Said[i]; s.State == history.StateConfirmed {
					h.Said = append(h.Said, history.Said{Intent: s.Intent, State: history.StatePending, At: s.At + 1})
				}
			}
		}, OK},
		"in a block that was canonical all the time": {paidIn("block-30-0"), Wrong},
		"in a block that was reorganised away":       {paidIn("block-34-0"), OK},
		"in a block that is younger than max_stale":  {paidIn("block-36-1"), OK},
		"never confirmed": {func(h *history.History) {
			h.Said = slices.DeleteFunc(h.Said, func(s history.Said) bool { return s.State == history.StateConfirmed })
		}, OK},
		"no list that can be read": {func(h *history.History) {
			for i := range h.Attempts {
				if h.Attempts[i].Answer["payments"] != "" {
					h.Attempts[i].Answer["payments"] = "[1, "
				}
			}
		}, OK},
	} {
		t.Run(name, func(t *testing.T) {
			h := tell(base)
			c.change(h)
			j, err := Judge(h)
			if err != nil {
				t.Fatal(err)
			}
			if got := classOf(t, j, "list-payments#36"); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// A listing that was longer before has no pages to excuse what it lacks.
func TestShrunkenListing(t *testing.T) {
	j := judgedStory(t, story{Plan: storyPlan{Journeys: []string{"send-payment", "list-payments"}}, Attempts: []group{
		{Journey: "list-payments", From: 18 * time.Second, Count: 1, Listed: "page(2)"},
	}})
	if got := classOf(t, j, "list-payments#36"); got != Wrong {
		t.Errorf("%s, want %s", got, Wrong)
	}
}

func TestNoFailoverIsSaidWhenItHelps(t *testing.T) {
	failing := func(every int) []group {
		return []group{{Journey: "view-balance", From: 10 * time.Second, To: 20 * time.Second, Each: every, Status: 503, Body: "upstream"}}
	}
	both := []storyFault{{Fault: "http-status", Service: "infura", Touched: 50}, {Fault: "http-status", Service: "alchemy", Touched: 10, From: 18 * time.Second}}
	two := []storyCalls{{Service: "infura"}, {Service: "alchemy", Every: time.Second}}
	one := []storyCalls{{Service: "infura"}}
	for _, c := range []struct {
		name  string
		story story
		want  bool
	}{
		{"half of the reads fail", story{Attempts: failing(2), Calls: &two}, true},
		{"one in twenty fails", story{Attempts: failing(20), Calls: &two}, false},
		{"the other provider had a fault too", story{Attempts: failing(2), Calls: &two, Faults: &both}, false},
		{"there is no other provider", story{Attempts: failing(2), Calls: &one}, false},
	} {
		v := judgedStory(t, c.story).Verdict
		if got := slices.ContainsFunc(v.Warnings, func(f Finding) bool { return f.Check == warnNoFailover }); got != c.want {
			t.Errorf("%s: said %t, want %t", c.name, got, c.want)
		}
	}
}

func TestAtBlocks(t *testing.T) {
	for want, numbers := range map[string][]uint64{
		"at block 21": {21, 21}, "only at blocks 12–14": {14, 12, 13}, "only at blocks 12–14 and 20": {12, 13, 14, 20},
		"only at blocks 5, 7 and 9–10, and 2 before": {1, 3, 5, 7, 9, 10},
	} {
		var list []*block
		for _, n := range numbers {
			list = append(list, &block{Block: &history.Block{Number: n}})
		}
		if got := atBlocks(list); got != want {
			t.Errorf("%v: %q, want %q", numbers, got, want)
		}
	}
}

func judgedStory(t *testing.T, s story) *Judgement {
	t.Helper()
	j, err := Judge(tell(s))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func classOf(t *testing.T, j *Judgement, id string) Class {
	t.Helper()
	i := slices.IndexFunc(j.Attempts, func(a Judged) bool { return a.ID == id })
	if i < 0 {
		t.Fatalf("no attempt %s", id)
	}
	return j.Attempts[i].Class
}

func oneTime() *int {
	n := 1
	return &n
}
