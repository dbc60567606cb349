package fault

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"time"
)

// Layer is where a fault acts. Of several effects on one request the outermost layer wins: names, connection, certificate, http, rpc, chain.
type Layer string

// The layers, from the outermost inwards.
const (
	LayerNames       Layer = "names"
	LayerConnection  Layer = "connection"
	LayerCertificate Layer = "certificate"
	LayerHTTP        Layer = "http"
	LayerRPC         Layer = "rpc"
	LayerChain       Layer = "chain"
	LayerProcess     Layer = "process"
)

var layers = []Layer{LayerNames, LayerConnection, LayerCertificate, LayerHTTP, LayerRPC, LayerChain, LayerProcess}

// Depth orders layers: 0 is the outermost.
func (l Layer) Depth() int { return slices.Index(layers, l) }

// Unit is what a layer's shares are drawn on, in words fit for "30 % of …".
func (l Layer) Unit() string {
	switch l {
	case LayerNames:
		return "look-ups"
	case LayerConnection, LayerCertificate:
		return "new connections"
	case LayerHTTP, LayerRPC:
		return "requests"
	case LayerChain:
		return "backends"
	default:
		return "instances"
	}
}

// The kinds of target that a fault can act on: the kinds of service of the world file, a chain, or an instance of the app.
const (
	KindRPC      = "rpc"
	KindHTTP     = "http"
	KindStorage  = "storage"
	KindTCP      = "tcp"
	KindInternal = "internal" // nothing to inject there: the fault is a cause, which acts through depends_on
	KindChain    = "chain"
	KindApp      = "app"
)

// ParamType is the type of a parameter, as a user writes it.
type ParamType string

// The types of parameters. Decoded values have the Go type named on the right.
const (
	TypeInt      ParamType = "integer"  // int64
	TypeNumber   ParamType = "number"   // float64
	TypeString   ParamType = "string"   // string
	TypeBool     ParamType = "boolean"  // bool
	TypeDuration ParamType = "duration" // string as written ("40ms"), checked
	TypeRate     ParamType = "rate"     // string as written ("5/s"), checked
	TypeStrings  ParamType = "strings"  // []string
	TypePart     ParamType = "part"     // string as written ("50%"), checked, or int64: a share below the whole, or a count
	TypeChain    ParamType = "chain"    // string: a chain of the world, which the plan boots
	TypeAddress  ParamType = "address"  // string as written ("127.0.0.9"), checked: an IPv4 address of this machine, since nothing may leave it
)

// Param is one parameter of a fault, set in `with:`.
type Param struct {
	Name     string
	Type     ParamType
	Required bool
	Default  any      // nil when there is none
	Min, Max *float64 // of an integer, a number or a part's count, inclusive; of a duration in seconds, of a rate per second
	Enum     []string // of a string or strings
	Doc      string   // one sentence, with the unit
}

// With holds the decoded parameters of one use of a fault, defaults filled in.
type With map[string]any

// Definition is one entry of the catalogue.
type Definition struct {
	Name  string
	Layer Layer
	// Summary is one sentence for lists. Doc says what the app sees on the wire, Source where that is known from. Incident is one real case, or "".
	Summary, Doc, Source, Incident string
	// Kinds are the kinds of target that it can act on.
	Kinds []string
	// Availability says that the target does not serve while the fault holds: depends_on follows such faults only. AvailabilityOf, when set, decides by the
	// parameters instead. Ask Unavailable, which knows both.
	Availability   bool
	AvailabilityOf func(With) bool
	// Whole says that it takes all of its target or nothing: a share below 100 % makes no sense for it, nor does a region that holds a part of a service.
	Whole bool
	// NoFlap says that it cannot be switched off and on again: only its end undoes it.
	NoFlap bool
	// Link says that it acts on the connections of its service although its layer is another: the service is reached through a link.
	Link bool
	// Lingers is how long an effect still shows after it was lifted, by the parameters. Nil: not at all.
	Lingers func(With) time.Duration
	// CutsByDefault says that kept connections are taken too unless the scenario says `existing: keep`.
	CutsByDefault bool
	// Rewinds is how many of a chain's newest blocks the fault undoes. A plan whose chain calls one of them final is refused. Nil: none.
	Rewinds func(With) uint64
	Params  []Param
	// Meets says whether the fault is sure to act on a request that its share takes and that calls these JSON-RPC methods. Nil: on every one. Without it a fault
	// that met nothing it acts on would be taken for one that failed to act.
	Meets func(w With, methods []string) bool
	// NoSockets says that it cannot act on a message of a websocket that is open.
	NoSockets bool
	// New makes the action for one effect from checked parameters. Nil when the fault is only ever a cause (Kinds is internal alone).
	New func(With) (Action, error)
}

// ActsOn reports whether the fault can act on a kind of target.
func (d *Definition) ActsOn(kind string) bool { return slices.Contains(d.Kinds, kind) }

// Leads reports whether the fault leads requests to another chain than their own.
func (d *Definition) Leads() bool {
	return slices.ContainsFunc(d.Params, func(p Param) bool { return p.Type == TypeChain })
}

// Chain is the chain that a fault with these parameters leads to; "" for one that leads to none.
func (d *Definition) Chain(w With) string {
	for _, p := range d.Params {
		if p.Type == TypeChain {
			return w.String(p.Name)
		}
	}
	return ""
}

// Unavailable reports whether the target does not serve while the fault holds with these parameters: depends_on follows such faults only.
func (d *Definition) Unavailable(w With) bool {
	if d.AvailabilityOf != nil {
		return d.AvailabilityOf(w)
	}
	return d.Availability
}

// Afterglow is how long an effect with these parameters still shows after it was lifted.
func (d *Definition) Afterglow(w With) time.Duration {
	if d.Lingers == nil {
		return 0
	}
	return d.Lingers(w)
}

// Action injects, observes and lifts one effect. The run drives it through this life, and after any error only Lift is called:
//
//	planned ──Inject──▶ injecting ──Confirm──▶ confirmed ──Lift──▶ lifting ──Clear──▶ cleared
//
// Inject and Lift change the surface and return at once; they must not wait for traffic. Lift must be safe to call more than once and after a failed or partial
// Inject. Seen judges a probe that only this effect can have touched: true when the fault shows in it.
type Action interface {
	Inject(ctx context.Context, s Surface, g *Grip) error
	Lift(ctx context.Context, s Surface, g *Grip) error
	Seen(p Observation) bool
}

// Adjuster is an Action that must act itself when its share changes during its life (a ramp or a flap). Others are drawn anew at each unit and need nothing.
type Adjuster interface {
	Adjust(ctx context.Context, s Surface, g *Grip) error
}

// Prober is an Action that shows in some calls only: a probe has to make this one. An empty method is any call.
type Prober interface {
	ProbeMethod() string
}

var catalogue = map[string]*Definition{}

// register adds a fault at package initialisation; a name given twice is a programming error that the first test run shows.
func register(d Definition) *Definition {
	if _, ok := catalogue[d.Name]; ok {
		panic("fault: registered twice: " + d.Name)
	}
	catalogue[d.Name] = &d
	return &d
}

// Lookup finds a fault by name.
func Lookup(name string) (*Definition, bool) {
	d, ok := catalogue[name]
	return d, ok
}

// All gives the catalogue, sorted by layer from the outermost, then by name.
func All() []*Definition {
	all := make([]*Definition, 0, len(catalogue))
	for _, d := range catalogue {
		all = append(all, d)
	}
	sort.Slice(all, func(i, j int) bool {
		if a, b := all[i].Layer.Depth(), all[j].Layer.Depth(); a != b {
			return a < b
		}
		return all[i].Name < all[j].Name
	})
	return all
}

// New makes the action for one effect. The error names the fault.
func New(name string, with With) (Action, error) {
	d, ok := Lookup(name)
	if !ok {
		return nil, fmt.Errorf("no fault is called %q", name)
	}
	if d.New == nil {
		return nil, fmt.Errorf("%s cannot be injected: it is a cause that acts through depends_on", name)
	}
	a, err := d.New(with)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return a, nil
}
