package spec

import (
	"fmt"
	"regexp"
	"strings"
)

// A plain scalar (one without quotes) has to mean the same in YAML 1.1 and 1.2, because the tools around these files read either. What differs is refused rather
// than guessed at. Sources: the YAML 1.2 core schema (yaml.org/spec/1.2.2, 10.3.2) and the YAML 1.1 types (yaml.org/type).
var (
	plainNull  = regexp.MustCompile(`^(|~|null|Null|NULL)$`)
	plainBool  = regexp.MustCompile(`^(true|True|TRUE|false|False|FALSE)$`)
	plainInt   = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
	plainFloat = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)\.[0-9]+$`)
)

// ambiguous lists what the two versions read differently, or what is a number that no field of these files can mean.
var ambiguous = []struct {
	form *regexp.Regexp
	what string
}{
	{regexp.MustCompile(`^(y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF)$`), "is true or false in YAML 1.1 and text in YAML 1.2"},
	{regexp.MustCompile(`^[-+]?0[0-9_]+$`), "is an octal number in YAML 1.1 and a decimal one in YAML 1.2"},
	{regexp.MustCompile(`^[-+]?0[xob][0-9a-fA-F_]+$`), "is read as a number by some parsers and as text by others"},
	{regexp.MustCompile(`^[-+]?[0-9][0-9_]*_[0-9_.]*$`), "is a number in YAML 1.1 and text in YAML 1.2"},
	{regexp.MustCompile(`^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$`), "is a number of base 60 in YAML 1.1 and text in YAML 1.2"},
	{regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?$`), "is a date in YAML 1.1 and text in YAML 1.2"},
	{regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+\.?|[0-9]+\.[0-9]+)([eE][-+]?[0-9]+)?$`), "is read as a number by some parsers and as text by others"},
	{regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`), "is no number that can be meant here"},
	{regexp.MustCompile(`^(=|<<)$`), "has a meaning of its own in YAML 1.1"},
}

// plain gives a scalar without quotes its kind. value says that it is one, not a key.
func (l *loader) plain(text string, p Pos, value bool) *node {
	n := &node{kind: stringNode, pos: p, text: text}
	switch {
	case plainNull.MatchString(text):
		n.kind = nullNode
	case plainBool.MatchString(text):
		n.kind, n.text = boolNode, strings.ToLower(text)
	case plainInt.MatchString(text) || plainFloat.MatchString(text):
		n.kind = intNode
		if strings.Contains(text, ".") {
			n.kind = floatNode
		}
	case value && strings.HasPrefix(text, "$"):
		l.problem(p, `a value that begins with "$" must be in quotes`, fmt.Sprintf("write %q", clip(text)))
		n.bad = true
	default:
		for _, a := range ambiguous {
			if a.form.MatchString(text) {
				l.problem(p, fmt.Sprintf("%q %s", clip(text), a.what), "put it in quotes if it is text")
				n.bad = true
				break
			}
		}
	}
	return n
}

// clip keeps a quoted value short in a sentence.
func clip(text string) string {
	const most = 60
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}
