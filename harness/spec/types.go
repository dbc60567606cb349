package spec

import (
	"time"

	"blackout/harness/canned"
)

// World is everything outside the app: clouds, chains, services and what they depend on.
type World struct {
	Source   *Source
	Name     string
	About    string // one or two sentences for list
	Extends  string
	Clouds   map[string]Cloud
	Chains   map[string]Chain
	Services map[string]Service
	// ChainOrder lists the chains as the file does: a journey that names none is about the first.
	ChainOrder []string
}

// Cloud is one operator of regions.
type Cloud struct {
	Regions []string
	// NoSharedFate is set by `shared_fate: none`: the regions belong to independent operators, so a target {cloud: …} is refused.
	NoSharedFate bool
}

// Chain is one blockchain of the world.
type Chain struct {
	ID        uint64
	BlockTime time.Duration // at least 1 s: header times are whole seconds and must grow
	Safe      uint64        // blocks that the safe head is behind
	Finalized uint64        // blocks that the finalized head is behind
	SettlesOn string        // the chain that a rollup settles on, or ""
	MaxDrift  time.Duration // how long a rollup goes on without the chain that it settles on
	Token     string        // the address of the chain's token contract, or ""
	Contracts Contracts
}

// The token of a chain, as harness/chain/contracts/Token.sol has it.
const (
	// TokenStep is what each account's balance of it grows by with each block, in its base units: the balance at block n is n × TokenStep.
	TokenStep = 1_234_567
	// TokenDigits is how many decimal digits a whole token has above its base unit: ERC-20's decimals().
	TokenDigits = 6
)

// Contracts are the addresses of the other contracts of a chain; "" where there is none.
type Contracts struct {
	Multicall3           string
	BalanceChecker       string
	NFT                  string
	ENSRegistry          string
	ENSResolver          string
	ENSUniversalResolver string
}

// Service is something that the app, or another service, depends on.
type Service struct {
	Kind    string            // rpc | http | storage | tcp | internal
	Dialect string            // how a provider words its failures; plain when empty
	Hosts   map[string]string // of kind rpc: chain → host name
	Host    string            // of the other kinds but internal
	// Further are more host names of the same: chain → names, with "" for Host.
	Further   map[string][]string
	Placement map[string]float64 // "cloud/region" → share in (0, 1]; sums to 1
	KnownFrom string             // operator | press | assumed: how well the placement is known
	Latency   time.Duration      // added to each reply
	TTL       time.Duration      // how long what the resolver says of its hosts may be kept, whole seconds
	Capacity  *Capacity          // nil: without limit
	DependsOn []Dependency
	Site      *canned.Site // of kind http: what it says; nil for the other kinds
	Upstream  string       // of kind tcp: host and port of the program behind it, on this machine
}

// Capacity is what a service takes before it answers in its own rate-limit words. Exactly one field is set.
type Capacity struct {
	Headroom float64 // 1 means: twice the app's own rate in the baseline
	Rate     float64 // requests per second
}

// Dependency says what befalls a service when another is not available.
type Dependency struct {
	Service string
	For     *Target       // the part of the depending service that is struck; nil: all of it
	Delay   time.Duration // from the start, and from the end, of the needed service's unavailability
	Effect  FaultUse      // Target is nil
}

// FaultUse is one entry of a phase's faults, or the effect of a dependency.
type FaultUse struct {
	Path     string // where it stands in its file, for Source.At: "phases[0].faults[1]"
	Fault    string
	With     map[string]any // checked against the catalogue, defaults not filled in
	Targets  []Target       // a list is OR; one map is a list of one
	Share    Share          // Share{1, 1} when absent
	Flap     *Flap
	Existing string // "" | keep | cut
}

// Share is how many units a fault takes; From and To differ for a ramp over the fault's time. Both in [0, 1].
type Share struct{ From, To float64 }

// Flap switches a fault on and off: bad first, then good, and again.
type Flap struct{ Bad, Good time.Duration }

// Target selects what a fault acts on. The keys that are set AND; Except subtracts.
type Target struct {
	Path                                     string // for Source.At
	Service, Region, Cloud, Chain, Host, App string // App: "all" or an instance's region is in Region
	Except                                   []Target
}

// App is the app under test.
type App struct {
	Source        *Source
	Dir           string // the folder of the app file: commands start there
	Name          string
	About         string // one or two sentences for list
	Version       string // the app's own, as its file says it; "" when it does not
	Start         Start
	URL           string // the address of an instance, with ${instance.port}
	Ready         Ready
	Instances     map[string]int // "cloud/region" → how many; one, placed nowhere, when absent
	Secrets       map[string]Secret
	Accounts      Accounts
	Sessions      Sessions
	Steady        Steady
	RecoverWithin time.Duration
	Amplification float64 // limit of requests per action over the baseline's
	Journeys      map[string]Journey
	JourneyOrder  []string // as the file lists them
}

// Start says how an instance starts. Exactly one of Command, Image, Build, Compose, URL is set.
type Start struct {
	Prepare []string // a command that is run once, before anything else, in the caller's own environment (a build)
	Command []string
	Image   string
	Build   string
	Compose string
	Service string // of the compose file; "" where that has one only
	URL     string // an app that runs already; loopback only
	Env     map[string]string
}

// Contained is the key of what starts containers, "image", "build" or "compose"; "" for an app that runs on this machine.
func (s Start) Contained() string {
	for _, way := range []struct{ key, value string }{{"image", s.Image}, {"build", s.Build}, {"compose", s.Compose}} {
		if way.value != "" {
			return way.key
		}
	}
	return ""
}

// Ready is how an instance says that it takes requests.
type Ready struct {
	Request Request
	Within  time.Duration
}

// Request is an HTTP request with variables unexpanded.
type Request struct {
	Method, Path string
	Headers      map[string]string
	JSON         any // decoded JSON with variables in its strings; nil: no body
}

// Secret is a value that the app needs and no artifact may show.
type Secret struct{ FromEnv string }

// Accounts are the users' accounts.
type Accounts struct {
	Count int
	Fund  string // "100 ether", as written
	Wei   string // the same in wei, decimal
}

// Sessions are the users.
type Sessions struct {
	Count   int
	Login   *Login
	Headers map[string]string
}

// Login is done once per session.
type Login struct {
	Request Request
	Capture map[string]string // session variable → JSONPath in the reply
}

// Steady is what the baseline must show, and what ends the recovery.
type Steady struct {
	OK  float64       // share of attempts that are ok
	P99 time.Duration // of their latency; 0: not asked
}

// Journey is one thing that users do.
type Journey struct {
	Name     string
	Driver   string // http | exec | jsonrpc | websocket | browser
	Kind     string // read | write | events | content | status
	Rate     float64
	Deadline time.Duration
	Patience time.Duration     // default 3 × Deadline, at most 30 s
	Chain    string            // the chain that the answers are about; the world's first when it has one
	Request  Request           // of the drivers http and jsonrpc; of websocket the headers
	Command  []string          // of the driver exec: a program with its arguments
	Env      map[string]string // of the driver exec, besides PATH, HOME and LANG
	Steps    []Step            // of the driver browser
	Method   string            // of the driver jsonrpc
	Params   any               // of the driver jsonrpc: decoded JSON with variables in its strings; nil: none
	Connect  string            // of the driver websocket: the path
	Send     any               // of the driver websocket, once for each connection: a text, or decoded JSON; nil: nothing
	Answer   map[string]AnswerField
	States   map[string][]string // of a write: pending, confirmed, failed; of a status: fine, trouble → the app's words
	Follow   *Follow
	Checks   Checks
}

// AnswerField is one thing to read from an answer.
type AnswerField struct {
	Path     string // JSONPath, RFC 9535
	Match    string // a regular expression: of the driver exec, instead of a path, over standard output; of the driver browser over what CSS found
	CSS      string // of the driver browser, a selector with variables
	Attr     string // of the driver browser: the attribute that holds the field; "": its text does
	Unit     string // of an amount: wei | gwei | ether
	Decimals int    // digits after the point that the app shows; -1: all
}

// Follow asks for a payment's state until it is final.
type Follow struct {
	Request Request
	Command []string          // of the driver exec
	Env     map[string]string // of the driver exec
	Steps   []Step            // of the driver browser
	Method  string            // of the driver jsonrpc
	Params  any               // of the driver jsonrpc
	Every   time.Duration
}

// Step is one thing that a person does in a browser. One of its fields is set.
type Step struct {
	Goto    string // a path
	Click   string // a CSS selector
	Type    *Typing
	Select  *Choice
	WaitFor *Wait
}

// Typing replaces what is in a field.
type Typing struct{ Into, Text string }

// Choice chooses from a list, by the text or the value of an option.
type Choice struct{ From, Option string }

// Wait is what a person waits for: that no element is seen (Gone), or that one is (Selector), which has a text or fits a pattern if one is given; without a selector the
// whole page is looked at.
type Wait struct{ Selector, Text, Match, Gone string }

// Checks are the journey's tolerances.
type Checks struct {
	MaxStale       uint64        // blocks; of a balance or of events
	ConfirmedMeans uint64        // blocks; of a payment
	Settle         time.Duration // of a payment
	NoticeWithin   time.Duration // of a status: how long it may call fine what is not
}

// Scenario is a timeline of phases.
type Scenario struct {
	Source      *Source
	Name        string
	About       string // one or two sentences for list and explain
	Tags        []string
	Incident    *Incident
	Baseline    time.Duration
	Phases      []Phase
	After       time.Duration
	Expect      map[string]string // kind of journey → the best class that any app can reach
	ExercisedBy string
}

// Incident is the real event that a scenario follows.
type Incident struct {
	Date    string
	Lasted  time.Duration
	Sources []IncidentSource
}

// IncidentSource says where a fact is known from.
type IncidentSource struct{ URL, KnownFrom string }

// Phase is a stretch of the timeline.
type Phase struct {
	Name   string
	At     time.Duration // from the end of the baseline; filled in for phases without `at`, which follow one another
	For    time.Duration
	Lasted time.Duration // what it took in truth; 0: unknown
	Faults []FaultUse
	Expect map[string]string
}

// Suite is named scenarios with weights and seeds: a scorecard's denominator.
type Suite struct {
	Source    *Source
	Name      string
	About     string // one or two sentences for list
	Version   string
	Seeds     []uint64
	Scenarios []SuiteEntry
}

// SuiteEntry is one scenario of a suite.
type SuiteEntry struct {
	Name   string
	Weight float64
}

// Gate is rules over verdicts that give an exit code.
type Gate struct {
	Source  *Source
	Name    string
	About   string // one or two sentences for list
	Rules   []Rule
	Waivers []Waiver
}

// Rule is one rule of a gate. Min and Max are in the metric's unit; a percentage is a share (80% is 0.8). Equals is the word asked of a metric that is no number; of one
// that is, Min and Max are equal instead.
type Rule struct {
	ID, Metric  string
	Min, Max    *float64
	Equals      string
	Where       map[string]string
	AcrossSeeds string
	WhenMissing string
}

// Waiver excuses a rule until a day.
type Waiver struct {
	Rule   string
	Where  map[string]string
	Reason string
	Owner  string
	Until  string
}
