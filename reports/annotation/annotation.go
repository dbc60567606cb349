// Package annotation writes what does not hold as workflow commands of GitHub Actions, which a job's page and the files' view of a pull request show.
package annotation

import (
	"fmt"
	"io"
	"strings"

	"blackout/reports/gate"
)

// Most is how many annotations of one level GitHub shows of one step; it drops the rest without a word.
const Most = 10

// longest is how much of a message is written, in characters: GitHub cuts at 4 KiB.
const longest = 1000

type note struct{ title, message string }

// Gate writes at most ten annotations, the worst first. When there is more to say, the tenth says how much.
func Gate(w io.Writer, r *gate.Result) error {
	notes := list(r)
	hidden := 0
	if len(notes) > Most {
		hidden = len(notes) - (Most - 1)
		notes = notes[:Most-1]
	}
	var out strings.Builder
	for _, n := range notes {
		fmt.Fprintf(&out, "::error title=%s::%s\n", property(n.title), data(clipped(n.message)))
	}
	if hidden > 0 {
		fmt.Fprintf(&out, "::error title=%s::%d more, see the job's summary\n", property("Blackout gate "+r.Gate), hidden)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func list(r *gate.Result) (notes []note) {
	for _, waiver := range r.Waivers {
		if waiver.State == gate.Expired {
			notes = append(notes, note{"waiver of " + waiver.Rule, "expired on " + waiver.Until + ": mend what it excuses and take it out, or renew it"})
		}
	}
	for _, f := range r.Checks {
		if f.New {
			notes = append(notes, note{"new since the baseline: " + f.Check, f.Title() + "\n" + f.Sight.String()})
		}
	}
	for _, result := range []string{gate.Fail, gate.NotKnown} {
		for _, rule := range r.Rules {
			for _, p := range rule.Points {
				if p.Result != result {
					continue
				}
				text := fmt.Sprintf("%s: %s, expected %s", p.Title(), p.Found, rule.Expected)
				if len(p.Evidence) > 0 {
					text += "\n" + p.Evidence[0].String()
				}
				notes = append(notes, note{"gate " + r.Gate + ", rule " + rule.ID, text})
			}
		}
	}
	return notes
}

func clipped(text string) string {
	if r := []rune(text); len(r) > longest {
		return string(r[:longest-1]) + "…"
	}
	return text
}

// data and property escape as actions/toolkit does (packages/core/src/command.ts).
func data(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

func property(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(text)
}
