package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"blackout/harness/app"
	"blackout/harness/runtime/control"
	"blackout/harness/runtime/private"
	"blackout/harness/spec"
	"blackout/harness/truth"
)

// startApp waits for the build and starts the instances.
func (c *cell) startApp(ctx context.Context) error {
	if c.cfg.Built != nil {
		select {
		case err := <-c.cfg.Built:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	instances, err := app.Plan(c.cfg.App, filepath.Join(c.cfg.Scratch, "app"), c.cfg.Contained != nil)
	if err != nil {
		return err
	}
	services := c.net.Variables()
	value := func(i app.Instance, name string) (string, bool) { return c.variable(services, i, name) }
	trust, err := c.trust()
	if err != nil {
		return err
	}
	var environ map[string]string // an image has its own
	var machine app.Machine
	var hidden map[string]string
	company := func(context.Context, string) error { return nil }
	if in := c.cfg.Contained; in != nil {
		there := in.machine(c.clock, c.authorityPEM())
		machine, hidden = there, in.Hidden
		company = func(ctx context.Context, when string) error {
			if err := there.startServices(ctx, when, trust); err != nil {
				return errors.New(c.redact.String(err.Error()))
			}
			return nil
		}
	} else {
		environ = lookup(c.cfg.Environ)
	}
	if err := company(ctx, control.Before); err != nil {
		return err
	}
	c.app, err = app.Start(ctx, app.Config{
		App: c.cfg.App, Instances: instances, Lookup: value, LogDir: filepath.Join(c.cfg.Dir, "logs"), ScratchDir: c.cfg.Scratch,
		Env: func(i app.Instance) (map[string]string, error) {
			env := maps.Clone(trust)
			for name, text := range c.cfg.App.Start.Env {
				expanded, err := spec.Expand(text, func(v string) (string, bool) { return value(i, v) })
				if err != nil {
					return nil, fmt.Errorf("start.env.%s: %w", name, err)
				}
				env[name] = expanded
			}
			return env, nil
		},
		Clock: c.clock, Sink: c.sink, Redact: c.redact.String, Path: environ["PATH"], Home: environ["HOME"], Lang: environ["LANG"],
		As: c.cfg.As, Machine: machine, Hidden: hidden,
	})
	if c.app != nil {
		c.later("stop the app", c.app.Stop)
	}
	if err != nil {
		return err
	}
	c.publish(ctx)
	return company(ctx, control.After)
}

// publish opens the app to the machine outside of its private network: to the user's browser, whose requests are no attempts.
func (c *cell) publish(ctx context.Context) {
	for i, address := range c.app.Addresses() {
		if i == len(c.cfg.Published) {
			break
		}
		published := private.Publish(ctx, c.cfg.Published[i], "tcp", address)
		c.later("close the app to the outside", func(context.Context) error { return published.Close() })
	}
}

// authorityPEM is what the app shall trust; nil for nothing.
func (c *cell) authorityPEM() []byte {
	if c.cfg.Authority == nil {
		return nil
	}
	return c.cfg.Authority.PEM()
}

// runtime is the word for where the run happens.
func (c *cell) runtime() string {
	if c.cfg.Contained != nil {
		return RuntimeDocker
	}
	return RuntimeLocal
}

// Where a run happens.
const (
	RuntimeLocal  = "local"
	RuntimeDocker = "docker"
)

// trust writes the file of the authority that the app shall trust, and gives the variables that name it; without an authority there are none.
func (c *cell) trust() (map[string]string, error) {
	env := map[string]string{}
	if c.cfg.Authority == nil {
		return env, nil
	}
	path := filepath.Join(c.cfg.Scratch, "authority.pem")
	if c.cfg.Contained != nil {
		path = private.TrustBundles[0] // which each container finds covered
	} else if err := os.WriteFile(path, c.cfg.Authority.PEM(), 0o644); err != nil {
		return nil, err
	}
	for _, name := range private.TrustVariables {
		env[name] = path
	}
	return env, nil
}

// variable gives the value of one variable that an app file may use where an instance starts.
func (c *cell) variable(services map[string]string, i app.Instance, name string) (string, bool) {
	if v, ok := services[name]; ok {
		return v, true
	}
	if secret, ok := strings.CutPrefix(name, "secret."); ok {
		v, ok := c.cfg.Secrets[secret]
		return v, ok
	}
	switch name {
	case "payer.key":
		return c.payer.key, true
	case "payer.address":
		return truth.Address(c.payer.address), true
	}
	return i.Variable(name)
}
