package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"blackout/harness/plan"
	"blackout/harness/runtime/private"
)

// exposed makes a folder of sockets through which a cell in a private network reaches the programs of this machine that services of kind tcp lead to: those, and
// nothing else. "" when there is none. The folder lies outside of the cell's scratch, which is covered inside.
func exposed(ctx context.Context, c *cell) (folder string, end func(), err error) {
	end = func() {}
	if !c.private || len(upstreams("", c.plan)) == 0 {
		return "", end, nil
	}
	folder, err = os.MkdirTemp("", "blackout-")
	if err != nil {
		return "", end, err
	}
	var all []*private.Exposed
	end = func() {
		for _, e := range all {
			_ = e.Close() // nobody is left who would use it
		}
		_ = os.RemoveAll(folder) // the cell does it too
	}
	for _, s := range c.plan.Services {
		if s.Upstream == "" {
			continue
		}
		e, err := private.Expose(ctx, socketOf(folder, s.Name), s.Upstream)
		if err != nil {
			end()
			return "", func() {}, fmt.Errorf("service %s: %w; start the program there, or change services.%s.upstream in the world file", s.Name, err, s.Name)
		}
		all = append(all, e)
	}
	return folder, end, nil
}

// upstreams are the sockets in a folder by service, those of kind tcp.
func upstreams(folder string, p *plan.Plan) map[string]string {
	sockets := map[string]string{}
	for _, s := range p.Services {
		if s.Upstream != "" {
			sockets[s.Name] = socketOf(folder, s.Name)
		}
	}
	return sockets
}

func socketOf(folder, service string) string {
	if folder == "" {
		return ""
	}
	return filepath.Join(folder, service)
}
