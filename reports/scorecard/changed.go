package scorecard

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Changed is what differs from an earlier scorecard of the same app. Before is the earlier card, After this one.
type Changed struct {
	Since string `json:"since"` // when the newest run of the earlier card began; "" when it does not say
	// Notes say what could not be compared, each a sentence.
	Notes    []string      `json:"notes"`
	Score    *Scores       `json:"score,omitempty"` // each of these three is left out when it is the same
	Grade    *Words        `json:"grade,omitempty"`
	Severity *Words        `json:"severity,omitempty"`
	Versions []VersionStep `json:"versions"`
	Cells    []CellChange  `json:"cells"`
	Found    []Found       `json:"found"` // by a check that did not speak in a scenario that the earlier card has a score of
	Gone     []Found       `json:"gone"`  // from a scenario that this card has a score of
}

// Scores are a score before and after; null is none.
type Scores struct {
	Before *int `json:"before"`
	After  *int `json:"after"`
}

// Words are a word before and after.
type Words struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// VersionStep is a version that is another; several of one name are joined by "and", "" is none.
type VersionStep struct {
	Name string `json:"name"` // blackout, app, or a library
	Words
}

// CellChange is a cell with another score or another worst class. A class of "" says that there was no such cell.
type CellChange struct {
	Scenario string `json:"scenario"`
	Journey  string `json:"journey"`
	Score    Scores `json:"score"`
	Worst    Words  `json:"worst"`
}

// Found is a check that spoke of a cell.
type Found struct {
	Scenario string `json:"scenario"`
	Journey  string `json:"journey"`
	Check    string `json:"check"`
}

func (f Found) String() string { return f.Check + " in " + f.Journey + " under " + f.Scenario }

// Since sets what changed in each card since an earlier scorecard.
func Since(cards, earlier []Card) {
	for i := range cards {
		at := slices.IndexFunc(earlier, func(c Card) bool { return c.App == cards[i].App })
		if at < 0 {
			cards[i].Changed = unchanged("")
			cards[i].Changed.Notes = append(cards[i].Changed.Notes, "The earlier scorecard does not have this app.")
			continue
		}
		cards[i].Changed = changed(&earlier[at], &cards[i])
	}
}

func unchanged(since string) *Changed {
	return &Changed{Since: since, Notes: []string{}, Versions: []VersionStep{}, Cells: []CellChange{}, Found: []Found{}, Gone: []Found{}}
}

func changed(before, after *Card) *Changed {
	c := unchanged(before.NewestRun)
	if before.Suite != after.Suite {
		c.Notes = append(c.Notes, fmt.Sprintf("The earlier card is of %s, this one of %s: the scores do not compare.", suite(before), suite(after)))
	}
	if value(before.Score) != value(after.Score) {
		c.Score = &Scores{before.Score, after.Score}
	}
	c.Grade, c.Severity = words(before.Grade, after.Grade), words(before.Severity, after.Severity)
	c.versions(before, after)
	c.cells(before, after)
	c.checks(before, after)
	return c
}

func suite(c *Card) string {
	if c.Suite == "" {
		return "no suite"
	}
	return "suite " + c.Suite
}

func words(before, after string) *Words {
	if before == after {
		return nil
	}
	return &Words{before, after}
}

func (c *Changed) versions(before, after *Card) {
	step := func(name string, before, after []string) {
		if w := words(strings.Join(before, " and "), strings.Join(after, " and ")); w != nil {
			c.Versions = append(c.Versions, VersionStep{name, *w})
		}
	}
	if before.Versions.Blackout == nil {
		return // written before versions were kept
	}
	step("blackout", before.Versions.Blackout, after.Versions.Blackout)
	step("app", before.Versions.App, after.Versions.App)
	names := maps.Clone(after.Versions.Libraries)
	maps.Copy(names, before.Versions.Libraries)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		step(name, before.Versions.Libraries[name], after.Versions.Libraries[name])
	}
}

func (c *Changed) cells(before, after *Card) {
	type key struct{ scenario, journey string }
	var order []key
	found := func(card *Card) map[key]*Journey {
		at := map[key]*Journey{}
		for _, s := range card.Scenarios {
			for i := range s.Journeys {
				k := key{s.Name, s.Journeys[i].Name}
				at[k] = &s.Journeys[i]
				if !slices.Contains(order, k) {
					order = append(order, k)
				}
			}
		}
		return at
	}
	now, then := found(after), found(before)
	none := &Journey{}
	for _, k := range order {
		a, b := then[k], now[k]
		if a == nil {
			a = none
		}
		if b == nil {
			b = none
		}
		if value(a.Score) != value(b.Score) || a.Worst != b.Worst {
			c.Cells = append(c.Cells, CellChange{k.scenario, k.journey, Scores{a.Score, b.Score}, Words{string(a.Worst), string(b.Worst)}})
		}
	}
}

// checks are new, or gone, only where both cards looked: what was not run found nothing, and lost nothing.
func (c *Changed) checks(before, after *Card) {
	if before.Facts == nil {
		c.Notes = append(c.Notes, "The earlier scorecard does not list its findings: which are new is not known.")
		return
	}
	c.Found, c.Gone = beyond(after, before), beyond(before, after)
}

// beyond lists what a card found and another, which has a score of the scenario, did not.
func beyond(card, other *Card) []Found {
	list := []Found{}
	for i := range card.Facts {
		f := card.Facts[i].cell()
		looked := slices.ContainsFunc(other.Scenarios, func(s Scenario) bool { return s.Name == f.Scenario && s.Score != nil })
		known := slices.ContainsFunc(other.Facts, func(o Fact) bool { return o.cell() == f })
		if looked && !known && !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return list
}

// None says that nothing differs and everything was compared.
func (c *Changed) None() bool { return len(c.Lines()) == 0 }

// Lines tell the changes to people, the notes first, each a sentence without its full stop.
func (c *Changed) Lines() []string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, n := range c.Notes {
		add("%s", strings.TrimSuffix(n, "."))
	}
	if c.Grade != nil {
		add("grade %s → %s", c.Grade.Before, c.Grade.After)
	}
	if c.Score != nil {
		add("score %s", c.Score)
	}
	if c.Severity != nil {
		add("severity %s → %s", c.Severity.Before, c.Severity.After)
	}
	for _, v := range c.Versions {
		add("%s %s → %s", v.Name, orNone(v.Before), orNone(v.After))
	}
	for _, f := range c.Found {
		add("newly found: %s", f)
	}
	for _, f := range c.Gone {
		add("gone: %s", f)
	}
	for _, x := range c.Cells {
		line := fmt.Sprintf("%s in %s: ", x.Scenario, x.Journey)
		switch {
		case x.Worst.Before == "":
			line += fmt.Sprintf("not run → %s, worst %s", number(x.Score.After), x.Worst.After)
		case x.Worst.After == "":
			line += fmt.Sprintf("%s, worst %s → not run", number(x.Score.Before), x.Worst.Before)
		case x.Worst.Before == x.Worst.After:
			line += fmt.Sprintf("%s, worst %s as before", &x.Score, x.Worst.After)
		default:
			line += fmt.Sprintf("%s, worst %s → %s", &x.Score, x.Worst.Before, x.Worst.After)
		}
		lines = append(lines, line)
	}
	return lines
}

// String is the step: "81 → 76", or the score alone when it is the same.
func (s *Scores) String() string {
	if value(s.Before) == value(s.After) {
		return number(s.After)
	}
	return number(s.Before) + " → " + number(s.After)
}

func number(score *int) string {
	if score == nil {
		return "none"
	}
	return fmt.Sprint(*score)
}

func orNone(word string) string {
	if word == "" {
		return "none"
	}
	return word
}
