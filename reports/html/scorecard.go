package html

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"

	"blackout/reports/scorecard"
	"blackout/reports/verdict"
)

//go:embed scorecard.html.tmpl
var scorecardText string

//go:embed scorecard.css
var scorecardStyle string

var scorecardPage = template.Must(template.New("scorecard").Funcs(template.FuncMap{
	"css":   func() template.CSS { return template.CSS(style + scorecardStyle) },
	"score": score, "shade": shade, "letter": scorecard.Letter, "mark": mark, "day": scorecard.Day, "percentOf": func(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) },
	"arithmetic": func(c scorecard.SeedCell) string { return arithmetic(verdict.Cell{Score: c.Score, Sum: c.Sum}) },
}).Parse(scorecardText))

// scorecardView is what the template of scorecards reads.
type scorecardView struct {
	Cards     []cardView
	Scenarios []string // of all cards: the columns of the table at the top
	Suite     string   // when all cards are of one
}

type cardView struct {
	scorecard.Card
	At        string // the part of the page
	Overview  []*scorecard.Scenario
	Rows      []cardRow
	Uncounted []string // scenarios without a score
}

// cardRow is one scenario: for each journey of the card its cell, nil where the scenario's runs did not have it.
type cardRow struct {
	scorecard.Scenario
	Cells []*scorecard.Journey
}

// Scorecard writes cards as one page: no script, no network, light and dark, printable.
func Scorecard(w io.Writer, cards []scorecard.Card) error {
	var v scorecardView
	for i, c := range cards {
		if i == 0 {
			v.Suite = c.Suite
		} else if c.Suite != v.Suite {
			v.Suite = ""
		}
		for _, s := range c.Scenarios {
			if !slices.Contains(v.Scenarios, s.Name) {
				v.Scenarios = append(v.Scenarios, s.Name)
			}
		}
	}
	for i := range cards {
		v.Cards = append(v.Cards, viewOf(&cards[i], fmt.Sprintf("app-%d", i+1), v.Scenarios))
	}
	if err := scorecardPage.Execute(w, v); err != nil {
		return fmt.Errorf("write the scorecard: %w", err)
	}
	return nil
}

func viewOf(c *scorecard.Card, at string, scenarios []string) cardView {
	v := cardView{Card: *c, At: at}
	for _, name := range scenarios {
		i := slices.IndexFunc(c.Scenarios, func(s scorecard.Scenario) bool { return s.Name == name })
		if i < 0 {
			v.Overview = append(v.Overview, nil)
			continue
		}
		v.Overview = append(v.Overview, &c.Scenarios[i])
	}
	journeys := c.Columns()
	for i := range c.Scenarios {
		s := &c.Scenarios[i]
		row := cardRow{Scenario: *s}
		for _, name := range journeys {
			row.Cells = append(row.Cells, s.Journey(name))
		}
		v.Rows = append(v.Rows, row)
		if s.Score == nil {
			v.Uncounted = append(v.Uncounted, s.Name)
		}
	}
	return v
}

// shade is the class of a cell's colour.
func shade(score *int) string {
	if score == nil {
		return "h-none"
	}
	return "h-" + scorecard.Letter(score)
}

// mark stands beside what misleads or harms, so that no colour is needed to see it.
func mark(worst verdict.Class) string {
	switch worst {
	case verdict.Wrong:
		return "✗ "
	case verdict.Harmful:
		return "‼ "
	}
	return ""
}
