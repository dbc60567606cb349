package journey

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"blackout/harness/clock"
	"blackout/harness/history"
)

// bodyKept is how much of a body is recorded, in bytes.
const bodyKept = 4 << 10

// attempt does a journey once, now, and gives its record and, for a write, the payment. Patience counts from due. An error is the harness's own.
func (r *Runner) attempt(ctx context.Context, j *journey, s *session, id string, due clock.Micros) (history.Attempt, *payment, error) {
	a := history.Attempt{ID: id, Journey: j.plan.Name, Session: s.index, Account: s.account.Address, Due: due}
	var p *payment
	vars := r.scope(s, nil)
	if j.writes {
		intent, err := r.cfg.Intents.New(id, s.index, j.plan.Chain)
		if err != nil {
			return a, nil, fmt.Errorf("payment intent: %w", err)
		}
		p = &payment{journey: j, session: s, intent: intent, answer: map[string]string{}, until: due + max(j.plan.Settle, j.plan.Patience)}
		vars = r.scope(s, p.vars())
	}
	patient, cancel := context.WithDeadline(ctx, r.cfg.Clock.Time(due+j.plan.Patience))
	defer cancel()
	req, err := j.request.build(patient, r.cfg.URL(s.index), vars)
	if err != nil {
		return a, nil, fmt.Errorf("request: %w", err)
	}
	a.At = r.cfg.Clock.Now()
	status, body, err := exchange(s.client, req)
	a.End = r.cfg.Clock.Now()
	a.Status = status
	if err != nil && !errors.Is(err, errTooLong) {
		a.Error, a.Detail = classify(ctx, err)
		a.Detail = r.redact(a.Detail)
		a.Body = r.kept(body)
		if p != nil {
			p.unknown = a.Error != history.ErrInterrupted
		}
		return a, p, nil
	}
	if err != nil {
		a.Detail = err.Error()
		body = append(body, " …"...) // so that it is not taken for a whole JSON text
	}
	fields, missing := j.reader.read(status, body)
	a.Missing = missing
	a.Answer = r.redactAll(fields)
	good := status >= 200 && status < 300
	if !good || len(missing) > 0 || a.Detail != "" {
		a.Body = r.kept(body)
	}
	if p != nil {
		_, declined := fields[fieldDeclined]
		p.accepted = good && !declined
		// The statuses that say nothing about what became of a request.
		p.unknown = status == http.StatusRequestTimeout || status == http.StatusBadGateway || status == http.StatusGatewayTimeout
		maps.Copy(p.answer, fields)
	}
	return a, p, nil
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
