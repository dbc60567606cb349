package spec

import (
	"fmt"
	"slices"
	"strings"
)

// Drivers and journey kinds of the format.
const (
	DriverHTTP = "http"

	KindRead    = "read"
	KindWrite   = "write"
	KindEvents  = "events"
	KindContent = "content"
	KindStatus  = "status"
)

// answerFields are the fields that the checks of a kind read. Others may be captured for use in follow; of the other kinds any name goes.
var answerFields = map[string][]string{
	KindRead:   {"balance", "block", "stale", "payments", "declined"},
	KindWrite:  {"id", "tx", "state", "declined"},
	KindStatus: {"status", "declined"},
}

func (l *loader) journey(n *node, name, path string) Journey {
	j := Journey{
		Name:     name,
		Driver:   n.get("driver").word(),
		Kind:     n.get("kind").word(),
		Rate:     rateOf(n.get("rate")),
		Deadline: l.positive(n.get("deadline"), "deadline"),
		Chain:    n.get("chain").word(),
		Request:  Request{Headers: n.get("headers").strMap(), JSON: n.get("json").value()},
		Answer:   map[string]AnswerField{},
		Checks: Checks{
			MaxStale:       blocksOf(n.get("checks").get("balance").get("max_stale"), defaultMaxStale),
			ConfirmedMeans: blocksOf(n.get("checks").get("payment").get("confirmed_means"), defaultConfirmed),
			Settle:         durationOf(n.get("checks").get("payment").get("settle"), defaultSettle),
		},
	}
	if j.Kind == KindStatus {
		j.Checks.NoticeWithin = durationOf(n.get("checks").get("status").get("notice_within"), defaultNotice)
	}
	if j.Driver == "" {
		j.Driver = DriverHTTP
	}
	l.headers(n.get("headers"))
	j.Request.Method, j.Request.Path = l.request(n.get("request"))
	if j.Driver == DriverHTTP && !n.has("request") {
		l.problem(n.at(), fmt.Sprintf(`the journey %q needs the key "request"`, name), "request: GET /path")
	}
	j.Patience = durationOf(n.get("patience"), min(patienceDeadlines*j.Deadline, maxPatience))
	if p := n.get("patience"); p.word() != "" && j.Patience < j.Deadline {
		l.problem(p.pos, fmt.Sprintf("the patience cannot end before the deadline of %s", n.get("deadline").word()), "")
	}
	if f := n.get("follow"); f.is(mapNode) {
		r := Request{Headers: f.get("headers").strMap(), JSON: f.get("json").value()}
		l.headers(f.get("headers"))
		r.Method, r.Path = l.request(f.get("request"))
		every := defaultFollow
		if e := f.get("every"); e != nil {
			every = l.positive(e, "every")
		}
		j.Follow = &Follow{Request: r, Every: every}
	}
	each(n.get("answer"), func(name string, a *node) { j.Answer[name] = l.answer(a, name) })
	l.answerNames(n, j)
	l.states(n, &j)
	l.follows(n, j)
	l.journeyChecks(n, j)
	return j
}

func (l *loader) answer(n *node, name string) AnswerField {
	f := AnswerField{Path: n.get("path").word(), Unit: n.get("unit").word(), Decimals: int(n.get("decimals").int(-1))}
	if name != "balance" {
		for _, key := range []string{"unit", "decimals"} {
			if k := n.get(key); k != nil {
				l.problem(k.pos, fmt.Sprintf("only a balance has %q", key), "")
			}
		}
		return f
	}
	if f.Unit == "" {
		f.Unit = "wei"
	}
	if d := n.get("decimals"); d != nil && !d.bad && f.Decimals > unitDigits[f.Unit] {
		l.problem(d.pos, fmt.Sprintf("an amount in %s has at most %d digits after the point", f.Unit, unitDigits[f.Unit]), "")
	}
	return f
}

// answerNames reports a field that no check reads and no variable uses: most likely it is misspelt.
func (l *loader) answerNames(n *node, j Journey) {
	known, ok := answerFields[j.Kind]
	answer := n.get("answer")
	if !ok || !answer.is(mapNode) {
		return
	}
	var used []string
	n.get("follow").walk(func(n *node) { used = append(used, Variables(n.str())...) })
	for _, e := range answer.entries {
		if !slices.Contains(known, e.key) && !slices.Contains(used, "answer."+e.key) {
			l.problem(e.pos, fmt.Sprintf("the answer %q is read by no check of a %s journey and by no variable", clip(e.key), j.Kind), suggestOr(e.key, without(known, answer.keys())))
		}
	}
}

// stateWords are the kinds of journey whose answer has a field of words, and the states that these stand for.
var stateWords = map[string]struct {
	field, hint string
	states      []string
}{
	KindWrite:  {"state", "states: {pending: [sent], confirmed: [confirmed], failed: [failed]}", []string{"pending", "confirmed", "failed"}},
	KindStatus: {"status", "states: {fine: [ok], trouble: [degraded, down]}", []string{"fine", "trouble"}},
}

func (l *loader) states(n *node, j *Journey) {
	s := n.get("states")
	words, ok := stateWords[j.Kind]
	if !s.is(mapNode) {
		if ok && j.Answer[words.field].Path != "" {
			l.problem(n.get("answer").get(words.field).at(), fmt.Sprintf("%q needs the app's words for the states", words.field), words.hint)
		}
		return
	}
	switch {
	case ok:
	case j.Kind != "":
		l.problem(s.at(), fmt.Sprintf("only a write or a status journey has states; this is a %s journey", j.Kind), "")
		return
	default: // said already: the kind is missing
		words = stateWords[KindWrite]
	}
	j.States = map[string][]string{}
	seen := map[string]Pos{}
	for _, e := range s.entries {
		if !e.value.is(listNode) {
			continue
		}
		if ok && !slices.Contains(words.states, e.key) && isState(e.key) {
			l.problem(e.pos, fmt.Sprintf("a %s journey has no state %q", j.Kind, e.key), words.hint)
			continue
		}
		j.States[e.key] = e.value.strs()
		for _, word := range e.value.items {
			if word.word() != "" {
				l.unique("word", seen, word.text, word.pos)
			}
		}
	}
	if _, given := j.Answer[words.field]; ok && !given {
		l.problem(s.at(), fmt.Sprintf(`"states" are the words of the answer %q, which is missing`, words.field), fmt.Sprintf(`answer: {%s: {path: "$.%s"}}`, words.field, words.field))
	}
	if j.Kind == KindStatus && len(j.States["fine"]) == 0 {
		l.problem(s.at(), `a status journey needs a word for fine: nothing else can be found untrue`, words.hint)
	}
}

// isState says whether some kind of journey has the state; what none has is reported as an unknown key.
func isState(name string) bool {
	return slices.Contains(stateWords[KindWrite].states, name) || slices.Contains(stateWords[KindStatus].states, name)
}

func (l *loader) follows(n *node, j Journey) {
	f := n.get("follow")
	if f == nil {
		return
	}
	if j.Kind != "" && j.Kind != KindWrite {
		l.problem(f.at(), fmt.Sprintf("only a write journey follows what it began; this is a %s journey", j.Kind), "")
		return
	}
	for _, field := range []struct{ name, why string }{
		{"id", "how else would the app know which payment is asked for"},
		{"state", "following asks for it"},
	} {
		if _, ok := j.Answer[field.name]; !ok {
			l.problem(f.at(), fmt.Sprintf(`"follow" needs the answer %q: %s`, field.name, field.why), fmt.Sprintf(`answer: {%s: {path: "$.%s"}}`, field.name, field.name))
		}
	}
	if n.get("states").is(mapNode) && len(j.States["confirmed"]) == 0 {
		l.problem(n.get("states").at(), `"follow" needs a word for confirmed: it would never end`, "")
	}
}

func (l *loader) journeyChecks(n *node, j Journey) {
	checks := n.get("checks")
	for _, c := range []struct{ name, kind string }{{"balance", KindRead}, {"payment", KindWrite}, {"status", KindStatus}} {
		if k := checks.get(c.name); k != nil && j.Kind != "" && j.Kind != c.kind {
			l.problem(k.at(), fmt.Sprintf("the check %q is for %s journeys; this is a %s journey", c.name, c.kind, j.Kind), "")
		}
	}
	if b := checks.get("balance"); b != nil && j.Kind == KindRead {
		if _, ok := j.Answer["balance"]; !ok {
			l.problem(b.at(), `the check "balance" needs the answer "balance"`, `answer: {balance: {path: "$.balance", unit: ether}}`)
		}
	}
}

// appVariables checks the variables of run time against what exists in their place.
func (l *loader) appVariables(a *App) {
	var secrets, session []string
	for _, name := range sortedKeys(a.Secrets) {
		secrets = append(secrets, "secret."+name)
	}
	session = append(session, "session.index")
	if a.Sessions.Login != nil {
		for _, name := range sortedKeys(a.Sessions.Login.Capture) {
			session = append(session, "session."+name)
		}
	}
	for _, u := range l.source.uses {
		var known []string
		switch u.place {
		case "start":
			known = slices.Concat(instanceVariables, payerVariables, secrets)
			if family, _, _ := strings.Cut(u.name, "."); family == "service" {
				l.serviceVariable(u)
				continue
			}
		case "address":
			known = instanceVariables
		case "ready":
			known = slices.Concat(instanceVariables, secrets)
		case "login":
			known = slices.Concat(accountVariables, []string{"session.index"}, secrets)
		case "session":
			known = slices.Concat(accountVariables, session, secrets)
		default:
			known = slices.Concat(accountVariables, session, secrets, l.journeyVariables(a, u))
		}
		if !slices.Contains(known, u.name) {
			l.unknownVariable(u.pos, u.name, known, u.path)
		}
	}
}

// journeyVariables are what a journey's own kind and answer add.
func (l *loader) journeyVariables(a *App, u variableUse) []string {
	name, _, _ := strings.Cut(strings.TrimPrefix(u.path, "journeys."), ".")
	j := a.Journeys[name]
	var known []string
	if j.Kind == KindWrite {
		known = append(known, intentVariables...)
	}
	if u.place == "follow" {
		for _, field := range sortedKeys(j.Answer) {
			known = append(known, "answer."+field)
		}
	}
	return known
}

// serviceVariable checks the form only: which services there are, the world knows (see Check).
func (l *loader) serviceVariable(u variableUse) {
	if _, _, _, ok := splitService(u.name); !ok {
		hint := "${service.NAME.url}, ${service.NAME.ws}, and with several chains ${service.NAME.CHAIN.url}, ${service.NAME.CHAIN.ws}"
		parts := strings.Split(u.name, ".")
		if best, ok := nearest(parts[len(parts)-1], []string{"url", "ws"}); ok && len(parts) >= 3 {
			parts[len(parts)-1] = best
			if _, _, _, ok := splitService(strings.Join(parts, ".")); ok {
				hint = fmt.Sprintf("did you mean \"${%s}\"?", strings.Join(parts, "."))
			}
		}
		l.problem(u.pos, fmt.Sprintf("unknown variable \"${%s}\"", clip(u.name)), hint)
	}
}

// splitService takes "service.NAME.url" and "service.NAME.CHAIN.url" apart.
func splitService(variable string) (service, chain, what string, ok bool) {
	parts := strings.Split(variable, ".")
	if len(parts) < 3 || len(parts) > 4 || parts[0] != "service" || parts[1] == "" {
		return "", "", "", false
	}
	if len(parts) == 4 {
		chain = parts[2]
	}
	what = parts[len(parts)-1]
	return parts[1], chain, what, (what == "url" || what == "ws") && (len(parts) == 3 || chain != "")
}
