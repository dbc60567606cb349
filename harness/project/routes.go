package project

import (
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
)

// The ways in which frameworks write a route, and servers without one.
var (
	// app.get("/balance/:address", of Express, Fastify, Hono, Koa, gin, echo, chi, FastAPI, Flask
	called = regexp.MustCompile("(?i)([\\w$]+)\\s*\\.\\s*(get|post|put|patch|delete|all|route)\\(\\s*[\"'`](/[^\"'`\\s$]*)[\"'`]")
	// http.HandleFunc("GET /balance/{address}",
	handled = regexp.MustCompile(`\bHandle(?:Func)?\(\s*["` + "`" + `](?:([A-Z]+) )?(/[^"` + "`" + `\s]*)["` + "`" + `]`)
	// pathname.startsWith("/balance/"), strings.HasPrefix(r.URL.Path, "/balance/")
	begins = regexp.MustCompile(`(?:(?:pathname|url|path)\.startsWith\(|HasPrefix\([^,\n]*(?:Path|path|url)\s*,)\s*["'](/[A-Za-z0-9_/-]+/)["']`)
	// pathname === "/balance", case "/balance":
	equals = regexp.MustCompile(`(?:(?:pathname|url|path|Path)\s*={2,3}|\bcase)\s*["'](/[A-Za-z0-9_/-]*)["']`)
	// pathname.match(/^\/balance\/(0x…
	matched = regexp.MustCompile(`\^((?:\\/[A-Za-z0-9_-]+)+)\\/[(\[]`)

	varies  = regexp.MustCompile(`:([A-Za-z_]\w*)(?:\([^)]*\))?\??|<(?:\w+:)?(\w+)>|\[(?:\.\.\.)?(\w+)\]|\{(\w+)(?::[^}]*|\.\.\.)?\}`)
	inPath  = regexp.MustCompile(`\{\w+\}`)
	clients = []string{"axios", "client", "api", "http", "https", "request", "got", "cache", "map", "headers", "agent", "instance", "fetcher", "ky", "redis", "supertest", "session", "requests"}
	pages   = regexp.MustCompile(`^(?:src/)?(?:app/(.+)/route|pages/(api/.+?)(?:/index)?)\.[jt]sx?$`)
	group   = regexp.MustCompile(`\([^)/]*\)/`)
)

// routes lists what a file answers, from its top to its end.
func routes(name, text string, line func(int) int) (list []Route) {
	type found struct {
		Route
		offset int
	}
	var all []found
	add := func(offset int, r Route) {
		r.Path = varies.ReplaceAllStringFunc(strings.ReplaceAll(r.Path, "{$}", ""), func(text string) string {
			m := varies.FindStringSubmatch(text)
			return "{" + m[1] + m[2] + m[3] + m[4] + "}"
		})
		r.File, r.Line = name, line(offset)
		all = append(all, found{r, offset})
	}
	for _, m := range called.FindAllStringSubmatchIndex(text, -1) {
		receiver, method := strings.ToLower(text[m[2]:m[3]]), strings.ToUpper(text[m[4]:m[5]])
		if slices.Contains(clients, receiver) {
			continue
		}
		if method == "ALL" || method == "ROUTE" {
			method = ""
		}
		add(m[0], Route{Method: method, Path: text[m[6]:m[7]], mounted: !slices.Contains([]string{"app", "server", "fastify", "r", "mux", "e"}, receiver)})
	}
	for _, m := range handled.FindAllStringSubmatchIndex(text, -1) {
		r := Route{Path: subtree(text[m[4]:m[5]])}
		if m[2] >= 0 {
			r.Method = text[m[2]:m[3]]
		}
		add(m[0], r)
	}
	for _, m := range begins.FindAllStringSubmatchIndex(text, -1) {
		add(m[0], Route{Path: subtree(text[m[2]:m[3]])})
	}
	for _, m := range equals.FindAllStringSubmatchIndex(text, -1) {
		add(m[0], Route{Path: text[m[2]:m[3]]})
	}
	for _, m := range matched.FindAllStringSubmatchIndex(text, -1) {
		add(m[0], Route{Path: strings.ReplaceAll(text[m[2]:m[3]], `\`, "") + "/{rest}"})
	}
	slices.SortStableFunc(all, func(a, b found) int { return a.offset - b.offset })
	for i, f := range all {
		end := len(text)
		if i+1 < len(all) {
			end = all[i+1].offset
		}
		f.around = firstLines(text[f.offset:end], 40)
		list = append(list, f.Route)
	}
	if m := pages.FindStringSubmatch(name); m != nil { // Next.js: the file's name is the route
		r := Route{Method: "GET", Path: "/" + group.ReplaceAllString(m[1]+m[2], ""), around: firstLines(text, 60)}
		if m[1] != "" && !regexp.MustCompile(`\bGET\b`).MatchString(text) {
			return list
		}
		add(0, r)
		list = append(list, all[len(all)-1].Route)
	}
	return list
}

// subtree gives a path that ends with a slash, under which anything may follow, a name for what follows.
func subtree(text string) string {
	if len(text) > 1 && strings.HasSuffix(text, "/") {
		return text + "{rest}"
	}
	return text
}

func firstLines(text string, n int) string {
	lines := strings.SplitAfterN(text, "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "")
}

// addressLike are names of what stands for an account.
var addressLike = regexp.MustCompile(`(?i)^(a|addr|address|account|wallet|user|owner|walletaddress|accountaddress|pubkey|rest|id)$`)

var (
	query   = regexp.MustCompile(`(?:query\.|searchParams\.get\(["']|Query\(\)\.Get\("|FormValue\("|args\.get\(["']|\.Query\("|query\[["'])(\w+)`)
	taken   = regexp.MustCompile(`\{([^{}]*)\}\s*=\s*(?:req|request|ctx|c)\.query\b`)
	word    = regexp.MustCompile(`\w+`)
	replied = regexp.MustCompile(`(?s)(?:\b(?:json|JSON|send|Encode|stringify|jsonify|Response|return|reply|body)\b|map\[string\])[^;]{0,300}?[{,\s"'](\w*[bB]alance\w*|wei|ether|eth|amount|value)["']?\s*[:,}]`)
	fixed   = regexp.MustCompile(`toFixed\(\s*([0-9]{1,2})\s*\)|%\.([0-9]{1,2})f`)
)

// Balance is the route that seems to show a balance, as an app file asks for it.
type Balance struct {
	Request  string // GET /balance/${account.address}
	Field    string // the key of the answer
	Unit     string // wei or ether
	Decimals string // digits that are shown; "" for all
	Sure     bool   // the answer's key was seen
	Route    Route
}

// balance picks the route: a GET with "balance" in its path, and a place for the account.
func (s Source) balance() *Balance {
	var best *Balance
	rank := 0
	for _, r := range s.Routes {
		at := strings.ToLower(r.Path)
		if !r.reads() || !strings.Contains(at, "balance") {
			continue
		}
		names := inPath.FindAllString(r.Path, -1)
		var asked string
		score := 0
		switch {
		case len(names) == 1 && addressLike.MatchString(strings.Trim(names[0], "{}")):
			asked, score = strings.Replace(r.Path, names[0], "${account.address}", 1), 3
		case len(names) == 1:
			asked, score = strings.Replace(r.Path, names[0], "${account.address}", 1), 1
		case len(names) == 0:
			if name := queryName(r.around); name != "" {
				asked, score = r.Path+"?"+name+"=${account.address}", 2
			}
		}
		if score <= rank || strings.ContainsAny(strings.ReplaceAll(asked, "${account.address}", ""), "{}*()") {
			continue
		}
		if r.mounted && len(s.Mounts) == 1 {
			asked = path.Join(s.Mounts[0], asked)
		}
		best, rank = s.answer(r), score
		best.Request = "GET " + asked
	}
	return best
}

var (
	payPath = regexp.MustCompile(`(?i)(^|[/_-])(send|pay|payments?|transfers?|withdraw|withdrawals?|payouts?|transactions?|tx)($|[/_-])`)
	payCode = regexp.MustCompile(`(?i)\b(sendTransaction|sendRawTransaction|eth_sendTransaction|eth_sendRawTransaction|sendUserOperation)\b`)
)

// payment picks the route that seems to pay: a POST that sends a transaction, or else one whose path says so.
func (s Source) payment() *Route {
	for _, pays := range []func(Route) bool{
		func(r Route) bool { return payCode.MatchString(r.around) },
		func(r Route) bool { return payPath.MatchString(r.Path) },
	} {
		for _, r := range s.Routes {
			if r.Method != http.MethodPost || !pays(r) {
				continue
			}
			if r.mounted && len(s.Mounts) == 1 {
				r.Path = path.Join(s.Mounts[0], r.Path)
			}
			return &r
		}
	}
	return nil
}

// reads reports whether a GET leads to the route.
func (r Route) reads() bool { return r.Method == "" || r.Method == http.MethodGet }

func queryName(around string) string {
	for _, m := range query.FindAllStringSubmatch(around, -1) {
		if addressLike.MatchString(m[1]) {
			return m[1]
		}
	}
	for _, m := range taken.FindAllStringSubmatch(around, -1) {
		for _, name := range word.FindAllString(m[1], -1) {
			if addressLike.MatchString(name) {
				return name
			}
		}
	}
	return ""
}

// answer guesses what a route's answer looks like.
func (s Source) answer(r Route) *Balance {
	b := &Balance{Field: "balance", Unit: "wei", Route: r}
	if m := replied.FindStringSubmatch(r.around); m != nil {
		b.Field, b.Sure = m[1], true
	}
	switch lower := strings.ToLower(b.Field); {
	case strings.Contains(lower, "wei"):
	case ether.MatchString(r.around), strings.HasPrefix(lower, "eth"), s.Ether:
		b.Unit = "ether"
		if m := fixed.FindStringSubmatch(r.around); m != nil {
			b.Decimals = m[1] + m[2]
		}
	}
	return b
}

// health picks the route that says whether the app is up: the first that exists of a list, and "" when none does.
func (s Source) health() (string, *Route) {
	for _, name := range []string{"/health", "/healthz", "/api/health", "/ready", "/readyz", "/livez", "/status", "/ping", "/"} {
		for _, r := range s.Routes {
			if r.Path == name && r.reads() && !r.mounted {
				return name, &r
			}
		}
	}
	return "", nil
}
