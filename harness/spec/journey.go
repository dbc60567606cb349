package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Drivers and journey kinds of the format.
const (
	DriverHTTP      = "http"
	DriverExec      = "exec"
	DriverJSONRPC   = "jsonrpc"
	DriverWebSocket = "websocket"
	DriverBrowser   = "browser"

	KindRead    = "read"
	KindWrite   = "write"
	KindEvents  = "events"
	KindContent = "content"
	KindStatus  = "status"

	UnitToken     = "token"            // of a balance: whole tokens of the chain's token
	UnitTokenBase = "token-base-units" // and its base units
)

// oneOf is a kind with its article.
func oneOf(kind string) string {
	if kind == KindEvents {
		return "an " + kind
	}
	return "a " + kind
}

// answerFields are the fields that the checks of a kind read. Others may be captured for use in follow; of the other kinds any name goes.
var answerFields = map[string][]string{
	KindRead:    {"balance", "block", "stale", "payments", "declined"},
	KindWrite:   {"id", "tx", "state", "declined"},
	KindEvents:  {"events", "block", "stale", "declined"},
	KindContent: {"stale", "declined"},
	KindStatus:  {"status", "declined"},
}

// messageFields are the fields of what an app pushes, of journeys with the driver websocket.
var messageFields = []string{"events", "removed", "subscribed", "stale", "declined"}

func (l *loader) journey(n *node, name, path string) Journey {
	j := Journey{
		Name:     name,
		Driver:   n.get("driver").word(),
		Kind:     n.get("kind").word(),
		Rate:     rateOf(n.get("rate")),
		Deadline: l.positive(n.get("deadline"), "deadline"),
		Chain:    n.get("chain").word(),
		Request:  Request{Headers: n.get("headers").strMap(), JSON: n.get("json").value()},
		Command:  n.get("command").strs(),
		Env:      n.get("env").strMap(),
		Steps:    l.visit(n.get("steps")),
		Method:   n.get("method").word(),
		Params:   n.get("params").value(),
		Connect:  n.get("connect").word(),
		Send:     n.get("send").value(),
		Answer:   map[string]AnswerField{},
		Checks: Checks{
			MaxStale:       blocksOf(n.get("checks").get("balance").get("max_stale"), defaultMaxStale),
			ConfirmedMeans: blocksOf(n.get("checks").get("payment").get("confirmed_means"), defaultConfirmed),
			Settle:         durationOf(n.get("checks").get("payment").get("settle"), defaultSettle),
		},
	}
	if j.Kind == KindEvents {
		j.Checks.MaxStale = blocksOf(n.get("checks").get("events").get("max_stale"), defaultMaxStale)
	}
	if j.Kind == KindStatus {
		j.Checks.NoticeWithin = durationOf(n.get("checks").get("status").get("notice_within"), defaultNotice)
	}
	if j.Driver == "" {
		j.Driver = DriverHTTP
	}
	l.headers(n.get("headers"))
	j.Request.Method, j.Request.Path = l.request(n.get("request"))
	l.driven(n, j.Driver, fmt.Sprintf("the journey %q", name))
	l.meantPayment(n, &j)
	j.Patience = durationOf(n.get("patience"), min(patienceDeadlines*j.Deadline, maxPatience))
	if p := n.get("patience"); p.word() != "" && j.Patience < j.Deadline {
		l.problem(p.pos, fmt.Sprintf("the patience cannot end before the deadline of %s", n.get("deadline").word()), "")
	}
	if f := n.get("follow"); f.is(mapNode) {
		l.driven(f, j.Driver, `"follow"`)
		r := Request{Headers: f.get("headers").strMap(), JSON: f.get("json").value()}
		l.headers(f.get("headers"))
		r.Method, r.Path = l.request(f.get("request"))
		every := defaultFollow
		if e := f.get("every"); e != nil {
			every = l.positive(e, "every")
		}
		j.Follow = &Follow{Request: r, Command: f.get("command").strs(), Env: f.get("env").strMap(), Method: f.get("method").word(), Params: f.get("params").value(), Steps: l.visit(f.get("steps")), Every: every}
	}
	each(n.get("answer"), func(name string, a *node) { j.Answer[name] = l.answer(a, name, j) })
	l.answerNames(n, j)
	l.states(n, &j)
	l.follows(n, j)
	l.journeyChecks(n, j)
	l.content(n, j)
	l.wired(n, j)
	if _, ok := j.Answer["events"]; j.Kind == KindEvents && !ok {
		l.problem(n.at(), fmt.Sprintf("the events journey %q does not say where its answer lists them", name), `answer: {events: {path: "$.deposits[*].tx"}}`)
	}
	return j
}

// meantPayment finds a journey that pays under another kind, and says so once. What hangs on the kind is then not looked at: all of it would be wrong.
func (l *loader) meantPayment(n *node, j *Journey) {
	if own := map[string]string{KindRead: "balance", KindEvents: "events", KindStatus: "status"}[j.Kind]; j.Kind == "" || j.Kind == KindWrite || n.get("checks").has(own) {
		return
	}
	var signs []string
	if n.has("follow") {
		signs = append(signs, `"follow"`)
	}
	if s := n.get("states"); slices.ContainsFunc(stateWords[KindWrite].states, func(state string) bool { return s.has(state) }) {
		signs = append(signs, `"states"`)
	}
	if n.get("checks").has("payment") {
		signs = append(signs, `the check "payment"`)
	}
	pays := false
	n.walk(func(n *node) {
		for _, name := range Variables(n.str()) {
			pays = pays || slices.Contains(intentVariables, name)
		}
	})
	if pays {
		signs = append(signs, "${intent.…}")
	}
	if len(signs) < 2 {
		return
	}
	last := len(signs) - 1
	l.problem(n.get("kind").at(), fmt.Sprintf("this is %s journey, but %s and %s are for journeys that pay", oneOf(j.Kind), strings.Join(signs[:last], ", "), signs[last]), "kind: write")
	j.Kind = ""
}

// content checks that a content journey asks for one of the run's files, and is about no chain.
func (l *loader) content(n *node, j Journey) {
	if j.Kind != KindContent {
		return
	}
	if c := n.get("chain"); c != nil {
		l.problem(c.pos, "a content journey is about no chain: files have a content id", "")
	}
	asks := false
	for _, key := range []string{"request", "headers", "json", "command", "env"} {
		n.get(key).walk(func(n *node) {
			for _, name := range Variables(n.str()) {
				asks = asks || strings.HasPrefix(name, "content.") // a misspelt one is reported as such
			}
		})
	}
	if request := n.get("request"); request.word() != "" && !asks {
		l.problem(request.pos, fmt.Sprintf("the content journey %q does not say which file it asks for", j.Name), "request: GET /picture/${content.cid}")
	}
	if command := n.get("command"); command.is(listNode) && len(command.items) > 0 && !asks {
		l.problem(command.at(), fmt.Sprintf("the content journey %q does not say which file it asks for", j.Name), `command: [./wallet, picture, "${content.cid}"]`)
	}
}

func (l *loader) answer(n *node, name string, j Journey) AnswerField {
	f := AnswerField{Path: n.get("path").word(), Match: n.get("match").word(), CSS: n.get("css").word(), Attr: n.get("attr").word(), Unit: n.get("unit").word(), Decimals: int(n.get("decimals").int(-1))}
	l.found(n, name, j)
	if f.Path == "" && f.Match == "" && isResult(name, j) {
		f.Path = "$.result"
	}
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
	most := unitDigits[f.Unit]
	if f.Unit == UnitToken {
		most = TokenDigits
	}
	if d := n.get("decimals"); d != nil && !d.bad && f.Decimals > most && (!n.has("unit") || !n.get("unit").bad) {
		l.problem(d.pos, fmt.Sprintf("an amount in %s has at most %d digits after the point", f.Unit, most), "")
	}
	return f
}

// answerNames reports a field that no check reads and no variable uses: most likely it is misspelt.
func (l *loader) answerNames(n *node, j Journey) {
	known, ok := answerFields[j.Kind]
	if j.Driver == DriverWebSocket {
		known = messageFields
	}
	answer := n.get("answer")
	if !ok || !answer.is(mapNode) {
		return
	}
	var used []string
	n.get("follow").walk(func(n *node) { used = append(used, Variables(n.str())...) })
	for _, e := range answer.entries {
		if !slices.Contains(known, e.key) && !slices.Contains(used, "answer."+e.key) {
			l.problem(e.pos, fmt.Sprintf("the answer %q is read by no check of %s journey and by no variable", clip(e.key), oneOf(j.Kind)), suggestOr(e.key, without(known, answer.keys())))
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
		if _, read := j.Answer[words.field]; ok && read {
			l.problem(n.get("answer").get(words.field).at(), fmt.Sprintf("%q needs the app's words for the states", words.field), words.hint)
		}
		return
	}
	switch {
	case ok:
	case j.Kind != "":
		l.problem(s.at(), fmt.Sprintf("only a write or a status journey has states; this is %s journey", oneOf(j.Kind)), "")
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
			l.problem(e.pos, fmt.Sprintf("%s journey has no state %q", oneOf(j.Kind), e.key), words.hint)
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
		l.problem(f.at(), fmt.Sprintf("only a write journey follows what it began; this is %s journey", oneOf(j.Kind)), "")
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
	for _, c := range []struct{ name, kind string }{{"balance", KindRead}, {"payment", KindWrite}, {"events", KindEvents}, {"status", KindStatus}} {
		if k := checks.get(c.name); k != nil && j.Kind != "" && j.Kind != c.kind {
			l.problem(k.at(), fmt.Sprintf("the check %q is for %s journeys; this is %s journey", c.name, c.kind, oneOf(j.Kind)), "")
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
	l.resolver()
	for _, u := range l.source.uses {
		var known []string
		switch u.place {
		case "start":
			known = slices.Concat(instanceVariables, payerVariables, namesVariables, secrets)
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
		case "command":
			known = slices.Concat(accountVariables, session, secrets, appVariables, namesVariables, l.journeyVariables(a, u))
			if family, _, _ := strings.Cut(u.name, "."); family == "service" {
				l.serviceVariable(u)
				continue
			}
		default:
			known = slices.Concat(accountVariables, session, secrets, l.journeyVariables(a, u))
		}
		if slices.Contains(known, u.name) || l.refused(u, a) {
			continue
		}
		if name, ok := strings.CutPrefix(u.name, "secret."); ok && u.place != "address" {
			l.problem(u.pos, fmt.Sprintf("no secret %q is declared", clip(name)), cmp.Or(Suggest(name, sortedKeys(a.Secrets)), fmt.Sprintf("secrets: {%[1]s: {from_env: %[1]s}}", clip(name))))
			continue
		}
		l.unknownVariable(u.pos, u.name, known, u.path)
	}
}

// refused reports a variable that could not be known because the kind of its journey was refused, which was said.
func (l *loader) refused(u variableUse, a *App) bool {
	rest, ok := strings.CutPrefix(u.path, "journeys.")
	name, _, _ := strings.Cut(rest, ".")
	if j, there := a.Journeys[name]; !ok || !there || j.Kind != "" {
		return false
	}
	return slices.Contains(intentVariables, u.name) || slices.Contains(contentVariables, u.name)
}

// resolver checks that an app which finds services by name can: the system's own resolver would lead it to the real ones.
func (l *loader) resolver() {
	first := -1
	for i, u := range l.source.uses {
		if u.name == "dns.address" {
			return
		}
		if _, _, what, ok := splitService(u.name); ok && strings.HasPrefix(what, namedPrefix) && first < 0 {
			first = i
		}
	}
	if first >= 0 {
		u := l.source.uses[first]
		l.problem(u.pos, fmt.Sprintf("\"${%s}\" is an address by name, and only the run's resolver knows where it leads", clip(u.name)), "give the app ${dns.address}, host and port of the resolver that it has to ask")
	}
}

// journeyVariables are what a journey's own kind and answer add.
func (l *loader) journeyVariables(a *App, u variableUse) []string {
	name, rest, _ := strings.Cut(strings.TrimPrefix(u.path, "journeys."), ".")
	j := a.Journeys[name]
	var known []string
	switch j.Kind {
	case KindWrite:
		known = append(known, intentVariables...)
	case KindContent:
		known = append(known, contentVariables...)
	}
	if strings.HasPrefix(rest, "follow.") {
		for _, field := range sortedKeys(j.Answer) {
			known = append(known, "answer."+field)
		}
	}
	return known
}

// serviceVariable checks the form only: which services there are, the world knows (see Check).
func (l *loader) serviceVariable(u variableUse) {
	if _, _, _, ok := splitService(u.name); !ok {
		hint := "${service.NAME.url}, .ws, .named_url or .named_ws, and with several chains ${service.NAME.CHAIN.url} and so on; of kind tcp ${service.NAME.address}"
		parts := strings.Split(u.name, ".")
		if best, ok := nearest(parts[len(parts)-1], serviceMembers); ok && len(parts) >= 3 {
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
	return parts[1], chain, what, slices.Contains(serviceMembers, what) && (len(parts) == 3 || chain != "")
}

// namedPrefix begins the members of a service that are addresses by host name.
const namedPrefix = "named_"

// serviceMembers are the addresses of a service: by number, and by name. The last two are host and port alone, of a service of kind tcp.
var serviceMembers = []string{"url", "ws", namedPrefix + "url", namedPrefix + "ws", "address", namedPrefix + "address"}
