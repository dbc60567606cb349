package terminal

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"blackout/harness/clock"
	"blackout/harness/history"
	"blackout/harness/plan"
	"blackout/reports/verdict"
)

// Board shows runs while they go on. Each run is a Lane; Draw is called about once a second. On a terminal the board is drawn over itself; elsewhere it is one line
// whenever a lane's stage, phase or faults change, and one every ten seconds.
type Board struct {
	out         io.Writer
	interactive bool
	clock       clock.Clock

	mu    sync.Mutex
	opens bool // says where the app can be opened
	lanes []*Lane
	drawn int // lines on the screen that the next drawing goes over
}

// NewBoard makes an empty board.
func NewBoard(out io.Writer, interactive bool, c clock.Clock) *Board {
	return &Board{out: out, interactive: interactive, clock: c}
}

// ShowAddresses has the board say where the app can be opened. Of runs that go on side by side it would be more than one wants to read.
func (b *Board) ShowAddresses() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opens = true
}

// Lane is one run on a board. Line is called with each line of its history, from one goroutine.
type Lane struct {
	name string
	plan *plan.Plan
	c    clock.Clock

	mu      sync.Mutex
	decoder *history.Decoder
	broken  error
	stage   string
	started clock.Micros // of the plan's zero, on the board's clock
	running bool
	acting  map[string]bool // effect ids that are injected and not lifted
	counts  map[string]map[verdict.Class]int
	open    map[string]int // attempts whose class is not known yet: payments that may still settle
	judged  int            // attempts at the last judging
	ended   string
	urls    []string // where the app can be opened

	told   string // what the last plain line was about
	toldAt clock.Micros
	shown  int // of urls
}

// Add puts a run on the board.
func (b *Board) Add(p *plan.Plan) *Lane {
	l := &Lane{
		name: fmt.Sprintf("%s × %s · seed %d", p.Scenario, p.App, p.Seed), plan: p, c: b.clock, decoder: history.NewDecoder(),
		stage: "starting", acting: map[string]bool{}, counts: map[string]map[verdict.Class]int{}, open: map[string]int{},
	}
	if p.Control {
		l.name += " · control"
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lanes = append(b.lanes, l)
	return l
}

// Line takes one line of the run's history.
func (l *Lane) Line(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.decoder.History()
	faults, stages := len(h.Faults), len(h.Stages)
	had := h.Timeline != nil
	if err := l.decoder.Line(line); err != nil {
		l.broken = err
		return
	}
	if len(h.Stages) > stages {
		l.stage = h.Stages[stages].Name
	}
	if !had && h.Timeline != nil {
		l.started, l.running = l.c.Now(), true
	}
	for _, f := range h.Faults[faults:] {
		switch f.State {
		case history.FaultInjecting:
			l.acting[f.ID] = true
		case history.FaultLifting, history.FaultCleared:
			delete(l.acting, f.ID)
		}
	}
}

// Opened says where an instance of the app can be opened while the run goes on.
func (l *Lane) Opened(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.urls = append(l.urls, address)
}

// End says how the run ended; the lane shows it from now on.
func (l *Lane) End(word string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended, l.running = word, false
}

// judge counts the classes so far. It judges what there is, as the final verdict will.
func (l *Lane) judge() {
	h := l.decoder.History()
	if len(h.Attempts) == l.judged || h.Timeline == nil {
		return
	}
	l.judged = len(h.Attempts)
	j, err := verdict.Judge(h)
	if err != nil {
		return
	}
	for _, c := range j.Verdict.Cells {
		total := map[verdict.Class]int{}
		for name, classes := range c.Attempts {
			if name == verdict.Baseline && l.past() {
				continue // once the outage has begun, the board shows what came since
			}
			for class, n := range classes {
				total[class] += n
			}
		}
		l.counts[c.Journey] = total
	}
	l.countOpen(h, j)
}

// countOpen counts, for each journey, the attempts that have ended for the user and that the judge leaves out until they settle.
func (l *Lane) countOpen(h *history.History, j *verdict.Judgement) {
	judged := map[string]bool{}
	for a := range j.All() {
		judged[a.ID] = true
	}
	clear(l.open)
	for _, a := range h.Attempts {
		if !judged[a.ID] {
			l.open[a.Journey]++
		}
	}
}

// elapsed is the time since the plan's zero.
func (l *Lane) elapsed() clock.Micros { return l.c.Now() - l.started }

func (l *Lane) past() bool { return l.running && l.elapsed() >= l.plan.Baseline }

// where names the present part of the timeline.
func (l *Lane) where() string {
	if !l.running {
		return l.stage
	}
	switch at := l.elapsed(); {
	case l.stage != "timeline":
		return l.stage
	case at < l.plan.Baseline:
		return "baseline"
	case at < l.plan.OutageEnd && len(l.plan.Effects) > 0:
		var names []string
		for _, p := range l.plan.Phases {
			if p.From <= at && at < p.To {
				names = append(names, p.Name)
			}
		}
		if len(names) == 0 {
			return "outage"
		}
		return "outage: " + strings.Join(names, " + ")
	case len(l.plan.Effects) == 0:
		return "nothing is broken (control)"
	default:
		return "after"
	}
}

// broke lists what is broken now, in the plan's order.
func (l *Lane) broke() []string {
	var list []string
	for _, e := range l.plan.Effects {
		if l.acting[e.ID] {
			list = append(list, Describe(e))
		}
	}
	return list
}

// Describe says what an effect does: "http-status 503 on infura, up to 56 % of requests".
func Describe(e plan.Effect) string {
	on := cmp.Or(e.Service, e.Chain)
	if e.Instance != "" {
		on = "instance " + e.Instance
	}
	text := e.Fault
	if status, ok := e.With["status"]; ok {
		text += fmt.Sprintf(" %v", status)
	}
	text += " on " + on
	if e.Reach < 1 {
		text += fmt.Sprintf(", up to %.0f %% of %s", 100*e.Reach, e.Unit)
	}
	return text
}

// up goes to the first of so many lines and clears from there: from their first column, since a terminal shows Ctrl-C as ^C.
const up = "\r\x1b[%dA\x1b[J"

// Draw shows the board as it is now.
func (b *Board) Draw() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.interactive {
		for _, l := range b.lanes {
			if b.opens {
				l.tellAddresses(b.out)
			}
			l.tell(b.out)
		}
		return
	}
	var text strings.Builder
	if b.drawn > 0 {
		fmt.Fprintf(&text, up, b.drawn)
	}
	b.drawn = 0
	for _, l := range b.lanes {
		for _, line := range l.lines(b.opens) {
			text.WriteString(line + "\n")
			b.drawn++
		}
	}
	io.WriteString(b.out, text.String())
}

// Clear takes the board off the screen, so that something else stands in its place; the next drawing goes below that.
func (b *Board) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.interactive && b.drawn > 0 {
		fmt.Fprintf(b.out, up, b.drawn)
		b.drawn = 0
	}
}

// lines draws one lane.
func (l *Lane) lines(opens bool) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended != "" {
		return []string{paint(bold, l.name) + "  " + l.ended}
	}
	l.judge()
	head := l.name
	clockText := ""
	if l.running {
		clockText = fmt.Sprintf("%s of %s", minutes(l.elapsed()), minutes(l.plan.End))
	}
	lines := []string{
		paint(bold, head) + strings.Repeat(" ", max(1, Width-len([]rune(head))-len(clockText))) + paint(dim, clockText),
		"  " + l.bar() + " " + clip(l.where(), Width-36),
	}
	if opens && len(l.urls) > 0 {
		lines = append(lines, paint(dim, "  "+l.whereOpen()))
	}
	broke := l.broke()
	if len(broke) == 0 {
		lines = append(lines, paint(dim, "  nothing is broken now"))
	}
	for _, text := range broke {
		lines = append(lines, "  "+paint(yellow, "✗ "+clip(text, Width-4)))
	}
	for _, j := range l.plan.Journeys {
		if counts, ok := l.counts[j.Name]; ok {
			lines = append(lines, fmt.Sprintf("  %-16s %s", clip(j.Name, 16), tally(counts, l.open[j.Name])))
		}
	}
	return append(lines, "")
}

const barWidth = 30

// bar draws the timeline with the outage marked and the present filled.
func (l *Lane) bar() string {
	var out strings.Builder
	end := max(l.plan.End, 1)
	for i := range barWidth {
		at := clock.Micros(i) * end / barWidth
		mark := "─"
		if at >= l.plan.Baseline && at < l.plan.OutageEnd && len(l.plan.Effects) > 0 {
			mark = "━"
		}
		switch {
		case l.running && at <= l.elapsed() && mark == "━":
			out.WriteString(paint(yellow, mark))
		case l.running && at <= l.elapsed():
			out.WriteString(paint(blue, mark))
		default:
			out.WriteString(paint(dim, mark))
		}
	}
	return out.String()
}

// tally writes the classes that occurred, best first, and how many attempts have none yet.
func tally(counts map[verdict.Class]int, open int) string {
	var parts []string
	for _, c := range verdict.Classes() {
		if n := counts[c]; n > 0 {
			parts = append(parts, paint(classStyle(c), fmt.Sprintf("%s %d", c, n)))
		}
	}
	if open > 0 {
		parts = append(parts, paint(dim, fmt.Sprintf("unsettled %d", open)))
	}
	return strings.Join(parts, "  ")
}

// sayEvery is the pause between two plain lines about the same state.
const sayEvery = clock.Micros(10 * time.Second / time.Microsecond)

// tell writes a plain line when there is something new to say.
func (l *Lane) tell(out io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	state := l.ended
	if state == "" {
		state = l.where()
		if broke := l.broke(); len(broke) > 0 {
			state += " [" + strings.Join(broke, "; ") + "]"
		}
	}
	now := l.c.Now()
	if state == l.told && (l.ended != "" || !l.running || now-l.toldAt < sayEvery) {
		return
	}
	l.told, l.toldAt = state, now
	at := ""
	if l.running {
		at = minutes(l.elapsed()) + " "
	}
	fmt.Fprintf(out, "%s%s: %s\n", at, l.name, state)
	if l.running {
		l.judge()
		for _, j := range l.plan.Journeys {
			if text := tally(l.counts[j.Name], l.open[j.Name]); text != "" {
				fmt.Fprintf(out, "      %-16s %s\n", j.Name, text)
			}
		}
	}
}

// tellAddresses says where the app can be opened, when that is news.
func (l *Lane) tellAddresses(out io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, address := range l.urls[l.shown:] {
		fmt.Fprintf(out, "%s: open %s\n", l.name, address)
	}
	l.shown = len(l.urls)
}

// whereOpen is where the app can be opened, in a line.
func (l *Lane) whereOpen() string {
	if more := len(l.urls) - 1; more > 0 {
		return fmt.Sprintf("open %s (%d more in environment.json)", l.urls[0], more)
	}
	return "open " + l.urls[0]
}

func minutes(m clock.Micros) string {
	s := max(int(m.Seconds()), 0)
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
