package journey

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"blackout/harness/clock"
	"blackout/harness/history"
)

func TestTimetable(t *testing.T) {
	r := newRig(t, 200*time.Millisecond, answer(`{"balance": "1.10"}`))
	p, j := read()
	p.Offset = clock.Of(15 * time.Millisecond)
	r.with(p, j)
	q, k := read()
	q.Name, q.Every, q.Offset = "other", clock.Of(70*time.Millisecond), 0
	k.Request.Path = "/x"
	r.with(q, k)
	r.cfg.Plan.Sessions = 4
	runner := r.runner(t)
	start := r.cfg.Clock.Now() + clock.Of(30*time.Millisecond)
	if err := runner.Run(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	got := map[string]history.Attempt{}
	for _, a := range attempts(r.sink) {
		got[a.ID] = a
	}
	// 15, 35 … 195 and 0, 70, 140.
	if len(got) != 10+3 {
		t.Errorf("%d attempts", len(got))
	}
	for n := range 10 {
		a, ok := got[fmt.Sprintf("view#%d", n)]
		due := start + p.Offset + clock.Micros(n)*p.Every
		account := []string{"0xaa", "0xbb", "0xcc", "0xaa"}[n%4]
		if !ok || a.Due != due || a.At < due || a.End < a.At || a.Session != n%4 || a.Account != account || a.Status != 200 || a.Answer["balance"] != "1.10" || a.Body != "" {
			t.Errorf("attempt %d, due %d: %+v", n, due, a)
		}
	}
}

// TestOpenModel lets the app hang: every attempt is sent all the same, and given up when its patience is over.
func TestOpenModel(t *testing.T) {
	release := make(chan struct{})
	var asked atomic.Int64
	r := newRig(t, 400*time.Millisecond, func(_ http.ResponseWriter, req *http.Request) {
		asked.Add(1)
		select {
		case <-release:
		case <-req.Context().Done():
		}
	})
	p, j := read()
	p.Every, p.Deadline, p.Patience = clock.Of(4*time.Millisecond), clock.Of(200*time.Millisecond), clock.Of(600*time.Millisecond)
	r.with(p, j)
	defer close(release)
	r.run(t, 0)
	all := attempts(r.sink)
	if len(all) != 100 || asked.Load() != 100 {
		t.Fatalf("%d attempts, %d asked", len(all), asked.Load())
	}
	late := 0
	for _, a := range all {
		if a.Error != history.ErrTimeout || a.Status != 0 {
			t.Fatalf("attempt: %+v", a)
		}
		// Patience counts from due, not from when it was sent.
		if waited := a.End - a.Due; waited < p.Patience || waited > p.Patience+clock.Of(400*time.Millisecond) {
			t.Errorf("%s was given up after %s", a.ID, waited.Duration())
		}
		if a.At-a.Due > clock.Of(100*time.Millisecond) {
			late++
		}
	}
	if late > 5 {
		t.Errorf("%d of 100 attempts were sent more than 100 ms late", late)
	}
}

func TestInterrupt(t *testing.T) {
	r := newRig(t, time.Hour, func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodPost {
			_, _ = w.Write([]byte(`{"id":"7","state":"sent"}`))
			return
		}
		<-req.Context().Done()
	})
	r.with(read())
	r.with(write())
	ctx, cancel := context.WithCancel(t.Context())
	runner := r.runner(t)
	time.AfterFunc(150*time.Millisecond, cancel)
	err := runner.Run(ctx, r.cfg.Clock.Now())
	ended := r.cfg.Clock.Now()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("run: %v", err)
	}
	if ended > clock.Of(5*time.Second) {
		t.Errorf("it took until %s", ended.Duration())
	}
	byError := map[string]int{}
	for _, a := range attempts(r.sink) {
		byError[a.Journey+" "+a.Error]++
	}
	if byError["view interrupted"] == 0 || byError["view timeout"] != 0 || byError["send "] == 0 {
		t.Errorf("attempts: %v", byError)
	}
	// Follow-ups are over too, or goleak would see them.
	if err := runner.Drain(context.Background(), r.cfg.Clock.Now()+clock.Of(time.Minute)); err != nil {
		t.Errorf("drain after an interrupt: %v", err)
	}
}

func TestHarnessFailureEndsRun(t *testing.T) {
	r := newRig(t, time.Hour, answer(`{}`))
	r.intents.fail = errors.New("no entropy")
	r.with(write())
	err := r.runner(t).Run(t.Context(), r.cfg.Clock.Now())
	if err == nil || err.Error() != "attempt send#0: payment intent: no entropy" {
		t.Errorf("run: %v", err)
	}
}

func TestPreflight(t *testing.T) {
	var polls atomic.Int64
	r := newRig(t, time.Hour, func(w http.ResponseWriter, req *http.Request) {
		switch {
		case req.URL.Path == "/send":
			_, _ = w.Write([]byte(`{"id":"7","state":"sent"}`))
		case req.URL.Path == "/payment/7" && polls.Add(1) > 2:
			_, _ = w.Write([]byte(`{"id":"7","state":"done","hash":"0xff"}`))
		case req.URL.Path == "/payment/7":
			_, _ = w.Write([]byte(`{"id":"7","state":"sent"}`))
		default:
			_, _ = w.Write([]byte(`{"balance":5}`))
		}
	})
	r.with(read())
	r.with(write())
	runner := r.runner(t)
	all, err := runner.Preflight(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, a := range all {
		ids = append(ids, fmt.Sprint(a.ID, " ", a.Status, " ", a.Answer))
	}
	want := []string{"preflight/view 200 map[balance:5]", "preflight/send 200 map[id:7 state:sent]"}
	if !slices.Equal(ids, want) {
		t.Errorf("attempts %q, want %q", ids, want)
	}
	if recorded := attempts(r.sink); len(recorded) != 0 {
		t.Errorf("recorded: %+v", recorded)
	}
	said := of[history.Said](r.sink)
	if len(said) != 2 || said[1].State != history.StateConfirmed || said[1].Tx != "0xff" || said[1].Intent != "preflight/send" {
		t.Errorf("said: %+v", said)
	}
}

func TestPreflightIsBounded(t *testing.T) {
	r := newRig(t, time.Hour, answer(`{"id":"7","state":"sent"}`))
	p, j := write()
	p.Settle = clock.Of(100 * time.Millisecond)
	all, err := r.with(p, j).runner(t).Preflight(t.Context())
	if err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestPreflightFindsUnlistedWord(t *testing.T) {
	r := newRig(t, time.Hour, answer(`{"id":"7","state":"Done"}`))
	p, j := write()
	p.Settle = clock.Of(50 * time.Millisecond)
	_, err := r.with(p, j).runner(t).Preflight(t.Context())
	if !errors.Is(err, ErrAppFile) || !strings.Contains(err.Error(), `the app said "Done" about a payment, a word that states does not list`) {
		t.Errorf("error: %v", err)
	}
}

// BenchmarkTimetable measures how late attempts are sent at 200 a second in all, as at−due, against an app that answers at once in the same process.
func BenchmarkTimetable(b *testing.B) {
	r := newRig(b, time.Duration(b.N)*10*time.Millisecond, answer(`{"balance": "1"}`))
	for n := range 2 {
		p, j := read()
		p.Name, p.Every, p.Offset = fmt.Sprint("view", n), clock.Of(10*time.Millisecond), clock.Of(time.Duration(5*n)*time.Millisecond)
		r.with(p, j)
	}
	runner := r.runner(b)
	b.ResetTimer()
	if err := runner.Run(b.Context(), r.cfg.Clock.Now()+clock.Of(20*time.Millisecond)); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	var late []clock.Micros
	for _, a := range of[history.Attempt](r.sink) {
		late = append(late, a.At-a.Due)
	}
	slices.Sort(late)
	b.ReportMetric(float64(late[len(late)/2]), "p50-late-µs")
	b.ReportMetric(float64(late[len(late)*99/100]), "p99-late-µs")
	b.ReportMetric(float64(late[len(late)-1]), "max-late-µs")
}
