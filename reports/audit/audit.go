// Package audit says what an app depends on, how much of that lies in one hand, and what takes a journey down alone. It is a pure function of the histories of runs, so it
// can be made again years later:
//
//	runs without faults ─▶ the map: who was asked how often, where that stands, for which journey
//	runs of which each takes one service or one region away ─▶ what becomes of each journey then ─▶ single points of failure
//
// Nothing of the map is taken from what an app is said to use: only what it asked for counts. Where a service stands comes from the world, and known_from says how far to
// trust that.
package audit

import (
	"bytes"
	"encoding/json"
	"fmt"

	"blackout/reports/verdict"
)

// Schema is the version of audit.json. Fields are added, never renamed.
const Schema = "blackout/audit/1"

// Audit is audit.json. Shares are numbers in [0, 1].
type Audit struct {
	Schema string `json:"schema"`
	App    string `json:"app"`
	World  string `json:"world"`
	Runs   []Run  `json:"runs"`
	// Basis says which runs the map is made from: control, or baselines where there was no run without faults that had every journey.
	Basis    string  `json:"basis"`
	Requests int     `json:"requests"` // that the map is made from; probes are ours and left out
	Seconds  float64 `json:"seconds"`  // in which they were made

	// Dependencies are the services that the app asked, by how often. Those that it asked only while another was taken away have no requests.
	Dependencies []Dependency `json:"dependencies"`
	// Instances say where the app itself stands; empty when its file does not say.
	Instances     []Instance    `json:"instances"`
	Journeys      []Journey     `json:"journeys"`
	Concentration Concentration `json:"concentration"`
	// Unmodelled is what the app asked for and the world does not have: nothing could be taken away there.
	Unmodelled   []verdict.Outside `json:"unmodelled"`
	Experiments  []Experiment      `json:"experiments"`
	SinglePoints []SinglePoint     `json:"single_points"`
}

// The values of Audit.Basis.
const (
	BasisControl   = "control"
	BasisBaselines = "baselines"
)

// Run is a run that the audit is made from.
type Run struct {
	ID       string   `json:"id"`
	Role     string   `json:"role"` // control | alone | experiment
	Scenario string   `json:"scenario"`
	Seed     uint64   `json:"seed"`
	Verdict  string   `json:"verdict"`
	Reasons  []string `json:"reasons"`
}

// The roles of runs.
const (
	RoleControl    = "control"    // every journey, without faults
	RoleAlone      = "alone"      // one of several journeys, without faults
	RoleExperiment = "experiment" // something is taken away
)

// Dependency is a service that the app asked.
type Dependency struct {
	Service   string   `json:"service"`
	Kind      string   `json:"kind"`
	KnownFrom string   `json:"known_from"` // where its placement is known from: operator | press | assumed
	Hosts     []string `json:"hosts"`
	Requests  int      `json:"requests"`
	Share     float64  `json:"share"` // of all requests
	Places    []Place  `json:"places"`
	// Journeys is, for each journey that was played alone, the part of the requests then that went here.
	Journeys map[string]float64 `json:"journeys"`
	// OnlyWithout names what was taken away when the app asked it, for a service that it did not ask otherwise.
	OnlyWithout []string `json:"only_without,omitempty"`
}

// Place is a region that a service stands in.
type Place struct {
	Region string `json:"region"`
	Cloud  string `json:"cloud"`
	// Independent says that the regions of this cloud belong to operators that share no fate.
	Independent bool    `json:"independent,omitempty"`
	Placed      float64 `json:"placed"` // the part of the service that stands there, by the world
	Requests    int     `json:"requests"`
	Share       float64 `json:"share"` // of all requests of the app
}

// Instance is how many instances of the app stand in a region.
type Instance struct {
	Region string `json:"region"`
	Count  int    `json:"count"`
}

// Journey is a journey of the app.
type Journey struct {
	Journey string `json:"journey"`
	Kind    string `json:"kind"`
	// Run is the run that had this journey alone; empty when there was none. A request does not say for whom it was made, so only such a run tells a journey's requests.
	Run      string `json:"run"`
	Requests int    `json:"requests"` // in that run
}

// Concentration is the most that lies in one hand, by requests; null without requests. Of operators that share no fate each counts as a cloud of its own.
type Concentration struct {
	Provider *Holder `json:"provider"`
	Cloud    *Holder `json:"cloud"`
	Region   *Holder `json:"region"`
}

// Holder is one hand.
type Holder struct {
	Name     string  `json:"name"`
	Requests int     `json:"requests"`
	Share    float64 `json:"share"`
}

// Experiment is a run in which something was taken away.
type Experiment struct {
	Taken    Taken     `json:"taken"`
	Run      string    `json:"run"`
	Verdict  string    `json:"verdict"`
	Journeys []Outcome `json:"journeys"`
}

// Outcome is what became of one journey.
type Outcome struct {
	Journey string `json:"journey"`
	Kind    string `json:"kind"`
	Fate    Fate   `json:"fate"`
	Why     string `json:"why"` // one sentence, with the figures
	// Baseline and Outage count the attempts that the fate rests on.
	Baseline Sample `json:"baseline"`
	Outage   Sample `json:"outage"`
	// Wrong and Harmful count the journey's attempts from the first fault to the end of the run.
	Wrong   int `json:"wrong"`
	Harmful int `json:"harmful"`
	// Best is the best class that any app could reach meanwhile, by the scenario. Helpless says that it is none that is of use to a user: nothing in the app can help.
	Best     verdict.Class `json:"best"`
	Helpless bool          `json:"helpless,omitempty"`
	// Checks are those that spoke of the journey, the gravest first.
	Checks []string `json:"checks"`
}

// Sample counts attempts.
type Sample struct {
	Attempts int `json:"attempts"`
	OK       int `json:"ok"`
	Useful   int `json:"useful"` // ok, late or degraded
}

// SinglePoint is something whose loss alone kills a journey, or makes it mislead or harm.
type SinglePoint struct {
	Taken    Taken   `json:"taken"`
	Share    float64 `json:"share"` // of all requests
	Journeys []Loss  `json:"journeys"`
}

// Loss is a journey that does not live through it.
type Loss struct {
	Journey  string `json:"journey"`
	Fate     Fate   `json:"fate"`
	Helpless bool   `json:"helpless,omitempty"`
}

// Encode gives audit.json: indented, with a newline at the end, and lists that are empty instead of null.
func (a *Audit) Encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(a); err != nil {
		return nil, fmt.Errorf("encode the audit of %s: %w", a.App, err)
	}
	return b.Bytes(), nil
}
