package private

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// exposeTimeout is how long a program of this machine may take to accept a connection.
const exposeTimeout = 2 * time.Second

// Exposed lets an inner process reach one program of the machine, through a socket in a folder: files are shared where networks are not. Nothing else gets through.
type Exposed struct{ forward }

// Expose leads connections to the socket at path, which it makes, to a host and port of this machine until Close. It fails if nobody listens there.
func Expose(ctx context.Context, path, to string) (*Exposed, error) {
	e := &Exposed{}
	e.to = func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{Timeout: exposeTimeout}).DialContext(ctx, "tcp", to)
	}
	conn, err := e.to(ctx)
	if err != nil {
		return nil, fmt.Errorf("nobody listens at %s: %w", to, err)
	}
	var lc net.ListenConfig
	if e.from, err = lc.Listen(ctx, "unix", path); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	e.begin(ctx)
	return e, conn.Close()
}
