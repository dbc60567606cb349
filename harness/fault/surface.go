package fault

import (
	"context"
	"net/http"
	"net/netip"
	"time"
)

// Surface is what faults act on. The run offers it: links and gateways of package internet, nodes of package chain. Every method fails if the plan gave the run no
// such part, with an error that says which.
type Surface interface {
	// Link is the connection layer in front of a service.
	Link(service string) (Link, error)
	// Gateway is the front door of a service.
	Gateway(service string) (Gateway, error)
	// Chain is the conductor of a chain.
	Chain(name string) (Chain, error)
	// App is the instances of the app under test.
	App() (App, error)
	// Names is what stands behind the host names of a service.
	Names(service string) (Names, error)
	// Certificates is what the service shows in TLS handshakes.
	Certificates(service string) (Certificates, error)
}

// Link holds connection rules of one service. Rules of several effects may stand at once; the one whose effect id sorts first wins a connection.
type Link interface {
	// Put sets the rule of an effect, replacing an earlier one. It takes effect for the next connection, and for open ones if the grip cuts.
	Put(rule ConnRule) error
	// Drop removes the rule of an effect; held connections go on where that is possible. Dropping what is not there does nothing.
	Drop(effect string)
	// Sync looks at the shares of all rules anew. New connections see a changed share by themselves; listeners that it opens or closes, and open connections that a
	// cutting rule takes or gives back, need this call. The error says which listener could not be opened again; it is tried on in the background.
	Sync() error
}

// ConnMode is what happens to a connection that a rule takes.
type ConnMode string

// The modes. Refuse with a share of 100 % over every region closes the listener; with less, a taken connection is accepted and reset at once, because a listener
// cannot refuse one caller and not another.
const (
	ConnRefuse    ConnMode = "refuse"
	ConnBlackhole ConnMode = "blackhole" // accepted, then nothing in either direction
	ConnReset     ConnMode = "reset"     // accepted, then RST once the app has sent something
	ConnToxics    ConnMode = "toxics"    // passed through the rule's toxics
)

// ConnRule is what one effect does to connections.
type ConnRule struct {
	Grip *Grip
	Mode ConnMode
	// Toxics are toxiproxy's own, for ConnToxics.
	Toxics []Toxic
}

// Toxic names a toxic of toxiproxy with its attributes as toxiproxy spells them. Toxicity is always 1: the share is the grip's.
type Toxic struct {
	Type       string // latency, bandwidth, slicer, limit_data, slow_close, timeout
	Downstream bool   // towards the app; otherwise towards the service
	Attributes map[string]any
}

// Gateway holds reply rules of one service. The outermost layer wins; in one layer the effect whose id sorts first.
type Gateway interface {
	Put(rule ReplyRule) error
	Drop(effect string)
	// Dialect is how the provider words what goes wrong.
	Dialect() Dialect
}

// ReplyRule is what one effect does to requests, at one of the stages that they pass. Exactly one of the functions is set; ok = false leaves the request or the
// call alone, without touching it.
//
//	HTTP, RPC ──▶ Lead ──▶ node ──▶ Alter ──▶ Lose
type ReplyRule struct {
	Grip  *Grip
	Layer Layer // LayerHTTP or LayerRPC; only HTTP is of the former
	// HTTP makes the whole reply.
	HTTP func(Request) (reply HTTPReply, ok bool)
	// RPC answers one call; the other members of a batch go on to the node.
	RPC func(Request, RPCCall) (reply RPCError, ok bool)
	// Lead takes the request to the nodes of another chain of the plan.
	Lead func(Request) (chain string, ok bool)
	// Alter puts another result in the place of the one that the node gave for a call. A probe's call comes here whatever the node said, with its result or nil, so that
	// a rule can show itself where there is nothing to alter.
	Alter func(r Request, c RPCCall, result []byte) (altered []byte, ok bool)
	// Lose keeps the reply from the app once the node has carried the request out. A request that the gateway answers itself is not asked about.
	Lose func(Request) (how Loss, ok bool)
}

// LossMode is how a reply is lost.
type LossMode string

// The modes, as users write them.
const (
	LossReset  LossMode = "reset"  // the connection is reset; so is a socket, with all else that is under way on it
	LossHang   LossMode = "hang"   // nothing comes, until the app gives up
	LossStatus LossMode = "status" // the dialect's words for an HTTP status come in its place; a socket is closed
)

// Loss says how a reply is lost. Status is for LossStatus, 500 or above.
type Loss struct {
	Mode   LossMode
	Status int
}

// Request is what a rule may look at.
type Request struct {
	Service, Region, Chain string
	Transport              string // http | ws
	N                      uint64 // the n-th request at the service
	At                     time.Time
	Calls                  []RPCCall // empty for a service that does not speak JSON-RPC, or for a body that does not parse
	Batch                  bool
	Dialect                Dialect
	// Method is the HTTP method of a request to a service of kind storage.
	Method string
	// Own makes the reply that the service itself has for the request, for a rule that changes it. Nil for kind rpc, whose replies take a node.
	Own func() HTTPReply
	// Probe marks the probe of this very effect: a rule answers it as it answers what it takes, and uses up no token and no count on it.
	Probe bool
	// RetryAfter is when a rate limit shall tell the app to come back; zero leaves that to the dialect.
	RetryAfter time.Duration
}

// RPCCall is one member of a JSON-RPC request.
type RPCCall struct {
	ID     []byte // raw JSON
	Method string
	// Tx is the hash of the transaction that it hands over, "0x…"; "" for one that cannot be read, and for every other call.
	Tx string
}

// HTTPReply is a whole reply in a fault's stead.
type HTTPReply struct {
	Status int
	Header http.Header
	Body   []byte
	// Delay is waited before the first byte.
	Delay time.Duration
}

// RPCError is a JSON-RPC error object, or with Result (raw JSON) an answer without error, in which code, message and data have no part. HTTPStatus is 200 when 0.
// Data is raw JSON or nil.
type RPCError struct {
	Code       int
	Message    string
	Data       []byte
	HTTPStatus int
	Result     []byte
}

// Dialect is how one provider words its own failures; facts and sources stand at each implementation in package gateways.
type Dialect interface {
	Name() string
	// RateLimited is the provider's answer to too many requests.
	RateLimited(Request) HTTPReply
	// Unavailable is the provider's body for an HTTP status of 500 and above.
	Unavailable(r Request, status int) HTTPReply
}

// Names is what stands behind the host names of one service: what the resolver answers, and the addresses that this leads to. Rules of several effects may stand at
// once; the one whose effect id sorts first wins a look-up.
type Names interface {
	// Put sets the rule of an effect, replacing an earlier one, from the next look-up on.
	Put(rule NameRule) error
	// Drop lifts the rule of an effect; it holds on for its tail. Dropping what is not there does nothing.
	Drop(effect string)
	// Leave takes the service down at the addresses that its names lead to, for the chains that the grip covers: nobody listens there for the rest of the run, and
	// kept connections are cut if the grip cuts.
	Leave(g *Grip) error
	// Return brings what the effect took down back at new addresses, and points the names at them. The old ones stay dead. With nothing taken down it does nothing.
	Return(ctx context.Context, effect string) error
}

// NameMode is what becomes of a look-up that a rule takes.
type NameMode string

// The modes. What is said of addresses concerns look-ups of IPv4 addresses; names have no others here, so that any other question is answered with none.
const (
	NameMissing   NameMode = "nxdomain"  // the name does not exist
	NameEmpty     NameMode = "empty"     // it exists and has no address
	NameFails     NameMode = "servfail"  // the resolver could not find out
	NameSilent    NameMode = "silent"    // nothing comes back
	NameSlow      NameMode = "slow"      // the right answer, after the rule's delay
	NameElsewhere NameMode = "elsewhere" // the rule's address
	NameFormer    NameMode = "former"    // the addresses that the name had when the rule was put
)

// NameRule is what one effect does to look-ups.
type NameRule struct {
	Grip *Grip
	Mode NameMode
	// Delay is for NameSlow, Address for NameElsewhere.
	Delay   time.Duration
	Address netip.Addr
	// Tail is how long caches on the way go on giving the answer after the rule was dropped.
	Tail time.Duration
}

// Certificates is what one service shows when a client begins to speak TLS. Rules of several effects may stand at once; the one whose effect id sorts first wins a
// handshake.
type Certificates interface {
	// Put sets the rule of an effect, replacing an earlier one, from the next handshake on.
	Put(rule CertRule) error
	// Drop removes the rule of an effect; handshakes that it held go on. Dropping what is not there does nothing.
	Drop(effect string)
}

// CertMode is what becomes of a handshake that a rule takes.
type CertMode string

// The modes.
const (
	CertExpired   CertMode = "expired"    // a certificate whose time is over
	CertWrongHost CertMode = "wrong-host" // one for another name
	CertUntrusted CertMode = "untrusted"  // one from an authority that nobody knows
	CertHang      CertMode = "hang"       // none: the client's hello is never answered
)

// CertRule is what one effect does to handshakes.
type CertRule struct {
	Grip *Grip
	Mode CertMode
}

// Chain is the conductor of one chain, as faults see it. Node names come from the plan.
type Chain interface {
	// Halt stops the building of blocks until Resume: every node of the chain stands still. Two halts need two resumes.
	Halt(ctx context.Context, g *Grip) error
	Resume(ctx context.Context, effect string) error
	// Hold keeps the nodes that the grip covers and takes (the n-th node of a service is its n-th unit) the given number of blocks behind the head, until Release;
	// frozen keeps them where they are. The nodes show the grip to the gateways, which count the requests that they answer.
	Hold(ctx context.Context, g *Grip, blocks uint64, frozen bool) error
	Release(ctx context.Context, effect string) error
	// Reorganise replaces the newest blocks of the chain by others, in the background, as often as the order says, until Settle. The nodes on the new branch show the
	// grip. Settle waits for what is under way, and gives the error that ended it early; the chain stays on the new branch.
	Reorganise(ctx context.Context, g *Grip, want Reorg) error
	Settle(ctx context.Context, effect string) error
}

// Reorg is what a reorganisation does.
type Reorg struct {
	Depth uint64 // how many blocks are replaced
	// Forget takes the transactions of the replaced blocks out of every pool too; otherwise they return to the pools.
	Forget bool
	Every  time.Duration // again and again at this interval; 0: once
}

// Reorganised is what the reorganising of one effect has come to. Hashes are lower-case hex.
type Reorganised struct {
	Number    uint64 // the height of the head that was replaced last
	Replaced  string // that head's hash
	Canonical string // the hash of the block that the reference node has there now
	Settled   bool   // no further reorganisation comes
}

// Observation is what a marked probe on the app's own path saw. Only the effect that it was marked for can have touched it.
type Observation struct {
	// Service and Chain are what was asked.
	Service, Chain string
	// DialError, Error: the probe did not connect; it connected, but got no whole reply. TimedOut goes with either.
	DialError, Error error
	Refused, Reset   bool
	TimedOut         bool
	Status           int
	// ContentType is the reply's header, whatever the status.
	ContentType string
	// Mismatch says that a storage service answered 200 with other bytes than those of the content id that was asked for.
	Mismatch   bool
	RPCCode    int
	RPCMessage string
	// Result is the result of a call that asks for no block and no block number, raw JSON; nil when there was none. ChainNamed is the chain of the plan whose id it is, of
	// a probe that asks for that.
	Result     []byte
	ChainNamed string
	Took       time.Duration
	// Usual is the least that the same probe takes without the fault: the service's own latency.
	Usual time.Duration
	// Head is the block number that the service showed; Reference is the one of the reference node at that time. HeadAge is how long the service's head has
	// stood still.
	Head, Reference uint64
	HeadAge         time.Duration
	BlockTime       time.Duration
	// Reorganised is what the chain's conductor says of this effect's reorganisations, nil before the first; Block is the hash of the block that the service showed at
	// that height, "" for none. Only the probe of an action that asks for MethodBlock has them.
	Reorganised *Reorganised
	Block       string
	// Instance is what a look at an instance of the app shows; of an effect on one nothing else is set.
	Instance InstanceState

	// Handshake says that the probe got as far as a TLS handshake. Certificate is what it found wrong with the certificate, "" when nothing was or none came.
	Handshake   bool
	Certificate CertMode

	// Host is the name that the probe asked the resolver for; empty for one that went to an address that it knew, as it does for effects of all layers but names and
	// certificate.
	Host string
	// Rcode is the resolver's word, "NOERROR" or "NXDOMAIN"; empty when none came. Addresses are those that it gave, LookupTook is what that took.
	Rcode      string
	Addresses  []string
	LookupTook time.Duration
	// Own says that the first of the addresses is one that the service has or had.
	Own bool
}

// MethodBlock asks for the block at a height. A probe that calls it asks for the one that was replaced, or for the head.
const MethodBlock = "eth_getBlockByNumber"
