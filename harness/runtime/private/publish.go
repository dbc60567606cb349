package private

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

const (
	// publishTimeout is how long the app may take to accept a connection from outside.
	publishTimeout = 10 * time.Second
	// publishedAtOnce is how many connections from outside may be open at once at one address; more wait. A browser opens six to a host, and WebSockets beside them.
	publishedAtOnce = 64
)

// Port is a free port of this machine's loopback interface that listens, and lasts as long as a process holds file. A socket belongs to the network that it was made in,
// whoever holds it: an inner process that inherits this one accepts what comes from the machine.
type Port struct {
	Address string // 127.0.0.1 and the port
	File    *os.File
}

// NewPort makes a port. The caller closes its file.
func NewPort(ctx context.Context) (Port, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return Port{}, fmt.Errorf("a free port on the loopback interface: %w", err)
	}
	file, err := l.(*net.TCPListener).File() // a copy, which keeps the port listening
	return Port{l.Addr().String(), file}, errors.Join(err, l.Close())
}

// Inherited is the listener of a port whose file this process has inherited as a descriptor. The descriptor is closed; the listener's own is not inherited by others.
func Inherited(descriptor uintptr) (net.Listener, error) {
	file := os.NewFile(descriptor, "port")
	if file == nil {
		return nil, fmt.Errorf("descriptor %d: %w", descriptor, os.ErrInvalid)
	}
	l, err := net.FileListener(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("listen on descriptor %d: %w", descriptor, err)
	}
	return l, nil
}

// Published lets the machine reach one address of the private network, through a port of its own. Nothing else is reached.
type Published struct{ forward }

// Publish leads what a listener takes to an address that this process sees, of a network that net.Dial knows, until Close, which closes the listener too. Where nobody
// listens connections are reset.
func Publish(ctx context.Context, from net.Listener, network, to string) *Published {
	p := &Published{}
	p.from, p.room = from, make(chan struct{}, publishedAtOnce)
	p.to = func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{Timeout: publishTimeout}).DialContext(ctx, network, to)
	}
	p.begin(ctx)
	return p
}
