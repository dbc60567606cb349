package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// Client is the cell's end.
type Client struct{ http *http.Client }

// Dial makes a client of the socket in a folder. Nothing is sent yet.
func Dial(folder string) *Client {
	path := filepath.Join(folder, Socket)
	return &Client{&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}}}
}

// Order gives the order and what follows it. It ends when the run shall, or when the other end is gone.
func (c *Client) Order(ctx context.Context) (io.ReadCloser, error) {
	resp, err := c.do(ctx, http.MethodGet, "order", nil)
	if err != nil {
		return nil, fmt.Errorf("get the order: %w", err)
	}
	return resp.Body, nil
}

// Lines takes the history's lines. Close waits until the other end has read all.
func (c *Client) Lines(ctx context.Context) io.WriteCloser {
	r, w := io.Pipe()
	l := &lines{PipeWriter: w, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		resp, err := c.do(ctx, http.MethodPost, "lines", r)
		if err == nil {
			err = resp.Body.Close()
		}
		_ = r.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // whoever writes on hears it
	}()
	return l
}

type lines struct {
	*io.PipeWriter
	done chan struct{}
}

func (l *lines) Close() error {
	err := l.PipeWriter.Close()
	<-l.done
	return err
}

// StartServices starts what a compose file has beside the app, Before it or After it, and returns when all of that is there.
func (c *Client) StartServices(ctx context.Context, when string, l Launch) error {
	body, err := json.Marshal(l)
	if err != nil {
		return err
	}
	resp, err := c.do(ctx, http.MethodPost, "services/"+when, bytes.NewReader(body))
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// Start starts an instance and gives what happens to it, the start included.
func (c *Client) Start(ctx context.Context, instance string, l Launch) (*Events, error) {
	body, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	resp, err := c.do(ctx, http.MethodPost, path(instance, start), bytes.NewReader(body)) //nolint:bodyclose // Events.Close does
	if err != nil {
		return nil, err
	}
	return &Events{resp.Body, json.NewDecoder(resp.Body)}, nil
}

// Events are what happens to an instance.
type Events struct {
	body io.ReadCloser
	from *json.Decoder
}

// Next waits for the next event. After one that has Ended or Error set there is none.
func (e *Events) Next() (Event, error) {
	var next Event
	err := e.from.Decode(&next)
	if err == nil && next.Error != "" {
		err = errors.New(next.Error)
	}
	return next, err
}

// Close stops listening.
func (e *Events) Close() error { return e.body.Close() }

// Kill ends an instance at once.
func (c *Client) Kill(ctx context.Context, instance string) error {
	return c.done(ctx, path(instance, kill))
}

// Pause stops it where it stands.
func (c *Client) Pause(ctx context.Context, instance string) error {
	return c.done(ctx, path(instance, pause))
}

// Resume has it go on.
func (c *Client) Resume(ctx context.Context, instance string) error {
	return c.done(ctx, path(instance, resume))
}

// Stop asks it to end; after the grace it is killed.
func (c *Client) Stop(ctx context.Context, instance string, grace time.Duration) error {
	return c.done(ctx, path(instance, stop)+"?"+url.Values{"grace": {grace.String()}}.Encode())
}

func path(instance, verb string) string { return "instances/" + url.PathEscape(instance) + "/" + verb }

func (c *Client) done(ctx context.Context, path string) error {
	resp, err := c.do(ctx, http.MethodPost, path, nil)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// do asks, and makes an error of an answer that is none.
func (c *Client) do(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://outside/"+path, body)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	said, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	return nil, errors.Join(errors.New(strings.TrimSpace(string(said))), err, resp.Body.Close())
}
