package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"blackout/harness/internet/certs"
	"blackout/harness/plan"
	"blackout/harness/run"
	"blackout/harness/runtime/control"
	"blackout/harness/runtime/docker"
	"blackout/harness/runtime/private"
)

// cellCommand is what "run" starts for each cell: one process, one chain, one app. It speaks to its parent only: the order on its standard input, the history's lines
// on its standard output.
func (s *state) cellCommand() *cobra.Command {
	var at string
	c := &cobra.Command{
		Use: "cell", Hidden: true, Args: cobra.NoArgs,
		Short: "Run one cell as ordered on standard input",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			ctx, _, cancel := s.interruptible(c.Context(), func() {})
			defer cancel()
			var client *control.Client
			if at != "" {
				client = control.Dial(at)
				order, err := client.Order(ctx)
				if err != nil {
					return &exitError{code: exitEnvironment, err: err}
				}
				lines := client.Lines(context.WithoutCancel(ctx))
				s.stdin, s.stdout = order, lines
				defer func() { err = errors.Join(err, lines.Close(), order.Close()) }()
			}
			order, ctx, built, err := run.ReadOrder(ctx, s.stdin)
			if err != nil {
				return err
			}
			if order.Contained != nil {
				order.Contained.Control, s.environ = client, order.Environ
				if err := order.Contained.Enter(); err != nil {
					return &exitError{code: exitEnvironment, err: err}
				}
				if err := os.MkdirAll(order.Scratch, 0o700); err != nil {
					return &exitError{code: exitEnvironment, err: err}
				}
			}
			// The parent does it too, unless it was killed.
			defer func() { err = errors.Join(err, os.RemoveAll(order.Scratch)) }()
			if order.Outside != "" {
				defer func() { err = errors.Join(err, os.RemoveAll(order.Outside)) }()
			}
			l, err := s.load(files{world: order.World, overlays: order.Overlays, set: order.Set, seed: order.Seed, timeScale: order.TimeScale, control: order.Control}, order.App, order.Scenario)
			if err != nil {
				return usage(err, "")
			}
			if err := order.Fits(l.bytes); err != nil {
				return usage(err, "")
			}
			secrets, err := s.secrets(l.app)
			if err != nil {
				return usage(err, "")
			}
			published, err := doors(at, order.Published)
			if err != nil {
				return &exitError{code: exitEnvironment, err: err}
			}
			var authority *certs.Authority
			if order.Private != nil || order.Contained != nil {
				if authority, err = s.authority(l.plan); err != nil {
					return &exitError{code: exitEnvironment, err: err}
				}
			}
			if order.Private != nil {
				if err := private.Enter(order.Scratch, covered(authority)); err != nil {
					return &exitError{code: exitEnvironment, err: err, hint: "use --network shared"}
				}
				defer func() { err = errors.Join(err, private.Leave(order.Scratch)) }()
				defer private.Reap()()
			}
			err = run.Cell(ctx, run.Config{
				ID: order.ID, Version: version(), Plan: l.plan, PlanBytes: l.bytes, App: l.app, Dir: order.Dir, Scratch: order.Scratch,
				Clock: s.clock, Environ: s.environ, Secrets: secrets, Built: built,
				As: order.Private, Authority: authority, Sites: l.world.Sites(), Upstreams: upstreams(order.Outside, l.plan), Published: published, Contained: order.Contained,
				Tee: func(lines []byte) { _, _ = s.stdout.Write(lines) }, // a parent that is gone shows at the standard input
			})
			if errors.Is(err, run.ErrInterrupted) {
				return nil // the seal says so
			}
			if err != nil {
				return &exitError{code: exitEnvironment, err: err}
			}
			return nil
		},
	}
	c.Flags().StringVar(&at, "at", "", "the `folder` of the socket where the order comes from, in place of standard input")
	return c
}

// authority makes a certificate authority for the host names of a plan; nil for a plan without any.
func (s *state) authority(p *plan.Plan) (*certs.Authority, error) {
	var hosts []string
	for _, service := range p.Services {
		for _, h := range service.Hosts {
			hosts = append(hosts, h.Name)
		}
	}
	if len(hosts) == 0 {
		return nil, nil
	}
	return certs.New(hosts, func() time.Time { return s.clock.Time(s.clock.Now()) })
}

// covered are the files that the app finds in the place of the machine's own: those of the resolver, and the authority as all that is trusted.
func covered(authority *certs.Authority) private.Files {
	files := private.DefaultFiles()
	if authority == nil {
		return files
	}
	for _, path := range private.TrustBundles {
		files[path] = authority.PEM()
	}
	return files
}

// enterCommand is what private.Try starts: it enters a private network and ends.
func (s *state) enterCommand() *cobra.Command {
	return &cobra.Command{
		Use: "enter FOLDER", Hidden: true, Args: cobra.ExactArgs(1),
		Short: "Enter a private network and end",
		RunE: func(_ *cobra.Command, args []string) error {
			if err := private.Enter(args[0], private.DefaultFiles()); err != nil {
				return &exitError{code: exitEnvironment, err: err}
			}
			return nil
		},
	}
}

// inhabitCommand is what docker.Try starts in a container: it takes over the network of containers and ends.
func (s *state) inhabitCommand() *cobra.Command {
	return &cobra.Command{
		Use: "inhabit FOLDER", Hidden: true, Args: cobra.ExactArgs(1),
		Short: "Take over the network of containers and end",
		RunE: func(c *cobra.Command, args []string) error {
			order, err := control.Dial(args[0]).Order(c.Context())
			if err != nil {
				return &exitError{code: exitEnvironment, err: err}
			}
			var t docker.Trial
			err = json.NewDecoder(order).Decode(&t)
			if err == nil {
				err = private.Inhabit(t.Subnet, t.Gateway)
			}
			if err = errors.Join(err, order.Close()); err != nil {
				return &exitError{code: exitEnvironment, err: err}
			}
			return nil
		},
	}
}
