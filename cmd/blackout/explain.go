package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"blackout/harness/fault"
	"blackout/harness/spec"
	"blackout/scenarios"
)

func (s *state) explainCommand() *cobra.Command {
	var f files
	c := &cobra.Command{
		Use: "explain SCENARIO|FAULT", Short: "Explain a scenario or a fault: what happens, and how that is known",
		Example: `  blackout explain aws-us-east-1-down
  blackout explain connection-refused`,
		Args: words(1, 1, "one scenario or fault"),
		RunE: func(c *cobra.Command, names []string) error {
			if d, ok := fault.Lookup(names[0]); ok {
				s.explainFault(d)
				return nil
			}
			scenario, err := s.loadScenario(f, names[0])
			var unknown *scenarios.Unknown
			if errors.As(err, &unknown) {
				err = fmt.Errorf("there is no scenario and no fault %q", names[0])
				if near := spec.Suggest(names[0], slices.Concat(scenarios.Names(spec.KindScenario), faultNames())); near != "" {
					return usage(fmt.Errorf("%w: %s", err, near), "")
				}
			}
			if err != nil {
				return usage(err, `"blackout list" shows the scenarios, "blackout list faults" the faults`)
			}
			s.explainScenario(scenario)
			return nil
		},
	}
	f.flags(c.Flags())
	return c
}

func faultNames() (names []string) {
	for _, d := range fault.All() {
		names = append(names, d.Name)
	}
	return names
}

func (s *state) explainFault(d *fault.Definition) {
	fmt.Fprintf(s.stdout, "%s — %s\n\n%s\n", d.Name, d.Summary, fill(d.Doc, 80))
	fmt.Fprintf(s.stdout, "\nlayer     %s; a share is of %s\nacts on   %s\n", d.Layer, d.Layer.Unit(), strings.Join(d.Kinds, ", "))
	if len(d.Params) > 0 {
		fmt.Fprintln(s.stdout, "\nwith:")
		for _, p := range d.Params {
			note := ""
			switch {
			case p.Required:
				note = "required"
			case p.Default != nil:
				note = fmt.Sprintf("default %v", p.Default)
			}
			fmt.Fprintf(s.stdout, "  %-12s %-9s %-14s %s\n", p.Name, p.Type, note, p.Doc)
		}
	}
	if d.Incident != "" {
		fmt.Fprintf(s.stdout, "\n%s\n", fill("seen in: "+d.Incident, 80))
	}
}

func (s *state) explainScenario(sc *spec.Scenario) {
	fmt.Fprintf(s.stdout, "%s\n\n%s\n", sc.Name, fill(sc.About, 80))
	if sc.Incident != nil {
		fmt.Fprintf(s.stdout, "\nIt follows the incident of %s", sc.Incident.Date)
		if sc.Incident.Lasted > 0 {
			fmt.Fprintf(s.stdout, ", which lasted %s", short(sc.Incident.Lasted))
		}
		fmt.Fprintln(s.stdout, ".")
		for _, source := range sc.Incident.Sources {
			fmt.Fprintf(s.stdout, "  source: %s (%s)\n", source.URL, source.KnownFrom)
		}
	}
	fmt.Fprintf(s.stdout, "\nbaseline %s, then:\n", short(sc.Baseline))
	for _, p := range sc.Phases {
		truth := ""
		if p.Lasted > 0 {
			truth = fmt.Sprintf(" (%s in truth)", short(p.Lasted))
		}
		fmt.Fprintf(s.stdout, "  at %s for %s: %s%s\n", short(p.At), short(p.For), p.Name, truth)
		for _, u := range p.Faults {
			fmt.Fprintf(s.stdout, "      %s\n", strings.ReplaceAll(fill(use(u), 80-8), "\n", "\n        "))
		}
	}
	fmt.Fprintf(s.stdout, "after %s\n", short(sc.After))
	kinds := make([]string, 0, len(sc.Expect))
	for kind, class := range sc.Expect {
		kinds = append(kinds, kind+" "+class)
	}
	sort.Strings(kinds)
	if len(kinds) > 0 {
		fmt.Fprintf(s.stdout, "the best that any app can do: %s\n", strings.Join(kinds, ", "))
	}
	if sc.ExercisedBy != "" {
		fmt.Fprintf(s.stdout, "an app that comes through well: %s\n", sc.ExercisedBy)
	}
}

// use writes one fault of a phase as a person would say it.
func use(u spec.FaultUse) string {
	text := u.Fault
	for _, name := range sortedKeys(u.With) {
		text += fmt.Sprintf(" %s %v", name, u.With[name])
	}
	targets := make([]string, len(u.Targets))
	for i, t := range u.Targets {
		targets[i] = t.String()
	}
	text += " on " + strings.Join(targets, " and on ")
	if u.Share != (spec.Share{From: 1, To: 1}) {
		text += fmt.Sprintf(", share %.0f %%", 100*u.Share.From)
		if u.Share.From != u.Share.To {
			way := "rising"
			if u.Share.To < u.Share.From {
				way = "falling"
			}
			text += fmt.Sprintf(" %s to %.0f %%", way, 100*u.Share.To)
		}
	}
	if u.Flap != nil {
		text += fmt.Sprintf(", %s bad and %s good in turn", short(u.Flap.Bad), short(u.Flap.Good))
	}
	return text
}

// short writes 2h52m0s as 2h52m.
func short(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = strings.TrimSuffix(text, zero[1:])
		}
	}
	return text
}

// fill breaks a paragraph into lines of at most so many columns.
func fill(text string, width int) string {
	var out strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		if i > 0 {
			if column+1+utf8.RuneCountInString(word) > width {
				out.WriteByte('\n')
				column = 0
			} else {
				out.WriteByte(' ')
				column++
			}
		}
		out.WriteString(word)
		column += utf8.RuneCountInString(word)
	}
	return out.String()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
