// Package history is the append-only record of one run, and the contract under everything that judges it.
//
// A history is JSON lines: each line is one record, an object whose first key "record" names its type. Times are integer microseconds since the run's
// one monotonic base. Nothing in it is a judgement: classes, findings and scores are computed from it by package verdict, again and again if need be.
//
//	header  plan  { stage block head app }…  timeline  { attempt intent said sent call stream fault head block … }…  pool  seal
//
// The header and the plan come first; the timeline record says where the plan's zero (the start of the baseline) lies; the seal comes last and is missing
// from the history of a killed run, which is readable all the same up to its last whole line.
package history

import (
	"encoding/json"

	"blackout/harness/clock"
)

// Schema is the version of the format that this package writes and reads.
const Schema = "blackout/history/1"

// Record is one line of a history.
type Record interface {
	// Type is the value of the line's "record" key.
	Type() string
}

// Header opens a history and says what ran.
type Header struct {
	Schema     string            `json:"schema"`
	Run        string            `json:"run"` // the run's id, as its folder is named
	App        string            `json:"app"`
	Scenario   string            `json:"scenario"`
	Seed       uint64            `json:"seed"`
	Runtime    string            `json:"runtime"`               // local | docker
	Versions   map[string]string `json:"versions,omitempty"`    // blackout, go, geth, toxiproxy and what else took part
	AppVersion string            `json:"app_version,omitempty"` // as the app's file says it
	Libraries  map[string]string `json:"libraries,omitempty"`   // name → version of the libraries by which the app reaches chains and content, as far as its folder tells
	PlanSHA256 string            `json:"plan_sha256"`           // of the bytes of plan.json
	BaseUTC    string            `json:"base_utc"`              // the base as RFC 3339 with microseconds
}

// Plan carries plan.json, so that a history can be judged by itself.
type Plan struct {
	Plan json.RawMessage `json:"plan"`
}

// Timeline says when the plan's zero, the start of the baseline, was.
type Timeline struct {
	At clock.Micros `json:"at"`
}

// Block is a block that the conductor published on a chain, canonical or not.
type Block struct {
	Chain     string            `json:"chain"`
	Hash      string            `json:"hash"`
	Parent    string            `json:"parent"`
	Number    uint64            `json:"number"`
	Timestamp uint64            `json:"timestamp"`         // of the header, Unix seconds
	Published clock.Micros      `json:"published"`         // when the first node was told of it
	Watched   map[string]string `json:"watched,omitempty"` // address in lower-case hex → balance in wei after this block, decimal
	Paid      []Payment         `json:"paid,omitempty"`    // payments of intents that this block contains
	Logs      []Log             `json:"logs,omitempty"`    // events of the watched contract about watched accounts
}

// Log is one event of the chain's token contract: a transfer to a watched account.
type Log struct {
	Account string `json:"account"` // who received, address in lower-case hex
	Tx      string `json:"tx"`      // transaction hash
	Index   uint64 `json:"index"`   // in the block
	Value   string `json:"value"`   // decimal
}

// Payment is a transaction that pays an intent's address.
type Payment struct {
	Intent string `json:"intent"`
	Tx     string `json:"tx"` // transaction hash
	Wei    string `json:"wei"`
}

// Head is what a node says its head is, read back after it was told. A record is written when it changes.
type Head struct {
	Node      string       `json:"node"`
	Hash      string       `json:"hash"`
	Number    uint64       `json:"number"`
	Safe      uint64       `json:"safe"`
	Finalized uint64       `json:"finalized"`
	At        clock.Micros `json:"at"`
}

// Intent is one payment that a user wants made: its id is the attempt's, its address is fresh.
type Intent struct {
	ID      string       `json:"id"`
	Session int          `json:"session"`
	Chain   string       `json:"chain"`
	To      string       `json:"to"`
	Wei     string       `json:"wei"`
	At      clock.Micros `json:"at"`
}

// Attempt is one time that a user did something, as the user saw it.
type Attempt struct {
	ID      string            `json:"id"` // "<journey>#<place in the timetable>"
	Journey string            `json:"journey"`
	Session int               `json:"session"`
	Account string            `json:"account,omitempty"` // address in lower-case hex
	Due     clock.Micros      `json:"due"`
	At      clock.Micros      `json:"at"`  // when it was sent
	End     clock.Micros      `json:"end"` // when the whole answer was there, or when it was given up
	Status  int               `json:"status,omitempty"`
	Error   string            `json:"error,omitempty"`   // a transport error: one of the Err constants
	Detail  string            `json:"detail,omitempty"`  // the transport error's text
	Answer  map[string]string `json:"answer,omitempty"`  // field of the app file's answer → the text found there; absent fields are absent
	Missing []string          `json:"missing,omitempty"` // answer fields that could not be read from the body, when it should have had them
	Since   clock.Micros      `json:"since,omitempty"`   // of the driver websocket: from when on the answer's list has all that came for the session
	Content string            `json:"content,omitempty"` // the content id that was asked for, of a journey of kind content
	SHA256  string            `json:"sha256,omitempty"`  // of the whole body, hex; of a journey of kind content
	Body    string            `json:"body,omitempty"`    // at most 4 KiB, redacted; left out when the answer could be read in full, or is the content that was asked for
}

// The values of Attempt.Error.
const (
	ErrTimeout     = "timeout"     // nothing complete within patience
	ErrRefused     = "refused"     // the connection was refused
	ErrReset       = "reset"       // the connection was reset
	ErrEOF         = "eof"         // the connection ended before the answer was complete
	ErrTransport   = "transport"   // another transport error; Detail says which
	ErrInterrupted = "interrupted" // the run was stopped while the attempt was under way: it says nothing about the app
)

// Stream is something that happened on a session's subscription: of journeys with the driver websocket, which keep one open for the whole run. The answers of their
// attempts are made from these; this is the record of when each message came.
type Stream struct {
	Journey    string            `json:"journey"`
	Session    int               `json:"session"`
	Connection int               `json:"connection"`       // the session's n-th that was opened, from 1
	Event      string            `json:"event"`            // opened | message | lost
	Answer     map[string]string `json:"answer,omitempty"` // of a message: field of the app file's answer → the text found there, as of an attempt
	Detail     string            `json:"detail,omitempty"` // of a lost one: what ended it
	Body       string            `json:"body,omitempty"`   // of a message in which no field could be read: at most 512 bytes, redacted
	At         clock.Micros      `json:"at"`
}

// The values of Stream.Event.
const (
	StreamOpened  = "opened"  // the app has taken the subscription, or what the app file sends was sent
	StreamMessage = "message" // the app sent something
	StreamLost    = "lost"    // the connection ended, but not by the end of the run
)

// Said is the app's word for a payment: the first in its answer, later ones from following it. A record is written when the word changes.
type Said struct {
	Intent string       `json:"intent"`
	State  string       `json:"state"` // pending | confirmed | failed, by the app file's states; "" for a word that it does not list
	Word   string       `json:"word,omitempty"`
	Tx     string       `json:"tx,omitempty"`
	At     clock.Micros `json:"at"`
}

// The values of Said.State.
const (
	StatePending   = "pending"
	StateConfirmed = "confirmed"
	StateFailed    = "failed"
)

// Sent is a raw transaction that the app handed to a gateway. The raw bytes and the signature are never recorded.
type Sent struct {
	Tx      string       `json:"tx"`
	From    string       `json:"from"`
	To      string       `json:"to,omitempty"`
	Nonce   uint64       `json:"nonce"`
	ChainID uint64       `json:"chain_id,omitempty"` // that it was signed for; 0 for one that names none
	Intent  string       `json:"intent,omitempty"`   // the intent that its recipient belongs to
	Service string       `json:"service"`
	Foreign bool         `json:"foreign,omitempty"` // signed by a key that the run did not make; it was not passed on
	At      clock.Micros `json:"at"`
}

// Call is one request of the app at a gateway; a batch is one record with its methods joined by commas.
type Call struct {
	N         uint64 `json:"n"` // the n-th request at this service, from 0: the unit that shares are drawn on
	Service   string `json:"service"`
	Region    string `json:"region"`
	Chain     string `json:"chain,omitempty"`
	Transport string `json:"transport"` // http | ws | tcp
	Method    string `json:"method"`
	Reply     string `json:"reply"` // one of the Reply constants
	Status    int    `json:"status,omitempty"`
	Code      int    `json:"code,omitempty"`   // of the first JSON-RPC error in the reply
	Served    string `json:"served,omitempty"` // the chain that answered, where it is not Chain
	// RetryAfterS is when the reply told the app to come back, in seconds; 0 when it did not say.
	RetryAfterS float64      `json:"retry_after_s,omitempty"`
	Faults      []string     `json:"faults,omitempty"` // ids of the effects that touched it; CapacityPrefix and the service for its own limit
	Probe       bool         `json:"probe,omitempty"`
	At          clock.Micros `json:"at"`
	End         clock.Micros `json:"end"`
}

// MethodUpgrade is Call.Method of the request that opens a websocket.
const MethodUpgrade = "(upgrade)"

// MethodTurn is Call.Method at a service of kind tcp: bytes from the app, and what came back before its next ones.
const MethodTurn = "(turn)"

// CapacityPrefix begins the entry of Call.Faults that says that the service's own limit refused the request.
const CapacityPrefix = "capacity/"

// The values of Call.Reply.
const (
	ReplyOK       = "ok"
	ReplyRPCError = "rpc-error"  // a JSON-RPC error object, whatever the HTTP status below 400
	ReplyHTTP     = "http-error" // status 400 or above
	ReplyAborted  = "aborted"    // the app went away before the reply was written
	ReplyLost     = "lost"       // the node carried the request out, and a fault kept its reply from the app
)

// Lookup is one question of the app to the run's DNS server. A look-up in the sense of shares is a question for addresses: one without a Kind.
type Lookup struct {
	Host   string       `json:"host"`           // in lower case, without the last dot
	Kind   string       `json:"kind,omitempty"` // the type of record that was asked for, where it is not A: "AAAA"
	Answer string       `json:"answer"`         // addresses joined by commas, or one of the Answer constants, or another word of the DNS for a failure
	Faults []string     `json:"faults,omitempty"`
	At     clock.Micros `json:"at"`
}

// The values of Lookup.Answer without an address.
const (
	AnswerUnknown = "NXDOMAIN"
	AnswerFailed  = "SERVFAIL"
	AnswerEmpty   = "no address"
	AnswerNone    = "no answer"
)

// Stray is what the app of a private network sent to one address that no service has, within about a second. A host name that no service has is in a Lookup.
type Stray struct {
	Kind    string       `json:"kind"`              // tcp: connections | udp: datagrams
	Address string       `json:"address,omitempty"` // left out of what was counted only, together with the port
	Port    int          `json:"port,omitempty"`
	Host    string       `json:"host,omitempty"` // that the app named in the connection, in lower case
	Count   int64        `json:"count"`
	At      clock.Micros `json:"at"` // of the first
}

// The values of Stray.Kind.
const (
	StrayTCP = "tcp"
	StrayUDP = "udp"
)

// Fault is a step in the life of one effect of the plan.
//
//	planned → injecting → confirmed → lifting → cleared
//	              └───────────┴──────────┴→ failed
type Fault struct {
	ID      string       `json:"id"` // the effect's, from the plan
	State   string       `json:"state"`
	At      clock.Micros `json:"at"`
	Touched Touched      `json:"touched"`
	Detail  string       `json:"detail,omitempty"` // what the probe saw, or why it failed
	// Unseen says that the fault acted where it cannot be counted: a refused connection never reaches us.
	Unseen bool `json:"unseen,omitempty"`
}

// The values of Fault.State.
const (
	FaultInjecting = "injecting"
	FaultConfirmed = "confirmed"
	FaultLifting   = "lifting"
	FaultCleared   = "cleared"
	FaultFailed    = "failed"
)

// Touched counts what a fault has acted on so far, probes not included.
type Touched struct {
	Lookups     int64 `json:"lookups"`
	Connections int64 `json:"connections"`
	Requests    int64 `json:"requests"`
	Instances   int64 `json:"instances,omitempty"` // of the app
}

// Total is the sum over the units.
func (t Touched) Total() int64 { return t.Lookups + t.Connections + t.Requests + t.Instances }

// Connections is how many connections the app opened anew to a service by a moment; written at the start and the end of each effect and at the end.
type Connections struct {
	Service string `json:"service"`
	Opened  int64  `json:"opened"`
	// Handshakes is in how many of them the app asked for a certificate. Histories from before it was recorded have none.
	Handshakes *int64       `json:"handshakes,omitempty"`
	At         clock.Micros `json:"at"`
}

// App is something that happened to an instance of the app.
type App struct {
	Instance string       `json:"instance"`
	Event    string       `json:"event"`           // started | ready | exited | stopped
	Group    int          `json:"group,omitempty"` // its process group, but of ready
	URL      string       `json:"url,omitempty"`   // of ready: its address in the network that it lives in
	Detail   string       `json:"detail,omitempty"`
	At       clock.Micros `json:"at"`
}

// The values of App.Event. An instance may be started and stopped again and again: faults do that. Only the first start is followed by ready.
const (
	AppStarted = "started"
	AppReady   = "ready"
	AppExited  = "exited"  // by itself
	AppStopped = "stopped" // by the run: by a fault, or at its end
)

// Pool is, at the end of the drain, what pays intents and is known to a node but not mined.
type Pool struct {
	Chain   string       `json:"chain"`
	Pending []Payment    `json:"pending"`
	At      clock.Micros `json:"at"`
}

// Stage is a step of the run as a whole, so that the history of a run that ended early says where.
type Stage struct {
	Name string       `json:"name"` // "start the app"
	At   clock.Micros `json:"at"`
}

// Trouble is a failure of the harness itself that the app could feel: with one in its history a run says nothing about the app.
type Trouble struct {
	Text string       `json:"text"`
	At   clock.Micros `json:"at"`
}

// Note is something that a reader of the run should know and that changes no class: a warning of the harness about itself.
type Note struct {
	Text string       `json:"text"`
	At   clock.Micros `json:"at"`
}

// Picture is what a browser showed right after an attempt had ended: a PNG file in the run's folder. It is not redacted: whoever has the folder sees what the user saw.
type Picture struct {
	Attempt string       `json:"attempt"`
	Journey string       `json:"journey"`
	Phase   string       `json:"phase"` // the phase's name, or baseline or after
	File    string       `json:"file"`  // within the run's folder, with forward slashes
	At      clock.Micros `json:"at"`
}

// Seal ends a history.
type Seal struct {
	End     string       `json:"end"`              // complete | interrupted | aborted
	Reason  string       `json:"reason,omitempty"` // why it was aborted
	At      clock.Micros `json:"at"`
	Records int          `json:"records"` // lines before this one
	SHA256  string       `json:"sha256"`  // of those lines, newlines included
}

// The values of Seal.End.
const (
	EndComplete    = "complete"
	EndInterrupted = "interrupted"
	EndAborted     = "aborted" // the environment or the app file is at fault; Reason says how
)

// Type names the record. The names are the format's and do not change.
func (Header) Type() string      { return "header" }
func (Plan) Type() string        { return "plan" }
func (Timeline) Type() string    { return "timeline" }
func (Block) Type() string       { return "block" }
func (Head) Type() string        { return "head" }
func (Intent) Type() string      { return "intent" }
func (Attempt) Type() string     { return "attempt" }
func (Stream) Type() string      { return "stream" }
func (Said) Type() string        { return "said" }
func (Sent) Type() string        { return "sent" }
func (Call) Type() string        { return "call" }
func (Lookup) Type() string      { return "lookup" }
func (Stray) Type() string       { return "stray" }
func (Fault) Type() string       { return "fault" }
func (Connections) Type() string { return "connections" }
func (App) Type() string         { return "app" }
func (Pool) Type() string        { return "pool" }
func (Stage) Type() string       { return "stage" }
func (Trouble) Type() string     { return "trouble" }
func (Note) Type() string        { return "note" }
func (Picture) Type() string     { return "picture" }
func (Seal) Type() string        { return "seal" }

// Sink takes records as they happen. Add must be safe for concurrent use and must not block on the disk.
type Sink interface {
	Add(Record)
}
