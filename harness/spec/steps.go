package spec

import (
	"fmt"
	"strings"

	"github.com/invopop/jsonschema"
)

// stepKeys are the steps of the driver browser.
var stepKeys = []string{"goto", "click", "type", "select", "wait_for"}

// stepsHint shows a whole visit.
const stepsHint = "steps: [{goto: /}, {wait_for: {selector: '#balance', match: '[0-9]'}}]"

// visit converts the steps of a journey, or of its follow, and checks that each does one thing and that the first goes to a page: what an earlier attempt left on the screen
// is not this one's.
func (l *loader) visit(n *node) []Step {
	if !n.is(listNode) || n.bad {
		return nil
	}
	if len(n.items) == 0 {
		l.problem(n.pos, "there are no steps", stepsHint)
	}
	var out []Step
	for i, item := range n.items {
		if !item.is(mapNode) || item.bad {
			continue
		}
		if len(item.entries) != 1 {
			l.problem(item.at(), fmt.Sprintf("a step does one thing; this one has %d", len(item.entries)), "one of "+strings.Join(stepKeys, ", "))
			continue
		}
		if i == 0 && !item.has("goto") && item.entries[0].key != "" {
			l.problem(item.at(), `the first step has to be "goto"`, stepsHint)
		}
		out = append(out, l.visitStep(item))
	}
	return out
}

func (l *loader) visitStep(n *node) Step {
	s := Step{Goto: n.get("goto").word(), Click: n.get("click").word()}
	if g := n.get("goto"); g.word() != "" && !strings.HasPrefix(s.Goto, "/") && !strings.HasPrefix(s.Goto, "${") {
		l.problem(g.pos, fmt.Sprintf("the page %q does not begin with a slash", clip(s.Goto)), "a page of the app: goto: /wallet")
	}
	if t := n.get("type"); t.is(mapNode) {
		s.Type = &Typing{Into: t.get("into").word(), Text: t.get("text").str()}
	}
	if c := n.get("select"); c.is(mapNode) {
		s.Select = &Choice{From: c.get("from").word(), Option: c.get("option").str()}
	}
	w := n.get("wait_for")
	if !w.is(mapNode) {
		return s
	}
	s.WaitFor = &Wait{Selector: w.get("selector").word(), Text: w.get("text").str(), Match: w.get("match").word(), Gone: w.get("gone").word()}
	switch {
	case w.has("gone") && len(w.entries) > 1:
		l.problem(w.get("gone").pos, `"gone" stands alone`, "make two steps of it")
	case w.has("text") && w.has("match"):
		l.problem(w.get("match").pos, `what is waited for is said in two ways: "text" and "match"`, "keep one of them")
	case len(w.entries) == 0:
		l.problem(w.at(), `"wait_for" does not say what for`, `{selector: '#balance'}, {text: "Sent"} or {gone: '.spinner'}`)
	}
	return s
}

// seen checks that a field of a page says where a person sees it.
func (l *loader) seen(n *node, name string) {
	if path := n.get("path"); path != nil {
		l.problem(path.pos, `"path" is for answers in JSON; the driver browser looks for what a person sees`, "css: '#"+name+"'")
		return
	}
	if !n.has("css") {
		l.problem(n.at(), fmt.Sprintf("%q needs the key \"css\"", name), "css: '#"+name+"'")
	}
	if name == "payments" {
		l.problem(n.at(), `the driver browser reads no lists yet: "payments" is one`, "leave it out")
	}
}

// unclosed is a bracket or quotation mark of a selector that has no other half; 0 when all have. Whether it selects anything, only a browser can tell.
func unclosed(text string) rune {
	var open []rune
	quote, escaped := rune(0), false
	for _, r := range text {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case r == '[' || r == '(':
			open = append(open, r)
		case r == ']' || r == ')':
			if n := len(open); n == 0 || open[n-1] != map[rune]rune{']': '[', ')': '('}[r] {
				return r
			}
			open = open[:len(open)-1]
		}
	}
	if quote != 0 {
		return quote
	}
	if len(open) > 0 {
		return open[0]
	}
	return 0
}

// JSONSchemaExtend says that a step does one thing.
func (stepFile) JSONSchemaExtend(s *jsonschema.Schema) {
	s.MinProperties, s.MaxProperties = new(uint64(1)), new(uint64(1))
}

// JSONSchemaExtend says that something is waited for.
func (waitFile) JSONSchemaExtend(s *jsonschema.Schema) { s.MinProperties = new(uint64(1)) }
