package fault

import (
	"context"
	"net/http"
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

// ReplyRule is what one effect does to requests. Exactly one of HTTP and RPC is set.
type ReplyRule struct {
	Grip  *Grip
	Layer Layer // LayerHTTP or LayerRPC
	// HTTP makes the whole reply. ok = false leaves the request alone, without touching it.
	HTTP func(Request) (reply HTTPReply, ok bool)
	// RPC makes the error of one call; the other members of a batch go on to the node. ok = false leaves the call alone.
	RPC func(Request, RPCCall) (reply RPCError, ok bool)
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
	// Probe marks the probe of this very effect: a rule answers it as it answers what it takes, and uses up no token and no count on it.
	Probe bool
}

// RPCCall is one member of a JSON-RPC request.
type RPCCall struct {
	ID     []byte // raw JSON
	Method string
}

// HTTPReply is a whole reply in a fault's stead.
type HTTPReply struct {
	Status int
	Header http.Header
	Body   []byte
	// Delay is waited before the first byte.
	Delay time.Duration
}

// RPCError is a JSON-RPC error object. HTTPStatus is 200 when 0. Data is raw JSON or nil.
type RPCError struct {
	Code       int
	Message    string
	Data       []byte
	HTTPStatus int
}

// Dialect is how one provider words its own failures; facts and sources stand at each implementation in package gateways.
type Dialect interface {
	Name() string
	// RateLimited is the provider's answer to too many requests.
	RateLimited(Request) HTTPReply
	// Unavailable is the provider's body for an HTTP status of 500 and above.
	Unavailable(r Request, status int) HTTPReply
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
	RPCCode          int
	RPCMessage       string
	Took             time.Duration
	// Usual is the least that the same probe takes without the fault: the service's own latency.
	Usual time.Duration
	// Head is the block number that the service showed; Reference is the one of the reference node at that time. HeadAge is how long the service's head has
	// stood still.
	Head, Reference uint64
	HeadAge         time.Duration
	BlockTime       time.Duration
}
