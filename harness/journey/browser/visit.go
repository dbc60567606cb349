package browser

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"blackout/harness/clock"
	"blackout/harness/spec"
)

// glance is how often a page is looked at while something is waited for: what it adds to a latency is half of it, on average.
const glance = 25 * time.Millisecond

// Visit is what one attempt does: steps whose variables are filled in, and what to read at their end.
type Visit struct {
	Base     string // the app's address
	Steps    []spec.Step
	Fields   []Field
	Declined string // a selector: once a person sees such an element, the app has said no; "" for none
}

// Field is one thing to read.
type Field struct {
	Name, CSS, Attr string
	Match           *regexp.Regexp // nil for the whole text
}

// Seen is what there was to see.
type Seen struct {
	Status  int               // of the page's document; 0 when none came
	Fields  map[string]string // those that are there
	Dialogs []string          // what the page said in dialogs
}

// SelectorError is a selector that no browser understands: the app file's fault.
type SelectorError struct{ Text string }

func (e *SelectorError) Error() string { return e.Text }

// LoadError is a page that did not load, in the browser's words: net::ERR_CONNECTION_REFUSED.
type LoadError struct{ Text string }

func (e *LoadError) Error() string { return e.Text }

// loadErrors are the errors of the system behind the browser's words.
var loadErrors = map[string]error{
	"net::ERR_CONNECTION_REFUSED": syscall.ECONNREFUSED, "net::ERR_CONNECTION_RESET": syscall.ECONNRESET, "net::ERR_CONNECTION_ABORTED": syscall.ECONNABORTED,
	"net::ERR_CONNECTION_TIMED_OUT": context.DeadlineExceeded, "net::ERR_TIMED_OUT": context.DeadlineExceeded, "net::ERR_EMPTY_RESPONSE": syscall.ECONNRESET,
}

// Is lets a caller ask for the system's error.
func (e *LoadError) Is(target error) bool { return loadErrors[e.Text] == target }

// errCrashed is a page that took its tab with it.
var errCrashed = errors.New("the page crashed")

// Visit goes through the steps, until they are done, the app has said no, its page comes with an error status, or ctx ends; then it reads the fields. An error is a
// *LoadError, ctx's, told with the step that it ended in, a *SelectorError, or ErrEnded.
func (t *Tab) Visit(ctx context.Context, v Visit) (Seen, error) {
	t.fresh()
	for i, step := range v.Steps {
		over, err := t.step(ctx, v, step)
		if err != nil {
			status, dialogs, _ := t.state()
			return Seen{Status: status, Dialogs: dialogs}, t.b.failed(fmt.Errorf("step %d, %s: %w", i+1, describe(step), err))
		}
		if over {
			break
		}
	}
	return t.read(ctx, v)
}

// step does one step. over says that there is nothing more to do: the app has said no.
func (t *Tab) step(ctx context.Context, v Visit, s spec.Step) (over bool, err error) {
	ask := asked{Declined: v.Declined}
	switch {
	case s.Goto != "":
		if err := t.load(ctx, v.Base, s.Goto); err != nil {
			return false, err
		}
		return t.until(ctx, ask, func(l looked) bool { return !l.Loading })
	case s.Click != "":
		ask.Find, ask.Act = s.Click, "point"
		return t.act(ctx, ask, t.click)
	case s.Type != nil:
		ask.Find, ask.Act, ask.Focus = s.Type.Into, "point", true
		return t.act(ctx, ask, func(ctx context.Context, _ looked) error { return t.write(ctx, s.Type.Text) })
	case s.Select != nil:
		ask.Find, ask.Act, ask.Option = s.Select.From, "choose", s.Select.Option
		return t.act(ctx, ask, func(context.Context, looked) error { return nil })
	case s.WaitFor != nil && s.WaitFor.Gone != "":
		ask.Gone = s.WaitFor.Gone
		return t.until(ctx, ask, func(l looked) bool { return l.Gone })
	case s.WaitFor != nil:
		return t.wait(ctx, ask, *s.WaitFor)
	}
	return false, nil
}

func (t *Tab) wait(ctx context.Context, ask asked, w spec.Wait) (over bool, err error) {
	if ask.Find = w.Selector; ask.Find == "" {
		ask.Whole = wholePage
	}
	var match *regexp.Regexp
	if w.Match != "" {
		if match, err = regexp.Compile(w.Match); err != nil {
			return false, err
		}
	}
	return t.until(ctx, ask, func(l looked) bool {
		return (w.Selector == "" || l.Found) && strings.Contains(l.Text, w.Text) && (match == nil || match.MatchString(l.Text))
	})
}

// wholePage is how much of a page is searched for a text, in characters.
const wholePage = 1 << 18

// load goes to a page, and returns when its document begins to arrive.
func (t *Tab) load(ctx context.Context, base, path string) error {
	var went page.NavigateResult
	err := within(ctx, t.ctx, func(ctx context.Context) (err error) {
		went, err = chromedp.Call(ctx, page.Navigate, page.NavigateParams{URL: strings.TrimRight(base, "/") + path})
		return err
	})
	switch {
	case err != nil:
		return err
	case went.ErrorText == "":
		return nil
	}
	if status, _, _ := t.state(); status >= badStatus && went.ErrorText == "net::ERR_HTTP_RESPONSE_CODE_FAILURE" {
		return nil // an error status without a page to show
	}
	return &LoadError{went.ErrorText}
}

// act waits until an element can be used, and uses it.
func (t *Tab) act(ctx context.Context, ask asked, do func(context.Context, looked) error) (over bool, err error) {
	var found looked
	over, err = t.until(ctx, ask, func(l looked) bool { found = l; return l.Found && l.Ready })
	if err != nil || over {
		return over, err
	}
	return false, do(ctx, found)
}

func (t *Tab) click(ctx context.Context, at looked) error {
	return within(ctx, t.ctx, func(ctx context.Context) error {
		for _, what := range []input.DispatchMouseEventParams{
			{Type: input.DispatchMouseEventTypeMouseMoved},
			{Type: input.DispatchMouseEventTypeMousePressed, Button: input.MouseButtonLeft, Buttons: 1, ClickCount: 1},
			{Type: input.DispatchMouseEventTypeMouseReleased, Button: input.MouseButtonLeft, ClickCount: 1},
		} {
			what.X, what.Y = at.X, at.Y
			if _, err := chromedp.Call(ctx, input.DispatchMouseEvent, what); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *Tab) write(ctx context.Context, text string) error {
	return within(ctx, t.ctx, func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
		return err
	})
}

// badStatus is the least status of a document that is no answer.
const badStatus = 400

// until looks at the page again and again until it is as it should be. over says that it does not have to be any more.
func (t *Tab) until(ctx context.Context, ask asked, good func(looked) bool) (over bool, err error) {
	for {
		l, err := t.look(ctx, ask)
		status, _, crashed := t.state()
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case crashed:
			return false, errCrashed
		case t.ctx.Err() != nil:
			return false, fmt.Errorf("the tab was closed: %w", t.ctx.Err())
		case status >= badStatus:
			return true, nil
		case err != nil: // between two pages there is nothing to look at
		case l.Bad != "":
			return false, &SelectorError{l.Bad}
		case l.Declined != "":
			return true, nil
		case good(l):
			return false, nil
		}
		if err := clock.Sleep(ctx, glance); err != nil {
			return false, err
		}
	}
}

// read reads the fields once.
func (t *Tab) read(ctx context.Context, v Visit) (Seen, error) {
	ask := asked{Declined: v.Declined, Fields: make([]askedField, 0, len(v.Fields))}
	for _, f := range v.Fields {
		ask.Fields = append(ask.Fields, askedField{f.CSS, f.Attr})
	}
	var l looked
	for {
		var err error
		l, err = t.look(ctx, ask)
		if err == nil && l.Bad == "" {
			break
		}
		status, dialogs, crashed := t.state()
		seen := Seen{Status: status, Dialogs: dialogs}
		switch {
		case err == nil:
			return seen, &SelectorError{l.Bad}
		case crashed:
			return seen, errCrashed
		case t.ctx.Err() != nil:
			return seen, t.b.failed(t.ctx.Err())
		}
		if err := clock.Sleep(ctx, glance); err != nil {
			return seen, t.b.failed(fmt.Errorf("reading the page: %w", err))
		}
	}
	status, dialogs, _ := t.state()
	seen := Seen{Status: status, Dialogs: dialogs, Fields: map[string]string{}}
	for i, f := range v.Fields {
		if i >= len(l.Fields) || l.Fields[i] == nil {
			continue
		}
		text := strings.TrimSpace(*l.Fields[i])
		if f.Match != nil {
			groups := f.Match.FindStringSubmatch(text)
			if groups == nil {
				continue
			}
			text = strings.TrimSpace(groups[min(1, len(groups)-1)])
		}
		if text != "" {
			seen.Fields[f.Name] = text
		}
	}
	return seen, nil
}

// Shows reports whether a page still shows what was read of it: one that goes on by itself may not.
func (t *Tab) Shows(ctx context.Context, v Visit, fields map[string]string) bool {
	ctx, cancel := context.WithTimeout(ctx, textBound)
	defer cancel()
	now, err := t.read(ctx, v)
	return err == nil && maps.Equal(now.Fields, fields)
}

// asked is what the page is asked, and looked is its answer: see page.js.
type asked struct {
	Find     string       `json:"find,omitempty"`
	Gone     string       `json:"gone,omitempty"`
	Act      string       `json:"act,omitempty"`
	Focus    bool         `json:"focus,omitempty"`
	Option   string       `json:"option,omitempty"`
	Declined string       `json:"declined,omitempty"`
	Fields   []askedField `json:"fields,omitempty"`
	Whole    int          `json:"whole,omitempty"`
}

type askedField struct {
	CSS  string `json:"css"`
	Attr string `json:"attr,omitempty"`
}

type looked struct {
	Loading  bool      `json:"loading"`
	Found    bool      `json:"found"`
	Gone     bool      `json:"gone"`
	Ready    bool      `json:"ready"`
	Text     string    `json:"text"`
	X        float64   `json:"x"`
	Y        float64   `json:"y"`
	Declined string    `json:"declined"`
	Fields   []*string `json:"fields"`
	Bad      string    `json:"bad"`
}

//go:embed page.js
var pageJS string

// look asks the page.
func (t *Tab) look(ctx context.Context, ask asked) (looked, error) {
	question, err := json.Marshal(ask)
	if err != nil {
		return looked{}, err
	}
	var l looked
	err = within(ctx, t.ctx, func(ctx context.Context) (err error) {
		l, err = chromedp.Run(ctx, chromedp.Evaluate[looked]("("+pageJS+")("+string(question)+")"))
		return err
	})
	return l, err
}

// describe names a step in an error: wait_for #balance.
func describe(s spec.Step) string {
	switch {
	case s.Goto != "":
		return "goto " + s.Goto
	case s.Click != "":
		return "click " + s.Click
	case s.Type != nil:
		return "type into " + s.Type.Into
	case s.Select != nil:
		return "select from " + s.Select.From
	case s.WaitFor == nil:
		return "nothing"
	case s.WaitFor.Gone != "":
		return "wait_for gone " + s.WaitFor.Gone
	}
	w := s.WaitFor
	return strings.Join(strings.Fields(strings.Join([]string{"wait_for", w.Selector, w.Text, w.Match}, " ")), " ")
}
