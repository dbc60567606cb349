package journey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"blackout/harness/journey/browser"
	"blackout/harness/spec"
)

// onScreen is a page that an attempt looked at, in the tab that still has it.
type onScreen struct {
	tab    *browser.Tab
	visit  browser.Visit
	fields map[string]string // that were read; nil when the attempt did not come to that
}

// leave gives the tab back. ctx is that of whoever needs tabs, not of the attempt, which may be over.
func (p *onScreen) leave(ctx context.Context) {
	if p != nil {
		p.tab.Give(ctx)
	}
}

// visit is what a person does in a browser, with variables.
type visit struct {
	steps    []spec.Step
	fields   []browser.Field // sorted by name
	declined string
	uses     map[string]bool // the variables in it
}

// compileVisit checks that known knows each variable of the steps, and of where the answer is seen.
func compileVisit(steps []spec.Step, answer map[string]spec.AnswerField, known func(name string) bool) (*visit, error) {
	if len(steps) == 0 || steps[0].Goto == "" {
		return nil, errors.New("the first step has to go to a page")
	}
	v := &visit{steps: steps, uses: map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(answer)) {
		f := browser.Field{Name: name, CSS: answer[name].CSS, Attr: answer[name].Attr}
		if answer[name].Match != "" {
			var err error
			if f.Match, err = regexp.Compile(answer[name].Match); err != nil {
				return nil, fmt.Errorf("answer.%s: %w", name, err)
			}
		}
		v.fields = append(v.fields, f)
		if name == fieldDeclined {
			v.declined = f.CSS
		}
	}
	// A page that is all variable gets its slash at run time.
	dry := func(name string) (string, bool) {
		v.uses[name] = true
		return "/", known(name)
	}
	if _, err := v.expand("", dry); err != nil {
		return nil, err
	}
	return v, nil
}

// inSelector escapes a value for a quoted string in a selector.
var inSelector = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `'`, `\'`, "\n", `\a `)

// expand fills one attempt's variables in, escaped for the place that they stand in: in paths and queries as in a request, in selectors as in a quoted string, in texts not
// at all.
func (v *visit) expand(base string, vars lookup) (browser.Visit, error) {
	out := browser.Visit{Base: base}
	var errs []error
	fill := func(text string, vars lookup) string {
		filled, err := spec.Expand(text, vars)
		if err != nil {
			errs = append(errs, err)
		}
		return filled
	}
	css := func(text string) string { return fill(text, escaped(vars, inSelector.Replace)) }
	for i, s := range v.steps {
		at := len(errs)
		full := spec.Step{Click: css(s.Click)}
		if s.Goto != "" {
			path, query, asks := strings.Cut(s.Goto, "?")
			full.Goto = fill(path, escaped(vars, inPath))
			if asks {
				full.Goto += "?" + fill(query, escaped(vars, url.QueryEscape))
			}
			if !strings.HasPrefix(full.Goto, "/") {
				errs = append(errs, fmt.Errorf("the page %q does not begin with a slash", full.Goto))
			}
		}
		if s.Type != nil {
			full.Type = &spec.Typing{Into: css(s.Type.Into), Text: fill(s.Type.Text, vars)}
		}
		if s.Select != nil {
			full.Select = &spec.Choice{From: css(s.Select.From), Option: fill(s.Select.Option, vars)}
		}
		if w := s.WaitFor; w != nil {
			full.WaitFor = &spec.Wait{Selector: css(w.Selector), Text: fill(w.Text, vars), Match: fill(w.Match, escaped(vars, regexp.QuoteMeta)), Gone: css(w.Gone)}
		}
		if len(errs) > at {
			errs[at] = fmt.Errorf("steps[%d]: %w", i, errs[at])
		}
		out.Steps = append(out.Steps, full)
	}
	for _, f := range v.fields {
		f.CSS = css(f.CSS)
		out.Fields = append(out.Fields, f)
	}
	out.Declined = css(v.declined)
	return out, errors.Join(errs...)
}

// prepare takes a tab of the session.
func (v *visit) prepare(ctx context.Context, r *Runner, s *session, vars lookup) (func() (reply, error), error) {
	base := r.cfg.URL(s.index)
	full, err := v.expand(base, vars)
	if err != nil {
		return nil, err
	}
	if err := r.cfg.Browser.SetCookies(ctx, s.index, base, s.cookies(base)); err != nil {
		return late(ctx, err)
	}
	tab, err := r.cfg.Browser.Take(ctx, s.index)
	if err != nil {
		return late(ctx, err)
	}
	return func() (reply, error) {
		seen, err := tab.Visit(ctx, full)
		rep := reply{status: seen.Status, page: &onScreen{tab: tab, visit: full}}
		for _, text := range seen.Dialogs {
			rep.aside = fmt.Appendf(rep.aside, "\ndialog: %s", text)
		}
		if err != nil {
			return rep, err
		}
		if rep.status == 0 || rep.status == http.StatusNotModified {
			rep.status = http.StatusOK // of a page that came from a worker of its own, or out of the cache
		}
		rep.page.fields = seen.Fields
		rep.body, err = json.Marshal(seen.Fields)
		return rep, err
	}, nil
}

// late is for an attempt whose patience was over before there was a tab for it: it was never sent, and how late that is its record tells. Any other error is the harness's own.
func late(ctx context.Context, err error) (func() (reply, error), error) {
	if ctx.Err() == nil {
		return nil, err
	}
	return func() (reply, error) { return reply{}, ctx.Err() }, nil
}

// needs reports whether the visit uses a variable for which have is false.
func (v *visit) needs(have func(name string) bool) bool {
	for name := range maps.Keys(v.uses) {
		if !have(name) {
			return true
		}
	}
	return false
}

// cookies are those that the login left for an address.
func (s *session) cookies(address string) map[string]string {
	u, err := url.Parse(address)
	if err != nil || s.client.Jar == nil {
		return nil
	}
	out := map[string]string{}
	for _, c := range s.client.Jar.Cookies(u) {
		out[c.Name] = c.Value
	}
	return out
}
