package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"blackout/harness/spec"
	"blackout/reports/gate"
	"blackout/scenarios"
)

func (s *state) lintCommand() *cobra.Command {
	var f files
	c := &cobra.Command{
		Use:   "lint FILE…",
		Short: "Check files, and whether they fit together",
		Long: `Lint reads world, app, scenario, suite and gate files and reports every
problem with its line and column. Given an app and a scenario together it also
checks that a plan can be made of them; an app alone is held against the
scenario control of the library. Gates and suites are held against the library
and the apps and scenarios that are given with them.`,
		Example: `  blackout lint app.yaml
  blackout lint app.yaml my-scenario.yaml my-world.yaml`,
		Args: words(1, 0, "the files to check"),
		RunE: func(c *cobra.Command, names []string) error {
			var problems []error
			var apps, scenarioFiles []string
			var gates []*spec.Gate
			var suites []*spec.Suite
			for i, name := range names {
				if info, err := os.Stat(s.path(name)); err == nil && info.IsDir() {
					name = filepath.Join(name, "app.yaml")
					names[i] = name // what is said is said of the file
				}
				data, err := s.readFile(name)
				if err != nil {
					if bare(name) && slices.Contains(scenarios.Names(spec.KindScenario), name) {
						err = hinted(err, "lint takes files; a scenario of the library is always fine")
					}
					problems = append(problems, err)
					continue
				}
				kind, _ := schemaOf(data)
				switch kind {
				case "app":
					apps = append(apps, name)
					var a *spec.App
					if a, err = s.loadApp(f, name); err == nil && a.Start.Compose != "" {
						_, err = s.composeFile(c.Context(), a)
					}
				case "scenario":
					scenarioFiles = append(scenarioFiles, name)
					err = s.lintScenario(f, name)
				case "world":
					with := f
					with.world = name
					_, err = s.loadWorld(with)
					f.world = name // what else is given is meant for this world
				case "suite":
					var suite *spec.Suite
					suite, err = spec.ParseSuite(spec.File{Name: name, Data: data}, spec.Options{Env: s.env})
					suites = append(suites, suite)
				case "gate":
					var g *spec.Gate
					g, err = spec.ParseGate(spec.File{Name: name, Data: data}, spec.Options{Env: s.env})
					gates = append(gates, g)
				default:
					err = fmt.Errorf("%s:1:1: the first line names the file's kind, such as \"schema: blackout/app/1\"", name)
				}
				if err != nil {
					problems = append(problems, err)
				}
			}
			if len(problems) == 0 {
				problems = slices.Concat(s.lintTogether(f, apps, scenarioFiles), s.lintGates(f, gates, apps, scenarioFiles), s.lintSuites(f, suites, scenarioFiles))
			}
			if len(problems) > 0 {
				return usage(distinct(problems...), "")
			}
			for _, name := range names {
				fmt.Fprintf(s.stdout, "%s: fine\n", name)
			}
			return nil
		},
	}
	f.flags(c.Flags())
	return c
}

// lintScenario checks a scenario against the world.
func (s *state) lintScenario(f files, name string) error {
	scenario, err := s.loadScenario(f, name)
	if err != nil {
		return err
	}
	world, err := s.loadWorld(f)
	if err != nil {
		return err
	}
	return spec.Check(world, nil, scenario)
}

// lintTogether makes a plan of each pair; an app alone is planned under the control scenario.
func (s *state) lintTogether(f files, apps, scenarioFiles []string) (problems []error) {
	if len(scenarioFiles) == 0 {
		scenarioFiles = []string{"control"}
	}
	for _, app := range apps {
		for _, scenario := range scenarioFiles {
			if _, err := s.load(f, app, scenario); err != nil {
				problems = append(problems, err)
			}
		}
	}
	return problems
}

// lintSuites finds scenarios of suites that neither the library nor the files that are given with them have.
func (s *state) lintSuites(f files, suites []*spec.Suite, scenarioFiles []string) (problems []error) {
	if len(suites) == 0 {
		return nil
	}
	known := scenarios.Names(spec.KindScenario)
	for _, name := range scenarioFiles {
		scenario, err := s.loadScenario(f, name)
		if err != nil {
			return []error{err}
		}
		known = append(known, scenario.Name)
	}
	for _, suite := range suites {
		if err := spec.CheckSuite(suite, known); err != nil {
			problems = append(problems, err)
		}
	}
	return problems
}

// lintGates holds gates against what exists: the library's scenarios, and the apps and scenarios that are given with them. Without an app its journeys cannot be known.
func (s *state) lintGates(f files, gates []*spec.Gate, apps, scenarioFiles []string) (problems []error) {
	if len(gates) == 0 {
		return nil
	}
	var e gate.Exist
	for _, name := range append(scenarios.Names(spec.KindScenario), scenarioFiles...) {
		scenario, err := s.loadScenario(f, name)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		e.Scenarios, e.Tags = append(e.Scenarios, scenario.Name), append(e.Tags, scenario.Tags...)
	}
	for _, name := range apps {
		app, err := s.loadApp(f, name)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		e.Apps, e.Journeys = append(e.Apps, app.Name), append(e.Journeys, app.JourneyOrder...)
	}
	for _, g := range gates {
		if err := gate.Check(g, e); err != nil {
			problems = append(problems, err)
		}
	}
	return problems
}
