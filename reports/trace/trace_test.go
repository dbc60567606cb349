package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/reports/verdict"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(kept), string(got)); diff != "" {
		t.Errorf("%s (-kept +got), write it anew with -update if the change is meant:\n%s", file, diff)
	}
}

const (
	ms    = time.Millisecond
	txOne = "0x1111111111111111111111111111111111111111111111111111111111111111"
	txTwo = "0x2222222222222222222222222222222222222222222222222222222222222222"
	payer = "0x00000000000000000000000000000000000000bb"
)

// zeroStory: a balance of zero in an outage, twice.
func zeroStory(h *hand) string {
	h.fault(http503(0.8), outage, healed)
	for n, due := range []time.Duration{12 * time.Second, 13 * time.Second} {
		h.add(read(60+n, due, 42*ms, map[string]string{"balance": "0.0000"}),
			call(due+ms, 40*ms, "eth_getBalance", history.ReplyHTTP, 503, "c1/http-status/infura"),
			call(due+15*ms, 2*ms, "eth_blockNumber", history.ReplyOK, 200),
			call(due+50*ms, 2*ms, "eth_after", history.ReplyOK, 200), call(due-2*ms, 2*ms, "eth_before", history.ReplyOK, 200),
			history.Call{Service: "infura", Region: "aws/us-east-1", Method: "eth_chainId", Probe: true, At: us(due + 5*ms), End: us(due + 6*ms)})
	}
	return "view-balance#60"
}

// staleStory: a provider that is behind, and an app that does not look. The fault goes while the answer is under way.
func staleStory(h *hand) string {
	h.plan.Nodes = append(h.plan.Nodes, plan.Node{Name: "ethereum/infura@aws/us-east-1", Chain: net, Role: plan.RoleOwn, Service: "infura", Region: "aws/us-east-1", Touched: true})
	h.add(history.Head{Node: "ethereum/infura@aws/us-east-1", Hash: "0xb30", Number: 30, At: us(outage)})
	h.fault(plan.Effect{ID: "c1/head-lag/infura/ethereum", Fault: "head-lag", Layer: "chain", Unit: "backends", Service: "infura", Chain: net,
		Steps: []plan.Step{{At: clock.Of(outage), Share: 1}}, Reach: 1}, outage, healed)
	a := read(98, healed-20*ms, 60*ms, map[string]string{"balance": "1.03"})
	h.add(a, call(healed-18*ms, 50*ms, "eth_getBalance", history.ReplyOK, 200))
	return a.ID
}

// hangStory: nothing comes until patience ends, the fault in the midst of it.
func hangStory(h *hand) string {
	h.fault(http503(1), outage, outage+3*time.Second)
	a := read(49, outage-time.Second, 6*time.Second, nil)
	a.Status, a.Error, a.Detail = 0, history.ErrTimeout, "context deadline exceeded (Client.Timeout exceeded\nwhile awaiting headers)\x1b[2J"
	h.add(a)
	for i := range 30 {
		reply, status, faults := history.ReplyOK, 200, []string(nil)
		if at := time.Duration(i) * 200 * ms; at >= time.Second && at < 4*time.Second {
			reply, status, faults = history.ReplyHTTP, 503, []string{"c1/http-status/infura"}
		}
		h.add(call(outage-time.Second+50*ms+time.Duration(i)*200*ms, 3*ms, "eth_getBalance", reply, status, faults...))
	}
	h.add(history.Call{Service: "alchemy", Region: "gcp/us-central1", Chain: net, Transport: "http", Method: "eth_call,eth_getLogs", Reply: history.ReplyRPCError, Status: 200, Code: -32005,
		Faults: []string{"capacity/alchemy"}, At: us(outage + 500*ms), End: us(outage + 501*ms)})
	return a.ID
}

// nameStory: a name that does not exist any more, asked for over and over, while a payment of another name goes its way. A question before and one after count nothing.
func nameStory(h *hand) string {
	const effect = "c1/dns-nxdomain/infura"
	h.plan.Services = append(h.plan.Services, plan.Service{Name: "infura", Kind: "rpc", Hosts: []plan.Host{{Chain: net, Name: "mainnet.infura.io"}}})
	h.fault(plan.Effect{ID: effect, Fault: "dns-nxdomain", Layer: "names", Unit: "look-ups", Service: "infura", Steps: []plan.Step{{At: clock.Of(outage), Share: 1}}, Reach: 1}, outage, healed)
	a := read(60, 12*time.Second, 3*time.Second, map[string]string{})
	a.Status, a.Body = 503, "cannot be found"
	h.add(a)
	ask := func(at time.Duration, host, kind, answer string, faults ...string) {
		h.add(history.Lookup{Host: host, Kind: kind, Answer: answer, Faults: faults, At: us(at)})
	}
	ask(12*time.Second-ms, "mainnet.infura.io", "", history.AnswerUnknown, effect)
	for i := range 14 {
		at := 12*time.Second + 2*ms + time.Duration(i)*200*ms
		ask(at, "mainnet.infura.io", "", history.AnswerUnknown, effect)
		ask(at, "mainnet.infura.io", "AAAA", history.AnswerUnknown, effect)
	}
	ask(13*time.Second, "eth-mainnet.g.alchemy.com", "", "127.18.0.4")
	ask(16*time.Second, "mainnet.infura.io", "", history.AnswerUnknown, effect)
	return a.ID
}

// twiceStory: a payment that was signed anew and mined twice; the first block was reorganised away and its transaction came back in a later one.
func twiceStory(h *hand) string {
	h.fault(http503(0.5), outage, healed)
	id := h.send(24, 12*time.Second, 100*ms, map[string]string{"id": "p24", "state": "sent", "tx": txOne})
	h.pays("0xb33", id, txOne)
	h.pays("0xb35", id, txTwo)
	side := h.block(32, h.named("0xb31"), 12*time.Second+400*ms, "s")
	h.pays("0xb32s", id, txOne)
	h.heads(side, 0)
	h.add(
		call(12*time.Second+2*ms, 20*ms, "eth_sendRawTransaction", history.ReplyHTTP, 503, "c1/http-status/infura"),
		history.Sent{Tx: txOne, From: payer, Nonce: 1_000_000_007, Intent: id, Service: "infura", At: us(12*time.Second + 5*ms)},
		history.Sent{Tx: txTwo, From: payer, Nonce: 1_000_000_008, Intent: id, Service: "alchemy", At: us(14 * time.Second)},
		history.Sent{Tx: txTwo, From: payer, Nonce: 1_000_000_008, Intent: id, Service: "infura", At: us(14*time.Second + ms)},
		history.Sent{Tx: "0x33", From: payer, Nonce: 1, Intent: "send-payment#25", Service: "infura", At: us(14 * time.Second)},
		history.Said{Intent: id, State: history.StatePending, Word: "sent", Tx: txOne, At: us(12*time.Second + 100*ms)},
		history.Said{Intent: id, Word: "being\tlooked at", At: us(13 * time.Second)},
		history.Said{Intent: id, State: history.StateConfirmed, Word: "confirmed", Tx: txTwo, At: us(16*time.Second + 700*ms)},
	)
	return id
}

// silentStory: a payment that no provider ever saw, in a run that was stopped before the nodes were asked.
func silentStory(h *hand) string {
	h.unseen, h.seal = true, history.EndInterrupted
	id := h.send(24, 12*time.Second, 100*ms, map[string]string{"state": "sent"})
	h.add(history.Sent{Tx: txOne, From: "0x00000000000000000000000000000000000000ff", Nonce: 4, Intent: id, Service: "infura", Foreign: true, At: us(12*time.Second + 20*ms)})
	return id
}

// strangeStory: infura answers for another chain, and the app signs for it; another provider, asked before, had no time.
func strangeStory(h *hand) string {
	h.plan.Chains = append(h.plan.Chains, plan.Chain{Name: "base", ID: 8453})
	id := h.send(24, 12*time.Second, 100*ms, map[string]string{"state": "sent"})
	busy := call(12*time.Second+1*ms, 5*ms, "eth_chainId", history.ReplyHTTP, 429)
	busy.Service, busy.RetryAfterS = "alchemy", 5
	asked := call(12*time.Second+10*ms, 5*ms, "eth_chainId", history.ReplyOK, 200)
	asked.Served = "base"
	handed := call(12*time.Second+20*ms, 5*ms, "eth_sendRawTransaction", history.ReplyOK, 200)
	handed.Served = "base"
	h.add(busy, asked, handed, history.Sent{Tx: txOne, From: payer, Nonce: 4, ChainID: 8453, Intent: id, Service: "infura", At: handed.At})
	return id
}

// downStory: the user's own instance of the app is killed, and is not started as long as that is refused; then it ends by itself.
func downStory(h *hand) string {
	h.plan.Instances = []plan.Instance{{Name: "gcp-us-central1-0", Region: "gcp/us-central1"}, {Name: "aws-us-east-1-0", Region: "aws/us-east-1"}}
	gone := func(id, fault string) plan.Effect {
		return plan.Effect{ID: id, Fault: fault, Layer: "process", Unit: "instances", Instance: "aws-us-east-1-0", Steps: []plan.Step{{At: clock.Of(outage), Share: 1}}, Reach: 1}
	}
	h.fault(gone("c1/app-stopped/aws-us-east-1-0", "app-stopped"), outage, 14*time.Second)
	h.fault(gone("c2/start-refused/aws-us-east-1-0", "start-refused"), outage, 15*time.Second)
	lives := func(instance, event, detail string, at time.Duration) {
		h.add(history.App{Instance: instance, Event: event, Detail: detail, At: us(at)})
	}
	lives("aws-us-east-1-0", history.AppStarted, "", -time.Second)
	lives("aws-us-east-1-0", history.AppStopped, "signal: killed", outage+2*ms)
	lives("gcp-us-central1-0", history.AppStopped, "signal: killed", outage+3*ms)
	lives("aws-us-east-1-0", history.AppStarted, "", 15*time.Second+ms)
	lives("aws-us-east-1-0", history.AppExited, "exit status 1", 15*time.Second+40*ms)
	a := read(71, 14900*ms, 200*ms, nil)
	a.Status, a.Error, a.Detail = 0, history.ErrRefused, "connection refused"
	h.add(a, call(14905*ms, 3*ms, "eth_blockNumber", history.ReplyOK, 200))
	return a.ID
}

// quietStory: all is well and nothing was asked.
func quietStory(h *hand) string {
	a := read(0, 100*ms, 20*ms, map[string]string{"balance": "1.0190", "note": strings.Repeat("long ", 40)})
	h.add(a)
	return a.ID
}

// stoppedStory: the run's end cut the attempt off.
func stoppedStory(h *hand) string {
	h.unseen, h.seal = true, history.EndInterrupted
	a := read(7, 2*time.Second, 30*ms, nil)
	a.Status, a.Error = 0, history.ErrInterrupted
	h.add(a)
	return a.ID
}

// oldStory: a value of long ago, after a day on which every block was seen.
func oldStory(h *hand) string {
	h.plan.Journeys[0].MaxStale = 15
	a := read(98, 20*time.Second, 20*ms, map[string]string{"balance": "1.0120"})
	h.add(a)
	return a.ID
}

// opaqueStory: an answer that is none.
func opaqueStory(h *hand) string {
	a := read(3, 700*ms, 30*ms, nil)
	a.Status, a.Missing, a.Body = 200, []string{"balance"}, "<html>\n  <body>It works!</body>\n</html>"
	h.add(a)
	return a.ID
}

// pageStory: a page of HTML in a file's place, from an app that passes on what it gets.
func pageStory(h *hand) string {
	file := plan.Content{ID: "bafkreicnk27nwjuanxcj3ffdrp4rg3wedx3izrj77difkc4kr4kkw67ha4", Name: "lamp-1.svg", Type: "image/svg+xml", Bytes: 1200, SHA256: strings.Repeat("a1", 32)}
	h.plan.Content = []plan.Content{file}
	h.plan.Services = append(h.plan.Services, plan.Service{Name: "ipfs-io", Kind: "storage", Hosts: []plan.Host{{Name: "ipfs.io"}}, Placement: []plan.Placement{{Region: "aws/us-east-1", Share: 1}}})
	h.plan.Journeys = append(h.plan.Journeys, plan.Journey{
		Name: "picture", Driver: "http", Kind: "content", Rate: 5, Every: clock.Of(200 * ms), Request: "GET /picture/${content.cid}", Deadline: clock.Of(2 * time.Second), Patience: clock.Of(6 * time.Second),
	})
	h.fault(plan.Effect{ID: "c1/html-page/ipfs-io", Fault: "html-page", Layer: "http", Unit: "requests", Service: "ipfs-io", Steps: []plan.Step{{At: clock.Of(outage), Share: 1}}, Reach: 1}, outage, healed)
	due := 12 * time.Second
	h.add(history.Attempt{
		ID: "picture#60", Journey: "picture", Session: 0, Account: account, Due: us(due), At: us(due + ms), End: us(due + 70*ms), Status: 200,
		Content: file.ID, SHA256: strings.Repeat("0f", 32), Body: "<!DOCTYPE html>\n<title>We have moved</title>",
	}, history.Call{Service: "ipfs-io", Region: "aws/us-east-1", Transport: "http", Method: "GET", Reply: history.ReplyOK, Status: 200, Faults: []string{"c1/html-page/ipfs-io"}, At: us(due + 2*ms), End: us(due + 65*ms)})
	return "picture#60"
}

var stories = map[string]func(*hand) string{
	"zero": zeroStory, "name": nameStory, "stale": staleStory, "hang": hangStory, "paid-twice": twiceStory, "foreign": silentStory, "quiet": quietStory, "stopped": stoppedStory, "down": downStory,
	"old": oldStory, "opaque": opaqueStory, "strange": strangeStory, "page": pageStory,
}

func TestStories(t *testing.T) {
	for name, tell := range stories {
		t.Run(name, func(t *testing.T) {
			h := newHand(t)
			id := tell(h)
			s, err := Make(h.judgedFor(id))
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := s.Text(&out); err != nil {
				t.Fatal(err)
			}
			fits(t, out.String())
			golden(t, name+".txt", out.Bytes())
			text, err := s.Encode()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", text)
			var back Story
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s, &back); diff != "" {
				t.Errorf("it changes when it is written and read:\n%s", diff)
			}
		})
	}
}

func (h *hand) judgedFor(id string) (*history.History, *verdict.Judgement, string) {
	record, j := h.judged()
	return record, j, id
}

func fits(t interface{ Errorf(string, ...any) }, text string) {
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > columns {
			t.Errorf("%d columns: %q", n, line)
		}
		if i := strings.IndexFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }); i >= 0 {
			t.Errorf("a control character: %q", line)
		}
	}
}

func TestFinding(t *testing.T) {
	h := newHand(t)
	id := zeroStory(h)
	record, j := h.judged()
	const finding = "zero-balance/view-balance/acct-00"
	s, err := Make(record, j, finding)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&Finding{ID: finding, Count: 2}, s.Finding); diff != "" || s.Attempt.ID != id {
		t.Errorf("attempt %s, finding %s", s.Attempt.ID, diff)
	}
	var out bytes.Buffer
	if err := s.Text(&out); err != nil || !strings.Contains(out.String(), "the first of the 2 attempts of finding "+finding) {
		t.Errorf("%v\n%s", err, out.String())
	}
	s.Finding = nil
	same, err := Make(record, j, id)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(same, s); diff != "" {
		t.Errorf("by its own id (-) and by the finding's (+):\n%s", diff)
	}
}

func TestNotFound(t *testing.T) {
	h := newHand(t)
	zeroStory(h)
	h.send(24, 12*time.Second, 100*ms, nil)
	record, j := h.judged()
	const journeys = "view-balance has the attempts view-balance#60 to #61, send-payment has one attempt, send-payment#24"
	for id, hint := range map[string]string{
		"view-balance#62":                   "view-balance has the attempts view-balance#60 to #61",
		"view-balance":                      "view-balance has the attempts view-balance#60 to #61",
		"view-balance#":                     "view-balance has the attempts view-balance#60 to #61",
		"send-payment#1":                    "send-payment has one attempt, send-payment#24",
		"veiw-balance#61":                   `did you mean "view-balance#61"?`,
		"veiw-balance#1":                    `did you mean "view-balance"?`,
		"zero-balance/view-balance/acct-01": `did you mean "zero-balance/view-balance/acct-00"?`,
		"":                                  journeys,
		"#":                                 journeys,
		"swap#3":                            journeys,
		"a/b/c":                             journeys,
	} {
		_, err := Make(record, j, id)
		var unknown *NotFoundError
		if !errors.As(err, &unknown) {
			t.Errorf("%q: %v", id, err)
			continue
		}
		if unknown.ID != id || unknown.Hint != hint {
			t.Errorf("%q: hint %q, want %q", id, unknown.Hint, hint)
		}
	}
	empty := newHand(t)
	record, j = empty.judged()
	_, err := Make(record, j, "view-balance#0")
	var unknown *NotFoundError
	if !errors.As(err, &unknown) || unknown.Hint != "no attempt was made in this run" {
		t.Errorf("a run without attempts: %v", err)
	}
}

// A run that ended before its plan was written, or before its baseline, has an attempt that can be told all the same.
func TestBeforeTheBaseline(t *testing.T) {
	a := read(0, 0, 20*ms, map[string]string{"balance": "1"})
	for name, h := range map[string]*history.History{
		"no plan":     {Attempts: []history.Attempt{a}},
		"no timeline": {Attempts: []history.Attempt{a}, Plan: json.RawMessage(`{"schema":"blackout/plan/1"}`)},
	} {
		j, err := verdict.Judge(h)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Make(h, j, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		if s.Decision.Class != "" || s.Decision.Why != "it was made before the baseline began" {
			t.Errorf("%s: %+v", name, s.Decision)
		}
		if err := s.Text(&bytes.Buffer{}); err != nil {
			t.Error(err)
		}
	}
}

// A finding about a journey as a whole has no attempt to tell of.
func TestFindingWithoutAttempts(t *testing.T) {
	h := newHand(t)
	quietStory(h)
	record, j := h.judged()
	j.Verdict.Findings = append(j.Verdict.Findings, verdict.Finding{ID: "not-recovered/view-balance/all"}, verdict.Finding{ID: "x", Attempts: []string{"gone#1"}})
	for id, want := range map[string]string{
		"not-recovered/view-balance/all": "finding not-recovered/view-balance/all is about the journey as a whole; no single attempt shows it",
		"x":                              "finding x names attempt gone#1, which the history does not have",
	} {
		if _, err := Make(record, j, id); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestMakeChangesNothing(t *testing.T) {
	h := newHand(t)
	id := twiceStory(h)
	record, j := h.judged()
	before, err := json.Marshal([]any{record, j})
	if err != nil {
		t.Fatal(err)
	}
	first, err := Make(record, j, id)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Make(record, j, id)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("told twice:\n%s", diff)
	}
	after, err := json.Marshal([]any{record, j})
	if err != nil || !bytes.Equal(before, after) {
		t.Error("the history or the judgement was changed")
	}
}

func TestManyKindsOfCalls(t *testing.T) {
	s := &Story{Span: Span{ToS: 9}}
	for i := range 50 { // two of each kind
		s.Calls = append(s.Calls, Call{AtS: float64(i) / 10, Service: fmt.Sprint("s", i%25), Method: "m", Reply: history.ReplyOK})
	}
	events := s.asked()
	if len(events) != mostKinds+1 {
		t.Fatalf("%d lines", len(events))
	}
	if want := (event{2, "… and 10 calls of 5 other kinds; --json has them all"}); events[mostKinds] != want {
		t.Errorf("%+v, want %+v", events[mostKinds], want)
	}
	if want := (event{0, "2 × call to s0 (): m → ok, the last at 2.500 s"}); events[0] != want {
		t.Errorf("%+v, want %+v", events[0], want)
	}
}

// What apps and providers write never breaks the page.
func TestTextFitsWhateverIsInIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		at := rapid.Float64Range(-100, 1e5)
		s := &Story{
			Attempt: Attempt{
				ID: text.Draw(t, "id"), Request: text.Draw(t, "request"), Account: text.Draw(t, "account"), DueS: at.Draw(t, "due"), Error: text.Draw(t, "error"),
				Detail: text.Draw(t, "detail"), Answer: map[string]string{text.Draw(t, "field"): text.Draw(t, "value")}, Body: text.Draw(t, "body"), DeadlineS: 2,
			},
			Decision: Decision{Class: verdict.Wrong, Check: text.Draw(t, "check"), Why: text.Draw(t, "why"), Rule: text.Draw(t, "rule")},
			Chain: &Chain{
				Name: text.Draw(t, "chain"), Shown: text.Draw(t, "shown"), TrueAt: rapid.SliceOf(rapid.Uint64()).Draw(t, "true"),
				Blocks: []Block{{Number: rapid.Uint64().Draw(t, "number"), Wei: text.Draw(t, "wei"), Shown: true}}, Apart: []Node{{Name: text.Draw(t, "node"), Touched: true}},
			},
			Faults: []Fault{{ID: text.Draw(t, "fault"), Regions: []string{text.Draw(t, "region")}, Unit: text.Draw(t, "unit")}},
			Payment: &Payment{
				To: text.Draw(t, "to"), Sent: []Sent{{Tx: text.Draw(t, "tx")}}, Said: []Said{{Word: text.Draw(t, "word"), Tx: text.Draw(t, "said")}}, Mined: []Mined{{Tx: "0x"}},
			},
		}
		for range rapid.IntRange(0, 60).Draw(t, "calls") {
			s.Calls = append(s.Calls, Call{AtS: at.Draw(t, "at"), Service: rapid.StringN(0, 3, -1).Draw(t, "service"), Method: text.Draw(t, "method"), Faults: []string{"f"}})
		}
		for range rapid.IntRange(0, 30).Draw(t, "look-ups") {
			s.Lookups = append(s.Lookups, Lookup{AtS: at.Draw(t, "at"), Host: rapid.StringN(0, 300, -1).Draw(t, "host"), Answer: text.Draw(t, "answer")})
		}
		var out bytes.Buffer
		if err := s.Text(&out); err != nil {
			t.Fatal(err)
		}
		fits(t, out.String())
	})
}
