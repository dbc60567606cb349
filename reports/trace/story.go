// Package trace tells one attempt's whole story: when it was due, sent and answered, what the app asked of its providers meanwhile and what they replied, which
// faults were active, what the reference chain knew, and the rule that decided. It is a pure function of a history and its judgement.
//
//	history + judgement + id ─▶ Story ─┬▶ Text, for a terminal
//	                                   └▶ Encode, JSON
package trace

import (
	"encoding/json"
	"fmt"

	"blackout/reports/verdict"
)

// Schema is the version of a story's JSON. Fields are added, never renamed. Seconds count from the start of the baseline unless they are a length.
const Schema = "blackout/trace/1"

// Story is one attempt's.
type Story struct {
	Schema string      `json:"schema"`
	Run    verdict.Run `json:"run"`
	// Finding is the finding that was asked for; the story is then that of its first attempt.
	Finding  *Finding `json:"finding,omitempty"`
	Attempt  Attempt  `json:"attempt"`
	Decision Decision `json:"decision"`
	// Span is the time that Calls, Faults and Blocks are about: from when the attempt was due to its end or, of a payment, to the last word, transaction or block of it.
	Span  Span   `json:"span"`
	Calls []Call `json:"calls"` // the app's, begun between sending and the span's end: of all users, since a call does not say for whom it is
	// Lookups are the app's questions to the resolver in the same time.
	Lookups []Lookup `json:"lookups,omitempty"`
	Faults  []Fault  `json:"faults"`
	// App is what happened to the session's instance of the app in the span, and last before it.
	App   []Happening `json:"app,omitempty"`
	Chain *Chain      `json:"chain,omitempty"`
	// Payment is there for attempts that pay.
	Payment *Payment `json:"payment,omitempty"`
}

// Finding is what was asked for instead of an attempt.
type Finding struct {
	ID    string `json:"id"`
	Count int    `json:"count"` // its attempts
}

// Attempt is what the user did and saw.
type Attempt struct {
	ID        string            `json:"id"`
	Journey   string            `json:"journey"`
	Kind      string            `json:"kind,omitempty"`
	Driver    string            `json:"driver,omitempty"` // when it is not http
	Request   string            `json:"request,omitempty"`
	Session   int               `json:"session"`
	Instance  string            `json:"instance,omitempty"` // of the app, that the session uses
	Account   string            `json:"account,omitempty"`
	DueS      float64           `json:"due_s"`
	SentS     float64           `json:"sent_s"`
	EndedS    float64           `json:"ended_s"`
	LatencyS  float64           `json:"latency_s"` // from due to ended
	DeadlineS float64           `json:"deadline_s,omitempty"`
	PatienceS float64           `json:"patience_s,omitempty"`
	Status    int               `json:"status,omitempty"`
	Error     string            `json:"error,omitempty"`
	Detail    string            `json:"detail,omitempty"`
	Answer    map[string]string `json:"answer,omitempty"`
	Missing   []string          `json:"missing,omitempty"`
	Content   *Content          `json:"content,omitempty"`
	Body      string            `json:"body,omitempty"`
}

// Content is the file that was asked for, and what came.
type Content struct {
	ID       string `json:"id"`
	Name     string `json:"name,omitempty"`
	Promised string `json:"promised_sha256,omitempty"` // by the content id
	Received string `json:"received_sha256,omitempty"` // absent when nothing whole came
}

// Decision is what the judge made of it. Class is empty for an attempt that was not judged; Why says why not.
type Decision struct {
	Class  verdict.Class `json:"class"`
	Check  string        `json:"check,omitempty"`
	Why    string        `json:"why"`
	Window string        `json:"window,omitempty"`
	// Rule is what the check holds an app to; empty when none spoke.
	Rule string `json:"rule,omitempty"`
}

// Span is a stretch of time.
type Span struct {
	FromS float64 `json:"from_s"`
	ToS   float64 `json:"to_s"`
}

// Call is one request of the app to a provider.
type Call struct {
	AtS     float64 `json:"at_s"`
	EndS    float64 `json:"end_s"`
	Service string  `json:"service"`
	Region  string  `json:"region"`
	Chain   string  `json:"chain,omitempty"`
	Method  string  `json:"method"`
	Reply   string  `json:"reply"` // its class: ok, rpc-error, http-error, aborted
	Status  int     `json:"status,omitempty"`
	Code    int     `json:"code,omitempty"`
	Served  string  `json:"served,omitempty"` // the chain that answered, where it is not Chain
	// RetryAfterS is when the reply told the app to come back, in seconds; 0 when it did not say.
	RetryAfterS float64  `json:"retry_after_s,omitempty"`
	Faults      []string `json:"faults,omitempty"` // the effects that touched it
}

// Happening is something that happened to an instance of the app.
type Happening struct {
	AtS    float64 `json:"at_s"`
	Event  string  `json:"event"` // started | ready | exited (by itself) | stopped (by the run)
	Detail string  `json:"detail,omitempty"`
}

// Fault is an effect that was in place at some time of the span.
type Fault struct {
	ID           string   `json:"id"`
	Fault        string   `json:"fault"`
	On           string   `json:"on"` // a service, a chain as a whole, or an instance of the app
	Cause        string   `json:"cause"`
	InjectedAtS  *float64 `json:"injected_at_s"`
	ConfirmedAtS *float64 `json:"confirmed_at_s"`
	ClearedAtS   *float64 `json:"cleared_at_s"`
	// Share is what it was planned to take of Unit when the attempt was due, of the parts that it reaches.
	Share   float64  `json:"share"`
	Unit    string   `json:"unit,omitempty"`
	Regions []string `json:"regions,omitempty"`
	Calls   int      `json:"calls"`             // of the story's calls, those that it touched
	Lookups int      `json:"lookups,omitempty"` // of the story's look-ups, questions for addresses
}

// Lookup is a question of the app to the run's resolver. Kind is the type of record that it asked for, "" for an address.
type Lookup struct {
	AtS    float64  `json:"at_s"`
	Host   string   `json:"host"`
	Kind   string   `json:"kind,omitempty"`
	Answer string   `json:"answer"`
	Faults []string `json:"faults,omitempty"`
}

// Chain is what could be known while the attempt ran.
type Chain struct {
	Name     string `json:"name"`
	HeadSent uint64 `json:"head_when_sent"`
	HeadEnd  uint64 `json:"head_when_ended"`
	MaxStale uint64 `json:"max_stale,omitempty"`
	// Shown is what a read showed, and TrueAt the numbers of all blocks of the run that it is true at.
	Shown  string   `json:"shown,omitempty"`
	Unit   string   `json:"unit,omitempty"` // of the balances of Blocks
	TrueAt []uint64 `json:"true_at"`
	// Blocks are those that a read could have meant, and at most three more that it is true at; of a payment those that were published in its time.
	Blocks []Block `json:"blocks"`
	// Apart are the nodes that a provider's requests ended at and that were not where the others were when the attempt was sent.
	Apart []Node `json:"apart"`
}

// Block is a block with the balance of the attempt's account after it.
type Block struct {
	Number     uint64  `json:"number"`
	Hash       string  `json:"hash"`
	PublishedS float64 `json:"published_s"`
	Wei        string  `json:"wei,omitempty"` // of the token: its base units
	Canonical  bool    `json:"canonical"`     // of a read: at some moment between sending and end; of a payment: at the end of the run
	Shown      bool    `json:"shown"`         // what was shown is true at it
}

// Node is where a node stood.
type Node struct {
	Name    string `json:"name"`
	Head    uint64 `json:"head"`
	Touched bool   `json:"touched"` // a fault of the plan acts on it
}

// Payment is what a user wanted paid, and what became of it.
type Payment struct {
	To  string `json:"to,omitempty"`
	Wei string `json:"wei,omitempty"`
	// Sent lists the transactions that the app handed to a provider for it, in order.
	Sent []Sent `json:"sent"`
	Said []Said `json:"said"`
	// Mined lists the blocks that paid it, those of a losing branch too.
	Mined []Mined `json:"mined"`
	AtEnd string  `json:"at_end"` // one of the AtEnd constants
	// ConfirmedMeans is how deep it has to lie for the app to say so, in blocks.
	ConfirmedMeans uint64 `json:"confirmed_means,omitempty"`
	// ConfirmedAfterS is how long it took from due to the first "confirmed"; null when the app never said so.
	ConfirmedAfterS *float64 `json:"confirmed_after_s"`
}

// Where a payment stands at the end of the run.
const (
	AtEndMined   = "mined"   // in the reference chain
	AtEndPending = "pending" // known to a node, and in no block
	AtEndAbsent  = "absent"  // neither
	AtEndUnknown = "unknown" // the run ended before the nodes were asked
)

// Sent is one transaction that reached a provider.
type Sent struct {
	AtS     float64 `json:"at_s"`
	Tx      string  `json:"tx"`
	From    string  `json:"from"`
	Nonce   uint64  `json:"nonce"`
	ChainID uint64  `json:"chain_id,omitempty"` // that it was signed for, where it is not the journey's chain's
	Service string  `json:"service"`
	Foreign bool    `json:"foreign,omitempty"`
}

// Said is one word of the app.
type Said struct {
	AtS   float64 `json:"at_s"`
	State string  `json:"state"` // empty for a word that the app file does not list
	Word  string  `json:"word,omitempty"`
	Tx    string  `json:"tx,omitempty"`
}

// Mined is a block that paid the intent.
type Mined struct {
	PublishedS float64 `json:"published_s"`
	Block      uint64  `json:"block"`
	Tx         string  `json:"tx"`
	// Depth is how deep the block lies in the reference chain at the end, 1 for its head; 0 when it is not part of it.
	Depth uint64 `json:"depth"`
}

// Encode gives the story as JSON, indented, with a newline at the end.
func (s *Story) Encode() ([]byte, error) {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the story of %s: %w", s.Attempt.ID, err)
	}
	return append(text, '\n'), nil
}
