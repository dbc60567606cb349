package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"

	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/harness/runtime/control"
	"blackout/harness/runtime/private"
)

// published makes a port of this machine for each instance of an app that lives in a network of its own. An app that cannot be opened from outside is run all the same.
func (s *state) published(ctx context.Context, c *cell) []private.Port {
	if !c.private && c.engine == nil {
		return nil
	}
	var ports []private.Port
	for range plan.Instances(c.app) {
		p, err := private.NewPort(ctx)
		if err != nil {
			fmt.Fprintf(s.stderr, "The app cannot be opened in a browser while it runs: %v\n", err)
			break
		}
		ports = append(ports, p)
	}
	return ports
}

// doors are the listeners at which a cell opens the app's instances to the machine: ports that it has inherited, or sockets in the folder that it shares with its parent.
func doors(shared string, count int) ([]net.Listener, error) {
	if shared == "" {
		return inherited(count)
	}
	var all []net.Listener
	for i := range count {
		path := control.AppSocket(shared, i)
		l, err := net.Listen("unix", path)
		if err == nil {
			err = os.Chmod(path, 0o666) // the parent may be an ordinary user, and nobody else gets into its folder
		}
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// lead leads the ports of a cell in containers to the sockets at which it opens the app's instances.
func lead(ctx context.Context, ports []private.Port, shared string) (end func() error, err error) {
	var all []*private.Published
	end = func() error {
		var errs []error
		for _, p := range all {
			errs = append(errs, p.Close())
		}
		return errors.Join(errs...)
	}
	for i, port := range ports {
		l, err := net.FileListener(port.File)
		if err != nil {
			return end, err
		}
		all = append(all, private.Publish(ctx, l, "unix", control.AppSocket(shared, i)))
	}
	return end, nil
}

// inherited are the listeners of the ports that a cell has inherited.
func inherited(count int) ([]net.Listener, error) {
	const first = 3 // after the standard input, output and error
	var all []net.Listener
	for i := range count {
		l, err := private.Inherited(uintptr(first + i))
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// addresses learns from a cell's history where its instances can be opened while they run.
type addresses struct {
	ports map[string]string    // by instance, in a private network; nil in the machine's own
	found func(address string) // is called for each instance when it is ready
	keep  func(urls map[string]string) error
	urls  map[string]string // by instance
	err   error             // of keeping them
}

// addresses are those of a cell whose instances are published at ports. Each goes to environment.json, and to found.
func (c *cell) addresses(ports []private.Port, found func(address string)) *addresses {
	a := &addresses{found: found, urls: map[string]string{}, keep: c.writeEnvironment}
	if c.private || c.engine != nil {
		a.ports = map[string]string{}
		for i, instance := range plan.Instances(c.app) {
			if i < len(ports) {
				a.ports[instance.Name] = ports[i].Address
			}
		}
	}
	return a
}

// see takes one record of the history. It is called from one goroutine.
func (a *addresses) see(r history.App) {
	if r.Event != history.AppReady {
		return
	}
	if address := a.outside(r); address != "" {
		a.urls[r.Instance] = address
		a.err = errors.Join(a.err, a.keep(a.urls))
		a.found(address)
	}
}

// outside is the address of an instance for a program of this machine; "" when it has none.
func (a *addresses) outside(app history.App) string {
	if a.ports == nil {
		return app.URL
	}
	port, ok := a.ports[app.Instance]
	u, err := url.Parse(app.URL)
	if !ok || err != nil {
		return ""
	}
	u.Host = port
	return u.String()
}
