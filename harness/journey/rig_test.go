package journey

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/harness/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type records struct {
	mu  sync.Mutex
	all []history.Record
}

func (r *records) Add(rec history.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, rec)
}

// of gives the records of one type, in the order in which they were written.
func of[T history.Record](r *records) []T {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []T
	for _, rec := range r.all {
		if t, ok := rec.(T); ok {
			out = append(out, t)
		}
	}
	return out
}

// attempts are sorted by due and journey.
func attempts(r *records) []history.Attempt {
	all := of[history.Attempt](r)
	slices.SortFunc(all, func(a, b history.Attempt) int {
		if a.Due != b.Due {
			return int(a.Due - b.Due)
		}
		return strings.Compare(a.Journey, b.Journey)
	})
	return all
}

type intents struct {
	mu   sync.Mutex
	n    int
	sink *records
	fail error
}

func (i *intents) New(id string, session int, chain string) (history.Intent, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		return history.Intent{}, i.fail
	}
	i.n++
	intent := history.Intent{ID: id, Session: session, Chain: chain, To: fmt.Sprintf("0x%040x", i.n), Wei: strconv.Itoa(1000 + i.n)}
	i.sink.Add(intent)
	return intent, nil
}

// read and write are journeys that tests start from.
func read() (plan.Journey, spec.Journey) {
	return plan.Journey{
			Name: "view", Driver: "http", Kind: "read", Chain: "ethereum", Every: clock.Of(20 * time.Millisecond),
			Deadline: clock.Of(2 * time.Second), Patience: clock.Of(5 * time.Second),
		}, spec.Journey{
			Name: "view", Kind: "read", Request: spec.Request{Method: "GET", Path: "/balance/${account.address}"},
			Answer: map[string]spec.AnswerField{"balance": {Path: "$.balance"}, "stale": {Path: "$.stale"}, "declined": {Path: "$.error"}},
		}
}

func write() (plan.Journey, spec.Journey) {
	return plan.Journey{
			Name: "send", Driver: "http", Kind: "write", Chain: "ethereum", Every: clock.Of(20 * time.Millisecond),
			Deadline: clock.Of(500 * time.Millisecond), Patience: clock.Of(time.Second), Settle: clock.Of(2 * time.Second),
		}, spec.Journey{
			Name: "send", Kind: "write",
			Request: spec.Request{Method: "POST", Path: "/send", JSON: map[string]any{"to": "${intent.to}", "wei": "${intent.wei}", "key": "${intent.id}"}},
			Answer:  map[string]spec.AnswerField{"id": {Path: "$.id"}, "tx": {Path: "$.hash"}, "state": {Path: "$.state"}, "declined": {Path: "$.error"}},
			States:  map[string][]string{"pending": {"sent"}, "confirmed": {"done"}, "failed": {"rejected"}},
			Follow:  &spec.Follow{Request: spec.Request{Method: "GET", Path: "/payment/${answer.id}"}, Every: 20 * time.Millisecond},
		}
}

type rig struct {
	cfg     Config
	sink    *records
	intents *intents
}

// newRig serves an app and gives what a Runner of it needs. The plan ends after the given time.
func newRig(t testing.TB, end time.Duration, app http.HandlerFunc) *rig {
	t.Helper()
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	r := &rig{sink: &records{}}
	r.intents = &intents{sink: r.sink}
	r.cfg = Config{
		Plan:     &plan.Plan{End: clock.Of(end), Sessions: 2},
		App:      &spec.App{Journeys: map[string]spec.Journey{}},
		URL:      func(int) string { return server.URL },
		Accounts: []Account{{Address: "0xaa", Key: "0x01"}, {Address: "0xbb", Key: "0x02"}, {Address: "0xcc", Key: "0x03"}},
		Intents:  r.intents,
		Clock:    clock.Start(),
		Sink:     r.sink,
	}
	return r
}

func (r *rig) with(p plan.Journey, j spec.Journey) *rig {
	r.cfg.Plan.Journeys = append(r.cfg.Plan.Journeys, p)
	r.cfg.App.Journeys[p.Name] = j
	return r
}

func (r *rig) runner(t testing.TB) *Runner {
	t.Helper()
	runner, err := New(r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(runner.Close)
	return runner
}

// run runs the whole timetable and drains.
func (r *rig) run(t *testing.T, drain time.Duration) {
	t.Helper()
	runner := r.runner(t)
	if err := runner.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := runner.Run(t.Context(), r.cfg.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if err := runner.Drain(t.Context(), r.cfg.Clock.Now()+clock.Of(drain)); err != nil {
		t.Fatal(err)
	}
}

// one sends a single attempt of the journey and gives its record.
func (r *rig) one(t *testing.T, ctx context.Context, p plan.Journey, j spec.Journey) history.Attempt {
	t.Helper()
	r.cfg.Plan.End = p.Every
	r.with(p, j)
	runner := r.runner(t)
	if err := runner.Run(ctx, r.cfg.Clock.Now()); err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
	all := attempts(r.sink)
	if len(all) != 1 {
		t.Fatalf("%d attempts", len(all))
	}
	return all[0]
}

func answer(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
}
