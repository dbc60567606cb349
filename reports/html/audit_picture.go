package html

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"blackout/reports/audit"
)

// The picture of an audit has three columns, the app, the services and the regions, and between them bands as wide as the share of the requests. Regions of one cloud stand
// in one frame. What takes a journey down alone has a mark, words and a heavy border: no colour has to be told from another.
const (
	appX, appWidth         = 8, 150
	serviceX, serviceWidth = 340, 226
	regionX, regionWidth   = 752, 232
	nodeHeight             = 54 // at least: three lines of text
	nodeGap                = 12
	frameTop, frameGap     = 20, 10
	flowHeight             = 150.0 // of all requests
)

// node is one box of the picture.
type node struct {
	name      string
	lines     []string
	says      string // what becomes of journeys without it
	fate      audit.Fate
	idle      bool // not asked while nothing was broken
	share     float64
	x, y      float64
	width, h  float64
	in, outgo float64 // how much of its two sides bands have taken already
}

func (n *node) size() {
	n.h = math.Max(nodeHeight, n.share*flowHeight+8)
}

// auditPicture draws who is asked, where that stands, and what takes a journey down alone.
func auditPicture(a *audit.Audit) template.HTML {
	services, regions := serviceNodes(a), regionNodes(a)
	servicesHeight := stack(services)
	regionsHeight, frames := stackRegions(a, regions)
	height := math.Max(math.Max(servicesHeight, regionsHeight), nodeHeight+40)
	shift(services, (height-servicesHeight)/2)
	for i := range frames {
		frames[i].y += (height - regionsHeight) / 2
	}
	shift(regions, (height-regionsHeight)/2)
	app := &node{name: a.App, lines: []string{fmt.Sprintf("%d requests", a.Requests), fmt.Sprintf("in %.0f s", a.Seconds)}, share: 1, x: appX, width: appWidth}
	app.size()
	app.y = (height - app.h) / 2

	var bands, boxes strings.Builder
	for _, f := range frames {
		f.draw(&boxes)
	}
	at := map[string]*node{}
	for _, r := range regions {
		at[r.name] = r
	}
	for i, d := range a.Dependencies {
		band(&bands, app, services[i], d.Share, services[i].idle, fmt.Sprintf("%s asks %s: %s of its requests", a.App, d.Service, audit.Percent(d.Share)), services[i].fate)
		places := slices.Clone(d.Places)
		slices.SortStableFunc(places, func(x, y audit.Place) int { return cmp.Compare(top(at[x.Region]), top(at[y.Region])) }) // so that its bands do not cross
		for _, p := range places {
			r := at[p.Region]
			if r == nil || p.Requests == 0 && !services[i].idle {
				continue
			}
			band(&bands, services[i], r, p.Share, services[i].idle, fmt.Sprintf("%s in %s: %s of the requests", d.Service, p.Region, audit.Percent(p.Share)), worse(services[i].fate, r.fate))
		}
	}
	app.draw(&boxes)
	for _, n := range slices.Concat(services, regions) {
		n.draw(&boxes)
	}
	return frame(bands.String()+boxes.String(), height+8, "what "+a.App+" depends on: services, and the regions that they stand in")
}

// top is where a node begins; a node that is not drawn comes first.
func top(n *node) float64 {
	if n == nil {
		return 0
	}
	return n.y
}

func serviceNodes(a *audit.Audit) []*node {
	var list []*node
	for _, d := range a.Dependencies {
		n := &node{name: d.Service, lines: []string{fmt.Sprintf("%s of the requests · %s", audit.Percent(d.Share), d.Kind)}, share: d.Share, x: serviceX, width: serviceWidth, idle: d.Requests == 0}
		if n.idle {
			n.lines = []string{"asked only without another"}
		}
		n.tell(a, audit.Taken{Kind: audit.TakenService, Name: d.Service})
		n.size()
		list = append(list, n)
	}
	return list
}

// regionNodes are the regions that requests ended in or the app stands in, by cloud, in each the largest first. Those of idle services are left out, unless all is idle there.
func regionNodes(a *audit.Audit) []*node {
	shares := map[string]float64{}
	for _, d := range a.Dependencies {
		for _, p := range d.Places {
			if p.Requests > 0 || d.Requests == 0 {
				shares[p.Region] += p.Share
			}
		}
	}
	hosts := map[string]int{}
	for _, i := range a.Instances {
		hosts[i.Region] = i.Count
		shares[i.Region] += 0
	}
	clouds := map[string]float64{}
	for region, share := range shares {
		clouds[cloud(region)] += share
	}
	var list []*node
	for _, region := range sortedKeys(shares) {
		n := &node{name: region, lines: []string{audit.Percent(shares[region]) + " of the requests"}, share: shares[region], x: regionX, width: regionWidth, idle: shares[region] == 0}
		if hosts[region] > 0 {
			n.lines[0] += fmt.Sprintf(" · the app × %d", hosts[region])
		}
		n.tell(a, audit.Taken{Kind: audit.TakenRegion, Name: region})
		n.size()
		list = append(list, n)
	}
	slices.SortStableFunc(list, func(x, y *node) int {
		return cmp.Or(cmp.Compare(clouds[cloud(y.name)], clouds[cloud(x.name)]), cmp.Compare(cloud(x.name), cloud(y.name)), cmp.Compare(y.share, x.share))
	})
	return list
}

func cloud(region string) string {
	of, _, _ := strings.Cut(region, "/")
	return of
}

// tell says on a node what became of the journeys without it: the gravest of their fates, and of how many.
func (n *node) tell(a *audit.Audit, what audit.Taken) {
	of, all := map[audit.Fate]int{}, 0
	for _, x := range a.Experiments {
		if x.Taken != what {
			continue
		}
		for _, o := range x.Journeys {
			of[o.Fate]++
			all++
		}
	}
	if all == 0 {
		return
	}
	var lost int
	for _, f := range audit.Fates() {
		if of[f] > 0 && n.fate == "" {
			n.fate = f
		}
		if f.Lost() {
			lost += of[f]
		}
	}
	if of[audit.Unknown] > 0 && !n.fate.Lost() {
		n.fate = audit.Unknown
	}
	switch {
	case lost > 0:
		n.says = fmt.Sprintf("✗ takes down %d of %d journeys", lost, all)
	case n.fate == audit.Unknown:
		n.says = "? not known what it takes down"
	case n.fate == audit.Degrades:
		n.says = fmt.Sprintf("~ %d of %d journeys degrade without it", of[audit.Degrades], all)
	default:
		n.says = "✓ every journey survives without it"
	}
}

// worse is the graver of two fates for a band: one of a single point stands out.
func worse(x, y audit.Fate) audit.Fate {
	if x.Lost() {
		return x
	}
	return y
}

// stack puts nodes below one another and gives their height.
func stack(nodes []*node) float64 {
	y := 4.0
	for _, n := range nodes {
		n.y = y
		y += n.h + nodeGap
	}
	return y - nodeGap + 4
}

func shift(nodes []*node, by float64) {
	for _, n := range nodes {
		n.y += by
	}
}

// cloudFrame is the frame around the regions of one cloud.
type cloudFrame struct {
	name        string
	independent bool
	y, h        float64
}

// stackRegions is stack with a frame around the regions of each cloud.
func stackRegions(a *audit.Audit, nodes []*node) (height float64, frames []cloudFrame) {
	apart := map[string]bool{}
	for _, d := range a.Dependencies {
		for _, p := range d.Places {
			apart[p.Cloud] = apart[p.Cloud] || p.Independent
		}
	}
	y := 4.0
	for i, n := range nodes {
		if i == 0 || cloud(nodes[i-1].name) != cloud(n.name) {
			if i > 0 {
				y += frameGap
			}
			frames = append(frames, cloudFrame{name: cloud(n.name), independent: apart[cloud(n.name)], y: y})
			y += frameTop
		}
		n.y = y
		y += n.h + nodeGap/2
		frames[len(frames)-1].h = y - frames[len(frames)-1].y
	}
	return y + 4, frames
}

func (f cloudFrame) draw(out *strings.Builder) {
	class, text := "cloud", "cloud "+f.name
	if f.independent {
		class, text = "cloud apart", f.name+": independent operators"
	}
	fmt.Fprintf(out, `<rect class="%s" x="%d" y="%.1f" width="%d" height="%.1f" rx="8"/><text x="%d" y="%.1f">%s</text>`, class, regionX-8, f.y, regionWidth+16, f.h, regionX, f.y+14, clean(clip(text, 40)))
}

func (n *node) draw(out *strings.Builder) {
	class := "node"
	switch {
	case n.fate.Lost():
		class += " lost"
	case n.idle:
		class += " idle"
	}
	fmt.Fprintf(out, `<g><title>%s</title><rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="6"/>`, clean(strings.Join(append([]string{n.name, n.says}, n.lines...), "; ")), class, n.x, n.y, n.width, n.h)
	lines := n.lines
	if n.says != "" {
		lines = append(slices.Clone(lines), n.says)
	}
	y := n.y + (n.h-float64(15*len(lines)))/2 + 5
	fmt.Fprintf(out, `<text class="title" x="%.1f" y="%.1f">%s</text>`, n.x+9, y, clean(clip(n.name, int(n.width/7))))
	for i, line := range lines {
		class := "in"
		if line == n.says && n.fate.Lost() {
			class = "in loud"
		}
		fmt.Fprintf(out, `<text class="%s" x="%.1f" y="%.1f">%s</text>`, class, n.x+9, y+15*float64(i+1), clean(clip(line, int(n.width/5.8))))
	}
	out.WriteString(`</g>`)
}

// band joins two nodes, as wide as the share.
func band(out *strings.Builder, from, to *node, share float64, idle bool, title string, fate audit.Fate) {
	width := math.Max(share*flowHeight, 1.5)
	x1, x2 := from.x+from.width, to.x
	y1, y2 := from.side(&from.outgo, width), to.side(&to.in, width)
	middle := (x1 + x2) / 2
	if idle {
		fmt.Fprintf(out, `<path class="thread" d="M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f"><title>%s</title></path>`, x1, y1, middle, y1, middle, y2, x2, y2, clean(title))
		return
	}
	class := "band"
	if fate.Lost() {
		class += " lost"
	}
	fmt.Fprintf(out, `<path class="%s" d="M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1fL%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1fZ"><title>%s</title></path>`, class,
		x1, y1, middle, y1, middle, y2, x2, y2, x2, y2+width, middle, y2+width, middle, y1+width, x1, y1+width, clean(title))
}

// side takes the next piece of a node's side, from the top of the middle part on.
func (n *node) side(taken *float64, width float64) float64 {
	y := n.y + (n.h-n.share*flowHeight)/2 + *taken
	*taken += width
	return y
}
