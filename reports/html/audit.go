package html

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"blackout/reports/audit"
)

//go:embed audit.html.tmpl
var auditText string

//go:embed audit.css
var auditStyle string

var auditPage = template.Must(template.New("audit").Funcs(template.FuncMap{
	"css": func() template.CSS { return template.CSS(style + auditStyle) }, "join": strings.Join, "share": audit.Percent, "rules": audit.Rules, "place": audit.KnownFrom,
}).Parse(auditText))

// auditView is what the template of an audit reads.
type auditView struct {
	A       *audit.Audit
	Doubt   string
	Points  int
	Unknown []string
	Among   string // "3 services and 7 regions": what was taken away
	Picture template.HTML
	Rows    []auditRow
	Holders []holder
}

// auditRow is one thing that was taken away: for each journey of the audit what became of it, nil where the run did not have it.
type auditRow struct {
	Experiment audit.Experiment
	Outcomes   []*audit.Outcome
}

// holder is one of the largest hands.
type holder struct {
	What string
	Of   *audit.Holder
}

// Audit writes an audit as one page: no script, no network, light and dark, printable.
func Audit(w io.Writer, a *audit.Audit) error {
	services, regions, unknown := a.Counts()
	v := auditView{A: a, Doubt: a.Doubt(), Points: len(a.SinglePoints), Unknown: unknown, Among: audit.CountedTaken(services, regions), Picture: auditPicture(a)}
	for _, x := range a.Experiments {
		row := auditRow{Experiment: x}
		for _, j := range a.Journeys {
			var found *audit.Outcome
			for i := range x.Journeys {
				if x.Journeys[i].Journey == j.Journey {
					found = &x.Journeys[i]
				}
			}
			row.Outcomes = append(row.Outcomes, found)
		}
		v.Rows = append(v.Rows, row)
	}
	for _, h := range []holder{{"provider", a.Concentration.Provider}, {"cloud", a.Concentration.Cloud}, {"region", a.Concentration.Region}} {
		if h.Of != nil {
			v.Holders = append(v.Holders, h)
		}
	}
	if err := auditPage.Execute(w, v); err != nil {
		return fmt.Errorf("write the audit: %w", err)
	}
	return nil
}

// Percent is the share in percent, for the width of a bar.
func (h holder) Percent() float64 { return 100 * h.Of.Share }
