package verdict

import (
	"bytes"
	"os"
	"time"

	"github.com/goccy/go-yaml"
)

// A story is a history as a person writes it: it says only what differs from an ordinary run. expand (expand_test.go) makes the history of it.
//
// The ordinary run: baseline 0–10 s, one fault on infura 10–20 s, the end at 50 s, a drain of 15 s. One chain, a block each second, number 20 half a second into the
// baseline. Two accounts; account i holds i + 1 ether, and 0.00105 ether and 123 wei more with each block. view-balance is due each 200 ms from 100 ms on (50 in the
// baseline, 50 in the outage, 150 later), send-payment each 500 ms from 250 ms on (20, 20, 60); even places belong to session 0, odd ones to session 1. Every answer
// takes 20 ms and is the truth with four digits; every payment is pending, then mined in the next block, then confirmed.
type story struct {
	About       string         `yaml:"about"`
	Plan        storyPlan      `yaml:"plan"`
	Chain       storyChain     `yaml:"chain"`
	Attempts    []group        `yaml:"attempts"`
	Faults      *[]storyFault  `yaml:"faults"`
	Calls       *[]storyCalls  `yaml:"calls"`  // absent: one each 200 ms to infura
	Nonces      bool           `yaml:"nonces"` // each payment is signed by one payer, with its place as nonce
	Connections []storyOpened  `yaml:"connections"`
	App         []storyApp     `yaml:"app"`
	Lookups     []storyLookups `yaml:"lookups"`
	Strays      []storyStray   `yaml:"strays"`
	// Jump sets the machine's wall clock by so much, and with it the timestamps of later blocks; BaseUTC is what the header says of it, the blocks' time when absent.
	Jump    *storyJump `yaml:"jump"`
	BaseUTC string     `yaml:"base_utc"`
	// Disorder writes the records after the timeline last first.
	Disorder bool     `yaml:"disorder"`
	Notes    []string `yaml:"notes"`
	Troubles []string `yaml:"troubles"`
	End      storyEnd `yaml:"end"`
	Want     want     `yaml:"want"`
}

type storyPlan struct {
	Journeys       []string      `yaml:"journeys"` // of view-balance, send-payment, list-payments, deposits, picture and status; the first two when absent
	Baseline       time.Duration `yaml:"baseline"`
	OutageEnd      time.Duration `yaml:"outage_end"`
	End            time.Duration `yaml:"end"`
	RecoverWithin  time.Duration `yaml:"recover_within"`
	Best           []storyBest   `yaml:"best"`
	MaxStale       *uint64       `yaml:"max_stale"`
	ConfirmedMeans uint64        `yaml:"confirmed_means"`
	NoFollow       bool          `yaml:"no_follow"`
	Unit           string        `yaml:"unit"`
	Decimals       *int          `yaml:"decimals"`
	Driver         string        `yaml:"driver"`
	Instances      []string      `yaml:"instances"`     // of the app; unknown, as in old plans, when absent
	Amplification  float64       `yaml:"amplification"` // payments are asked about each second then
	// Notice gives the journey status the words ok (fine) and down (trouble), and the time to use them.
	Notice time.Duration `yaml:"notice_within"`
}

// storyApp is something that happened to an instance of the app.
type storyApp struct {
	Instance string        `yaml:"instance"`
	Event    string        `yaml:"event"`
	Detail   string        `yaml:"detail"`
	At       time.Duration `yaml:"at"`
}

type storyBest struct {
	From  time.Duration `yaml:"from"`
	Class string        `yaml:"class"`
}

type storyChain struct {
	Reorgs []storyReorg `yaml:"reorgs"`
	Halts  []storySpan  `yaml:"halts"`
	// Late is how much later than the reference node the shared node hears of each block; 10 ms when absent.
	Late time.Duration `yaml:"late"`
	// Behind puts a node that a fault touches so many blocks behind.
	Behind uint64 `yaml:"behind"`
	// Equal gives both sides of a fork the same credits, and both chains the same balances.
	Equal bool `yaml:"equal"`
	// Second boots the chain base beside ethereum, a block each second like there, with balances of its own. No journey is about it.
	Second bool `yaml:"second"`
}

type storyJump struct {
	At time.Duration `yaml:"at"`
	By time.Duration `yaml:"by"`
}

type storyReorg struct {
	At    time.Duration `yaml:"at"`
	Depth int           `yaml:"depth"`
}

type storySpan struct {
	From time.Duration `yaml:"from"`
	To   time.Duration `yaml:"to"`
}

// A group says how some attempts went. The last group that an attempt falls into counts.
type group struct {
	Journey string        `yaml:"journey"`
	From    time.Duration `yaml:"from"` // due at or after
	To      time.Duration `yaml:"to"`   // due before; the end when absent
	Count   int           `yaml:"count"`
	Each    int           `yaml:"each"` // only each n-th of them
	Session *int          `yaml:"session"`

	Sent   time.Duration `yaml:"sent"` // after due; 1 ms when absent
	Took   time.Duration `yaml:"took"` // from then on; 20 ms when absent
	Status int           `yaml:"status"`
	Error  string        `yaml:"error"`
	Body   string        `yaml:"body"`
	// Answer: truth, zero, nothing (no balance in the body), stale(n) n blocks below the head, next(n) n above, orphan (the losing branch's block with the head's number),
	// account(i) another account's truth, base what the account holds on base; anything else is shown as it stands. Of picture, which asks for the files of seed 1 in turn:
	// truth, page (HTML), other (as many other bytes), file(n) the n-th after the one that was asked for, empty, long (beyond what is read), unrecorded.
	Answer   string `yaml:"answer"`
	HalfUp   bool   `yaml:"half_up"` // rounded instead of cut off
	Block    string `yaml:"block"`   // the block that the answer names: stale(n), next(n) or a text
	Marked   string `yaml:"marked"`
	Declined string `yaml:"declined"`

	Says      *[]string     `yaml:"says"` // pending and confirmed when absent; nothing for an error
	Confirmed time.Duration `yaml:"confirmed"`
	Mined     *int          `yaml:"mined"` // once when absent; never for an error
	MinedAt   time.Duration `yaml:"mined_at"`
	Wei       string        `yaml:"wei"`    // of each transaction; the 1000 that were asked for when absent
	Unsent    bool          `yaml:"unsent"` // no provider got a transaction, though a nonce was used for it
	// Base says what became on base of a payment, which then does not happen on ethereum: mined, pending, or signed alone, which a provider took, or refused.
	Base string `yaml:"base"`
	// Listed says what list-payments shows: all payments of the session that were accepted (when absent), nothing, old(n) all but the newest n, page(n) the newest n.
	Listed  string `yaml:"listed"`
	Pending bool   `yaml:"pending"`
	// Events says what deposits shows: every event of the account, newest first (all, when absent); "before(n)" as it was n heads before. More words change the list, one
	// after the other: old(n) without the newest n, page(n) the newest n only, without(n) without the n-th newest, twice(n) with that one twice, exact(i) with the index i,
	// nothing, strange, base; and since(n) makes it what a subscription brought from the n-th second on.
	Events string `yaml:"events"`
}

type storyFault struct {
	Fault       string         `yaml:"fault"`
	Layer       string         `yaml:"layer"`
	With        map[string]any `yaml:"with"`
	Service     string         `yaml:"service"`
	Chain       string         `yaml:"chain"`
	Instance    string         `yaml:"instance"` // of the app; touched counts it
	From        time.Duration  `yaml:"from"`
	To          time.Duration  `yaml:"to"`
	Share       float64        `yaml:"share"`
	Bad         time.Duration  `yaml:"bad"` // it flaps: so long with its share, and so long without
	Reach       float64        `yaml:"reach"`
	Touched     int64          `yaml:"touched"`
	Unseen      bool           `yaml:"unseen"`
	Unconfirmed bool           `yaml:"unconfirmed"`
	Uncleared   bool           `yaml:"uncleared"`
	Never       bool           `yaml:"never"`
	Failed      string         `yaml:"failed"`
}

type storyCalls struct {
	Method  string `yaml:"method"` // eth_getBalance when absent, GET of a storage service
	Service string `yaml:"service"`
	// Transport is http when absent.
	Transport string        `yaml:"transport"`
	From      time.Duration `yaml:"from"`
	To        time.Duration `yaml:"to"`
	Every     time.Duration `yaml:"every"`
	Reply     string        `yaml:"reply"`
	Region    string        `yaml:"region"` // aws/us-east-1 when absent
	Served    string        `yaml:"served"` // the chain that answered instead of ethereum
	// RetryAfter is when the reply says that the app shall come back.
	RetryAfter time.Duration `yaml:"retry_after"`
	Faults     []string      `yaml:"faults"`
	Probe      bool          `yaml:"probe"`
}

type storyOpened struct {
	Service string        `yaml:"service"`
	At      time.Duration `yaml:"at"`
	Opened  int64         `yaml:"opened"`
	// Handshakes is in how many a certificate was asked for; absent in records from before it was counted.
	Handshakes *int64 `yaml:"handshakes"`
}

type storyLookups struct {
	Host   string        `yaml:"host"`
	Kind   string        `yaml:"kind"` // A when absent
	Answer string        `yaml:"answer"`
	Faults []string      `yaml:"faults"`
	At     time.Duration `yaml:"at"`
}

type storyStray struct {
	Kind    string        `yaml:"kind"`
	Address string        `yaml:"address"`
	Port    int           `yaml:"port"`
	Host    string        `yaml:"host"`
	Count   int64         `yaml:"count"`
	At      time.Duration `yaml:"at"`
}

type storyEnd struct {
	Seal   string        `yaml:"seal"` // complete when absent; interrupted, aborted, none
	Reason string        `yaml:"reason"`
	At     time.Duration `yaml:"at"`
	NoRun  bool          `yaml:"no_run"` // it ended before there was a plan
}

// want is what a person expects of the story, worked out by hand.
type want struct {
	Verdict  string                               `yaml:"verdict"`
	Exit     int                                  `yaml:"exit"`         // the user named the scenario
	InSuite  *int                                 `yaml:"exit_unnamed"` // else; the same when absent
	Ended    string                               `yaml:"ended"`        // complete when absent
	Score    *int                                 `yaml:"score"`
	Cells    map[string]int                       `yaml:"cells"`
	Caps     map[string][]string                  `yaml:"caps"`
	Grade    string                               `yaml:"grade"`
	Severity string                               `yaml:"severity"`
	Counts   map[string]map[string]map[string]int `yaml:"counts"` // journey → window → class; classes that are not named are 0; also "void"
	Findings []string                             `yaml:"findings"`
	Warnings []string                             `yaml:"warnings"`
	Texts    map[string]string                    `yaml:"texts"` // finding or warning → part of its text
	EndedAs  map[string]string                    `yaml:"ended_as"`
	Reasons  []string                             `yaml:"reasons"` // a part of each, in order
	// Recovered is recovered_after_s; null when absent.
	Recovered *float64 `yaml:"recovered_after_s"`
	Hosts     []string `yaml:"unmodelled_hosts"`
	Outside   []string `yaml:"outside"` // "what (how often, first when)"
}

func readStory(path string) (story, error) {
	var s story
	text, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	return s, yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&s)
}
