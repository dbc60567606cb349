package journey

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"blackout/harness/clock"
	"blackout/harness/history"
)

// bodyKept is how much of a body is recorded, in bytes.
const bodyKept = 4 << 10

// attempt does a journey once, now, for the n-th time, and gives its record, for a write the payment, and of a browser the page, which is to be left. Patience counts
// from due. An error is the harness's own.
func (r *Runner) attempt(ctx context.Context, j *journey, s *session, n int, id string, due clock.Micros) (a history.Attempt, p *payment, page *onScreen, _ error) {
	a = history.Attempt{ID: id, Journey: j.plan.Name, Session: s.index, Account: s.account.Address, Due: due}
	file := j.asks(n)
	vars := r.scope(s, contentVars(file))
	if file != nil {
		a.Content = file.ID
	}
	if j.writes {
		intent, err := r.cfg.Intents.New(id, s.index, j.plan.Chain)
		if err != nil {
			return a, nil, nil, fmt.Errorf("payment intent: %w", err)
		}
		p = &payment{journey: j, session: s, intent: intent, answer: map[string]string{}, until: due + max(j.plan.Settle, j.plan.Patience)}
		vars = r.scope(s, p.vars())
	}
	patient, cancel := context.WithDeadline(ctx, r.cfg.Clock.Time(due+j.plan.Patience))
	defer cancel()
	send, err := j.ask.prepare(patient, r, s, vars)
	if err != nil {
		return a, nil, nil, fmt.Errorf("request: %w", err)
	}
	a.At = r.cfg.Clock.Now()
	rep, err := send()
	a.End = r.cfg.Clock.Now()
	if page = rep.page; page != nil {
		if own := ownFault(err); own != nil {
			page.leave(ctx)
			return a, nil, nil, fmt.Errorf("journey %s: %w", j.plan.Name, own)
		}
	}
	status, body := rep.status, rep.body
	if status == http.StatusUnauthorized {
		r.renew(patient, s)
	}
	a.Status, a.Detail = status, r.redact(rep.detail)
	if err != nil && !errors.Is(err, errTooLong) {
		a.Error, a.Detail = classify(ctx, err)
		a.Detail = r.redact(a.Detail)
		if page != nil {
			rep.aside = r.readable(ctx, rep)
		}
		a.Body = r.kept(append(slices.Clip(body), rep.aside...))
		if p != nil {
			p.unknown = a.Error != history.ErrInterrupted
		}
		return a, p, page, nil
	}
	if err != nil {
		a.Detail = err.Error()
		body = append(body, " …"...) // so that it is not taken for a whole JSON text
	}
	good := status >= 200 && status < 300
	mine := true
	if file != nil {
		mine = received(&a, file, body, err == nil)
	}
	var fields map[string]string
	switch {
	case rep.fields != nil:
		fields, a.Since = rep.fields, rep.since
	case rep.garbled != "":
		a.Missing, a.Detail = j.reader.owed(), r.redact(rep.garbled)
	case file == nil || !good: // a file may be JSON itself: what is in it is no word of the app
		fields, a.Missing = j.reader.read(status, body)
	}
	if _, said := fields[fieldDeclined]; rep.declined != "" && !said {
		fields = maps.Clone(fields)
		if fields == nil {
			fields = map[string]string{}
		}
		fields[fieldDeclined], a.Missing = rep.declined, nil
	}
	a.Answer = r.redactAll(fields)
	if !good || len(a.Missing) > 0 || a.Detail != "" || !mine {
		if page != nil {
			rep.aside = r.readable(ctx, rep)
		}
		a.Body = r.kept(append(slices.Clip(body), rep.aside...))
	}
	if p != nil {
		_, declined := fields[fieldDeclined]
		p.accepted = good && !declined
		// The statuses that say nothing about what became of a request.
		p.unknown = status == http.StatusRequestTimeout || status == http.StatusBadGateway || status == http.StatusGatewayTimeout
		maps.Copy(p.answer, fields)
	}
	return a, p, page, nil
}

// readable is what a person could read on a page that was no good answer.
func (r *Runner) readable(ctx context.Context, rep reply) []byte {
	return fmt.Appendf(rep.aside, "\n%s", rep.page.tab.Text(context.WithoutCancel(ctx), bodyKept))
}

// kept redacts before it cuts: half a key would not be found.
func (r *Runner) kept(body []byte) string { return clip(r.redact(string(body)), bodyKept) }

func (r *Runner) redactAll(fields map[string]string) map[string]string {
	if len(fields) == 0 {
		return nil
	}
	out := make(map[string]string, len(fields))
	for name, text := range fields {
		out[name] = r.redact(text)
	}
	return out
}
