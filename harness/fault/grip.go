package fault

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// Draw says whether the n-th unit of a service falls into a share, by a hash of (seed, label, service, n). There is no shared generator, so nothing shifts when
// something else changes. share is in [0, 1].
func Draw(seed uint64, label, service string, n uint64, share float64) bool {
	switch {
	case share >= 1:
		return true
	case share <= 0:
		return false
	}
	return Fraction(seed, label, service, n) < share
}

// Fraction is the hash under Draw as a number in [0, 1), uniform over n.
func Fraction(seed uint64, label, service string, n uint64) float64 {
	buf := make([]byte, 0, 16+len(label)+len(service)+2)
	buf = binary.BigEndian.AppendUint64(buf, seed)
	buf = append(buf, label...)
	buf = append(buf, 0)
	buf = append(buf, service...)
	buf = append(buf, 0)
	buf = binary.BigEndian.AppendUint64(buf, n)
	sum := sha256.Sum256(buf)
	return float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
}

// Region is the part of a service that lies in one place. The shares of a service sum to 1.
type Region struct {
	Name  string
	Share float64
}

// Place is the region in which the n-th unit of a service lies, drawn by the regions' shares; "" without regions. A region without a share gets none.
func Place(seed uint64, service string, regions []Region, n uint64) string {
	left, last := Fraction(seed, "placement", service, n), ""
	for _, r := range regions {
		if r.Share == 0 {
			continue
		}
		if last = r.Name; left < r.Share {
			return r.Name
		}
		left -= r.Share
	}
	return last // the shares summed to a hair below 1
}

// Grip is the hold that one effect has on one service while it acts: which units it may take, how many of them just now, and what it has touched. It is safe
// for concurrent use. Links and gateways ask Takes for each unit and report with Touch.
type Grip struct {
	// ID is the effect's id in the plan. Service is what it acts on; Chain and Regions narrow it: "" is every chain, none is every region.
	// For an effect on an instance of the app only Instance is set.
	ID, Service, Chain, Instance string
	Regions                      []string
	Seed                         uint64
	// Cut says that connections that were open before the fault are taken too.
	Cut bool

	share       atomic.Uint64 // math.Float64bits
	connections atomic.Int64
	requests    atomic.Int64
	lookups     atomic.Int64
	instances   atomic.Int64
	unseen      atomic.Bool
	hitOnce     sync.Once
	hit         chan struct{}
	initHit     sync.Once
}

// SetShare sets the share that holds from now on, in [0, 1].
func (g *Grip) SetShare(share float64) { g.share.Store(math.Float64bits(share)) }

// Share is the share that holds now.
func (g *Grip) Share() float64 { return math.Float64frombits(g.share.Load()) }

// Covers reports whether a unit in this region and for this chain is in the effect's reach, whatever the share. An empty chain is a unit that belongs to none.
func (g *Grip) Covers(region, chain string) bool {
	return (len(g.Regions) == 0 || slices.Contains(g.Regions, region)) && (g.Chain == "" || chain == "" || g.Chain == chain)
}

// Takes reports whether the effect takes the n-th unit, which lies in this region and is for this chain.
func (g *Grip) Takes(region, chain string, n uint64) bool {
	return g.Covers(region, chain) && Draw(g.Seed, g.ID, g.Service, n, g.Share())
}

// Touch counts one unit of the app that the effect acted on. Probes are never counted.
func (g *Grip) Touch(l Layer) {
	switch l {
	case LayerNames:
		g.lookups.Add(1)
	case LayerConnection, LayerCertificate:
		g.connections.Add(1)
	case LayerProcess:
		g.instances.Add(1)
	default:
		g.requests.Add(1)
	}
	g.hitOnce.Do(func() { close(g.hitChan()) })
}

// MarkUnseen notes that units were, or may have been, taken where nothing of ours could count them: a closed listener refuses connections in the kernel, so they
// never reach a link. Such an effect can have acted with all counts at 0.
func (g *Grip) MarkUnseen() { g.unseen.Store(true) }

// Unseen reports whether MarkUnseen was ever called: the counts are then a lower bound.
func (g *Grip) Unseen() bool { return g.unseen.Load() }

// Hit is closed when the effect has touched its first unit.
func (g *Grip) Hit() <-chan struct{} { return g.hitChan() }

func (g *Grip) hitChan() chan struct{} {
	g.initHit.Do(func() { g.hit = make(chan struct{}) })
	return g.hit
}

// Counts is what was touched so far at the services: look-ups, connections, requests.
func (g *Grip) Counts() (lookups, connections, requests int64) {
	return g.lookups.Load(), g.connections.Load(), g.requests.Load()
}

// Instances is how many instances of the app were touched so far.
func (g *Grip) Instances() int64 { return g.instances.Load() }
