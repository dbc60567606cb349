package journey

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/clock"
	"blackout/harness/history"
)

// script is an app whose answers for each payment are played in order, the last for ever. A number is a status, "hang" never answers, "reset" closes the connection.
type script struct {
	mu    sync.Mutex
	asked map[string]int // by payment
	steps []string
}

func (s *script) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	key := strings.TrimPrefix(req.URL.Path, "/payment/")
	if req.Method == http.MethodPost {
		var body struct{ Key, To, Wei string }
		if err := json.NewDecoder(req.Body).Decode(&body); err != nil || body.To == "" || body.Wei == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		key = body.Key
	}
	s.mu.Lock()
	n := s.asked[key]
	s.asked[key]++
	s.mu.Unlock()
	step := strings.ReplaceAll(s.steps[min(n, len(s.steps)-1)], "ID", key)
	switch {
	case step == "hang":
		<-req.Context().Done()
	case step == "reset":
		panic(http.ErrAbortHandler)
	case step[0] != '{':
		var status int
		_, _ = fmt.Sscan(step, &status)
		_, body, _ := strings.Cut(step, " ")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	default:
		_, _ = w.Write([]byte(step))
	}
}

func TestPayments(t *testing.T) {
	sent := `{"id":"ID","state":"sent","hash":"0x01"}`
	tests := map[string]struct {
		steps  []string
		follow string // path, when it is not the usual one
		want   []string
		notes  int
		asked  int // 0: not looked at
	}{
		"confirmed at once":   {steps: []string{`{"id":"ID","state":"done"}`}, want: []string{"confirmed done "}, asked: 1},
		"failed at once":      {steps: []string{`422 {"id":"ID","state":"rejected"}`}, want: []string{"failed rejected "}, asked: 1},
		"pending, then final": {steps: []string{sent, sent, sent, `{"state":"done","hash":"0x01"}`, sent}, want: []string{"pending sent 0x01", "confirmed done 0x01"}, asked: 4},
		"hash comes later":    {steps: []string{`{"id":"ID","state":"sent"}`, sent, `{"state":"done"}`}, want: []string{"pending sent ", "pending sent 0x01", "confirmed done 0x01"}},
		"errors are no words": {steps: []string{sent, "500 oops", "reset", `404 {"state":"rejected"}`, "{", `{"state":"rejected"}`}, want: []string{"pending sent 0x01", "failed rejected 0x01"}, asked: 6},
		"a hang is no word":   {steps: []string{sent, "hang", `{"state":"done"}`}, want: []string{"pending sent 0x01", "confirmed done 0x01"}, asked: 3},
		"unlisted":            {steps: []string{`{"id":"ID","state":"Done"}`, `{"state":"done"}`}, want: []string{" Done ", "confirmed done "}, notes: 1},
		"no word at first":    {steps: []string{`{"id":"ID"}`, `{"state":"done"}`}, want: []string{"confirmed done "}},
		"never final":         {steps: []string{sent}, want: []string{"pending sent 0x01"}},
		"declined":            {steps: []string{`{"id":"ID","error":"no funds"}`}, asked: 1},
		"no id":               {steps: []string{`{"state":"sent"}`}, want: []string{"pending sent "}, asked: 1},
		"server error":        {steps: []string{"500 oops"}, follow: "/payment/${intent.id}", asked: 1},
		"lost, own key":       {steps: []string{"reset", `{"state":"sent"}`, `{"state":"done"}`}, follow: "/payment/${intent.id}", want: []string{"pending sent ", "confirmed done "}},
		"lost, no key":        {steps: []string{"reset"}, asked: 1},
		"gateway timeout":     {steps: []string{"504", `{"state":"done"}`}, follow: "/payment/${intent.id}", want: []string{"confirmed done "}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := &script{asked: map[string]int{}, steps: tt.steps}
			r := newRig(t, 40*time.Millisecond, app.ServeHTTP)
			p, j := write()
			if tt.follow != "" {
				j.Follow.Request.Path = tt.follow
			}
			r.with(p, j)
			drain := 4 * time.Second
			if name == "never final" || tt.asked == 1 {
				drain = 100 * time.Millisecond
			}
			r.run(t, drain)
			for n := range 2 {
				id := fmt.Sprintf("send#%d", n)
				var said []string
				for _, s := range of[history.Said](r.sink) {
					if s.Intent == id {
						said = append(said, s.State+" "+s.Word+" "+s.Tx)
					}
				}
				if diff := cmp.Diff(tt.want, said); diff != "" {
					t.Errorf("%s (-want +got):\n%s", id, diff)
				}
				app.mu.Lock()
				if tt.asked != 0 && app.asked[id] != tt.asked {
					t.Errorf("%s: the app was asked %d times, want %d", id, app.asked[id], tt.asked)
				}
				if name == "never final" && app.asked[id] < 2 {
					t.Errorf("%s was not followed", id)
				}
				app.mu.Unlock()
			}
			if notes := of[history.Note](r.sink); len(notes) != tt.notes {
				t.Errorf("notes: %+v", notes)
			}
		})
	}
}

// TestSentOnce breaks kept connections under a payment with an idempotency key, which Go's transport would send again by itself.
func TestSentOnce(t *testing.T) {
	app := &script{asked: map[string]int{}, steps: []string{"reset"}}
	r := newRig(t, 100*time.Millisecond, func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodGet {
			_, _ = w.Write([]byte(`{"balance":"1"}`))
			return
		}
		app.ServeHTTP(w, req)
	})
	p, j := write()
	j.Request.Headers = map[string]string{"Idempotency-Key": "${intent.id}"}
	r.cfg.Plan.Sessions = 1
	r.with(read())
	r.with(p, j)
	r.run(t, 0)
	app.mu.Lock()
	defer app.mu.Unlock()
	if len(app.asked) != 5 {
		t.Errorf("%d payments", len(app.asked))
	}
	for id, n := range app.asked {
		if n != 1 {
			t.Errorf("%s was sent %d times", id, n)
		}
	}
}

// TestDrainGivesTime holds the drain to the time that payments have which the app did not confirm: one that it only accepted, or failed, may still be on its way.
func TestDrainGivesTime(t *testing.T) {
	const grace = 600 * time.Millisecond
	tests := map[string]struct {
		answer string
		follow bool
		waits  bool
	}{
		"accepted, nobody asks": {answer: `{"id":"ID"}`, waits: true},
		"failed":                {answer: `{"id":"ID","state":"rejected"}`, follow: true, waits: true},
		"refused":               {answer: "503 busy", follow: true, waits: true},
		"confirmed":             {answer: `{"id":"ID","state":"done"}`, follow: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := &script{asked: map[string]int{}, steps: []string{tt.answer}}
			r := newRig(t, 20*time.Millisecond, app.ServeHTTP)
			p, j := write()
			p.Settle, p.Patience = clock.Of(grace), clock.Of(grace/2)
			if !tt.follow {
				j.Follow = nil
			}
			r.with(p, j)
			began := r.cfg.Clock.Now()
			r.run(t, time.Minute)
			took := r.cfg.Clock.Now() - began
			if tt.waits && took < clock.Of(grace) {
				t.Errorf("the drain was over after %s; the payment has %s", took.Duration(), grace)
			}
			if !tt.waits && took >= clock.Of(30*time.Second) {
				t.Errorf("the drain took %s although the payment is confirmed", took.Duration())
			}
		})
	}
}
