// Package plan turns scenario, world, app and seed into a timetable and a blast radius. It is pure: no clock, no files, no network; the same inputs and seed give
// the same bytes.
//
// Times are integer microseconds from the start of the baseline; amounts of wei are decimal strings; lists are sorted, so that the JSON is stable.
package plan

import "blackout/harness/clock"

// Schema is the version of plan.json.
const Schema = "blackout/plan/1"

// Plan is one run's timetable.
type Plan struct {
	Schema    string    `json:"schema"`
	Scenario  string    `json:"scenario"`
	About     string    `json:"about,omitempty"`
	Tags      []string  `json:"tags,omitempty"`
	Incident  *Incident `json:"incident,omitempty"`
	App       string    `json:"app"`
	World     string    `json:"world"`
	Seed      uint64    `json:"seed"`
	TimeScale float64   `json:"time_scale"`
	// Control says that this is the control of a scenario: its timeline and load without its faults.
	Control bool `json:"control,omitempty"`

	Baseline  clock.Micros `json:"baseline_us"`   // its length; the first fault is injected no earlier
	OutageEnd clock.Micros `json:"outage_end_us"` // when the last planned effect is lifted and shows no more; Baseline when there is none
	End       clock.Micros `json:"end_us"`        // the last attempt is due before this: OutageEnd + after
	Drain     clock.Micros `json:"drain_us"`      // the longest wait after End for payments to settle

	Phases  []Phase  `json:"phases"`
	Causes  []Cause  `json:"causes"`
	Effects []Effect `json:"effects"`
	Skipped []Skip   `json:"skipped,omitempty"`

	Chains   []Chain   `json:"chains"`
	Nodes    []Node    `json:"nodes"`
	Services []Service `json:"services"`
	// Independent lists the clouds of the world whose regions belong to operators that have nothing in common (shared_fate: none): they are no cloud that could fail.
	Independent []string `json:"independent,omitempty"`
	// Content lists what the storage services hold; none when the run serves none.
	Content []Content `json:"content,omitempty"`

	// Instances are those of the app, in the order in which sessions use them: session i uses instance i mod n. None in plans made before they were kept.
	Instances     []Instance   `json:"instances,omitempty"`
	Accounts      Accounts     `json:"accounts"`
	Sessions      int          `json:"sessions"`
	Steady        Steady       `json:"steady_state"`
	RecoverWithin clock.Micros `json:"recover_within_us"`
	// Names says that the app is given the run's resolver. To an app that is not, no fault of the layer names can matter.
	Names bool `json:"names,omitempty"`
	// Amplification is how many times the baseline's requests for each user action are allowed; 0 in plans made before it was kept, and then nothing is held to it.
	Amplification float64   `json:"amplification,omitempty"`
	Journeys      []Journey `json:"journeys"`
}

// Incident is carried over from the scenario for reports.
type Incident struct {
	Date    string   `json:"date"`
	LastedS float64  `json:"lasted_s,omitempty"`
	Sources []Source `json:"sources,omitempty"`
}

// Source says where a fact is known from.
type Source struct {
	URL       string `json:"url"`
	KnownFrom string `json:"known_from"`
}

// Phase is a stretch of the timeline.
type Phase struct {
	Name string       `json:"name"`
	From clock.Micros `json:"from_us"`
	To   clock.Micros `json:"to_us"`
	// LastedS is what it took in truth, in seconds, and Compression how many times faster it is here; 0 when unknown.
	LastedS     float64 `json:"lasted_s,omitempty"`
	Compression float64 `json:"compression,omitempty"`
}

// Cause is what a scenario names: one entry of a phase's faults.
type Cause struct {
	ID      string         `json:"id"` // "c1", "c2" in the order of the file
	Phase   string         `json:"phase"`
	Fault   string         `json:"fault"`
	With    map[string]any `json:"with,omitempty"`
	Target  string         `json:"target"` // as a person would write it: "region aws/us-east-1"
	From    clock.Micros   `json:"from_us"`
	To      clock.Micros   `json:"to_us"`
	Effects []string       `json:"effects"` // ids; empty for a cause that only an internal service feels and nothing depends on
}

// Effect is what the plan derives from a cause for one service or one chain: it has a life and is injected.
type Effect struct {
	// ID is stable under changes elsewhere: "<cause>/<fault>/<service or chain>", with "~2" and so on for further ones.
	ID    string `json:"id"`
	Cause string `json:"cause"`
	Fault string `json:"fault"`
	Layer string `json:"layer"`
	Unit  string `json:"unit"` // what shares are drawn on: "requests"
	// With holds all parameters, defaults filled in.
	With map[string]any `json:"with,omitempty"`
	// Exactly one of Service and Chain is set for a fault of a chain as a whole; an effect on a service has both when it is narrowed to one chain.
	Service string   `json:"service,omitempty"`
	Chain   string   `json:"chain,omitempty"`
	Regions []string `json:"regions,omitempty"` // none: wherever the service is
	// Instance is the instance of the app that it acts on; Service and Chain are empty then.
	Instance string `json:"instance,omitempty"`
	Cut      bool   `json:"cut,omitempty"` // kept connections are taken too
	// From and To bound its life: injected at From, lifted at To.
	From clock.Micros `json:"from_us"`
	To   clock.Micros `json:"to_us"`
	// Steps is the timetable of its share; the first is at From.
	Steps []Step `json:"steps"`
	// Reach is the part of all the service's units that it can take at its strongest: the regions' placement × the largest share.
	Reach float64 `json:"reach"`
	// Why is the chain of reasons from the cause to here, one sentence each, in order.
	Why []string `json:"why"`
}

// Step sets the share from a moment on.
type Step struct {
	At    clock.Micros `json:"at_us"`
	Share float64      `json:"share"`
}

// Skip is a target that a fault cannot act on.
type Skip struct {
	Cause  string `json:"cause"`
	Target string `json:"target"`
	Why    string `json:"why"`
}

// Chain is a chain of the world that the run boots.
type Chain struct {
	Name      string       `json:"name"`
	ID        uint64       `json:"id"`
	BlockTime clock.Micros `json:"block_time_us"`
	Safe      uint64       `json:"safe"`
	Finalized uint64       `json:"finalized"`
	SettlesOn string       `json:"settles_on,omitempty"`
	MaxDrift  clock.Micros `json:"max_drift_us,omitempty"`
	// Token is the address of the chain's token contract, "" for none. Transfers says that each block has transfers of it to every account: a journey reads them.
	Token     string `json:"token,omitempty"`
	Transfers bool   `json:"transfers,omitempty"`
	// Contracts are the others that stand on the chain from its first block on.
	Contracts Contracts `json:"contracts,omitzero"`
}

// Contracts are the addresses of contracts that apps read; "" where there is none.
type Contracts struct {
	Multicall3           string `json:"multicall3,omitempty"`
	BalanceChecker       string `json:"balance_checker,omitempty"`
	NFT                  string `json:"nft,omitempty"`
	ENSRegistry          string `json:"ens_registry,omitempty"`
	ENSResolver          string `json:"ens_resolver,omitempty"`
	ENSUniversalResolver string `json:"ens_universal_resolver,omitempty"`
}

// The roles of nodes.
const (
	RoleBuilder   = "builder"   // builds blocks; no app reaches it
	RoleReference = "reference" // the truth; no app reaches it and no fault touches it
	RoleShared    = "shared"    // serves every backend that no chain fault targets
	RoleOwn       = "own"       // one backend's, because a chain fault targets it
)

// Node is one geth node.
type Node struct {
	Name    string `json:"name"` // "ethereum/reference", "ethereum/infura@aws/us-east-1"
	Chain   string `json:"chain"`
	Role    string `json:"role"`
	Service string `json:"service,omitempty"` // of an own node
	Region  string `json:"region,omitempty"`
	Touched bool   `json:"touched,omitempty"` // a fault of the plan acts on it: its head says nothing about what could be known
}

// Service is a service of the world that the run serves. Internal services are left out.
type Service struct {
	Name      string       `json:"name"`
	Kind      string       `json:"kind"`
	Dialect   string       `json:"dialect,omitempty"`
	Hosts     []Host       `json:"hosts,omitempty"`
	Placement []Placement  `json:"placement"`
	KnownFrom string       `json:"known_from"`
	Latency   clock.Micros `json:"latency_us"`
	Headroom  float64      `json:"headroom,omitempty"` // see spec.Capacity
	Rate      float64      `json:"rate_per_s,omitempty"`
	TTL       clock.Micros `json:"ttl_us,omitempty"` // how long what the resolver says of its hosts may be kept
	Link      bool         `json:"link"`             // the plan has a connection fault for it, or it is of kind tcp: it is reached through a link from the start
	Backends  []Backend    `json:"backends,omitempty"`
	Site      *Site        `json:"site,omitempty"`     // of kind http
	Upstream  string       `json:"upstream,omitempty"` // of kind tcp: host and port of the program behind it, on this machine
}

// Site is what a service of kind http has to say, in numbers. The digest stands for the rest.
type Site struct {
	Replies int    `json:"replies"`
	Files   int    `json:"files"`
	SHA256  string `json:"sha256"` // of all of it, hex
}

// Host is one host name of a service.
type Host struct {
	Chain string `json:"chain,omitempty"`
	Name  string `json:"name"`
}

// Placement is the part of a service in one region, in (0, 1].
type Placement struct {
	Region string  `json:"region"`
	Share  float64 `json:"share"`
}

// Backend says which node answers for a chain in a region.
type Backend struct {
	Chain  string `json:"chain"`
	Region string `json:"region"`
	Node   string `json:"node"`
}

// Content is one file of the storage services. Its bytes follow from the seed; a verdict needs their digest alone.
type Content struct {
	ID     string `json:"id"`              // CIDv1
	TX     string `json:"tx,omitempty"`    // of the transaction that holds it on Arweave
	Token  int    `json:"token,omitempty"` // of the collection: whose picture or metadata it is
	Name   string `json:"name"`
	Type   string `json:"type"` // media type
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"` // hex
}

// Accounts are the users' accounts.
type Accounts struct {
	Count int    `json:"count"`
	Wei   string `json:"wei"` // what each holds in genesis
}

// Steady is what the baseline must show.
type Steady struct {
	OK  float64      `json:"ok"`
	P99 clock.Micros `json:"p99_us,omitempty"`
}

// Journey is what judges and the timetable need of a journey.
type Journey struct {
	Name     string       `json:"name"`
	Driver   string       `json:"driver"`
	Kind     string       `json:"kind"`
	Chain    string       `json:"chain"` // "" for a journey that is about no chain
	Rate     float64      `json:"rate_per_s"`
	Offset   clock.Micros `json:"offset_us"` // the first attempt is due here: journeys are spread so that they do not fire together
	Every    clock.Micros `json:"every_us"`  // attempt n is due at Offset + n × Every
	Attempts int          `json:"attempts"`  // how many are due before End
	Request  string       `json:"request"`   // "GET /balance/${account.address}", or of the driver exec the command, of the driver browser the steps
	Deadline clock.Micros `json:"deadline_us"`
	Patience clock.Micros `json:"patience_us"`

	Balance  *Amount `json:"balance,omitempty"` // how a read's answer shows a balance; nil: nothing to hold against the chain
	Stale    bool    `json:"stale,omitempty"`   // the answer has a mark for old values
	Declined bool    `json:"declined,omitempty"`
	Block    bool    `json:"block,omitempty"`
	Follow   bool    `json:"follow,omitempty"`
	Payments bool    `json:"payments,omitempty"` // a read's answer lists the session's payments
	Events   bool    `json:"events,omitempty"`   // the answer lists the token's transfers to the session's account

	FollowEvery clock.Micros `json:"follow_every_us,omitempty"` // between two questions about a payment

	// States are a status journey's words: fine, trouble → the app's words. NoticeWithin is how long it may call fine what is not.
	States       map[string][]string `json:"states,omitempty"`
	NoticeWithin clock.Micros        `json:"notice_within_us,omitempty"`

	MaxStale       uint64       `json:"max_stale,omitempty"`       // blocks
	ConfirmedMeans uint64       `json:"confirmed_means,omitempty"` // blocks
	Settle         clock.Micros `json:"settle_us,omitempty"`

	// Best is the best class that any app can reach, by time; an attempt belongs to the span that it is due in. The first span starts at 0.
	Best []Best `json:"best"`

	// Tabs is how many tabs of each session a browser journey can need at once: attempts that overlap have one each. Pictures are taken of the page.
	Tabs     int       `json:"tabs,omitempty"`
	Pictures []Picture `json:"pictures,omitempty"`
}

// Picture is one to take: of the page of the first attempt due in [From, To) that has one.
type Picture struct {
	Phase string       `json:"phase"` // the phase's name, or baseline or after
	From  clock.Micros `json:"from_us"`
	To    clock.Micros `json:"to_us"`
}

// Amount is how an app shows an amount.
type Amount struct {
	Unit     string `json:"unit"`     // of the coin: wei | gwei | ether; of the chain's token: token | token-base-units
	Decimals int    `json:"decimals"` // digits after the point that are shown; -1: all
	// PerBlock is what each account's balance of the token grows by with each block, in base units: at block n it is n × PerBlock. Of the coin it is "".
	PerBlock string `json:"per_block,omitempty"`
}

// OfToken reports whether the amount is one of the chain's token, and not of its coin. A nil Amount is not.
func (a *Amount) OfToken() bool { return a != nil && a.PerBlock != "" }

// Digits is how many decimal digits the unit has above the smallest one: wei, or the token's base unit.
func (a *Amount) Digits() int {
	switch a.Unit {
	case "ether":
		return 18
	case "gwei":
		return 9
	case "token":
		return 6
	default:
		return 0
	}
}

// Whole reports whether the unit is the smallest one, in which programs write amounts, as hexadecimal numbers too.
func (a *Amount) Whole() bool { return a.Digits() == 0 }

// Best is the best class from a moment on.
type Best struct {
	From  clock.Micros `json:"from_us"`
	Class string       `json:"class"`
}
