package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"blackout/harness/app"
	"blackout/harness/runtime/docker"
	"blackout/harness/spec"
)

func (s *state) imagesCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "images", Short: "Build, list and remove the images of runs in containers",
		Long: `Runs in containers need the image of the internet, which is made out of this
program, and one of the app. A run builds what it needs; these commands do that
beforehand, show what is there, and remove it.`,
		Example: `  blackout images build --app ./app.yaml
  blackout images list
  blackout images remove --old`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(fmt.Errorf("blackout images has no command %q", args[0]), "its commands are: build, list, remove")
			}
			return usage(errors.New("blackout images needs a command"), "its commands are: build, list, remove")
		},
		RunE: func(*cobra.Command, []string) error { return nil }, // a command that does not run shows its help, whatever is typed
	}
	c.AddCommand(s.buildImagesCommand(), s.listImagesCommand(), s.removeImagesCommand())
	return c
}

func (s *state) buildImagesCommand() *cobra.Command {
	var f files
	var apps []string
	c := &cobra.Command{
		Use: "build [--app APP]", Short: "Build the image of the internet, and those of apps", Args: cobra.NoArgs,
		Long: `Build makes the image of the internet out of this program, and for each --app
what its start.prepare and start.build or compose file say. What is there and
has not changed is built no second time.`,
		Example: `  blackout images build
  blackout images build --app ./app.yaml --overlay docker.yaml`,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			loaded, err := s.appsToBuild(c.Context(), f, apps)
			if err != nil {
				return usage(err, "")
			}
			ctx, _, cancel := s.interruptible(c.Context(), func() {})
			defer cancel()
			return s.withEngine(ctx, func(e *docker.Engine) error { return s.buildImages(ctx, e, loaded) })
		},
	}
	c.Flags().StringArrayVar(&apps, "app", nil, "an app with start.build or start.compose: its app.yaml or the `folder` of it (repeatable)")
	c.Flags().StringArrayVar(&f.overlays, "overlay", nil, "a `file` laid over the app file (repeatable)")
	c.Flags().StringArrayVar(&f.set, "set", nil, "change one value of the app file: `path=value` (repeatable)")
	return c
}

// appsToBuild reads app files that have an image to build.
func (s *state) appsToBuild(ctx context.Context, f files, names []string) ([]*spec.App, error) {
	var all []*spec.App
	var errs []error
	for _, name := range names {
		a, err := s.loadApp(f, name)
		switch {
		case err != nil:
			errs = append(errs, err)
		case a.Start.Build == "" && a.Start.Compose == "":
			errs = append(errs, fmt.Errorf("%s: start.build and start.compose are missing: there is no image to build", name))
		default:
			if problems := spec.Unsupported(a); len(problems) > 0 {
				errs = append(errs, spec.Problems(problems))
			}
			if a.Start.Compose != "" {
				_, err := s.composeFile(ctx, a)
				errs = append(errs, err)
			}
			all = append(all, a)
		}
	}
	return all, distinct(errs...)
}

// buildImages builds one image after the other, and says of each whether it is new.
func (s *state) buildImages(ctx context.Context, e *docker.Engine, apps []*spec.App) error {
	before, err := e.Images(ctx)
	if err != nil {
		return err
	}
	build := func(do func() ([]string, error)) error {
		began := s.clock.Now()
		names, err := do()
		if err != nil {
			return err
		}
		now, err := e.Images(ctx)
		if err != nil {
			return err
		}
		for _, name := range names {
			i := slices.IndexFunc(now, func(i docker.Image) bool { return i.Name == name })
			if i < 0 {
				return fmt.Errorf("%s was built, and is not there", name)
			}
			said := "built in " + (s.clock.Now() - began).Duration().Round(100*time.Millisecond).String()
			if slices.ContainsFunc(before, func(b docker.Image) bool { return b.Name == name && b.ID == now[i].ID }) {
				said = "unchanged"
			}
			fmt.Fprintf(s.stdout, "%s  %s  %s\n", name, size(now[i].Bytes), said)
		}
		return nil
	}
	if err := build(func() ([]string, error) { return one(e.BuildInternet(ctx, s.executable)) }); err != nil {
		return err
	}
	for _, a := range apps {
		err := build(func() ([]string, error) {
			redact, err := s.redactor(a)
			if err != nil {
				return nil, err
			}
			if err := app.Prepare(ctx, a, s.environ, s.stderr, redact); err != nil {
				return nil, err
			}
			if a.Start.Compose != "" {
				return s.builtServices(ctx, e, a)
			}
			return one(s.buildImage(ctx, e, a, s.stderr))
		})
		if err != nil {
			return fmt.Errorf("app %s: %w", a.Name, err)
		}
	}
	return nil
}

func one(name string, err error) ([]string, error) { return []string{name}, err }

// builtServices builds the images of an app's compose file, and has those here that it only names. It gives the names of the former.
func (s *state) builtServices(ctx context.Context, e *docker.Engine, a *spec.App) (built []string, err error) {
	f, err := s.composeFile(ctx, a)
	if err != nil {
		return nil, err
	}
	images, err := s.serviceImages(ctx, e, a, f, s.stderr)
	if err != nil {
		return nil, err
	}
	for _, service := range f.All() {
		if service.Build != nil {
			built = append(built, images[service.Name])
		}
	}
	slices.Sort(built)
	return slices.Compact(built), nil
}

func (s *state) listImagesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the images that were built for runs", Args: cobra.NoArgs,
		Long: `List shows what was built for runs in containers: name, size, age, and what it
is. Of several images of the internet, which have the checksum of the program
that made them in their name, a run takes the one of this program.`,
		Example: "  blackout images list",
		RunE: func(c *cobra.Command, _ []string) error {
			own, err := docker.InternetImage(s.executable)
			if err != nil {
				return &exitError{code: exitEnvironment, err: err}
			}
			return s.withEngine(c.Context(), func(e *docker.Engine) error {
				all, err := e.Images(c.Context())
				if len(all) == 0 && err == nil {
					fmt.Fprintln(s.stdout, "There are none.")
				}
				table := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', 0)
				defer table.Flush()
				now := s.clock.Time(s.clock.Now())
				for _, i := range all {
					fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", i, size(i.Bytes), age(now.Sub(i.Built)), whatFor(i, own))
				}
				return err
			})
		},
	}
}

func (s *state) removeImagesCommand() *cobra.Command {
	var old bool
	var apps []string
	c := &cobra.Command{
		Use: "remove [IMAGE…]", Short: "Remove images that were built for runs",
		Long: `Remove removes the images that are named, those of the apps that --app names,
or, with neither, all that were built for runs in containers. With --old only
those that no run of this program takes: images of the internet out of other
programs, and those whose name a later build has taken.

An image that a container is of stays. The exit status is 4 then.`,
		Example: `  blackout images remove --old
  blackout images remove --app wallet-single
  blackout images remove`,
		RunE: func(c *cobra.Command, names []string) error {
			if old && len(names)+len(apps) > 0 {
				return usage(errors.New("--old chooses by itself"), "leave out the names, or --old")
			}
			own, err := docker.InternetImage(s.executable)
			if err != nil {
				return &exitError{code: exitEnvironment, err: err}
			}
			return s.withEngine(c.Context(), func(e *docker.Engine) error {
				all, err := e.Images(c.Context())
				if err != nil {
					return err
				}
				for _, a := range apps {
					names = append(names, imagesOf(all, a)...)
				}
				chosen, err := toRemove(all, names, old, own)
				if err != nil {
					return usage(err, `see "blackout images list"`)
				}
				return s.removeImages(c.Context(), e, chosen)
			})
		},
	}
	c.Flags().BoolVar(&old, "old", false, "only those that no run of this program takes")
	c.Flags().StringArrayVar(&apps, "app", nil, "the images of the app of this `name` (repeatable)")
	return c
}

// imagesOf are the names of an app's images, or of the one that it should have.
func imagesOf(all []docker.Image, app string) (names []string) {
	for _, i := range all {
		if strings.HasPrefix(i.Name, docker.AppRepository(app)+":") {
			names = append(names, i.Name)
		}
	}
	if names == nil {
		return []string{docker.AppRepository(app)}
	}
	return names
}

// toRemove chooses among images: those that are named, the old ones, or all. own is the image of the internet that this program takes.
func toRemove(all []docker.Image, names []string, old bool, own string) ([]docker.Image, error) {
	var errs []error
	for _, name := range names {
		if !slices.ContainsFunc(all, func(i docker.Image) bool { return i.String() == name }) {
			errs = append(errs, fmt.Errorf("no image %s was built here", name))
		}
	}
	chosen := slices.DeleteFunc(slices.Clone(all), func(i docker.Image) bool {
		switch {
		case old:
			return i.Name != "" && (i.What != docker.WhatInternet || i.Name == own)
		case len(names) > 0:
			return !slices.Contains(names, i.String())
		}
		return false
	})
	return chosen, errors.Join(errs...)
}

// removeImages removes what it can, and says of each image what became of it.
func (s *state) removeImages(ctx context.Context, e *docker.Engine, images []docker.Image) error {
	var errs []error
	for _, i := range images {
		err := e.RemoveImage(ctx, i)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Fprintf(s.stdout, "Removed %s (%s).\n", i, size(i.Bytes))
	}
	if len(images) == 0 {
		fmt.Fprintln(s.stdout, "There was nothing to remove.")
	}
	if len(errs) > 0 {
		return &exitError{exitEnvironment, errors.Join(errs...), `an image that a run uses can be removed when that has ended; "blackout clean" ends what killed runs have left`}
	}
	return nil
}

// withEngine connects to the container engine for one thing. An error of it is one of the environment, unless it says otherwise.
func (s *state) withEngine(ctx context.Context, do func(*docker.Engine) error) error {
	e, err := connect(ctx)
	if err != nil {
		return err
	}
	err = do(e)
	closeErr := e.Close()
	switch known := (*exitError)(nil); {
	case ctx.Err() != nil:
		return &exitError{code: exitInterrupted}
	case errors.As(err, &known):
		return err
	}
	if err = errors.Join(err, closeErr); err != nil {
		return &exitError{code: exitEnvironment, err: err}
	}
	return nil
}

// whatFor says what an image is, and whether a run of this program takes it. own is the image of the internet that it takes.
func whatFor(i docker.Image, own string) string {
	switch {
	case i.Name == "":
		return i.What + ", replaced by a later build"
	case i.What == docker.WhatInternet && i.Name == own:
		return i.What + ", of this program"
	case i.What == docker.WhatInternet:
		return i.What + ", of another program"
	}
	return i.What
}

// size writes bytes as the engine's own list does, in millions.
func size(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

// age writes a time in its largest unit.
func age(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		switch n := int(d / unit.of); {
		case n == 1:
			return "1 " + unit.name
		case n > 1:
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return "less than a minute"
}
