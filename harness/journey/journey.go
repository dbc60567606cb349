// Package journey is the users: each journey of the app file is done at a fixed rate, by sessions with accounts, connections and cookies of their own.
//
// The model is open: an attempt is sent when it is due, whatever became of the earlier ones, because users do not wait for each other. Deadline, patience and latency
// count from due, so an app that hangs cannot hide behind its own queue (coordinated omission). How late an attempt was sent is in its record: at − due.
//
//	New ──▶ Login ──▶ Preflight ──▶ Run ──▶ Drain ──▶ Close
package journey

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/journey/browser"
	"blackout/harness/plan"
	"blackout/harness/spec"
)

// ErrAppFile marks an error that is the app file's: what it says does not fit what the app does.
var ErrAppFile = errors.New("the app file does not fit the app")

// Account is one user's account on the chains of the run.
type Account struct {
	Address string // lower-case hex with 0x
	Key     string // the private key, hex with 0x; for apps whose users hold their own
}

// Intents makes payment intents.
type Intents interface {
	// New makes an intent with a fresh address and records it. Its ID is the given one.
	New(id string, session int, chain string) (history.Intent, error)
}

// Config is what New needs.
type Config struct {
	Plan     *plan.Plan
	App      *spec.App
	URL      func(session int) string // the address of the session's instance
	Accounts []Account                // session s uses account s mod len(Accounts)
	Intents  Intents                  // needed when a journey writes
	Clock    clock.Clock
	Sink     history.Sink
	Redact   func(string) string                      // applied to all that comes from the app before it is recorded; nil: nothing is
	Secret   func(name string) (value string, _ bool) // ${secret.X}; nil: there are none
	Commands Commands                                 // needed when a journey has the driver exec
	Services func(name string) (value string, _ bool) // ${service.X} and ${dns.address}, for commands; nil: there are none
	Browser  *browser.Browser                         // needed when a journey has the driver browser; it is the caller's to close, after Close
	// Picture keeps a picture of a page, a PNG, under a name without its ending, and gives the file's name in the run's folder; nil: none are taken.
	Picture func(name string, png []byte) (file string, err error)
}

// Runner drives the journeys of one run. Its methods are called one after the other, in the order of the package comment; Close comes last, whatever failed before.
type Runner struct {
	cfg      Config
	journeys []*journey
	sessions []*session
	login    *login

	// Follow-ups outlast Run and end with Drain, so they hang on the Runner's life.
	follows     sync.WaitGroup
	followCtx   context.Context
	stopFollows context.CancelFunc

	// Subscriptions outlast Run as well, and end with Close.
	streams sync.WaitGroup
	life    context.Context
	endLife context.CancelFunc

	mu       sync.Mutex
	unlisted map[string]bool // journey and word of states that the app file does not list and that were noted
	payments []*payment      // that were asked for by Run
}

type login struct {
	request *template
	capture map[string]path
}

// journey is one journey, compiled.
type journey struct {
	plan    plan.Journey
	writes  bool
	content []plan.Content // what a content journey asks for, in turn; nil for other kinds
	ask     driver
	reader  *reader
	states  map[string]string // the app's word → a state of history
	album   album
	follow  driver       // nil: not followed
	every   clock.Micros // between two follow-ups
}

// New compiles the journeys of the plan. The error has every problem of the app file: a path that does not parse, a variable that nothing sets.
func New(cfg Config) (*Runner, error) {
	if len(cfg.Accounts) == 0 {
		return nil, errors.New("journeys: no accounts")
	}
	if cfg.Redact == nil {
		cfg.Redact = func(text string) string { return text }
	}
	r := &Runner{cfg: cfg, unlisted: map[string]bool{}}
	r.followCtx, r.stopFollows = context.WithCancel(context.Background())
	r.life, r.endLife = context.WithCancel(context.Background())
	var errs []error
	for _, p := range cfg.Plan.Journeys {
		j, err := r.compile(p)
		if err != nil {
			errs = append(errs, fmt.Errorf("journey %s: %w", p.Name, err))
			continue
		}
		r.journeys = append(r.journeys, j)
	}
	if l := cfg.App.Sessions.Login; l != nil {
		var err error
		if r.login, err = r.compileLogin(l); err != nil {
			errs = append(errs, fmt.Errorf("sessions.login: %w", err))
		}
	}
	for s := range max(1, cfg.Plan.Sessions) {
		client, err := newClient()
		if err != nil {
			errs = append(errs, err)
			break
		}
		n := s % len(cfg.Accounts)
		r.sessions = append(r.sessions, &session{index: s, account: cfg.Accounts[n], accountN: n, client: client})
	}
	if err := errors.Join(errs...); err != nil {
		r.stopFollows()
		r.endLife()
		return nil, err
	}
	return r, nil
}

// drivers are those that there are.
var drivers = []string{spec.DriverHTTP, spec.DriverExec, spec.DriverJSONRPC, spec.DriverWebSocket, spec.DriverBrowser}

func (r *Runner) compile(p plan.Journey) (*journey, error) {
	j, ok := r.cfg.App.Journeys[p.Name]
	switch {
	case !ok:
		return nil, errors.New("it is in the plan but not in the app file")
	case p.Driver != "" && !slices.Contains(drivers, p.Driver):
		return nil, fmt.Errorf("there is no driver %q", p.Driver)
	case p.Every <= 0 || p.Patience <= 0 || p.Deadline <= 0:
		return nil, fmt.Errorf("rate, deadline and patience have to be positive (every %d µs, deadline %d µs, patience %d µs)", p.Every, p.Deadline, p.Patience)
	case p.Kind == spec.KindWrite && r.cfg.Intents == nil:
		return nil, errors.New("it writes, but the run makes no payment intents")
	case p.Kind == spec.KindContent && len(r.cfg.Plan.Content) == 0:
		return nil, errors.New("it asks for content, but the plan has none")
	}
	c := &journey{plan: p, writes: p.Kind == spec.KindWrite, states: states(j.States)}
	if p.Kind == spec.KindContent {
		c.content = r.cfg.Plan.Content
	}
	var err error
	known := r.known(true, c.writes, nil)
	of := func(name string) bool { return known(name) || c.content != nil && ofContent(name) }
	if p.Driver == spec.DriverWebSocket {
		c.ask, err = r.compileSockets(p, j, of)
	} else {
		c.ask, err = r.compileDriver(p.Driver, asked{j.Request, j.Command, j.Env, j.Method, j.Params, j.Steps, j.Answer}, of)
	}
	if err != nil {
		return nil, err
	}
	if c.reader, err = newReader(j); err != nil {
		return nil, err
	}
	if j.Follow != nil && c.writes {
		fields := map[string]bool{}
		for name := range j.Answer {
			fields[name] = true
		}
		if c.follow, err = r.compileDriver(p.Driver, asked{j.Follow.Request, j.Follow.Command, j.Follow.Env, j.Follow.Method, j.Follow.Params, j.Follow.Steps, j.Answer}, r.known(true, true, fields)); err != nil {
			return nil, fmt.Errorf("follow: %w", err)
		}
		if c.every = clock.Of(j.Follow.Every); c.every <= 0 {
			return nil, errors.New("follow.every has to be positive")
		}
	}
	return c, nil
}

func (r *Runner) compileLogin(l *spec.Login) (*login, error) {
	request, err := compileRequest(l.Request, nil, r.known(false, false, nil))
	if err != nil {
		return nil, err
	}
	c := &login{request: request, capture: map[string]path{}}
	for name, text := range l.Capture {
		if c.capture[name], err = compilePath(text); err != nil {
			return nil, fmt.Errorf("capture %s: %w", name, err)
		}
	}
	return c, nil
}

// states turns the app file's lists round. Without any, the app speaks the words of history.
func states(listed map[string][]string) map[string]string {
	if len(listed) == 0 {
		return map[string]string{
			history.StatePending: history.StatePending, history.StateConfirmed: history.StateConfirmed, history.StateFailed: history.StateFailed,
		}
	}
	byWord := map[string]string{}
	for state, words := range listed {
		for _, word := range words {
			byWord[word] = state
		}
	}
	return byWord
}

func (r *Runner) redact(text string) string { return r.cfg.Redact(text) }

// Close ends what still runs and gives the connections back. It is safe to call again.
func (r *Runner) Close() {
	r.stopFollows()
	r.endLife()
	r.follows.Wait()
	r.streams.Wait()
	for _, s := range r.sessions {
		s.client.CloseIdleConnections()
	}
}
