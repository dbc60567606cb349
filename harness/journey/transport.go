package journey

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/gorilla/websocket"

	"blackout/harness/history"
)

const (
	maxBody      = 1 << 20 // bytes of an answer that are read
	maxRedirects = 3
	idleConns    = 64 // kept connections of one session: as many as attempts of it can be under way in a bad minute
)

// errTooLong is what a body beyond maxBody is read with.
var errTooLong = fmt.Errorf("the answer is longer than %d bytes", maxBody)

// newClient makes one user's browser: own connections, own cookies, HTTP/1.1, and no proxy from the environment. Redirects are followed within the machine only.
func newClient() (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("cookie jar: %w", err)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Client{
		Jar: jar,
		// Idle connections are given up before common servers do (Node.js after 5 s): a server that closes one just as it is used again would look like an outage.
		Transport: &http.Transport{
			Protocols: protocols, MaxIdleConnsPerHost: idleConns, IdleConnTimeout: 4 * time.Second, DialContext: (&net.Dialer{}).DialContext,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects || req.URL.Host != via[0].URL.Host && !loopback(req.URL) {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}, nil
}

func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// exchange sends a request and reads the whole answer, at most maxBody of it. Status and body are what was there when an error came.
func exchange(client *http.Client, req *http.Request) (status int, body []byte, err error) {
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		body, err = body[:maxBody], errTooLong
	}
	_ = resp.Body.Close() // the answer is complete, or its error is known
	return resp.StatusCode, body, err
}

// classify gives the constant of history for a transport error, and its text without the address: that may carry keys. ctx is the caller's, without the patience.
func classify(ctx context.Context, err error) (kind, detail string) {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	detail = err.Error()
	var netErr net.Error
	switch {
	case ctx.Err() != nil:
		return history.ErrInterrupted, detail
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return history.ErrTimeout, detail
	case errors.Is(err, syscall.ECONNREFUSED):
		return history.ErrRefused, detail
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED):
		return history.ErrReset, detail
	// A gzip stream that is cut short inside a complete body is not the connection's doing.
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return history.ErrTransport, detail
	// The library's word for a close frame, and for a connection that ended without one.
	case errors.As(err, new(*websocket.CloseError)):
		return history.ErrEOF, detail
	// The transport does not export its errServerClosedIdle.
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(detail, "server closed idle connection"):
		return history.ErrEOF, detail
	default:
		return history.ErrTransport, detail
	}
}
