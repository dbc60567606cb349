package journey

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	loginTimeout  = 30 * time.Second
	loginsAtOnce  = 16
	loginShown    = 200 // bytes of an answer that an error shows
	prefixSecret  = "secret."
	prefixSession = "session."
	prefixAnswer  = "answer."
	prefixIntent  = "intent."
)

// session is one user: an account, connections, cookies and what the login gave.
type session struct {
	index    int
	account  Account
	accountN int
	client   *http.Client
	vars     atomic.Pointer[map[string]string] // "token"; nil before the login
	renewing atomic.Bool                       // while it logs in anew
}

// scope is where variables are looked up for one request: the session's, then the given ones by their full names.
func (r *Runner) scope(s *session, more map[string]string) lookup {
	return func(name string) (string, bool) {
		if value, ok := more[name]; ok {
			return value, true
		}
		switch name {
		case "account.address":
			return s.account.Address, true
		case "account.key":
			return s.account.Key, true
		case "account.topic":
			return topic(s.account.Address), true
		case "account.index":
			return strconv.Itoa(s.accountN), true
		case "session.index":
			return strconv.Itoa(s.index), true
		}
		if secret, ok := strings.CutPrefix(name, prefixSecret); ok {
			return r.secret(secret)
		}
		if captured, ok := strings.CutPrefix(name, prefixSession); ok {
			vars := s.vars.Load()
			if vars == nil {
				return "", false
			}
			value, ok := (*vars)[captured]
			return value, ok
		}
		return "", false
	}
}

// topic is an address as a topic of a log: 32 bytes.
func topic(address string) string {
	digits := strings.TrimPrefix(address, "0x")
	return "0x" + strings.Repeat("0", max(0, 64-len(digits))) + digits
}

// known reports whether scope can have a variable, for checking requests before anything runs. intent and answer add the variables of writes and follow-ups.
func (r *Runner) known(captures, intent bool, answer map[string]bool) func(name string) bool {
	return func(name string) bool {
		switch name {
		case "account.address", "account.key", "account.topic", "account.index", "session.index":
			return true
		case "intent.id", "intent.to", "intent.wei", "intent.chain":
			return intent
		}
		if secret, ok := strings.CutPrefix(name, prefixSecret); ok {
			_, ok := r.secret(secret)
			return ok
		}
		if captured, ok := strings.CutPrefix(name, prefixSession); ok && captures && r.cfg.App.Sessions.Login != nil {
			_, ok := r.cfg.App.Sessions.Login.Capture[captured]
			return ok
		}
		if field, ok := strings.CutPrefix(name, prefixAnswer); ok {
			return answer[field]
		}
		return false
	}
}

func (r *Runner) secret(name string) (string, bool) {
	if r.cfg.Secret == nil {
		return "", false
	}
	return r.cfg.Secret(name)
}

// Login logs each session in, once; sessions that are logged in already are left alone. Without sessions.login it does nothing. The error names the first session
// that failed and what the app answered.
func (r *Runner) Login(ctx context.Context) error {
	if r.login == nil {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(loginsAtOnce)
	for _, s := range r.sessions {
		if s.vars.Load() != nil {
			continue
		}
		group.Go(func() error {
			vars, err := r.logIn(ctx, s)
			if err != nil {
				return fmt.Errorf("login of session %d: %w", s.index, err)
			}
			s.vars.Store(&vars)
			return nil
		})
	}
	return group.Wait()
}

// renew logs a session in anew after an app has answered it 401, as users do whom an app has forgotten. It does nothing for an app without a login, or while another attempt of
// the session does it. A login that fails changes nothing: the next 401 tries again.
func (r *Runner) renew(ctx context.Context, s *session) {
	if r.login == nil || s.renewing.Swap(true) {
		return
	}
	defer s.renewing.Store(false)
	if vars, err := r.logIn(ctx, s); err == nil {
		s.vars.Store(&vars)
	}
}

func (r *Runner) logIn(ctx context.Context, s *session) (map[string]string, error) {
	limited, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	req, err := r.login.request.build(limited, r.cfg.URL(s.index), r.scope(s, nil))
	if err != nil {
		return nil, err
	}
	what := r.login.request.method + " " + r.login.request.path
	status, body, err := exchange(s.client, req)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		kind, detail := classify(ctx, err)
		return nil, fmt.Errorf("%s: %s: %s", what, kind, r.redact(detail))
	}
	shown := func() string { return clip(r.redact(string(body)), loginShown) }
	if status < 200 || status > 299 {
		return nil, fmt.Errorf("%s answered %d: %q", what, status, shown())
	}
	vars := map[string]string{}
	if len(r.login.capture) == 0 {
		return vars, nil
	}
	root, err := parseJSON(body)
	if err != nil {
		return nil, fmt.Errorf("%s: sessions.login.capture needs a JSON answer, not %q", what, shown())
	}
	var errs []error
	for name, p := range r.login.capture {
		text, ok := scalarText(p.first(root))
		if !ok {
			errs = append(errs, fmt.Errorf("%s: capture %s: %s matches no string, number or boolean in the answer", what, name, r.cfg.App.Sessions.Login.Capture[name]))
		}
		vars[name] = text
	}
	return vars, errors.Join(errs...)
}
