package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"blackout/harness/spec"
	"blackout/reports"
	"blackout/reports/badge"
	"blackout/reports/html"
	"blackout/reports/markdown"
	"blackout/reports/scorecard"
	"blackout/reports/verdict"
)

// cardFormats are what a scorecard is written as.
var cardFormats = []string{"markdown", "json", "html", "badge", "card"}

func (s *state) scorecardCommand() *cobra.Command {
	var suiteName, since, format, out, publish string
	c := &cobra.Command{
		Use:   "scorecard DIR…",
		Short: "Put the verdicts of many runs together",
		Long: `Scorecard finds every verdict.json below the given folders and makes a card
for each app: its scenarios and journeys with their scores, one letter, and
the facts that made it.

With --since each card also says what changed since an earlier scorecard.json.
With --publish the page, its data and a badge and a card for each app are
written into one folder.`,
		Example: `  blackout scorecard runs
  blackout scorecard runs --suite standard --format html --out scorecard.html
  blackout scorecard runs --suite standard --since last.json --publish public
  blackout scorecard runs/my-app --format badge --out badge.svg`,
		Args: words(1, 0, "a folder with runs"),
		RunE: func(c *cobra.Command, dirs []string) error {
			if !slices.Contains(cardFormats, format) {
				return usage(fmt.Errorf("there is no format %q", format), "the formats are: "+strings.Join(cardFormats, ", "))
			}
			if publish != "" && (out != "" || c.Flags().Changed("format")) {
				return usage(errors.New("--publish writes every format, under names of its own"), "leave --format and --out away")
			}
			cards, err := s.cards(dirs, suiteName, since)
			if err != nil {
				return err
			}
			if publish != "" {
				return s.publish(s.path(publish), publish, cards)
			}
			var text bytes.Buffer
			if err := writeCards(&text, format, cards); err != nil {
				return err
			}
			w, closed, err := s.output(out)
			if err != nil {
				return err
			}
			defer closed()
			_, err = w.Write(text.Bytes())
			return err
		},
	}
	c.Flags().StringVar(&suiteName, "suite", "", "the suite whose scenarios and weights count: a name from the library, or a `file`")
	c.Flags().StringVar(&since, "since", "", "say what changed since an earlier scorecard.json, a `file`")
	c.Flags().StringVar(&format, "format", "markdown", "the `format`: markdown, json, html, badge or card (SVG, of one app)")
	c.Flags().StringVar(&out, "out", "", "write to a `file`")
	c.Flags().StringVar(&publish, "publish", "", "write scorecard.html, scorecard.json, scorecard.md, and for each app APP.badge.svg and APP.card.svg into a `folder`")
	return c
}

// cards makes the cards of all runs below the folders.
func (s *state) cards(dirs []string, suiteName, since string) ([]scorecard.Card, error) {
	var suite *spec.Suite
	if suiteName != "" {
		var err error
		if suite, err = s.loadSuite(suiteName); err != nil {
			return nil, usage(err, "")
		}
	}
	var earlier []scorecard.Card
	if since != "" {
		text, err := os.ReadFile(s.path(since))
		if err == nil {
			earlier, err = scorecard.Decode(text)
		}
		if err != nil {
			return nil, usage(fmt.Errorf("--since %s: %w", since, err), `"blackout scorecard DIR --format json" makes it`)
		}
	}
	runs, err := s.verdicts(dirs)
	if err != nil {
		return nil, usage(err, "")
	}
	cards := scorecard.Make(runs, suite)
	switch {
	case len(runs) == 0:
		return nil, usage(errors.New("no verdict.json lies below the given folders"), `"blackout run" makes them; a run that was cut off gets one by "blackout report"`)
	case len(cards) == 0:
		return nil, usage(errors.New("there are only controls below the given folders"), "a card is of runs with faults")
	}
	if since != "" {
		scorecard.Since(cards, earlier)
	}
	return cards, nil
}

func writeCards(w io.Writer, format string, cards []scorecard.Card) error {
	switch format {
	case "json":
		text, err := scorecard.Encode(cards)
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	case "html":
		return html.Scorecard(w, cards)
	case "badge", "card":
		if len(cards) > 1 {
			return usage(fmt.Errorf("a %s is of one app, and the runs are of %d", format, len(cards)), "give the folder of one app's runs; --publish writes one for each")
		}
		if format == "badge" {
			return badge.Badge(w, &cards[0])
		}
		return badge.Card(w, &cards[0])
	default:
		return markdown.Scorecard(w, cards)
	}
}

// publish writes every format into a folder, and says which files it wrote. What else lies there stays.
func (s *state) publish(dir, shown string, cards []scorecard.Card) error {
	type file struct {
		name, format string
		cards        []scorecard.Card
	}
	files := []file{{"scorecard.html", "html", cards}, {"scorecard.json", "json", cards}, {"scorecard.md", "markdown", cards}}
	apps := map[string]string{}
	for i := range cards {
		name := fileName(cards[i].App)
		if other, taken := apps[name]; taken {
			return usage(fmt.Errorf("the apps %q and %q would have the same file %s.badge.svg", other, cards[i].App, name), "name one of them differently in its app.yaml")
		}
		apps[name] = cards[i].App
		files = append(files, file{name + ".badge.svg", "badge", cards[i : i+1]}, file{name + ".card.svg", "card", cards[i : i+1]})
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return usage(err, "")
	}
	for _, f := range files {
		var text bytes.Buffer
		if err := writeCards(&text, f.format, f.cards); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, f.name), text.Bytes(), 0o644); err != nil {
			return usage(err, "")
		}
	}
	for _, c := range cards {
		fmt.Fprintf(s.stdout, "%s: %s\n", c.App, c.Headline)
	}
	fmt.Fprintln(s.stdout, "written:")
	for _, f := range files {
		fmt.Fprintf(s.stdout, "  %s\n", filepath.Join(shown, f.name))
	}
	return nil
}

// fileName is an app's name as the beginning of a file's: a verdict.json from elsewhere can name its app as it likes.
func fileName(app string) string {
	name := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '-'
	}, app)
	if name = strings.TrimLeft(name, "."); name == "" {
		return "app"
	}
	return name
}

// output opens what a command writes to: the standard output, or a file if one is named. The file is the caller's to close.
func (s *state) output(file string) (w io.Writer, closed func(), err error) {
	if file == "" {
		return s.stdout, func() {}, nil
	}
	f, err := os.Create(s.path(file))
	if err != nil {
		return nil, nil, usage(err, "")
	}
	return f, func() { f.Close() }, nil
}

// verdicts reads every verdict below the folders.
func (s *state) verdicts(dirs []string) (list []*verdict.Verdict, err error) {
	for _, dir := range dirs {
		walkErr := filepath.WalkDir(s.path(dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return unwrapped(typed(s.path(dir), dir, path), err)
			}
			if d.Name() != reports.VerdictName {
				return nil
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			var v verdict.Verdict
			if err := json.Unmarshal(text, &v); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if v.Schema != verdict.Schema {
				return fmt.Errorf("%s: schema %q is not %q", path, v.Schema, verdict.Schema)
			}
			list = append(list, &v)
			return nil
		})
		err = errors.Join(err, walkErr)
	}
	return list, err
}

// typed names a file below a folder as the folder was typed.
func typed(folder, as, path string) string {
	rel, err := filepath.Rel(folder, path)
	if err != nil {
		return path
	}
	return filepath.Join(as, rel)
}
