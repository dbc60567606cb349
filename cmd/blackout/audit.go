package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/charmbracelet/colorprofile"
	"github.com/spf13/cobra"

	"blackout/harness/history"
	"blackout/reports"
	"blackout/reports/audit"
	"blackout/reports/terminal"
	"blackout/reports/verdict"
)

// auditOrder is what the command line asks for.
type auditOrder struct {
	files
	place
	app      string
	out      string
	take     []string
	calm     bool // no experiments
	asJSON   bool
	parallel int
}

func (s *state) auditCommand() *cobra.Command {
	var o auditOrder
	c := &cobra.Command{
		Use:   "audit --app APP | RUN…",
		Short: "Map what an app depends on, and find its single points of failure",
		Long: `Audit first runs the app without faults: each service that it asks, where that
stands, and its share of the requests. Of an app with several journeys each is
also run alone, which tells the requests of one from those of another. Then each
service and each region that the app was seen to use is taken away, one a run,
and audit says which journeys live through it. A run that tells nothing, because
the machine was busy or luck spared the app, is made once more by the next seed.

The folder of the audit holds audit.html, audit.json, the runs, and the
scenarios that they were made by. Given the folders of runs instead of an app,
audit makes no run: it tells what these show.

Exit status: 0 when the audit could be made, whatever it found, 3 when the run
without faults did not pass, 2 a usage or file error (nothing ran), 4 the
environment, 130 interrupted: what was measured until then is reported.`,
		Example: `  blackout audit --app scenarios/apps/wallet-single
  blackout audit --app ./app.yaml --world ./world.yaml --parallel 2
  blackout audit --app ./app.yaml --take infura --take aws/us-east-1
  blackout audit --app ./app.yaml --no-experiments --json > audit.json
  blackout audit audits/my-wallet/*/runs/*/*`,
		RunE: func(c *cobra.Command, dirs []string) error {
			switch {
			case o.app == "" && len(dirs) == 0:
				return usage(errors.New("no app and no run is given"), "add --app with the path of an app.yaml, or name the folders of runs")
			case o.app != "" && len(dirs) > 0:
				return usage(fmt.Errorf("--app makes new runs, and %q is one that there is", dirs[0]), "leave out one of the two")
			case o.calm && len(o.take) > 0:
				return usage(errors.New("--no-experiments takes nothing away, and --take does"), "leave out one of the two")
			case o.parallel < 1:
				return usage(fmt.Errorf("--parallel %d: it takes at least 1", o.parallel), "")
			case len(dirs) > 0:
				out := ""
				if c.Flags().Changed("out") {
					out = o.out
				}
				return s.auditRuns(dirs, out, o.asJSON)
			}
			if err := o.check(); err != nil {
				return err
			}
			return s.auditApp(c.Context(), o)
		},
	}
	o.files.flags(c.Flags())
	o.place.flags(c.Flags())
	c.Flags().StringVar(&o.app, "app", "", "the app: its app.yaml or the `folder` of it")
	c.Flags().StringVar(&o.out, "out", "audits", "the `folder` for the audit's folder; of existing runs, the folder for audit.html and audit.json")
	c.Flags().StringArrayVar(&o.take, "take", nil, "take away only this service or region, by its `name`, used or not (repeatable)")
	c.Flags().BoolVar(&o.calm, "no-experiments", false, "make the map only, and take nothing away")
	c.Flags().BoolVar(&o.asJSON, "json", false, "print audit.json instead of text")
	c.Flags().IntVar(&o.parallel, "parallel", 1, "the `number` of runs that go on at once, each in a process of its own")
	return c
}

// auditRuns makes an audit of runs that there are.
func (s *state) auditRuns(dirs []string, out string, asJSON bool) error {
	var runs []*audit.Evidence
	var problems []error
	for _, dir := range dirs {
		e, err := reports.Audited(s.path(dir))
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", dir, err))
			continue
		}
		runs = append(runs, e)
	}
	if len(problems) > 0 {
		return usage(errors.Join(problems...), "a run's folder holds history.jsonl.gz, or history.jsonl while the run goes on")
	}
	a, err := audit.Make(runs)
	if err != nil {
		return usage(err, "")
	}
	return s.tellAudit(a, out, asJSON)
}

// tellAudit writes an audit into a folder, if one is given, and prints it.
func (s *state) tellAudit(a *audit.Audit, out string, asJSON bool) error {
	page := ""
	if out != "" {
		if err := errors.Join(os.MkdirAll(s.path(out), 0o755), reports.WriteAudit(s.path(out), a)); err != nil {
			return &exitError{code: exitEnvironment, err: err}
		}
		page = s.short(filepath.Join(s.path(out), reports.AuditHTMLName))
	}
	if err := s.printAudit(a, page, asJSON); err != nil {
		return err
	}
	switch doubt := a.Doubt(); {
	case doubt == "":
		return nil
	case asJSON: // the text says it itself
		return &exitError{code: verdict.ExitInconclusive, err: fmt.Errorf("the audit rests on nothing: %s", doubt)}
	default:
		return &exitError{code: verdict.ExitInconclusive}
	}
}

func (s *state) printAudit(a *audit.Audit, page string, asJSON bool) error {
	if !asJSON {
		return terminal.Audit(terminal.Styled(s.stdout, s.environ), a, page)
	}
	text, err := a.Encode()
	if err != nil {
		return err
	}
	_, err = s.stdout.Write(text)
	return err
}

// auditing is an audit whose runs are being made.
type auditing struct {
	*state
	auditOrder
	dir    string
	made   []string             // folders above it that were not there, the innermost first
	show   *colorprofile.Writer // where progress is told
	ground ground

	cells       []*cell // that had their turn
	interrupted bool
}

// auditApp makes the runs of an audit, and the audit of them.
//
//	without faults ─▶ what the app uses ─▶ each of it taken away ─▶ audit
func (s *state) auditApp(ctx context.Context, o auditOrder) (err error) {
	u := &auditing{state: s, auditOrder: o, show: terminal.Styled(s.stdout, s.environ)}
	if o.asJSON {
		u.show = terminal.Styled(s.stderr, s.environ)
	}
	if err := u.open(); err != nil {
		return err
	}
	calm, lasts, err := u.calmCells()
	var away []*cell
	var last time.Duration
	if err == nil && len(o.take) > 0 {
		away, last, err = u.named(calm[0])
	}
	leave := func() error { return nil }
	if err == nil {
		if leave, err = s.ground(ctx, o.place, calm); err == nil {
			u.ground = calm[0].ground
		}
	}
	defer func() { err = errors.Join(err, leaving(leave())) }()
	if err != nil {
		return errors.Join(err, u.undo())
	}
	u.announce(calm, lasts, "without faults")
	if err := u.play(ctx, calm); err != nil {
		return u.end(nil, err)
	}
	a, err := u.audit()
	if err == nil && a != nil && a.Doubt() == "" && !u.interrupted && !o.calm {
		if len(o.take) == 0 {
			var cannot error
			if away, last, cannot = u.cellsOf(calm[0], a.Suspects()); cannot != nil {
				fmt.Fprintf(s.stderr, "Not all could be taken away: %v\n", cannot)
			}
		}
		if len(away) > 0 {
			u.announce(away, last, "with one service or region taken away")
			if err = u.play(ctx, away); err == nil {
				a, err = u.audit()
			}
		}
	}
	return u.end(a, err)
}

// open makes the audit's folder.
func (u *auditing) open() error {
	app, err := u.loadApp(u.files, u.app)
	if err != nil {
		return usage(err, "")
	}
	salt := make([]byte, 2)
	if _, err := rand.Read(salt); err != nil {
		return err
	}
	id := fmt.Sprintf("%s-audit-s%d-%s", u.clock.Time(u.clock.Now()).UTC().Format("20060102T150405Z"), u.seed, hex.EncodeToString(salt))
	u.dir = filepath.Join(u.path(u.out), app.Name, id)
	for _, dir := range []string{filepath.Dir(u.dir), u.path(u.out)} {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			u.made = append(u.made, dir)
		}
	}
	if err := os.MkdirAll(filepath.Join(u.dir, "scenarios"), 0o755); err != nil {
		return &exitError{code: exitEnvironment, err: err}
	}
	return nil
}

// undo takes the audit's folder away, of which nothing ran, and those above it that are empty now and were not there before.
func (u *auditing) undo() error {
	err := os.RemoveAll(u.dir)
	for _, dir := range u.made {
		_ = os.Remove(dir) // another audit may have come there meanwhile
	}
	return err
}

// calmCells are the runs without faults: all journeys together first, then each alone.
func (u *auditing) calmCells() (cells []*cell, lasts time.Duration, err error) {
	app, err := u.loadApp(u.files, u.app)
	if err != nil {
		return nil, 0, usage(err, "")
	}
	control := audit.Control(app)
	c, err := u.cellBy(u.files, control)
	if err != nil {
		return nil, 0, err
	}
	cells, lasts = append(cells, c), control.Lasts
	journeys := c.plan.Journeys
	if len(journeys) == 1 {
		return cells, lasts, nil
	}
	for _, j := range journeys {
		alone, overlay := audit.Alone(app, j.Name)
		path, err := u.write(overlay)
		if err != nil {
			return nil, 0, err
		}
		f := u.files
		f.overlays = append(append([]string{}, f.overlays...), path)
		f.set = audit.SetsOf(f.set, j.Name)
		if c, err = u.cellBy(f, alone); err != nil {
			return nil, 0, err
		}
		cells, lasts = append(cells, c), max(lasts, alone.Lasts)
	}
	return cells, lasts, nil
}

// named are the runs that --take asks for.
func (u *auditing) named(control *cell) ([]*cell, time.Duration, error) {
	var list []audit.Taken
	var problems []error
	for _, name := range u.take {
		t, err := audit.Named(control.world, name)
		if err != nil {
			problems = append(problems, fmt.Errorf("--take %s: %w", name, err))
		}
		list = append(list, t)
	}
	if len(problems) > 0 {
		return nil, 0, usage(errors.Join(problems...), "")
	}
	return u.cellsOf(control, list)
}

// cellsOf are the runs that take something away, one thing each. The error says which cannot be planned.
func (u *auditing) cellsOf(control *cell, list []audit.Taken) (cells []*cell, lasts time.Duration, err error) {
	var problems []error
	for _, t := range list {
		f := t.Scenario(control.plan)
		c, err := u.cellBy(u.files, f)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		cells, lasts = append(cells, c), max(lasts, f.Lasts)
	}
	if len(problems) > 0 {
		err = usage(distinct(problems...), "")
	}
	return cells, lasts, err
}

// cellBy is the run by a scenario, which is written into the audit's folder.
func (u *auditing) cellBy(f files, of audit.File) (*cell, error) {
	path, err := u.write(of)
	if err != nil {
		return nil, err
	}
	c, err := u.cell(f, rounds{}, u.app, path)
	if err != nil {
		return nil, usage(err, "")
	}
	return c, nil
}

func (u *auditing) write(f audit.File) (string, error) {
	path := filepath.Join(u.dir, "scenarios", f.Name)
	if err := os.WriteFile(path, f.Text, 0o644); err != nil {
		return "", &exitError{code: exitEnvironment, err: err}
	}
	return path, nil
}

// announce says how many runs come, and about how long they take.
func (u *auditing) announce(cells []*cell, lasts time.Duration, what string) {
	turns := (len(cells) + u.parallel - 1) / u.parallel
	fmt.Fprintf(u.show, "Audit of %s: %d runs %s, %d at once, about %s. They go to\n%s\n",
		cells[0].plan.App, len(cells), what, min(u.parallel, len(cells)), (time.Duration(turns) * lasts).Round(10*time.Second), u.short(filepath.Join(u.dir, "runs")))
}

// play makes runs. Those that told nothing, though they came to their end, are made once more, alone and by the next seed: the machine was busy, or by what was drawn the
// app had nothing where something was taken away.
func (u *auditing) play(ctx context.Context, cells []*cell) error {
	turn := func(cells []*cell, parallel int) {
		for _, c := range cells {
			c.ground = u.ground
		}
		u.interrupted = u.playShown(ctx, cells, filepath.Join(u.dir, "runs"), parallel, u.show)
		u.cells = append(u.cells, cells...)
	}
	turn(cells, u.parallel)
	var again []*cell
	for _, c := range cells {
		if !c.ended() || c.verdict.Verdict != verdict.Inconclusive {
			continue
		}
		f := c.files
		f.seed++
		next, err := u.cell(f, rounds{}, u.app, c.scenario)
		if err != nil {
			return err
		}
		again = append(again, next)
	}
	if len(again) > 0 && !u.interrupted {
		fmt.Fprintf(u.show, "%d of the runs told nothing. They are made once more, by the seed %d.\n", len(again), u.seed+1)
		turn(again, 1)
	}
	return nil
}

// ended reports whether the run came to its end.
func (c *cell) ended() bool {
	return c.err == nil && c.verdict != nil && c.verdict.Ended == history.EndComplete
}

// audit is the audit of the runs that came to their end; nil without any.
func (u *auditing) audit() (*audit.Audit, error) {
	var runs []*audit.Evidence
	for _, c := range u.cells {
		if !c.ended() {
			continue
		}
		e, err := reports.Audited(c.dir)
		if err != nil {
			return nil, err
		}
		runs = append(runs, e)
	}
	if len(runs) == 0 {
		return nil, nil
	}
	return audit.Make(runs)
}

// end reports the audit, and gives the exit code: that of the gravest run of which there is nothing to audit, or what tellAudit says.
func (u *auditing) end(a *audit.Audit, err error) error {
	if err != nil {
		return &exitError{code: exitEnvironment, err: err}
	}
	var failures []error
	codes := []int{exitPass}
	for _, c := range u.cells {
		switch code := c.code(u.interrupted); {
		case c.ended():
		case c.err != nil:
			failures, codes = append(failures, fmt.Errorf("%s: %w", c.plan.Scenario, c.err)), append(codes, code)
		case c.verdict != nil && code == exitEnvironment:
			failures, codes = append(failures, fmt.Errorf("%s: %s", c.plan.Scenario, strings.Join(c.verdict.Reasons, "; "))), append(codes, code)
		default:
			codes = append(codes, code)
		}
	}
	if a != nil {
		var e *exitError
		if err := u.tellAudit(a, u.dir, u.asJSON); errors.As(err, &e) {
			codes = append(codes, e.code)
			if e.err != nil {
				failures = append(failures, e.err)
			}
		} else if err != nil && !errors.Is(err, syscall.EPIPE) {
			failures, codes = append(failures, err), append(codes, exitEnvironment)
		}
	}
	if code := verdict.WorstExit(codes...); code != exitPass {
		return &exitError{code: code, err: errors.Join(failures...)}
	}
	return nil
}
