package spec

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Variables are written ${family.name}; $$ is one dollar sign, and a dollar sign before anything else is itself. ${env.X} and ${env.X:-default} are expanded when
// a file is loaded, in every string of every file. The others belong to the app file and are expanded when their value is known:
//
//	at start      ${service.NAME.url}, .ws, .address, .named_url and so on, ${service.NAME.CHAIN.url} and so on   ${dns.address}   ${instance.port}, .region, .index, .dir   ${payer.key}, .address
//	per attempt   ${account.address}, .index, .key   ${session.index} and what the login captured   ${intent.id}, .to, .wei, .chain   ${content.cid}, .path, .tx, .token, .part   ${answer.FIELD}
//	of a command  the above per attempt, ${service.…}, ${dns.address}, and ${app.url}: the address of the session's instance
//	both          ${secret.NAME}
//
// The replies of a world file have ${request.NAME} for what stands for {NAME} in the request that is answered.

// piece is a part of a text: literal, or a variable.
type piece struct {
	text        string // the literal, or the variable as written
	name        string // "" for a literal
	fallback    string
	hasFallback bool
	at          int // in characters from the start of the text
}

// pieces splits a text. Literals come with $$ still doubled, so that a text can be put together again.
func pieces(text string) ([]piece, error) {
	var out []piece
	literal, at := "", 0
	flush := func() {
		if literal != "" {
			out = append(out, piece{text: literal, at: at})
			at += len([]rune(literal))
			literal = ""
		}
	}
	for text != "" {
		switch {
		case strings.HasPrefix(text, "$$"):
			literal, text = literal+"$$", text[2:]
		case strings.HasPrefix(text, "${"):
			end := strings.IndexByte(text, '}')
			if end < 0 {
				return out, fmt.Errorf("%q has no closing brace", clip(text))
			}
			flush()
			p := piece{text: text[:end+1], at: at}
			p.name, p.fallback, p.hasFallback = strings.Cut(text[2:end], ":-")
			if p.name == "" || strings.ContainsAny(p.name, " \t\n${") {
				return out, fmt.Errorf("%q is no variable", clip(p.text))
			}
			out = append(out, p)
			at += len([]rune(p.text))
			text = text[end+1:]
		default:
			next := strings.IndexByte(text[1:], '$') + 1
			if next == 0 {
				next = len(text)
			}
			literal, text = literal+text[:next], text[next:]
		}
	}
	flush()
	return out, nil
}

// Expand puts values in the place of variables and one dollar sign in the place of two. Values are not looked at again. The error names every variable that
// lookup does not know.
func Expand(text string, lookup func(name string) (string, bool)) (string, error) {
	if !strings.Contains(text, "$") {
		return text, nil
	}
	parts, err := pieces(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	var unknown []error
	for _, p := range parts {
		if p.name == "" {
			b.WriteString(strings.ReplaceAll(p.text, "$$", "$"))
			continue
		}
		value, ok := lookup(p.name)
		if !ok {
			if value, ok = p.fallback, p.hasFallback; !ok {
				unknown = append(unknown, fmt.Errorf("unknown variable %q", clip(p.text)))
			}
		}
		b.WriteString(value)
	}
	if len(unknown) > 0 {
		return "", errors.Join(unknown...)
	}
	return b.String(), nil
}

// Variables lists the names of the variables in a text, each once, in their order: "account.address". Of a malformed text it lists those before the fault.
func Variables(text string) []string {
	parts, _ := pieces(text)
	var names []string
	for _, p := range parts {
		if p.name != "" && !slices.Contains(names, p.name) {
			names = append(names, p.name)
		}
	}
	return names
}

// variableUse is a variable of run time at its place in a file.
type variableUse struct {
	name, place, path string
	pos               Pos
}

// expandAtLoad expands ${env.…} in a string and keeps the other variables, for whose existence the file as a whole has to be known. In a place without variables
// of run time ("") $$ is undone too; elsewhere a dollar sign that comes from the environment is doubled, so that it stays one.
func (l *loader) expandAtLoad(n *node, path, place string) {
	if !strings.Contains(n.text, "$") {
		return
	}
	parts, err := pieces(n.text)
	if err != nil {
		l.problem(n.pos, err.Error(), `"$$" writes a dollar sign`)
		n.bad = true
	}
	var b strings.Builder
	for _, p := range parts {
		pos := l.inside(n, p.at)
		switch {
		case p.name == "" && place == "":
			b.WriteString(strings.ReplaceAll(p.text, "$$", "$"))
		case p.name == "":
			b.WriteString(p.text)
		case strings.HasPrefix(p.name, "env."):
			value, ok := l.env(p, pos)
			n.expanded, n.bad = true, n.bad || !ok
			if place != "" {
				value = strings.ReplaceAll(value, "$", "$$")
			}
			b.WriteString(value)
		case p.hasFallback:
			l.problem(pos, fmt.Sprintf("only variables of the environment have a default, not %q", clip(p.text)), "")
			n.bad = true
		case place == "":
			l.unknownVariable(pos, p.name, nil, path)
			n.bad = true
		default:
			l.source.uses = append(l.source.uses, variableUse{p.name, place, path, pos})
			b.WriteString(p.text)
		}
	}
	n.text = b.String()
}

func (l *loader) env(p piece, pos Pos) (string, bool) {
	name := strings.TrimPrefix(p.name, "env.")
	if !envForm.MatchString(name) {
		l.problem(pos, fmt.Sprintf("bad name of an environment variable %q", clip(name)), "")
		return "", false
	}
	if l.options.Env != nil {
		if value, ok := l.options.Env(name); ok && (value != "" || !p.hasFallback) {
			return value, true
		}
	}
	if !p.hasFallback {
		l.problem(pos, fmt.Sprintf("the environment variable %s is not set", name), fmt.Sprintf("set it, or give a default: ${env.%s:-default}", name))
	}
	return p.fallback, p.hasFallback
}

// inside is the place of a character of a string, if the source line shows the text as it is, else where the string begins.
func (l *loader) inside(n *node, at int) Pos {
	line, from := []rune(l.source.line(n.pos)), n.pos.Column-1
	if n.quoted {
		from++
	}
	if from >= 0 && from <= len(line) && strings.HasPrefix(string(line[from:]), n.text) {
		p := n.pos
		p.Column = from + 1 + at
		return p
	}
	return n.pos
}

// What each family offers in the places of an app file. Captures, answer fields and secrets are added from the file.
var (
	instanceVariables = []string{"instance.port", "instance.region", "instance.index", "instance.dir"}
	appVariables      = []string{"app.url"}
	namesVariables    = []string{"dns.address"}
	payerVariables    = []string{"payer.key", "payer.address"}
	accountVariables  = []string{"account.address", "account.index", "account.key", "account.topic"}
	intentVariables   = []string{"intent.id", "intent.to", "intent.wei", "intent.chain"}
	contentVariables  = []string{"content.cid", "content.path", "content.tx", "content.token", "content.part"}
)

// families says for each family where it exists, for the message about one that is out of place.
var families = map[string]string{
	"env":      "everywhere",
	"service":  "in start.command and start.env",
	"dns":      "in start.command and start.env",
	"instance": "in start, url and ready",
	"payer":    "in start.command and start.env",
	"secret":   "in start and in requests",
	"account":  "in the requests of sessions and journeys",
	"session":  "in the requests of sessions and journeys",
	"intent":   "in the requests of write journeys",
	"content":  "in the requests of content journeys",
	"answer":   "in follow",
	"request":  "in the replies of services of kind http",
}

// unknownVariable reports a variable that does not exist at its place, and what could have been meant.
func (l *loader) unknownVariable(pos Pos, name string, known []string, path string) {
	text := fmt.Sprintf("unknown variable \"${%s}\"", clip(name))
	family, member, _ := strings.Cut(name, ".")
	if where, ok := families[family]; ok {
		var members []string
		for _, k := range known {
			if rest, ok := strings.CutPrefix(k, family+"."); ok {
				members = append(members, rest)
			}
		}
		best, near := nearest(member, members)
		switch {
		case near:
			l.problem(pos, text, fmt.Sprintf("did you mean \"${%s.%s}\"?", family, best))
		case len(members) > 0:
			l.problem(pos, text, fmt.Sprintf("known here: ${%s.%s}", family, strings.Join(members, fmt.Sprintf("}, ${%s.", family))))
		default:
			l.problem(pos, fmt.Sprintf("%s in %q: ${%s.…} exists %s", text, label(path), family, where), "")
		}
		return
	}
	if best, ok := nearest(name, known); ok {
		l.problem(pos, text, fmt.Sprintf("did you mean \"${%s}\"?", best))
		return
	}
	if best, ok := nearest(family, sortedKeys(families)); ok {
		l.problem(pos, text, fmt.Sprintf("did you mean \"${%s%s}\"?", best, strings.TrimPrefix(name, family)))
		return
	}
	l.problem(pos, text, `"$$" writes a dollar sign`)
}
