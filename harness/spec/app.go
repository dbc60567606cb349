package spec

import (
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The defaults of an app file.
const (
	defaultAccounts      = 10
	defaultFund          = "100 ether"
	defaultReady         = 20 * time.Second
	defaultSteady        = 0.99
	defaultRecover       = 10 * time.Second
	defaultAmplification = 3
	defaultMaxStale      = 3
	defaultConfirmed     = 1
	defaultSettle        = 10 * time.Second
	defaultFollow        = time.Second
	defaultNotice        = 30 * time.Second

	patienceDeadlines = 3
	maxPatience       = 30 * time.Second
)

func (l *loader) app(n *node) *App {
	a := &App{
		Source:        l.source,
		Dir:           filepath.Dir(l.source.Name),
		Name:          n.get("name").word(),
		About:         n.get("about").word(),
		Version:       n.get("version").word(),
		Start:         l.start(n.get("start")),
		URL:           n.get("url").word(),
		Ready:         l.ready(n.get("ready")),
		Instances:     l.instances(n),
		Secrets:       map[string]Secret{},
		Accounts:      l.accounts(n.get("accounts")),
		Steady:        Steady{OK: shareOf(n.get("steady_state").get("ok"), defaultSteady), P99: durationOf(n.get("steady_state").get("p99"), 0)},
		RecoverWithin: durationOf(n.get("recover_within"), defaultRecover),
		Amplification: n.get("amplification").float(defaultAmplification),
		Journeys:      map[string]Journey{},
	}
	each(n.get("secrets"), func(name string, s *node) { a.Secrets[name] = Secret{FromEnv: s.get("from_env").word()} })
	a.Sessions = l.sessions(n.get("sessions"), a.Accounts.Count)
	journeys := n.get("journeys")
	each(journeys, func(name string, j *node) {
		a.JourneyOrder = append(a.JourneyOrder, name)
		a.Journeys[name] = l.journey(j, name, join("journeys", name))
	})
	if journeys.is(mapNode) && len(journeys.entries) == 0 {
		l.problem(journeys.at(), "there is no journey: nothing would be asked of the app", "")
	}
	l.address(n, a)
	l.appVariables(a)
	return a
}

// starters are the ways to start an app, of which exactly one is given.
var starters = []string{"command", "image", "build", "compose", "url"}

func (l *loader) start(n *node) Start {
	s := Start{
		Prepare: n.get("prepare").strs(), Command: n.get("command").strs(),
		Image: n.get("image").word(), Build: n.get("build").word(), Compose: n.get("compose").word(),
		Service: n.get("service").word(), URL: n.get("url").word(), Env: n.get("env").strMap(),
	}
	if !n.is(mapNode) {
		return s
	}
	var given []string
	for _, key := range starters {
		if n.has(key) {
			given = append(given, key)
		}
	}
	switch {
	case len(given) == 0 && !slices.ContainsFunc(n.keys(), func(k string) bool { _, near := nearest(k, starters); return near }):
		l.problem(n.at(), "the app has no way to start", "one of: "+strings.Join(starters, ", "))
	case len(given) > 1:
		l.problem(n.get(given[1]).at(), fmt.Sprintf("the app has more than one way to start: %s", strings.Join(given, " and ")), "keep one of them")
	}
	for _, key := range []string{"command", "prepare"} {
		if c := n.get(key); c.is(listNode) && (len(c.items) == 0 || c.items[0].word() == "") {
			l.problem(c.at(), fmt.Sprintf("%q begins with a program; this one is empty", key), "[go, run, .]")
		}
	}
	if service := n.get("service"); service != nil && !n.has("compose") {
		l.problem(service.pos, `"service" belongs to "compose"`, "")
	}
	if env := n.get("env"); env != nil && n.has("url") {
		l.problem(env.at(), "an app that runs already takes no environment from here", "")
	}
	return s
}

// address checks that the app is on this machine: a run never talks to another.
func (l *loader) address(n *node, a *App) {
	u, own := n.get("url"), n.get("start").get("url")
	switch {
	case own != nil && u == nil:
		a.URL = own.word()
	case u == nil && n.get("start").is(mapNode):
		l.problem(n.pos, `the file needs the key "url": the address of an instance`, `url: "http://127.0.0.1:${instance.port}"`)
	}
	for _, at := range []*node{u, own} {
		if at.word() == "" {
			continue
		}
		if what := loopback(at.text); what != "" {
			l.problem(at.pos, fmt.Sprintf("bad address %q: %s", clip(at.text), what), `url: "http://127.0.0.1:${instance.port}"`)
			continue
		}
		if own == nil && a.instances() > 1 && !slices.ContainsFunc(Variables(at.text), func(v string) bool { return v == "instance.port" || v == "instance.index" }) {
			l.problem(at.pos, fmt.Sprintf("%d instances cannot share one address", a.instances()), `url: "http://127.0.0.1:${instance.port}"`)
		}
	}
}

// instances is how many instances there are.
func (a *App) instances() int {
	if len(a.Instances) == 0 {
		return 1
	}
	n := 0
	for _, count := range a.Instances {
		n += count
	}
	return n
}

// loopback says why an address is not one of this machine, or "".
func loopback(text string) string {
	text, err := Expand(text, func(string) (string, bool) { return "1", true })
	if err != nil {
		return err.Error()
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "it does not parse"
	case u.Scheme != "http" && u.Scheme != "https":
		return "it must begin with http:// or https://"
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "it has more than a host, a port and a path"
	}
	host := u.Hostname()
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.IsLoopback() {
		return ""
	}
	return fmt.Sprintf("%q is not this machine; a run talks to 127.0.0.1, ::1 and localhost only", clip(host))
}

func (l *loader) ready(n *node) Ready {
	method, path := l.request(n.get("request"))
	return Ready{Request: Request{Method: method, Path: path}, Within: durationOf(n.get("within"), defaultReady)}
}

// request takes the method and path of "GET /x"; the shape check has reported others.
func (l *loader) request(n *node) (method, path string) {
	method, path, _, _ = parseRequest(n.word())
	return method, path
}

// maxInstances keeps a slip of the keyboard from starting a thousand processes.
const maxInstances = 100

func (l *loader) instances(n *node) map[string]int {
	m := n.get("instances")
	if !m.is(mapNode) {
		return nil
	}
	out, sum := map[string]int{}, int64(0)
	for _, e := range m.entries {
		count := min(max(e.value.int(1), 0), maxInstances+1)
		out[e.key] = int(count)
		sum += count
	}
	switch {
	case len(m.entries) == 0:
		l.problem(m.at(), `"instances" is empty: nothing would run`, "leave it out for one instance that is placed nowhere")
	case sum > maxInstances:
		l.problem(m.at(), fmt.Sprintf("more than %d instances", maxInstances), "")
	case sum > 1 && n.get("start").has("url"):
		l.problem(m.at(), "an app that runs already is one instance", "")
	}
	return out
}

// maxAccounts bounds accounts and sessions: each watched account is credited in every block.
const maxAccounts = 10_000

func (l *loader) accounts(n *node) Accounts {
	a := Accounts{Count: l.count(n.get("count"), defaultAccounts), Fund: defaultFund}
	if f := n.get("fund"); f != nil {
		a.Fund = f.word()
	}
	if wei, what, _ := parseAmount(a.Fund); what == "" {
		a.Wei = wei.String()
	}
	return a
}

func (l *loader) count(n *node, or int) int {
	v := n.int(int64(or))
	if v > maxAccounts {
		l.problem(n.pos, fmt.Sprintf("more than %d", maxAccounts), "")
		v = maxAccounts
	}
	return int(v)
}

func (l *loader) sessions(n *node, accounts int) Sessions {
	s := Sessions{Count: l.count(n.get("count"), accounts), Headers: n.get("headers").strMap()}
	l.headers(n.get("headers"))
	login := n.get("login")
	if !login.is(mapNode) {
		return s
	}
	r := Request{Headers: login.get("headers").strMap(), JSON: login.get("json").value()}
	l.headers(login.get("headers"))
	r.Method, r.Path = l.request(login.get("request"))
	s.Login = &Login{Request: r, Capture: login.get("capture").strMap()}
	if c := login.get("capture"); c.has("index") {
		l.problem(c.get("index").pos, "${session.index} is the session's number; a capture needs another name", "")
	}
	return s
}

// headers checks names by RFC 9110's token, and values for line breaks.
func (l *loader) headers(n *node) {
	if !n.is(mapNode) {
		return
	}
	for _, e := range n.entries {
		if e.key == "" || strings.ContainsFunc(e.key, func(r rune) bool {
			return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
		}) {
			l.problem(e.pos, fmt.Sprintf("bad name of a header %q", clip(e.key)), "")
		}
		if strings.ContainsAny(e.value.word(), "\r\n") {
			l.problem(e.value.pos, "a header has no line breaks", "")
		}
	}
}
