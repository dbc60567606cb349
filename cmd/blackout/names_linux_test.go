package main

import (
	"slices"
	"testing"

	"blackout/harness/history"
	"blackout/reports/verdict"
)

// TestNames moves the provider to another address under an app that finds it by name, and under two that are hurt by that in their own ways.
func TestNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, app, misbehave string
		code                 int
		verdict, check       string // "" for no finding
		ended                string
	}{
		{"asks anew", "named", "", verdict.ExitPass, verdict.Pass, "", verdict.Exercised},
		{"asks once for ever", "named", "resolves-once", verdict.ExitFail, verdict.Fail, "not-recovered", verdict.Exercised},
		{"goes by an address", "tiny", "", verdict.ExitInconclusive, verdict.NotApplicable, "", verdict.NotUsed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, []string{"MISBEHAVE=" + c.misbehave}, "run", "testdata/tiny/alpha-moves.yaml", "--app", "testdata/"+c.app, "--world", "testdata/tiny/world.yaml")
			p.exits(c.code, whole)
			v := p.ended(history.EndComplete, c.verdict)
			if len(v.Faults) != 1 || v.Faults[0].EndedAs != c.ended {
				t.Errorf("faults %+v, want one that ended as %s", v.Faults, c.ended)
			}
			if i := slices.IndexFunc(v.Findings, func(f verdict.Finding) bool { return f.Class != verdict.Warning }); i >= 0 && v.Findings[i].Check != c.check || i < 0 && c.check != "" {
				t.Errorf("findings %+v, want %q", v.Findings, c.check)
			}
			if len(v.UnmodelledHosts) > 0 {
				t.Errorf("unmodelled hosts %q", v.UnmodelledHosts)
			}
			h, err := history.ReadFolder(p.folder())
			if err != nil {
				t.Fatal(err)
			}
			answers := map[string]bool{}
			for _, l := range h.Lookups {
				if l.Host != "mainnet.infura.io" {
					t.Errorf("a look-up of %s", l.Host)
				}
				if l.Kind == "" {
					answers[l.Answer] = true
				}
			}
			want := map[string]int{"asks anew": 2, "asks once for ever": 1}[c.name] // the old address and the new one
			if len(answers) != want {
				t.Errorf("the app was told %v, want %d addresses", answers, want)
			}
			p.leavesNothing()
		})
	}
}
