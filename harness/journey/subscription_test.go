package journey

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/harness/spec"
)

// live is an events journey over a WebSocket.
func live() (plan.Journey, spec.Journey) {
	p, j := read()
	p.Name, p.Kind, p.Driver = "live", spec.KindEvents, spec.DriverWebSocket
	j.Name, j.Kind, j.Driver, j.Request = "live", spec.KindEvents, spec.DriverWebSocket, spec.Request{}
	j.Connect, j.Send = "/ws", map[string]any{"watch": "${account.address}"}
	j.Answer = map[string]spec.AnswerField{
		"events": {Path: "$.tx"}, "removed": {Path: "$.removed"}, "stale": {Path: "$.stale"}, "declined": {Path: "$.error"},
	}
	return p, j
}

// talk serves a WebSocket: it gives say, which sends texts, and what the client sent first. The connection ends when it returns.
func talk(t *testing.T, speak func(say func(texts ...string), first string, conn *websocket.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, first, err := conn.ReadMessage()
		if err != nil {
			return
		}
		speak(func(texts ...string) {
			for _, text := range texts {
				if conn.WriteMessage(websocket.TextMessage, []byte(text)) != nil {
					return
				}
			}
		}, string(first), conn)
	}
}

// listen answers pings, as an app does that reads, until the connection ends.
func listen(conn *websocket.Conn) {
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return
		}
	}
}

func events(a history.Attempt) (list []string) {
	_ = json.Unmarshal([]byte(a.Answer["events"]), &list) // none when there is no list
	return list
}

func TestSubscription(t *testing.T) {
	var mu sync.Mutex
	var said []string
	r := newRig(t, 300*time.Millisecond, talk(t, func(say func(...string), first string, conn *websocket.Conn) {
		mu.Lock()
		said = append(said, first)
		mu.Unlock()
		say(`{"tx":"0x1"}`, `{"hello":true}`, `{"tx":"0x2","stale":true}`, `{"tx":"0x1","removed":true}`, `{"tx":["0x3","0x4"],"stale":false}`)
		listen(conn)
	}))
	p, j := live()
	r.with(p, j).run(t, time.Second)
	slices.Sort(said)
	if diff := cmp.Diff([]string{`{"watch":"0xaa"}`, `{"watch":"0xbb"}`}, said); diff != "" {
		t.Errorf("one subscription a session (-want +got):\n%s", diff)
	}
	all := attempts(r.sink)
	last := all[len(all)-1]
	if last.Status != 200 || last.Since == 0 || last.Since > last.At || last.Error != "" || len(last.Missing) > 0 {
		t.Errorf("%+v", last)
	}
	if diff := cmp.Diff(map[string]string{"events": `["0x2","0x3","0x4"]`, "stale": "false"}, last.Answer); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var first []string
	for _, s := range of[history.Stream](r.sink) {
		if s.Session == 0 {
			first = append(first, fmt.Sprint(s.Connection, " ", s.Event, " ", s.Answer, s.Body))
		}
		if s.At == 0 || s.Journey != "live" || s.Detail != "" {
			t.Errorf("%+v", s)
		}
	}
	if diff := cmp.Diff([]string{
		"1 opened map[]", `1 message map[events:["0x1"]]`, `1 message map[]{"hello":true}`, `1 message map[events:["0x2"] stale:true]`, `1 message map[events:["0x1"] removed:true]`,
		`1 message map[events:["0x3","0x4"] stale:false]`,
	}, first); diff != "" {
		t.Errorf("the record (-want +got):\n%s", diff)
	}
}

// What was pushed before the pong is in the answer: nobody is accused of what is still on its way.
func TestSubscriptionAnswersWithAllBeforeThePong(t *testing.T) {
	r := newRig(t, time.Second, talk(t, func(say func(...string), _ string, conn *websocket.Conn) {
		conn.SetPingHandler(func(text string) error {
			say(`{"tx":"0x1"}`, `{"tx":"0x2"}`)
			return conn.WriteControl(websocket.PongMessage, []byte(text), time.Now().Add(time.Second))
		})
		listen(conn)
	}))
	p, j := live()
	if got := events(r.one(t, t.Context(), p, j)); !slices.Equal(got, []string{"0x1", "0x2"}) {
		t.Errorf("%v", got)
	}
}

// A connection that is open and answers nothing is a hang, and is given up for another.
func TestSubscriptionWithoutPong(t *testing.T) {
	var connections atomic.Int32
	quiet := make(chan struct{})
	r := newRig(t, 400*time.Millisecond, talk(t, func(say func(...string), _ string, conn *websocket.Conn) {
		if connections.Add(1) > 1 {
			listen(conn)
			return
		}
		<-quiet
	}))
	t.Cleanup(func() { close(quiet) })
	p, j := live()
	r.cfg.Plan.Sessions = 1
	p.Patience = clock.Of(150 * time.Millisecond)
	r.with(p, j).run(t, time.Second)
	all := attempts(r.sink)
	if all[0].Error != history.ErrTimeout || all[0].End-all[0].Due < p.Patience {
		t.Errorf("%+v", all[0])
	}
	if last := all[len(all)-1]; last.Status != 200 || events(last) != nil && len(events(last)) > 0 || connections.Load() < 2 {
		t.Errorf("%d connections: %+v", connections.Load(), last)
	}
	if lost := of[history.Stream](r.sink); !slices.ContainsFunc(lost, func(s history.Stream) bool { return s.Event == history.StreamLost && s.Connection == 1 }) {
		t.Errorf("%+v", lost)
	}
}

// An event that a later connection brings again is one; twice on one connection it is two.
func TestSubscriptionReconnects(t *testing.T) {
	var connections atomic.Int32
	r := newRig(t, 600*time.Millisecond, talk(t, func(say func(...string), _ string, conn *websocket.Conn) {
		switch connections.Add(1) {
		case 1:
			say(`{"tx":"0x1"}`, `{"tx":"0x2"}`, `{"stale":true}`)
			time.Sleep(50 * time.Millisecond)
		case 2:
			say(`{"tx":"0x1"}`, `{"tx":"0x2"}`, `{"tx":"0x3"}`, `{"tx":"0x3"}`)
			listen(conn)
		}
	}))
	p, j := live()
	r.cfg.Plan.Sessions = 1
	r.with(p, j).run(t, time.Second)
	all := attempts(r.sink)
	last := all[len(all)-1]
	if diff := cmp.Diff(map[string]string{"events": `["0x1","0x2","0x3","0x3"]`}, last.Answer); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	streams := of[history.Stream](r.sink)
	lost := streams[slices.IndexFunc(streams, func(s history.Stream) bool { return s.Event == history.StreamLost })]
	if lost.Connection != 1 || lost.Detail == "" {
		t.Errorf("%+v", lost)
	}
	for _, a := range all {
		if a.Error != "" && a.Error != history.ErrEOF && a.Error != history.ErrReset {
			t.Errorf("%+v", a)
		}
		if a.Since != last.Since && a.Since != 0 {
			t.Errorf("the list is complete since %d, and was since %d", last.Since, a.Since)
		}
	}
}

func TestSubscriptionRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		app  http.HandlerFunc
		want history.Attempt
	}{
		"503": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"error":"later"}`))
		}, history.Attempt{Status: 503, Answer: map[string]string{"declined": "later"}, Body: `{"error":"later"}`}},
		"a page":   {answer("<html>"), history.Attempt{Status: 200, Missing: []string{"events"}, Body: "<html>"}},
		"hangs up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, history.Attempt{Error: history.ErrEOF}},
		"hangs":    {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, history.Attempt{Error: history.ErrTimeout}},
		"says no": {talk(t, func(say func(...string), _ string, conn *websocket.Conn) {
			say(`{"error":"no"}`)
			listen(conn)
		}), history.Attempt{Status: 200, Answer: map[string]string{"declined": "no"}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, time.Second, tt.app)
			p, j := live()
			p.Patience = clock.Of(300 * time.Millisecond)
			j.Answer["subscribed"] = spec.AnswerField{Path: "$.ok"}
			a := r.one(t, t.Context(), p, j)
			got := history.Attempt{Status: a.Status, Error: a.Error, Answer: a.Answer, Missing: a.Missing, Body: a.Body}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// With the answer "subscribed" nobody has a subscription before the app says so.
func TestSubscriptionAcknowledged(t *testing.T) {
	r := newRig(t, time.Second, talk(t, func(say func(...string), _ string, conn *websocket.Conn) {
		time.Sleep(100 * time.Millisecond)
		say(`{"id":1,"result":"0x9"}`)
		listen(conn)
	}))
	p, j := live()
	j.Answer["subscribed"] = spec.AnswerField{Path: "$.result"}
	a := r.one(t, t.Context(), p, j)
	if a.Status != 200 || a.End-a.At < clock.Of(90*time.Millisecond) || a.Since < a.At {
		t.Errorf("%+v", a)
	}
}

func TestSubscriptionInterrupted(t *testing.T) {
	quiet := make(chan struct{})
	r := newRig(t, time.Second, talk(t, func(func(...string), string, *websocket.Conn) { <-quiet }))
	t.Cleanup(func() { close(quiet) })
	p, j := live()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if a := r.one(t, ctx, p, j); a.Error != history.ErrInterrupted {
		t.Errorf("%+v", a)
	}
}

// A feed keeps the newest events and says since when it has all.
func TestFeedIsBounded(t *testing.T) {
	f := feed{}
	f.subscribed(1)
	for i := range maxFeed + 3 {
		f.add(message{events: []string{fmt.Sprint(i)}, fields: map[string]string{fieldEvents: "x"}}, 1, clock.Micros(100+i))
	}
	var list []string
	if err := json.Unmarshal([]byte(f.answer()[fieldEvents]), &list); err != nil || len(list) != maxFeed || list[0] != "3" || f.since != 102 {
		t.Errorf("%v, %d of them from %s, since %d", err, len(list), list[0], f.since)
	}
	if longest := maxFeed * (maxEvent + len(`"",`)); longest > maxList {
		t.Errorf("%d bytes do not fit into %d", longest, maxList)
	}
}

// Whatever an app sends, a feed stays a list that an answer can hold.
func FuzzFeed(f *testing.F) {
	for _, text := range []string{`{"tx":"0x1"}`, `{"tx":["a","b"],"removed":true}`, `{"tx":null,"stale":1}`, `[`, `{"error":{"code":1}}`, `{"ok":{}}`} {
		f.Add([]byte(text), []byte(text))
	}
	_, j := live()
	j.Answer["subscribed"] = spec.AnswerField{Path: "$.ok"}
	m, err := newMessages(j)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, one, two []byte) {
		screen := feed{}
		for i, text := range [][]byte{one, two, one} {
			screen.add(m.read(text), i/2, clock.Micros(i))
		}
		var list []string
		if err := json.Unmarshal([]byte(screen.answer()[fieldEvents]), &list); err != nil || len(list) > 2*maxFeed {
			t.Errorf("%v: %d entries", err, len(list))
		}
	})
}
