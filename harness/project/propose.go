package project

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"blackout/harness/spec"
)

// Proposal is an app file for a project.
type Proposal struct {
	Text     string
	Todo     []Todo   // what only a person can fill in; lint reports each until then
	Scenario string   // of the library: one that strikes what the app calls
	Notes    []string // what the file has not and could have, in sentences
}

// Todo is a place that has to be filled in.
type Todo struct {
	Line int
	What string
}

// Propose writes the app file, with the reason of each line above it. It passes lint unless there is something to do.
func (p *Project) Propose(w *spec.World) Proposal {
	b := &builder{}
	hosts := p.Hosts(w)
	variables, without := p.assigned(w)

	b.say(0, "Made by blackout init from what the folder shows. Every key is explained in Blackout's scenarios/README.md; blackout schema app has them too.")
	b.line("schema: blackout/app/1")
	b.line("name: %s", scalar(p.Name))
	b.line("start:")
	p.start(b)
	notes := p.containers(b)
	if r := p.Source.payment(); r != nil {
		notes = append(notes, fmt.Sprintf("No journey pays yet: %s %s (%s:%d) looks like one; see send-payment in Blackout's scenarios/README.md.", r.Method, r.Path, r.File, r.Line))
	}
	url := p.environment(b, variables, without, hosts)
	b.say(0, "Where a run reaches the app: this machine only.")
	b.line("url: %s", quoted(url))
	p.ready(b)
	b.say(0, "Accounts with money on the run's own chain, and as many users.")
	b.line("accounts: {count: 10, fund: 100 ether}")
	b.line("sessions: {count: 10}")
	b.say(0, "What the app has to show before the outage, and how soon after it again.")
	b.line("steady_state: {ok: 99%%, p99: 2s}")
	b.line("recover_within: 10s")
	b.say(0, "What users do. The answers are held against what is true on the chain.")
	b.line("journeys:")
	b.line("  view-balance:")
	b.line("    kind: read")
	b.line("    rate: 20/s")
	b.line("    deadline: 2s")
	if chain := onlyChain(w, variables, hosts); chain != "" {
		b.say(4, "All hosts that are compiled in are of this chain.")
		b.line("    chain: %s", scalar(chain))
	}
	p.journey(b)
	return Proposal{strings.Join(b.lines, "\n") + "\n", b.todo, scenarioFor(variables, hosts), notes}
}

// builder collects lines.
type builder struct {
	lines []string
	todo  []Todo
}

func (b *builder) line(format string, args ...any) {
	b.lines = append(b.lines, fmt.Sprintf(format, args...))
}

const commentWidth = 110

// say writes a comment, over several lines where it is long.
func (b *builder) say(indent int, format string, args ...any) {
	lead := strings.Repeat(" ", indent) + "#"
	text := lead
	for _, word := range strings.Fields(fmt.Sprintf(format, args...)) {
		if len(text)+1+len(word) > commentWidth && text != lead {
			b.lines, text = append(b.lines, text), lead
		}
		text += " " + word
	}
	b.lines = append(b.lines, text)
}

// needs marks the line that comes next as one to fill in.
func (b *builder) needs(indent int, what string) {
	b.say(indent, "TODO: %s", what)
	b.todo = append(b.todo, Todo{len(b.lines) + 1, what})
}

// start writes how the app is built and started.
func (p *Project) start(b *builder) {
	prepare, command, why := p.command()
	if prepare != nil {
		b.say(2, "Run once before each run, in your own environment.")
		b.line("  prepare: %s", list(prepare))
	}
	if command == nil {
		b.needs(2, "the program that starts the app, and its words: [node, server.js]")
		b.line("  command: []")
		return
	}
	b.say(2, "%s", why)
	b.line("  command: %s", list(command))
}

// containers shows how the app starts as a container, where its folder says how one is made. It gives what there is to tell.
func (p *Project) containers(b *builder) (notes []string) {
	var files []string
	say := func(file string) {
		files = append(files, file)
		b.say(2, "%s is here too. In place of prepare and command, what follows starts the app as a container, where Docker is; there it has to listen on all addresses (see Containers in "+
			"Blackout's scenarios/README.md).", file)
	}
	if p.Image != nil {
		say(p.Image.File)
		b.line("  # build: .")
	}
	if p.Compose != nil {
		say(p.Compose.File)
		b.line("  # compose: %s", scalar(p.Compose.File))
		if services := p.Compose.Services; len(services) > 1 {
			// What opens a port is the app more often than what does not.
			i := max(0, slices.IndexFunc(services, func(s ComposeService) bool { return len(s.Ports) > 0 }))
			b.line("  # service: %s", scalar(services[i].Name))
		}
	}
	if len(files) > 0 {
		notes = append(notes, fmt.Sprintf("A run can start the app as a container too, by %s: see the comments in start.", strings.Join(files, " or ")))
	}
	return notes
}

var plainScript = regexp.MustCompile(`^node( [A-Za-z0-9_./=@:-]+)+$`)

// command finds how the app starts: by package.json, as a Go program, or as its image does.
func (p *Project) command() (prepare, command []string, why string) {
	switch {
	case p.Package != nil:
		if command, why = p.nodeCommand(); command != nil {
			return p.nodePrepare(), command, why
		}
	case len(p.Source.Mains) > 0:
		mains := p.Source.Mains
		at := mains[0]
		if slices.Contains(mains, ".") {
			at = "."
		}
		from := "."
		why = "The program of this folder."
		if at != "." {
			from = "./" + at
			why = "The program of " + at + "."
		}
		if len(mains) > 1 {
			why += " There are others: " + strings.Join(slices.DeleteFunc(slices.Clone(mains), func(m string) bool { return m == at }), ", ") + "."
		}
		return []string{"go", "build", "-o", ".bin/" + p.Name, from}, []string{".bin/" + p.Name}, why
	}
	switch program := p.Source.program(); {
	case program != "":
		return p.nodePrepare(), []string{"node", program}, "The program that lies in the folder."
	case p.Image != nil && len(p.Image.CMD) > 0:
		return nil, p.Image.CMD, "As CMD of " + p.Image.File + " has it. It starts in this folder, with what is installed on this machine."
	}
	return nil, nil, ""
}

func (p *Project) nodeCommand() ([]string, string) {
	switch {
	case plainScript.MatchString(p.Package.Start):
		return strings.Fields(p.Package.Start), "The start script of package.json."
	case p.Package.Start != "":
		return []string{"npm", "start", "--silent"}, "The start script of package.json."
	case p.Package.Main != "" && plainScript.MatchString("node "+p.Package.Main):
		return []string{"node", p.Package.Main}, "package.json has no start script; this is its main."
	}
	return nil, ""
}

// nodePrepare is what has to happen before the app can start: libraries, when they are not installed, and the build, when it starts from what that makes.
func (p *Project) nodePrepare() []string {
	if p.Package == nil {
		return nil
	}
	var steps []string
	if !p.Package.Installed {
		steps = append(steps, strings.Join(p.Package.Installer, " "))
	}
	if p.Package.Build != "" && regexp.MustCompile(`\b(dist|build|out|next start)\b`).MatchString(p.Package.Start+" "+p.Package.Main) {
		steps = append(steps, "npm run build")
	}
	switch {
	case len(steps) == 0:
		return nil
	case len(steps) == 1:
		return strings.Fields(steps[0])
	}
	return []string{"sh", "-c", strings.Join(steps, " && ")}
}

// noOne is an address that any app can show a balance of.
const noOne = "0x0000000000000000000000000000000000000000"

// ready writes how a run knows that the app is up.
func (p *Project) ready(b *builder) {
	route, at := p.Source.health()
	balance := p.Source.balance()
	switch {
	case at != nil:
		b.say(0, "The app is up when this answers 2xx (%s:%d).", at.File, at.Line)
		b.line("ready: {request: GET %s, within: 20s}", route)
	case balance != nil:
		b.say(0, "The app is up when this answers 2xx. Better, if it has a route for that: GET /health")
		b.line("ready: {request: %s, within: 20s}", quoted(strings.ReplaceAll(balance.Request, "${account.address}", noOne)))
	default:
		b.needs(0, "what answers 2xx when the app is up: GET /health")
		b.line("ready: {request: TODO, within: 20s}")
	}
}

// environment writes the variables, and gives the address of an instance.
func (p *Project) environment(b *builder, variables []variable, without []string, hosts Hosts) (url string) {
	port := p.portName()
	url = "http://127.0.0.1:${instance.port}"
	var lines []variable
	switch {
	case port != "":
		lines = append(lines, variable{port, "${instance.port}", "the port that the run gives the app"})
	case len(p.Source.Ports) > 0:
		at := p.Source.Ports[0]
		url = "http://127.0.0.1:" + at.Text
	default:
		lines = append(lines, variable{"PORT", "${instance.port}", "no variable of the port was found: the app has to listen at this one"})
	}
	lines = append(lines, variables...)
	if len(lines) > 0 {
		b.say(2, "All that the app finds in its environment, beside PATH, HOME and LANG, and in a private network SSL_CERT_FILE and four like it, for the run's authority.")
		b.line("  env:")
		for _, v := range lines {
			b.say(4, "%s", v.why)
			b.line("    %s: %s", v.name, quoted(v.value))
		}
	}
	indent := 2
	if len(lines) > 0 {
		indent = 4
	}
	given := make([]string, 0, len(lines))
	for _, v := range lines {
		given = append(given, v.name)
	}
	var rest []string
	for _, name := range p.names() {
		if !slices.Contains(given, name) && !slices.Contains(without, name) {
			rest = append(rest, name)
		}
	}
	if len(rest) > 0 {
		b.say(indent, "The app also knows %s. What it needs of them: %s: \"${env.%s}\" takes yours.", some(rest, 12), rest[0], rest[0])
	}
	if len(without) > 0 {
		b.say(indent, "The world has no service for %s: see World in Blackout's scenarios/README.md.", some(without, 12))
	}
	switch rpc := compiledIn(hosts); {
	case len(rpc) > 0:
		b.say(indent, "%s: compiled in. On Linux the run's own network has them under these names, so that they need no variable.", some(rpc, 6))
	case len(variables) == 0:
		b.say(indent, "No address of a provider was found. If a variable has it: RPC_URL: \"${service.infura.ethereum.url}\"")
	}
	if port == "" && len(p.Source.Ports) > 0 {
		at := p.Source.Ports[0]
		b.say(0, "The port is compiled in (%s:%d).", at.File, at.Line)
	}
	return url
}

// onlyChain is the chain of the compiled-in providers, where it has to be said: no variable says it, and it is not the world's first.
func onlyChain(w *spec.World, variables []variable, hosts Hosts) string {
	only := ""
	for _, h := range hosts.Modelled {
		if h.Chain != "" && only != "" && h.Chain != only || h.Chain == w.ChainOrder[0] {
			return ""
		}
		only = cmp.Or(only, h.Chain)
	}
	if slices.ContainsFunc(variables, func(v variable) bool { return strings.HasPrefix(v.value, "${service.") }) {
		return ""
	}
	return only
}

// compiledIn are the hosts of the sources that the world has.
func compiledIn(hosts Hosts) (list []string) {
	for _, h := range hosts.Modelled {
		list = append(list, h.Text)
	}
	return list
}

func (p *Project) journey(b *builder) {
	balance := p.Source.balance()
	if balance == nil {
		b.needs(4, "the request that shows a user's balance: GET /balance/${account.address}")
		b.line("    request: TODO")
		b.say(4, "Where the answer has it: a JSONPath, and in which unit: wei, gwei or ether.")
		b.line(`    answer: {balance: {path: "$.balance", unit: ether}, declined: {path: "$.error"}}`)
	} else {
		b.say(4, "Guessed from %s:%d.", balance.Route.File, balance.Route.Line)
		b.line("    request: %s", requested(balance.Request))
		how := "Guessed"
		if balance.Sure {
			how = "Guessed from what the code answers"
		}
		b.say(4, "%s: where the answer has the balance, and in which unit (wei, gwei or ether; decimals: how many digits it shows). declined: where the app says no.", how)
		decimals := ""
		if balance.Decimals != "" {
			decimals = ", decimals: " + balance.Decimals
		}
		b.line(`    answer: {balance: {path: "$.%s", unit: %s%s}, declined: {path: "$.error"}}`, balance.Field, balance.Unit, decimals)
	}
	b.say(4, "How old a balance may be.")
	b.line("    checks: {balance: {max_stale: 3 blocks}}")
}

// scenarioFor picks an outage of what the app calls.
func scenarioFor(variables []variable, hosts Hosts) string {
	uses := func(text string) bool {
		return slices.ContainsFunc(variables, func(v variable) bool { return strings.Contains(v.value, text) }) ||
			slices.ContainsFunc(hosts.Modelled, func(h HostOf) bool { return "${service."+h.Service+"." == text })
	}
	for _, pair := range [][2]string{{"infura", "infura-unreachable"}, {"ipfs-io", "ipfs-gateway-unreachable"}, {"arweave", "arweave-gateway-unreachable"}} {
		if uses("${service." + pair[0] + ".") {
			return pair[1]
		}
	}
	return "aws-us-east-1-down"
}

var (
	plain   = regexp.MustCompile(`^-{0,2}[A-Za-z_./][A-Za-z0-9_./-]*$`)
	unquote = regexp.MustCompile(`^GET /[A-Za-z0-9_./?=${}&-]*$`)
)

// scalar writes a word as YAML of either version reads it.
func scalar(text string) string {
	words := []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
	if plain.MatchString(text) && !slices.Contains(words, strings.ToLower(text)) {
		return text
	}
	return quoted(text)
}

func quoted(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(text) != nil {
		return strconv.Quote(text)
	}
	return strings.TrimSpace(b.String())
}

func requested(text string) string {
	if unquote.MatchString(text) {
		return text
	}
	return quoted(text)
}

// list writes the words of a command. A dollar sign of its own is doubled.
func list(words []string) string {
	out := make([]string, len(words))
	for i, word := range words {
		out[i] = scalar(strings.ReplaceAll(word, "$", "$$"))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// some names a few of a list.
func some(names []string, most int) string {
	if len(names) > most {
		return strings.Join(names[:most], ", ") + " and " + strconv.Itoa(len(names)-most) + " more"
	}
	return cmp.Or(strings.Join(names, ", "), "none")
}
