package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"blackout/harness/app"
	"blackout/harness/run"
	"blackout/harness/runtime/compose"
	"blackout/harness/runtime/docker"
	"blackout/harness/spec"
)

// composeFile reads the compose file of an app.
func (s *state) composeFile(ctx context.Context, a *spec.App) (*compose.File, error) {
	path := s.beside(a, a.Start.Compose)
	f, err := compose.Read(ctx, compose.Source{Path: path, Name: s.short(path), Service: a.Start.Service, Environ: s.environ})
	if err == nil {
		return f, nil
	}
	at := "compose"
	var missing *fs.PathError
	if errors.As(err, &missing) && missing.Path == path {
		return nil, usage(spec.Problems{a.Source.Problem("start.compose", fmt.Sprintf("%s cannot be read: %v", s.short(path), missing.Err), "it is looked for beside the app file")}, "")
	}
	var none *compose.NoService
	if !errors.As(err, &none) {
		return nil, usage(err, "")
	}
	if a.Start.Service != "" {
		at = "service"
	}
	return nil, usage(spec.Problems{a.Source.Problem("start."+at, err.Error(), spec.Suggest(none.Service, none.Known))}, "")
}

// serviceImages has the images of a compose file's services here, and gives their names. What builds print goes to log, without secrets.
func (s *state) serviceImages(ctx context.Context, e *docker.Engine, a *spec.App, f *compose.File, log io.Writer) (names map[string]string, err error) {
	redact, err := s.redactor(a)
	if err != nil {
		return nil, err
	}
	said := app.Log(log, redact, nil)
	defer func() { err = errors.Join(err, said.Close()) }()
	return e.BuildServices(ctx, a.Name, f, said)
}

// serviceLog is where what a service prints is kept, without the app's secrets and the values of its variables.
func (s *state) serviceLog(c *cell, service string) (io.WriteCloser, error) {
	redact, err := s.redactor(c.app)
	if err != nil {
		return nil, err
	}
	file, err := run.LogFile(c.dir, "service-"+service+".log")
	if err != nil {
		return nil, err
	}
	var values map[string]string
	if one := c.compose.Service(service); one != nil {
		values = one.Env
	}
	return redacted{app.Log(file, redact, values), file}, nil
}

// redacted is a log file behind what redacts it.
type redacted struct {
	io.WriteCloser
	file io.Closer
}

func (r redacted) Close() error { return errors.Join(r.WriteCloser.Close(), r.file.Close()) }
