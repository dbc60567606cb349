package journey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/journey/browser"
	"blackout/harness/plan"
	"blackout/harness/spec"
)

// newBrowser starts the machine's Chromium for one test.
func newBrowser(t *testing.T) *browser.Browser {
	t.Helper()
	path, err := browser.Find(os.Getenv(browser.Variable))
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%v: %s", err, browser.Hint)
		}
		t.Skipf("%v: %s", err, browser.Hint)
	}
	b, err := browser.Start(t.Context(), browser.Config{Path: path, Dir: t.TempDir(), PATH: os.Getenv("PATH")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// pageJourney is a read of a page.
func pageJourney(steps []spec.Step, answer map[string]spec.AnswerField) (plan.Journey, spec.Journey) {
	p, j := read()
	p.Driver, j.Driver = spec.DriverBrowser, spec.DriverBrowser
	p.Patience = clock.Of(20 * time.Second)
	j.Request, j.Steps, j.Answer = spec.Request{}, steps, answer
	return p, j
}

func goTo(path string) spec.Step { return spec.Step{Goto: path} }
func waitFor(css, match string) spec.Step {
	return spec.Step{WaitFor: &spec.Wait{Selector: css, Match: match}}
}

// pages serves what the tests look at.
func pages(w http.ResponseWriter, r *http.Request) {
	html := func(body string) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><link rel=icon href='data:,'><body>%s", body)
	}
	switch r.URL.Path {
	case "/moving":
		html(`<b id=balance>1</b><script>setInterval(() => balance.textContent++, 1)</script>`)
	case "/soon":
		html(`<b id=balance>…</b><script>setTimeout(() => balance.textContent = '1.50 ETH', 200)</script>`)
	case "/later":
		html(`<b id=balance>…</b><script>setTimeout(() => balance.textContent = '1.50 ETH', 60000)</script>`)
	case "/says-no":
		html(`<b id=balance>…</b><p class=error hidden>not now</p><script>setTimeout(() => document.querySelector('.error').hidden = false, 200)</script>`)
	case "/hidden":
		html(`<p class=error style="display:none">never shown</p><b id=balance data-wei=7>2</b><b id=empty></b>`)
	case "/never":
		html(`<b id=balance>…</b>still loading`)
	case "/busy":
		html(`<script>setTimeout(() => { for (;;); }, 50)</script>`)
	case "/503":
		w.WriteHeader(http.StatusServiceUnavailable)
		html(`<h1>Back soon</h1>`)
	case "/alert":
		html(`<script>setTimeout(() => { alert('be careful'); document.body.innerHTML = '<b id=balance>3</b>' }, 50)</script>`)
	case "/reset":
		panic(http.ErrAbortHandler)
	case "/cookie":
		seen := "none"
		if c, err := r.Cookie("who"); err == nil {
			seen = c.Value
		}
		http.SetCookie(w, &http.Cookie{Name: "who", Value: r.URL.Query().Get("as")})
		html(`<b id=balance>` + seen + `</b>`)
	case "/form":
		html(`<div id=veil style="position:fixed;inset:0;background:#fff">wait</div><form id=f><input id=to value=old><select id=unit><option value=w>wei<option value=e>ether</select>
<button disabled>Send</button></form><p id=said></p><script>
setTimeout(() => veil.remove(), 150); setTimeout(() => f.querySelector('button').disabled = false, 250);
f.onsubmit = e => { e.preventDefault(); said.textContent = to.value + ' in ' + unit.value + (e.submitter && navigator.userActivation.isActive ? ', by hand' : '') }</script>`)
	default:
		w.WriteHeader(http.StatusNotFound)
		html("nothing here")
	}
}

func TestPages(t *testing.T) {
	b := newBrowser(t)
	balance := map[string]spec.AnswerField{"balance": {CSS: "#balance", Match: `[0-9.]+`}, "declined": {CSS: ".error"}}
	settled := waitFor("#balance", "[0-9]")
	no := clock.Of(20 * time.Second)
	tests := map[string]struct {
		steps    []spec.Step
		answer   map[string]spec.AnswerField
		patience clock.Micros
		want     history.Attempt
	}{
		"comes late":  {[]spec.Step{goTo("/soon"), settled}, balance, no, history.Attempt{Status: 200, Answer: map[string]string{"balance": "1.50"}}},
		"too early":   {[]spec.Step{goTo("/later")}, balance, no, history.Attempt{Status: 200, Missing: []string{"balance"}, Body: "{}\n…"}},
		"says no":     {[]spec.Step{goTo("/says-no"), settled}, balance, no, history.Attempt{Status: 200, Answer: map[string]string{"declined": "not now"}}},
		"hidden":      {[]spec.Step{goTo("/hidden"), settled}, balance, no, history.Attempt{Status: 200, Answer: map[string]string{"balance": "2"}}},
		"attribute":   {[]spec.Step{goTo("/hidden")}, map[string]spec.AnswerField{"balance": {CSS: "#balance", Attr: "data-wei"}, "x": {CSS: "#empty"}}, no, history.Attempt{Status: 200, Answer: map[string]string{"balance": "7"}}},
		"error page":  {[]spec.Step{goTo("/503"), settled}, balance, no, history.Attempt{Status: 503, Body: "{}\nBack soon"}},
		"not found":   {[]spec.Step{goTo("/nothing"), settled}, balance, no, history.Attempt{Status: 404, Body: "{}\nnothing here"}},
		"dialog":      {[]spec.Step{goTo("/alert"), settled}, balance, no, history.Attempt{Status: 200, Answer: map[string]string{"balance": "3"}}},
		"patience":    {[]spec.Step{goTo("/never"), settled}, balance, clock.Of(5 * time.Second), history.Attempt{Status: 200, Error: history.ErrTimeout, Detail: "step 2, wait_for #balance [0-9]: context deadline exceeded", Body: "\n…still loading"}},
		"busy script": {[]spec.Step{goTo("/busy"), settled}, balance, clock.Of(5 * time.Second), history.Attempt{Status: 200, Error: history.ErrTimeout, Detail: "step 2, wait_for #balance [0-9]: context deadline exceeded", Body: "\n"}},
		"reset":       {[]spec.Step{goTo("/reset"), settled}, balance, no, history.Attempt{Error: history.ErrReset, Detail: "step 1, goto /reset: net::ERR_EMPTY_RESPONSE"}},
		"text":        {[]spec.Step{goTo("/soon"), {WaitFor: &spec.Wait{Text: "1.50 ETH"}}}, balance, no, history.Attempt{Status: 200, Answer: map[string]string{"balance": "1.50"}}},
		"gone":        {[]spec.Step{goTo("/form"), {WaitFor: &spec.Wait{Gone: "#veil"}}}, map[string]spec.AnswerField{"x": {CSS: "#to"}}, no, history.Attempt{Status: 200, Answer: map[string]string{"x": "old"}}},
		"by hand": {
			[]spec.Step{
				goTo("/form"), {Type: &spec.Typing{Into: "#to", Text: "${account.address}"}}, {Select: &spec.Choice{From: "#unit", Option: "ether"}}, {Click: "#f button"}, waitFor("#said", "in"),
			},
			map[string]spec.AnswerField{"said": {CSS: "#said"}}, no, history.Attempt{Status: 200, Answer: map[string]string{"said": "0xaa in e, by hand"}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, j := pageJourney(tt.steps, tt.answer)
			p.Patience = tt.patience
			r := newRig(t, 0, pages)
			r.cfg.Browser = b
			got := r.one(t, t.Context(), p, j)
			if late := got.End - got.Due - tt.patience; late > clock.Of(4*time.Second) {
				t.Errorf("it ended %v after its patience", late.Duration())
			}
			tt.want.ID, tt.want.Journey, tt.want.Account = "view#0", "view", "0xaa"
			tt.want.Due, tt.want.At, tt.want.End = got.Due, got.At, got.End
			got.Body = strings.TrimRight(got.Body, "\n") + strings.Repeat("\n", strings.Count(tt.want.Body[len(strings.TrimRight(tt.want.Body, "\n")):], "\n"))
			if len(got.Answer) == 0 {
				got.Answer = nil
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPageRefused holds what nobody listening is, and what a selector is that no browser understands.
func TestPageRefused(t *testing.T) {
	b := newBrowser(t)
	p, j := pageJourney([]spec.Step{goTo("/"), waitFor("#balance", "")}, map[string]spec.AnswerField{"balance": {CSS: "#balance"}})
	r := newRig(t, 0, pages)
	r.cfg.Browser, r.cfg.URL = b, func(int) string { return "http://127.0.0.1:1" }
	if got := r.one(t, t.Context(), p, j); got.Error != history.ErrTransport && got.Error != history.ErrRefused || !strings.Contains(got.Detail, "net::ERR_") {
		t.Errorf("attempt: %+v", got)
	}
	p, j = pageJourney([]spec.Step{goTo("/hidden"), waitFor("#balance:nonsense", "")}, map[string]spec.AnswerField{"balance": {CSS: "#balance"}})
	r = newRig(t, time.Millisecond, pages)
	r.cfg.Browser = b
	r.with(p, j)
	_, err := r.runner(t).Preflight(t.Context())
	if err == nil || !strings.Contains(err.Error(), "nonsense") || !strings.Contains(err.Error(), ErrAppFile.Error()) {
		t.Errorf("preflight: %v", err)
	}
}

// TestPagesOfSessions holds that each session keeps cookies of its own from attempt to attempt, that attempts which overlap have a tab each, and that the login's cookies
// are there.
func TestPagesOfSessions(t *testing.T) {
	b := newBrowser(t)
	var open, most atomic.Int32
	r := newRig(t, 6*time.Second, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/login" {
			http.SetCookie(w, &http.Cookie{Name: "who", Value: "login"})
			return
		}
		n := open.Add(1)
		most.Store(max(most.Load(), n))
		time.Sleep(1500 * time.Millisecond)
		open.Add(-1)
		pages(w, req)
	})
	p, j := pageJourney([]spec.Step{goTo("/cookie?as=s${session.index}")}, map[string]spec.AnswerField{"balance": {CSS: "#balance"}})
	p.Every, p.Tabs, p.Attempts = clock.Of(time.Second), 2, 6
	r.cfg.App.Sessions.Login = &spec.Login{Request: spec.Request{Method: "POST", Path: "/login"}}
	r.cfg.Browser = b
	r.with(p, j)
	runner := r.runner(t)
	if err := runner.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := runner.Preflight(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := runner.Run(t.Context(), r.cfg.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	for n, a := range attempts(r.sink) {
		want := fmt.Sprintf("s%d", n%2)
		if n == 1 {
			want = "login" // session 0 had the preflight before
		}
		if a.Answer["balance"] != want {
			t.Errorf("attempt %d: %q, want %q", n, a.Answer["balance"], want)
		}
		if late := a.At - a.Due; late > clock.Of(250*time.Millisecond) {
			t.Errorf("attempt %d was sent %v late", n, late.Duration())
		}
	}
	if most.Load() < 2 {
		t.Error("no two attempts overlapped: the test tests nothing")
	}
}

// TestPagePayment pays by clicking and follows the payment on the page that lists it.
func TestPagePayment(t *testing.T) {
	b := newBrowser(t)
	var mu sync.Mutex
	asked, to := 0, ""
	r := newRig(t, 0, func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", "text/html")
		if req.Method == http.MethodPost {
			to = req.FormValue("to")
			http.Redirect(w, req, "/sent?id=7", http.StatusSeeOther)
			return
		}
		switch req.URL.Path {
		case "/":
			fmt.Fprint(w, `<form method=post action=/send><input name=to><input name=wei><button>Send</button></form>`)
		case "/sent":
			fmt.Fprint(w, `<p id=payment data-id=7><b class=state>sent</b></p>`)
		default:
			asked++
			state := "sent"
			if asked > 2 {
				state = "done"
			}
			fmt.Fprintf(w, `<p data-id=6><b class=state>rejected</b></p><p data-id=7><b class=state>%s</b></p>`, state)
		}
	})
	p, j := write()
	p.Driver, j.Driver = spec.DriverBrowser, spec.DriverBrowser
	p.Deadline, p.Patience, p.Settle, p.Tabs = clock.Of(5*time.Second), clock.Of(15*time.Second), clock.Of(10*time.Second), 2
	j.Request = spec.Request{}
	j.Steps = []spec.Step{
		goTo("/"), {Type: &spec.Typing{Into: "[name=to]", Text: "${intent.to}"}}, {Type: &spec.Typing{Into: "[name=wei]", Text: "${intent.wei}"}}, {Click: "button"}, waitFor("#payment", ""),
	}
	j.Answer = map[string]spec.AnswerField{"id": {CSS: "[data-id]", Attr: "data-id"}, "state": {CSS: `[data-id="7"] .state`}}
	j.Follow = &spec.Follow{Steps: []spec.Step{goTo("/payments/${answer.id}")}, Every: 100 * time.Millisecond}
	r.cfg.Browser = b
	r.cfg.Plan.End = p.Every
	r.with(p, j).run(t, 20*time.Second)
	var words []string
	for _, s := range of[history.Said](r.sink) {
		words = append(words, s.State)
	}
	if diff := cmp.Diff([]string{history.StatePending, history.StateConfirmed}, words); diff != "" {
		t.Error(diff)
	}
	if got := of[history.Intent](r.sink)[0].To; to != got {
		t.Errorf("paid to %q, want %q", to, got)
	}
}

// TestPictures holds that each phase has its picture, of an attempt that is due in it, also of one that gave up, and that none takes an attempt's time.
func TestPictures(t *testing.T) {
	b := newBrowser(t)
	r := newRig(t, 3*time.Second, pages)
	p, j := pageJourney([]spec.Step{goTo("/never"), waitFor("#balance", "[0-9]")}, map[string]spec.AnswerField{"balance": {CSS: "#balance"}})
	p.Every, p.Patience, p.Tabs, p.Attempts = clock.Of(time.Second), clock.Of(600*time.Millisecond), 1, 3
	p.Pictures = []plan.Picture{
		{Phase: "baseline", From: 0, To: clock.Of(time.Second)}, {Phase: "Name lost", From: clock.Of(time.Second), To: clock.Of(2 * time.Second)},
		{Phase: "too", From: clock.Of(500 * time.Millisecond), To: clock.Of(2 * time.Second)}, {Phase: "never", From: clock.Of(time.Hour), To: clock.Of(2 * time.Hour)},
	}
	dir := t.TempDir()
	r.cfg.Browser = b
	r.cfg.Picture = func(name string, data []byte) (string, error) {
		return name + ".png", os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644)
	}
	r.with(p, j)
	runner := r.runner(t)
	if _, err := runner.Preflight(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := runner.Run(t.Context(), r.cfg.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	var got []history.Picture
	for _, p := range of[history.Picture](r.sink) {
		p.At = 0
		got = append(got, p)
		data, err := os.ReadFile(filepath.Join(dir, p.File))
		if err != nil {
			t.Fatal(err)
		}
		if size, err := png.DecodeConfig(bytes.NewReader(data)); err != nil || size.Width != 1024 {
			t.Errorf("%s: %+v, %v", p.File, size, err)
		}
	}
	want := []history.Picture{
		{Attempt: "view#0", Journey: "view", Phase: "baseline", File: "view-00-baseline.png"},
		{Attempt: "view#1", Journey: "view", Phase: "Name lost", File: "view-01-name-lost.png"}, {Attempt: "view#1", Journey: "view", Phase: "too", File: "view-02-too.png"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, a := range attempts(r.sink) {
		if took := a.End - a.Due; took > p.Patience+clock.Of(200*time.Millisecond) {
			t.Errorf("%s took %v", a.ID, took.Duration())
		}
	}
}

// TestMovingPicture holds that no picture is kept of a page that went on after it was read: it would show what the attempt did not see.
func TestMovingPicture(t *testing.T) {
	r := newRig(t, 0, pages)
	r.cfg.Browser = newBrowser(t)
	r.cfg.Picture = func(string, []byte) (string, error) { return "", errors.New("a picture was kept") }
	p, j := pageJourney([]spec.Step{goTo("/moving")}, map[string]spec.AnswerField{"balance": {CSS: "#balance"}})
	p.Pictures = []plan.Picture{{Phase: "baseline", To: clock.Of(time.Hour)}}
	if got := r.one(t, t.Context(), p, j); got.Answer["balance"] == "" {
		t.Errorf("attempt: %+v", got)
	}
	if notes := of[history.Note](r.sink); len(notes) > 0 {
		t.Error(notes)
	}
}

// TestAfterBusyPage holds that a page whose script never ends takes no other attempt with it: the session's tabs share a process.
func TestAfterBusyPage(t *testing.T) {
	b := newBrowser(t)
	for _, tt := range []struct{ path, err string }{{"/busy", history.ErrTimeout}, {"/hidden", ""}} {
		r := newRig(t, 0, pages)
		r.cfg.Browser = b
		p, j := pageJourney([]spec.Step{goTo(tt.path), waitFor("#balance", "[0-9]")}, map[string]spec.AnswerField{"balance": {CSS: "#balance"}})
		p.Patience = clock.Of(6 * time.Second)
		if got := r.one(t, t.Context(), p, j); got.Error != tt.err {
			t.Errorf("%s: %+v", tt.path, got)
		}
	}
}

// TestPagesInterrupted holds that nothing is left under way.
func TestPagesInterrupted(t *testing.T) {
	b := newBrowser(t)
	p, j := pageJourney([]spec.Step{goTo("/never"), waitFor("#balance", "[0-9]")}, map[string]spec.AnswerField{"balance": {CSS: "#balance"}})
	r := newRig(t, 0, pages)
	r.cfg.Browser = b
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(2*time.Second, cancel)
	if got := r.one(t, ctx, p, j); got.Error != history.ErrInterrupted {
		t.Errorf("attempt: %+v", got)
	}
}
