// Package verdict judges a history: classes of attempts, findings, windows, scores and the verdict. It is a pure function of a history and never changes its
// mind:
// the same history gives the same verdict, years later, without Docker or a chain.
package verdict

import (
	"cmp"
	"slices"

	"blackout/harness/history"
)

// Schema is the version of verdict.json. Fields are added, never renamed.
const Schema = "blackout/verdict/1"

// Class is how one attempt ended, from the best to the worst.
type Class string

// The classes, best first.
const (
	OK          Class = "ok"
	Late        Class = "late"
	Degraded    Class = "degraded"
	Declined    Class = "declined"
	Unavailable Class = "unavailable"
	Wrong       Class = "wrong"
	Harmful     Class = "harmful"
	Void        Class = "void" // our own lateness: not counted
)

// Warning stands in a finding's class for what is worth knowing and violates nothing.
const Warning Class = "warning"

// How a history ended, beside the ends that a seal names.
const Truncated = "truncated" // it has no seal: the run was killed, or still goes on

var classes = [...]Class{OK, Late, Degraded, Declined, Unavailable, Wrong, Harmful}

// Classes lists the counted classes, best first. Void is kept apart.
func Classes() []Class { return slices.Clone(classes[:]) }

// The verdicts.
const (
	Pass          = "pass"
	Fail          = "fail"
	Inconclusive  = "inconclusive"
	NotApplicable = "not-applicable"
)

// The severities, mildest first.
const (
	Safe       = "safe"       // no wrong and no harmful attempt
	Misleading = "misleading" // some attempt was wrong
	Harming    = "harmful"    // some payment was harmed
	Unknown    = "unknown"    // inconclusive or not applicable
)

// The windows of a run.
const (
	Baseline = "baseline"
	Outage   = "outage"
	Recovery = "recovery"
	After    = "after"
)

// Verdict is verdict.json. Seconds count from the start of the baseline.
type Verdict struct {
	Schema   string   `json:"schema"`
	Run      Run      `json:"run"`
	Verdict  string   `json:"verdict"`
	Reasons  []string `json:"reasons"`
	Score    *int     `json:"score"` // null when inconclusive or not applicable
	Grade    string   `json:"grade"` // A B C D F, or ? without a score
	Severity string   `json:"severity"`
	// Ended is how the history ended: complete, interrupted, aborted, or truncated when it has no seal.
	Ended           string    `json:"ended"`
	Windows         []Window  `json:"windows"`
	Cells           []Cell    `json:"cells"`
	Findings        []Finding `json:"findings"`
	Warnings        []Finding `json:"warnings"`
	Faults          []Fault   `json:"faults"`
	UnmodelledHosts []string  `json:"unmodelled_hosts"` // the names in Outside
	// Outside is what the app asked for and the world does not have, each kind by how often.
	Outside         []Outside   `json:"outside"`
	Providers       []Provider  `json:"providers"`
	Chains          []ChainFact `json:"chains"`
	RecoveredAfterS *float64    `json:"recovered_after_s"` // the slowest journey; null when one did not recover or no fault was cleared
	HarmedIntents   int         `json:"harmed_intents"`
	WrongAttempts   int         `json:"wrong_attempts"`
	SupportingNotes []string    `json:"notes"`
	Pictures        []Picture   `json:"pictures,omitempty"` // of what a browser showed, in the order in which they were taken
	// Control is the run without faults that this one was held against; nil when there was none.
	Control *Control `json:"control,omitempty"`
}

// Control is what the control of a run showed.
type Control struct {
	Run     string `json:"run"` // its id
	Verdict string `json:"verdict"`
	// Reasons say why it makes the run inconclusive, each a sentence; none when all was well without faults.
	Reasons []string `json:"reasons"`
}

// Run says what was judged.
type Run struct {
	ID       string `json:"id"`
	App      string `json:"app"`
	Scenario string `json:"scenario"`
	// Tags are the scenario's, by which gates select; none in verdicts that were made before they were kept.
	Tags      []string `json:"tags,omitempty"`
	Seed      uint64   `json:"seed"`
	Runtime   string   `json:"runtime"`
	Version   string   `json:"version"`
	StartedAt string   `json:"started_at"`
	TimeScale float64  `json:"time_scale"`
	// AppVersion is as the app's file says it; Libraries are those by which it reaches chains and content, name → version.
	AppVersion string            `json:"app_version,omitempty"`
	Libraries  map[string]string `json:"libraries,omitempty"`
	Control    bool              `json:"control,omitempty"` // this run is itself a control: the scenario's timeline without its faults
}

// Window is a stretch of the run that classes are counted in.
type Window struct {
	Name  string  `json:"name"`
	FromS float64 `json:"from_s"`
	ToS   float64 `json:"to_s"`
}

// Cell is one journey of the run.
type Cell struct {
	Journey string `json:"journey"`
	Kind    string `json:"kind"`
	Score   *int   `json:"score"`
	// Sum is the arithmetic behind Score.
	Sum             *Sum                      `json:"sum,omitempty"`
	RecoveredAfterS *float64                  `json:"recovered_after_s"`
	Attempts        map[string]map[Class]int  `json:"attempts"`  // window → class → count, every class present
	Void            map[string]int            `json:"void"`      // window → count
	LatencyS        map[string]LatencySummary `json:"latency_s"` // window → quantiles of the answered attempts
}

// Sum is a cell's arithmetic: q = 0.75 O + 0.25 R, cell = floor(100 q), then the caps.
type Sum struct {
	O        float64 `json:"o"`
	R        float64 `json:"r"`
	Q        float64 `json:"q"`
	Uncapped int     `json:"uncapped"`
	Caps     []Cap   `json:"caps,omitempty"`
}

// Cap is a rule that held a score down.
type Cap struct {
	Rule  string  `json:"rule"` // not-recovered | wrong | harmful
	At    float64 `json:"at"`   // the cap
	Share float64 `json:"share,omitempty"`
}

// LatencySummary is exact quantiles, in seconds, counted from due.
type LatencySummary struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Finding is a violation with the attempts that prove it.
type Finding struct {
	ID       string   `json:"id"` // "<check>/<journey>/<account or session>"
	Check    string   `json:"check"`
	Class    Class    `json:"class"` // wrong | harmful | unavailable; "warning" for warnings
	Journey  string   `json:"journey"`
	Count    int      `json:"count"`
	FirstAtS float64  `json:"first_at_s"`
	LastAtS  float64  `json:"last_at_s"`
	Attempts []string `json:"attempts"` // at most 10
	Text     string   `json:"text"`     // one sentence about the first
	Evidence []string `json:"evidence,omitempty"`
}

// Fault is how one effect of the plan went.
type Fault struct {
	ID           string   `json:"id"`
	Fault        string   `json:"fault"`
	Cause        string   `json:"cause"`
	Service      string   `json:"service"`
	Chain        string   `json:"chain,omitempty"`
	Instance     string   `json:"instance,omitempty"` // of the app; Service and Chain are empty then
	PlannedFromS float64  `json:"planned_from_s"`
	PlannedToS   float64  `json:"planned_to_s"`
	InjectedAtS  *float64 `json:"injected_at_s"`
	ConfirmedAtS *float64 `json:"confirmed_at_s"`
	ClearedAtS   *float64 `json:"cleared_at_s"`
	EndedAs      string   `json:"ended_as"` // exercised | not-used | spared | missed | failed | not-reached
	Touched      Touched  `json:"touched"`
}

// On is what the effect acts on, for a person: a service, a chain as a whole, or an instance of the app.
func (f *Fault) On() string {
	if f.Instance != "" {
		return "instance " + f.Instance
	}
	return cmp.Or(f.Service, f.Chain)
}

// How effects end.
const (
	Exercised = "exercised"
	NotUsed   = "not-used"
	Spared    = "spared"
	Missed    = "missed"
	Failed    = "failed"
	// NotReached is an effect whose time had not come when the run ended.
	NotReached = "not-reached"
)

// Touched counts what a fault acted on.
type Touched struct {
	Lookups     int64 `json:"lookups"`
	Connections int64 `json:"connections"`
	Requests    int64 `json:"requests"`
	Instances   int64 `json:"instances,omitempty"` // of the app
}

// Total is the sum over the units.
func (t Touched) Total() int64 { return history.Touched(t).Total() }

// Provider is what the app asked of one service: requests per window and how many of them failed.
type Provider struct {
	Service  string                    `json:"service"`
	Requests map[string]ProviderWindow `json:"requests"`
}

// ProviderWindow counts requests in one window.
type ProviderWindow struct {
	Total  int `json:"total"`
	Failed int `json:"failed"`
}

// ChainFact is what the reference node showed of one chain.
type ChainFact struct {
	Chain  string `json:"chain"`
	Blocks int    `json:"blocks"`
	First  uint64 `json:"first"`
	Last   uint64 `json:"last"`
}
