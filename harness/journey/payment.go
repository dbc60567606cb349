package journey

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"strings"

	"blackout/harness/clock"
	"blackout/harness/history"
)

// payment is what a user knows about a payment that they asked for. One goroutine at a time has it.
//
//	answer ──▶ heard ──▶ pending, or no word yet ──every──▶ asked again ──▶ heard … ──▶ confirmed or failed
type payment struct {
	journey *journey
	session *session
	intent  history.Intent
	answer  map[string]string // what the app's answers said, the latest of each field

	accepted bool // the first answer was a good one
	unknown  bool // there was no first answer, or one that leaves open what became of the request

	word, tx string // the last that was recorded
	final    bool
	// confirmed says that the last word was that it is paid. Any other payment may still be made: until then nobody can say what became of it.
	confirmed bool
	until     clock.Micros
}

// vars are the variables of a payment's requests.
func (p *payment) vars() map[string]string {
	vars := map[string]string{
		prefixIntent + "id": p.intent.ID, prefixIntent + "to": p.intent.To, prefixIntent + "wei": p.intent.Wei, prefixIntent + "chain": p.intent.Chain,
	}
	for name, text := range p.answer {
		vars[prefixAnswer+name] = text
	}
	return vars
}

// heard records the app's word for a payment if it is new.
func (r *Runner) heard(p *payment, at clock.Micros) {
	if p == nil {
		return
	}
	word, tx := p.answer[fieldState], p.answer[fieldTx]
	if word == "" || word == p.word && tx == p.tx {
		return
	}
	p.word, p.tx = word, tx
	state, listed := p.journey.states[word]
	p.confirmed = state == history.StateConfirmed
	p.final = p.confirmed || state == history.StateFailed
	shown := r.redact(word)
	r.cfg.Sink.Add(history.Said{Intent: p.intent.ID, State: state, Word: shown, Tx: r.redact(tx), At: at})
	if listed {
		return
	}
	text := fmt.Sprintf("journey %s: the app said %q about a payment, a word that states does not list: add it under pending, confirmed or failed",
		p.journey.plan.Name, clip(shown, 100))
	r.mu.Lock()
	known := r.unlisted[text]
	r.unlisted[text] = true
	r.mu.Unlock()
	if !known {
		r.cfg.Sink.Add(history.Note{Text: "app file: " + text, At: at})
	}
}

// worthFollowing reports whether a user would ask what became of the payment, and can: the follow-up may need something that the answer did not have.
func (p *payment) worthFollowing() bool {
	if p.journey.follow == nil || p.final {
		return false
	}
	if p.word == "" && !p.accepted && !p.unknown {
		return false
	}
	return !p.journey.follow.needs(func(name string) bool {
		field, ok := strings.CutPrefix(name, prefixAnswer)
		if !ok {
			return true
		}
		_, ok = p.answer[field]
		return ok
	})
}

// goFollow follows a payment in the background until Drain, if it is worth it.
func (r *Runner) goFollow(p *payment) {
	if p != nil && p.worthFollowing() {
		r.follows.Go(func() { r.follow(r.followCtx, p, p.journey.every, forever) })
	}
}

// forever is when a follow-up without another end has to end.
const forever = clock.Micros(math.MaxInt64)

// follow asks about a payment at an interval until the app's word is final, until a moment of the run's clock, or until ctx ends, after which nobody follows any more. An
// answer that is slower than that delays the next question, as it would for a person; one that is no good says nothing.
func (r *Runner) follow(ctx context.Context, p *payment, every, until clock.Micros) {
	next := r.cfg.Clock.Now() + every
	for !p.final && next < until && r.cfg.Clock.Until(ctx, next) == nil {
		next = max(next+every, r.cfg.Clock.Now())
		fields := r.ask(ctx, p, until)
		maps.Copy(p.answer, fields)
		r.heard(p, r.cfg.Clock.Now())
	}
}

// ask gives the fields of one good answer to a follow-up that came before a moment of the run's clock, or none.
func (r *Runner) ask(ctx context.Context, p *payment, until clock.Micros) map[string]string {
	limited, cancel := context.WithDeadline(ctx, r.cfg.Clock.Time(min(until, r.cfg.Clock.Now()+p.journey.plan.Deadline)))
	defer cancel()
	send, err := p.journey.follow.prepare(limited, r, p.session, r.scope(p.session, p.vars()))
	if err != nil {
		return nil // New has checked it: it is the app's value that makes no address
	}
	rep, err := send()
	rep.page.leave(ctx)
	if err == nil && rep.status == http.StatusUnauthorized {
		r.renew(limited, p.session)
	}
	if err != nil || rep.status < 200 || rep.status > 299 || rep.garbled != "" {
		return nil
	}
	fields, _ := p.journey.reader.read(rep.status, rep.body)
	return fields
}
