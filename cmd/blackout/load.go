package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"blackout/harness/canned"
	"blackout/harness/plan"
	"blackout/harness/spec"
	"blackout/scenarios"
)

// files are the words of a command line that say which files make a plan.
type files struct {
	world     string
	overlays  []string
	set       []string
	seed      uint64
	timeScale float64
	control   bool // the plan of the control, without faults
}

func (f *files) flags(set *pflag.FlagSet) {
	set.StringVar(&f.world, "world", "default", "the world: a name from the library, or a `file`")
	set.StringArrayVar(&f.overlays, "overlay", nil, "a `file` laid over the app, scenario or world file that has the same schema line (repeatable)")
	set.StringArrayVar(&f.set, "set", nil, "change one value: `path=value` in the app file, or scenario.path=value, world.path=value (repeatable)")
	set.Uint64Var(&f.seed, "seed", 1, "the `number` that everything drawn comes from")
	set.Float64Var(&f.timeScale, "time-scale", 1, "stretch (2) or compress (0.5) the outage's timeline by this `factor`; deadlines, block times and the baseline stay")
}

// options gives what is laid over a file of one kind.
func (s *state) options(f files, kind string) (spec.Options, error) {
	library := map[string]bool{}
	if bare(f.world) {
		library[scenarios.Prefix+"worlds/"+f.world+".yaml"] = true // unless a file of that bare name is meant, which has no such prefix
	}
	o := spec.Options{Env: s.env, Base: func(name string) (spec.File, error) {
		data, file, err := scenarios.Read("world", name)
		library[file] = true
		return spec.File{Name: file, Data: data}, err
	}}
	o.Folder = func(from, folder string) ([]canned.File, error) { return s.folder(from, folder, library[from]) }
	for _, name := range f.overlays {
		data, err := s.readFile(name)
		if err != nil {
			return o, err
		}
		schema, ok := schemaOf(data)
		if !ok {
			return o, fmt.Errorf("%s:1:1: an overlay starts with the schema line of the file that it is laid over, such as \"schema: blackout/app/1\"", name)
		}
		if schema == kind {
			o.Overlays = append(o.Overlays, spec.File{Name: name, Data: data})
		}
	}
	for _, set := range f.set {
		of, rest := "app", set
		for _, prefix := range []string{"app", "scenario", "world"} {
			if after, ok := strings.CutPrefix(set, prefix+"."); ok {
				of, rest = prefix, after
			}
		}
		if of == kind {
			o.Set = append(o.Set, rest)
		}
	}
	return o, nil
}

// schemaOf reads the kind from a file's schema line: "schema: blackout/app/1" is of kind app.
func schemaOf(data []byte) (kind string, ok bool) {
	for _, line := range bytes.Split(data, []byte("\n")) {
		text := strings.TrimSpace(string(line))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		rest, found := strings.CutPrefix(text, "schema:")
		if !found {
			return "", false
		}
		parts := strings.Split(strings.Trim(strings.TrimSpace(rest), `"'`), "/")
		return parts[min(1, len(parts)-1)], len(parts) == 3
	}
	return "", false
}

// path makes a file name of the command line absolute.
func (s *state) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.dir, name)
}

// readFile reads a file of the command line. The error names it as it was typed.
func (s *state) readFile(name string) ([]byte, error) {
	data, err := os.ReadFile(s.path(name))
	var wrapped *fs.PathError
	if errors.As(err, &wrapped) {
		err = &fs.PathError{Op: "read", Path: name, Err: wrapped.Err}
	}
	return data, err
}

// source reads a file of the library by its bare name, or a file by its path. A name with a slash or an ending is a path.
func (s *state) source(kind, name string) (spec.File, error) {
	if bare(name) {
		data, file, err := scenarios.Read(kind, name)
		if err == nil {
			return spec.File{Name: file, Data: data}, nil
		}
		if _, statErr := os.Stat(s.path(name)); statErr != nil {
			var unknown *scenarios.Unknown
			if errors.As(err, &unknown) && unknown.Hint == "" {
				err = hinted(err, fmt.Sprintf("%q shows what there is; a file is named with its ending or a slash", strings.TrimSuffix("blackout list "+kind+"s", " scenarios")))
			}
			return spec.File{}, err
		}
	}
	data, err := s.readFile(name)
	return spec.File{Name: name, Data: data}, err
}

// bare reports whether a name can be one of the library's: no slash, no ending.
func bare(name string) bool { return !strings.ContainsAny(name, `/\`) && filepath.Ext(name) == "" }

func (s *state) loadWorld(f files) (*spec.World, error) {
	o, err := s.options(f, "world")
	if err != nil {
		return nil, err
	}
	file, err := s.source("world", f.world)
	if err != nil {
		return nil, err
	}
	return spec.ParseWorld(file, o)
}

func (s *state) loadScenario(f files, name string) (*spec.Scenario, error) {
	o, err := s.options(f, "scenario")
	if err != nil {
		return nil, err
	}
	file, err := s.source("scenario", name)
	if err != nil {
		return nil, err
	}
	return spec.ParseScenario(file, o)
}

// loadApp reads an app file; a folder stands for the app.yaml in it.
func (s *state) loadApp(f files, name string) (*spec.App, error) {
	o, err := s.options(f, "app")
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(s.path(name)); err == nil && info.IsDir() {
		name = filepath.Join(name, "app.yaml")
	}
	data, err := s.readFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hinted(err, "--app takes a path, such as scenarios/apps/wallet-single; blackout init writes an app.yaml")
	}
	if err != nil {
		return nil, err
	}
	a, err := spec.ParseApp(spec.File{Name: name, Data: data}, o)
	if err != nil {
		return nil, err
	}
	a.Dir = filepath.Dir(s.path(name))
	return a, nil
}

// loaded is everything that makes one plan.
type loaded struct {
	world    *spec.World
	app      *spec.App
	scenario *spec.Scenario
	plan     *plan.Plan
	bytes    []byte
}

// load reads the three files and makes the plan. The error holds all problems of all files.
func (s *state) load(f files, appFile, scenario string) (*loaded, error) {
	if !(f.timeScale > 0) || math.IsInf(f.timeScale, 1) {
		return nil, fmt.Errorf("--time-scale %v: it takes a number above 0", f.timeScale)
	}
	var l loaded
	var errs [3]error
	l.world, errs[0] = s.loadWorld(f)
	l.app, errs[1] = s.loadApp(f, appFile)
	l.scenario, errs[2] = s.loadScenario(f, scenario)
	if err := distinct(errs[:]...); err != nil {
		return nil, err
	}
	if err := spec.Check(l.world, l.app, l.scenario); err != nil {
		return nil, err
	}
	if problems := spec.Unsupported(l.app); len(problems) > 0 {
		return nil, spec.Problems(problems)
	}
	if err := l.build(f); err != nil {
		return nil, err
	}
	return &l, nil
}

// build makes the plan of the files that were read.
func (l *loaded) build(f files) (err error) {
	l.plan, err = plan.Build(plan.Input{World: l.world, App: l.app, Scenario: l.scenario, Seed: f.seed, TimeScale: f.timeScale, Control: f.control})
	if err == nil {
		l.bytes, err = l.plan.Encode()
	}
	return err
}
