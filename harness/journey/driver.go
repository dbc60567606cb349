package journey

import (
	"context"
	"errors"

	"blackout/harness/clock"
	"blackout/harness/spec"
)

// driver does what a journey, or its follow-up, asks.
type driver interface {
	// prepare puts the attempt's variables in and makes ready what send does: one attempt, once, until ctx ends. An error is the harness's own, or the app file's.
	prepare(ctx context.Context, r *Runner, s *session, vars lookup) (send func() (reply, error), err error)
	// needs reports whether it uses a variable for which have is false.
	needs(have func(name string) bool) bool
}

// reply is an answer: an HTTP response, what a program printed, or what a page showed.
type reply struct {
	status int       // of HTTP, or what stands for it
	body   []byte    // where the answer's fields are read
	detail string    // more about the status
	aside  []byte    // what else the user saw
	page   *onScreen // that still shows it, and is to be left; nil for other drivers than browser

	garbled  string            // why a body with a good status is no answer at all; "" if it is one
	declined string            // that it is a no, where the protocol itself says so; "" if it does not
	fields   map[string]string // instead of a body: what the user sees
	since    clock.Micros      // from when on fields has all that came
}

// asked is what a journey, or its follow-up, has its driver do; each driver looks at what is its own.
type asked struct {
	request spec.Request
	command []string
	env     map[string]string
	method  string
	params  any
	steps   []spec.Step
	answer  map[string]spec.AnswerField
}

// compileDriver checks what a journey, or its follow-up, asks: that known knows each variable of it.
func (r *Runner) compileDriver(name string, a asked, known func(name string) bool) (driver, error) {
	switch name {
	case spec.DriverJSONRPC:
		return compileCall(a.request, a.method, a.params, r.cfg.App.Sessions.Headers, known)
	case spec.DriverExec:
		if r.cfg.Commands == nil {
			return nil, errors.New("it runs a program, and the run has nothing that would")
		}
		return compileCommand(a.command, a.env, func(name string) bool {
			_, world := r.ofWorld(name)
			return name == appURL || world || known(name)
		})
	case spec.DriverBrowser:
		if r.cfg.Browser == nil {
			return nil, errors.New("it drives a browser, and the run has none")
		}
		return compileVisit(a.steps, a.answer, known)
	default:
		return compileRequest(a.request, r.cfg.App.Sessions.Headers, known)
	}
}

// prepare makes a request ready to be sent.
func (t *template) prepare(ctx context.Context, r *Runner, s *session, vars lookup) (func() (reply, error), error) {
	req, err := t.build(ctx, r.cfg.URL(s.index), vars)
	if err != nil {
		return nil, err
	}
	return func() (reply, error) {
		status, body, err := exchange(s.client, req)
		return reply{status: status, body: body}, err
	}, nil
}
