package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"blackout/harness/history"
	"blackout/harness/spec"
	"blackout/reports"
	"blackout/reports/annotation"
	"blackout/reports/gate"
	"blackout/reports/junit"
	"blackout/reports/markdown"
	"blackout/reports/terminal"
	"blackout/reports/verdict"
	"blackout/scenarios"
)

// gating are the words of a command line that say what runs are held against.
type gating struct {
	file, baseline string
	annotate       bool
}

func (g *gating) flags(set *pflag.FlagSet) {
	set.StringVar(&g.file, "gate", "", "the gate that decides: a name from the library, or a `file`")
	set.StringVar(&g.baseline, "baseline", "", "the gate.json of an earlier gate, a `file`: what failed there is known, and what its runs did not find is new and fails")
	set.BoolVar(&g.annotate, "annotate", false, "also print what does not hold as annotations of GitHub Actions")
}

func (s *state) gateCommand() *cobra.Command {
	var g gating
	var suiteName, format, out string
	c := &cobra.Command{
		Use:   "gate RUN… --gate FILE",
		Short: "Hold runs against the rules of a gate",
		Long: `Gate finds every verdict.json below the given folders, holds the runs against
the rules of a gate, and says for each what was expected, what was found, and
where that can be seen. Of several runs of one app, scenario and seed the
latest counts.

Ready gates are no-harm, release and strict ("blackout list gates").

Exit status: 0 every rule holds or is excused, 1 a rule fails, 2 a usage or
file error, 3 a rule hangs on an inconclusive run.`,
		Example: `  blackout gate runs --gate release
  blackout gate runs --gate ./gate.yaml --out gate-result
  blackout gate runs --gate strict --baseline last-release/gate.json`,
		Args: words(1, 0, "a run's folder, or a folder with runs, and --gate"),
		RunE: func(c *cobra.Command, dirs []string) error {
			if !slices.Contains([]string{"text", "json", "markdown", "junit"}, format) {
				return usage(fmt.Errorf("there is no format %q", format), "the formats are: text, json, markdown, junit")
			}
			if g.file == "" {
				return usage(errors.New("no gate is given"), `add --gate with a file, or with one of "blackout list gates"`)
			}
			in, err := s.loadGate(g)
			if err != nil {
				return err
			}
			if suiteName != "" {
				if in.Suite, err = s.loadSuite(suiteName); err != nil {
					return usage(err, "")
				}
			}
			if in.Runs, err = s.verdicts(dirs); err != nil {
				return usage(err, "")
			}
			if !slices.ContainsFunc(in.Runs, func(v *verdict.Verdict) bool { return !v.Run.Control }) {
				return usage(errors.New("no verdict.json of a run lies below the given folders"), `"blackout run" makes them; a run that was cut off gets one by "blackout report"`)
			}
			if err := gate.Check(in.Gate, existing(in, in.Runs)); err != nil {
				return usage(err, "")
			}
			r := gate.Judge(*in)
			return s.tellGate(g, r, format, out)
		},
	}
	g.flags(c.Flags())
	c.Flags().StringVar(&suiteName, "suite", "", "the suite that coverage is of: a name from the library, or a `file`")
	c.Flags().StringVar(&format, "format", "text", "the `format` on the standard output: text, json, markdown or junit")
	c.Flags().StringVar(&out, "out", "", "write gate.json, junit.xml, summary.md and comment.md into a `folder`")
	return c
}

// loadGate reads a gate, the baseline if one is named, and the tags of the library's scenarios.
func (s *state) loadGate(g gating) (*gate.Input, error) {
	in := &gate.Input{Tags: map[string][]string{}, Today: s.clock.Time(s.clock.Now()).UTC().Format(time.DateOnly)}
	file, err := s.source(spec.KindGate, g.file)
	if err != nil {
		return nil, usage(err, "")
	}
	if in.Gate, err = spec.ParseGate(file, spec.Options{Env: s.env}); err != nil {
		return nil, usage(err, "")
	}
	if g.baseline != "" {
		text, err := s.readFile(g.baseline)
		if err != nil {
			return nil, usage(err, "")
		}
		if in.Baseline, err = gate.Decode(text); err != nil {
			return nil, usage(fmt.Errorf("%s: %w", g.baseline, err), `"blackout gate --out" and "blackout run --gate" write it`)
		}
	}
	for _, name := range scenarios.Names(spec.KindScenario) {
		scenario, err := s.loadScenario(files{}, name)
		if err != nil {
			return nil, err
		}
		in.Tags[name] = scenario.Tags
	}
	return in, nil
}

func (s *state) loadSuite(name string) (*spec.Suite, error) {
	file, err := s.source(spec.KindSuite, name)
	if err != nil {
		return nil, err
	}
	return spec.ParseSuite(file, spec.Options{Env: s.env})
}

// existing is what a gate over these runs may speak of: their apps, journeys, scenarios and tags, and the library's.
func existing(in *gate.Input, runs []*verdict.Verdict) gate.Exist {
	e := library(in.Tags)
	e.Apps, e.Journeys = []string{}, []string{}
	for _, v := range runs {
		e.Apps = append(e.Apps, v.Run.App)
		e.Scenarios = append(e.Scenarios, v.Run.Scenario)
		e.Tags = append(e.Tags, v.Run.Tags...)
		for _, c := range v.Cells {
			e.Journeys = append(e.Journeys, c.Journey)
		}
	}
	if len(e.Journeys) == 0 { // every run ended before it knew them
		e.Journeys = nil
	}
	return e
}

// toExist is what a gate may speak of before these cells run.
func toExist(in *gate.Input, cells []*cell) gate.Exist {
	e := library(in.Tags)
	for _, c := range cells {
		e.Apps = append(e.Apps, c.plan.App)
		e.Scenarios = append(e.Scenarios, c.plan.Scenario)
		e.Tags = append(e.Tags, c.plan.Tags...)
		e.Journeys = append(e.Journeys, c.app.JourneyOrder...)
	}
	return e
}

// library is what a gate may speak of wherever it is held: the library's scenarios and their tags.
func library(tags map[string][]string) (e gate.Exist) {
	for name, of := range tags {
		e.Scenarios = append(e.Scenarios, name)
		e.Tags = append(e.Tags, of...)
	}
	return e
}

// tellGate prints a gate's result, writes its files if a folder is named, and gives its exit code.
func (s *state) tellGate(g gating, r *gate.Result, format, dir string) error {
	var failures []error
	switch format {
	case "json":
		text, err := r.Encode()
		if err == nil {
			_, err = s.stdout.Write(text)
		}
		failures = append(failures, err)
	case "markdown":
		failures = append(failures, markdown.GateSummary(s.stdout, r))
	case "junit":
		failures = append(failures, junit.WriteGate(s.stdout, r))
	default:
		failures = append(failures, terminal.Gate(terminal.Styled(s.stdout, s.environ), r))
	}
	if g.annotate {
		failures = append(failures, annotation.Gate(s.stdout, r))
	}
	if dir != "" {
		err := reports.WriteGate(s.path(dir), r)
		failures = append(failures, err)
		if err == nil && format == "text" {
			fmt.Fprintf(s.stdout, "  files: %s\n", s.short(filepath.Join(s.path(dir), reports.GateName)))
		}
	}
	code := r.Exit()
	err := errors.Join(failures...)
	if errors.Is(err, syscall.EPIPE) {
		err = nil // the reader has seen enough
	}
	if err != nil {
		code = verdict.WorstExit(code, exitEnvironment)
	}
	if code == exitPass {
		return nil
	}
	return &exitError{code: code, err: err}
}

// gateOf reads the gate of a command line, if there is one, and checks it against what is about to run.
func (s *state) gateOf(g gating, cells []*cell) (*gate.Input, error) {
	if g.file == "" {
		if g.baseline != "" {
			return nil, usage(errors.New("--baseline is for a gate, and none is given"), "add --gate")
		}
		return nil, nil
	}
	in, err := s.loadGate(g)
	if err != nil {
		return nil, err
	}
	for _, c := range cells {
		in.Tags[c.plan.Scenario] = c.plan.Tags
	}
	if err := gate.Check(in.Gate, toExist(in, cells)); err != nil {
		return nil, usage(err, "nothing was run")
	}
	return in, nil
}

// leftToGate reports whether a run's exit code is a matter of its verdict alone: it came to its end, and failed or was in doubt.
func leftToGate(v *verdict.Verdict) bool {
	return v.Ended == history.EndComplete && (v.Verdict == verdict.Fail || v.Verdict == verdict.Inconclusive)
}

// gated holds the runs of cells against a gate. ran is how the runs themselves ended, of which only what is no verdict's counts beside the gate.
func (s *state) gated(g gating, in *gate.Input, cells []*cell, out string, ran error) error {
	if in == nil {
		return ran
	}
	for _, c := range cells {
		if c.verdict != nil && !c.verdict.Run.Control {
			in.Runs = append(in.Runs, c.verdict)
		}
	}
	if len(in.Runs) == 0 {
		return ran
	}
	err := s.tellGate(g, gate.Judge(*in), "text", filepath.Join(out, reports.GateFolder))
	var a, b *exitError
	switch {
	case !errors.As(ran, &a):
		return cmp.Or(err, ran)
	case !errors.As(err, &b):
		return ran
	}
	return &exitError{code: verdict.WorstExit(a.code, b.code), err: errors.Join(a.err, b.err), hint: a.hint}
}
