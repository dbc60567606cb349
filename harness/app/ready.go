package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"blackout/harness/clock"
	"blackout/harness/spec"
)

const (
	firstPoll    = 5 * time.Millisecond
	slowestPoll  = 100 * time.Millisecond
	pollTimeout  = 2 * time.Second // of one request: an app that hangs while it starts may answer the next one
	readyDefault = 20 * time.Second
)

// ready polls an instance until it answers ready.request with a 2xx status, or accepts a connection when the app file names no request. r is nil for an app that ran
// already. The error says what the last answer was.
func (a *App) ready(ctx context.Context, i Instance, r *running, u *url.URL) error {
	within := a.cfg.App.Ready.Within
	if within <= 0 {
		within = readyDefault
	}
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	ask, name, err := a.question(i, u)
	if err != nil {
		return err
	}
	var gone <-chan struct{} // never, for an app that is not ours
	if r != nil {
		gone = r.process.Gone()
		// A request that hangs must not outlast the process.
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			select {
			case <-gone:
				cancel()
			case <-stop:
			}
		}()
	}
	pause := firstPoll
	last := "nothing was asked"
	for {
		answer, ok := ask(limited)
		select {
		case <-gone:
			return fmt.Errorf("ended before it was ready: %s; %s", r.process.End().Status, outputTail(r.out.Last()))
		default:
		}
		if ok {
			return nil
		}
		if limited.Err() == nil || last == "nothing was asked" {
			last = answer // a later answer only says that the time is up
		}
		_ = clock.Sleep(limited, pause) // the end of limited is looked at below
		pause = min(2*pause, slowestPoll)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if limited.Err() == nil {
			continue
		}
		if r == nil {
			return fmt.Errorf("not ready within %s: %s: %s; is the app running there?", within, name, last)
		}
		select {
		case <-gone:
			return fmt.Errorf("ended before it was ready: %s; %s", r.process.End().Status, outputTail(r.out.Last()))
		default:
		}
		return fmt.Errorf("not ready within %s: %s: %s; %s", within, name, last, outputTail(r.out.Last()))
	}
}

// question makes the function that asks an instance once. Its answer is words for a person.
func (a *App) question(i Instance, u *url.URL) (ask func(context.Context) (answer string, ok bool), name string, err error) {
	req := a.cfg.App.Ready.Request
	if req.Path == "" {
		address := net.JoinHostPort(u.Hostname(), portOf(u))
		return func(ctx context.Context) (string, bool) {
			ctx, cancel := context.WithTimeout(ctx, pollTimeout)
			defer cancel()
			var d net.Dialer
			conn, err := d.DialContext(ctx, "tcp", address)
			if err != nil {
				return a.plain(err), false
			}
			return "", conn.Close() == nil
		}, "a connection to " + address, nil
	}
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	vars := func(name string) (string, bool) { return a.lookup(i, name) }
	path, err := spec.Expand(req.Path, vars)
	if err != nil {
		return nil, "", fmt.Errorf("ready.request: %w", err)
	}
	if !strings.HasPrefix(path, "/") {
		return nil, "", fmt.Errorf("ready.request: the path %q does not begin with a slash", req.Path)
	}
	headers := http.Header{}
	for key, value := range req.Headers {
		if value, err = spec.Expand(value, vars); err != nil {
			return nil, "", fmt.Errorf("ready.request: header %s: %w", key, err)
		}
		headers.Set(key, value)
	}
	if req.JSON != nil {
		return nil, "", errors.New("ready.request: a body cannot be sent there: ask for something with GET")
	}
	target := strings.TrimRight(u.String(), "/") + path
	if _, err := http.NewRequest(method, target, nil); err != nil {
		return nil, "", fmt.Errorf("ready.request: %s %s makes no request", method, req.Path)
	}
	// Connections are not kept, no proxy of the caller's environment is used, and a redirect is an answer like any other: it may lead away from this machine.
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context) (string, bool) {
		ctx, cancel := context.WithTimeout(ctx, pollTimeout)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, method, target, nil)
		if err != nil {
			return err.Error(), false
		}
		r.Header = headers.Clone()
		resp, err := client.Do(r)
		if err != nil {
			return a.plain(err), false
		}
		_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
		if err = errors.Join(err, resp.Body.Close()); err != nil {
			return "broken answer: " + a.plain(err), false
		}
		return "answered " + resp.Status, resp.StatusCode >= 200 && resp.StatusCode < 300
	}, method + " " + req.Path, nil
}

// plain words an error of a connection without its address, which the reader knows already.
func (a *App) plain(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) && a.cfg.Machine != nil:
		return "connection refused: in its container nothing listens there; it has to listen on all addresses (0.0.0.0), at the port that url says"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused: nothing listens at its address yet"
	case errors.Is(err, syscall.ECONNRESET):
		return "connection reset"
	case errors.Is(err, io.EOF):
		return "the connection was closed without an answer"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return err.Error()
}
